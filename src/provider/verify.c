/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Verifying with the public half of a signer's key or with a public key of the application, in
 * OpenSSL: every mechanism of the DTBS/R table, whatever the policy lets the SAM sign with, until the date
 * from which the policy trusts no signature of that kind.
 */
#include "provider/provider.h"

#include <stdlib.h>
#include <openssl/rsa.h>
#include "sap/verify.h"

enum { RAW_MAX = 1024 }; /* CKM_RSA_PKCS takes anything shorter than the modulus */

struct verify {
	struct sam_operation op;
	struct sam_scheme scheme;
	EVP_PKEY *pkey;
	size_t size; /* of a signature */
	struct sam_input_state input;
};

static void verify_free(struct sam_operation *op)
{
	struct verify *verify = (struct verify *)op;
	EVP_PKEY_free(verify->pkey);
	sam_scheme_clear(&verify->input);
	free(verify);
}

/* The public key behind the handle. */
static CK_RV public_key(struct sam_provider *p, CK_OBJECT_HANDLE handle, struct verify *verify,
			enum sam_key_type *type, unsigned *bits)
{
	struct sam_object object;
	struct sam_spki parts;
	CK_RV rv = sam_object_get(p, handle, &object);
	if (rv != CKR_OK)
		return rv == CKR_OBJECT_HANDLE_INVALID ? CKR_KEY_HANDLE_INVALID : rv;
	const uint8_t *der = object.session ? object.session->spki : object.view->spki;
	const size_t len = object.session ? object.session->spki_len : object.view->spki_len;
	const bool no_key = object.session ? !der : object.part == SAM_PART_CERTIFICATE;
	if (no_key) {
		rv = CKR_KEY_HANDLE_INVALID;
	} else if (object.session ? !object.session->verify : object.part != SAM_PART_PUBLIC) {
		rv = CKR_KEY_FUNCTION_NOT_PERMITTED;
	} else if (!sam_spki_read(der, len, &parts) ||
		   !(verify->pkey = sam_ossl_pubkey(der, len))) {
		rv = CKR_FUNCTION_FAILED;
	} else {
		*type = parts.type;
		*bits = sam_spki_bits(&parts);
		verify->size = sam_signature_size(*type, *bits);
	}
	sam_object_put(&object);
	return rv;
}

static CK_RV verify_begin(struct sam_provider *p, const CK_MECHANISM *mechanism,
			  CK_OBJECT_HANDLE key, struct verify *verify)
{
	struct sam_mechanism_copy copy;
	enum sam_key_type type;
	unsigned bits;
	CK_RV rv = sam_scheme_copy(mechanism, &copy);
	if (rv == CKR_OK)
		rv = sam_reason_rv(sam_mechanism_scheme(&copy.mechanism, &verify->scheme), false);
	if (rv == CKR_OK)
		rv = public_key(p, key, verify, &type, &bits);
	if (rv != CKR_OK)
		return rv;
	const struct sam_mechanism *m = verify->scheme.mechanism;
	if (m->key != type)
		return CKR_KEY_TYPE_INCONSISTENT;
	rv = sam_reason_rv(sam_may_verify(p->sam, &verify->scheme, type, bits), false);
	if (rv != CKR_OK)
		return rv;
	const bool hashed = m->input == SAM_INPUT_MESSAGE && m->padding != SAM_PAD_EDDSA;
	return sam_scheme_start(&verify->input, hashed ? verify->scheme.hash : SAM_HASH_NONE,
				m->padding == SAM_PAD_EDDSA ? P11_SAM_EDDSA_PARTS_MAX : RAW_MAX);
}

CK_RV sam_C_VerifyInit(struct sam_session *s, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
	if (!mechanism)
		return sam_session_cancel(s, SAM_OP_VERIFY);
	CK_RV rv = sam_session_begin(s, SAM_OP_VERIFY);
	if (rv != CKR_OK)
		return rv;
	struct verify *verify = calloc(1, sizeof *verify);
	if (!verify) {
		sam_session_put(s, SAM_OP_VERIFY, NULL);
		return CKR_HOST_MEMORY;
	}
	verify->op.free = verify_free;
	rv = verify_begin(s->p, mechanism, key, verify);
	if (rv == CKR_OK)
		sam_session_put(s, SAM_OP_VERIFY, &verify->op);
	else
		sam_session_end(s, SAM_OP_VERIFY, &verify->op);
	return rv;
}

/* CKM_RSA_PKCS: the padded bytes are exactly the data, whatever they are. */
static bool raw_pkcs1(EVP_PKEY *pkey, const uint8_t *data, size_t len, const uint8_t *signature,
		      size_t signature_len)
{
	sam_auto(EVP_PKEY_CTX_free) EVP_PKEY_CTX *ctx =
		EVP_PKEY_CTX_new_from_pkey(sam_ossl_ctx(), pkey, NULL);
	return ctx && EVP_PKEY_verify_init(ctx) == 1 &&
	       EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
	       EVP_PKEY_verify(ctx, signature, signature_len, data, len) == 1;
}

static CK_RV answer(enum sam_reason reason)
{
	return reason == SAM_SIGNATURE_MISMATCH ? CKR_SIGNATURE_INVALID
						: sam_reason_rv(reason, false);
}

static CK_RV decide(struct verify *verify, const CK_BYTE *signature, size_t signature_len)
{
	uint8_t hash[SAM_HASH_MAX];
	const enum sam_padding padding = verify->scheme.mechanism->padding;
	const uint8_t *data = sam_scheme_data(&verify->input);
	size_t len = verify->input.len;
	if (signature_len != verify->size)
		return CKR_SIGNATURE_LEN_RANGE;
	if (padding == SAM_PAD_EDDSA)
		return answer(sam_verify_message(verify->pkey, data, len, signature, signature_len));
	if (verify->input.hash != SAM_HASH_NONE) {
		CK_RV rv = sam_scheme_hash(&verify->input, hash);
		if (rv != CKR_OK)
			return rv;
		data = hash;
		len = sam_hash_size(verify->input.hash);
	} else if (padding == SAM_PAD_PKCS1) {
		return raw_pkcs1(verify->pkey, data, len, signature, signature_len)
			       ? CKR_OK
			       : CKR_SIGNATURE_INVALID;
	} else if (len == 0 ||
		   (padding == SAM_PAD_PSS && len != sam_hash_size(verify->scheme.hash))) {
		return CKR_DATA_LEN_RANGE;
	}
	return answer(sam_verify_digest(verify->pkey, padding, verify->scheme.hash, data, len,
					signature, signature_len));
}

CK_RV sam_C_Verify(struct sam_session *s, const CK_BYTE *data, CK_ULONG len,
		   const CK_BYTE *signature, CK_ULONG signature_len)
{
	struct sam_operation *op;
	CK_RV rv = sam_session_take(s, SAM_OP_VERIFY, &op);
	if (rv != CKR_OK)
		return rv;
	struct verify *verify = (struct verify *)op;
	if (verify->scheme.mechanism->padding == SAM_PAD_EDDSA)
		verify->input.max = P11_SAM_EDDSA_ONE_MAX;
	rv = verify->input.begun ? CKR_OPERATION_ACTIVE : signature ? CKR_OK : CKR_ARGUMENTS_BAD;
	if (rv == CKR_OK)
		rv = sam_scheme_add(&verify->input, data, len);
	if (rv == CKR_OK)
		rv = decide(verify, signature, signature_len);
	sam_session_end(s, SAM_OP_VERIFY, op);
	return rv;
}

CK_RV sam_C_VerifyUpdate(struct sam_session *s, const CK_BYTE *part, CK_ULONG len)
{
	struct sam_operation *op;
	CK_RV rv = sam_session_take(s, SAM_OP_VERIFY, &op);
	if (rv != CKR_OK)
		return rv;
	rv = sam_scheme_add(&((struct verify *)op)->input, part, len);
	if (rv == CKR_OK)
		sam_session_put(s, SAM_OP_VERIFY, op);
	else
		sam_session_end(s, SAM_OP_VERIFY, op);
	return rv;
}

CK_RV sam_C_VerifyFinal(struct sam_session *s, const CK_BYTE *signature, CK_ULONG signature_len)
{
	struct sam_operation *op;
	CK_RV rv = sam_session_take(s, SAM_OP_VERIFY, &op);
	if (rv != CKR_OK)
		return rv;
	rv = signature ? decide((struct verify *)op, signature, signature_len) : CKR_ARGUMENTS_BAD;
	sam_session_end(s, SAM_OP_VERIFY, op);
	return rv;
}
