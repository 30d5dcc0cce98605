/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sap/service.h and the NULL PIN: which SCA a process is known for, at which level and behind what kind of fd 0; that
 * NULL is not empty; and what base/peer.h sees of a client.
 */
#include "sam_fixture.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include "base/peer.h"
#include "policy/acts.h"
#include "sap/service.h"

static const struct sam_login nobody;
static struct sam_login login;
static struct sam_activation *activation;

/** sap_says(more): The policy in force, and these lines in its `sap:` besides. */
static void sap_says(const char *more)
{
	const struct sam_event event = {.type = SAM_EVENT_POLICY_SIGN};
	struct sam_sealed sealed = *snapshot()->sealed;
	struct sam_edit edit;
	struct sam_msg msg = {""};
	char *text, *sap = strstr(sealed.text, "\nsap:\n");
	ck_assert_ptr_nonnull(sap);
	sap += strlen("\nsap:\n");
	ck_assert_int_gt(asprintf(&text, "%.*s%s%s", (int)(sap - sealed.text), sealed.text, more, sap), 0);
	sealed.text = text;
	ck_assert_msg(sam_policy_parse("policy", text, strlen(text), &sealed.policy, &msg) == SAM_OK, "%s", msg.text);
	memcpy(sealed.sha256, sealed.policy.sha256, sizeof sealed.sha256);
	sam->policy = sealed.policy;
	sam_edit_start(&edit, sam->registry, snapshot());
	is(sam_edit_set_sealed(&edit, &sealed), SAM_OK);
	is(sam_edit_commit_event(&edit, &sam->audit, &event), SAM_OK);
	sam_edit_clear(&edit);
	free(text);
}

static void deferred(void)
{
	sap_says("  deferred: true\n");
}

static void new_sca(const char *name, int64_t uid)
{
	if (uid < 0)
		is(act("officer", NULL, SAM_ACT_PRINCIPAL_ADD, "{'name':'%s','role':'sca','password':'x'}", name), SAM_OK);
	else
		is(act("officer", NULL, SAM_ACT_PRINCIPAL_ADD, "{'name':'%s','role':'sca','password':'x','uid':%lld}", name,
		       (long long)uid), SAM_OK);
}

static void locked(const char *name)
{
	struct sam_principal p = *principal(name);
	p.locked = true;
	by_hand(&p);
}

/* ---- fd 0; each test is a process of its own ---- */

static void fd0(int fd)
{
	ck_assert_int_eq(dup2(fd, 0), 0);
	close(fd);
}

static void no_client(void)
{
	fd0(open("/dev/null", O_RDWR));
}

/* A client that runs under this test's own user; returns its end. */
static int client(void)
{
	int ends[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	fd0(ends[0]);
	return ends[1];
}

static enum sam_reason user(const char *name, const char *pin, size_t len)
{
	return sam_login(sam, SAM_LOGIN_USER, name, pin, len, &nobody, &login, &activation);
}

static enum sam_reason null_pin(void)
{
	return user(NULL, NULL, 0);
}

/* Refused, on record, and nobody is logged in. */
static void refuses_(enum sam_reason got, enum sam_reason want, unsigned line)
{
	struct last last = last_of("login");
	ck_assert_msg(got == want, "line %u: %s, not %s", line, sam_reason_name(got), sam_reason_name(want));
	ck_assert_msg(strcmp(last.reason, sam_reason_name(want)) == 0, "line %u: recorded as %s", line, last.line);
	ck_assert_msg(!login.name[0] && !activation, "line %u", line);
}
#define refuses(got, want) refuses_(got, want, __LINE__)

/* It is that SCA, and on record with how it was known. */
static void logs_in_(enum sam_reason got, const char *name, const char *how, unsigned line)
{
	struct last last = last_of("login");
	ck_assert_msg(got == SAM_OK, "line %u: %s", line, sam_reason_name(got));
	ck_assert_msg(strcmp(login.name, name) == 0 && login.role == SAM_ROLE_SCA && !login.by_sad && !activation,
		      "line %u: %s", line, login.name);
	ck_assert_msg(strcmp(last.actor, name) == 0 && strcmp(last.outcome, "success") == 0 && strstr(last.line, how),
		      "line %u: recorded as %s", line, last.line);
	memset(&login, 0, sizeof login);
}
#define logs_in(got, name, how) logs_in_(got, name, how, __LINE__)

static enum sam_reason context(const char *name, const char *pin, size_t len)
{
	const struct sam_login who = {.name = "alice", .role = SAM_ROLE_SIGNER};
	return sam_activate(sam, &who, name, pin, len, &activation);
}

/* ---- tests ---- */

START_TEST(where_nothing_is_deferred_a_null_pin_is_none)
{
	people();
	new_sca("mine", getuid());
	sam_mem_copy_text(sam->config.application, sizeof sam->config.application, "sca");
	no_client();
	refuses(null_pin(), SAM_PIN_NULL);
	is(context(NULL, NULL, 0), SAM_PIN_NULL);
	ck_assert_str_eq(last_of("activate").reason, "pin_null");
	close(client());
	client();
	refuses(null_pin(), SAM_PIN_NULL);
	ck_assert_uint_eq(sam_reason_rv(SAM_PIN_NULL, false), CKR_ARGUMENTS_BAD);
	ck_assert_uint_eq(sam_reason_rv(SAM_PIN_NULL, true), CKR_ARGUMENTS_BAD);
}
END_TEST

START_TEST(null_is_not_empty)
{
	people();
	new_sca("mine", getuid());
	deferred();
	client();
	refuses(user(NULL, "", 0), SAM_PIN_EMPTY);
	refuses(user("mine", "", 0), SAM_PIN_EMPTY);
	is(context(NULL, "", 0), SAM_PIN_EMPTY);
	ck_assert_uint_eq(sam_reason_rv(SAM_PIN_EMPTY, false), CKR_PIN_INVALID);
	ck_assert_uint_eq(sam_reason_rv(SAM_PIN_EMPTY, true), CKR_PIN_INVALID);
	logs_in(null_pin(), "mine", SAM_SERVICE_BY_UID);
}
END_TEST

START_TEST(at_level_1_the_configuration_names_the_application)
{
	people();
	deferred();
	no_client();
	refuses(null_pin(), SAM_APPLICATION_NONE);
	static const char *const no_sca[] = {"alice", "operator", "officer", "auditor", "stranger", "ra"};
	for (size_t i = 0; i < sizeof no_sca / sizeof *no_sca; i++) {
		sam_mem_copy_text(sam->config.application, sizeof sam->config.application, no_sca[i]);
		refuses(null_pin(), SAM_APPLICATION_NONE);
	}
	sam_mem_copy_text(sam->config.application, sizeof sam->config.application, "sca");
	logs_in(null_pin(), "sca", SAM_SERVICE_BY_CONFIGURATION);
	logs_in(user("sca", NULL, 0), "sca", SAM_SERVICE_BY_CONFIGURATION);
	refuses(user("alice", NULL, 0), SAM_APPLICATION_NONE);
	is(sam_login(sam, SAM_LOGIN_SO, NULL, NULL, 0, &nobody, &login, &activation), SAM_PIN_NULL);
	lock("sca"); /* by wrong passwords of somebody: here none is given */
	logs_in(null_pin(), "sca", SAM_SERVICE_BY_CONFIGURATION);
	locked("sca");
	refuses(null_pin(), SAM_LOCKED);
}
END_TEST

START_TEST(behind_a_socket_only_the_clients_uid_counts)
{
	people();
	deferred();
	sam_mem_copy_text(sam->config.application, sizeof sam->config.application, "sca");
	new_sca("another", (int64_t)getuid() + 1);
	client();
	refuses(null_pin(), SAM_PEER_UNKNOWN);
	new_sca("mine", getuid());
	logs_in(null_pin(), "mine", SAM_SERVICE_BY_UID);
	logs_in(user("mine", NULL, 0), "mine", SAM_SERVICE_BY_UID);
	refuses(user("another", NULL, 0), SAM_PEER_UNKNOWN);
	is(sam_login(sam, SAM_LOGIN_SO, NULL, NULL, 0, &nobody, &login, &activation), SAM_PIN_NULL);
	no_client();
	logs_in(null_pin(), "sca", SAM_SERVICE_BY_CONFIGURATION);
	client();
	locked("mine");
	refuses(null_pin(), SAM_LOCKED);
}
END_TEST

START_TEST(who_is_no_sca_is_not_known_by_a_uid)
{
	people();
	deferred();
	struct sam_principal p = *principal("operator");
	p.uid = getuid();
	by_hand(&p);
	client();
	refuses(null_pin(), SAM_PEER_UNKNOWN);
	p.roles |= SAM_SCA; /* as no act would leave it */
	by_hand(&p);
	refuses(null_pin(), SAM_ROLES_CONFLICT);
}
END_TEST

START_TEST(at_levels_2_and_3_no_application_is_configured)
{
	for (unsigned level = 2; level <= 3; level++) {
		at_level(level, NULL);
		deferred();
		sam_mem_copy_text(sam->config.application, sizeof sam->config.application, "sca");
		no_client();
		refuses(null_pin(), SAM_APPLICATION_NONE);
		close(client());
		client();
		if (level == 2) {
			refuses(null_pin(), SAM_PEER_UNKNOWN);
			people();
			new_sca("mine", getuid());
		}
		logs_in(null_pin(), "mine", SAM_SERVICE_BY_UID);
	}
}
END_TEST

START_TEST(who_is_logged_in_stays)
{
	people();
	deferred();
	new_sca("mine", getuid());
	client();
	struct sam_login before = {.name = "mine", .role = SAM_ROLE_SCA}, after;
	is(sam_login(sam, SAM_LOGIN_USER, NULL, NULL, 0, &before, &after, &activation), SAM_ALREADY_LOGGED_IN);
	ck_assert(strcmp(after.name, "mine") == 0 && !activation);
	strcpy(before.name, "sca");
	is(sam_login(sam, SAM_LOGIN_USER, NULL, NULL, 0, &before, &after, &activation), SAM_ANOTHER_LOGGED_IN);
	ck_assert(strcmp(after.name, "sca") == 0 && !activation);
}
END_TEST

START_TEST(for_one_signature_a_null_pin_takes_nothing_up)
{
	people();
	deferred();
	no_client();
	const uint64_t before = last_of(NULL).seq;
	is(context(NULL, NULL, 0), SAM_OK);
	ck_assert_ptr_null(activation);
	ck_assert_uint_eq(last_of(NULL).seq, before);
}
END_TEST

START_TEST(only_a_connected_unix_socket_is_a_client)
{
	struct sam_peer peer;
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof name;
	int ends[2];
	no_client();
	ck_assert(!sam_peer_read(&peer) && !sam_peer_gone());
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	fd0(ends[0]);
	close(ends[1]);
	ck_assert(!sam_peer_read(&peer) && !sam_peer_gone());
	fd0(socket(AF_UNIX, SOCK_STREAM, 0));
	ck_assert(!sam_peer_read(&peer) && !sam_peer_gone());
	int listener = socket(AF_INET, SOCK_STREAM, 0), tcp = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert(bind(listener, (struct sockaddr *)&name, sizeof name) == 0 && listen(listener, 1) == 0 &&
		  getsockname(listener, (struct sockaddr *)&name, &len) == 0 &&
		  connect(tcp, (struct sockaddr *)&name, len) == 0);
	fd0(tcp);
	close(listener);
	ck_assert(!sam_peer_read(&peer) && !sam_peer_gone());
	close(0);
	ck_assert(!sam_peer_read(&peer) && !sam_peer_gone());
}
END_TEST

START_TEST(a_client_is_gone_when_it_hangs_up)
{
	struct sam_peer peer;
	char byte = 'x';
	int end = client();
	ck_assert(sam_peer_read(&peer) && peer.uid == (int64_t)getuid() && peer.pid == (int64_t)getpid());
	ck_assert(!sam_peer_gone());
	ck_assert_int_eq(write(end, &byte, 1), 1);
	ck_assert(!sam_peer_gone());
	ck_assert_int_eq(shutdown(end, SHUT_WR), 0); /* it says no more, and still waits for the answer */
	ck_assert(!sam_peer_gone());
	close(end);
	ck_assert(sam_peer_gone());
	ck_assert_int_eq(read(0, &byte, 1), 1); /* it was not read from */
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("service");
	TCase *t = tcase_create("service");
	tcase_add_unchecked_fixture(t, sam_make, sam_unmake);
	tcase_add_checked_fixture(t, sam_fresh, sam_done);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, where_nothing_is_deferred_a_null_pin_is_none);
	tcase_add_test(t, null_is_not_empty);
	tcase_add_test(t, at_level_1_the_configuration_names_the_application);
	tcase_add_test(t, behind_a_socket_only_the_clients_uid_counts);
	tcase_add_test(t, who_is_no_sca_is_not_known_by_a_uid);
	tcase_add_test(t, at_levels_2_and_3_no_application_is_configured);
	tcase_add_test(t, who_is_logged_in_stays);
	tcase_add_test(t, for_one_signature_a_null_pin_takes_nothing_up);
	tcase_add_test(t, only_a_connected_unix_socket_is_a_client);
	tcase_add_test(t, a_client_is_gone_when_it_hangs_up);
	suite_add_tcase(s, t);
	return s;
}

CM_UNIT_MAIN(suite, sam_missing)
