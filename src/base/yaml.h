/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A strict reader of small YAML files over libyaml's events: one document, maps, lists and plain or
 * quoted scalars, blocks (|) where asked for; no aliases, anchors, tags, duplicate keys; at most 1 MiB, 8 deep. Every refusal
 * names file, line, column, reason and remedy and never quotes the contents. Nothing is logged
 * here: the sentence goes back in ${msg}, and who began logs or prints it.
 */
#ifndef SAM_BASE_YAML_H
#define SAM_BASE_YAML_H

#include <stddef.h>
#include <stdint.h>
#include "base/mem.h"
#include "base/reason.h"

enum { SAM_YAML_MAX = 1 << 20, SAM_YAML_DEPTH = 8, SAM_YAML_NODES = 4096 };

enum sam_yaml_kind { SAM_YAML_SCALAR, SAM_YAML_LIST, SAM_YAML_MAP };

struct sam_yaml {
	enum sam_yaml_kind kind;
	unsigned line, column;     /* 1-based, columns in characters */
	unsigned key_line, key_column; /* in a map: of its key */
	const char *file;          /* for messages */
	char *key;                 /* in a map: its key */
	char *text;                /* of a scalar */
	bool quoted;
	bool block;                /* a text of several lines (|); quoted too */
	struct sam_yaml *items;    /* of a list or map: its first */
	struct sam_yaml *next;
	bool used;                 /* asked for; what is not is an unknown key */
};

/** sam_yaml_parse(file, text, len, out, msg): ${file} is for messages and copied. The caller frees
 * with sam_yaml_free(). CONFIG with ${msg} if it is not such a file. */
enum sam_reason sam_yaml_parse(const char *file, const void *text, size_t len, struct sam_yaml **out,
			       struct sam_msg *msg) SAM_MUST;
void sam_yaml_free(struct sam_yaml *node);
SAM_AUTO_FREE(struct sam_yaml, sam_yaml_free);

/** sam_yaml_get(map, key): That member, marked as used; NULL if absent or ${map} is NULL. */
struct sam_yaml *sam_yaml_get(struct sam_yaml *map, const char *key);

/** sam_yaml_need(map, key, kind, out, msg): The same for a member that must be there, and of this
 * kind; refused with ${msg} otherwise. */
enum sam_reason sam_yaml_need(struct sam_yaml *map, const char *key, enum sam_yaml_kind kind,
			      struct sam_yaml **out, struct sam_msg *msg) SAM_MUST;

/* Each: absent (NULL) leaves the default in *out; a wrong type or value is refused with ${msg}. */
enum sam_reason sam_yaml_text(struct sam_yaml *node, const char **out, struct sam_msg *msg) SAM_MUST;
enum sam_reason sam_yaml_block(struct sam_yaml *node, const char **out, struct sam_msg *msg) SAM_MUST; /* or one line */
enum sam_reason sam_yaml_bool(struct sam_yaml *node, bool *out, struct sam_msg *msg) SAM_MUST;
enum sam_reason sam_yaml_number(struct sam_yaml *node, int64_t min, int64_t max, int64_t *out,
				struct sam_msg *msg) SAM_MUST;

/** sam_yaml_duration(node, min_ms, max_ms, out_ms, msg): A whole number with ms, s, m, h or d behind
 * it, or 0; in milliseconds. */
enum sam_reason sam_yaml_duration(struct sam_yaml *node, int64_t min_ms, int64_t max_ms,
				  int64_t *out_ms, struct sam_msg *msg) SAM_MUST;

/** sam_yaml_refuse(node, msg, fmt, ...): "FILE:LINE:COLUMN: …" into ${msg}; gives CONFIG. */
enum sam_reason sam_yaml_refuse(const struct sam_yaml *node, struct sam_msg *msg, const char *fmt, ...)
	__attribute__((format(printf, 3, 4))) SAM_MUST;

/** sam_yaml_all_used(root, msg): Refuses the first key that nobody asked for. */
enum sam_reason sam_yaml_all_used(const struct sam_yaml *root, struct sam_msg *msg) SAM_MUST;

#endif
