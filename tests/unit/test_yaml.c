/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The strict reader of YAML: what it takes, what it refuses, and that it points at the right place
 * without quoting what stands there.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "base/yaml.h"
#include "unit.h"

/* A text that is refused: where, and a word of why. */
struct refusal {
	const char *text;
	const char *place;
	const char *why;
};

static void assert_refused_bytes(const void *text, size_t len, const char *place, const char *why)
{
	struct sam_msg msg = { "" };
	struct sam_yaml *root = (struct sam_yaml *)&msg;
	char begin[64];

	snprintf(begin, sizeof begin, "t.yaml:%s: ", place);
	ck_assert_int_eq(sam_yaml_parse("t.yaml", text, len, &root, &msg), SAM_CONFIG);
	ck_assert_ptr_null(root);
	ck_assert_msg(!strncmp(msg.text, begin, strlen(begin)), "%s: wanted %s", msg.text, begin);
	ck_assert_msg(strstr(msg.text, why) != NULL, "%s: wanted %s", msg.text, why);
	/* Our test texts carry this word where contents may stand. */
	ck_assert_msg(!strstr(msg.text, "hidden"), "%s: quotes the contents", msg.text);
}

static void assert_refused(const char *text, const char *place, const char *why)
{
	assert_refused_bytes(text, strlen(text), place, why);
}

static struct sam_yaml *parsed(const char *text)
{
	struct sam_msg msg = { "" };
	struct sam_yaml *root = NULL;

	ck_assert_msg(sam_yaml_parse("t.yaml", text, strlen(text), &root, &msg) == SAM_OK, "%s", msg.text);
	ck_assert_ptr_nonnull(root);
	return root;
}

START_TEST(maps_lists_and_scalars_are_read)
{
	struct sam_yaml *root = parsed("---\n# a comment\na: one\nb:\n  c: 'two'  # too\n"
				       "d: [x, \"y\", {e: z}]\nf:\n- p\n- q: r\n...\n");
	struct sam_yaml *node;

	ck_assert_int_eq(root->kind, SAM_YAML_MAP);
	node = sam_yaml_get(root, "a");
	ck_assert_str_eq(node->text, "one");
	ck_assert(!node->quoted);
	ck_assert_uint_eq(node->line, 3);
	ck_assert_uint_eq(node->column, 4);
	ck_assert_uint_eq(node->key_line, 3);
	ck_assert_uint_eq(node->key_column, 1);
	node = sam_yaml_get(sam_yaml_get(root, "b"), "c");
	ck_assert_str_eq(node->text, "two");
	ck_assert(node->quoted);
	ck_assert_uint_eq(node->line, 5);
	ck_assert_uint_eq(node->column, 6);
	node = sam_yaml_get(root, "d");
	ck_assert_int_eq(node->kind, SAM_YAML_LIST);
	ck_assert_str_eq(node->items->text, "x");
	ck_assert_str_eq(node->items->next->text, "y");
	ck_assert_str_eq(sam_yaml_get(node->items->next->next, "e")->text, "z");
	ck_assert_ptr_null(node->items->next->next->next);
	node = sam_yaml_get(root, "f");
	ck_assert_str_eq(sam_yaml_get(node->items->next, "q")->text, "r");
	ck_assert_str_eq(node->file, "t.yaml");
	ck_assert_ptr_null(sam_yaml_get(root, "absent"));
	ck_assert_ptr_null(sam_yaml_get(NULL, "a"));
	ck_assert_ptr_null(sam_yaml_get(node, "a"));
	sam_yaml_free(root);
	sam_yaml_free(NULL);
}
END_TEST

START_TEST(utf8_is_read_and_columns_count_characters)
{
	struct sam_yaml *root = parsed("\xef\xbb\xbf" "a: \"\xe7\xbd\xb2\xe5\x90\x8d \\u7f72\"\n");

	ck_assert_str_eq(sam_yaml_get(root, "a")->text, "\xe7\xbd\xb2\xe5\x90\x8d \xe7\xbd\xb2");
	sam_yaml_free(root);
	assert_refused("\xe7\xbd\xb2: \"\xe5\x90\x8d\": hidden\n", "1:7", "YAML");
}
END_TEST

static const struct refusal features[] = {
	{ "a: &x hidden\nb: 1\n", "1:4", "anchors" },
	{ "a: &x [hidden]\n", "1:4", "anchors" },
	{ "a: &x {hidden: 1}\n", "1:4", "anchors" },
	{ "&hidden a: 1\n", "1:1", "anchors" },
	{ "a: 1\nb:\n  c: *hidden\n", "3:6", "aliases" },
	{ "a: [1, *hidden]\n", "1:8", "aliases" },
	{ "*hidden : 1\n", "1:1", "aliases" },
	{ "a: !!str hidden\n", "1:4", "tags" },
	{ "a: !hidden 1\n", "1:4", "tags" },
	{ "a: ! hidden\n", "1:4", "tags" },
	{ "a: ! \"hidden\"\n", "1:4", "tags" },
	{ "a: !!seq [hidden]\n", "1:4", "tags" },
	{ "a: ! {hidden: 1}\n", "1:4", "tags" },
	{ "!!str a: hidden\n", "1:1", "tags" },
	{ "%YAML 1.1\n---\na: hidden\n", "1:1", "directives" },
	{ "%TAG !h! tag:hidden,2000:\n---\na: 1\n", "1:1", "directives" },
	{ "a: hidden\n---\nb: 1\n", "2:1", "second document" },
	{ "a: hidden\n...\n---\n", "3:1", "second document" },
	{ "? |\n  hidden\n: 1\n", "1:3", "as a key" },
	{ "a: ! |\n  hidden\n", "1:4", "tags" },
	{ "a: |\n  hid\tden\n", "1:4", "control" },
	{ "a: >\n  hidden\n", "1:4", "block" },
	{ "a: hidden\n  hidden\n", "1:4", "several lines" },
	{ "a: \"hidden\n  hidden\"\n", "1:4", "several lines" },
	{ "? [hidden]\n: 1\n", "1:3", "as a key" },
	{ "? {hidden: 1}\n: 1\n", "1:3", "as a key" },
	{ "\"\": hidden\n", "1:1", "empty key" },
	{ "a: {? , b: hidden}\n", "1:7", "empty key" },
};

START_TEST(features_of_yaml_are_refused)
{
	assert_refused(features[_i].text, features[_i].place, features[_i].why);
}
END_TEST

static const struct refusal doubles[] = {
	{ "hidden: 1\nb: 2\nhidden: 3\n", "3:1", "keep one" },
	{ "a:\n  hidden: 1\n  \"hidden\": 1\n", "3:3", "keep one" },
	{ "a: {hidden: 1, b: 2, hidden: 3}\n", "1:22", "keep one" },
	{ "- hidden\n", "1:1", "no map" },
	{ "hidden\n", "1:1", "no map" },
	{ "", "1:1", "empty" },
	{ "# hidden\n", "2:1", "empty" },
	{ "---\n", "2:1", "no map" },
};

START_TEST(doubled_keys_and_other_roots_are_refused)
{
	assert_refused(doubles[_i].text, doubles[_i].place, doubles[_i].why);
}
END_TEST

START_TEST(same_key_in_two_maps_is_no_double)
{
	sam_yaml_free(parsed("a: {k: 1}\nb: {k: 2}\nc:\n- k: 1\n- k: 2\n"));
}
END_TEST

static const struct refusal malformed[] = {
	{ "a: [hidden\n", "2:1", "YAML" },
	{ "a: {hidden\n", "2:1", "YAML" },
	{ "a: \"hidden\n", "2:1", "YAML" },
	{ "a: 1\n b: hidden\n", "1:4", "several lines" },
	{ "a: hidden: 1\n", "1:10", "YAML" },
	{ "a: 1\n\thidden: 1\n", "2:1", "YAML" },
	{ "a: 1\nb: @hidden\n", "2:4", "YAML" },
	{ "a: \"\\qhidden\"\n", "1:5", "YAML" },
	{ "a: \"\\ud800hidden\"\n", "1:7", "YAML" },
	{ "a: 1\nhidden\n", "3:1", "YAML" },
};

START_TEST(malformed_files_are_refused)
{
	assert_refused(malformed[_i].text, malformed[_i].place, malformed[_i].why);
}
END_TEST

START_TEST(control_characters_are_refused)
{
	static const struct refusal escaped[] = {
		{ "a: \"hidden\\0\"\n", "1:4", "control" },
		{ "a: \"hidden\\n\"\n", "1:4", "control" },
		{ "a: \"hidden\\e[2J\"\n", "1:4", "control" },
		{ "a: \"hidden\\x7f\"\n", "1:4", "control" },
		{ "a: \"hidden\\x85\"\n", "1:4", "control" },
		{ "a: \"hidden\\x9b\"\n", "1:4", "control" },
		{ "\"hidden\\0\": 1\n", "1:1", "control" },
		{ "a: hidden\tx\n", "1:4", "control" },
	};

	for (size_t i = 0; i < sizeof escaped / sizeof escaped[0]; i++)
		assert_refused(escaped[i].text, escaped[i].place, escaped[i].why);
	assert_refused_bytes("a: 1\nb: x\0hidden\n", 17, "2:5", "control");
	assert_refused_bytes("\0", 1, "1:1", "control");
	assert_refused("a: 1\r\nb: 1\rc: \x1b\n", "3:4", "control");
	assert_refused("a: \x7f\n", "1:4", "control");
}
END_TEST

START_TEST(bytes_that_are_no_utf8_are_refused)
{
	static const struct refusal bad[] = {
		{ "a: 1\nb: \xe7\xbd\xb2\xff\n", "2:5", "UTF-8" },
		{ "a: 1\nb: x\xc0\x80\n", "2:5", "UTF-8" },
		{ "a: 1\nb: x\xe0\x80\xaf\n", "2:5", "UTF-8" },
		{ "a: 1\nb: x\xed\xa0\x80\n", "2:5", "UTF-8" },
		{ "a: 1\nb: x\xf5\x80\x80\x80\n", "2:5", "UTF-8" },
		{ "a: 1\nb: x\x80\n", "2:5", "UTF-8" },
		{ "a: 1\nb: x\xe7\xbdz\n", "2:6", "UTF-8" }, /* where the missing byte should be */
		{ "a: 1\nb: x\xe7", "2:5", "UTF-8" },
	};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_refused(bad[i].text, bad[i].place, bad[i].why);
	assert_refused_bytes("\xff\xfe" "a\0:\0 \0" "1\0", 10, "1:1", "UTF-8");
	assert_refused_bytes("\xfe\xff\0a\0:\0 \0" "1", 10, "1:1", "UTF-8");
}
END_TEST

/* a: [[[...]]] with ${depth} maps and lists, the root among them */
static void nested(char *out, int depth)
{
	strcpy(out, "a: ");
	for (int i = 1; i < depth; i++)
		strcat(out, "[");
	strcat(out, "1");
	for (int i = 1; i < depth; i++)
		strcat(out, "]");
}

START_TEST(depth_is_bounded)
{
	char text[512];

	nested(text, SAM_YAML_DEPTH);
	sam_yaml_free(parsed(text));
	nested(text, SAM_YAML_DEPTH + 1);
	assert_refused(text, "1:11", "8 levels");
	nested(text, 200);
	assert_refused(text, "1:11", "8 levels");
	assert_refused("a:\n b:\n  c:\n   d:\n    e:\n     f:\n      g:\n       h:\n        i: 1\n", "9:9",
		       "8 levels");
}
END_TEST

/* ${len} bytes of a file that is well-formed: a comment fills it. */
static char *sized(size_t len)
{
	char *text = malloc(len);

	ck_assert_ptr_nonnull(text);
	memset(text, '#', len);
	memcpy(text, "a: 1\n", 5);
	return text;
}

START_TEST(size_is_bounded)
{
	char *text = sized(SAM_YAML_MAX + 1);
	struct sam_yaml *root = NULL;

	ck_assert_int_eq(sam_yaml_parse("t.yaml", text, SAM_YAML_MAX, &root, NULL), SAM_OK);
	sam_yaml_free(root);
	assert_refused_bytes(text, SAM_YAML_MAX + 1, "1:1", "1 MiB");
	free(text);
}
END_TEST

START_TEST(number_of_values_is_bounded)
{
	/* the root and the list are values too */
	const size_t most = SAM_YAML_NODES - 2;
	char *text = malloc(4 * SAM_YAML_NODES + 8), *p = text;

	ck_assert_ptr_nonnull(text);
	p += sprintf(p, "a:\n");
	for (size_t i = 0; i < most; i++)
		p += sprintf(p, "- 1\n");
	sam_yaml_free(parsed(text));
	sprintf(p, "- 1\n");
	assert_refused(text, "4096:3", "4,096 values");
	free(text);
}
END_TEST

START_TEST(no_message_is_asked_for)
{
	struct sam_yaml *root;

	ck_assert_int_eq(sam_yaml_parse("t.yaml", "a: *b\n", 6, &root, NULL), SAM_CONFIG);
	ck_assert_int_eq(sam_yaml_parse("t.yaml", NULL, 0, &root, NULL), SAM_CONFIG);
	ck_assert_int_eq(sam_yaml_parse(NULL, "a: b\n", 5, &root, NULL), SAM_OK);
	sam_yaml_free(root);
}
END_TEST

/* ---- values ---- */

/* The member `a` of "a: VALUE". */
static struct sam_yaml *value_of(struct sam_yaml **root, const char *value)
{
	char text[128];

	snprintf(text, sizeof text, "a: %s\n", value);
	*root = parsed(text);
	return sam_yaml_get(*root, "a");
}

static void assert_text(const char *value, const char *wanted)
{
	struct sam_msg msg = { "" };
	struct sam_yaml *root;
	const char *text = NULL;
	enum sam_reason reason = sam_yaml_text(value_of(&root, value), &text, &msg);

	if (wanted) {
		ck_assert_msg(reason == SAM_OK, "%s: %s", value, msg.text);
		ck_assert_str_eq(text, wanted);
	} else {
		ck_assert_msg(reason == SAM_CONFIG, "%s was taken", value);
		ck_assert_ptr_null(text);
		ck_assert(!strncmp(msg.text, "t.yaml:1:", 9));
	}
	sam_yaml_free(root);
}

START_TEST(texts_are_read)
{
	assert_text("word", "word");
	assert_text("two words", "two words");
	assert_text("\"\"", "");
	assert_text("'true'", "true");
	assert_text("\"12\"", "12");
	assert_text("2030-12-31T15:00:00Z", "2030-12-31T15:00:00Z");
	assert_text("3072-4096", "3072-4096");
	assert_text("10s", "10s");
	assert_text("/a/b", "/a/b");
	assert_text("file:/a", "file:/a");
	assert_text("0xzz", "0xzz");
	assert_text("...x", "...x");
}
END_TEST

/* Several lines are taken by whom asks for them, and by nobody else. */
START_TEST(blocks_are_read_where_they_are_asked_for)
{
	static const char text[] = "a: |\n  one\n  two\nb: x\n";
	sam_auto(sam_yaml_free) struct sam_yaml *root = NULL;
	const char *value = NULL;
	struct sam_msg msg = { "" };
	bool yes;
	int64_t number;

	ck_assert_int_eq(sam_yaml_parse("t.yaml", text, strlen(text), &root, &msg), SAM_OK);
	ck_assert_int_eq(sam_yaml_block(sam_yaml_get(root, "a"), &value, &msg), SAM_OK);
	ck_assert_str_eq(value, "one\ntwo\n");
	ck_assert_int_eq(sam_yaml_block(sam_yaml_get(root, "b"), &value, &msg), SAM_OK);
	ck_assert_str_eq(value, "x");
	ck_assert_int_eq(sam_yaml_text(sam_yaml_get(root, "a"), &value, &msg), SAM_CONFIG);
	ck_assert_ptr_nonnull(strstr(msg.text, "t.yaml:1:4: a block of text"));
	ck_assert_int_eq(sam_yaml_bool(sam_yaml_get(root, "a"), &yes, &msg), SAM_CONFIG);
	ck_assert_int_eq(sam_yaml_number(sam_yaml_get(root, "a"), 0, 9, &number, &msg), SAM_CONFIG);
	ck_assert_int_eq(sam_yaml_duration(sam_yaml_get(root, "a"), 0, 9, &number, &msg), SAM_CONFIG);
}
END_TEST

START_TEST(other_types_are_no_texts)
{
	static const char *const others[] = {
		"", "~", "null", "NULL", "true", "False", "yes", "NO", "on", "off", "y", "n", "0", "12", "-3", "+3",
		"1.5", ".5", "5.", "1e", "1e5", "1E-5", "1_000", "0x1f", "0o17", "0b1", "[x]", "{x: y}",
	};

	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		assert_text(others[i], NULL);
}
END_TEST

START_TEST(booleans_are_true_or_false)
{
	static const char *const others[] = { "yes", "True", "TRUE", "1", "on", "\"true\"", "", "[true]", "truex" };
	struct sam_msg msg = { "" };
	struct sam_yaml *root;
	bool value = false;

	ck_assert_int_eq(sam_yaml_bool(value_of(&root, "true"), &value, &msg), SAM_OK);
	ck_assert(value);
	sam_yaml_free(root);
	ck_assert_int_eq(sam_yaml_bool(value_of(&root, "false"), &value, &msg), SAM_OK);
	ck_assert(!value);
	sam_yaml_free(root);
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		ck_assert_int_eq(sam_yaml_bool(value_of(&root, others[i]), &value, &msg), SAM_CONFIG);
		ck_assert(!value);
		sam_yaml_free(root);
	}
}
END_TEST

static enum sam_reason number(const char *text, int64_t min, int64_t max, int64_t *out)
{
	struct sam_yaml *root;
	enum sam_reason reason = sam_yaml_number(value_of(&root, text), min, max, out, NULL);

	sam_yaml_free(root);
	return reason;
}

START_TEST(numbers_are_bounded_decimals)
{
	static const char *const others[] = {
		"", "-x", "+1", "01", "00", "1.0", "1e1", "0x1", "1_0", "1s", "\"1\"", "one", "[1]",
		"99999999999", "18446744073709551617", "340282366920938463463374607431768211457",
	};
	int64_t value = 77;

	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		ck_assert_int_eq(number(others[i], INT64_MIN, INT64_MAX, &value), SAM_CONFIG);
		ck_assert_int_eq(value, 77);
	}
	ck_assert_int_eq(number("0", 0, 5, &value), SAM_OK);
	ck_assert_int_eq(value, 0);
	ck_assert_int_eq(number("5", 0, 5, &value), SAM_OK);
	ck_assert_int_eq(value, 5);
	ck_assert_int_eq(number("6", 0, 5, &value), SAM_CONFIG);
	ck_assert_int_eq(number("-1", 0, 5, &value), SAM_CONFIG);
	ck_assert_int_eq(number("-3", -3, 5, &value), SAM_OK);
	ck_assert_int_eq(value, -3);
	ck_assert_int_eq(number("9999999999", 0, INT64_MAX, &value), SAM_OK);
	ck_assert_int_eq(value, 9999999999);
}
END_TEST

static enum sam_reason duration(const char *text, int64_t min, int64_t max, int64_t *out)
{
	struct sam_yaml *root;
	enum sam_reason reason = sam_yaml_duration(value_of(&root, text), min, max, out, NULL);

	sam_yaml_free(root);
	return reason;
}

START_TEST(durations_have_units)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = { { "0", 0 }, { "0s", 0 }, { "250ms", 250 }, { "10s", 10000 }, { "2m", 120000 },
		     { "3h", 10800000 }, { "1d", 86400000 }, { "9999999999d", 863999999913600000 } };
	static const char *const others[] = { "", "5", "s", "-1s", "1.5s", "1 s", "01s", "1S", "1min", "1w", "1ss",
					      "\"1s\"", "[1s]", "99999999999d", "1us" };
	int64_t ms = 77;

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		ck_assert_int_eq(duration(good[i].text, 0, INT64_MAX, &ms), SAM_OK);
		ck_assert_int_eq(ms, good[i].ms);
	}
	ms = 77;
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		ck_assert_int_eq(duration(others[i], 0, INT64_MAX, &ms), SAM_CONFIG);
	ck_assert_int_eq(duration("0", 1, 1000, &ms), SAM_CONFIG);
	ck_assert_int_eq(duration("999ms", 1000, 2000, &ms), SAM_CONFIG);
	ck_assert_int_eq(duration("3s", 1000, 2000, &ms), SAM_CONFIG);
	ck_assert_int_eq(ms, 77);
	ck_assert_int_eq(duration("2s", 1000, 2000, &ms), SAM_OK);
}
END_TEST

START_TEST(absent_values_leave_the_default)
{
	const char *text = "x";
	bool yes = true;
	int64_t n = 3;

	ck_assert_int_eq(sam_yaml_text(NULL, &text, NULL), SAM_OK);
	ck_assert_int_eq(sam_yaml_bool(NULL, &yes, NULL), SAM_OK);
	ck_assert_int_eq(sam_yaml_number(NULL, 5, 6, &n, NULL), SAM_OK);
	ck_assert_int_eq(sam_yaml_duration(NULL, 5, 6, &n, NULL), SAM_OK);
	ck_assert_str_eq(text, "x");
	ck_assert(yes);
	ck_assert_int_eq(n, 3);
}
END_TEST

START_TEST(needed_members_must_be_there_and_of_their_kind)
{
	struct sam_yaml *root = parsed("m:\n  s: 1\n  l: [1]\n"), *map = sam_yaml_get(root, "m"), *node;
	struct sam_msg msg = { "" };

	ck_assert_int_eq(sam_yaml_need(map, "s", SAM_YAML_SCALAR, &node, &msg), SAM_OK);
	ck_assert_str_eq(node->text, "1");
	ck_assert_int_eq(sam_yaml_need(map, "absent", SAM_YAML_SCALAR, &node, &msg), SAM_CONFIG);
	ck_assert_str_eq(msg.text, "t.yaml:2:3: the key `absent` is missing here; add it");
	ck_assert_int_eq(sam_yaml_need(map, "s", SAM_YAML_LIST, &node, &msg), SAM_CONFIG);
	ck_assert_str_eq(msg.text, "t.yaml:2:6: s: must be a list");
	ck_assert_int_eq(sam_yaml_need(map, "l", SAM_YAML_MAP, &node, &msg), SAM_CONFIG);
	ck_assert_str_eq(msg.text, "t.yaml:3:6: l: must be a map");
	ck_assert_int_eq(sam_yaml_need(map, "l", SAM_YAML_SCALAR, &node, &msg), SAM_CONFIG);
	ck_assert_str_eq(msg.text, "t.yaml:3:6: l: must be one value");
	sam_yaml_free(root);
}
END_TEST

START_TEST(keys_that_nobody_asked_for_are_refused)
{
	struct sam_yaml *root = parsed("a: 1\nm:\n  b: 1\n  hidden: 2\nl:\n- c: 1\n- hidden: 1\n");
	struct sam_msg msg = { "" };

	sam_yaml_get(root, "a");
	sam_yaml_get(root, "l");
	ck_assert_int_eq(sam_yaml_all_used(root, &msg), SAM_CONFIG);
	ck_assert_str_eq(msg.text, "t.yaml:2:1: unknown key; correct its spelling or remove it");
	sam_yaml_get(sam_yaml_get(root, "m"), "b");
	ck_assert_int_eq(sam_yaml_all_used(root, &msg), SAM_CONFIG);
	ck_assert(!strncmp(msg.text, "t.yaml:4:3:", 11));
	sam_yaml_get(sam_yaml_get(root, "m"), "hidden");
	sam_yaml_get(sam_yaml_get(root, "l")->items, "c");
	ck_assert_int_eq(sam_yaml_all_used(root, &msg), SAM_CONFIG);
	ck_assert(!strncmp(msg.text, "t.yaml:7:3:", 11));
	sam_yaml_get(sam_yaml_get(root, "l")->items->next, "hidden");
	ck_assert_int_eq(sam_yaml_all_used(root, &msg), SAM_OK);
	sam_yaml_free(root);
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static Suite *yaml_suite(void)
{
	Suite *suite = suite_create("yaml");
	TCase *parse = tcase_create("parse"), *values = tcase_create("values");

	tcase_add_test(parse, maps_lists_and_scalars_are_read);
	tcase_add_test(parse, utf8_is_read_and_columns_count_characters);
	tcase_add_loop_test(parse, features_of_yaml_are_refused, 0, COUNT(features));
	tcase_add_loop_test(parse, doubled_keys_and_other_roots_are_refused, 0, COUNT(doubles));
	tcase_add_test(parse, same_key_in_two_maps_is_no_double);
	tcase_add_loop_test(parse, malformed_files_are_refused, 0, COUNT(malformed));
	tcase_add_test(parse, control_characters_are_refused);
	tcase_add_test(parse, bytes_that_are_no_utf8_are_refused);
	tcase_add_test(parse, depth_is_bounded);
	tcase_add_test(parse, size_is_bounded);
	tcase_add_test(parse, number_of_values_is_bounded);
	tcase_add_test(parse, no_message_is_asked_for);
	tcase_add_test(values, texts_are_read);
	tcase_add_test(values, blocks_are_read_where_they_are_asked_for);
	tcase_add_test(values, other_types_are_no_texts);
	tcase_add_test(values, booleans_are_true_or_false);
	tcase_add_test(values, numbers_are_bounded_decimals);
	tcase_add_test(values, durations_have_units);
	tcase_add_test(values, absent_values_leave_the_default);
	tcase_add_test(values, needed_members_must_be_there_and_of_their_kind);
	tcase_add_test(values, keys_that_nobody_asked_for_are_refused);
	suite_add_tcase(suite, parse);
	suite_add_tcase(suite, values);
	return suite;
}

SAM_UNIT_MAIN(yaml_suite)
