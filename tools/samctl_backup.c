/* SPDX-License-Identifier: BSD-3-Clause
 *
 * samctl backup: making, checking and restoring backups.
 */
#include "tools/samctl.h"

#include <stdio.h>
#include <unistd.h>
#include "admin/restore.h"
#include "base/clock.h"
#include "sap/jwe.h"

enum { JWK_MAX = 65536, RECIPIENTS_MAX = 32 };

/* ---- progress, on a terminal ---- */

static void tell(void *arg, const char *what, uint64_t done, uint64_t total)
{
	(void)arg;
	fprintf(stderr, "\r\033[K%s", what);
	if (total)
		fprintf(stderr, " %3u %%", (unsigned)(done * 100 / total));
	else if (done)
		fprintf(stderr, " %llu", (unsigned long long)done);
	fflush(stderr);
}

static const struct sam_backup_progress progress = { NULL, tell };

static const struct sam_backup_progress *progress_of(const struct samctl *ctl)
{
	return isatty(STDERR_FILENO) && !ctl->json ? &progress : NULL;
}

static void end_progress(const struct samctl *ctl)
{
	if (progress_of(ctl))
		fputs("\r\033[K", stderr);
}

/* ---- create ---- */

/* A public key; of a private one that part, with a word about it. */
static json_t *read_recipient(const struct samctl *ctl, const char *path)
{
	sam_auto(sam_jose_private_free) json_t *jwk = samctl_read_json(ctl, path, JWK_MAX);
	char kid[SAM_THUMBPRINT_LEN + 1];
	struct sam_msg msg = { "" };
	json_t *public = jwk ? sam_jwe_public(jwk) : NULL;

	if (!jwk)
		return NULL;
	if (!public || sam_jwe_kid(public, kid, &msg) != SAM_OK) {
		json_decref(public);
		samctl_say(ctl, "%s: is no key to encrypt to%s%s: sadtool keygen --alg ECDH-ES", path,
			   *msg.text ? ": " : "", msg.text);
		return NULL;
	}
	if (json_object_get(jwk, "d"))
		samctl_say(ctl, "note: %s holds the private key, which opens every backup made for it; who makes "
				"backups should have the public one only (sadtool keygen --public)", path);
	return public;
}

static int read_recipients(const struct samctl *ctl, json_t *keys[RECIPIENTS_MAX], size_t *count)
{
	const char *path;

	for (*count = 0; (path = samctl_given(ctl, "to", *count)); ++*count) {
		if (*count == RECIPIENTS_MAX)
			return samctl_usage(ctl, "more than %d --to", RECIPIENTS_MAX);
		keys[*count] = read_recipient(ctl, path);
		if (!keys[*count])
			return SAMCTL_FAILED;
	}
	return *count ? SAMCTL_DONE
		      : samctl_usage(ctl, "needs --to FILE: the public key of an officer, who can open it");
}

/* A backup's number of the trail, epoch and so on, as the SAM signed them. */
static json_t *describe(const struct sam_backup_about *about)
{
	json_t *object = json_pack("{s:s,s:o,s:I,s:I,s:I,s:o,s:I}", "node", about->node, "created",
				   samctl_time(about->created), "epoch", (json_int_t)about->epoch, "sequence",
				   (json_int_t)about->sequence, "audit_seq", (json_int_t)about->audit_seq,
				   "file_sha256", samctl_hex(about->sha256, sizeof(about->sha256)), "bytes",
				   (json_int_t)about->size);
	json_t *counts = about->opened ? json_pack("{s:I,s:I,s:I}", "principals", (json_int_t)about->principals,
						   "signers", (json_int_t)about->signers, "keys",
						   (json_int_t)about->keys)
				       : json_object();

	json_object_update(object, counts);
	json_decref(counts);
	return object;
}

int samctl_backup_create(struct samctl *ctl)
{
	const char *path = samctl_given(ctl, "out", 0);
	json_t *keys[RECIPIENTS_MAX + 1] = { NULL };
	struct sam_backup_about about;
	struct sam_msg msg = { "" };
	enum sam_reason reason = SAM_OK;
	size_t count = 0;
	int status = read_recipients(ctl, keys, &count);

	if (status == SAMCTL_DONE) {
		reason = sam_backup_create(ctl->sam, &ctl->actors, path, keys, count, progress_of(ctl), &about,
					   &msg);
		end_progress(ctl);
	}
	for (size_t i = 0; i < RECIPIENTS_MAX; i++)
		json_decref(keys[i]);
	if (status != SAMCTL_DONE)
		return status;
	if (reason != SAM_OK)
		return samctl_fail(ctl, reason, &msg);
	return samctl_print_done(ctl, describe(&about), "%s: the store up to audit record %llu, for %zu %s", path,
				 (unsigned long long)about.audit_seq, count, count == 1 ? "person" : "people");
}

/* ---- verify ---- */

static json_t *read_key(const struct samctl *ctl)
{
	const char *path = samctl_given(ctl, "key", 0);
	json_t *jwk = samctl_read_json(ctl, path, JWK_MAX);
	struct sam_msg msg = { "" };
	EVP_PKEY *pkey = NULL;

	if (jwk && sam_ossl_start() == SAM_OK && sam_jwe_key(jwk, true, &pkey, &msg) != SAM_OK) {
		samctl_say(ctl, "%s: is no private key to decrypt with%s%s", path, *msg.text ? ": " : "", msg.text);
		sam_jose_private_free(jwk);
		jwk = NULL;
	}
	EVP_PKEY_free(pkey);
	return jwk;
}

int samctl_backup_verify(struct samctl *ctl)
{
	bool open = samctl_given(ctl, "key", 0);
	sam_auto(sam_jose_private_free) json_t *key = open ? read_key(ctl) : NULL;
	struct sam_backup_about about;
	struct sam_msg msg = { "" };
	enum sam_reason reason;

	if (open && !key)
		return SAMCTL_FAILED;
	reason = sam_backup_verify(ctl->sam, ctl->args[0], key, progress_of(ctl), &about, &msg);
	end_progress(ctl);
	if (reason != SAM_OK)
		return samctl_fail(ctl, reason, &msg);
	return samctl_print_object(ctl, describe(&about));
}

/* ---- restore ---- */

static void print_names(const json_t *replayed, const char *member, const char *what)
{
	const json_t *list = json_object_get(replayed, member), *name;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	printf("%s:", what);
	json_array_foreach (list, i, name) {
		putchar(' ');
		samctl_print_text(json_string_value(name), 0);
	}
	putchar('\n');
}

static void print_outcome(const struct sam_restored *out)
{
	if (out->finished)
		puts("Finished the restore that had been interrupted.");
	if (out->complete)
		printf("Restored; the trail goes on from the old store's last record, %llu.\n",
		       (unsigned long long)out->proven);
	else
		printf("Restored, with a gap in the trail after record %llu: what was done since cannot be proven, "
		       "so every signer is suspended, and every principal locked but the two who restored.\n",
		       (unsigned long long)out->proven);
	print_names(out->replayed, "suspended", "suspended");
	print_names(out->replayed, "locked", "locked");
	print_names(out->replayed, "removed", "removed");
	print_names(out->replayed, "authenticators", "authenticators removed");
	print_names(out->replayed, "lost", "made after the backup, lost for ever");
	if (*out->kept)
		printf("The old store lies at %s.\n", out->kept);
}

static void print_next(const struct sam_restored *out)
{
	char text[SAM_CLOCK_TEXT];

	sam_clock_text(out->not_before * 1000000, text);
	printf("Next: start every process that uses the SAM anew; SADs made up to %.19sZ are refused.\n", text);
	if (out->policy_lost)
		puts("      A policy was, or may have been, signed after the backup: officers sign the newest again (samctl policy sign).");
	if (json_array_size(json_object_get(out->replayed, "locked")))
		puts("      Officer and operator unlock who is still the same person (samctl principal unlock),\n"
		     "      whose password is that of the backup: to be changed at once (samctl principal passwd).");
	if (json_array_size(json_object_get(out->replayed, "suspended")))
		puts("      Two officers resume signers after a look at each (samctl signer resume).");
}

static json_t *describe_restored(const struct sam_restored *out)
{
	json_t *object = describe(&out->about);
	json_t *more = json_pack("{s:b,s:b,s:b,s:I,s:I,s:I,s:o,s:o*,s:s}", "finished", (int)out->finished, "complete",
				 (int)out->complete, "policy_lost", (int)out->policy_lost, "proven",
				 (json_int_t)out->proven, "taken_over", (json_int_t)out->taken_over, "epoch",
				 (json_int_t)out->epoch, "not_before", samctl_time(out->not_before), "replayed",
				 json_incref(out->replayed), "kept", out->kept);

	json_object_update(object, more);
	json_decref(more);
	return object;
}

/* Whoever it is: refused; what else went wrong has its message. */
static int fail_restore(const struct samctl *ctl, enum sam_reason reason, const struct sam_msg *msg)
{
	switch (reason) {
	case SAM_PASSWORD_WRONG:
	case SAM_PRINCIPAL_UNKNOWN:
	case SAM_ROLE:
	case SAM_ROLES_CONFLICT:
	case SAM_LOCKED:
	case SAM_SIGNER_SUSPENDED:
	case SAM_ASSERTION:
		samctl_say(ctl, "%s", *msg->text ? msg->text : "refused");
		return SAMCTL_FAILED;
	default:
		return samctl_fail(ctl, reason, msg);
	}
}

static int restore(struct samctl *ctl, const struct sam_restore_order *order)
{
	struct sam_restored out;
	struct sam_msg msg = { "" };
	enum sam_reason reason = sam_restore(order, &out, &msg);
	int status = SAMCTL_DONE;

	end_progress(ctl);
	if (reason != SAM_OK) {
		status = fail_restore(ctl, reason, &msg);
	} else if (ctl->json) {
		status = samctl_print_object(ctl, describe_restored(&out));
	} else {
		print_outcome(&out);
		print_next(&out);
	}
	sam_restore_clear(&out);
	return status;
}

int samctl_backup_restore(struct samctl *ctl)
{
	struct sam_restore_order order = { .config = ctl->config, .file = ctl->args[0],
					   .progress = progress_of(ctl) };
	sam_auto(sam_jose_private_free) json_t *key = NULL;
	struct sam_secret secrets[2] = { { 0 }, { 0 } };
	int status = SAMCTL_DONE;

	if (!ctl->who[1].name)
		return samctl_usage(ctl, "takes two people at once: --as OPERATOR --second OFFICER");
	order.key = key = read_key(ctl);
	if (!key)
		return SAMCTL_FAILED;
	for (int i = 0; status == SAMCTL_DONE && i < 2; i++)
		status = samctl_credentials(ctl, &ctl->who[i], &secrets[i], &order.who[i]);
	if (status == SAMCTL_DONE)
		status = restore(ctl, &order);
	sam_secret_clear(&secrets[0]);
	sam_secret_clear(&secrets[1]);
	return status;
}
