/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Random bytes of the CM, tested at start and as they come, and mixed with our own generator's so
 * that a weak one of the two does no harm (P2-3.2.2.2, P3-3.11).
 */
#include "cm/internal.h"

#include <string.h>
#include "base/log.h"
#include "base/ossl.h"

enum { BLOCK = 16, CHUNK = 64 * BLOCK, PROBE = 64 };

struct draw {
	uint8_t *out;
	size_t len;
};

static enum sam_reason ask(struct sam_cm *cm, struct sam_cm_session *s, uint8_t *out, size_t len)
{
	CK_RV rv = cm->vendor->f->C_GenerateRandom(s->handle, out, len);
	if (rv == CKR_RANDOM_NO_RNG)
		return sam_log_reason(SAM_RANDOM, "the CM has no random generator");
	return rv == CKR_OK ? SAM_OK : sam_cm_fail(s, "C_GenerateRandom", rv);
}

static bool constant(const uint8_t *p, size_t len)
{
	for (size_t i = 1; i < len; i++)
		if (p[i] != p[0])
			return false;
	return true;
}

/* At first use, and again after a test has failed. */
static enum sam_reason start_test(struct sam_cm *cm, struct sam_cm_session *s)
{
	uint8_t probe[2][PROBE] = {{0}, {0}};
	pthread_mutex_lock(&cm->lock);
	/* LOCKED */
	bool tested = cm->random_tested;
	pthread_mutex_unlock(&cm->lock);
	if (tested)
		return SAM_OK;
	for (unsigned i = 0; i < 2; i++) {
		enum sam_reason reason = ask(cm, s, probe[i], PROBE);
		if (reason != SAM_OK)
			return reason;
	}
	if (memcmp(probe[0], probe[1], PROBE) == 0 || constant(probe[0], PROBE) ||
	    constant(probe[1], PROBE))
		return sam_log_reason(SAM_RANDOM,
				      "the CM's random generator failed its start-up test");
	pthread_mutex_lock(&cm->lock);
	/* LOCKED */
	cm->random_tested = true;
	pthread_mutex_unlock(&cm->lock);
	return SAM_OK;
}

/* No block may equal the one before it, in this chunk or at the end of the last one; of that one
 * only the hash is kept. */
static enum sam_reason repetition_test(struct sam_cm *cm, const uint8_t *chunk, size_t len)
{
	uint8_t first[32], last[32];
	bool bad = false;
	for (size_t i = BLOCK; i < len && !bad; i += BLOCK)
		bad = memcmp(chunk + i, chunk + i - BLOCK, BLOCK) == 0;
	enum sam_reason reason = sam_ossl_digest(SAM_HASH_SHA256, chunk, BLOCK, first);
	if (reason == SAM_OK)
		reason = sam_ossl_digest(SAM_HASH_SHA256, chunk + len - BLOCK, BLOCK, last);
	if (reason != SAM_OK)
		return reason;
	pthread_mutex_lock(&cm->lock);
	/* LOCKED */
	bad = bad || (cm->random_have_last && memcmp(first, cm->random_last, sizeof first) == 0);
	memcpy(cm->random_last, last, sizeof last);
	cm->random_have_last = true;
	if (bad)
		cm->random_tested = false;
	pthread_mutex_unlock(&cm->lock);
	return bad ? sam_log_reason(SAM_RANDOM, "the CM's random generator repeated a block")
		   : SAM_OK;
}

static enum sam_reason chunk_step(struct sam_cm *cm, struct sam_cm_session *s, uint8_t *out,
				  size_t len)
{
	uint8_t chunk[CHUNK] = {0}, own[CHUNK];
	size_t whole = (len + BLOCK - 1) / BLOCK * BLOCK;
	enum sam_reason reason = ask(cm, s, chunk, whole);
	if (reason == SAM_OK)
		reason = repetition_test(cm, chunk, whole);
	if (reason == SAM_OK)
		reason = sam_ossl_random(own, whole);
	for (size_t i = 0; reason == SAM_OK && i < len; i++)
		out[i] = chunk[i] ^ own[i];
	sam_mem_wipe(chunk, sizeof chunk);
	sam_mem_wipe(own, sizeof own);
	return reason;
}

static enum sam_reason random_step(struct sam_cm *cm, struct sam_cm_session *s, void *arg)
{
	const struct draw *d = arg;
	enum sam_reason reason = start_test(cm, s);
	for (size_t done = 0; reason == SAM_OK && done < d->len; done += CHUNK)
		reason = chunk_step(cm, s, d->out + done,
				    d->len - done < CHUNK ? d->len - done : CHUNK);
	return reason;
}

enum sam_reason sam_cm_random(struct sam_cm *cm, void *out, size_t len)
{
	struct draw d = {out, len};
	enum sam_reason reason = sam_cm_run(cm, random_step, &d);
	if (reason != SAM_OK)
		sam_mem_wipe(out, len);
	return reason;
}
