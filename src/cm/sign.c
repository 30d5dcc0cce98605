/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Signing with a signer's key: the last step of the one door (invariant 1). C_SignInit and C_Sign
 * back to back on one session; nothing of it outlives the call.
 */
#include "cm/internal.h"

#include <string.h>
#include "base/log.h"

struct signing {
	const struct sam_cm_job *job;
	CK_MECHANISM mechanism;
	CK_RSA_PKCS_PSS_PARAMS pss;
	uint8_t digestinfo[SAM_HASH_DIGESTINFO_MAX];
	const uint8_t *data;
	size_t data_len;
	size_t expected; /* the signature's length; 0: not known here */
	uint8_t out[SAM_CM_SIGNATURE_MAX];
	size_t out_len;
	bool maybe;
};

static bool prepare_hash(struct signing *g)
{
	const struct sam_cm_job *job = g->job;
	size_t size = sam_hash_size(job->hash), bytes = (job->bits + 7) / 8;
	if (!size || !job->digest)
		return false;
	g->data = job->digest;
	g->data_len = size;
	switch (job->padding) {
	case SAM_PAD_PKCS1:
		g->mechanism.mechanism = CKM_RSA_PKCS;
		g->data_len = sam_hash_digestinfo(job->hash, job->digest, g->digestinfo);
		g->data = g->digestinfo;
		g->expected = bytes;
		return true;
	case SAM_PAD_PSS:
		g->pss.hashAlg = sam_hash_mechanism(job->hash);
		g->pss.mgf = sam_hash_mgf(job->hash);
		g->pss.sLen = size;
		g->mechanism = (CK_MECHANISM){CKM_RSA_PKCS_PSS, &g->pss, sizeof g->pss};
		g->expected = bytes;
		return true;
	case SAM_PAD_ECDSA:
		if (!bytes)
			return false;
		/* FIPS 186-5 section 6.4: the leftmost bits of the order's length */
		g->mechanism.mechanism = CKM_ECDSA;
		g->data_len = size < bytes ? size : bytes;
		g->expected = 2 * bytes;
		return true;
	default:
		return false;
	}
}

static bool prepare(struct signing *g)
{
	const struct sam_cm_job *job = g->job;
	if (job->padding != SAM_PAD_EDDSA)
		return prepare_hash(g);
	/* no parameter: PKCS#11 3.0 then means pure Ed25519 */
	g->mechanism.mechanism = CKM_EDDSA;
	g->data = job->message ? job->message : (const uint8_t *)"";
	g->data_len = job->message_len;
	g->expected = 64;
	return job->message || !job->message_len;
}

static enum sam_reason sign_step(struct sam_cm *cm, struct sam_cm_session *s, void *arg)
{
	struct signing *g = arg;
	CK_OBJECT_HANDLE key;
	CK_ULONG len = sizeof g->out;
	enum sam_reason reason = sam_cm_key_find(cm, s, g->job->id, g->job->attributes, &key);
	if (reason != SAM_OK)
		return reason;
	CK_RV rv = cm->vendor->f->C_SignInit(s->handle, &g->mechanism, key);
	if (rv != CKR_OK)
		return sam_cm_fail(s, "C_SignInit", rv);
	s->final = true; /* from here on never twice, whatever it says */
	rv = cm->vendor->f->C_Sign(s->handle, (CK_BYTE_PTR)g->data, g->data_len, g->out, &len);
	if (rv != CKR_OK)
		return sam_cm_fail(s, "C_Sign", rv); /* it says itself that it gave none */
	if (len == 0 || len > sizeof g->out || (g->expected && len != g->expected)) {
		g->maybe = true;
		return sam_cm_fail(s, "C_Sign (impossible length)", CKR_GENERAL_ERROR);
	}
	g->out_len = len;
	return SAM_OK;
}

enum sam_reason sam_cm_sign(struct sam_cm *cm, const struct sam_cm_job *job, uint8_t *signature,
			    size_t *len, bool *maybe)
{
	struct signing g = {.job = job};
	*maybe = false;
	if (!prepare(&g) || *len < g.expected)
		return sam_log_reason(SAM_ARGUMENTS, "sam_cm_sign: incomplete job or short buffer");
	if (!cm->has[job->padding])
		return sam_log_reason(SAM_CM_MECHANISM, "the CM lacks mechanism 0x%lx",
				      g.mechanism.mechanism);
	enum sam_reason reason = sam_cm_run(cm, sign_step, &g);
	if (reason == SAM_OK && g.out_len > *len) {
		g.maybe = true;
		reason = sam_log_reason(SAM_CM_FAILED, "C_Sign: %zu bytes for a buffer of %zu",
					g.out_len, *len);
	}
	if (reason == SAM_OK) {
		memcpy(signature, g.out, g.out_len);
		*len = g.out_len;
	} else {
		*len = 0;
		*maybe = g.maybe;
	}
	/* a signature that is not let out is not left lying about either (invariant 4) */
	sam_mem_wipe(g.out, sizeof g.out);
	return reason;
}
