/* SPDX-License-Identifier: BSD-3-Clause
 *
 * p11-sam.yaml: every key with its bounds, and who may have written the files. Works as root and as a
 * plain user; what needs a second uid is tried as root only.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/config.h"
#include "unit.h"

enum { OTHER_UID = 65534 };

/* @ stands for the test's folder. */
static const char good[] =
	"sam_id: https://sam.example.jp\n"         /* 1 */
	"label: my sam\n"                          /* 2 */
	"user: sam-1\n"                            /* 3 */
	"cm:\n"                                    /* 4 */
	"  module: @/cm.so\n"                      /* 5 */
	"  token: sam-cm\n"                        /* 6 */
	"  pin_source: file:/etc/p11-sam/cm.pin\n" /* 7 */
	"  sessions: 8\n"                          /* 8 */
	"  recheck: 250ms\n"                       /* 9 */
	"store: sqlite:/var/lib/p11-sam/state.db\n" /* 10 */
	"policy: @/policy.yaml\n"                  /* 11 */
	"log: file:/var/log/p11-sam.log\n"         /* 12 */
	"protected_path: true\n"                   /* 13 */
	"application: sca-1\n";                    /* 14 */

static char dir[64], text[8192];

static const char *in_dir(const char *name)
{
	static char path[2][128];
	static int turn;

	turn = !turn;
	snprintf(path[turn], sizeof path[turn], "%s/%s", dir, name);
	return path[turn];
}

static void write_file(const char *path, const char *bytes)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(bytes, f), 0);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path, 0644), 0);
}

static void change(const char *from, const char *to)
{
	char rest[sizeof text];
	char *at = strstr(text, from);

	ck_assert_msg(at != NULL, "the test's configuration has no %s", from);
	strcpy(rest, at + strlen(from));
	strcpy(at, to);
	strcat(text, rest);
}

static void begin(void)
{
	strcpy(dir, "/tmp/sam-config-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	strcpy(text, good);
	write_file(in_dir("cm.so"), "no library\n");
	write_file(in_dir("policy.yaml"), "no policy\n");
}

static void end(void)
{
	static const char *const names[] = { "cm.so", "policy.yaml", "sam.yaml", "link", "sub/cm.so", "sub/sam.yaml" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		unlink(in_dir(names[i]));
	rmdir(in_dir("sub"));
	ck_assert_int_eq(rmdir(dir), 0);
}

/* Put the folder's name in and write the file. */
static void write_config(void)
{
	while (strstr(text, "@/")) {
		char with[80];

		snprintf(with, sizeof with, "%s/", dir);
		change("@/", with);
	}
	write_file(in_dir("sam.yaml"), text);
}

static enum sam_reason load(const char *name, struct sam_config *c, struct sam_msg *msg)
{
	char path[128];

	snprintf(path, sizeof path, "%s", in_dir(name));
	memset(c, 0xa5, sizeof *c);
	msg->text[0] = '\0';
	return sam_config_load(path, c, msg);
}

static struct sam_config loaded(void)
{
	struct sam_config c;
	struct sam_msg msg;

	write_config();
	ck_assert_msg(load("sam.yaml", &c, &msg) == SAM_OK, "%s", msg.text);
	return c;
}

/* Refused; ${why} is in the message, and nothing stays in the result. */
static void assert_not_loaded(const char *name, const char *why)
{
	static const struct sam_config none;
	struct sam_config c;
	struct sam_msg msg;

	ck_assert_int_eq(load(name, &c, &msg), SAM_CONFIG);
	ck_assert_msg(strstr(msg.text, why) != NULL, "%s: wanted %s", msg.text, why);
	ck_assert_msg(!strstr(msg.text, "hidden"), "%s: quotes the contents", msg.text);
	ck_assert_str_eq(c.path, none.path);
	ck_assert_str_eq(c.sam_id, none.sam_id);
	ck_assert(!c.root_owned && !c.protected_path);
}

static void assert_refused(const char *place, const char *why)
{
	char start[128];

	write_config();
	snprintf(start, sizeof start, "%s:%s: ", in_dir("sam.yaml"), place);
	assert_not_loaded("sam.yaml", start);
	assert_not_loaded("sam.yaml", why);
}

/* ---- values ---- */

START_TEST(configuration_is_read)
{
	struct sam_config c = loaded();

	ck_assert_str_eq(c.path, in_dir("sam.yaml"));
	ck_assert_str_eq(c.sam_id, "https://sam.example.jp");
	ck_assert_str_eq(c.label, "my sam");
	ck_assert_str_eq(c.user, "sam-1");
	ck_assert_str_eq(c.cm_module, in_dir("cm.so"));
	ck_assert_str_eq(c.cm_token, "sam-cm");
	ck_assert_str_eq(c.cm_serial, "");
	ck_assert_str_eq(c.cm_pin_source, "file:/etc/p11-sam/cm.pin");
	ck_assert_uint_eq(c.cm_sessions, 8);
	ck_assert_uint_eq(c.cm_recheck_ms, 250);
	ck_assert_str_eq(c.store, "/var/lib/p11-sam/state.db");
	ck_assert_str_eq(c.policy, in_dir("policy.yaml"));
	ck_assert_str_eq(c.log, "file:/var/log/p11-sam.log");
	ck_assert(c.protected_path);
	ck_assert_str_eq(c.application, "sca-1");
}
END_TEST

START_TEST(configuration_is_known_by_its_sha256)
{
	struct sam_config a = loaded(), b;
	uint8_t digest[32];

	/* the text as it was written, with the folder's name in it */
	ck_assert_int_eq(sam_ossl_digest(SAM_HASH_SHA256, text, strlen(text), digest), SAM_OK);
	ck_assert_mem_eq(a.sha256, digest, sizeof digest);
	strcat(text, "# a comment counts\n");
	b = loaded();
	ck_assert_mem_ne(a.sha256, b.sha256, sizeof a.sha256);
}
END_TEST

START_TEST(defaults_are_as_documented)
{
	struct sam_config c;

	change("label: my sam\n", "");
	change("user: sam-1\n", "");
	change("  sessions: 8\n", "");
	change("  recheck: 250ms\n", "");
	change("log: file:/var/log/p11-sam.log\n", "");
	change("protected_path: true\n", "");
	change("application: sca-1\n", "");
	c = loaded();
	ck_assert_str_eq(c.label, "p11-sam");
	ck_assert_str_eq(c.user, "p11-sam");
	ck_assert_uint_eq(c.cm_sessions, 4);
	ck_assert_uint_eq(c.cm_recheck_ms, 1000);
	ck_assert_str_eq(c.log, "journal");
	ck_assert(!c.protected_path);
	ck_assert_str_eq(c.application, "");
}
END_TEST

static const struct {
	const char *from, *to;
} accepted[] = {
	{ "token: sam-cm", "serial: \"0123456789abcdef\"" },
	{ "token: sam-cm", "serial: 9d3cbb8c0d1a6b61" },
	{ "token: sam-cm", "token: abcdefghijklmnopqrstuvwxyz012345" },
	{ "label: my sam", "label: \"\xe7\xbd\xb2\xe5\x90\x8d\"" },
	{ "sessions: 8", "sessions: 1" },
	{ "sessions: 8", "sessions: 64" },
	{ "recheck: 250ms", "recheck: 0" },
	{ "recheck: 250ms", "recheck: 1h" },
	{ "file:/etc/p11-sam/cm.pin", "/etc/p11-sam/cm.pin" },
	{ "file:/etc/p11-sam/cm.pin", "file:///etc/p11-sam/cm.pin" },
	{ "file:/etc/p11-sam/cm.pin", "credential:cm.pin" },
	{ "log: file:/var/log/p11-sam.log", "log: journal" },
	{ "application: sca-1", "application: \"\"" },
	{ "store: sqlite:/var/lib", "store: \"sqlite:/var/..lib..\"" },
};

START_TEST(other_values_are_taken)
{
	change(accepted[_i].from, accepted[_i].to);
	if (strstr(accepted[_i].to, "..lib"))
		change("\"/p11-sam/state.db", "/p11-sam/state.db\"");
	loaded();
}
END_TEST

static const struct {
	const char *from, *to, *place, *why;
} refused[] = {
	{ "sam_id: https://sam.example.jp\n", "", "1:1", "`sam_id`" },
	{ "  module: @/cm.so\n", "", "5:3", "`module`" },
	{ "  token: sam-cm\n", "", "5:3", "`token` and `serial`" },
	{ "  token: sam-cm\n", "  token: sam-cm\n  serial: abc\n", "5:3", "`token` and `serial`" },
	{ "  pin_source: file:/etc/p11-sam/cm.pin\n", "", "5:3", "`pin_source`" },
	{ "store: sqlite:/var/lib/p11-sam/state.db\n", "", "1:1", "`store`" },
	{ "policy: @/policy.yaml\n", "", "1:1", "`policy`" },
	{ "user: sam-1\n", "user: sam-1\nhidden: 1\n", "4:1", "unknown key" },
	{ "  sessions: 8\n", "  sessions: 8\n  hidden: 1\n", "9:3", "unknown key" },
	{ "user: sam-1\n", "user: sam-1\nverify: false\n", "4:1", "unknown key" },
	{ "user: sam-1\n", "user: sam-1\nlabel: hidden\n", "4:1", "keep one" },
	{ "label: my sam", "label: &hidden x", "2:8", "anchors" },
	{ "label: my sam", "label: *hidden", "2:8", "aliases" },
	{ "label: my sam", "label: !hidden x", "2:8", "tags" },
	{ "label: my sam", "label: true", "2:8", "a text" },
	{ "label: my sam", "label: 12", "2:8", "a text" },
	{ "label: my sam", "label: [hidden]", "2:8", "a text" },
	{ "label: my sam", "label: \"\"", "2:8", "1 to 32 bytes" },
	{ "label: my sam", "label:", "2:7", "missing" },
	{ "label: my sam", "label: abcdefghijklmnopqrstuvwxyz0123456", "2:8", "1 to 32 bytes" },
	{ "label: my sam", "label: \"hidden\\e[0m\"", "2:8", "control" },
	{ "sam_id: https://sam.example.jp", "sam_id: \"\"", "1:9", "1 to 255 bytes" },
	{ "sam_id: https://sam.example.jp", "sam_id: {hidden: 1}", "1:9", "one value" },
	{ "user: sam-1", "user: \"hidden user\"", "3:7", "a user's name" },
	{ "user: sam-1", "user: -hidden", "3:7", "a user's name" },
	{ "user: sam-1", "user: \"\"", "3:7", "a user's name" },
	{ "user: sam-1", "user: 1000", "3:7", "a text" },
	{ "user: sam-1", "user: aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd", "3:7", "63 bytes" },
	{ "module: @/cm.so", "module: hidden.so", "5:11", "a whole path" },
	{ "module: @/cm.so", "module: ./hidden.so", "5:11", "a whole path" },
	{ "module: @/cm.so", "module: /usr/../hidden.so", "5:11", "a whole path" },
	{ "module: @/cm.so", "module: /usr/hidden/..", "5:11", "a whole path" },
	{ "module: @/cm.so", "module: /usr/hidden/", "5:11", "a whole path" },
	{ "module: @/cm.so", "module: \"\"", "5:11", "a whole path" },
	{ "module: @/cm.so", "module: /hidden/cm.so", "5:11", "module: no such file" },
	{ "token: sam-cm", "token: \"\"", "6:10", "1 to 32 bytes" },
	{ "token: sam-cm", "token: abcdefghijklmnopqrstuvwxyz0123456", "6:10", "1 to 32 bytes" },
	{ "token: sam-cm", "serial: abcdefghijklmnopq", "6:11", "1 to 16 bytes" },
	{ "token: sam-cm", "serial: 0123456789", "6:11", "put it in quotes" },
	{ "file:/etc/p11-sam/cm.pin", "hidden.pin", "7:15", "must be file:" },
	{ "file:/etc/p11-sam/cm.pin", "file:hidden.pin", "7:15", "must be file:" },
	{ "file:/etc/p11-sam/cm.pin", "file:/etc/../hidden.pin", "7:15", "must be file:" },
	{ "file:/etc/p11-sam/cm.pin", "\"|hidden\"", "7:15", "must be file:" },
	{ "file:/etc/p11-sam/cm.pin", "\"credential:\"", "7:15", "must be file:" },
	{ "file:/etc/p11-sam/cm.pin", "credential:hidden/x", "7:15", "must be file:" },
	{ "file:/etc/p11-sam/cm.pin", "credential:..", "7:15", "must be file:" },
	{ "file:/etc/p11-sam/cm.pin", "\"1234\"", "7:15", "must be file:" },
	{ "sessions: 8", "sessions: 0", "8:13", "from 1 to 64" },
	{ "sessions: 8", "sessions: 65", "8:13", "from 1 to 64" },
	{ "sessions: 8", "sessions: \"8\"", "8:13", "from 1 to 64" },
	{ "recheck: 250ms", "recheck: 5", "9:12", "duration" },
	{ "recheck: 250ms", "recheck: 3601s", "9:12", "duration" },
	{ "recheck: 250ms", "recheck: -1s", "9:12", "duration" },
	{ "cm:\n", "cm: hidden\nx:\n", "4:5", "cm: must be a map" },
	{ "cm:\n", "xx:\n", "1:1", "`cm`" },
	{ "sqlite:/var/lib/p11-sam/state.db", "/var/lib/hidden.db", "10:8", "sqlite:" },
	{ "sqlite:/var/lib/p11-sam/state.db", "sqlite:hidden.db", "10:8", "sqlite:" },
	{ "sqlite:/var/lib/p11-sam/state.db", "\"sqlite:\"", "10:8", "sqlite:" },
	{ "sqlite:/var/lib/p11-sam/state.db", "postgresql:hidden", "10:8", "sqlite:" },
	{ "policy: @/policy.yaml", "policy: hidden.yaml", "11:9", "a whole path" },
	{ "policy: @/policy.yaml", "policy: /hidden/policy.yaml", "11:9", "policy: no such file" },
	{ "policy: @/policy.yaml", "policy: /usr", "11:9", "is no regular file" },
	{ "log: file:/var/log/p11-sam.log", "log: stderr", "12:6", "journal" },
	{ "log: file:/var/log/p11-sam.log", "log: file:hidden.log", "12:6", "journal" },
	{ "log: file:/var/log/p11-sam.log", "log: syslog", "12:6", "journal" },
	{ "protected_path: true", "protected_path: yes", "13:17", "true or false" },
	{ "protected_path: true", "protected_path: 1", "13:17", "true or false" },
	{ "application: sca-1", "application: \"hidden name\"", "14:14", "principal's name" },
	{ "application: sca-1", "application: eyJhidden", "14:14", "principal's name" },
	{ "application: sca-1", "application: \"hidden:secret\"", "14:14", "principal's name" },
};

START_TEST(other_configurations_are_refused)
{
	change(refused[_i].from, refused[_i].to);
	assert_refused(refused[_i].place, refused[_i].why);
}
END_TEST

START_TEST(values_that_are_too_long_are_refused)
{
	static const struct {
		const char *from, *head, *place;
		size_t longest;
	} fields[] = {
		{ "https://sam.example.jp", "", "1:9", 255 },
		{ "sqlite:/var/lib/p11-sam/state.db", "sqlite:/", "10:8", PATH_MAX - 1 + 7 },
		{ "file:/var/log/p11-sam.log", "file:/", "12:6", PATH_MAX + 7 },
	};
	size_t longest = fields[_i].longest, head = strlen(fields[_i].head);
	static char value[PATH_MAX + 64];

	memset(value, 'x', sizeof value);
	memcpy(value, fields[_i].head, head);
	value[longest] = '\0';
	change(fields[_i].from, value);
	loaded();
	change(value, "@");
	value[longest] = 'x';
	value[longest + 1] = '\0';
	change("@", value);
	assert_refused(fields[_i].place, "must be");
}
END_TEST

START_TEST(file_over_one_mebibyte_is_refused)
{
	write_config();
	ck_assert_int_eq(truncate(in_dir("sam.yaml"), (1 << 20) + 1), 0);
	assert_not_loaded("sam.yaml", "longer than");
	ck_assert_int_eq(truncate(in_dir("sam.yaml"), 0), 0);
	assert_not_loaded("sam.yaml", ":1:1: the file is empty");
}
END_TEST

START_TEST(path_must_be_whole_and_there)
{
	struct sam_config c;
	struct sam_msg msg;

	ck_assert_int_eq(sam_config_load("p11-sam.yaml", &c, &msg), SAM_CONFIG);
	ck_assert_ptr_nonnull(strstr(msg.text, "a whole path"));
	ck_assert_int_eq(sam_config_load("", &c, &msg), SAM_CONFIG);
	ck_assert_int_eq(sam_config_load("/tmp/../tmp/x", &c, NULL), SAM_CONFIG);
	assert_not_loaded("absent.yaml", "absent.yaml: no such file");
	ck_assert_int_eq(sam_config_load(dir, &c, &msg), SAM_CONFIG);
	ck_assert_ptr_nonnull(strstr(msg.text, "is no regular file"));
}
END_TEST

/* ---- owners and modes ---- */

START_TEST(files_that_others_may_write_are_refused)
{
	static const struct {
		const char *name, *place;
	} files[] = { { "sam.yaml", "sam.yaml: " }, { "policy.yaml", "sam.yaml:11:9: policy: " },
		      { "cm.so", "sam.yaml:5:11: module: " } };
	static const mode_t bad[] = { 0664, 0646, 0666 };

	write_config();
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(chmod(in_dir(files[_i].name), bad[i]), 0);
		assert_not_loaded("sam.yaml", files[_i].place);
		assert_not_loaded("sam.yaml", "chmod go-w");
	}
	ck_assert_int_eq(chmod(in_dir(files[_i].name), 0600), 0);
	loaded();
}
END_TEST

START_TEST(folder_that_others_may_write_to_is_refused)
{
	write_config();
	ck_assert_int_eq(chmod(dir, 0770), 0);
	assert_not_loaded("sam.yaml", "chmod go-w");
	ck_assert_int_eq(chmod(dir, 0707), 0);
	assert_not_loaded("sam.yaml", "chmod go-w");
	/* nobody but the owner can change a name in a sticky one: so /tmp may stand on the way */
	ck_assert_int_eq(chmod(dir, 01777), 0);
	loaded();
	ck_assert_int_eq(chmod(dir, 0700), 0);
	loaded();
}
END_TEST

START_TEST(folder_of_the_module_counts_too)
{
	ck_assert_int_eq(mkdir(in_dir("sub"), 0700), 0);
	write_file(in_dir("sub/cm.so"), "no library\n");
	change("@/cm.so", "@/sub/cm.so");
	loaded();
	ck_assert_int_eq(chmod(in_dir("sub"), 0777), 0);
	assert_not_loaded("sam.yaml", "sam.yaml:5:11: module: ");
	assert_not_loaded("sam.yaml", "/sub: group or others");
}
END_TEST

START_TEST(links_are_resolved_once)
{
	struct sam_config c;
	struct sam_msg msg;

	/* Debian's libsofthsm2.so is one */
	ck_assert_int_eq(symlink("cm.so", in_dir("link")), 0);
	change("@/cm.so", "@/link");
	c = loaded();
	ck_assert_str_eq(c.cm_module, in_dir("cm.so"));
	ck_assert_int_eq(unlink(in_dir("link")), 0);
	assert_not_loaded("sam.yaml", "module: no such file");
	ck_assert_int_eq(symlink("link", in_dir("link")), 0);
	assert_not_loaded("sam.yaml", "module: no such file, or it cannot be reached");
	/* the configuration by a link: where its bytes lie counts */
	change("/link", "/cm.so");
	write_config();
	ck_assert_int_eq(unlink(in_dir("link")), 0);
	ck_assert_int_eq(symlink("sam.yaml", in_dir("link")), 0);
	ck_assert_msg(load("link", &c, &msg) == SAM_OK, "%s", msg.text);
	ck_assert_str_eq(c.path, in_dir("sam.yaml"));
	ck_assert_int_eq(chmod(in_dir("sam.yaml"), 0666), 0);
	assert_not_loaded("link", "chmod go-w");
}
END_TEST

START_TEST(root_owned_says_whose_it_is)
{
	struct sam_config c = loaded();

	ck_assert(c.root_owned == (geteuid() == 0));
}
END_TEST

START_TEST(files_of_another_user_are_refused)
{
	static const char *const names[] = { "sam.yaml", "policy.yaml", "cm.so" };

	if (geteuid() != 0) {
		/* the other way round: root's are ours too */
		change("@/policy.yaml", "/etc/passwd");
		loaded();
		return;
	}
	write_config();
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(chown(in_dir(names[i]), OTHER_UID, 0), 0);
		assert_not_loaded("sam.yaml", "chown it to root");
		ck_assert_int_eq(chown(in_dir(names[i]), 0, 0), 0);
	}
	ck_assert_int_eq(chown(dir, OTHER_UID, 0), 0);
	assert_not_loaded("sam.yaml", "chown it to root");
	ck_assert_int_eq(chown(dir, 0, 0), 0);
	loaded();
}
END_TEST

START_TEST(files_of_the_sams_user_are_taken_and_are_not_roots)
{
	static const char *const names[] = { "", "sam.yaml", "policy.yaml", "cm.so" };
	struct sam_config c;
	struct sam_msg msg;

	write_config();
	if (geteuid() == 0) {
		for (int i = 0; i < 4; i++)
			ck_assert_int_eq(chown(in_dir(names[i]), OTHER_UID, 0), 0);
		ck_assert_int_eq(seteuid(OTHER_UID), 0);
	}
	ck_assert_msg(load("sam.yaml", &c, &msg) == SAM_OK, "%s", msg.text);
	ck_assert(!c.root_owned);
	if (getuid() == 0)
		ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

/* ---- finding ---- */

START_TEST(path_comes_from_argument_environment_or_etc)
{
	char path[PATH_MAX];

	ck_assert_int_eq(setenv("P11_SAM_CONFIG", "/x/env.yaml", 1), 0);
	ck_assert(sam_config_find("/x/given.yaml", path, sizeof path));
	ck_assert_str_eq(path, "/x/given.yaml");
	ck_assert(sam_config_find(NULL, path, sizeof path));
	ck_assert_str_eq(path, "/x/env.yaml");
	ck_assert_int_eq(setenv("P11_SAM_CONFIG", "", 1), 0);
	ck_assert(sam_config_find(NULL, path, sizeof path));
	ck_assert_str_eq(path, SAM_CONFIG_PATH);
	ck_assert_int_eq(unsetenv("P11_SAM_CONFIG"), 0);
	ck_assert(sam_config_find(NULL, path, sizeof path));
	ck_assert_str_eq(path, SAM_CONFIG_PATH);
	ck_assert(!sam_config_find("", path, sizeof path));
	ck_assert(!sam_config_find("/x/given.yaml", path, 13));
	ck_assert(sam_config_find("/x/given.yaml", path, 14));
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static Suite *config_suite(void)
{
	Suite *suite = suite_create("config");
	TCase *values = tcase_create("values"), *owners = tcase_create("owners");
	TCase *finding = tcase_create("finding");

	tcase_add_checked_fixture(values, begin, end);
	tcase_add_checked_fixture(owners, begin, end);
	tcase_add_test(values, configuration_is_read);
	tcase_add_test(values, configuration_is_known_by_its_sha256);
	tcase_add_test(values, defaults_are_as_documented);
	tcase_add_loop_test(values, other_values_are_taken, 0, COUNT(accepted));
	tcase_add_loop_test(values, other_configurations_are_refused, 0, COUNT(refused));
	tcase_add_loop_test(values, values_that_are_too_long_are_refused, 0, 3);
	tcase_add_test(values, file_over_one_mebibyte_is_refused);
	tcase_add_test(values, path_must_be_whole_and_there);
	tcase_add_loop_test(owners, files_that_others_may_write_are_refused, 0, 3);
	tcase_add_test(owners, folder_that_others_may_write_to_is_refused);
	tcase_add_test(owners, folder_of_the_module_counts_too);
	tcase_add_test(owners, links_are_resolved_once);
	tcase_add_test(owners, root_owned_says_whose_it_is);
	tcase_add_test(owners, files_of_another_user_are_refused);
	tcase_add_test(owners, files_of_the_sams_user_are_taken_and_are_not_roots);
	tcase_add_test(finding, path_comes_from_argument_environment_or_etc);
	suite_add_tcase(suite, values);
	suite_add_tcase(suite, owners);
	suite_add_tcase(suite, finding);
	return suite;
}

SAM_UNIT_MAIN(config_suite)
