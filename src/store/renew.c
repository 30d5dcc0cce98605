/* SPDX-License-Identifier: BSD-3-Clause
 *
 * SAD tokens that sign once: a digest is taken and the token replaced by its successor in one transaction, so that
 * of all who hold the token one goes on, and the chain never forks (invariant 3).
 */
#include "store/internal.h"

#include <string.h>
#include "base/log.h"
#include "base/mem.h"

struct take {
	const struct sam_claim *claim;
	const struct sam_token_use *token;
	int64_t now;
	struct sam_reservation *out;
};

/* Is it the SAD's current token, and does it sign? */
static enum sam_reason check(const struct sam_token_use *use, const struct sam_token_open *current, bool found)
{
	if (!found || !sam_mem_equal(current->row.lookup, use->id.lookup, sizeof use->id.lookup))
		return SAM_TOKEN_RENEWED;
	return use->chain && current->number > use->chain ? SAM_RENEWALS_USED : SAM_OK;
}

/* The successor in its place, with the same body; the reservation remembers the one that goes. */
static enum sam_reason replace(struct sam_txn *txn, const struct sam_token_open *current, const char *next,
			       struct sam_reservation *out)
{
	const int64_t activation = current->row.activation;
	enum sam_reason reason = sam_tokens_remove(txn, activation);
	if (reason == SAM_OK)
		reason = sam_tokens_add(txn, activation, next, current->number + 1, current->plain.data + current->body,
					current->plain.len - current->body, out->next);
	memcpy(out->token, current->plain.data, sizeof out->token);
	out->number = current->number;
	return reason;
}

static enum sam_reason take(struct sam_txn *txn, void *arg)
{
	const struct take *in = arg;
	struct sam_reservation *out = in->out;
	struct sam_token_open current = {.number = 0};
	struct sam_activation a;
	bool known, found = false;
	enum sam_reason reason =
		sam_uses_find(txn->conn, txn->store->seal, &txn->head, in->claim, in->now, &a, &known);
	if (reason == SAM_OK && known)
		reason = sam_tokens_open(txn->conn, txn->store->seal, a.id, &current, &found);
	if (reason == SAM_OK)
		reason = check(in->token, &current, found);
	if (reason == SAM_OK)
		reason = sam_uses_take(txn, in->claim, out->digest, out->digest_len, in->now, &out->activation);
	if (reason == SAM_OK && in->token->chain)
		reason = replace(txn, &current, in->token->next, out);
	sam_secret_clear(&current.plain);
	return reason;
}

enum sam_reason sam_store_reserve_by_token(struct sam_store *store, const struct sam_claim *claim,
					   const struct sam_token_use *token, const uint8_t *digest, size_t len,
					   int64_t now, struct sam_reservation *out)
{
	memset(out, 0, sizeof *out);
	if (!digest || len < 1 || len > sizeof out->digest || !token->id.number ||
	    (token->chain && strnlen(token->next, sizeof token->next) != SAM_TOKEN_LEN))
		return sam_log_reason(SAM_ARGUMENTS, "store: a digest of %zu bytes, or a token", len);
	memcpy(out->digest, digest, len);
	out->digest_len = len;
	struct take in = {claim, token, now, out};
	struct sam_op op = {.run = take, .arg = &in, .compound = true};
	enum sam_reason reason = sam_queue_run(store, &op);
	if (reason != SAM_OK)
		sam_mem_wipe(out, sizeof *out);
	return reason;
}

enum sam_reason sam_renew_undo(struct sam_txn *txn, const struct sam_reservation *reservation)
{
	struct sam_token_open current;
	uint8_t lookup[SAM_SEAL_MAC];
	bool found;
	enum sam_reason reason =
		sam_tokens_open(txn->conn, txn->store->seal, reservation->activation, &current, &found);
	/* not there: forgotten; another: its successor has one itself, and that one stays */
	if (reason == SAM_OK && found && sam_mem_equal(current.row.lookup, reservation->next, sizeof reservation->next)) {
		reason = sam_tokens_remove(txn, reservation->activation);
		if (reason == SAM_OK)
			reason = sam_tokens_add(txn, reservation->activation, reservation->token, reservation->number,
						current.plain.data + current.body, current.plain.len - current.body,
						lookup);
	}
	sam_secret_clear(&current.plain);
	return reason;
}
