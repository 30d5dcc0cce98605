/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What C_Sign*, C_Verify* and C_Digest* have in common: the mechanism as a private copy, the data as a
 * hash or a private copy (invariant 2: what is checked is what is signed), and the two-call convention.
 */
#include "provider/provider.h"

#include <stdlib.h>
#include <string.h>

bool sam_scheme_fits(const void *out, CK_ULONG *out_len, size_t need, CK_RV *rv)
{
	if (!out_len) {
		*rv = CKR_ARGUMENTS_BAD;
		return false;
	}
	if (!out) { /* the caller's length may be anything, it is not read */
		*out_len = need;
		*rv = CKR_OK;
		return false;
	}
	const CK_ULONG room = *out_len;
	if (room < need) {
		*out_len = need;
		*rv = CKR_BUFFER_TOO_SMALL;
		return false;
	}
	return true;
}

CK_RV sam_scheme_copy(const CK_MECHANISM *mechanism, struct sam_mechanism_copy *out)
{
	memset(out, 0, sizeof *out);
	memcpy(&out->mechanism, mechanism, sizeof out->mechanism);
	const size_t len = out->mechanism.ulParameterLen;
	const void *parameter = out->mechanism.pParameter;
	out->mechanism.pParameter = NULL;
	if (len == 0)
		return CKR_OK;
	if (!parameter || len > sizeof out->parameter)
		return CKR_MECHANISM_PARAM_INVALID;
	memcpy(out->parameter, parameter, len);
	out->mechanism.pParameter = out->parameter;
	return CKR_OK;
}

CK_RV sam_scheme_start(struct sam_input_state *input, enum sam_hash hash, size_t max)
{
	*input = (struct sam_input_state){.hash = hash, .max = max};
	if (hash == SAM_HASH_NONE)
		return CKR_OK;
	input->md = EVP_MD_CTX_new();
	return input->md && EVP_DigestInit_ex2(input->md, sam_ossl_md(hash), NULL) == 1
		       ? CKR_OK
		       : CKR_HOST_MEMORY;
}

/* What all operations of the process have collected: without a login too, so it is bounded. */
static atomic_size_t collected;

static bool claim_bytes(size_t size)
{
	if (atomic_fetch_add(&collected, size) + size <= P11_SAM_COLLECTED_MAX)
		return true;
	atomic_fetch_sub(&collected, size);
	return false;
}

/* Room for that much; the old block is wiped, it may be a message that nobody else should see. */
static bool grow(struct sam_input_state *input, size_t need)
{
	if (need <= input->size)
		return true;
	size_t size = input->size ? 2 * input->size : need;
	if (size < need)
		size = need;
	if (!claim_bytes(size))
		return false;
	uint8_t *grown = malloc(size);
	if (!grown) {
		atomic_fetch_sub(&collected, size);
		return false;
	}
	if (input->len > 0)
		memcpy(grown, input->data, input->len);
	if (input->data)
		sam_mem_wipe(input->data, input->len);
	free(input->data);
	atomic_fetch_sub(&collected, input->size);
	input->data = grown;
	input->size = size;
	return true;
}

CK_RV sam_scheme_add(struct sam_input_state *input, const uint8_t *part, size_t len)
{
	input->begun = true;
	if (len == 0)
		return CKR_OK;
	if (!part)
		return CKR_ARGUMENTS_BAD;
	if (input->md) /* reads each byte once */
		return EVP_DigestUpdate(input->md, part, len) == 1 ? CKR_OK : CKR_FUNCTION_FAILED;
	if (len > input->max - input->len)
		return CKR_DATA_LEN_RANGE;
	if (!grow(input, input->len + len))
		return CKR_HOST_MEMORY;
	memcpy(input->data + input->len, part, len);
	input->len += len;
	return CKR_OK;
}

CK_RV sam_scheme_hash(struct sam_input_state *input, uint8_t out[SAM_HASH_MAX])
{
	unsigned len = 0;
	if (!input->md || EVP_DigestFinal_ex(input->md, out, &len) != 1 ||
	    len != sam_hash_size(input->hash))
		return CKR_FUNCTION_FAILED;
	return CKR_OK;
}

const uint8_t *sam_scheme_data(const struct sam_input_state *input)
{
	return input->data ? input->data : (const uint8_t *)"";
}

void sam_scheme_clear(struct sam_input_state *input)
{
	EVP_MD_CTX_free(input->md);
	if (input->data)
		sam_mem_wipe(input->data, input->len);
	free(input->data);
	atomic_fetch_sub(&collected, input->size);
	*input = (struct sam_input_state){0};
}
