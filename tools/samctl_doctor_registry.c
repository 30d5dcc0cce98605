/* SPDX-License-Identifier: BSD-3-Clause
 *
 * samctl doctor on the registry: what was signed, who there is, what waits, what the CM has of it.
 */
#include "tools/samctl_doctor.h"

#include <inttypes.h>
#include "admin/stock.h"
#include "base/clock.h"
#include "registry/identify.h"
#include "sap/recipient.h"

/* Keys in the CM that were destroyed, or that no registry knows. */
static void check_strangers(struct samctl_doctor *d)
{
	struct sam_stock stock;
	enum sam_reason reason = sam_stock_take(d->cm, d->snapshot, &stock);

	if (reason != SAM_OK)
		samctl_doctor_tell(d, "cm keys", PROBLEM, sam_reason_text(reason), "the CM's keys cannot be listed");
	else if (stock.returned)
		samctl_doctor_tell(d, "cm keys", PROBLEM,
				   "find out who put them there; `samctl maintain' records an alert, and they sign nothing",
				   "%zu destroyed keys are in the CM again, as %s", stock.returned, stock.example);
	else if (stock.strangers)
		samctl_doctor_tell(d, "cm keys", NOTE,
				   "of an act that a crash cut short, or somebody else's: destroy them with the CM's own tools",
				   "%zu keys in the CM are in no registry", stock.strangers);
	else
		samctl_doctor_tell(d, "cm keys", FINE, NULL, "the CM holds no key that the registry does not know");
}

/* Those that SADs are encrypted to. */
static void check_sap_keys(struct samctl_doctor *d)
{
	struct sam_recipient_stock stock;
	enum sam_reason reason = sam_recipient_take_stock(d->cm, d->snapshot, &stock);

	if (reason != SAM_OK)
		samctl_doctor_tell(d, "sap keys", PROBLEM, sam_reason_text(reason), "the CM's keys cannot be listed");
	else if (stock.missing)
		samctl_doctor_tell(d, "sap keys", PROBLEM,
				   "samctl sap rotate, by an officer; signers fetch the new key: samctl sap key",
				   "%zu SAP keys are not in the CM as they were made: what is encrypted to them is refused",
				   stock.missing);
	else if (stock.leftover || stock.over)
		samctl_doctor_tell(d, "sap keys", NOTE, "samctl maintain destroys them",
				   "%zu SAP keys are over, %zu are in no registry", stock.over, stock.leftover);
	else
		samctl_doctor_tell(d, "sap keys", FINE, NULL, "%zu, all in the CM", d->snapshot->sap_key_count);
}

static void check_keys(struct samctl_doctor *d)
{
	size_t absent = 0, changed = 0;

	for (size_t i = 0; i < d->snapshot->key_count; i++) {
		const struct sam_key *key = &d->snapshot->keys[i];
		enum sam_reason reason = sam_cm_key_present(d->cm, key->cm_id, key->attributes);

		changed += reason == SAM_KEY_CHANGED;
		absent += reason != SAM_OK && reason != SAM_KEY_CHANGED;
	}
	if (changed)
		samctl_doctor_tell(d, "keys", PROBLEM, "samctl key show says which (changed); revoke it, find out who did it",
				   "%zu registered keys were changed in the CM", changed);
	if (absent)
		samctl_doctor_tell(d, "keys", PROBLEM,
				   "samctl key show says which (in_cm); restore the CM's token from its backup",
				   "%zu of %zu registered keys are not in the CM, or not once", absent,
				   d->snapshot->key_count);
	else if (!changed)
		samctl_doctor_tell(d, "keys", FINE, NULL, "all %zu registered keys are in the CM",
				   d->snapshot->key_count);
	check_strangers(d);
}

/* The files against what officers signed. */
static void check_signature(struct samctl_doctor *d)
{
	struct sam_msg msg = { "" };
	enum sam_reason reason = sam_sealed_check(d->seal, &d->config, &d->policy, d->snapshot, &msg);

	if (reason == SAM_OK)
		samctl_doctor_tell(d, "signature", FINE, NULL,
				   "policy version %u and configuration are those that were signed",
				   d->policy.version);
	else
		samctl_doctor_tell(d, "signature", PROBLEM, sam_reason_text(reason), "%s",
				   samctl_doctor_why(reason, &msg));
}

static void count_role(struct samctl_doctor *d, enum sam_role role, size_t wanted,
		       enum samctl_doctor_state state, const char *remedy)
{
	size_t count = sam_registry_count(d->snapshot, role);

	if (count < wanted)
		samctl_doctor_tell(d, "roles", state, remedy, "%zu %s, %zu are wanted", count,
				   sam_role_name(role), wanted);
}

static void check_roles(struct samctl_doctor *d)
{
	const bool high = d->policy.level > 1;

	count_role(d, SAM_ROLE_SECURITY_OFFICER, 2, high ? PROBLEM : NOTE,
		   "without a second officer no act that takes two can be done: samctl principal add --role "
		   "security-officer (the first time by officer and auditor)");
	count_role(d, SAM_ROLE_AUDITOR, 1, PROBLEM, "samctl principal add --role auditor, by two officers");
	count_role(d, SAM_ROLE_OPERATOR, 1, NOTE,
		   "without an operator nobody makes backups: samctl principal add "
		   "--role operator, by two officers");
	for (size_t i = 0; i < d->snapshot->principal_count; i++) {
		const struct sam_principal *p = &d->snapshot->principals[i];
		const char *conflict = sam_roles_conflict(&d->policy, p->roles);

		if (conflict)
			samctl_doctor_tell(d, "roles", PROBLEM, "samctl role revoke NAME --role ROLE",
					   "a principal: %s", conflict);
		if (p->locked)
			samctl_doctor_tell(
				d, "roles", NOTE,
				"samctl principal list; principal unlock NAME, when it is known why",
				"a principal is locked");
	}
	samctl_doctor_tell(d, "roles", FINE, NULL, "%zu principals", d->snapshot->principal_count);
}

/* A lock may be a guesser's work, and at level 2 or 3 it stops the signer. */
static void check_locks(struct samctl_doctor *d)
{
	size_t locked = 0;

	for (size_t i = 0; i < d->snapshot->signer_count; i++) {
		bool is = false;

		locked += sam_identify_locked(d->registry, d->snapshot->signers[i].id, &is) == SAM_OK && is;
	}
	if (locked)
		samctl_doctor_tell(d, "locks", NOTE,
				   "samctl audit list --type lock; signer unlock ID, when it is known why",
				   "%zu signers are locked, or their PINs, by wrong passwords or PINs", locked);
	else
		samctl_doctor_tell(d, "locks", FINE, NULL, "no signer is locked");
}

static void check_pending(struct samctl_doctor *d)
{
	size_t waiting = 0;

	for (size_t i = 0; i < d->snapshot->pending_count; i++)
		waiting += d->snapshot->pendings[i].expires > sam_clock_now();
	if (waiting)
		samctl_doctor_tell(d, "pending", NOTE, "samctl pending list",
				   "%zu acts wait for their second person", waiting);
	else
		samctl_doctor_tell(d, "pending", FINE, NULL, "no act waits for a second person");
}

enum { CHECKPOINT_LATE_S = 2 * 3600 };

static void check_checkpoint(struct samctl_doctor *d)
{
	int64_t age = sam_clock_now() - d->head.checkpoint_time;

	if (d->head.checkpoint == 0)
		samctl_doctor_tell(d, "checkpoint", NOTE, "samctl maintain",
				   "there is no signed checkpoint yet");
	else if (age > CHECKPOINT_LATE_S && d->head.audit_seq > d->head.checkpoint_seq)
		samctl_doctor_tell(d, "checkpoint", PROBLEM,
				   "samctl maintain, and see the log: what came since could be set back",
				   "number %" PRIu64 " is %" PRId64 " minutes old", d->head.checkpoint,
				   age / 60);
	else
		samctl_doctor_tell(d, "checkpoint", FINE, NULL, "number %" PRIu64 ", which the CM knows",
				   d->head.checkpoint);
	if (d->snapshot->cm_disabled)
		samctl_doctor_tell(d, "cm", PROBLEM, "samctl cm enable, by two privileged users",
				   "is disabled: nothing is signed");
}

void samctl_doctor_registry(struct samctl_doctor *d)
{
	enum sam_reason reason = sam_registry_open(d->store, d->seal, &d->registry);

	if (reason == SAM_OK)
		reason = sam_registry_get(d->registry, &d->snapshot);
	if (reason != SAM_OK) {
		samctl_doctor_tell(d, "registry", PROBLEM, "restore a backup; keep this file as evidence",
				   "%s", sam_reason_text(reason));
		return;
	}
	if (d->snapshot->principal_count)
		samctl_doctor_tell(d, "registry", FINE, NULL, "%zu signers, %zu authenticators",
				   d->snapshot->signer_count, d->snapshot->authenticator_count);
	else
		samctl_doctor_tell(d, "registry", PROBLEM, "samctl init was interrupted: samctl-init(1)",
				   "nobody is in it");
	if (d->has_policy) {
		check_signature(d);
		check_roles(d);
	}
	check_locks(d);
	check_pending(d);
	check_checkpoint(d);
	check_keys(d);
	check_sap_keys(d);
}
