/* SPDX-License-Identifier: BSD-3-Clause
 *
 * C_GenerateKeyPair, as far as the application's face goes: what is asked for, under which SADs; and the handles
 * of what was made. That a key is made, whose it is and where it is written down is sam_generate()'s business.
 */
#include "provider/provider.h"

#include <string.h>

static const struct sam_generator generators[] = {
	{CKM_RSA_PKCS_KEY_PAIR_GEN, SAM_KEY_RSA, CKK_RSA},
	{CKM_EC_KEY_PAIR_GEN, SAM_KEY_EC, CKK_EC},
	{CKM_EC_EDWARDS_KEY_PAIR_GEN, SAM_KEY_ED25519, CKK_EC_EDWARDS},
};
enum { GENERATORS = sizeof generators / sizeof *generators };

const struct sam_generator *sam_generator_at(size_t i)
{
	return i < GENERATORS ? &generators[i] : NULL;
}

const struct sam_generator *sam_generator_of(enum sam_key_type type)
{
	size_t i = 0;
	while (i < GENERATORS - 1 && generators[i].type != type)
		i++;
	return &generators[i];
}

/* The types of keys that the SAM can make; the parameters must be none. */
static enum sam_reason choose(const struct sam_provider *p, const CK_MECHANISM *mechanism,
			      const struct sam_generator **out)
{
	const struct sam_generator *found;
	CK_MECHANISM copy;
	memcpy(&copy, mechanism, sizeof copy);
	for (size_t i = 0; (found = sam_generator_at(i)); i++)
		if (found->mechanism == copy.mechanism && p->generates[found->type])
			break;
	*out = found;
	if (!found)
		return SAM_MECHANISM;
	return copy.ulParameterLen ? SAM_MECHANISM_PARAMETER : SAM_OK;
}

/* A template that the policy forbids is on record; one that makes no sense is nobody's business. */
static CK_RV refuse_template(struct sam_provider *p, CK_RV rv)
{
	switch (rv) {
	case CKR_ATTRIBUTE_READ_ONLY: /* who gives key material, say */
	case CKR_TEMPLATE_INCONSISTENT: return sam_refuse_call(p, "C_GenerateKeyPair", SAM_TEMPLATE, rv);
	case CKR_KEY_SIZE_RANGE:
	case CKR_CURVE_NOT_SUPPORTED: return sam_refuse_call(p, "C_GenerateKeyPair", SAM_KEY_SIZE, rv);
	default: return rv;
	}
}

/* Where the new key is for this login. */
static CK_RV handles_of(struct sam_provider *p, const char *credential, CK_OBJECT_HANDLE *public_key,
			CK_OBJECT_HANDLE *private_key)
{
	struct sam_keyring *ring;
	size_t index;
	CK_RV rv = sam_keyring_get(p, true, &ring);
	if (rv != CKR_OK)
		return rv;
	if (!ring) /* logged out meanwhile; the key is there at the next login */
		return CKR_USER_NOT_LOGGED_IN;
	if (sam_keyring_key(ring, credential, &index)) {
		*private_key = ring->handles[index] + SAM_PART_PRIVATE;
		*public_key = ring->handles[index] + SAM_PART_PUBLIC;
	} else {
		rv = CKR_USER_NOT_LOGGED_IN;
	}
	sam_keyring_release(ring);
	return rv;
}

static enum sam_reason make(struct sam_provider *p, const struct sam_login *login, uint64_t epoch,
			    const struct sam_new_key *what, char credential[SAM_CREDENTIAL_SIZE])
{
	struct sam_activation *activations[P11_SAM_ACTIVATIONS_MAX];
	const size_t count = sam_login_hold(p, epoch, activations);
	const enum sam_reason reason = sam_generate(p->sam, login, activations, count, what, credential);
	for (size_t i = 0; i < count; i++)
		sam_activation_release(activations[i]);
	return reason;
}

/* Whose SADs may order it: not an officer's business. */
static CK_RV check_caller(struct sam_session *s, struct sam_login *login, uint64_t *epoch)
{
	if (!(s->flags & CKF_RW_SESSION))
		return CKR_SESSION_READ_ONLY;
	*epoch = sam_login_get(s->p, login);
	if (login->name[0] == '\0')
		return sam_refuse_call(s->p, "C_GenerateKeyPair", SAM_NO_ACTIVATION, CKR_OK);
	if (login->role != SAM_ROLE_SIGNER && login->role != SAM_ROLE_SCA)
		return sam_refuse_call(s->p, "C_GenerateKeyPair", SAM_ROLE, CKR_OK);
	return CKR_OK;
}

CK_RV sam_C_GenerateKeyPair(struct sam_session *s, const CK_MECHANISM *mechanism, const CK_ATTRIBUTE *public_template,
			    CK_ULONG public_count, const CK_ATTRIBUTE *private_template, CK_ULONG private_count,
			    CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key)
{
	struct sam_provider *p = s->p;
	CK_ATTRIBUTE pub[P11_SAM_TEMPLATE_MAX], priv[P11_SAM_TEMPLATE_MAX];
	const struct sam_generator *generator;
	struct sam_login login;
	uint64_t epoch;
	struct sam_new_key what;
	char credential[SAM_CREDENTIAL_SIZE];
	if (!mechanism || !public_key || !private_key)
		return CKR_ARGUMENTS_BAD;
	CK_RV rv = sam_template_copy(public_template, public_count, pub);
	if (rv == CKR_OK)
		rv = sam_template_copy(private_template, private_count, priv);
	if (rv == CKR_OK)
		rv = check_caller(s, &login, &epoch);
	if (rv != CKR_OK)
		return rv;
	enum sam_reason reason = choose(p, mechanism, &generator);
	if (reason != SAM_OK)
		return sam_refuse_call(p, "C_GenerateKeyPair", reason, CKR_OK);
	rv = sam_template_key(&(struct sam_key_templates){.type = generator->type,
							  .pub = pub,
							  .pub_count = public_count,
							  .priv = priv,
							  .priv_count = private_count,
							  .offered = p->offered,
							  .offered_count = p->offered_count},
			      &what);
	if (rv != CKR_OK)
		return refuse_template(p, rv);
	reason = make(p, &login, epoch, &what, credential);
	return reason == SAM_OK ? handles_of(p, credential, public_key, private_key) : sam_reason_rv(reason, false);
}
