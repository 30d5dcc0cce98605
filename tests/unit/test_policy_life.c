/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The policy file on where keys come from, lie and end: approved CMs, trusted CAs, import, clock and certificates,
 * algorithms by date; and the certificates in it.
 */
#include <stdio.h>
#include <string.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include "base/clock.h"
#include "base/pem.h"
#include "policy/policy.h"
#include "unit.h"

#define HEAD(level, hashes, mechanisms, keys)                                                       \
	"version: 1\nlevel: " level "\n"                                                            \
	"signing: {authorisation: sad, always_authenticate: true, verify: true, curve_below_hash: false}\n" \
	"sap: {max_lifetime: 300s, leeway: 10s, algorithms: [ES256]}\n"                             \
	"hashes: " hashes "\nmechanisms: " mechanisms "\nkeys: " keys "\n"                          \
	"roles: {administrator_operator: false, dual_control: [], pending: 24h, session: 15m}\n"    \
	"passwords: {min_length: 12, min_different: 5}\nlockout: {attempts: 5, time: 15m}\n"
#define LEVEL(level) HEAD(level, "[sha256, sha512]", "[CKM_ECDSA, CKM_RSA_PKCS]", "[{type: ec, bits: 256}]")
#define SOFTHSM "{manufacturer: SoftHSM project, model: SoftHSM v2, evaluation: \"none, for tests\"}"
#define LUNA "{manufacturer: Example, model: Luna, scheme: CMVP, certificate: \"4321\", expires: 2030-01-01T00:00:00Z}"
#define CMS "cms:\n- " LUNA "\n"
#define CMS_3 CMS "schemes: [CC, CMVP]\n"
#define NOW "2026-11-23T00:00:00Z"

static const char ca_one[] =
	"    -----BEGIN CERTIFICATE-----\n"
	"    MIIBiTCCAS+gAwIBAgIUAgOaFf3a7MdDh2PO8ZsSbc6RuAQwCgYIKoZIzj0EAwIw\n"
	"    ETEPMA0GA1UEAwwGQ0Egb25lMCAXDTI2MTEyODExNTM1OVoYDzIxMjYxMTA0MTE1\n"
	"    MzU5WjARMQ8wDQYDVQQDDAZDQSBvbmUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC\n"
	"    AATfb+KUuNx/cnWifXQGgY7dJb0HojRInkMh8bXVHYK7KmzzA32V1E1DQ2rToJHC\n"
	"    MjEhZXezQH4yb9Jx7VlqieHNo2MwYTAdBgNVHQ4EFgQUVeN2d0Q1r4Wk//JB2uy+\n"
	"    YUhcpuQwHwYDVR0jBBgwFoAUVeN2d0Q1r4Wk//JB2uy+YUhcpuQwDwYDVR0TAQH/\n"
	"    BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAQYwCgYIKoZIzj0EAwIDSAAwRQIhAM8thF4S\n"
	"    EBqHtMvpgyTJHQWFKGNx8S2/UHN+SIp4+J3HAiAuUrQy5J1shJLlX46S8xcWbw/m\n"
	"    Td/7JoPdLwZWUBrjKA==\n"
	"    -----END CERTIFICATE-----\n";
static const char ca_two[] =
	"    -----BEGIN CERTIFICATE-----\n"
	"    MIIBiTCCAS+gAwIBAgIUfVeIVABys3CnjQiX/HVP4Gys78cwCgYIKoZIzj0EAwIw\n"
	"    ETEPMA0GA1UEAwwGQ0EgdHdvMCAXDTI2MTEyODExNTM1OVoYDzIxMjYxMTA0MTE1\n"
	"    MzU5WjARMQ8wDQYDVQQDDAZDQSB0d28wWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC\n"
	"    AAQW9E8MDTIGeCfOsNgXZrcLpHmb9aCoNP86dH58KV0LZHpsKoMHWNz8Sob9juOm\n"
	"    hB7tez5T3t+xkcWC7/HQ4R6do2MwYTAdBgNVHQ4EFgQUVNA3olwsYvbPif+1LsjH\n"
	"    nTif0y0wHwYDVR0jBBgwFoAUVNA3olwsYvbPif+1LsjHnTif0y0wDwYDVR0TAQH/\n"
	"    BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAQYwCgYIKoZIzj0EAwIDSAAwRQIgPxlfyGvW\n"
	"    fp1qd565llJcUZM59azBRPcPY84vsoa5zdgCIQD3D4P13rDfC7s7xmdtev03mxRO\n"
	"    labUOI644di8eTmrSg==\n"
	"    -----END CERTIFICATE-----\n";
static const char leaf[] =
	"    -----BEGIN CERTIFICATE-----\n"
	"    MIIBcjCCARigAwIBAgIUNublWVNDlAr+F3X1mb37geeE+aowCgYIKoZIzj0EAwIw\n"
	"    DzENMAsGA1UEAwwEbGVhZjAgFw0yNjExMjgxMTUzNTlaGA8yMTI2MTEwNDExNTM1\n"
	"    OVowDzENMAsGA1UEAwwEbGVhZjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABCLS\n"
	"    WutynP+UQ9M5ms8F3FqUMyrrfm+2I/7KeX/iQNXD+BwedQDIWuHPnOtw3tPTN/18\n"
	"    Y5yotzcNOJSaVWo/TLCjUDBOMB0GA1UdDgQWBBSyzK+m90ppKaFtCoMoO5yXeRMC\n"
	"    ljAfBgNVHSMEGDAWgBSyzK+m90ppKaFtCoMoO5yXeRMCljAMBgNVHRMBAf8EAjAA\n"
	"    MAoGCCqGSM49BAMCA0gAMEUCIQDqrWMO1vQePmELIh8DAr2O9ODOV8Z/CEOeOIfw\n"
	"    yXP7JQIgHsvyep2hMPZ/G1ASk/g3iaCwBoKc2LlWYVx/RHu4jgM=\n"
	"    -----END CERTIFICATE-----\n";

static int64_t at(const char *time)
{
	int64_t us;

	ck_assert(sam_clock_parse(time, &us));
	return us / 1000000;
}

static struct sam_policy parsed(const char *text)
{
	struct sam_msg msg = { "" };
	struct sam_policy p;

	ck_assert_msg(sam_policy_parse("p.yaml", text, strlen(text), &p, &msg) == SAM_OK, "%s", msg.text);
	return p;
}

static void refused(const char *text, const char *place, const char *why)
{
	struct sam_msg msg = { "" };
	struct sam_policy p;
	char begin[64];

	memset(&p, 0xa5, sizeof p);
	snprintf(begin, sizeof begin, "p.yaml:%s: ", place);
	ck_assert_int_eq(sam_policy_parse("p.yaml", text, strlen(text), &p, &msg), SAM_POLICY);
	ck_assert_msg(!strncmp(msg.text, begin, strlen(begin)), "%s: wanted %s", msg.text, begin);
	ck_assert_msg(strstr(msg.text, why) != NULL, "%s: wanted %s", msg.text, why);
	ck_assert_msg(!strstr(msg.text, "hidden"), "%s: quotes the contents", msg.text);
	ck_assert_uint_eq(p.level + p.cm_count + p.ca_count, 0);
}

/* ---- approved CMs ---- */

static enum sam_reason cm_of(const struct sam_policy *p, const char *model, const char *firmware, const char *time)
{
	const struct sam_policy_cm *entry = p->cms;
	const enum sam_reason reason = sam_policy_cm(p, "Example", model, firmware, at(time), &entry);

	ck_assert(reason == SAM_OK || !entry);
	ck_assert(reason != SAM_OK || p->level == 1 || entry);
	return reason;
}

START_TEST(approved_cms_are_read)
{
	const struct sam_policy p = parsed(LEVEL("2") "cms:\n- " LUNA "\n- {manufacturer: Example, model: Nova, "
		"firmware: \"7.8\", scheme: CC, certificate: NSCIB-1, expires: 2031-01-01T00:00:00+09:00}\n- " SOFTHSM "\n");

	ck_assert_uint_eq(p.cm_count, 3);
	ck_assert_str_eq(p.cms[0].manufacturer, "Example");
	ck_assert_str_eq(p.cms[0].model, "Luna");
	ck_assert_str_eq(p.cms[0].firmware, "");
	ck_assert_int_eq(p.cms[0].scheme, SAM_EVALUATION_CMVP);
	ck_assert_str_eq(p.cms[0].certificate, "4321");
	ck_assert_int_eq(p.cms[0].expires, at("2030-01-01T00:00:00Z"));
	ck_assert_str_eq(p.cms[1].firmware, "7.8");
	ck_assert_int_eq(p.cms[1].scheme, SAM_EVALUATION_CC);
	ck_assert_int_eq(p.cms[2].scheme, SAM_EVALUATION_NONE);
	ck_assert_str_eq(p.cms[0].evaluation, "CMVP 4321");
	ck_assert_str_eq(p.cms[2].evaluation, "none, for tests");
	ck_assert_str_eq(sam_evaluation_name(SAM_EVALUATION_JCMVP), "JCMVP");
	ck_assert_str_eq(sam_evaluation_name(SAM_EVALUATION_COUNT), "");
}
END_TEST

START_TEST(only_approved_cms_are_used_above_level_one)
{
	const struct sam_policy_cm *entry;
	struct sam_policy p = parsed(LEVEL("2") CMS "- {manufacturer: Example, model: Nova, firmware: \"7.8\", "
					"scheme: CC, certificate: c, expires: 2031-01-01T00:00:00Z}\n");

	ck_assert_int_eq(cm_of(&p, "Luna", "1.0", NOW), SAM_OK);
	ck_assert_int_eq(cm_of(&p, "Nova", "7.8", NOW), SAM_OK);
	ck_assert_int_eq(cm_of(&p, "Nova", "7.80", NOW), SAM_CM_UNAPPROVED);
	ck_assert_int_eq(cm_of(&p, "Nova", "7.9", NOW), SAM_CM_UNAPPROVED);
	ck_assert_int_eq(cm_of(&p, "luna", "1.0", NOW), SAM_CM_UNAPPROVED);
	ck_assert_int_eq(cm_of(&p, "", "", NOW), SAM_CM_UNAPPROVED);
	ck_assert_int_eq(sam_policy_cm(&p, "Another", "Luna", "1.0", at(NOW), &entry), SAM_CM_UNAPPROVED);
	/* until the evaluation ends */
	ck_assert_int_eq(cm_of(&p, "Luna", "1.0", "2029-12-31T23:59:59Z"), SAM_OK);
	ck_assert_int_eq(cm_of(&p, "Luna", "1.0", "2030-01-01T00:00:00Z"), SAM_CM_UNAPPROVED);
	ck_assert_int_eq(sam_policy_cm(&p, "Example", "Luna", "1.0", at(NOW), &entry), SAM_OK);
	ck_assert_ptr_eq(entry, &p.cms[0]);
	/* what was never loaded approves nothing */
	memset(&p, 0, sizeof p);
	ck_assert_int_eq(cm_of(&p, "Luna", "1.0", NOW), SAM_CM_UNAPPROVED);
}
END_TEST

START_TEST(level_one_takes_any_cm)
{
	const struct sam_policy_cm *entry;
	struct sam_policy p = parsed(LEVEL("1"));

	ck_assert_int_eq(cm_of(&p, "Luna", "1.0", NOW), SAM_OK);
	p = parsed(LEVEL("1") CMS);
	ck_assert_int_eq(sam_policy_cm(&p, "Example", "Luna", "1.0", at(NOW), &entry), SAM_OK);
	ck_assert_ptr_eq(entry, p.cms);
	ck_assert_int_eq(sam_policy_cm(&p, "Example", "Luna", "1.0", at("2030-01-01T00:00:00Z"), &entry), SAM_OK);
	ck_assert_ptr_null(entry);
	ck_assert_int_eq(sam_policy_cm(&p, "SoftHSM project", "SoftHSM v2", "2.6", at(NOW), &entry), SAM_OK);
	ck_assert_ptr_null(entry);
}
END_TEST

/* The second evaluation of the same CM counts when the first has ended. */
START_TEST(one_cm_may_have_several_evaluations)
{
	const struct sam_policy_cm *entry;
	const struct sam_policy p = parsed(LEVEL("2") CMS "- {manufacturer: Example, model: Luna, scheme: CC, "
					"certificate: c, expires: 2032-01-01T00:00:00Z}\n");

	ck_assert_int_eq(sam_policy_cm(&p, "Example", "Luna", "1", at("2031-01-01T00:00:00Z"), &entry), SAM_OK);
	ck_assert_int_eq(entry->scheme, SAM_EVALUATION_CC);
}
END_TEST

static const struct {
	const char *text, *place, *why;
} refused_cms[] = {
	{ LEVEL("2"), "1:1", "`cms` is missing here: at levels 2 and 3 it names the approved CMs" },
	{ LEVEL("3") "schemes: [CC]\n", "1:1", "`cms` is missing" },
	{ LEVEL("3") CMS, "1:1", "`schemes` is missing here: level 3" },
	{ LEVEL("2") "cms: []\n", "11:6", "empty" },
	{ LEVEL("1") "cms: hidden\n", "11:6", "a list" },
	{ LEVEL("1") "cms: [hidden]\n", "11:7", "a list of" },
	{ LEVEL("3") CMS "schemes: []\n", "13:10", "empty" },
	{ LEVEL("3") CMS "schemes: CC\n", "13:10", "a list" },
	{ LEVEL("3") CMS "schemes: [CC, hidden]\n", "13:15", "CMVP, JCMVP or CC" },
	{ LEVEL("3") CMS "schemes: [\"none, for tests\"]\n", "13:11", "CMVP, JCMVP or CC" },
	{ LEVEL("3") CMS "schemes: [CC, CC]\n", "13:15", "twice" },
	{ LEVEL("3") CMS "schemes: [CC, JCMVP]\n", "12:48", "not one of `schemes`" },
	{ LEVEL("2") CMS "schemes: [CC]\n", "12:48", "not one of `schemes`" },
	{ LEVEL("2") "cms: [{model: m, evaluation: \"none, for tests\"}]\n", "11:7", "`manufacturer`" },
	{ LEVEL("2") "cms: [{manufacturer: m, evaluation: \"none, for tests\"}]\n", "11:7", "`model`" },
	{ LEVEL("2") "cms: [{manufacturer: m, model: m}]\n", "11:7", "`scheme`" },
	{ LEVEL("2") "cms: [{manufacturer: m, model: m, scheme: CC, expires: 2030-01-01T00:00:00Z}]\n", "11:7",
	  "`certificate`" },
	{ LEVEL("2") "cms: [{manufacturer: m, model: m, scheme: CC, certificate: c}]\n", "11:7", "`expires`" },
	{ LEVEL("2") "cms: [{manufacturer: m, model: m, scheme: CC, certificate: c, expires: 2030-01-01}]\n", "11:72",
	  "date-time" },
	{ LEVEL("2") "cms: [{manufacturer: m, model: m, scheme: FIPS}]\n", "11:43", "CMVP, JCMVP or CC" },
	{ LEVEL("2") "cms: [{manufacturer: m, model: m, evaluation: none}]\n", "11:47", "\"none, for tests\"" },
	{ LEVEL("2") "cms: [{manufacturer: m, model: m, evaluation: \"None, for tests\"}]\n", "11:47", "none, for tests" },
	{ LEVEL("2") "cms: [{manufacturer: m, model: m, evaluation: \"none, for tests\", scheme: CC}]\n", "11:74",
	  "remove one" },
	{ LEVEL("2") "cms: [{manufacturer: m, model: m, evaluation: \"none, for tests\", expires: hidden}]\n", "11:75",
	  "remove one" },
	{ LEVEL("2") "cms: [{manufacturer: \"\", model: m, evaluation: \"none, for tests\"}]\n", "11:22", "1 to 32 bytes" },
	{ LEVEL("2") "cms: [{manufacturer: m, model: seventeen-letters, evaluation: \"none, for tests\"}]\n", "11:32",
	  "1 to 16 bytes" },
	{ LEVEL("2") "cms: [{manufacturer: m, model: m, firmware: 2.6, evaluation: \"none, for tests\"}]\n", "11:45",
	  "a text" },
	{ LEVEL("2") "cms: [{manufacturer: m, model: \"a\\tb\", evaluation: \"none, for tests\"}]\n", "11:32", "control character" },
	{ LEVEL("2") "cms: [{manufacturer: m, model: m, hidden: 1, evaluation: \"none, for tests\"}]\n", "11:35",
	  "unknown key" },
	{ LEVEL("2") "cms: [" SOFTHSM ", " SOFTHSM "]\n", "11:90", "twice" },
};

START_TEST(other_cms_are_refused)
{
	refused(refused_cms[_i].text, refused_cms[_i].place, refused_cms[_i].why);
}
END_TEST

START_TEST(more_than_sixteen_cms_are_refused)
{
	static char text[8192];

	strcpy(text, LEVEL("2") "cms:\n");
	for (int i = 0; i < SAM_POLICY_CMS; i++)
		sprintf(text + strlen(text), "- {manufacturer: m, model: m%d, evaluation: \"none, for tests\"}\n", i);
	ck_assert_uint_eq(parsed(text).cm_count, SAM_POLICY_CMS);
	strcat(text, "- " SOFTHSM "\n");
	refused(text, "28:3", "more than 16");
}
END_TEST

static bool says(const struct sam_policy *p, const char *words)
{
	const char *sentence;
	bool found = false;

	for (size_t i = 0; (sentence = sam_policy_statement(p, i)); i++)
		found |= strstr(sentence, words) != NULL;
	return found;
}

START_TEST(cm_without_evaluation_and_unwatched_clock_are_stated)
{
	struct sam_policy p = parsed(LEVEL("2") CMS);

	ck_assert(!says(&p, "evaluation") && !says(&p, "require_sync"));
	p = parsed(LEVEL("2") CMS "- " SOFTHSM "\n");
	ck_assert(says(&p, "the policy lets a CM without evaluation be used, for tests"));
	p = parsed(LEVEL("3") CMS "- " SOFTHSM "\nschemes: [CMVP]\ntime: {require_sync: false}\n");
	ck_assert(says(&p, "without evaluation") && says(&p, "time.require_sync is off"));
	/* at level 1 both are as that level is */
	p = parsed(LEVEL("1") "cms: [" SOFTHSM "]\ntime: {require_sync: false}\n");
	ck_assert_ptr_null(sam_policy_statement(&p, 0));
}
END_TEST

/* ---- CAs ---- */

#define CA(use) "cas:\n- name: one\n  use: " use "\n"
#define STATED "  keygen_level: 2\n  reference: \"audit report 7\"\n  date: 2026-04-01\n"

enum { TEXT_MAX = 65536 };

static void add(char *text, const char *more)
{
	ck_assert_uint_lt(strlen(text) + strlen(more), TEXT_MAX);
	strcat(text, more);
}

/* ${text} with a certificate in the last CA; two calls may not be held at once. */
static const char *with(const char *text, const char *certificate)
{
	static char whole[TEXT_MAX];

	*whole = '\0';
	add(whole, text);
	add(whole, "  certificate: |\n");
	add(whole, certificate);
	return whole;
}

START_TEST(trusted_cas_are_read)
{
	const uint8_t *der;
	X509 *certificate;
	static char text[TEXT_MAX];
	char name[32] = "";
	struct sam_policy p;

	add(text, with(LEVEL("2") CMS CA("[certificates]"), ca_one));
	add(text, "- name: two\n  use: [import]\n" STATED);
	p = parsed(with(text, ca_two));
	ck_assert_uint_eq(p.ca_count, 2);
	ck_assert_str_eq(p.cas[0].name, "one");
	ck_assert(p.cas[0].use == SAM_CA_CERTIFICATES && p.cas[0].keygen_level == 0);
	ck_assert(p.cas[1].use == SAM_CA_IMPORT && p.cas[1].keygen_level == 2);
	ck_assert_str_eq(p.cas[1].reference, "audit report 7");
	ck_assert_int_eq(p.cas[1].date, at("2026-04-01T00:00:00Z"));
	/* copied by value, the certificate with it */
	const struct sam_policy copy = p;
	memset(&p, 0xa5, sizeof p);
	der = copy.cas[1].der;
	certificate = d2i_X509(NULL, &der, (long)copy.cas[1].len);
	ck_assert_ptr_nonnull(certificate);
	X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
	ck_assert_str_eq(name, "CA two");
	X509_free(certificate);
}
END_TEST

START_TEST(ca_for_import_says_how_it_makes_keys)
{
	struct sam_policy p = parsed(with(LEVEL("1") CA("[import]"), ca_one));

	ck_assert(p.cas[0].use == SAM_CA_IMPORT && p.cas[0].keygen_level == 0);
	p = parsed(with(LEVEL("2") CMS CA("[import]") STATED, ca_one));
	ck_assert_uint_eq(p.cas[0].keygen_level, 2);
	refused(with(LEVEL("2") CMS CA("[import]"), ca_one), "14:3", "P1-T3.5-fn4");
	refused(with(LEVEL("2") CMS CA("[import]") "  keygen_level: 2\n  reference: r\n", ca_one), "14:3", "P1-T3.5-fn4");
	refused(with(LEVEL("2") CMS CA("[import]") "  keygen_level: 2\n  date: 2026-04-01\n", ca_one), "14:3",
		"P1-T3.5-fn4");
	refused(with(LEVEL("2") CMS CA("[import]") "  reference: r\n  date: 2026-04-01\n", ca_one), "14:3",
		"P1-T3.5-fn4");
	refused(with(LEVEL("1") CA("[import]") "  reference: r\n", ca_one), "12:3", "`keygen_level`");
	refused(with(LEVEL("2") CMS CA("[import]") "  keygen_level: 1\n  reference: r\n  date: 2026-04-01\n", ca_one),
		"16:17", "from 2 to 2");
	refused(with(LEVEL("2") CMS CA("[import]") "  keygen_level: 2\n  reference: r\n  date: 2026-04\n", ca_one),
		"18:9", "must be a date");
	refused(with(LEVEL("2") CMS CA("[certificates]") STATED, ca_one), "14:3", "add import");
	/* whoever it certifies could vouch */
	refused(with(LEVEL("2") CMS CA("[certificates, import]") STATED, ca_one), "14:3", "does not vouch for imports too");
}
END_TEST

START_TEST(level_three_imports_nothing)
{
	const struct sam_policy p = parsed(with(LEVEL("3") CMS_3 CA("[certificates]"), ca_one));

	ck_assert_uint_eq(p.ca_count, 1);
	refused(with(LEVEL("3") CMS_3 CA("[import]") STATED, ca_one), "15:3", "level 3 imports nothing");
	refused(with(LEVEL("3") CMS_3 CA("[certificates, import]"), ca_one), "15:3", "does not vouch for imports too");
}
END_TEST

START_TEST(other_cas_are_refused)
{
	static char text[TEXT_MAX], both[TEXT_MAX];

	refused(LEVEL("1") "cas: []\n", "11:6", "empty");
	refused(LEVEL("1") "cas: {}\n", "11:6", "a list");
	refused(LEVEL("1") "cas: [hidden]\n", "11:7", "a list of maps");
	refused(LEVEL("1") "cas: [{use: [import], certificate: x}]\n", "11:7", "`name`");
	refused(LEVEL("1") "cas: [{name: one, certificate: x}]\n", "11:7", "`use`");
	refused(LEVEL("1") "cas: [{name: one, use: [import]}]\n", "11:7", "`certificate`");
	refused(LEVEL("1") "cas: [{name: one, use: []}]\n", "11:24", "empty");
	refused(LEVEL("1") "cas: [{name: one, use: import}]\n", "11:24", "a list");
	refused(LEVEL("1") "cas: [{name: one, use: [hidden]}]\n", "11:25", "certificates, authentication or import");
	refused(LEVEL("1") "cas: [{name: one, use: [import, import]}]\n", "11:33", "twice");
	refused(LEVEL("1") "cas: [{name: one, use: [import], certificate: hidden}]\n", "11:47", "must begin with");
	refused(with(LEVEL("1") CA("[import]") "  hidden: 1\n", ca_one), "14:3", "unknown key");
	refused(with(LEVEL("1") CA("[import]"), leaf), "14:16", "not a CA's");
	add(both, ca_one);
	add(both, ca_two);
	refused(with(LEVEL("1") CA("[import]"), both), "14:16", "more than one");
	add(text, with(LEVEL("1") CA("[import]"), ca_one));
	add(text, "- name: two\n  use: [certificates]\n");
	refused(with(text, ca_one), "26:3", "certificate stands there twice");
	*text = '\0';
	add(text, with(LEVEL("1") CA("[import]"), ca_one));
	add(text, "- name: one\n  use: [certificates]\n");
	refused(with(text, ca_two), "26:3", "name stands there twice");
}
END_TEST

/* The file's limit of eight is looked at before the ninth is read. */
START_TEST(more_than_eight_cas_are_refused)
{
	static char text[TEXT_MAX], pem[TEXT_MAX];
	struct sam_msg msg = { "" };
	struct sam_policy p;

	strcpy(text, LEVEL("1") "cas:\n");
	for (int i = 0; i < SAM_POLICY_CAS; i++) {
		EVP_PKEY *pkey = EVP_PKEY_Q_keygen(sam_ossl_ctx(), NULL, "EC", "P-256");
		X509 *x = X509_new_ex(sam_ossl_ctx(), NULL);
		X509_EXTENSION *ca = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");
		BIO *bio = BIO_new(BIO_s_mem());
		char line[80], name[64];

		ck_assert(X509_set_version(x, 2) && X509_set_pubkey(x, pkey) && X509_add_ext(x, ca, -1));
		ck_assert(X509_gmtime_adj(X509_getm_notBefore(x), 0) && X509_gmtime_adj(X509_getm_notAfter(x), 3600));
		ck_assert(X509_sign(x, pkey, sam_ossl_md(SAM_HASH_SHA256)) > 0 && PEM_write_bio_X509(bio, x));
		for (*pem = '\0'; BIO_gets(bio, line, sizeof line) > 0;) {
			add(pem, "    ");
			add(pem, line);
		}
		snprintf(name, sizeof name, "- name: ca-%d\n  use: [certificates]\n", i);
		add(text, name);
		strcpy(text, with(text, pem));
		BIO_free(bio);
		X509_EXTENSION_free(ca);
		X509_free(x);
		EVP_PKEY_free(pkey);
	}
	ck_assert_uint_eq(parsed(text).ca_count, SAM_POLICY_CAS);
	add(text, "- hidden\n");
	ck_assert_int_eq(sam_policy_parse("p.yaml", text, strlen(text), &p, &msg), SAM_POLICY);
	ck_assert_ptr_nonnull(strstr(msg.text, "more than 8 CAs"));
}
END_TEST

/* ---- PEM ---- */

/* The kept certificates stand indented, as in a policy. */
static char *unindented(const char *text)
{
	static char out[8192];
	char *to = out;

	for (bool begin = true; *text; text++) {
		if (begin && *text == ' ')
			continue;
		begin = *text == '\n';
		*to++ = *text;
	}
	*to = '\0';
	return out;
}

static void no_certificate(const char *text, const char *words)
{
	uint8_t der[4096];
	const char *why = NULL;
	size_t len = 1;

	ck_assert_int_eq(sam_pem_certificate(text, der, sizeof der, &len, &why), SAM_CERTIFICATE);
	ck_assert_msg(why && strstr(why, words), "%s: wanted %s", why ? why : "nothing", words);
	ck_assert_uint_eq(len, 0);
}

START_TEST(pem_is_exactly_one_certificate)
{
	char *pem = unindented(ca_one), text[32768], *middle;
	uint8_t der[4096];
	const char *why;
	size_t len, small;

	ck_assert_int_eq(sam_pem_certificate(pem, der, sizeof der, &len, &why), SAM_OK);
	ck_assert_ptr_null(why);
	ck_assert(sam_pem_is_ca(der, len));
	ck_assert(!sam_pem_is_ca(der, len - 1));
	der[len] = 0;
	ck_assert(!sam_pem_is_ca(der, len + 1));
	ck_assert(!sam_pem_is_ca(der, 0));
	/* as long as its place, and one byte longer */
	ck_assert_int_eq(sam_pem_certificate(pem, der, len, &small, &why), SAM_OK);
	ck_assert_int_eq(sam_pem_certificate(pem, der, len - 1, &small, &why), SAM_CERTIFICATE);
	ck_assert_ptr_nonnull(strstr(why, "too long"));
	snprintf(text, sizeof text, " \n%s\r\n \t", pem);
	ck_assert_int_eq(sam_pem_certificate(text, der, sizeof der, &len, &why), SAM_OK);

	no_certificate("", "must begin");
	no_certificate("hidden", "must begin");
	snprintf(text, sizeof text, "Certificate:\n%s", pem);
	no_certificate(text, "must begin");
	snprintf(text, sizeof text, "%shidden", pem);
	no_certificate(text, "behind its end");
	snprintf(text, sizeof text, "%s%s", pem, pem);
	no_certificate(text, "more than one");
	snprintf(text, sizeof text, "%s-----BEGIN PRIVATE KEY-----\n", pem);
	no_certificate(text, "behind its end");
	snprintf(text, sizeof text, "%.*s", (int)(strstr(pem, "-----END") - pem), pem);
	no_certificate(text, "has no line");
	no_certificate("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", "damaged");
	no_certificate("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", "no X.509");
	no_certificate("-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\n\nMAA=\n-----END CERTIFICATE-----\n", "damaged");
	no_certificate("-----BEGIN TRUSTED CERTIFICATE-----\nMAA=\n-----END TRUSTED CERTIFICATE-----\n", "must begin");
	strcpy(text, pem);
	middle = text + strlen(text) / 2;
	*middle = '!';
	no_certificate(text, "damaged");
	memset(text, ' ', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	memcpy(text, pem, strlen(pem) - 1);
	no_certificate(text, "too long");
	ck_assert_int_eq(sam_pem_certificate(unindented(leaf), der, sizeof der, &len, &why), SAM_OK);
	ck_assert(!sam_pem_is_ca(der, len));
}
END_TEST

/* ---- import, clock, certificates ---- */

START_TEST(import_ends_with_the_level)
{
	struct sam_policy p = parsed(LEVEL("1"));

	ck_assert_int_eq(sam_policy_may_import(&p), SAM_OK);
	p = parsed(LEVEL("1") "import: false\n");
	ck_assert_int_eq(sam_policy_may_import(&p), SAM_IMPORT_LEVEL);
	p = parsed(LEVEL("2") CMS);
	ck_assert_int_eq(sam_policy_may_import(&p), SAM_OK);
	p = parsed(LEVEL("2") CMS "import: false\n");
	ck_assert_int_eq(sam_policy_may_import(&p), SAM_IMPORT_LEVEL);
	p = parsed(LEVEL("3") CMS_3);
	ck_assert_int_eq(sam_policy_may_import(&p), SAM_IMPORT_LEVEL);
	p = parsed(LEVEL("3") CMS_3 "import: false\n");
	p.import = true;
	ck_assert_int_eq(sam_policy_may_import(&p), SAM_IMPORT_LEVEL);
	refused(LEVEL("3") CMS_3 "import: true\n", "14:9", "level 3 imports nothing");
	refused(LEVEL("1") "import: {enabled: true}\n", "11:9", "true or false");
	memset(&p, 0, sizeof p);
	ck_assert_int_eq(sam_policy_may_import(&p), SAM_IMPORT_LEVEL);
}
END_TEST

START_TEST(clock_and_certificate_are_asked_for_above_level_one)
{
	struct sam_policy p = parsed(LEVEL("1"));

	ck_assert(!p.require_sync && !p.certificate_required);
	p = parsed(LEVEL("1") "time: {require_sync: true}\ncertificates: {required: true}\n");
	ck_assert(p.require_sync && p.certificate_required);
	p = parsed(LEVEL("2") CMS);
	ck_assert(p.require_sync && p.certificate_required);
	p = parsed(LEVEL("3") CMS_3 "time: {require_sync: false}\ncertificates: {required: true}\n");
	ck_assert(!p.require_sync && p.certificate_required);
	p = parsed(LEVEL("2") CMS "time: {}\ncertificates: {}\n");
	ck_assert(p.require_sync && p.certificate_required);
	refused(LEVEL("2") CMS "certificates: {required: false}\n", "13:26", "cannot be switched off");
	refused(LEVEL("3") CMS_3 "certificates: {required: false}\n", "14:26", "cannot be switched off");
	refused(LEVEL("1") "time: true\n", "11:7", "a map");
	refused(LEVEL("1") "time: {require_sync: 1}\n", "11:22", "true or false");
	refused(LEVEL("1") "certificates: {hidden: true}\n", "11:16", "unknown key");
}
END_TEST

/* ---- algorithms by date ---- */

#define RULE "{type: ec, bits: 256, generate_from: 2026-01-01T00:00:00Z, generate_until: 2028-01-01T00:00:00Z, " \
	     "sign_from: 2027-01-01T00:00:00Z, sign_until: 2030-01-01T00:00:00Z, verify_until: 2035-01-01T00:00:00Z}"
#define DATED(hashes, mechanisms, keys) HEAD("1", hashes, mechanisms, keys)

static enum sam_reason signs(const struct sam_policy *p, const char *time)
{
	const struct sam_scheme scheme = { sam_mechanism_find(CKM_ECDSA), SAM_HASH_SHA256 };

	return sam_policy_may_sign(p, &scheme, SAM_KEY_EC, 256, at(time));
}

static enum sam_reason verifies(const struct sam_policy *p, CK_MECHANISM_TYPE type, enum sam_hash hash,
				enum sam_key_type key, unsigned bits, const char *time)
{
	const struct sam_scheme scheme = { sam_mechanism_find(type), hash };

	return sam_policy_may_verify(p, &scheme, key, bits, at(time));
}

START_TEST(keys_are_made_and_sign_between_their_dates)
{
	const struct sam_policy p = parsed(DATED("[sha256]", "[CKM_ECDSA]", "[" RULE "]"));

	ck_assert_int_eq(sam_policy_may_generate(&p, SAM_KEY_EC, 256, at("2026-01-01T00:00:00Z") - 1), SAM_KEY_SIZE);
	ck_assert_int_eq(sam_policy_may_generate(&p, SAM_KEY_EC, 256, at("2026-01-01T00:00:00Z")), SAM_OK);
	ck_assert_int_eq(sam_policy_may_generate(&p, SAM_KEY_EC, 256, at("2028-01-01T00:00:00Z") - 1), SAM_OK);
	ck_assert_int_eq(sam_policy_may_generate(&p, SAM_KEY_EC, 256, at("2028-01-01T00:00:00Z")), SAM_KEY_SIZE);
	ck_assert_int_eq(signs(&p, "2026-12-31T23:59:59Z"), SAM_KEY_SIZE);
	ck_assert_int_eq(signs(&p, "2027-01-01T00:00:00Z"), SAM_OK);
	ck_assert_int_eq(signs(&p, "2029-12-31T23:59:59Z"), SAM_OK);
	ck_assert_int_eq(signs(&p, "2030-01-01T00:00:00Z"), SAM_KEY_SIZE);
	ck_assert_int_eq(verifies(&p, CKM_ECDSA, SAM_HASH_SHA256, SAM_KEY_EC, 256, "2034-12-31T23:59:59Z"), SAM_OK);
	ck_assert_int_eq(verifies(&p, CKM_ECDSA, SAM_HASH_SHA256, SAM_KEY_EC, 256, "2035-01-01T00:00:00Z"),
			 SAM_KEY_SIZE);
}
END_TEST

START_TEST(hashes_and_mechanisms_have_dates_too)
{
	static const char dates[] = "sign_from: 2027-01-01T00:00:00Z, sign_until: 2030-01-01T00:00:00Z, "
				    "verify_until: 2035-01-01T00:00:00Z}, ";
	const struct sam_scheme later = { sam_mechanism_find(CKM_ECDSA), SAM_HASH_NONE };
	char text[4096];
	struct sam_policy p;

	snprintf(text, sizeof text, DATED("[{name: sha256, %ssha512]", "[CKM_ECDSA]", "[{type: ec, bits: 256}]"), dates);
	p = parsed(text);
	ck_assert_int_eq(signs(&p, "2026-12-31T23:59:59Z"), SAM_HASH_FORBIDDEN);
	ck_assert_int_eq(signs(&p, "2027-01-01T00:00:00Z"), SAM_OK);
	ck_assert_int_eq(signs(&p, "2030-01-01T00:00:00Z"), SAM_HASH_FORBIDDEN);
	/* the same where the hash is known later only */
	ck_assert_int_eq(sam_policy_may_hash(&p, &later, SAM_HASH_SHA256, 256, at("2029-12-31T23:59:59Z")), SAM_OK);
	ck_assert_int_eq(sam_policy_may_hash(&p, &later, SAM_HASH_SHA256, 256, at("2030-01-01T00:00:00Z")),
			 SAM_HASH_FORBIDDEN);
	ck_assert_int_eq(verifies(&p, CKM_ECDSA, SAM_HASH_SHA256, SAM_KEY_EC, 256, "2034-12-31T23:59:59Z"), SAM_OK);
	ck_assert_int_eq(verifies(&p, CKM_ECDSA, SAM_HASH_SHA256, SAM_KEY_EC, 256, "2035-01-01T00:00:00Z"),
			 SAM_HASH_FORBIDDEN);
	ck_assert_int_eq(verifies(&p, CKM_ECDSA, SAM_HASH_NONE, SAM_KEY_EC, 256, "2035-01-01T00:00:00Z"), SAM_OK);

	snprintf(text, sizeof text, DATED("[sha256]", "[{name: CKM_ECDSA, %sCKM_RSA_PKCS]", "[{type: ec, bits: 256}]"),
		 dates);
	p = parsed(text);
	ck_assert_uint_eq(p.mechanism_count, 2);
	ck_assert_int_eq(signs(&p, "2026-12-31T23:59:59Z"), SAM_MECHANISM);
	ck_assert_int_eq(signs(&p, "2027-01-01T00:00:00Z"), SAM_OK);
	ck_assert_int_eq(signs(&p, "2030-01-01T00:00:00Z"), SAM_MECHANISM);
	ck_assert_int_eq(verifies(&p, CKM_ECDSA, SAM_HASH_SHA256, SAM_KEY_EC, 256, "2034-12-31T23:59:59Z"), SAM_OK);
	ck_assert_int_eq(verifies(&p, CKM_ECDSA, SAM_HASH_SHA256, SAM_KEY_EC, 256, "2035-01-01T00:00:00Z"),
			 SAM_MECHANISM);
}
END_TEST

START_TEST(what_ends_not_of_its_own_ends_with_the_next)
{
	struct sam_policy p = parsed(DATED("[sha256]", "[CKM_ECDSA]",
					   "[{type: ec, bits: 256, verify_until: 2030-01-01T00:00:00Z}]"));

	ck_assert_int_eq(p.keys[0].sign_until, at("2030-01-01T00:00:00Z"));
	ck_assert_int_eq(p.keys[0].generate_until, at("2030-01-01T00:00:00Z"));
	ck_assert(p.keys[0].generate_from == INT64_MIN && p.keys[0].sign_from == INT64_MIN);
	/* short RSA still ends in 2030, and may be verified ever after */
	p = parsed(DATED("[sha256]", "[CKM_RSA_PKCS]", "[{type: rsa, bits: 2048-3071, sign_until: 2030-12-31T15:00:00Z}]"));
	ck_assert(p.keys[0].verify_until == INT64_MAX);
	ck_assert_int_eq(verifies(&p, CKM_RSA_PKCS, SAM_HASH_NONE, SAM_KEY_RSA, 2048, "2090-01-01T00:00:00Z"), SAM_OK);
}
END_TEST

START_TEST(verifying_is_no_signing_right)
{
	struct sam_policy p = parsed(LEVEL("3") CMS_3);

	/* at every level, with what this program knows though the policy does not list it */
	ck_assert_int_eq(verifies(&p, CKM_ECDSA, SAM_HASH_NONE, SAM_KEY_EC, 256, NOW), SAM_OK);
	ck_assert_int_eq(verifies(&p, CKM_EDDSA, SAM_HASH_NONE, SAM_KEY_ED25519, 255, NOW), SAM_OK);
	ck_assert_int_eq(verifies(&p, CKM_SHA384_RSA_PKCS, SAM_HASH_SHA384, SAM_KEY_RSA, 2048, NOW), SAM_OK);
	ck_assert_int_eq(verifies(&p, CKM_ECDSA, SAM_HASH_NONE, SAM_KEY_RSA, 2048, NOW), SAM_KEY_TYPE);
	/* SHA-1 is none of it */
	ck_assert_int_eq(verifies(&p, CKM_SHA1_RSA_PKCS, SAM_HASH_NONE, SAM_KEY_RSA, 2048, NOW), SAM_MECHANISM);
	ck_assert_int_eq(verifies(&p, CKM_ECDSA_SHA1, SAM_HASH_NONE, SAM_KEY_EC, 256, NOW), SAM_MECHANISM);
	ck_assert_int_eq(verifies(&p, CKM_ECDSA, SAM_HASH_COUNT, SAM_KEY_EC, 256, NOW), SAM_HASH_FORBIDDEN);
	ck_assert_int_eq(verifies(&p, CKM_ECDSA, (enum sam_hash)-1, SAM_KEY_EC, 256, NOW), SAM_HASH_FORBIDDEN);
	memset(&p, 0, sizeof p);
	ck_assert_int_eq(verifies(&p, CKM_ECDSA, SAM_HASH_NONE, SAM_KEY_EC, 256, NOW), SAM_LEVEL_MISSING);
}
END_TEST

static const struct {
	const char *text, *place, *why;
} refused_dates[] = {
	{ DATED("[{name: sha256, sign_until: 2030-01-01T00:00:00Z, verify_until: 2029-01-01T00:00:00Z}]", "[CKM_ECDSA]",
		"[{type: ec, bits: 256}]"), "5:37", "after verify_until" },
	{ DATED("[{name: sha256, sign_from: 2031-01-01T00:00:00Z, sign_until: 2030-01-01T00:00:00Z}]", "[CKM_ECDSA]",
		"[{type: ec, bits: 256}]"), "5:36", "sign_from: lies after" },
	{ DATED("[{name: sha256, sign_from: 2031-01-01T00:00:00Z, verify_until: 2030-01-01T00:00:00Z}]", "[CKM_ECDSA]",
		"[{type: ec, bits: 256}]"), "5:36", "sign_from: lies after" },
	{ DATED("[{name: sha256, sign_until: 2030-01-01}]", "[CKM_ECDSA]", "[{type: ec, bits: 256}]"), "5:37", "date-time" },
	{ DATED("[{sign_until: 2030-01-01T00:00:00Z}]", "[CKM_ECDSA]", "[{type: ec, bits: 256}]"), "5:10", "`name`" },
	{ DATED("[{name: sha1}]", "[CKM_ECDSA]", "[{type: ec, bits: 256}]"), "5:17", "no hash" },
	{ DATED("[{name: [sha256]}]", "[CKM_ECDSA]", "[{type: ec, bits: 256}]"), "5:17", "one value" },
	{ DATED("[sha256, {name: sha256}]", "[CKM_ECDSA]", "[{type: ec, bits: 256}]"), "5:25", "twice" },
	{ DATED("[{name: sha256, generate_until: 2030-01-01T00:00:00Z}]", "[CKM_ECDSA]", "[{type: ec, bits: 256}]"), "5:25",
	  "unknown key" },
	{ DATED("[sha256]", "[{name: CKM_SHA1_RSA_PKCS}]", "[{type: ec, bits: 256}]"), "6:21", "no mechanism" },
	{ DATED("[sha256]", "[{name: CKM_ECDSA_SHA384}]", "[{type: ec, bits: 256}]"), "6:21", "needs sha384" },
	{ DATED("[sha256]", "[{name: CKM_ECDSA, hidden: 1}]", "[{type: ec, bits: 256}]"), "6:32", "unknown key" },
	{ DATED("[sha256]", "[CKM_ECDSA]", "[{type: ec, bits: 256, verify_until: 2030-01-01T00:00:00Z, "
		"sign_until: 2031-01-01T00:00:00Z}]"), "7:78", "after verify_until" },
	{ DATED("[sha256]", "[CKM_ECDSA]", "[{type: ec, bits: 256, generate_from: 2031-01-01T00:00:00Z, "
		"generate_until: 2030-01-01T00:00:00Z}]"), "7:45", "generate_from: lies after" },
	{ DATED("[sha256]", "[CKM_ECDSA]", "[{type: ec, bits: 256, generate_from: 2031-01-01T00:00:00Z, "
		"sign_until: 2030-01-01T00:00:00Z}]"), "7:45", "generate_from: lies after" },
	{ DATED("[sha256]", "[CKM_ECDSA]", "[{type: ec, bits: 256, sign_from: 2031-01-01T00:00:00Z, "
		"sign_until: 2030-01-01T00:00:00Z}]"), "7:41", "sign_from: lies after" },
	{ DATED("[sha256]", "[CKM_RSA_PKCS]", "[{type: rsa, bits: 2048, verify_until: 2035-01-01T00:00:00Z}]"), "7:8",
	  "2030-12-31T15:00:00Z" },
};

START_TEST(dates_out_of_order_are_refused)
{
	refused(refused_dates[_i].text, refused_dates[_i].place, refused_dates[_i].why);
}
END_TEST

static Suite *policy_life_suite(void)
{
	Suite *suite = suite_create("policy_life");
	TCase *cms = tcase_create("cms"), *cas = tcase_create("cas"), *dates = tcase_create("dates");

	tcase_add_test(cms, approved_cms_are_read);
	tcase_add_test(cms, only_approved_cms_are_used_above_level_one);
	tcase_add_test(cms, level_one_takes_any_cm);
	tcase_add_test(cms, one_cm_may_have_several_evaluations);
	tcase_add_loop_test(cms, other_cms_are_refused, 0, sizeof refused_cms / sizeof refused_cms[0]);
	tcase_add_test(cms, more_than_sixteen_cms_are_refused);
	tcase_add_test(cms, cm_without_evaluation_and_unwatched_clock_are_stated);
	tcase_add_test(cas, trusted_cas_are_read);
	tcase_add_test(cas, ca_for_import_says_how_it_makes_keys);
	tcase_add_test(cas, level_three_imports_nothing);
	tcase_add_test(cas, other_cas_are_refused);
	tcase_add_test(cas, more_than_eight_cas_are_refused);
	tcase_add_test(cas, pem_is_exactly_one_certificate);
	tcase_add_test(cas, import_ends_with_the_level);
	tcase_add_test(cas, clock_and_certificate_are_asked_for_above_level_one);
	tcase_add_test(dates, keys_are_made_and_sign_between_their_dates);
	tcase_add_test(dates, hashes_and_mechanisms_have_dates_too);
	tcase_add_test(dates, what_ends_not_of_its_own_ends_with_the_next);
	tcase_add_test(dates, verifying_is_no_signing_right);
	tcase_add_loop_test(dates, dates_out_of_order_are_refused, 0, sizeof refused_dates / sizeof refused_dates[0]);
	suite_add_tcase(suite, cms);
	suite_add_tcase(suite, cas);
	suite_add_tcase(suite, dates);
	return suite;
}

SAM_UNIT_MAIN(policy_life_suite)
