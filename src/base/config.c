/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading p11-sam.yaml(5): every key, type and bound, and who may have written the file and those
 * that it names. Links are resolved before that is asked, and what was asked about is what is used.
 */
#include "base/config.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "base/ossl.h"
#include "base/yaml.h"

enum { SESSIONS_MAX = 64, RECHECK_MAX_MS = 3600000 };

/* One key whose value is a text. */
struct setting {
	const char *key;
	size_t offset, size;  /* in struct sam_config */
	const char *fallback; /* NULL: mandatory */
	const char *prefix;   /* must stand before it and is left out */
	bool (*valid)(const char *text);
	const char *remedy;
};

#define FIELD(member) offsetof(struct sam_config, member), sizeof(((struct sam_config *)0)->member)

bool sam_config_find(const char *explicit_path, char *path, size_t size)
{
	const char *found = explicit_path;

	if (!found)
		found = secure_getenv("P11_SAM_CONFIG");
	if (!found || (!explicit_path && !*found))
		found = SAM_CONFIG_PATH;
	return sam_mem_copy_text(path, size, found) && *path;
}

/* ---- what a value may be ---- */

static bool is_filled(const char *text)
{
	return text[0];
}

/* No "..": whose folder it leads to depends on links on the way. */
static bool is_path(const char *text)
{
	const char *p = text;

	if (text[0] != '/' || text[strlen(text) - 1] == '/')
		return false;
	while ((p = strstr(p, "/.."))) {
		p += 3;
		if (!*p || *p == '/')
			return false;
	}
	return true;
}

static bool is_user(const char *text)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	return text[0] && text[0] != '-' && text[0] != '.' && !text[strspn(text, letters)];
}

static bool is_log(const char *text)
{
	return !strcmp(text, "journal") || (!strncmp(text, "file:", 5) && is_path(text + 5));
}

/* An empty one: nobody. */
static bool is_application(const char *text)
{
	return !text[0] || sam_name_valid(text, strlen(text));
}

static bool is_pin_source(const char *text)
{
	if (!strncmp(text, "credential:", 11))
		return text[11] && text[11] != '.' && !strchr(text + 11, '/');
	return is_path(strncmp(text, "file:", 5) ? text : text + 5);
}

static const struct setting top_settings[] = {
	{ "sam_id", FIELD(sam_id), NULL, "", is_filled, "must be 1 to 255 bytes" },
	{ "label", FIELD(label), "p11-sam", "", is_filled, "must be 1 to 32 bytes" },
	{ "user", FIELD(user), "p11-sam", "", is_user,
	  "must be a user's name of at most 63 bytes" },
	{ "store", FIELD(store), NULL, "sqlite:", is_path,
	  "must be sqlite: and a whole path without .." },
	{ "policy", FIELD(policy), NULL, "", is_path, "must be a whole path without .." },
	{ "log", FIELD(log), "journal", "", is_log,
	  "must be journal, or file: and a whole path without .." },
	{ "notify", FIELD(notify), "", "unix:", is_path,
	  "must be unix: and a whole path without .., of at most 107 bytes" },
	{ "application", FIELD(application), "", "", is_application,
	  "must be a principal's name of at most 64 characters, or \"\"" },
	{ .key = NULL },
};

static const struct setting cm_settings[] = {
	{ "module", FIELD(cm_module), NULL, "", is_path, "must be a whole path without .." },
	{ "token", FIELD(cm_token), "", "", is_filled, "must be 1 to 32 bytes" },
	{ "serial", FIELD(cm_serial), "", "", is_filled, "must be 1 to 16 bytes" },
	{ "pin_source", FIELD(cm_pin_source), NULL, "", is_pin_source,
	  "must be file: and a whole path without .., or credential: and a name" },
	{ .key = NULL },
};

/* ---- reading ---- */

static enum sam_reason read_setting(struct sam_yaml *map, const struct setting *s,
				    struct sam_config *out, struct sam_msg *msg)
{
	char *field = (char *)out + s->offset;
	struct sam_yaml *node = NULL;
	const char *text = NULL;
	size_t skip = strlen(s->prefix);
	enum sam_reason reason = SAM_OK;

	if (s->fallback)
		node = sam_yaml_get(map, s->key);
	else
		reason = sam_yaml_need(map, s->key, SAM_YAML_SCALAR, &node, msg);
	if (reason == SAM_OK)
		reason = sam_yaml_text(node, &text, msg);
	if (reason != SAM_OK)
		return reason;
	if (!text) {
		sam_mem_copy_text(field, s->size, s->fallback);
		return SAM_OK;
	}
	if (strncmp(text, s->prefix, skip) || !s->valid(text + skip) ||
	    !sam_mem_copy_text(field, s->size, text + skip))
		return sam_yaml_refuse(node, msg, "%s: %s", s->key, s->remedy);
	return SAM_OK;
}

static enum sam_reason read_settings(struct sam_yaml *map, const struct setting *settings,
				     struct sam_config *out, struct sam_msg *msg)
{
	enum sam_reason reason = SAM_OK;

	for (; settings->key && reason == SAM_OK; settings++)
		reason = read_setting(map, settings, out, msg);
	return reason;
}

static enum sam_reason read_cm(struct sam_yaml *root, struct sam_config *out, struct sam_msg *msg)
{
	int64_t sessions = 4, recheck = 1000;
	struct sam_yaml *cm;
	enum sam_reason reason = sam_yaml_need(root, "cm", SAM_YAML_MAP, &cm, msg);

	if (reason == SAM_OK)
		reason = read_settings(cm, cm_settings, out, msg);
	if (reason == SAM_OK)
		reason = sam_yaml_number(sam_yaml_get(cm, "sessions"), 1, SESSIONS_MAX, &sessions,
					 msg);
	if (reason == SAM_OK)
		reason = sam_yaml_duration(sam_yaml_get(cm, "recheck"), 0, RECHECK_MAX_MS, &recheck,
					   msg);
	if (reason != SAM_OK)
		return reason;
	if (!out->cm_token[0] == !out->cm_serial[0])
		return sam_yaml_refuse(
			cm, msg, "cm: one of `token` and `serial` says which token; write one");
	out->cm_sessions = (unsigned)sessions;
	out->cm_recheck_ms = (unsigned)recheck;
	return SAM_OK;
}

static enum sam_reason read_root(struct sam_yaml *root, struct sam_config *out, struct sam_msg *msg)
{
	enum sam_reason reason = read_settings(root, top_settings, out, msg);

	if (reason == SAM_OK)
		reason = read_cm(root, out, msg);
	if (reason == SAM_OK)
		reason = sam_yaml_bool(sam_yaml_get(root, "protected_path"), &out->protected_path,
				       msg);
	if (reason == SAM_OK)
		reason = sam_yaml_all_used(root, msg);
	return reason;
}

/* ---- who may have written it ---- */

/* ${path} becomes the file itself, so that no link on its way is changed after the question. */
static enum sam_reason resolve(char *path, size_t size, struct sam_msg *msg)
{
	sam_auto(sam_free) char *real = realpath(path, NULL);

	if (!real) {
		sam_msg_set(msg,
			    "no such file, or it cannot be reached (%s); correct the path or its "
			    "folders' modes",
			    strerror(errno));
		return SAM_CONFIG;
	}
	if (!sam_mem_copy_text(path, size, real)) {
		sam_msg_set(msg, "its real path is too long; move it");
		return SAM_CONFIG;
	}
	return sam_file_trusted(path, geteuid(), msg);
}

static enum sam_reason check_named(struct sam_yaml *map, const char *key, char *path, size_t size,
				   struct sam_msg *msg)
{
	struct sam_msg why = { "" };

	if (resolve(path, size, &why) == SAM_OK)
		return SAM_OK;
	return sam_yaml_refuse(sam_yaml_get(map, key), msg, "%s: %s", key, why.text);
}

/* Where files are that may not be there yet: nobody else can put one in their place. A folder that is not
 * there is told by whoever needs it. */
static enum sam_reason check_folder(struct sam_yaml *node, const char *key, const char *path,
				    struct sam_msg *msg)
{
	struct sam_msg why = { "" };
	char folder[PATH_MAX];
	char *slash = sam_mem_copy_text(folder, sizeof folder, path) ? strrchr(folder, '/') : NULL;

	if (!slash)
		return SAM_OK;
	slash[slash == folder] = '\0';
	if (access(folder, F_OK) != 0 || sam_file_folders_trusted(path, geteuid(), &why) == SAM_OK)
		return SAM_OK;
	return sam_yaml_refuse(node, msg, "%s: %s", key, why.text);
}

/* The PIN's source decides who holds the CM's PIN; where it is missing, opening the CM says so. */
static enum sam_reason check_pin_source(struct sam_yaml *node, const struct sam_config *config,
					struct sam_msg *msg)
{
	struct sam_msg why = { "" };
	char path[PATH_MAX];

	if (!sam_file_pin_path(config->cm_pin_source, path, sizeof path) || access(path, F_OK) != 0 ||
	    sam_file_trusted(path, geteuid(), &why) == SAM_OK)
		return SAM_OK;
	return sam_yaml_refuse(node, msg, "pin_source: %s", why.text);
}

static enum sam_reason check_others(struct sam_yaml *root, const struct sam_config *config,
				    struct sam_msg *msg)
{
	enum sam_reason reason = check_pin_source(sam_yaml_get(sam_yaml_get(root, "cm"), "pin_source"),
						  config, msg);

	if (reason == SAM_OK)
		reason = check_folder(sam_yaml_get(root, "store"), "store", config->store, msg);
	if (reason == SAM_OK && strncmp(config->log, "file:", 5) == 0)
		reason = check_folder(sam_yaml_get(root, "log"), "log", config->log + 5, msg);
	return reason;
}

static enum sam_reason read_file(struct sam_config *out, struct sam_msg *msg)
{
	sam_auto(sam_yaml_free) struct sam_yaml *root = NULL;
	struct sam_secret text = { NULL, 0 };
	enum sam_reason reason = sam_file_read(out->path, SAM_YAML_MAX, &text, msg);

	if (reason == SAM_OK && sam_ossl_digest(SAM_HASH_SHA256, text.data, text.len, out->sha256) != SAM_OK) {
		sam_msg_set(msg, "%s: cannot be hashed", out->path);
		reason = SAM_CONFIG;
	}
	if (reason == SAM_OK)
		reason = sam_yaml_parse(out->path, text.data, text.len, &root, msg);
	sam_secret_clear(&text);
	if (reason == SAM_OK)
		reason = read_root(root, out, msg);
	if (reason == SAM_OK)
		reason = check_named(root, "policy", out->policy, sizeof out->policy, msg);
	if (reason == SAM_OK)
		reason = check_named(sam_yaml_get(root, "cm"), "module", out->cm_module,
				     sizeof out->cm_module, msg);
	return reason == SAM_OK ? check_others(root, out, msg) : reason;
}

enum sam_reason sam_config_load(const char *path, struct sam_config *out, struct sam_msg *msg)
{
	enum sam_reason reason;
	struct sam_msg why = { "" };

	memset(out, 0, sizeof *out);
	if (!is_path(path) || !sam_mem_copy_text(out->path, sizeof out->path, path)) {
		sam_msg_set(msg, "the configuration's path must be a whole path without ..");
		return SAM_CONFIG;
	}
	reason = resolve(out->path, sizeof out->path, &why);
	if (reason == SAM_OK)
		reason = read_file(out, msg);
	else if (why.text[0] == '/') /* names the file or folder itself */
		sam_msg_set(msg, "%s", why.text);
	else
		sam_msg_set(msg, "%s: %s", path, why.text);
	if (reason == SAM_OK)
		out->root_owned = sam_file_trusted(out->path, 0, NULL) == SAM_OK;
	else
		memset(out, 0, sizeof *out);
	return reason;
}
