/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A CM of a test's own: SoftHSM in a private folder, made before the library is loaded and removed
 * afterwards; and a direct view of it past the SAM.
 */
#ifndef SAM_TESTS_CM_TOKEN_H
#define SAM_TESTS_CM_TOKEN_H

#include "unit.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "cm/cm.h"

#define CM_LABEL "unit-cm"
#define CM_PIN "98765432"

extern char **environ;

static char cm_folder[PATH_MAX], cm_pin_file[PATH_MAX + 16], cm_memo[PATH_MAX + 16];
static char cm_control[PATH_MAX + 16], cm_log[PATH_MAX + 16];

static inline const char *cm_softhsm(void)
{
	static const char *const places[] = {
		"/usr/lib/softhsm/libsofthsm2.so",
		"/usr/lib64/pkcs11/libsofthsm2.so",
		"/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
		"/usr/local/lib/softhsm/libsofthsm2.so",
	};
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
		if (access(places[i], R_OK) == 0)
			return places[i];
	return NULL;
}

/* The mock CM around SoftHSM: where MOCKCM_SO says, else as built; or NULL. */
static inline const char *cm_mock(void)
{
	static char built[PATH_MAX];
	const char *path = getenv("MOCKCM_SO"), *folder = getenv("SAM_BUILDDIR");
	if (!path && folder) {
		snprintf(built, sizeof built, "%s/tests/fault/.libs/mockcm.so", folder);
		path = built;
	}
	return path && access(path, R_OK) == 0 ? path : NULL;
}

static inline void cm_write(const char *path, const char *text)
{
	char temp[PATH_MAX + 64];
	snprintf(temp, sizeof temp, "%s.tmp", path);
	int fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	ck_assert_int_eq(rename(temp, path),
			 0); /* another inode: seen even within one clock tick */
}

static inline void cm_init_token(const char *label)
{
	char name[64], *argv[] = {"softhsm2-util", "--init-token", "--free", "--label", name,
				  "--so-pin",      "12345678",     "--pin",  CM_PIN,    NULL};
	snprintf(name, sizeof name, "%s", label);
	posix_spawn_file_actions_t quiet;
	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
	pid_t pid;
	int status;
	ck_assert_int_eq(posix_spawnp(&pid, argv[0], &quiet, NULL, argv, environ), 0);
	posix_spawn_file_actions_destroy(&quiet);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

static inline void cm_setup(void)
{
	char path[PATH_MAX + 16], text[2 * PATH_MAX];
	const char *base = getenv("TMPDIR");
	snprintf(cm_folder, sizeof cm_folder, "%s/p11-sam-cm-XXXXXX", base ? base : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(cm_folder));
	snprintf(path, sizeof path, "%s/tokens", cm_folder);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	snprintf(text, sizeof text,
		 "directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n",
		 path);
	snprintf(path, sizeof path, "%s/softhsm2.conf", cm_folder);
	cm_write(path, text);
	setenv("SOFTHSM2_CONF", path, 1);
	snprintf(cm_pin_file, sizeof cm_pin_file, "%s/pin", cm_folder);
	cm_write(cm_pin_file, CM_PIN "\n");
	snprintf(cm_memo, sizeof cm_memo, "%s/cm-refused", cm_folder);
	snprintf(cm_control, sizeof cm_control, "%s/control", cm_folder);
	snprintf(cm_log, sizeof cm_log, "%s/log", cm_folder);
	setenv("MOCKCM_MODULE", cm_softhsm(), 1);
	setenv("MOCKCM_CONTROL", cm_control, 1);
	setenv("MOCKCM_LOG", cm_log, 1);
	cm_init_token(CM_LABEL);
}

static inline int cm_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static inline void cm_teardown(void)
{
	nftw(cm_folder, cm_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static inline struct sam_cm_options cm_options(const char *module)
{
	return (struct sam_cm_options){
		.module = module,
		.token = CM_LABEL,
		.pin_source = cm_pin_file,
		.refused_memo = cm_memo,
		.sessions = 4,
		.wait_ms = 20000,
	};
}

static inline struct sam_cm *cm_open_with(const struct sam_cm_options *o)
{
	struct sam_cm *cm = NULL;
	struct sam_msg msg = {""};
	enum sam_reason reason = sam_cm_open(o, &cm, &msg);
	ck_assert_msg(reason == SAM_OK, "%s: %s", sam_reason_name(reason), msg.text);
	return cm;
}

static inline enum sam_reason cm_try(const struct sam_cm_options *o)
{
	struct sam_cm *cm = NULL;
	struct sam_msg msg = {""};
	enum sam_reason reason = sam_cm_open(o, &cm, &msg);
	ck_assert((reason == SAM_OK) == (cm != NULL));
	ck_assert(reason == SAM_OK || msg.text[0]);
	sam_cm_close(cm);
	return reason;
}

/* SoftHSM's own function list: the same library in the same process, so the same login. */
static inline CK_FUNCTION_LIST *cm_direct(void)
{
	CK_C_GetFunctionList get;
	CK_FUNCTION_LIST *f = NULL;
	void *symbol = dlsym(dlopen(cm_softhsm(), RTLD_NOW | RTLD_LOCAL), "C_GetFunctionList");
	memcpy(&get, &symbol, sizeof get);
	ck_assert(get(&f) == CKR_OK);
	return f;
}

static inline CK_SLOT_ID cm_slot(CK_FUNCTION_LIST *f)
{
	CK_SLOT_ID slots[8];
	CK_ULONG n = 8;
	ck_assert(f->C_GetSlotList(CK_TRUE, slots, &n) == CKR_OK);
	for (CK_ULONG i = 0; i < n; i++) {
		CK_TOKEN_INFO t;
		if (f->C_GetTokenInfo(slots[i], &t) == CKR_OK &&
		    memcmp(t.label, CM_LABEL " ", sizeof CM_LABEL) == 0)
			return slots[i];
	}
	ck_abort_msg("the token is not there");
	return 0;
}

static inline CK_SESSION_HANDLE cm_session(CK_FUNCTION_LIST *f)
{
	CK_SESSION_HANDLE s;
	ck_assert(f->C_OpenSession(cm_slot(f), CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
				   &s) == CKR_OK);
	return s;
}

static inline CK_ULONG cm_find(CK_FUNCTION_LIST *f, CK_SESSION_HANDLE s, CK_OBJECT_CLASS class,
			       const uint8_t *id, CK_OBJECT_HANDLE *out)
{
	CK_OBJECT_HANDLE found[8];
	CK_ULONG n = 0;
	CK_ATTRIBUTE match[] = {{CKA_CLASS, &class, sizeof class}, {CKA_ID, (void *)id, SAM_CM_ID}};
	ck_assert(f->C_FindObjectsInit(s, match, id ? 2 : 1) == CKR_OK);
	ck_assert(f->C_FindObjects(s, found, 8, &n) == CKR_OK);
	ck_assert(f->C_FindObjectsFinal(s) == CKR_OK);
	if (n && out)
		*out = found[0];
	return n;
}

static inline int cm_bool(CK_FUNCTION_LIST *f, CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o,
			  CK_ATTRIBUTE_TYPE type)
{
	CK_BBOOL value = 7;
	CK_ATTRIBUTE a = {type, &value, sizeof value};
	return f->C_GetAttributeValue(s, o, &a, 1) == CKR_OK && a.ulValueLen == 1 ? value : -1;
}

/* How many lines of the mock's log have this word. */
static inline unsigned cm_logged(const char *word)
{
	char line[256];
	unsigned count = 0;
	FILE *f = fopen(cm_log, "re");
	while (f && fgets(line, sizeof line, f))
		count += strstr(line, word) != NULL;
	if (f)
		fclose(f);
	return count;
}

static const uint8_t cm_id[SAM_CM_ID] = {0xa5, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static inline void cm_generate(struct sam_cm *cm, enum sam_key_type type, unsigned bits,
			       const uint8_t *id, EVP_PKEY **pkey)
{
	struct sam_cm_made made;
	struct sam_cm_new_key what = {.type = type, .bits = bits, .label = "unit key", .id = id};
	ck_assert_int_eq(sam_cm_generate(cm, &what, true, &made), SAM_OK);
	if (pkey)
		*pkey = sam_ossl_pubkey(made.spki, made.spki_len);
	ck_assert(!pkey || *pkey);
	ck_assert(made.local);
	sam_cm_made_clear(&made);
}

static const uint8_t cm_digest[SAM_HASH_MAX] =
	"a digest of sixty-four bytes, of which the shorter take a part";

static inline struct sam_cm_job cm_job(const uint8_t *id, enum sam_padding padding,
				       enum sam_hash hash, unsigned bits)
{
	struct sam_cm_job job = {
		.padding = padding, .hash = hash, .digest = cm_digest, .bits = bits};
	memcpy(job.id, id, SAM_CM_ID);
	return job;
}

/* What most tests sign with: P-256 and the key cm_id. */
static inline enum sam_reason cm_sign(struct sam_cm *cm, bool *maybe)
{
	uint8_t signature[SAM_CM_SIGNATURE_MAX];
	size_t len = sizeof signature;
	struct sam_cm_job job = cm_job(cm_id, SAM_PAD_ECDSA, SAM_HASH_SHA256, 256);
	enum sam_reason reason = sam_cm_sign(cm, &job, signature, &len, maybe);
	ck_assert(reason != SAM_OK || len == 64);
	ck_assert(reason == SAM_OK || len == 0);
	return reason;
}

/* main(): as SAM_UNIT_MAIN, but skipped where what it needs is not there. */
#define CM_UNIT_MAIN(maker, missing)                                      \
	static int run(void)                                              \
	{                                                                 \
		SRunner *runner = srunner_create(maker());                \
		srunner_set_tap(runner, "-");                             \
		srunner_run_all(runner, CK_SILENT);                       \
		int failed = srunner_ntests_failed(runner);               \
		srunner_free(runner);                                     \
		return failed ? EXIT_FAILURE : EXIT_SUCCESS;              \
	}                                                                 \
	int main(void)                                                    \
	{                                                                 \
		const char *lacks = missing();                            \
		if (lacks)                                                \
			printf("1..0 # SKIP %s\n", lacks);                \
		else                                                      \
			sam_log_open("stderr", NULL);                     \
		if (lacks)                                                \
			return 77;                                        \
		return sam_ossl_start() == SAM_OK ? run() : EXIT_FAILURE; \
	}

static inline const char *cm_missing(void)
{
	return cm_softhsm() && (access("/usr/bin/softhsm2-util", X_OK) == 0 ||
				access("/usr/local/bin/softhsm2-util", X_OK) == 0) ?
		NULL : "SoftHSM (softhsm2) is not installed";
}

/* For those that need mockcm.so too. */
static inline const char *cm_mock_missing(void)
{
	const char *lacks = cm_missing();
	if (!lacks && !cm_mock())
		lacks = "no mock CM (MOCKCM_SO, or SAM_BUILDDIR with it built)";
	return lacks;
}

#endif
