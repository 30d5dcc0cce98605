/* SPDX-License-Identifier: BSD-3-Clause
 *
 * samctl init: the sealing key in the CM, the store, the first principals. It works on the rooms
 * themselves, since there is nothing to open yet, and never overwrites: what an interrupted run
 * left is named.
 */
#include "tools/samctl.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "base/ossl.h"
#include "registry/password.h"

enum { PEOPLE_MAX = 3 };

struct person {
	const char *name, *source;
	enum sam_role role;
	struct sam_secret secret;
};

/* All that init has in hand. */
struct setup {
	struct sam_config config;
	struct sam_policy policy;
	struct person people[PEOPLE_MAX];
	size_t count;
	struct sam_cm *cm;
	struct sam_seal *seal;
	struct sam_store *store;
	struct sam_registry *registry;
	struct sam_audit audit;
	char node[SAM_NAME_SIZE];
};

/* ---- before anything is touched ---- */

static int read_people(struct samctl *ctl, struct setup *setup)
{
	size_t officers = samctl_given_count(ctl, "officer");

	if (officers < 1 || officers > 2)
		return samctl_usage(ctl, "needs one or two --officer NAME");
	if (samctl_given_count(ctl, "officer-pin-source") != officers)
		return samctl_usage(ctl, "needs an --officer-pin-source URI for each --officer");
	for (size_t i = 0; i < officers; i++)
		setup->people[setup->count++] = (struct person){
			.name = samctl_given(ctl, "officer", i),
			.source = samctl_given(ctl, "officer-pin-source", i),
			.role = SAM_ROLE_SECURITY_OFFICER,
		};
	setup->people[setup->count++] = (struct person){
		.name = samctl_given(ctl, "auditor", 0),
		.source = samctl_given(ctl, "auditor-pin-source", 0),
		.role = SAM_ROLE_AUDITOR,
	};
	for (size_t i = 0; i < setup->count; i++) {
		const char *name = setup->people[i].name;

		if (!sam_name_valid(name, strlen(name)))
			return samctl_usage(ctl, "`%s' is no valid name", name);
		for (size_t k = 0; k < i; k++) /* invariant 10 */
			if (strcmp(name, setup->people[k].name) == 0)
				return samctl_usage(ctl, "`%s' cannot have two roles", name);
	}
	return SAMCTL_DONE;
}

static int read_secrets(struct samctl *ctl, struct setup *setup)
{
	for (size_t i = 0; i < setup->count; i++) {
		struct person *person = &setup->people[i];
		char prompt[128];
		int status;

		snprintf(prompt, sizeof(prompt), "New password of %s", person->name);
		status = samctl_secret(ctl, person->source, prompt, true, &person->secret);
		if (status == SAMCTL_DONE)
			status = samctl_check_password(ctl, &person->secret, person->name);
		if (status != SAMCTL_DONE)
			return status;
	}
	return SAMCTL_DONE;
}

static int load(struct samctl *ctl, struct setup *setup)
{
	struct sam_msg msg = { "" };
	char path[PATH_MAX];
	enum sam_reason reason;

	if (!sam_config_find(ctl->config, path, sizeof(path)))
		return samctl_usage(ctl, "the configuration's path is too long");
	reason = sam_config_load(path, &setup->config, &msg);
	if (reason == SAM_OK)
		reason = sam_policy_load(setup->config.policy, &setup->policy, &msg);
	/* Above level 1 the store must be the SAM's own user's, or that user could never open it. */
	if (reason == SAM_OK)
		reason = sam_open_check_user(&setup->config, &setup->policy, &msg);
	return reason == SAM_OK ? SAMCTL_DONE : samctl_fail(ctl, reason, &msg);
}

/* The node's name from the host's, made to fit the rule for names. */
static void name_node(char node[SAM_NAME_SIZE])
{
	struct utsname host;
	size_t len = 0;

	if (uname(&host) != 0)
		*host.nodename = '\0';
	for (const char *p = host.nodename; *p && len < SAM_NAME_SIZE - 1; p++) {
		bool letter = isascii((unsigned char)*p) && isalnum((unsigned char)*p);

		if (len > 0 || letter)
			node[len++] = letter || strchr("._-", *p) ? *p : '-';
	}
	node[len] = '\0';
	if (!sam_name_valid(node, len))
		strcpy(node, "node");
}

/* ---- what is there already ---- */

/* Who stands in a store that is there: false if nobody can tell. */
static bool count_principals(const struct setup *setup, size_t *count)
{
	struct sam_store_options options = { .path = setup->config.store,
					     .chain = sam_audit_chain };
	struct sam_registry *registry = NULL;
	struct sam_store *store = NULL;
	struct sam_seal *seal = NULL;
	const struct sam_snapshot *s;
	struct sam_msg msg = { "" };
	bool known = false;

	if (sam_open_seal(setup->cm, &seal, &msg) != SAM_OK)
		goto out;
	options.seal = seal;
	if (sam_store_open(&options, &store, NULL) != SAM_OK ||
	    sam_registry_open(store, seal, &registry) != SAM_OK ||
	    sam_registry_get(registry, &s) != SAM_OK)
		goto out;
	*count = s->principal_count;
	known = true;
	sam_registry_put(s);
out:
	if (registry)
		sam_registry_close(registry);
	sam_store_close(store);
	sam_seal_free(seal);
	return known;
}

static int refuse_store(struct samctl *ctl, const struct setup *setup)
{
	size_t count;

	if (count_principals(setup, &count) && count < 2)
		samctl_say(ctl,
			   "%s: an earlier init was interrupted before it had made the officer and "
			   "the auditor; remove that file with its -wal, -shm and .mark, and the "
			   "CM's object `p11-sam seal', then run init again",
			   setup->config.store);
	else
		samctl_say(ctl, "%s: %s", setup->config.store, sam_reason_text(SAM_STORE_EXISTS));
	return SAMCTL_FAILED;
}

static int refuse_seal(struct samctl *ctl, const struct setup *setup)
{
	samctl_say(ctl,
		   "the CM's token holds a sealing key (`p11-sam seal') and there is no store %s: "
		   "an earlier init was interrupted, or the store was moved; put the store back, or, "
		   "if there is none, remove that object from the token and run init again",
		   setup->config.store);
	return SAMCTL_FAILED;
}

static int refuse_existing(struct samctl *ctl, const struct setup *setup)
{
	struct stat st;

	if (lstat(setup->config.store, &st) == 0)
		return refuse_store(ctl, setup);
	if (errno == ENOENT)
		return SAMCTL_DONE;
	samctl_say(ctl, "%s: %s", setup->config.store, strerror(errno));
	return SAMCTL_FAILED;
}

/* ---- making it ---- */

static int create_seal(struct samctl *ctl, struct setup *setup)
{
	struct sam_msg msg = { "" };
	enum sam_reason reason = sam_cm_seal_create(setup->cm);

	if (reason == SAM_EXISTS)
		return refuse_seal(ctl, setup);
	if (reason == SAM_OK)
		reason = sam_open_seal(setup->cm, &setup->seal, &msg);
	return reason == SAM_OK ? SAMCTL_DONE : samctl_fail(ctl, reason, &msg);
}

static int create_store(struct samctl *ctl, struct setup *setup)
{
	const struct sam_store_options options = {
		.path = setup->config.store,
		.seal = setup->seal,
		.chain = sam_audit_chain,
	};
	struct sam_msg msg = { "" };
	enum sam_reason reason =
		sam_store_create(&options, setup->node, setup->policy.sha256, &msg);

	if (reason == SAM_OK)
		reason = sam_store_open(&options, &setup->store, &msg);
	if (reason == SAM_OK)
		reason = sam_audit_start(&setup->audit, setup->store, setup->policy.level,
					 setup->policy.sha256);
	if (reason == SAM_OK)
		reason = sam_registry_open(setup->store, setup->seal, &setup->registry);
	if (reason == SAM_OK)
		return SAMCTL_DONE;
	samctl_fail(ctl, reason, &msg);
	samctl_say(ctl, "the CM's token now holds the object `p11-sam seal': remove it before init "
			"is run again");
	return SAMCTL_FAILED;
}

static enum sam_reason record_init(struct setup *setup)
{
	struct sam_cm_info info;
	struct sam_event event = {
		.type = SAM_EVENT_STORE_INIT,
		.actor_kind = "process",
		.new_value = setup->node,
		.cm_manufacturer = info.manufacturer,
		.cm_model = info.model,
		.cm_firmware = info.firmware,
		.cm_serial = info.serial,
	};

	sam_cm_info(setup->cm, &info);
	return sam_audit_event(&setup->audit, &event, true);
}

static enum sam_reason add_person(struct setup *setup, const struct person *person)
{
	struct sam_principal principal = { .role = person->role };
	struct sam_event event = {
		.type = SAM_EVENT_PRINCIPAL_ADD,
		.actor_kind = "process",
		.target = person->name,
		.new_value = sam_registry_role_name(person->role),
	};
	struct sam_audit_record record;
	enum sam_reason reason;

	sam_mem_copy_text(principal.name, sizeof(principal.name), person->name);
	reason = sam_password_make(setup->seal, (const char *)person->secret.data,
				   person->secret.len, principal.password,
				   sizeof(principal.password));
	if (reason != SAM_OK)
		return reason;
	reason = sam_audit_make(&setup->audit, &event, &record);
	if (reason == SAM_OK)
		reason = sam_registry_add_principal(setup->registry, &principal, &record.record);
	sam_audit_clear(&record);
	return reason;
}

static int fill_store(struct samctl *ctl, struct setup *setup)
{
	enum sam_reason reason = record_init(setup);

	for (size_t i = 0; reason == SAM_OK && i < setup->count; i++)
		reason = add_person(setup, &setup->people[i]);
	return reason == SAM_OK ? SAMCTL_DONE : samctl_fail(ctl, reason, NULL);
}

static int make(struct samctl *ctl, struct setup *setup)
{
	struct sam_msg msg = { "" };
	enum sam_reason reason = sam_open_cm(&setup->config, &setup->cm, &msg);
	int status;

	if (reason != SAM_OK)
		return samctl_fail(ctl, reason, &msg);
	status = refuse_existing(ctl, setup);
	if (status == SAMCTL_DONE)
		status = create_seal(ctl, setup);
	if (status == SAMCTL_DONE)
		status = create_store(ctl, setup);
	if (status == SAMCTL_DONE)
		status = fill_store(ctl, setup);
	return status;
}

static int tell(struct samctl *ctl, const struct setup *setup)
{
	json_t *people = json_array();

	for (size_t i = 0; i < setup->count; i++)
		json_array_append_new(people,
				      json_pack("{s:s,s:s}", "name", setup->people[i].name, "role",
						sam_registry_role_name(setup->people[i].role)));
	return samctl_print_done(ctl,
				 json_pack("{s:s,s:s,s:i,s:o,s:o}", "store", setup->config.store,
					   "node", setup->node, "level", (int)setup->policy.level,
					   "policy", samctl_hex(setup->policy.sha256, 32),
					   "principals", people),
				 "%s: set up for node %s at level %u", setup->config.store,
				 setup->node, setup->policy.level);
}

static void clear(struct setup *setup)
{
	for (size_t i = 0; i < setup->count; i++)
		sam_secret_clear(&setup->people[i].secret);
	sam_audit_end(&setup->audit);
	if (setup->registry)
		sam_registry_close(setup->registry);
	sam_store_close(setup->store);
	sam_seal_free(setup->seal);
	if (setup->cm)
		sam_cm_close(setup->cm);
	free(setup);
}

int samctl_init(struct samctl *ctl)
{
	struct setup *setup = calloc(1, sizeof(*setup));
	int status;

	if (!setup || sam_ossl_start() != SAM_OK) {
		free(setup);
		return samctl_fail(ctl, SAM_RANDOM, NULL);
	}
	name_node(setup->node);
	status = read_people(ctl, setup);
	if (status == SAMCTL_DONE)
		status = load(ctl, setup);
	if (status == SAMCTL_DONE)
		status = read_secrets(ctl, setup);
	if (status == SAMCTL_DONE)
		status = make(ctl, setup);
	if (status == SAMCTL_DONE)
		status = tell(ctl, setup);
	clear(setup);
	return status;
}
