/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Acts about what the SAM goes by: the policy with the configuration (P2-3.2.2.3), and whether the CM may be used
 * (P3-A1-4.2).
 */
#include "admin/internal.h"

#include <string.h>
#include "base/encode.h"
#include "base/file.h"

/* ---- the policy ---- */

/* Counted up with every change, so that an older one cannot come back (P2-3.2.2.3); only the configuration may
 * change under the same version. */
static enum sam_reason check_version(struct sam_doing *d)
{
	const struct sam_sealed *now = d->s->sealed;
	const struct sam_policy *fresh = &d->sealed.policy;
	if (!now)
		return SAM_OK;
	bool same = sam_mem_equal(now->sha256, fresh->sha256, sizeof now->sha256);
	if (fresh->version > now->version || (same && fresh->version == now->version))
		return SAM_OK;
	sam_msg_set(d->msg, "its version is %u, the newest that was in force is %u: count it up", fresh->version, now->version);
	return SAM_POLICY_OLDER;
}

/* By the officer's own device key; or the SAM states by its own that the officer ordered it. */
static enum sam_reason sign(struct sam_doing *d)
{
	const char *jws = sam_param(d, "jws");
	const struct sam_principal *p = sam_registry_principal(d->s, d->by);
	const struct sam_own *own = sam_own(d->sam);
	struct sam_sealed *sealed = &d->sealed;
	if (!jws && (d->waiting || !d->s->statement_key))
		return d->waiting ? SAM_OK : SAM_CM_KEY_MISSING;
	if (!jws) {
		enum sam_reason reason = sam_own_device(d->s->statement_key, &sealed->signer);
		if (reason == SAM_OK)
			reason = sam_own_policy(own, d->by, &sealed->policy, sealed->config_sha256, &sealed->jws);
		/* the CM's word is verified like any other */
		return reason == SAM_OK ? sam_sealed_verify(sam_seal(d->sam), sam_config(d->sam), &sealed->policy,
							    &sealed->signer, sealed->jws, strlen(sealed->jws), true,
							    &d->proof, d->msg)
					: reason;
	}
	if (!p)
		return SAM_ROLE;
	enum sam_reason reason = sam_sealed_verify(sam_seal(d->sam), sam_config(d->sam), &sealed->policy, &p->device, jws,
						   strlen(jws), !d->confirming, &d->proof, d->msg);
	if (reason == SAM_OK && strcmp(d->proof.frame.iss, d->by) != 0)
		reason = SAM_ASSERTION;
	if (reason == SAM_OK)
		reason = sam_device_set(&sealed->signer, p->device.jwk, p->device.kid, p->device.alg, p->device.pkey);
	if (reason == SAM_OK && !d->confirming)
		sam_statement_spend(&d->proof, SAM_TYP_POLICY, &d->spends[d->spend_count++]);
	return reason == SAM_OK && !(sealed->jws = strdup(jws)) ? SAM_MEMORY : reason;
}

enum sam_reason sam_perform_policy_sign(struct sam_doing *d)
{
	struct sam_sealed *sealed = &d->sealed;
	const struct sam_config *config = sam_config(d->sam);
	const char *text = sam_param(d, "text"), *config_hex = sam_param(d, "config_sha256");
	char hex[65];
	d->event.type = SAM_EVENT_POLICY_SIGN;
	d->event.target = config->policy;
	sam_encode_hex(config->sha256, 32, hex);
	if (!text || !config_hex || strcmp(config_hex, hex) != 0)
		return SAM_CONFIG_CHANGED;
	memcpy(sealed->sha256, sealed->policy.sha256, sizeof sealed->sha256);
	memcpy(sealed->config_sha256, config->sha256, sizeof sealed->config_sha256);
	sealed->version = sealed->policy.version;
	sealed->level = sealed->policy.level;
	sam_encode_hex(sealed->sha256, 32, d->text[1]);
	d->event.new_value = d->text[1];
	if (d->s->sealed) {
		sam_encode_hex(d->s->sealed->sha256, 32, d->text[0]);
		d->event.old_value = d->text[0];
	}
	enum sam_reason reason = check_version(d);
	if (reason == SAM_OK)
		reason = sam_open_check_user(config, &sealed->policy, d->msg);
	if (reason == SAM_OK)
		reason = sign(d);
	if (reason != SAM_OK || d->waiting)
		return reason;
	sealed->text = strdup(text);
	return sealed->text ? sam_edit_set_sealed(&d->edit, sealed) : SAM_MEMORY;
}

enum sam_reason sam_perform_before_policy(struct sam_doing *d)
{
	const char *policy = sam_config(d->sam)->policy;
	struct sam_policy there;
	/* a draft that lay elsewhere comes to its place */
	enum sam_reason reason = sam_policy_load(policy, &there, NULL);
	if (reason != SAM_OK || !sam_mem_equal(there.sha256, d->sealed.sha256, sizeof there.sha256))
		reason = sam_file_replace(policy, policy, d->sealed.text, strlen(d->sealed.text), d->msg);
	return reason == SAM_OK ? sam_sealed_write(policy, d->sealed.jws, d->msg) : SAM_POLICY;
}

/* ---- the CM ---- */

static enum sam_reason set_cm(struct sam_doing *d, enum sam_event_type type, bool disabled)
{
	d->event.type = type;
	d->event.detail = sam_param(d, "reason");
	d->event.target = sam_config(d->sam)->cm_module;
	return sam_edit_cm_disabled(&d->edit, disabled);
}

/* Also where it was not disabled: then opening it has tried a PIN that it had refused, and two people stand for
 * that. */
enum sam_reason sam_perform_cm_enable(struct sam_doing *d)
{
	return set_cm(d, SAM_EVENT_CM_ENABLE, false);
}

enum sam_reason sam_perform_cm_disable(struct sam_doing *d)
{
	return d->s->cm_disabled ? SAM_NO_CHANGE : set_cm(d, SAM_EVENT_CM_DISABLE, true);
}
