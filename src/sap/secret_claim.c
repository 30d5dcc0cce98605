/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A scanner that knows just as much JSON as it takes to say which strings are names, and how deep they lie. What it
 * does not understand it leaves to the JSON library, which refuses it; sam_secret_claims_check() compares the two.
 */
#include "sap/secret_claim.h"

#include <string.h>
#include "base/mem.h"

enum { BLANK = '*' };

struct scan {
	uint8_t *at, *end;
	size_t depth;              /* of braces and brackets */
	bool in_params;            /* inside the object that is the value of the top level's operation_params */
	struct sam_secret_claims *out;
	struct sam_msg *msg;
};

static enum sam_reason refuse(struct sam_msg *msg, const char *claim)
{
	sam_msg_set(msg, "%s", claim);
	return SAM_SAD_CLAIMS;
}

static void skip_space(struct scan *s)
{
	while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\r' || *s->at == '\n'))
		s->at++;
}

/* Past the string that begins here, quotation marks and all; its bytes between them. */
static void skip_string(struct scan *s, const uint8_t **text, size_t *len)
{
	*text = ++s->at;
	while (s->at < s->end && *s->at != '"')
		s->at += *s->at == '\\' && s->end - s->at > 1 ? 2 : 1;
	*len = (size_t)(s->at - *text);
	if (s->at < s->end)
		s->at++;
}

static int hex_digit(uint8_t c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Of letters and underscores only \u spells any (RFC 8259 section 7). ${escaped}: some are. */
static bool is_name(const uint8_t *text, size_t len, const char *name, bool *escaped)
{
	*escaped = false;
	for (; *name; name++) {
		size_t used = 1;
		int c = len ? *text : -1;
		if (len >= 6 && text[0] == '\\' && text[1] == 'u') {
			*escaped = true;
			used = 6;
			c = 0;
			for (size_t i = 2; i < 6; i++)
				c = hex_digit(text[i]) < 0 || c < 0 ? -1 : c * 16 + hex_digit(text[i]);
		}
		if (c != *name)
			return false;
		text += used;
		len -= used;
	}
	return len == 0;
}

/* The value, which stands at s->at, goes to ${out}. */
static enum sam_reason cut(struct scan *s, char out[SAM_KNOWLEDGE_MAX + 1], const char *claim)
{
	size_t len = 0;
	if (out[0] || s->at == s->end || *s->at != '"')
		return refuse(s->msg, claim);
	uint8_t *text = ++s->at;
	while (len < (size_t)(s->end - text) && len <= SAM_KNOWLEDGE_MAX && text[len] >= 0x20 && text[len] < 0x7f &&
	       text[len] != '"' && text[len] != '\\')
		len++;
	if (len < SAM_KNOWLEDGE_MIN || len > SAM_KNOWLEDGE_MAX || len == (size_t)(s->end - text) || text[len] != '"')
		return refuse(s->msg, claim);
	memcpy(out, text, len);
	memset(text, BLANK, len);
	s->at = text + len + 1;
	return SAM_OK;
}

/* A string: where it is one of the names that are looked for, its value too. */
static enum sam_reason take_string(struct scan *s)
{
	const uint8_t *text;
	size_t len;
	bool pin_escaped, params_escaped, new_escaped;
	skip_string(s, &text, &len);
	skip_space(s);
	if (s->at == s->end || *s->at != ':')
		return SAM_OK; /* a value */
	s->at++;
	skip_space(s);
	const bool pin = s->depth == 1 && is_name(text, len, "pin", &pin_escaped);
	const bool params = s->depth == 1 && is_name(text, len, "operation_params", &params_escaped);
	const bool fresh = s->depth == 2 && s->in_params && is_name(text, len, "new", &new_escaped);
	if (pin)
		return pin_escaped ? refuse(s->msg, "pin") : cut(s, s->out->pin, "pin");
	if (fresh)
		return new_escaped ? refuse(s->msg, "operation_params.new")
				   : cut(s, s->out->fresh, "operation_params.new");
	if (params && params_escaped)
		return refuse(s->msg, "operation_params");
	s->in_params = params ? s->at < s->end && *s->at == '{' : s->in_params;
	return SAM_OK;
}

enum sam_reason sam_secret_claims_cut(uint8_t *payload, size_t len, struct sam_secret_claims *out, struct sam_msg *msg)
{
	struct scan s = {.at = payload, .end = payload + len, .out = out, .msg = msg};
	enum sam_reason reason = SAM_OK;
	memset(out, 0, sizeof *out);
	while (reason == SAM_OK && s.at < s.end) {
		switch (*s.at) {
		case '"':
			reason = take_string(&s);
			break;
		case '{':
		case '[':
			s.depth++;
			s.at++;
			break;
		case '}':
		case ']':
			s.depth -= s.depth > 0;
			s.in_params &= s.depth > 1;
			s.at++;
			break;
		default:
			s.at++;
		}
	}
	return reason;
}

/* ---- afterwards ---- */

static bool is_blank(const json_t *value, const char *cut)
{
	const size_t len = strlen(cut);
	const char *text = json_string_value(value);
	bool blank = text && json_string_length(value) == len;
	for (size_t i = 0; blank && i < len; i++)
		blank = text[i] == BLANK;
	return len ? blank : !value;
}

enum sam_reason sam_secret_claims_check(json_t *claims, const struct sam_secret_claims *cut, struct sam_msg *msg)
{
	if (!is_blank(json_object_get(claims, "pin"), cut->pin))
		return refuse(msg, "pin");
	if (!is_blank(json_object_get(json_object_get(claims, "operation_params"), "new"), cut->fresh))
		return refuse(msg, "operation_params.new");
	if (cut->pin[0])
		(void)!json_object_del(claims, "pin");
	return SAM_OK;
}

void sam_secret_claims_wipe(struct sam_secret_claims *secrets)
{
	sam_mem_wipe(secrets, sizeof *secrets);
}
