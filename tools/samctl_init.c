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
#include "base/clock.h"
#include "base/encode.h"
#include "base/file.h"
#include "base/yaml.h"
#include "base/ossl.h"
#include "registry/edit.h"
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
	struct sam_own own;
	EVP_PKEY *own_key; /* its public half */
	struct sam_store *store;
	struct sam_registry *registry;
	const struct sam_snapshot *snapshot; /* empty: nobody is there yet */
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
			status = samctl_check_password(ctl, &setup->policy, &person->secret, person->name);
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
	if (reason != SAM_OK)
		return samctl_fail(ctl, reason, &msg);
	if (setup->policy.level > 1 && setup->count < PEOPLE_MAX)
		return samctl_usage(ctl, "level %u does not run without two security officers: give two --officer",
				    setup->policy.level);
	return SAMCTL_DONE;
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

/* Is it one that an init left before anybody was in it? */
static bool is_empty(const struct setup *setup)
{
	struct sam_registry *registry = NULL;
	struct sam_store *store = NULL;
	struct sam_seal *seal = NULL;
	const struct sam_snapshot *s;
	struct sam_msg msg = { "" };
	bool empty = false;

	if (sam_open_seal(setup->cm, &seal, &msg) == SAM_OK) {
		struct sam_store_options options = { .path = setup->config.store,
						     .seal = seal,
						     .chain = sam_audit_chain,
						     .migrate = sam_registry_migrate,
						     .migrate_arg = seal };

		if (sam_store_open(&options, &store, NULL) == SAM_OK &&
		    sam_registry_open(store, seal, &registry) == SAM_OK &&
		    sam_registry_get(registry, &s) == SAM_OK) {
			empty = s->principal_count == 0;
			sam_registry_put(s);
		}
	}
	sam_registry_close(registry);
	sam_store_close(store);
	sam_seal_free(seal);
	return empty;
}

static int refuse_store(struct samctl *ctl, const struct setup *setup)
{
	if (is_empty(setup))
		samctl_say(ctl,
			   "%s: an earlier init was interrupted before it had made the officer and "
			   "the auditor; remove that file with its -wal, -shm and .mark, and the "
			   "CM's objects `p11-sam seal' and `p11-sam audit', then run init again",
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
	struct sam_store_options options;
	struct sam_msg msg = { "" };
	enum sam_reason reason;

	sam_own_start(&setup->own, setup->cm, setup->config.sam_id);
	options = sam_open_options(&setup->config, setup->seal, &setup->own);
	reason = sam_own_create(&setup->own, &setup->own_key);
	if (reason == SAM_OK)
		reason = sam_store_create(&options, setup->node, &msg);
	if (reason == SAM_OK)
		reason = sam_store_open(&options, &setup->store, &msg);
	if (reason == SAM_OK)
		reason = sam_audit_start(&setup->audit, setup->store, setup->policy.level,
					 setup->policy.sha256);
	if (reason == SAM_OK)
		reason = sam_registry_open(setup->store, setup->seal, &setup->registry);
	if (reason == SAM_OK)
		reason = sam_registry_get(setup->registry, &setup->snapshot);
	if (reason == SAM_OK)
		return SAMCTL_DONE;
	samctl_fail(ctl, reason, &msg);
	samctl_say(ctl, "the CM's token now holds the objects `p11-sam seal' and `p11-sam audit': remove them "
			"before init is run again");
	return SAMCTL_FAILED;
}

/* ---- who and what is there first: one transaction ---- */

static enum sam_reason add_person(struct setup *setup, struct sam_edit *edit, const struct person *person)
{
	struct sam_principal principal = { .roles = 1u << person->role, .uid = -1, .created = sam_clock_now() };
	enum sam_reason reason;

	sam_mem_copy_text(principal.name, sizeof(principal.name), person->name);
	reason = sam_password_make(setup->seal, (const char *)person->secret.data,
				   person->secret.len, principal.password,
				   sizeof(principal.password));
	if (reason == SAM_OK)
		reason = sam_edit_add_principal(edit, &principal);
	sam_mem_wipe(&principal, sizeof(principal));
	return reason;
}

/* Signed by the word of the first officer, who is there; by a device key it can be signed again. */
static enum sam_reason sign_policy(struct setup *setup, struct sam_edit *edit, char **jws)
{
	struct sam_secret text = { NULL, 0 };
	struct sam_sealed sealed = { .text = NULL };
	enum sam_reason reason = sam_file_read(setup->config.policy, SAM_YAML_MAX, &text, NULL);

	if (reason == SAM_OK)
		reason = sam_ossl_digest(SAM_HASH_SHA256, text.data, text.len, sealed.sha256);
	if (reason == SAM_OK && !sam_mem_equal(sealed.sha256, setup->policy.sha256, 32))
		reason = SAM_POLICY_CHANGED;
	if (reason == SAM_OK)
		reason = sam_own_policy(&setup->own, setup->people[0].name, &setup->policy, setup->config.sha256, jws);
	if (reason == SAM_OK)
		reason = sam_own_device(setup->own_key, &sealed.signer);
	memcpy(sealed.config_sha256, setup->config.sha256, sizeof(sealed.config_sha256));
	sealed.version = setup->policy.version;
	sealed.level = setup->policy.level;
	sealed.text = (char *)text.data;
	sealed.jws = *jws;
	if (reason == SAM_OK)
		reason = sam_edit_set_sealed(edit, &sealed);
	sam_device_clear(&sealed.signer);
	sam_secret_clear(&text);
	return reason;
}

enum { RECORDS = PEOPLE_MAX + 3 };

static enum sam_reason make_records(struct setup *setup, struct sam_audit_record made[RECORDS], size_t *count)
{
	struct sam_cm_info info;
	char policy[65];
	struct sam_event event = {
		.type = SAM_EVENT_STORE_INIT,
		.actor_kind = "process",
		.new_value = setup->node,
		.cm_manufacturer = info.manufacturer,
		.cm_model = info.model,
		.cm_firmware = info.firmware,
		.cm_serial = info.serial,
	};
	enum sam_reason reason;

	sam_cm_info(setup->cm, &info);
	reason = sam_audit_make(&setup->audit, &event, &made[(*count)++]);
	for (size_t i = 0; reason == SAM_OK && i < setup->count; i++) {
		event = (struct sam_event){
			.type = SAM_EVENT_PRINCIPAL_ADD,
			.actor_kind = "process",
			.target = setup->people[i].name,
			.new_value = sam_role_name(setup->people[i].role),
		};
		reason = sam_audit_make(&setup->audit, &event, &made[(*count)++]);
	}
	event = (struct sam_event){ .type = SAM_EVENT_OWN_KEY, .actor_kind = "process", .new_value = setup->own.kid };
	if (reason == SAM_OK)
		reason = sam_audit_make(&setup->audit, &event, &made[(*count)++]);
	sam_encode_hex(setup->policy.sha256, 32, policy);
	event = (struct sam_event){
		.type = SAM_EVENT_POLICY_SIGN,
		.actor_kind = "principal",
		.actor = setup->people[0].name,
		.role = sam_role_name(SAM_ROLE_SECURITY_OFFICER),
		.target = setup->config.policy,
		.new_value = policy,
	};
	if (reason == SAM_OK)
		reason = sam_audit_make(&setup->audit, &event, &made[(*count)++]);
	return reason;
}

static enum sam_reason commit(struct setup *setup, struct sam_edit *edit)
{
	struct sam_audit_record made[RECORDS] = { { .members = NULL } };
	struct sam_record records[RECORDS];
	size_t count = 0;
	enum sam_reason reason = make_records(setup, made, &count);

	for (size_t i = 0; i < count; i++)
		records[i] = made[i].record;
	if (reason == SAM_OK)
		reason = sam_edit_commit(edit, &(struct sam_edit_with){ .records = records, .record_count = count,
									.now = sam_clock_now() });
	for (size_t i = 0; i < count; i++)
		sam_audit_clear(&made[i]);
	return reason;
}

static int fill_store(struct samctl *ctl, struct setup *setup)
{
	struct sam_edit edit;
	struct sam_msg msg = { "" };
	sam_auto(sam_free) char *jws = NULL;
	enum sam_reason reason = SAM_OK;

	sam_edit_start(&edit, setup->registry, setup->snapshot);
	for (size_t i = 0; reason == SAM_OK && i < setup->count; i++)
		reason = add_person(setup, &edit, &setup->people[i]);
	if (reason == SAM_OK)
		reason = sam_edit_set_statement_key(&edit, setup->own_key, setup->own.kid);
	if (reason == SAM_OK)
		reason = sam_edit_second_officer(&edit, setup->count < PEOPLE_MAX);
	if (reason == SAM_OK)
		reason = sign_policy(setup, &edit, &jws);
	if (reason == SAM_OK)
		reason = sam_sealed_write(setup->config.policy, jws, &msg);
	if (reason == SAM_OK)
		reason = commit(setup, &edit);
	sam_edit_clear(&edit);
	if (reason == SAM_OK)
		reason = sam_store_checkpoint(setup->store, true);
	return reason == SAM_OK ? SAMCTL_DONE : samctl_fail(ctl, reason, &msg);
}

static int make(struct samctl *ctl, struct setup *setup)
{
	struct sam_msg msg = { "" };
	enum sam_reason reason = sam_open_cm(&setup->config, false, &setup->cm, &msg);
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
						sam_role_name(setup->people[i].role)));
	if (!ctl->json) {
		if (setup->count < PEOPLE_MAX)
			samctl_say(ctl, "next: the second officer, by the officer and the auditor together: samctl --as "
					"%s --second %s principal add NAME --role security-officer",
				   setup->people[0].name, setup->people[setup->count - 1].name);
		samctl_say(ctl, "next: administrator, operator and RA, by two officers (principal add); then signer add, "
				"authenticator add, key generate: p11-sam-setup(7)");
		samctl_say(ctl, "samctl doctor says at any time what is missing");
	}
	return samctl_print_done(
		ctl,
		json_pack("{s:s,s:s,s:i,s:o,s:o}", "store", setup->config.store, "node", setup->node, "level",
			  (int)setup->policy.level, "policy", samctl_hex(setup->policy.sha256, 32), "principals", people),
		"%s: set up for node %s at level %u, under the policy %s, signed by the word of %s", setup->config.store,
		setup->node, setup->policy.level, setup->config.policy, setup->people[0].name);
}

static void clear(struct setup *setup)
{
	for (size_t i = 0; i < setup->count; i++)
		sam_secret_clear(&setup->people[i].secret);
	sam_audit_end(&setup->audit);
	sam_registry_put(setup->snapshot);
	sam_registry_close(setup->registry);
	EVP_PKEY_free(setup->own_key);
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
