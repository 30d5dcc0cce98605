/* SPDX-License-Identifier: BSD-3-Clause
 *
 * SADs right and wrong in one thing each (sad_table.txt), through the whole server end on an opened SAM: each is
 * taken, or refused for just the reason that the table says, and so it stands in the trail. And every bit of good
 * ones changed: none is taken.
 */
#include "sad_changes.h"

#include "base/mechanism.h"
#include "registry/identify.h"
#include "sap/recipient.h"

enum { LINES_MAX = 1024, LINE_MAX_LEN = 4096 };

/* One line of the table: what is changed | by these words | at this level | it is taken (ok), or the reason. */
struct line {
	unsigned number, level;
	char *what, *change, *reason;
};

static struct line lines[LINES_MAX];
static size_t line_count;

static char *trim(char *s)
{
	while (*s == ' ')
		s++;
	for (size_t n = strlen(s); n && (s[n - 1] == ' ' || s[n - 1] == '\n'); n--)
		s[n - 1] = '\0';
	return s;
}

static void read_line(unsigned number, char *content)
{
	char *field[4], *rest = content;
	for (size_t i = 0; i < 4; i++) {
		char *bar = strchr(rest, '|');
		ck_assert_msg((bar != NULL) == (i < 3), "sad_table.txt:%u: four columns", number);
		if (bar)
			*bar = '\0';
		field[i] = trim(rest);
		rest = bar + 1;
	}
	ck_assert_uint_lt(line_count, LINES_MAX);
	lines[line_count++] = (struct line){number, (unsigned)strtoul(field[2], NULL, 10), strdup(field[0]),
					    strdup(field[1]), strdup(field[3])};
}

static void read_table(void)
{
	char path[PATH_MAX + 64], content[LINE_MAX_LEN];
	snprintf(path, sizeof path, "%s/tests/unit/sad_table.txt", getenv("SAM_SRCDIR") ? getenv("SAM_SRCDIR") : "..");
	FILE *in = fopen(path, "r");
	ck_assert_msg(in != NULL, "%s", path);
	for (unsigned number = 1; fgets(content, sizeof content, in); number++) {
		ck_assert_ptr_nonnull(strchr(content, '\n'));
		if (content[0] != '#' && content[0] != '\n')
			read_line(number, content);
	}
	fclose(in);
}

/* Table and keys are made once, and stay until the process ends. */
static void make(void)
{
	sam_make();
	if (line_count)
		return;
	maker_make_keys();
	read_table();
}

static struct device alice; /* the device that signs, if the table does not say otherwise */

/* The SAM's public key for encrypted SADs, as `samctl sap key` prints it. */
static void take_recipient(void)
{
	struct sam_msg msg = {""};
	is(sam_recipient_first(sam, false, &msg), SAM_OK);
	maker_recipient = json("{'use':'enc'}");
	keep(KEPT_JSON, maker_recipient);
	ck_assert(sam_jose_jwk_put_ec(maker_recipient, sam_jose_alg(SAM_JWS_ES256),
				      sam_registry_sap_now(snapshot(), false)->pkey, false));
}

static void set_pin(void)
{
	char stored[SAM_PASSWORD_SIZE];
	is(sam_password_make(sam->seal, PIN, strlen(PIN), stored, sizeof stored), SAM_OK);
	is(act("officer", "officer2", SAM_ACT_AUTHENTICATOR_ADD, "{'id':'alice','pin':'%s'}", stored), SAM_OK);
}

/* alice with a PIN and a key, and the clock stopped a moment after all that. */
static void fresh(void)
{
	sam_fresh();
	maker_people();
	set_pin();
	take_recipient();
	alice = maker_key("es256")->d;
	is(act("officer", NULL, SAM_ACT_KEY_GENERATE, "{'id':'alice','type':'ec:P-256'}"), SAM_OK);
	memcpy(maker_credential, outcome.credential, sizeof maker_credential);
	is(act_by_sad(order(&alice, "alice", "activate", text("{'credentialID':'%s','thumbprint':'%s'}", maker_credential,
							      thumbprint(maker_credential))),
		      SAM_ACT_KEY_ACTIVATE, json("{'key':'%s'}", maker_credential)), SAM_OK);
	steady = sam_clock_now() + 5;
}

static void done(void)
{
	steady = 0;
	sam_done();
}

/* ---- through the server end ---- */

static struct sam_login login_of(const char *name)
{
	struct sam_login login = {.role = SAM_ROLE_SIGNER};
	const struct sam_principal *p = principal(name);
	if (p)
		login.role = SAM_ROLE_SCA;
	sam_mem_copy_text(login.name, sizeof login.name, name);
	return login;
}

static enum sam_reason sign_with(struct sam_activation *a)
{
	uint8_t signature[SAM_CM_SIGNATURE_MAX];
	size_t len = 0;
	const CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
	const struct sam_login login = login_of("alice");
	struct sam_sign_request request = {.login = &login, .credential = maker_credential, .activations = &a,
					   .activation_count = 1, .data = maker_digests[0], .data_len = 32};
	is(sam_mechanism_scheme(&ecdsa, &request.scheme), SAM_OK);
	return sam_sign(sam, &request, signature, &len);
}

static struct last last_from(uint64_t seq)
{
	const struct sam_audit_filter filter = {.from_seq = seq};
	struct last last = {.seq = 0};
	is(sam_store_audit_read(sam->store, &filter, last_record, &last), SAM_OK);
	return last;
}

static uint64_t newest;       /* record of the trail */
static unsigned bad;          /* lines that came out otherwise */

static void complain(const struct line *l, const char *where, const char *got)
{
	fprintf(stderr, "sad_table.txt:%u: %s (%s): %s, not %s\n", l->number, l->what, where, got, l->reason);
	bad++;
}

/* A refusal is the last in the trail, with its reason; what is taken is recorded with its signature. */
static void check_trail(const struct line *l, enum sam_reason got)
{
	struct last last = last_from(newest ? newest : 1);
	if (got != SAM_OK && (strcmp(last.type, "activate") != 0 || strcmp(last.reason, l->reason) != 0 ||
			      strcmp(last.outcome, "success") == 0))
		complain(l, "in the trail", last.line);
	newest = last.seq;
	free(last.line);
}

static void judge_signing(const struct line *l, struct sad_maker *m)
{
	struct sam_msg msg = {""};
	const struct sam_login login = login_of(m->login ? m->login : "alice");
	struct sam_activation *a = NULL;
	struct sam_inspection found;
	enum sam_reason reason = m->login ? SAM_OK : sam_inspect(sam, m->sad, m->len, &found, &msg);
	if (!m->login && strcmp(sam_reason_name(reason), l->reason) != 0)
		complain(l, "sam_inspect", sam_reason_name(reason));
	reason = sam_activate(sam, &login, NULL, m->sad, m->len, &a);
	if (strcmp(sam_reason_name(reason), l->reason) != 0)
		complain(l, "sam_activate", sam_reason_name(reason));
	if ((reason == SAM_OK) != (a != NULL))
		complain(l, "sam_activate", a ? "an activation" : "no activation");
	check_trail(l, reason);
	if (a && m->signs && (sign_with(a) != SAM_OK || sign_with(a) != SAM_DIGEST_USED))
		complain(l, "sam_sign", "not one signature");
	sam_activation_release(a);
}

static void judge(const struct line *l, struct sad_maker *m)
{
	struct sam_msg msg = {""};
	struct sam_order order;
	if (!m->order) {
		judge_signing(l, m);
		return;
	}
	enum sam_reason reason = sam_order_read(sam, snapshot(), m->sad, m->len, m->order, &order, &msg);
	if (strcmp(sam_reason_name(reason), l->reason) != 0)
		complain(l, "sam_order_read", sam_reason_name(reason));
	sam_order_clear(&order);
}

/* Each line begins with no wrong PIN behind it. */
static void forget_wrong_pins(void)
{
	const struct sam_counter_id pin = {SAM_COUNTER_PIN, "alice"};
	is(sam_store_counter_clear(sam->store, &pin, NULL), SAM_OK);
}

static void run_line(const struct line *l)
{
	struct sad_maker m;
	char *edits = strdup(l->change), *next = edits;
	maker_start(&m);
	while (next) {
		char *edit = next;
		next = strstr(edit, " ; ");
		if (next) {
			*next = '\0';
			next += strlen(" ; ");
		}
		apply(&m, edit);
	}
	maker_finish(&m);
	forget_wrong_pins();
	judge(l, &m);
	maker_clear(&m);
	free(edits);
}

static size_t run_level(unsigned level, size_t *wrong)
{
	size_t ran = 0;
	*wrong = 0;
	for (size_t i = 0; i < line_count; i++)
		if (lines[i].level == level) {
			run_line(&lines[i]);
			ran++;
			*wrong += strcmp(lines[i].reason, "ok") != 0;
		}
	ck_assert_msg(bad == 0, "%u differ", bad);
	return ran;
}

START_TEST(each_line_of_level_1_comes_out_as_the_table_says)
{
	size_t wrong, ran = run_level(1, &wrong);
	printf("# %zu SADs at level 1, %zu of them wrong\n", ran, wrong);
	ck_assert_uint_ge(wrong, 150);
}
END_TEST

/* Levels 2 and 3. */
START_TEST(each_line_of_this_level_comes_out_as_the_table_says)
{
	size_t wrong, ran;
	at_level((unsigned)_i, NULL);
	ran = run_level((unsigned)_i, &wrong);
	printf("# %zu SADs at level %d, %zu of them wrong\n", ran, _i, wrong);
	ck_assert_uint_gt(wrong, 0);
	ck_assert_uint_gt(ran - wrong, 0);
}
END_TEST

/* ---- every bit ---- */

static unsigned taken(const char *sad, size_t len)
{
	struct sam_inspection found;
	struct sam_msg msg = {""};
	return sam_inspect(sam, sad, len, &found, &msg) == SAM_OK;
}

/* base64url has one spelling for each value (sam_decode_b64url()), so each change of a bit is one of what is signed, of
 * the signature, or no base64url any more. */
static void flip_every_bit(char *sad, size_t len)
{
	unsigned accepted = 0;
	ck_assert_uint_eq(taken(sad, len), 1);
	for (size_t i = 0; i < 8 * len; i++) {
		sad[i / 8] = (char)(sad[i / 8] ^ 1 << i % 8);
		unsigned was = taken(sad, len);
		if (was)
			fprintf(stderr, "bit %zu of character %zu\n", i % 8, i / 8);
		accepted += was;
		sad[i / 8] = (char)(sad[i / 8] ^ 1 << i % 8);
	}
	printf("# %zu changes of one bit, %u taken\n", 8 * len, accepted);
	ck_assert_uint_eq(accepted, 0);
	ck_assert_uint_eq(taken(sad, len), 1);
}

START_TEST(no_bit_of_a_clear_sad_can_be_changed)
{
	struct sad_maker m;
	maker_start(&m);
	maker_finish(&m);
	flip_every_bit(m.sad, m.len);
	maker_clear(&m);
}
END_TEST

START_TEST(no_bit_of_an_encrypted_sad_can_be_changed)
{
	struct sad_maker m;
	at_level(2, NULL);
	maker_start(&m);
	json_object_set_new(m.claims, "pin", json_string(PIN));
	apply_encrypt(&m, SAM_JWE_WRAPPED); /* then no part is empty */
	maker_finish(&m);
	flip_every_bit(m.sad, m.len);
	maker_clear(&m);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("sad_table");
	TCase *table = tcase_create("table"), *bits = tcase_create("bits");
	tcase_add_test(table, each_line_of_level_1_comes_out_as_the_table_says);
	tcase_add_loop_test(table, each_line_of_this_level_comes_out_as_the_table_says, 2, 4);
	tcase_add_test(bits, no_bit_of_a_clear_sad_can_be_changed);
	tcase_add_test(bits, no_bit_of_an_encrypted_sad_can_be_changed);
	for (size_t i = 0; i < 2; i++) {
		TCase *c = i ? bits : table;
		tcase_add_unchecked_fixture(c, make, sam_unmake);
		tcase_add_checked_fixture(c, fresh, done);
		tcase_set_timeout(c, 600); /* under a sanitizer, on a busy machine */
		suite_add_tcase(s, c);
	}
	return s;
}

CM_UNIT_MAIN(suite, sam_missing)
