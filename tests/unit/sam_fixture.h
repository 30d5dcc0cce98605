/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A whole SAM for each test: `samctl init` makes it once over a SoftHSM of its own, each test has a copy in the
 * same place. People are there as if they had just been identified, and what signers' devices say is made here.
 */
#ifndef SAM_TESTS_SAM_FIXTURE_H
#define SAM_TESTS_SAM_FIXTURE_H

#include "cm_token.h"

#include <stdarg.h>
#include "admin/act.h"
#include "base/clock.h"
#include "base/file.h"
#include "registry/edit.h"
#include "registry/password.h"
#include "sap/internal.h"

#define is(got, want) ck_assert_str_eq(sam_reason_name(got), sam_reason_name(want))
#define SAM_ID "https://sam.example.jp"
#define OFFICER_PASSWORD "Kraftwerk-77"

/* A test whose CM shall fail defines this before it includes us: the mock is the CM, told by cm_write(cm_control, …)
 * what to do, and each signature looks at its key anew. */
#ifdef SAM_FIXTURE_MOCK
#define FIXTURE_MODULE cm_mock()
#define FIXTURE_CM "  recheck: 0s\n"
#define FIXTURE_MISSING cm_mock_missing()
#else
#define FIXTURE_MODULE cm_softhsm()
#define FIXTURE_CM ""
#define FIXTURE_MISSING cm_missing()
#endif

static struct sam *sam;
static struct sam_outcome outcome;
static char config_path[PATH_MAX + 32], policy_path[PATH_MAX + 32];

static inline void __attribute__((format(printf, 1, 2))) shell(const char *format, ...)
{
	char *command;
	va_list args;
	va_start(args, format);
	ck_assert_int_ge(vasprintf(&command, format, args), 0);
	va_end(args);
	ck_assert_msg(system(command) == 0, "%s", command);
	free(command);
}

static inline const char *sam_missing(void)
{
	static char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/tools/samctl", getenv("SAM_BUILDDIR") ? getenv("SAM_BUILDDIR") : ".");
	return access(path, X_OK) != 0 ? "samctl is not built" : FIXTURE_MISSING;
}

/* ---- once for all tests, in the process that they are forked from: it never opens anything itself ---- */

static inline void sam_make(void)
{
	char *text;
	const char *source = getenv("SAM_SRCDIR") ? getenv("SAM_SRCDIR") : "..";
	umask(077);
	cm_setup();
	snprintf(config_path, sizeof config_path, "%s/p11-sam.yaml", cm_folder);
	snprintf(policy_path, sizeof policy_path, "%s/policy.yaml", cm_folder);
	ck_assert_int_gt(asprintf(&text,
		 "sam_id: " SAM_ID "\nlabel: p11-sam\nuser: nobody\ncm:\n  module: %s\n  token: " CM_LABEL "\n"
		 "  pin_source: 'file:%s'\n" FIXTURE_CM "store: 'sqlite:%s/state.db'\npolicy: '%s'\nlog: 'file:%s/sam.log'\n",
		 FIXTURE_MODULE, cm_pin_file, cm_folder, policy_path, cm_folder), 0);
	cm_write(config_path, text);
	free(text);
	shell("cp %s/policy/level1.yaml %s && printf %%s " OFFICER_PASSWORD " >%s/officer.pin", source, policy_path,
	      cm_folder);
	shell("f=file:%s/officer.pin; %s/tools/samctl --config %s init --officer officer --officer-pin-source $f "
	      "--officer officer2 --officer-pin-source $f --auditor auditor --auditor-pin-source $f >%s/init.log 2>&1",
	      cm_folder, getenv("SAM_BUILDDIR") ? getenv("SAM_BUILDDIR") : ".", config_path, cm_folder);
	shell("cp -a %s %s.made", cm_folder, cm_folder);
}

static inline void sam_unmake(void)
{
	shell("rm -rf %s.made", cm_folder);
	cm_teardown();
}

/* ---- for each test ---- */

static inline void open_sam(void)
{
	struct sam_msg msg = {""};
	enum sam_reason reason = sam_open(config_path, SAM_OPEN_TOOL, &sam, &msg);
	ck_assert_msg(reason == SAM_OK, "%s: %s", sam_reason_name(reason), msg.text);
}

static inline void sam_fresh(void)
{
	shell("rm -rf %s && cp -a %s.made %s", cm_folder, cm_folder, cm_folder);
	open_sam();
}

/* What tests use without a thought for whose it is; gone with the SAM. */
static struct kept {
	enum { KEPT_SNAPSHOT, KEPT_TEXT, KEPT_JSON, KEPT_KEY } kind;
	const void *what;
} *kept;
static size_t kept_count;

static inline void keep(int kind, const void *what)
{
	kept = realloc(kept, (kept_count + 1) * sizeof *kept);
	ck_assert_ptr_nonnull(kept);
	kept[kept_count].kind = kind;
	kept[kept_count++].what = what;
}

static inline void release_kept(void)
{
	while (kept_count-- > 0)
		switch (kept[kept_count].kind) {
		case KEPT_SNAPSHOT: sam_registry_put(kept[kept_count].what); break;
		case KEPT_TEXT: free((void *)kept[kept_count].what); break;
		case KEPT_JSON: json_decref((json_t *)kept[kept_count].what); break;
		case KEPT_KEY: EVP_PKEY_free((EVP_PKEY *)kept[kept_count].what); break;
		}
	free(kept);
	kept = NULL;
	kept_count = 0;
}

static inline void sam_done(void)
{
	release_kept();
	sam_close(sam);
	sam = NULL;
}

static inline const struct sam_snapshot *snapshot(void)
{
	const struct sam_snapshot *s;
	is(sam_registry_get(sam->registry, &s), SAM_OK);
	keep(KEPT_SNAPSHOT, s);
	return s;
}

static inline const struct sam_signer *signer(const char *id)
{
	const struct sam_signer *found = sam_registry_signer(snapshot(), id);
	ck_assert_ptr_nonnull(found);
	return found;
}

static inline const struct sam_principal *principal(const char *name)
{
	return sam_registry_principal(snapshot(), name);
}

/* By wrong passwords of applications. */
static inline void lock(const char *name)
{
	const struct sam_counter_id id = {SAM_COUNTER_PASSWORD_P11, name};
	is(sam_store_counter_lock(sam->store, &id, sam_clock_now() + 600, NULL), SAM_OK);
}

/* Who it is, as if they had logged in just now. */
static inline struct sam_person person(const char *name)
{
	struct sam_person p = {.until_ms = sam_clock_monotonic_ms() + 60000};
	const struct sam_principal *found = principal(name);
	p.roles = found ? found->roles : sam_registry_signer(snapshot(), name) ? SAM_SIGNER : 0;
	p.changed = found ? found->changed : 0;
	sam_mem_copy_text(p.name, sizeof p.name, name);
	return p;
}

static inline json_t *json(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline json_t *__attribute__((format(printf, 1, 0))) json_of(const char *format, va_list args)
{
	char *text;
	ck_assert_int_ge(vasprintf(&text, format, args), 0);
	for (char *p = text; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	json_t *made = json_loads(text, 0, NULL);
	ck_assert_msg(made != NULL, "%s", text);
	free(text);
	return made;
}
/** json(format, …): With ' for ". */
static inline json_t *json(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	json_t *made = json_of(format, args);
	va_end(args);
	return made;
}

/** act(first, second, what, format, …): By one person (${second} NULL) or two at once; the parameters: json(). */
static inline enum sam_reason __attribute__((format(printf, 4, 5)))
act(const char *first, const char *second, enum sam_act what, const char *format, ...)
{
	struct sam_actors actors = {.first = person(first)};
	va_list args;
	va_start(args, format);
	sam_auto(json_decref) json_t *params = json_of(format, args);
	va_end(args);
	if (second)
		actors.second = person(second);
	return sam_act_do(sam, &actors, what, params, &outcome);
}

static inline enum sam_reason act_by_sad(const char *sad, enum sam_act what, json_t *params)
{
	struct sam_actors actors = {.sad = sad, .sad_len = strlen(sad)};
	enum sam_reason reason = sam_act_do(sam, &actors, what, params, &outcome);
	json_decref(params);
	return reason;
}

/* Some of each role. */
static inline void people(void)
{
	static const char *const roles[] = {"administrator", "operator", "ra", "ca", "sca"};
	for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
		is(act("officer", i < 4 ? "officer2" : NULL, SAM_ACT_PRINCIPAL_ADD,
		       "{'name':'%s','role':'%s','password':'x'}", roles[i], roles[i]), SAM_OK);
	is(act("officer", NULL, SAM_ACT_SIGNER_ADD, "{'id':'alice','name':'Alice'}"), SAM_OK);
	is(act("officer", NULL, SAM_ACT_SIGNER_ADD, "{'id':'bob'}"), SAM_OK);
}

/** by_hand(p): A principal as no act would leave it. */
static inline void by_hand(const struct sam_principal *p)
{
	const struct sam_event event = {.type = SAM_EVENT_MAINTAIN};
	struct sam_edit edit;
	sam_edit_start(&edit, sam->registry, snapshot());
	is(sam_edit_set_principal(&edit, p), SAM_OK);
	is(sam_edit_commit_event(&edit, &sam->audit, &event), SAM_OK);
	sam_edit_clear(&edit);
}

/** at_level(level, firmware): The policy shipped for that level is in force, as if officers had signed it and the
 * process had been begun under it, with this CM on its list for tests (${firmware} NULL: any) and whatever the
 * clock. */
static inline void at_level(unsigned level, const char *firmware)
{
	const struct sam_event event = {.type = SAM_EVENT_POLICY_SIGN};
	const char *source = getenv("SAM_SRCDIR") ? getenv("SAM_SRCDIR") : "..";
	char path[PATH_MAX + 32], *text;
	struct sam_secret file = {NULL, 0};
	struct sam_sealed sealed = *snapshot()->sealed;
	struct sam_edit edit;
	struct sam_msg msg = {""};
	snprintf(path, sizeof path, "%s/policy/level%u.yaml", source, level);
	is(sam_file_read(path, 65536, &file, NULL), SAM_OK);
	ck_assert_int_gt(asprintf(&text, "%.*s", (int)file.len, (char *)file.data), 0);
	sam_secret_clear(&file);
	char *cms = strstr(text, "\ncms:"), *rest = strstr(text, level == 3 ? "\nimport: false" : "\n# Keys from outside");
	ck_assert(cms && rest);
	char *cut = strstr(rest, "require_sync: true");
	ck_assert_ptr_nonnull(cut);
	memcpy(cut, "require_sync: false", strlen("require_sync: false")); /* blanks follow */
	char *all;
	ck_assert_int_gt(asprintf(&all, "%.*s\ncms:\n  - {manufacturer: \"SoftHSM project\", model: \"SoftHSM v2\", %s%s%s"
				  "evaluation: \"none, for tests\"}\n%s%s", (int)(cms - text), text,
				  firmware ? "firmware: \"" : "", firmware ? firmware : "", firmware ? "\", " : "", level == 3 ? "schemes: [CC, CMVP]\n" : "", rest), 0);
	free(text);
	sealed.text = all;
	sealed.level = level;
	ck_assert_msg(sam_policy_parse("policy", all, strlen(all), &sealed.policy, &msg) == SAM_OK, "%s", msg.text);
	memcpy(sealed.sha256, sealed.policy.sha256, sizeof sealed.sha256);
	sealed.version = sealed.policy.version;
	sam->policy = sealed.policy;
	sam_edit_start(&edit, sam->registry, snapshot());
	is(sam_edit_set_sealed(&edit, &sealed), SAM_OK);
	is(sam_edit_commit_event(&edit, &sam->audit, &event), SAM_OK);
	sam_edit_clear(&edit);
	free(all);
}

/* ---- the trail ---- */

struct last {
	char type[32], outcome[16], reason[32], signer[SAM_NAME_SIZE], actor[SAM_NAME_SIZE], *line;
	uint64_t seq;
};

static inline enum sam_reason last_record(void *arg, const struct sam_audit_row *row)
{
	struct last *l = arg;
	free(l->line);
	*l = (struct last){.line = strdup(row->line), .seq = row->seq};
	snprintf(l->type, sizeof l->type, "%s", row->type ? row->type : "");
	snprintf(l->outcome, sizeof l->outcome, "%s", row->outcome ? row->outcome : "");
	snprintf(l->reason, sizeof l->reason, "%s", row->reason ? row->reason : "");
	snprintf(l->signer, sizeof l->signer, "%s", row->signer ? row->signer : "");
	snprintf(l->actor, sizeof l->actor, "%s", row->actor ? row->actor : "");
	return SAM_OK;
}

/** last_of(type): The newest record of that type, or of any (NULL). Its line lasts to the test's end. */
static inline struct last last_of(const char *type)
{
	const struct sam_audit_filter filter = {.type = type};
	struct last last = {.seq = 0};
	is(sam_store_audit_read(sam->store, &filter, last_record, &last), SAM_OK);
	keep(KEPT_TEXT, last.line);
	return last;
}

/** refused(got, want): It was refused for that, and the trail says so last of all. */
static inline void refused_(enum sam_reason got, enum sam_reason want, unsigned line)
{
	struct last last = last_of(NULL);
	const char *act_name = sam_act_info(outcome.act)->name;
	ck_assert_msg(got == want, "line %u: %s, not %s: %s", line, sam_reason_name(got), sam_reason_name(want),
		      outcome.msg.text);
	ck_assert_msg(strcmp(last.type, "admin-refused") == 0 && strcmp(last.reason, sam_reason_name(want)) == 0 &&
			      strcmp(last.outcome, "success") != 0 && strstr(last.line, act_name),
		      "line %u: %s of %s is recorded as %s", line, sam_reason_name(want), act_name, last.line);
}
#define refused(got, want) refused_(got, want, __LINE__)

/* ---- devices ---- */

struct device {
	json_t *private, *public;
	EVP_PKEY *pkey;
	char kid[SAM_THUMBPRINT_LEN + 1], *jwk; /* public, as text with ' for " */
};

static inline struct device new_device(void)
{
	struct device d;
	struct sam_jwk jwk;
	is(sam_jose_generate(SAM_JWS_ES256, &d.private), SAM_OK);
	is(sam_jose_private(d.private, &d.pkey, NULL), SAM_OK);
	is(sam_jose_jwk(d.private, &jwk, NULL), SAM_OK);
	memcpy(d.kid, jwk.thumbprint, sizeof d.kid);
	sam_jose_jwk_clear(&jwk);
	d.public = sam_jose_jwk_public(d.private);
	d.jwk = json_dumps(d.public, JSON_COMPACT);
	ck_assert_ptr_nonnull(d.jwk);
	keep(KEPT_JSON, d.private);
	keep(KEPT_JSON, d.public);
	keep(KEPT_KEY, d.pkey);
	keep(KEPT_TEXT, d.jwk);
	return d;
}

/** signed_by(d, header, claims): A compact JWS; takes both. */
static inline char *signed_by(const struct device *d, json_t *header, json_t *claims)
{
	char *out, *text = json_dumps(claims, JSON_COMPACT);
	is(sam_jose_sign(header, text, strlen(text), d->pkey, SAM_JWS_ES256, &out), SAM_OK);
	free(text);
	json_decref(header);
	json_decref(claims);
	keep(KEPT_TEXT, out);
	return out;
}

/* As many as one likes, each another. */
static inline const char *new_jti(void)
{
	static char jti[32];
	static unsigned count;
	snprintf(jti, sizeof jti, "statement-%08u-%06d", ++count, (int)getpid());
	return jti;
}

/** proof_at(d, who, aud, iat): sam-enrol+jwt. */
static inline char *proof_at(const struct device *d, const char *who, const char *aud, int64_t iat)
{
	json_t *header = json("{'typ':'sam-enrol+jwt'}");
	json_object_set(header, "jwk", d->public);
	return signed_by(d, header, json("{'sub':'%s','aud':'%s','jti':'%s','iat':%lld,'exp':%lld}", who, aud, new_jti(),
					 (long long)iat, (long long)iat + 300));
}

static inline char *proof(const struct device *d, const char *who)
{
	return proof_at(d, who, SAM_ID, sam_clock_now());
}

/** order(d, who, operation, params): An operation SAD, made later than any change until now. */
static inline char *order(const struct device *d, const char *who, const char *operation, const char *params)
{
	const long long iat = sam_clock_now() + 2; /* within the leeway */
	return signed_by(d, json("{'typ':'sad+jwt','kid':'%s'}", d->kid),
			 json("{'iss':'%s','sub':'%s','aud':'" SAM_ID "','jti':'%s','iat':%lld,'exp':%lld,"
			      "'operation':'%s','operation_params':%s}",
			      who, who, new_jti(), iat, iat + 200, operation, params));
}

static inline char *jkt(const char *what, const char *kid)
{
	char *out;
	ck_assert_int_gt(asprintf(&out, "{'act':'%s','jkt':'%s'}", what, kid), 0);
	keep(KEPT_TEXT, out);
	return out;
}

/** enrol(who): The first device of a signer, by two officers; SADs may be made afterwards. */
static inline struct device enrol(const char *who)
{
	struct device d = new_device();
	is(act("officer", "officer2", SAM_ACT_AUTHENTICATOR_ADD, "{'id':'%s','jwk':%s,'proof':'%s'}", who, d.jwk,
	       proof(&d, who)), SAM_OK);
	ck_assert_int_eq(outcome.act, SAM_ACT_AUTHENTICATOR_FIRST);
	return d;
}

#endif
