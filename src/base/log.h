/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The log for operators: failures once, where they are found. Not the audit trail. No secrets: there
 * is no way to print bytes here (invariant 8).
 */
#ifndef SAM_BASE_LOG_H
#define SAM_BASE_LOG_H

#include "base/reason.h"

enum sam_log_level { SAM_LOG_ERR = 3, SAM_LOG_WARNING = 4, SAM_LOG_INFO = 6 };

/** sam_log_open(target): "journal" (native protocol, one datagram, else /dev/log), "stderr"
 * (tools only), or "file:PATH" (appended, 0600). False if the file cannot be opened. */
bool sam_log_open(const char *target, struct sam_msg *msg);

/** sam_log(level, fmt, ...): One line, cut at 1,024 bytes, control characters replaced. */
void sam_log(enum sam_log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** sam_log_reason(reason, fmt, ...): Log an error with the reason's name and give ${reason} back. */
enum sam_reason sam_log_reason(enum sam_reason reason, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
