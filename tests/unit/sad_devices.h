/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who makes the SADs of sad_table.txt: signers' devices of every algorithm; and a clock that stands still, since at an
 * edge one second is the difference. For tests on key_fixture.h.
 */
#ifndef SAM_TESTS_SAD_DEVICES_H
#define SAM_TESTS_SAD_DEVICES_H

#include "key_fixture.h"

#include <sys/syscall.h>
#include <time.h>

#define PIN "2580-alice" /* alice's */

/* ---- the clock ---- */

static int64_t steady; /* seconds; 0: the clock goes */

/* In front of the C library's, for the whole program: the SAM reads the clock by this alone (base/clock.c). */
int clock_gettime(clockid_t id, struct timespec *t)
{
	if (steady && id == CLOCK_REALTIME) {
		*t = (struct timespec){.tv_sec = steady};
		return 0;
	}
	return (int)syscall(SYS_clock_gettime, id, t);
}

/* ---- who signs ---- */

static struct maker_key {
	const char *name, *signer; /* ${signer} NULL: registered for nobody */
	enum sam_jws_alg alg;      /* what it signs by, if the table does not say otherwise */
	bool pinned;               /* its JWK says so */
	struct device d;
} maker_keys[] = {
	{.name = "es256", .signer = "alice", .alg = SAM_JWS_ES256, .pinned = true},
	{.name = "es384", .signer = "alice", .alg = SAM_JWS_ES384, .pinned = true},
	{.name = "es512", .signer = "alice", .alg = SAM_JWS_ES512, .pinned = true},
	{.name = "eddsa", .signer = "alice", .alg = SAM_JWS_EDDSA, .pinned = true},
	{.name = "rsa", .signer = "alice", .alg = SAM_JWS_RS256},
	{.name = "ps256", .signer = "alice", .alg = SAM_JWS_PS256, .pinned = true},
	{.name = "removed", .signer = "alice", .alg = SAM_JWS_ES256, .pinned = true},
	{.name = "bob", .signer = "bob", .alg = SAM_JWS_ES256, .pinned = true},
	{.name = "bobrsa", .signer = "bob", .alg = SAM_JWS_RS256},
	{.name = "stranger", .alg = SAM_JWS_ES256, .pinned = true},
};
enum { MAKER_KEYS = sizeof maker_keys / sizeof maker_keys[0] };

static const struct maker_key *maker_key(const char *name)
{
	for (size_t i = 0; i < MAKER_KEYS; i++)
		if (strcmp(maker_keys[i].name, name) == 0)
			return &maker_keys[i];
	ck_abort_msg("no key %s", name);
}

/* Once for all tests, before the processes fork: RSA keys take their time. */
static void maker_make_keys(void)
{
	for (size_t i = 0; i < MAKER_KEYS; i++) {
		struct device *d = &maker_keys[i].d;
		struct sam_jwk jwk;
		is(sam_jose_generate(maker_keys[i].alg, &d->private), SAM_OK);
		if (!maker_keys[i].pinned)
			json_object_del(d->private, "alg");
		is(sam_jose_private(d->private, &d->pkey, NULL), SAM_OK);
		is(sam_jose_jwk(d->private, &jwk, NULL), SAM_OK);
		memcpy(d->kid, jwk.thumbprint, sizeof d->kid);
		sam_jose_jwk_clear(&jwk);
		d->public = sam_jose_jwk_public(d->private);
		d->jwk = json_dumps(d->public, JSON_COMPACT);
		ck_assert_ptr_nonnull(d->jwk);
		keep(KEPT_JSON, d->private);
		keep(KEPT_JSON, d->public);
		keep(KEPT_KEY, d->pkey);
		keep(KEPT_TEXT, d->jwk);
	}
}

static void maker_enrol(const struct maker_key *k)
{
	const long long now = sam_clock_now();
	char *proof;
	char *claims = text("{\"sub\":\"%s\",\"aud\":\"" SAM_ID "\",\"jti\":\"%s\",\"iat\":%lld,\"exp\":%lld}",
			    k->signer, new_jti(), now, now + 300);
	json_t *header = json("{'typ':'sam-enrol+jwt'}");
	json_object_set(header, "jwk", k->d.public);
	is(sam_jose_sign(header, claims, strlen(claims), k->d.pkey, k->alg, &proof), SAM_OK);
	json_decref(header);
	keep(KEPT_TEXT, proof);
	is(act("officer", "officer2", SAM_ACT_AUTHENTICATOR_ADD, "{'id':'%s','jwk':%s,'proof':'%s'}", k->signer, k->d.jwk,
	       proof), SAM_OK);
}

/* alice, bob and their devices; one of alice's is taken away again. Ends with the clock standing a moment after. */
static void maker_people(void)
{
	people();
	for (size_t i = 0; i < MAKER_KEYS; i++)
		if (maker_keys[i].signer)
			maker_enrol(&maker_keys[i]);
	is(act("officer", "officer2", SAM_ACT_AUTHENTICATOR_REMOVE, "{'id':'alice','kid':'%s'}",
	       maker_key("removed")->d.kid), SAM_OK);
}

#endif
