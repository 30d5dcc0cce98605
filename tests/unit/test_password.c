/* SPDX-License-Identifier: BSD-3-Clause
 *
 * password.h and identify.h: what is strong enough, and that guesses are counted as they say.
 */
#include "sam_fixture.h"

#include "registry/identify.h"

/* ---- strength ---- */

struct word {
	const char *text;
	size_t len; /* 0: strlen() */
	bool strong;
};

static void try_words(const struct word *words, size_t count, const struct sam_policy *policy, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		struct sam_msg msg = {""};
		size_t len = words[i].len ? words[i].len : strlen(words[i].text);
		enum sam_reason reason = name ? sam_password_strong(policy, name, words[i].text, len, &msg)
					      : sam_knowledge_strong(words[i].text, len, &msg);
		ck_assert_msg(reason == (words[i].strong ? SAM_OK : SAM_PASSWORD_WEAK), "%s: %s", words[i].text,
			      sam_reason_name(reason));
		ck_assert(words[i].strong == (msg.text[0] == '\0'));
		ck_assert_msg(words[i].strong || !strstr(msg.text, words[i].text) || len < 2, "%s", msg.text);
	}
}

#define LONG128                                                                                        \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" \
	"0123456789abcdef0123456789abcdef"

START_TEST(a_weak_password_is_refused)
{
	static const struct word words[] = {
		{"Kraftwerk-77", 0, true},
		{"abcdexyz", 0, true},          /* eight bytes, as many different as asked for */
		{"abcdexy", 0, false},
		{"abcdabcd", 0, false},         /* four different */
		{"abcdeabc", 0, true},          /* five */
		{"p@ss-alice-1", 0, false},
		{"ALICE and more", 0, false},
		{"not alic e", 0, true},
		{"wonderland\0x", 12, false},
		{"\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f", 0, true}, /* bytes, not letters */
		{LONG128, 0, true},
		{LONG128 "x", 0, false},
		{"", 0, false},
	};
	try_words(words, sizeof words / sizeof words[0], NULL, "alice");
}
END_TEST

START_TEST(the_policy_asks_for_more)
{
	const struct sam_policy policy = {.password_min = 12, .password_different = 8};
	static const struct word words[] = {
		{"Kraftwerk77", 0, false},
		{"Kraftwerk-77", 0, true},
		{"abcdefgabcdefg", 0, false},
		{"abcdefghabcd", 0, true},
	};
	try_words(words, sizeof words / sizeof words[0], &policy, "alice");
	/* a name of two letters is in too many words */
	static const struct word short_name[] = {{"Kraftwerk-77", 0, true}};
	try_words(short_name, 1, &policy, "we");
}
END_TEST

START_TEST(a_weak_pin_is_refused)
{
	static const struct word pins[] = {
		{"8153", 0, true},
		{"815", 0, false},
		{"1111", 0, false},
		{"1234", 0, false},
		{"4321", 0, false},
		{"abcdef", 0, false},
		{"1235", 0, true},
		{"1212", 0, true},
		{"81 5", 0, true},
		{"81\"53", 0, false},
		{"81\\53", 0, false},
		{"81\t53", 0, false},
		{"81\xc3\xa4", 0, false},
		{"8153\0", 5, false},
		{"0123456789012345678901234567890123456789012345678901234567890123", 0, true},
		{"01234567890123456789012345678901234567890123456789012345678901234", 0, false},
		{"", 0, false},
	};
	try_words(pins, sizeof pins / sizeof pins[0], NULL, NULL);
}
END_TEST

/* ---- hashes ---- */

START_TEST(a_hash_is_that_passwords_and_that_cms)
{
	static const uint8_t root[32] = {1};
	struct sam_seal *other;
	char a[SAM_PASSWORD_SIZE], b[SAM_PASSWORD_SIZE];
	is(sam_seal_new(root, &other), SAM_OK);
	is(sam_password_make(sam->seal, "secret-1", 8, a, sizeof a), SAM_OK);
	is(sam_password_make(sam->seal, "secret-1", 8, b, sizeof b), SAM_OK);
	ck_assert_str_ne(a, b); /* salted */
	is(sam_password_check(sam->seal, "secret-1", 8, a), SAM_OK);
	is(sam_password_check(sam->seal, "secret-1", 8, b), SAM_OK);
	is(sam_password_check(sam->seal, "secret-2", 8, a), SAM_PASSWORD_WRONG);
	is(sam_password_check(sam->seal, "secret-1x", 9, a), SAM_PASSWORD_WRONG);
	is(sam_password_check(sam->seal, "", 0, a), SAM_PASSWORD_WRONG);
	is(sam_password_check(sam->seal, "secret-1", 8, NULL), SAM_PASSWORD_WRONG);
	is(sam_password_check(sam->seal, LONG128 LONG128, 256, a), SAM_PASSWORD_WRONG);
	/* a copy of the store under another CM allows no guess */
	is(sam_password_check(other, "secret-1", 8, a), SAM_PASSWORD_WRONG);
	for (size_t cut = 0; cut < strlen(a); cut += 7) { /* a row that was cut */
		snprintf(b, sizeof b, "%.*s", (int)cut, a);
		is(sam_password_check(sam->seal, "secret-1", 8, b), SAM_PASSWORD_WRONG);
	}
	is(sam_password_make(sam->seal, "abc", 3, a, sizeof a), SAM_PASSWORD_WEAK);
	is(sam_password_make(sam->seal, LONG128 "x", 129, a, sizeof a), SAM_PASSWORD_WEAK);
	sam_seal_free(other);
}
END_TEST

/* ---- counting ---- */

static const struct sam_counter_id officer_id = {SAM_COUNTER_PASSWORD, "officer"};

static enum sam_reason try(const char *name, const char *secret)
{
	const struct sam_snapshot *s = snapshot();
	const struct sam_principal *p = sam_registry_principal(s, name);
	return sam_identify_password(sam->registry, &sam->audit, s, SAM_COUNTER_PASSWORD, name, p ? p->password : NULL, secret,
				     strlen(secret));
}

static struct sam_counter counter(void)
{
	struct sam_counter c;
	is(sam_store_counter(sam->store, &officer_id, &c), SAM_OK);
	return c;
}

START_TEST(five_wrong_ones_lock)
{
	char secret[16];
	for (unsigned i = 1; i < 5; i++) {
		snprintf(secret, sizeof secret, "wrong-%u", i);
		is(try("officer", secret), SAM_PASSWORD_WRONG);
		ck_assert_uint_eq(counter().failures, i);
	}
	is(try("officer", "wrong-5"), SAM_LOCKED); /* the lock fell while it was under way */
	const int64_t until = counter().locked_until, now = sam_clock_now();
	ck_assert(until >= now + 898 && until <= now + 900);
	struct last l = last_of("lock");
	ck_assert_ptr_nonnull(strstr(l.line, "\"alert\""));
	ck_assert_ptr_nonnull(strstr(l.line, "officer"));
	/* the right one is as wrong now, and nobody else is locked */
	is(try("officer", OFFICER_PASSWORD), SAM_LOCKED);
	is(try("officer", "wrong-6"), SAM_LOCKED);
	ck_assert_int_eq(counter().locked_until, until);
	is(try("officer2", OFFICER_PASSWORD), SAM_OK);
	/* another officer ends it, with a second person */
	people();
	is(act("officer2", NULL, SAM_ACT_PRINCIPAL_UNLOCK, "{'name':'officer'}"), SAM_OK);
	is(try("officer", OFFICER_PASSWORD), SAM_LOCKED); /* that one waits */
	is(act("officer2", "operator", SAM_ACT_PRINCIPAL_UNLOCK, "{'name':'officer'}"), SAM_OK);
	is(try("officer", OFFICER_PASSWORD), SAM_OK);
}
END_TEST

START_TEST(the_same_mistake_again_is_one)
{
	for (unsigned i = 0; i < 7; i++)
		is(try("officer", "wrong-1"), SAM_PASSWORD_WRONG);
	ck_assert_uint_eq(counter().failures, 1);
	/* of one name: another's is another mistake */
	is(try("officer2", "wrong-1"), SAM_PASSWORD_WRONG);
	ck_assert_uint_eq(counter().failures, 1);
	/* and of one process: the next one does not know of it */
	sam_done();
	open_sam();
	is(try("officer", "wrong-1"), SAM_PASSWORD_WRONG);
	ck_assert_uint_eq(counter().failures, 2);
}
END_TEST

START_TEST(the_right_one_ends_the_count)
{
	is(try("officer", "wrong-1"), SAM_PASSWORD_WRONG);
	is(try("officer", "wrong-2"), SAM_PASSWORD_WRONG);
	is(try("officer", OFFICER_PASSWORD), SAM_OK);
	ck_assert_uint_eq(counter().failures, 0);
}
END_TEST

START_TEST(nothing_is_counted_for_nobody)
{
	struct sam_store_head before, after;
	is(sam_store_head(sam->store, &before), SAM_OK);
	is(try("nobody", OFFICER_PASSWORD), SAM_PRINCIPAL_UNKNOWN);
	is(sam_store_head(sam->store, &after), SAM_OK);
	ck_assert_uint_eq(after.counters, before.counters);
}
END_TEST

/* A lock that falls while a guess is being worked on answers that guess too. */
static void *lock_soon(void *arg)
{
	(void)arg;
	usleep(10000); /* scrypt takes some 80 ms */
	is(sam_store_counter_lock(sam->store, &officer_id, sam_clock_now() + 100, NULL), SAM_OK);
	return NULL;
}

START_TEST(a_lock_is_looked_at_again_after_the_work)
{
	pthread_t thread;
	ck_assert_int_eq(pthread_create(&thread, NULL, lock_soon, NULL), 0);
	is(try("officer", OFFICER_PASSWORD), SAM_LOCKED);
	pthread_join(thread, NULL);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("password");
	TCase *strength = tcase_create("strength"), *t = tcase_create("count");
	tcase_add_test(strength, a_weak_password_is_refused);
	tcase_add_test(strength, the_policy_asks_for_more);
	tcase_add_test(strength, a_weak_pin_is_refused);
	suite_add_tcase(s, strength);
	tcase_add_unchecked_fixture(t, sam_make, sam_unmake);
	tcase_add_checked_fixture(t, sam_fresh, sam_done);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_hash_is_that_passwords_and_that_cms);
	tcase_add_test(t, five_wrong_ones_lock);
	tcase_add_test(t, the_same_mistake_again_is_one);
	tcase_add_test(t, the_right_one_ends_the_count);
	tcase_add_test(t, nothing_is_counted_for_nobody);
	tcase_add_test(t, a_lock_is_looked_at_again_after_the_work);
	suite_add_tcase(s, t);
	return s;
}

CM_UNIT_MAIN(suite, sam_missing)
