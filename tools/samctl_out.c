/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What samctl prints: tables and lines for people, JSON for programs, messages on standard error.
 * Texts from outside (labels, names) never reach a terminal with control characters in them.
 */
#include "tools/samctl.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/encode.h"
#include "base/file.h"
#include "base/ossl.h"
#include "sap/jose.h"

/* ---- messages ---- */

static void complain(const struct samctl *ctl, const char *fmt, va_list ap)
{
	char text[1024];

	vsnprintf(text, sizeof(text), fmt, ap);
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	fflush(stdout);
	fprintf(stderr, "samctl: %s%s%s\n", ctl->what, *ctl->what ? ": " : "", text);
}

void samctl_say(const struct samctl *ctl, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(ctl, fmt, ap);
	va_end(ap);
}

int samctl_usage(const struct samctl *ctl, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(ctl, fmt, ap);
	va_end(ap);
	fprintf(stderr, "samctl: see `samctl%s%s --help'\n", *ctl->what ? " " : "", ctl->what);
	return SAMCTL_USAGE;
}

int samctl_fail(const struct samctl *ctl, enum sam_reason reason, const struct sam_msg *msg)
{
	const char *text = sam_reason_text(reason);

	if (!msg || !*msg->text)
		samctl_say(ctl, "%s", text);
	else if (reason == SAM_CONFIG || reason == SAM_POLICY || reason == SAM_POLICY_UNSIGNED ||
		 reason == SAM_POLICY_CHANGED || reason == SAM_POLICY_OLDER || reason == SAM_CONFIG_CHANGED ||
		 strstr(msg->text, text))
		samctl_say(ctl, "%s", msg->text); /* it has the remedy in it */
	else
		samctl_say(ctl, "%s (%s)", msg->text, text);
	return SAMCTL_FAILED;
}

/* ---- text on a terminal ---- */

/* Bytes of the character at ${s}; 1 for what is no UTF-8. */
static size_t character(const unsigned char *s)
{
	size_t len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : s[0] >= 0xc0 ? 2 : 1;

	for (size_t i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 1;
	return len;
}

void samctl_print_text(const char *text, int width)
{
	const unsigned char *s = (const unsigned char *)text;
	int columns = 0;

	for (; *s; columns++) {
		size_t len = character(s);
		/* C0, DEL, C1 (also as U+0080 to U+009F), stray bytes */
		bool control = *s < 0x20 || *s == 0x7f || (len == 1 && *s >= 0x80) ||
			       (len == 2 && s[0] == 0xc2 && s[1] < 0xa0);

		if (control)
			putchar('?');
		else
			fwrite(s, 1, len, stdout);
		s += len;
	}
	for (; columns < width; columns++)
		putchar(' ');
}

static int columns_of(const char *text)
{
	int columns = 0;

	for (const unsigned char *s = (const unsigned char *)text; *s; s += character(s))
		columns++;
	return columns;
}

static bool coloured(void)
{
	return isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
}

void samctl_colour(int good)
{
	if (coloured())
		fputs(good > 0 ? "\033[32m" : good == 0 ? "\033[31m" : "\033[33m", stdout);
}

void samctl_plain(void)
{
	if (coloured())
		fputs("\033[0m", stdout);
}

/* ---- values ---- */

json_t *samctl_statements(const struct sam_policy *policy)
{
	json_t *list = json_array();
	const char *text;

	for (size_t i = 0; (text = sam_policy_statement(policy, i)); i++)
		json_array_append_new(list, json_string(text));
	return list;
}

json_t *samctl_time(int64_t seconds)
{
	char text[SAM_CLOCK_TEXT];

	sam_clock_text(seconds * 1000000, text);
	strcpy(strchr(text, '.'), "Z"); /* whole seconds */
	return json_string(text);
}

json_t *samctl_hex(const void *data, size_t len)
{
	char text[2 * 64 + 1];

	sam_encode_hex(data, len < 64 ? len : 64, text);
	return json_string(text);
}

/* ---- JSON and its readable forms ---- */

static int no_memory(const struct samctl *ctl)
{
	return samctl_fail(ctl, SAM_MEMORY, NULL);
}

static int print_json(const struct samctl *ctl, json_t *value)
{
	int bad = json_dumpf(value, stdout, JSON_INDENT(2));

	putchar('\n');
	json_decref(value);
	if (bad)
		samctl_say(ctl, "standard output: cannot be written");
	return bad ? SAMCTL_FAILED : SAMCTL_DONE;
}

/* A scalar as text, malloc()ed; a list of scalars with commas between. */
static char *scalar_text(const json_t *value)
{
	char *text = NULL;
	size_t i;
	json_t *item;

	if (json_is_string(value))
		return strdup(json_string_value(value));
	if (json_is_boolean(value))
		return strdup(json_is_true(value) ? "yes" : "no");
	if (json_is_integer(value))
		return asprintf(&text, "%lld", (long long)json_integer_value(value)) < 0 ? NULL
											 : text;
	if (!json_is_array(value))
		return strdup("");
	text = strdup("");
	json_array_foreach (value, i, item) {
		sam_auto(sam_free) char *before = text, *one = scalar_text(item);

		if (!one || asprintf(&text, "%s%s%s", before, i ? ", " : "", one) < 0)
			return NULL;
	}
	return text;
}

static bool is_block(const json_t *value)
{
	const char *text = json_string_value(value);

	return text && strchr(text, '\n');
}

/* PEM and the like: as it is, below its name. */
static void print_block(const char *text)
{
	putchar('\n');
	for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
		sam_auto(sam_free) char *line = strndup(text, strcspn(text, "\n"));

		if (line)
			samctl_print_text(line, 0);
		putchar('\n');
	}
}

static void print_member(const char *prefix, const char *key, const json_t *value, int width);

static void print_members(const char *prefix, const json_t *object, int width)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)object, key, value)
		print_member(prefix, key, value, width);
}

static void print_lines(const char *name, const json_t *list, int width)
{
	size_t i;
	json_t *item;

	if (json_array_size(list) == 0) {
		samctl_print_text(name, width);
		puts("  -");
	}
	json_array_foreach (list, i, item) {
		sam_auto(sam_free) char *text = scalar_text(item);

		samctl_print_text(i ? "" : name, width);
		fputs("  ", stdout);
		samctl_print_text(text ? text : "", 0);
		putchar('\n');
	}
}

static void print_member(const char *prefix, const char *key, const json_t *value, int width)
{
	char name[96];
	sam_auto(sam_free) char *text = NULL;

	snprintf(name, sizeof(name), "%s%s%s", prefix, *prefix ? " " : "", key);
	if (json_is_object(value)) {
		print_members(name, value, width);
		return;
	}
	if (json_is_array(value)) {
		print_lines(name, value, width);
		return;
	}
	samctl_print_text(name, width);
	if (is_block(value)) {
		print_block(json_string_value(value));
		return;
	}
	text = scalar_text(value);
	fputs("  ", stdout);
	samctl_print_text(text && *text ? text : "-", 0);
	putchar('\n');
}

static int name_width(const char *prefix, const json_t *object)
{
	const char *key;
	json_t *value;
	int width = 0;

	json_object_foreach ((json_t *)object, key, value) {
		char name[96];
		int own = snprintf(name, sizeof(name), "%s%s%s", prefix, *prefix ? " " : "", key);

		if (json_is_object(value))
			own = name_width(name, value);
		if (own > width)
			width = own;
	}
	return width;
}

int samctl_print_object(const struct samctl *ctl, json_t *object)
{
	if (!object)
		return no_memory(ctl);
	if (ctl->json)
		return print_json(ctl, object);
	print_members("", object, name_width("", object));
	json_decref(object);
	return SAMCTL_DONE;
}

static void print_table(const json_t *list, const struct samctl_column *columns)
{
	int widths[16] = { 0 };
	size_t i;
	json_t *row;

	for (size_t c = 0; columns[c].head; c++)
		widths[c] = columns_of(columns[c].head);
	json_array_foreach (list, i, row) {
		for (size_t c = 0; columns[c].head; c++) {
			sam_auto(sam_free) char *text =
				scalar_text(json_object_get(row, columns[c].member));

			if (text && columns_of(text) > widths[c])
				widths[c] = columns_of(text);
		}
	}
	for (size_t c = 0; columns[c].head; c++)
		printf("%-*s%s", columns[c + 1].head ? widths[c] : 0, columns[c].head,
		       columns[c + 1].head ? "  " : "\n");
	json_array_foreach (list, i, row) {
		for (size_t c = 0; columns[c].head; c++) {
			sam_auto(sam_free) char *text =
				scalar_text(json_object_get(row, columns[c].member));
			bool last = !columns[c + 1].head;

			samctl_print_text(text ? text : "", last ? 0 : widths[c]);
			fputs(last ? "\n" : "  ", stdout);
		}
	}
}

int samctl_print_list(const struct samctl *ctl, json_t *list, const struct samctl_column *columns)
{
	if (!list)
		return no_memory(ctl);
	if (ctl->json)
		return print_json(ctl, list);
	print_table(list, columns);
	json_decref(list);
	return SAMCTL_DONE;
}

int samctl_print_done(const struct samctl *ctl, json_t *object, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (!object)
		return no_memory(ctl);
	if (ctl->json)
		return print_json(ctl, object);
	json_decref(object);
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	samctl_print_text(text, 0);
	putchar('\n');
	return SAMCTL_DONE;
}

/* ---- files ---- */

static int read_stdin(const struct samctl *ctl, size_t max, struct sam_secret *out)
{
	uint8_t *buffer = malloc(max + 1);
	size_t len = buffer ? fread(buffer, 1, max + 1, stdin) : 0;
	bool good = buffer && !ferror(stdin) && len <= max && sam_secret_set(out, buffer, len);

	if (buffer)
		sam_mem_wipe(buffer, len);
	free(buffer);
	if (!good)
		samctl_say(ctl, "standard input: cannot be read, or is longer than %zu bytes", max);
	return good ? SAMCTL_DONE : SAMCTL_FAILED;
}

/* The very bytes that the people's device keys spoke of. */
static bool is_asserted(const struct samctl *ctl, const char *path, const struct sam_secret *data)
{
	uint8_t sha256[32];
	char hex[65];

	if (!ctl->who[0].files && !ctl->who[1].files)
		return true;
	if (sam_ossl_digest(SAM_HASH_SHA256, data->data, data->len, sha256) != SAM_OK)
		return false;
	sam_encode_hex(sha256, sizeof(sha256), hex);
	for (int i = 0; i < 2; i++) {
		const char *named = json_string_value(json_object_get(ctl->who[i].files, path));

		if (ctl->who[i].files && (!named || strcmp(named, hex) != 0))
			return false;
	}
	return true;
}

int samctl_read_statement(const struct samctl *ctl, const char *path, size_t max, struct sam_secret *out)
{
	struct sam_msg msg = { "" };
	enum sam_reason reason;

	if (strcmp(path, "-") == 0)
		return read_stdin(ctl, max, out);
	reason = sam_file_read(path, max, out, &msg);
	return reason == SAM_OK ? SAMCTL_DONE : samctl_fail(ctl, reason, &msg);
}

int samctl_read_file(const struct samctl *ctl, const char *path, size_t max, struct sam_secret *out)
{
	struct sam_event event = { .type = SAM_EVENT_ADMIN_REFUSED, .reason = SAM_ASSERTION, .target = ctl->what };
	struct sam_msg msg = { "" };
	int status = samctl_read_statement(ctl, path, max, out);

	if (status == SAMCTL_DONE && !is_asserted(ctl, path, out)) {
		sam_secret_clear(out);
		sam_msg_set(&msg, "%s: is not the file that the assertion names", path);
		event.detail = msg.text;
		if (samctl_record(ctl, &event))
			samctl_say(ctl, "%s", msg.text);
		status = SAMCTL_FAILED;
	}
	return status;
}

json_t *samctl_read_json(const struct samctl *ctl, const char *path, size_t max)
{
	struct sam_secret file = { 0 };
	json_t *json = NULL;

	if (samctl_read_file(ctl, path, max, &file) != SAMCTL_DONE)
		return NULL;
	json = sam_jose_json(file.data, file.len);
	sam_secret_clear(&file);
	if (!json)
		samctl_say(ctl, "%s: is no JSON object", path);
	return json;
}
