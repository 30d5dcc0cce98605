/* SPDX-License-Identifier: BSD-3-Clause
 *
 * samctl cm: the cryptographic module, and whether it may be used: two privileged users say so (P3-A1-4.2).
 */
#include "tools/samctl.h"

int samctl_cm_show(struct samctl *ctl)
{
	const struct sam_snapshot *s;
	struct sam_cm_info info;
	bool disabled;

	if (!samctl_snapshot(ctl, &s))
		return SAMCTL_FAILED;
	disabled = s->cm_disabled;
	sam_registry_put(s);
	sam_cm_info(sam_cm(ctl->sam), &info);
	return samctl_print_object(ctl, json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:b,s:s}", "module",
						  sam_config(ctl->sam)->cm_module, "manufacturer", info.manufacturer,
						  "model", info.model, "firmware", info.firmware, "serial", info.serial,
						  "token", info.label, "present",
						  (int)sam_cm_token_present(sam_cm(ctl->sam)), "state",
						  disabled ? "disabled" : "enabled"));
}

static int set(struct samctl *ctl, enum sam_act act, const char *state)
{
	const char *reason = samctl_given(ctl, "reason", 0);
	json_t *params = json_object();

	if (reason && json_object_set_new(params, "reason", json_string(reason)) != 0) {
		json_decref(params);
		return samctl_usage(ctl, "--reason is no text");
	}
	return samctl_act(ctl, act, params, json_pack("{s:s}", "cm", state), "the CM is %s", state);
}

/* Opening it has tried the CM's PIN again, were it refused before. */
int samctl_cm_enable(struct samctl *ctl)
{
	return set(ctl, SAM_ACT_CM_ENABLE, "enabled");
}

int samctl_cm_disable(struct samctl *ctl)
{
	return set(ctl, SAM_ACT_CM_DISABLE, "disabled");
}
