/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The strict reader of YAML: libyaml's events into a small tree. All that YAML can and our files
 * need not (aliases, anchors, tags, directives, several documents, values over several lines) is
 * refused.
 */
#include <string.h>
#include <yaml.h>
#include "base/yaml.h"

struct reader {
	yaml_parser_t parser;
	struct sam_yaml at; /* where we are, for messages */
	const uint8_t *text;
	size_t len;
	size_t nodes;
	struct sam_msg *msg;
};

static void free_list(struct sam_yaml *node)
{
	while (node) {
		struct sam_yaml *next = node->next;

		free_list(node->items);
		free(node->key);
		free(node->text);
		free(node);
		node = next;
	}
}

void sam_yaml_free(struct sam_yaml *node)
{
	if (!node)
		return;
	/* Only the root owns the file's name. */
	free((char *)node->file);
	free_list(node);
}

/* Refuse at a place of libyaml's. ${why} is constant: nothing of the file may be quoted. */
static enum sam_reason refuse_at(struct reader *r, const yaml_mark_t *mark, const char *why)
{
	r->at.line = (unsigned)mark->line + 1;
	r->at.column = (unsigned)mark->column + 1;
	return sam_yaml_refuse(&r->at, r->msg, "%s", why);
}

/* libyaml's reader tells the byte only. */
static enum sam_reason refuse_byte(struct reader *r, size_t offset)
{
	unsigned line = 1, column = 1;

	for (size_t i = 0; i < offset && i < r->len; i++) {
		if (r->text[i] == '\n' ||
		    (r->text[i] == '\r' && !(i + 1 < r->len && r->text[i + 1] == '\n'))) {
			line++;
			column = 1;
		} else if ((r->text[i] & 0xc0) != 0x80) {
			column++;
		}
	}
	r->at.line = line;
	r->at.column = column;
	return sam_yaml_refuse(
		&r->at, r->msg,
		"not UTF-8, or a control character; save the file as plain UTF-8 text");
}

static enum sam_reason refuse_syntax(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;

	switch (p->error) {
	case YAML_MEMORY_ERROR:
		sam_msg_set(r->msg, "%s: out of memory", r->at.file);
		return SAM_MEMORY;
	case YAML_READER_ERROR:
		return refuse_byte(r, p->problem_offset);
	default:
		r->at.line = (unsigned)p->problem_mark.line + 1;
		r->at.column = (unsigned)p->problem_mark.column + 1;
		/* libyaml's problems are constant words of its own. */
		return sam_yaml_refuse(
			&r->at, r->msg,
			"not well-formed YAML (%s); check indentation, colons and quotes here",
			p->problem ? p->problem : "syntax");
	}
}

static enum sam_reason next_event(struct reader *r, yaml_event_t *event)
{
	if (!yaml_parser_parse(&r->parser, event))
		return refuse_syntax(r);
	return SAM_OK;
}

static size_t count_characters(const uint8_t *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += (text[i] & 0xc0) != 0x80;
	return n;
}

/* C0, DEL and C1: they come in by escapes, and would reach logs and terminals from there. In a block lines end. */
static bool has_control(const uint8_t *text, size_t len, bool block)
{
	for (size_t i = 0; i < len; i++) {
		if (block && text[i] == '\n')
			continue;
		if (text[i] < 0x20 || text[i] == 0x7f)
			return true;
		if (text[i] == 0xc2 && i + 1 < len && text[i + 1] < 0xa0)
			return true;
	}
	return false;
}

static enum sam_reason check_scalar(struct reader *r, const yaml_event_t *event)
{
	const yaml_mark_t *start = &event->start_mark, *end = &event->end_mark;
	yaml_scalar_style_t style = event->data.scalar.style;
	const uint8_t *value = event->data.scalar.value;
	size_t len = event->data.scalar.length;
	bool plain = style == YAML_PLAIN_SCALAR_STYLE, block = style == YAML_LITERAL_SCALAR_STYLE;

	if (style == YAML_FOLDED_SCALAR_STYLE)
		return refuse_at(r, start, "a folded block of text (>) is not taken; write one line");
	if (!block && start->line != end->line)
		return refuse_at(r, start, "a value over several lines; write it on one line");
	/* libyaml forgets the tag "!" of a scalar: it shows in the flags or in the length. */
	if (event->data.scalar.tag || (!plain && !event->data.scalar.quoted_implicit) ||
	    (plain && end->index - start->index != count_characters(value, len)))
		return refuse_at(r, start, "YAML tags (!) are not taken; remove it");
	if (has_control(value, len, block))
		return refuse_at(r, start, "a control character in a value; remove it");
	return SAM_OK;
}

/* What the event says of itself: is it something that we take at all? */
static enum sam_reason check_event(struct reader *r, const yaml_event_t *event, unsigned depth)
{
	const yaml_char_t *anchor = NULL, *tag = NULL;

	switch (event->type) {
	case YAML_SCALAR_EVENT:
		anchor = event->data.scalar.anchor;
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = event->data.sequence_start.anchor;
		tag = event->data.sequence_start.tag;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = event->data.mapping_start.anchor;
		tag = event->data.mapping_start.tag;
		break;
	default: /* an alias: nothing else can stand where a value begins */
		return refuse_at(r, &event->start_mark,
				 "YAML aliases (*) are not taken; write the value out");
	}
	if (anchor)
		return refuse_at(r, &event->start_mark,
				 "YAML anchors (&) are not taken; remove it");
	if (tag)
		return refuse_at(r, &event->start_mark, "YAML tags (!) are not taken; remove it");
	if (event->type == YAML_SCALAR_EVENT)
		return check_scalar(r, event);
	if (depth >= SAM_YAML_DEPTH)
		return refuse_at(r, &event->start_mark, "more than 8 levels deep; flatten it");
	return SAM_OK;
}

static struct sam_yaml *new_node(struct reader *r, const yaml_event_t *event)
{
	struct sam_yaml *node = calloc(1, sizeof *node);

	if (!node)
		return NULL;
	node->file = r->at.file;
	node->line = (unsigned)event->start_mark.line + 1;
	node->column = (unsigned)event->start_mark.column + 1;
	switch (event->type) {
	case YAML_SEQUENCE_START_EVENT:
		node->kind = SAM_YAML_LIST;
		break;
	case YAML_MAPPING_START_EVENT:
		node->kind = SAM_YAML_MAP;
		break;
	default:
		node->kind = SAM_YAML_SCALAR;
		node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
		node->block = event->data.scalar.style == YAML_LITERAL_SCALAR_STYLE;
		node->text = strdup((const char *)event->data.scalar.value);
		if (!node->text) {
			free(node);
			return NULL;
		}
	}
	return node;
}

static enum sam_reason read_node(struct reader *r, const yaml_event_t *event, unsigned depth,
				 struct sam_yaml **out);

/* The key of a map's next member; it is kept in ${key} with its place. */
static enum sam_reason read_key(struct reader *r, const yaml_event_t *event,
				const struct sam_yaml *map, struct sam_yaml **key)
{
	enum sam_reason reason;

	if (event->type != YAML_SCALAR_EVENT && event->type != YAML_ALIAS_EVENT)
		return refuse_at(r, &event->start_mark,
				 "a list or map as a key; a key is one word and a colon");
	reason = check_event(r, event, 0);
	if (reason != SAM_OK)
		return reason;
	if (event->data.scalar.style == YAML_LITERAL_SCALAR_STYLE)
		return refuse_at(r, &event->start_mark,
				 "a block of text as a key; a key is one word and a colon");
	if (!event->data.scalar.length)
		return refuse_at(r, &event->start_mark,
				 "an empty key; a key is one word and a colon");
	for (const struct sam_yaml *m = map->items; m; m = m->next) {
		if (!strcmp(m->key, (const char *)event->data.scalar.value))
			return refuse_at(r, &event->start_mark,
					 "this key stood in this map before; keep one of the two");
	}
	*key = new_node(r, event);
	return *key ? SAM_OK : SAM_MEMORY;
}

/* The next member of ${map} or ${list}; ${done} at its end. */
static enum sam_reason read_member(struct reader *r, struct sam_yaml *parent, unsigned depth,
				   struct sam_yaml **out, bool *done)
{
	struct sam_yaml *key = NULL;
	yaml_event_t event;
	enum sam_reason reason = next_event(r, &event);

	if (reason != SAM_OK)
		return reason;
	*done = event.type == YAML_MAPPING_END_EVENT || event.type == YAML_SEQUENCE_END_EVENT;
	if (!*done && parent->kind == SAM_YAML_MAP) {
		reason = read_key(r, &event, parent, &key);
		if (reason == SAM_OK) {
			yaml_event_delete(&event);
			reason = next_event(r, &event);
			if (reason != SAM_OK) {
				free_list(key);
				return reason;
			}
		}
	}
	if (reason == SAM_OK && !*done)
		reason = read_node(r, &event, depth, out);
	yaml_event_delete(&event);
	if (reason == SAM_OK && key) {
		(*out)->key = key->text;
		(*out)->key_line = key->line;
		(*out)->key_column = key->column;
		key->text = NULL;
	}
	free_list(key);
	return reason;
}

static enum sam_reason read_members(struct reader *r, struct sam_yaml *parent, unsigned depth)
{
	struct sam_yaml **tail = &parent->items;
	bool done = false;

	while (!done) {
		enum sam_reason reason = read_member(r, parent, depth, tail, &done);

		if (reason != SAM_OK)
			return reason;
		if (!done)
			tail = &(*tail)->next;
	}
	return SAM_OK;
}

/* The value that begins with ${event}, to its end; ${depth} maps and lists stand around it. */
static enum sam_reason read_node(struct reader *r, const yaml_event_t *event, unsigned depth,
				 struct sam_yaml **out)
{
	struct sam_yaml *node;
	enum sam_reason reason = check_event(r, event, depth);

	if (reason != SAM_OK)
		return reason;
	if (++r->nodes > SAM_YAML_NODES)
		return refuse_at(r, &event->start_mark, "more than 4,096 values; shorten the file");
	node = new_node(r, event);
	if (!node)
		return SAM_MEMORY;
	if (node->kind != SAM_YAML_SCALAR)
		reason = read_members(r, node, depth + 1);
	if (reason != SAM_OK) {
		free_list(node);
		return reason;
	}
	*out = node;
	return SAM_OK;
}

static enum sam_reason check_document(struct reader *r, const yaml_event_t *event)
{
	if (event->type != YAML_DOCUMENT_START_EVENT)
		return refuse_at(r, &event->start_mark, "the file is empty; write its keys");
	if (event->data.document_start.version_directive ||
	    event->data.document_start.tag_directives.start !=
		    event->data.document_start.tag_directives.end)
		return refuse_at(r, &event->start_mark,
				 "YAML directives (%YAML, %TAG) are not taken; remove them");
	return SAM_OK;
}

/* Stream start, document start, the root map, document end, stream end: nothing else. */
static enum sam_reason read_stream(struct reader *r, struct sam_yaml **root)
{
	enum { STREAM, DOCUMENT, ROOT, DOCUMENT_END, STREAM_END, STEPS };
	enum sam_reason reason = SAM_OK;

	for (int step = STREAM; step < STEPS && reason == SAM_OK; step++) {
		yaml_event_t event;

		reason = next_event(r, &event);
		if (reason != SAM_OK)
			break;
		if (step == DOCUMENT)
			reason = check_document(r, &event);
		else if (step == ROOT && event.type == YAML_MAPPING_START_EVENT)
			reason = read_node(r, &event, 0, root);
		else if (step == ROOT)
			reason = refuse_at(r, &event.start_mark,
					   "the file is no map; write `key: value` lines");
		else if (step == STREAM_END && event.type != YAML_STREAM_END_EVENT)
			reason = refuse_at(r, &event.start_mark,
					   "a second document begins; keep one of them");
		yaml_event_delete(&event);
	}
	return reason;
}

enum sam_reason sam_yaml_parse(const char *file, const void *text, size_t len,
			       struct sam_yaml **out, struct sam_msg *msg)
{
	struct reader r = { .text = text, .len = len, .msg = msg };
	struct sam_yaml *root = NULL;
	char *name = strdup(file ? file : "");
	enum sam_reason reason;

	*out = NULL;
	r.at = (struct sam_yaml){ .file = name, .line = 1, .column = 1 };
	if (!name || !yaml_parser_initialize(&r.parser)) {
		free(name);
		sam_msg_set(msg, "out of memory");
		return SAM_MEMORY;
	}
	if (len > SAM_YAML_MAX) {
		reason = sam_yaml_refuse(&r.at, msg, "longer than 1 MiB; shorten the file");
	} else {
		/* Said, not guessed: UTF-16 is refused like any other byte that is no UTF-8. */
		yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
		yaml_parser_set_input_string(&r.parser, len ? text : (const void *)"", len);
		reason = read_stream(&r, &root);
	}
	if (reason == SAM_MEMORY)
		sam_msg_set(msg, "%s: out of memory", name);
	yaml_parser_delete(&r.parser);
	if (reason != SAM_OK) {
		free_list(root);
		free(name);
		return reason;
	}
	*out = root;
	return SAM_OK;
}
