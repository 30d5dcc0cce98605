/* SPDX-License-Identifier: BSD-3-Clause
 *
 * p11-sam.yaml(5): where things are. What weakens security stands in the policy.
 */
#ifndef SAM_BASE_CONFIG_H
#define SAM_BASE_CONFIG_H

#include <limits.h>
#include <stdint.h>
#include "base/mem.h"
#include "base/name.h"
#include "base/reason.h"

#define SAM_CONFIG_PATH "/etc/p11-sam/p11-sam.yaml"

struct sam_config {
	/* path (of the file itself), cm_module and policy: with links resolved */
	char path[PATH_MAX];
	uint8_t sha256[32];        /* of the file */
	char sam_id[256];
	char label[33];
	char user[64];
	char cm_module[PATH_MAX];
	char cm_token[33];         /* one of cm_token and cm_serial is set */
	char cm_serial[17];
	char cm_pin_source[PATH_MAX];
	unsigned cm_sessions;      /* 1 to 64, default 4 */
	unsigned cm_recheck_ms;    /* default 1,000 */
	char store[PATH_MAX];      /* behind "sqlite:" */
	char policy[PATH_MAX];
	char log[PATH_MAX + 8];    /* "journal" or "file:PATH" */
	bool protected_path;
	char notify[108];          /* behind "unix:": a datagram socket that is told of requests; "": none */
	char application[SAM_NAME_SIZE];
	bool root_owned;           /* the file and its folders: what levels 2 and 3 ask for */
};

/** sam_config_find(explicit, path, size): The path to read: ${explicit} if not NULL, else
 * P11_SAM_CONFIG (secure_getenv), else SAM_CONFIG_PATH. */
bool sam_config_find(const char *explicit_path, char *path, size_t size);

/** sam_config_load(path, out, msg): Read and check everything, ownership and modes included (its own,
 * the policy's, cm.module's). ${path} must be absolute. Changes nothing. CONFIG with ${msg}, and a
 * zeroed ${out}; it needs no free. */
enum sam_reason sam_config_load(const char *path, struct sam_config *out, struct sam_msg *msg) SAM_MUST;

#endif
