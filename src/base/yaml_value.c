/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Values out of a YAML tree, with their types: what is unquoted and looks like another type is not
 * taken for a text, and the other way round. Refusals name the place and our own keys, never the
 * contents.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/yaml.h"

enum sam_reason sam_yaml_refuse(const struct sam_yaml *node, struct sam_msg *msg, const char *fmt,
				...)
{
	struct sam_msg why = { "" };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why.text, sizeof why.text, fmt, ap);
	va_end(ap);
	sam_msg_set(msg, "%s:%u:%u: %s", node->file, node->line, node->column, why.text);
	return SAM_CONFIG;
}

struct sam_yaml *sam_yaml_get(struct sam_yaml *map, const char *key)
{
	if (!map || map->kind != SAM_YAML_MAP)
		return NULL;
	for (struct sam_yaml *m = map->items; m; m = m->next) {
		if (!strcmp(m->key, key)) {
			m->used = true;
			return m;
		}
	}
	return NULL;
}

enum sam_reason sam_yaml_need(struct sam_yaml *map, const char *key, enum sam_yaml_kind kind,
			      struct sam_yaml **out, struct sam_msg *msg)
{
	static const char *const kinds[] = { "one value", "a list", "a map" };

	*out = sam_yaml_get(map, key);
	if (!*out)
		return sam_yaml_refuse(map, msg, "the key `%s` is missing here; add it", key);
	if ((*out)->kind != kind)
		return sam_yaml_refuse(*out, msg, "%s: must be %s", key, kinds[kind]);
	return SAM_OK;
}

static bool is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++) {
		if (!strcasecmp(text, *words))
			return true;
	}
	return false;
}

static const char *skip_digits(const char *p, const char *digits)
{
	return p + strspn(p, digits);
}

/* Would some reader of YAML take this plain word for a number? */
static bool looks_like_number(const char *p)
{
	const char *start;

	p += *p == '-' || *p == '+';
	if (p[0] == '0' && (p[1] == 'x' || p[1] == 'o' || p[1] == 'b'))
		return p[2] && !*skip_digits(p + 2, "0123456789abcdefABCDEF_");
	start = p;
	p = skip_digits(p, "0123456789_.");
	if (p == start || !strpbrk(start, "0123456789"))
		return false;
	if (*p == 'e' || *p == 'E') {
		p++;
		p += *p == '-' || *p == '+';
		p = skip_digits(p, "0123456789");
	}
	return !*p;
}

enum sam_reason sam_yaml_block(struct sam_yaml *node, const char **out, struct sam_msg *msg)
{
	/* As YAML 1.1 and 1.2 have them: what is taken for a text must be one for every reader. */
	static const char *const empty[] = { "", "~", "null", NULL };
	static const char *const truth[] = { "true", "false", "yes", "no", "on",
					     "off",  "y",     "n",   NULL };

	if (!node)
		return SAM_OK;
	if (node->kind != SAM_YAML_SCALAR)
		return sam_yaml_refuse(node, msg, "a text is wanted, not a list or map");
	if (!node->quoted) {
		if (is_one_of(node->text, empty))
			return sam_yaml_refuse(node, msg,
					       "the value is missing; write it, or \"\" for none");
		if (is_one_of(node->text, truth))
			return sam_yaml_refuse(
				node, msg, "a text is wanted, not true or false; put it in quotes");
		if (looks_like_number(node->text))
			return sam_yaml_refuse(node, msg,
					       "a text is wanted, not a number; put it in quotes");
	}
	*out = node->text;
	return SAM_OK;
}

enum sam_reason sam_yaml_text(struct sam_yaml *node, const char **out, struct sam_msg *msg)
{
	/* A path or name has one line: what has more was meant otherwise. */
	if (node && node->block)
		return sam_yaml_refuse(node, msg, "a block of text (|) is not taken here; write one line");
	return sam_yaml_block(node, out, msg);
}

enum sam_reason sam_yaml_bool(struct sam_yaml *node, bool *out, struct sam_msg *msg)
{
	if (!node)
		return SAM_OK;
	if (node->kind == SAM_YAML_SCALAR && !node->quoted) {
		if (!strcmp(node->text, "true") || !strcmp(node->text, "false")) {
			*out = node->text[0] == 't';
			return SAM_OK;
		}
	}
	return sam_yaml_refuse(node, msg, "must be true or false, without quotes");
}

/* Decimal digits without leading zeros, from ${p} to the first other character ${end}. At most 10
 * of them, so that neither the value nor its product with a day's milliseconds wraps. */
static bool read_digits(const char *p, int64_t *out, const char **end)
{
	const char *stop = skip_digits(p, "0123456789");
	int64_t value = 0;

	if (stop == p || stop - p > 10 || (*p == '0' && stop - p > 1))
		return false;
	for (; p < stop; p++)
		value = value * 10 + (*p - '0');
	*out = value;
	*end = stop;
	return true;
}

enum sam_reason sam_yaml_number(struct sam_yaml *node, int64_t min, int64_t max, int64_t *out,
				struct sam_msg *msg)
{
	const char *end;
	bool negative;
	int64_t value;

	if (!node)
		return SAM_OK;
	if (node->kind == SAM_YAML_SCALAR && !node->quoted) {
		negative = node->text[0] == '-';
		if (read_digits(node->text + negative, &value, &end) && !*end) {
			value = negative ? -value : value;
			if (value >= min && value <= max) {
				*out = value;
				return SAM_OK;
			}
		}
	}
	return sam_yaml_refuse(node, msg,
			       "must be a whole number from %lld to %lld, without quotes",
			       (long long)min, (long long)max);
}

enum sam_reason sam_yaml_duration(struct sam_yaml *node, int64_t min_ms, int64_t max_ms,
				  int64_t *out_ms, struct sam_msg *msg)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {
		{ "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 }
	};
	const char *end;
	int64_t value;

	if (!node)
		return SAM_OK;
	if (node->kind != SAM_YAML_SCALAR || node->quoted || !read_digits(node->text, &value, &end))
		goto refuse;
	if (!value && !*end && min_ms <= 0) {
		*out_ms = 0;
		return SAM_OK;
	}
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (strcmp(end, units[i].unit))
			continue;
		if (value * units[i].ms < min_ms || value * units[i].ms > max_ms)
			break;
		*out_ms = value * units[i].ms;
		return SAM_OK;
	}
refuse:
	return sam_yaml_refuse(
		node, msg,
		"must be a duration from %lld to %lld ms: a whole number with ms, s, m, h or d",
		(long long)min_ms, (long long)max_ms);
}

enum sam_reason sam_yaml_all_used(const struct sam_yaml *root, struct sam_msg *msg)
{
	for (const struct sam_yaml *m = root->items; m; m = m->next) {
		enum sam_reason reason;

		if (root->kind == SAM_YAML_MAP && !m->used) {
			struct sam_yaml place = { .file = m->file,
						  .line = m->key_line,
						  .column = m->key_column };

			return sam_yaml_refuse(&place, msg,
					       "unknown key; correct its spelling or remove it");
		}
		reason = sam_yaml_all_used(m, msg);
		if (reason != SAM_OK)
			return reason;
	}
	return SAM_OK;
}
