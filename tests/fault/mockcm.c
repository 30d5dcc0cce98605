/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A CM that can be told to fail: a PKCS#11 module that passes everything to a real one.
 *
 * MOCKCM_MODULE   the real one (else SoftHSM)
 * MOCKCM_CONTROL  a file that is read again at the next call after it changed; a line is
 *                     FUNCTION ACTION [ARG] [COUNT [SKIP]]
 *                 COUNT: how many times, else always; SKIP: after so many that are left alone; '#' begins a
 *                 comment. Actions:
 *                     fail 0xRV   answer so without asking the real one
 *                     after 0xRV  ask it, then answer so
 *                     delay MS    wait first
 *                     hang        never come back
 *                     wrong       C_Sign: flip a bit of the signature
 *                     length N    C_Sign: tell that the signature has N bytes
 *                     otherkey    C_SignInit: use another private key of the token
 *                     short       C_GenerateRandom: constant bytes
 *                     empty       C_FindObjects: what is there is not found
 *                     flood       C_FindObjects: as many as were asked for are found, all the same one
 *                     flip 0xTYPE C_GetAttributeValue: the last byte of that attribute is another, of all but public
 *                                 keys
 *                     hide 0xTYPE C_GetAttributeValue: no object but public keys has that attribute
 *                     cut 0xTYPE  C_GetAttributeValue: that attribute is a byte shorter, of all but public keys
 *                     oaep256     C_UnwrapKey: with RSA-OAEP and SHA-256, which SoftHSM lacks, there comes an
 *                                 AES key of 32 bytes 'B', whatever was wrapped
 *                                 C_GenerateKeyPair, C_DecryptInit, C_Decrypt: a key made for RSA-OAEP does it with
 *                                 SHA-256
 * MOCKCM_LOG      one line appended for each of these, by one write:
 *                     PID C_Sign MECHANISM SHA256  it gave a signature over data of that hash
 *                     PID C_SignFinal MECHANISM -  it gave a signature
 *                     PID mac MECHANISM SHA256     the same for CKM_SHA256_HMAC: no signer's key
 *                     PID state MECHANISM SHA256   the same for the SAM's statements: no signer's key either
 *                     PID C_Login RV               it was called as CKU_USER
 *                     PID C_OpenSession N          it succeeded; N are open now in this process
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <openssl/evp.h>
#include <p11-kit/pkcs11.h>

enum { RULES_MAX = 64, SESSIONS_MAX = 1024, LINE = 256 };

enum action { NONE, FAIL, AFTER, DELAY, HANG, WRONG, LENGTH, OTHERKEY, SHORT, EMPTY, FLOOD, FLIP, HIDE, CUT,
	      OAEP256 };

static const struct {
	const char *name;
	enum action action;
	bool argument;
} actions[] = {
	{"fail", FAIL, true}, {"after", AFTER, true}, {"delay", DELAY, true}, {"hang", HANG, false},
	{"wrong", WRONG, false}, {"length", LENGTH, true}, {"otherkey", OTHERKEY, false},
	{"short", SHORT, false}, {"empty", EMPTY, false}, {"flood", FLOOD, false}, {"flip", FLIP, true},
	{"hide", HIDE, true}, {"cut", CUT, true}, {"oaep256", OAEP256, false},
};

struct rule {
	char function[48];
	enum action action;
	unsigned long argument;
	long count; /* < 0: always */
	long skip;
};

/* What is to happen in one call. */
struct plan {
	bool fail, after, hang, wrong, length, otherkey, constant, empty, flood, flip, hide, cut, oaep256;
	CK_RV fail_rv, after_rv;
	unsigned long delay_ms, new_length, flipped, hidden, shortened;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct rule rules[RULES_MAX];
static unsigned rule_count;
static struct stat rules_seen;

/* Whose key signs: the SAM's own are left in peace by "wrong" and "otherkey", which are about signers' keys. */
enum owner { SIGNER, SEAL, STATEMENTS };

static const char *const owner_words[] = {[SIGNER] = "C_Sign", [SEAL] = "mac", [STATEMENTS] = "state"};

struct operation {
	CK_SESSION_HANDLE session;
	CK_MECHANISM_TYPE mechanism;
	enum owner owner;
};

static struct operation operations[SESSIONS_MAX];

static CK_FUNCTION_LIST *real;
static OSSL_LIB_CTX *crypto; /* of our own: the default one may hold a provider that leads to us */

static void parse_line(const char *line)
{
	char function[48], word[16], first[32] = "", second[32] = "", third[32] = "";
	if (rule_count == RULES_MAX || line[0] == '#' ||
	    sscanf(line, "%47s %15s %31s %31s %31s", function, word, first, second, third) < 2)
		return;
	for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
		if (strcmp(word, actions[i].name) != 0)
			continue;
		const char *count = actions[i].argument ? second : first, *skip = actions[i].argument ? third : second;
		struct rule *r = &rules[rule_count++];
		memcpy(r->function, function, sizeof function);
		r->action = actions[i].action;
		r->argument = actions[i].argument ? strtoul(first, NULL, 0) : 0;
		r->count = *count ? strtol(count, NULL, 10) : -1;
		r->skip = strtol(skip, NULL, 10);
	}
}

/* LOCKED */
static void reload(void)
{
	const char *path = getenv("MOCKCM_CONTROL");
	struct stat st;
	memset(&st, 0, sizeof st);
	if (!path || stat(path, &st) != 0) {
		rule_count = 0;
		memset(&rules_seen, 0, sizeof rules_seen);
		return;
	}
	if (st.st_mtim.tv_sec == rules_seen.st_mtim.tv_sec &&
	    st.st_mtim.tv_nsec == rules_seen.st_mtim.tv_nsec && st.st_size == rules_seen.st_size &&
	    st.st_ino == rules_seen.st_ino)
		return;
	rule_count = 0;
	rules_seen = st;
	FILE *f = fopen(path, "re");
	char line[LINE];
	while (f && fgets(line, sizeof line, f))
		parse_line(line);
	if (f)
		fclose(f);
}

static void plan_rule(struct plan *p, const struct rule *r)
{
	switch (r->action) {
	case FAIL: p->fail = true; p->fail_rv = r->argument; break;
	case AFTER: p->after = true; p->after_rv = r->argument; break;
	case DELAY: p->delay_ms += r->argument; break;
	case HANG: p->hang = true; break;
	case WRONG: p->wrong = true; break;
	case LENGTH: p->length = true; p->new_length = r->argument; break;
	case OTHERKEY: p->otherkey = true; break;
	case SHORT: p->constant = true; break;
	case EMPTY: p->empty = true; break;
	case FLOOD: p->flood = true; break;
	case FLIP: p->flip = true; p->flipped = r->argument; break;
	case HIDE: p->hide = true; p->hidden = r->argument; break;
	case CUT: p->cut = true; p->shortened = r->argument; break;
	case OAEP256: p->oaep256 = true; break;
	case NONE: break;
	}
}

static struct plan consult(const char *function)
{
	struct plan p;
	memset(&p, 0, sizeof p);
	pthread_mutex_lock(&lock);
	/* LOCKED */
	reload();
	for (unsigned i = 0; i < rule_count; i++) {
		if (strcmp(rules[i].function, function) != 0 || rules[i].count == 0)
			continue;
		if (rules[i].skip > 0) {
			rules[i].skip--;
			continue;
		}
		if (rules[i].count > 0)
			rules[i].count--;
		plan_rule(&p, &rules[i]);
	}
	pthread_mutex_unlock(&lock);
	while (p.hang)
		pause();
	if (p.delay_ms) {
		struct timespec t = {(time_t)(p.delay_ms / 1000),
				     (long)(p.delay_ms % 1000) * 1000000};
		nanosleep(&t, NULL);
	}
	return p;
}

static void append(const char *line, int len)
{
	const char *path = getenv("MOCKCM_LOG");
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
	if (fd < 0)
		return;
	if (write(fd, line, (size_t)len) != len)
		abort(); /* a test that counts lines must not go on */
	close(fd);
}

static void operation_set(CK_SESSION_HANDLE session, CK_MECHANISM_TYPE mechanism, enum owner owner)
{
	pthread_mutex_lock(&lock);
	/* LOCKED */
	size_t place = SESSIONS_MAX;
	for (size_t i = 0; i < SESSIONS_MAX && place == SESSIONS_MAX; i++)
		if (operations[i].session == session)
			place = i;
	for (size_t i = 0; i < SESSIONS_MAX && place == SESSIONS_MAX; i++)
		if (!operations[i].session)
			place = i;
	if (place < SESSIONS_MAX)
		operations[place] = (struct operation){session, mechanism, owner};
	pthread_mutex_unlock(&lock);
}

static struct operation operation_end(CK_SESSION_HANDLE session)
{
	struct operation ended = {session, CK_UNAVAILABLE_INFORMATION, SIGNER};
	pthread_mutex_lock(&lock);
	/* LOCKED */
	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		if (operations[i].session == session) {
			ended = operations[i];
			operations[i].session = 0;
		}
	}
	pthread_mutex_unlock(&lock);
	return ended;
}

static void log_sign(const struct operation *ended, const void *data, size_t len)
{
	unsigned char hash[32];
	size_t size = sizeof hash;
	char line[LINE];
	if (!EVP_Q_digest(crypto, "SHA256", NULL, data, len, hash, &size))
		abort();
	int n = snprintf(line, sizeof line, "%ld %s 0x%lx ", (long)getpid(), owner_words[ended->owner],
			 ended->mechanism);
	for (size_t i = 0; i < size; i++)
		n += snprintf(line + n, sizeof line - (size_t)n, "%02x", hash[i]);
	n += snprintf(line + n, sizeof line - (size_t)n, "\n");
	append(line, n);
}

static enum owner owner_of(CK_SESSION_HANDLE session, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
	static const char own[] = "p11-sam ";
	char label[256];
	CK_ATTRIBUTE a = {CKA_LABEL, label, sizeof label};
	if (mechanism && mechanism->mechanism == CKM_SHA256_HMAC)
		return SEAL;
	return real->C_GetAttributeValue(session, key, &a, 1) == CKR_OK && a.ulValueLen >= sizeof own - 1 &&
			       memcmp(label, own, sizeof own - 1) == 0
		       ? STATEMENTS
		       : SIGNER;
}

/* Some other signer's key of the token, of the same type; the same one if there is none. */
static CK_OBJECT_HANDLE other_key(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_KEY_TYPE type = 0;
	CK_OBJECT_HANDLE found[64];
	CK_ULONG n = 0;
	CK_ATTRIBUTE kind = {CKA_KEY_TYPE, &type, sizeof type};
	if (real->C_GetAttributeValue(session, key, &kind, 1) != CKR_OK)
		return key;
	CK_ATTRIBUTE match[] = {{CKA_CLASS, &class, sizeof class},
				{CKA_KEY_TYPE, &type, sizeof type}};
	if (real->C_FindObjectsInit(session, match, 2) != CKR_OK)
		return key;
	real->C_FindObjects(session, found, 64, &n);
	real->C_FindObjectsFinal(session);
	for (CK_ULONG i = 0; i < n; i++)
		if (found[i] != key && owner_of(session, NULL, found[i]) == SIGNER)
			return found[i];
	return key;
}

static CK_RV mock_C_SignInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism,
			     CK_OBJECT_HANDLE key)
{
	struct plan p = consult("C_SignInit");
	if (p.fail)
		return p.fail_rv;
	enum owner owner = owner_of(session, mechanism, key);
	if (p.otherkey && owner == SIGNER)
		key = other_key(session, key);
	CK_RV rv = real->C_SignInit(session, mechanism, key);
	if (rv == CKR_OK && mechanism)
		operation_set(session, mechanism->mechanism, owner);
	return p.after ? p.after_rv : rv;
}

static CK_RV signed_answer(const struct plan *p, enum owner owner, CK_RV rv, CK_BYTE_PTR signature,
			   CK_ULONG_PTR len)
{
	if (rv == CKR_OK && signature && p->wrong && *len && owner == SIGNER)
		signature[*len / 2] ^= 0x10;
	if (rv == CKR_OK && signature && p->length)
		*len = p->new_length;
	return p->after ? p->after_rv : rv;
}

static CK_RV mock_C_Sign(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len,
			 CK_BYTE_PTR signature, CK_ULONG_PTR len)
{
	struct plan p = consult("C_Sign");
	struct operation ended = {.owner = SIGNER};
	if (p.fail)
		return p.fail_rv;
	CK_RV rv = real->C_Sign(session, data, data_len, signature, len);
	if (rv == CKR_OK && signature) {
		ended = operation_end(session);
		log_sign(&ended, data ? data : (CK_BYTE_PTR)"", data_len);
	}
	return signed_answer(&p, ended.owner, rv, signature, len);
}

static CK_RV mock_C_SignFinal(CK_SESSION_HANDLE session, CK_BYTE_PTR signature, CK_ULONG_PTR len)
{
	struct plan p = consult("C_SignFinal");
	struct operation ended = {.owner = SIGNER};
	if (p.fail)
		return p.fail_rv;
	CK_RV rv = real->C_SignFinal(session, signature, len);
	if (rv == CKR_OK && signature) {
		ended = operation_end(session);
		char line[LINE];
		int n = snprintf(line, sizeof line, "%ld C_SignFinal 0x%lx -\n", (long)getpid(),
				 ended.mechanism);
		append(line, n);
	}
	return signed_answer(&p, ended.owner, rv, signature, len);
}

static CK_RV mock_C_Login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_BYTE_PTR pin,
			  CK_ULONG pin_len)
{
	struct plan p = consult("C_Login");
	CK_RV rv = p.fail ? p.fail_rv : real->C_Login(session, user, pin, pin_len);
	if (p.after)
		rv = p.after_rv;
	if (user == CKU_USER) {
		char line[LINE];
		int n = snprintf(line, sizeof line, "%ld C_Login 0x%lx\n", (long)getpid(), rv);
		append(line, n);
	}
	return rv;
}

static unsigned sessions_open; /* under lock */

static unsigned count_sessions(int change)
{
	pthread_mutex_lock(&lock);
	/* LOCKED */
	sessions_open = change ? sessions_open + (unsigned)change : 0;
	unsigned now = sessions_open;
	pthread_mutex_unlock(&lock);
	return now;
}

static CK_RV mock_C_OpenSession(CK_SLOT_ID slot, CK_FLAGS flags, void *data, CK_NOTIFY notify,
				CK_SESSION_HANDLE *session)
{
	struct plan p = consult("C_OpenSession");
	if (p.fail)
		return p.fail_rv;
	CK_RV rv = real->C_OpenSession(slot, flags, data, notify, session);
	if (rv == CKR_OK) {
		char line[LINE];
		append(line, snprintf(line, sizeof line, "%ld C_OpenSession %u\n", (long)getpid(),
				      count_sessions(1)));
	}
	return p.after ? p.after_rv : rv;
}

static CK_RV mock_C_CloseSession(CK_SESSION_HANDLE session)
{
	struct plan p = consult("C_CloseSession");
	if (p.fail)
		return p.fail_rv;
	count_sessions(-1); /* first, so that it is not counted beside its successor */
	CK_RV rv = real->C_CloseSession(session);
	return p.after ? p.after_rv : rv;
}

static CK_RV mock_C_CloseAllSessions(CK_SLOT_ID slot)
{
	struct plan p = consult("C_CloseAllSessions");
	if (p.fail)
		return p.fail_rv;
	count_sessions(0);
	CK_RV rv = real->C_CloseAllSessions(slot);
	return p.after ? p.after_rv : rv;
}

static CK_RV mock_C_Initialize(void *args)
{
	struct plan p = consult("C_Initialize");
	if (p.fail)
		return p.fail_rv;
	CK_RV rv = real->C_Initialize(args);
	if (rv == CKR_OK)
		count_sessions(0);
	return p.after ? p.after_rv : rv;
}

static CK_RV mock_C_Finalize(void *reserved)
{
	struct plan p = consult("C_Finalize");
	if (p.fail)
		return p.fail_rv;
	count_sessions(0);
	CK_RV rv = real->C_Finalize(reserved);
	return p.after ? p.after_rv : rv;
}

static CK_RV mock_C_GenerateRandom(CK_SESSION_HANDLE session, CK_BYTE_PTR out, CK_ULONG len)
{
	struct plan p = consult("C_GenerateRandom");
	if (p.fail)
		return p.fail_rv;
	CK_RV rv = real->C_GenerateRandom(session, out, len);
	if (rv == CKR_OK && p.constant && out)
		memset(out, 0x5a, len);
	return p.after ? p.after_rv : rv;
}

static CK_RV mock_C_FindObjects(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *found, CK_ULONG max, CK_ULONG_PTR n)
{
	struct plan p = consult("C_FindObjects");
	if (p.fail)
		return p.fail_rv;
	CK_RV rv = real->C_FindObjects(session, found, max, n);
	if (rv == CKR_OK && p.empty)
		*n = 0;
	if (rv == CKR_OK && p.flood && *n)
		while (*n < max) {
			found[*n] = found[0];
			(*n)++;
		}
	return p.after ? p.after_rv : rv;
}

static bool not_public(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
	CK_OBJECT_CLASS class = 0;
	CK_ATTRIBUTE a = {CKA_CLASS, &class, sizeof class};
	return real->C_GetAttributeValue(session, object, &a, 1) == CKR_OK && class != CKO_PUBLIC_KEY;
}

static CK_RV mock_C_GetAttributeValue(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_PTR a,
				      CK_ULONG count)
{
	struct plan p = consult("C_GetAttributeValue");
	if (p.fail)
		return p.fail_rv;
	CK_RV rv = real->C_GetAttributeValue(session, object, a, count);
	bool lies = (p.flip || p.hide || p.cut) && not_public(session, object);
	for (CK_ULONG i = 0; i < count && lies; i++) {
		CK_BYTE *value = a[i].pValue;
		if (p.flip && a[i].type == p.flipped && value && a[i].ulValueLen &&
		    a[i].ulValueLen != CK_UNAVAILABLE_INFORMATION)
			value[a[i].ulValueLen - 1] ^= 1;
		if (p.cut && a[i].type == p.shortened && value && a[i].ulValueLen &&
		    a[i].ulValueLen != CK_UNAVAILABLE_INFORMATION)
			a[i].ulValueLen--;
		if (p.hide && a[i].type == p.hidden) {
			a[i].ulValueLen = CK_UNAVAILABLE_INFORMATION;
			rv = CKR_ATTRIBUTE_TYPE_INVALID;
		}
	}
	return p.after ? p.after_rv : rv;
}

static CK_RV known_key(CK_SESSION_HANDLE session, const CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *key)
{
	CK_BYTE value[32];
	CK_ATTRIBUTE t[32];
	memset(value, 'B', sizeof value);
	if (count >= 32)
		return CKR_GENERAL_ERROR;
	memcpy(t, template, count * sizeof *t);
	t[count] = (CK_ATTRIBUTE){CKA_VALUE, value, sizeof value};
	return real->C_CreateObject(session, t, count + 1, key);
}

static CK_RV mock_C_UnwrapKey(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE unwrapping,
			      CK_BYTE_PTR wrapped, CK_ULONG len, CK_ATTRIBUTE_PTR a, CK_ULONG count,
			      CK_OBJECT_HANDLE *key)
{
	struct plan p = consult("C_UnwrapKey");
	if (p.fail)
		return p.fail_rv;
	const CK_RSA_PKCS_OAEP_PARAMS *oaep = mechanism->mechanism == CKM_RSA_PKCS_OAEP ? mechanism->pParameter : NULL;
	CK_RV rv = p.oaep256 && oaep && oaep->hashAlg == CKM_SHA256
			   ? known_key(session, a, count, key)
			   : real->C_UnwrapKey(session, mechanism, unwrapping, wrapped, len, a, count, key);
	return p.after ? p.after_rv : rv;
}

/* ---- RSA-OAEP with SHA-256, over the real one's bare RSA ---- */

/* A private key for RSA-OAEP is made one for bare RSA. */
static CK_RV mock_C_GenerateKeyPair(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_ATTRIBUTE_PTR pub,
				    CK_ULONG pub_count, CK_ATTRIBUTE_PTR priv, CK_ULONG priv_count,
				    CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key)
{
	static CK_MECHANISM_TYPE bare[] = {CKM_RSA_X_509};
	struct plan p = consult("C_GenerateKeyPair");
	CK_ATTRIBUTE t[32];
	if (p.fail)
		return p.fail_rv;
	if (priv_count > 32)
		return CKR_GENERAL_ERROR;
	memcpy(t, priv, priv_count * sizeof *t);
	for (CK_ULONG i = 0; i < priv_count && p.oaep256; i++)
		if (t[i].type == CKA_ALLOWED_MECHANISMS && t[i].ulValueLen == sizeof bare &&
		    *(CK_MECHANISM_TYPE *)t[i].pValue == CKM_RSA_PKCS_OAEP)
			t[i].pValue = bare;
	CK_RV rv = real->C_GenerateKeyPair(session, mechanism, pub, pub_count, t, priv_count, public_key, private_key);
	return p.after ? p.after_rv : rv;
}

static CK_RV mock_C_DecryptInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key)
{
	struct plan p = consult("C_DecryptInit");
	CK_MECHANISM bare = {CKM_RSA_X_509, NULL, 0};
	if (p.fail)
		return p.fail_rv;
	const CK_RSA_PKCS_OAEP_PARAMS *oaep = mechanism->mechanism == CKM_RSA_PKCS_OAEP ? mechanism->pParameter : NULL;
	bool mine = p.oaep256 && oaep && oaep->hashAlg == CKM_SHA256 && oaep->mgf == CKG_MGF1_SHA256;
	CK_RV rv = real->C_DecryptInit(session, mine ? &bare : mechanism, key);
	return p.after ? p.after_rv : rv;
}

enum { HASH = 32 };

/* MGF1 of RFC 8017 appendix B.2.1, over what is there already. */
static void mask(const unsigned char *seed, size_t seed_len, unsigned char *data, size_t len)
{
	unsigned char input[512], hash[HASH];
	size_t size = sizeof hash;
	if (seed_len + 4 > sizeof input)
		abort();
	memcpy(input, seed, seed_len);
	for (size_t done = 0; done < len; done++) {
		if (done % HASH == 0) {
			unsigned char counter[4] = {0, 0, 0, (unsigned char)(done / HASH)};
			memcpy(input + seed_len, counter, sizeof counter);
			if (!EVP_Q_digest(crypto, "SHA256", NULL, input, seed_len + 4, hash, &size))
				abort();
		}
		data[done] ^= hash[done % HASH];
	}
}

/* EME-OAEP decoding (RFC 8017 section 7.1.2), without a label. */
static CK_RV unpad(unsigned char *em, size_t len, CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
	unsigned char label[HASH], *seed = em + 1, *db = em + 1 + HASH;
	size_t size = sizeof label, db_len = len - 1 - HASH, i = HASH;
	if (len < 2 * HASH + 2 || !EVP_Q_digest(crypto, "SHA256", NULL, "", 0, label, &size))
		return CKR_ENCRYPTED_DATA_INVALID;
	mask(db, db_len, seed, HASH);
	mask(seed, HASH, db, db_len);
	while (i < db_len && db[i] == 0)
		i++;
	if (em[0] != 0 || memcmp(db, label, HASH) != 0 || i == db_len || db[i] != 1)
		return CKR_ENCRYPTED_DATA_INVALID;
	size_t n = db_len - i - 1;
	if (*out_len < n)
		return CKR_BUFFER_TOO_SMALL;
	memcpy(out, db + i + 1, n);
	*out_len = n;
	return CKR_OK;
}

static CK_RV mock_C_Decrypt(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG len, CK_BYTE_PTR out,
			    CK_ULONG_PTR out_len)
{
	struct plan p = consult("C_Decrypt");
	unsigned char em[512];
	CK_ULONG n = sizeof em;
	if (p.fail)
		return p.fail_rv;
	CK_RV rv = p.oaep256 ? real->C_Decrypt(session, data, len, em, &n)
			     : real->C_Decrypt(session, data, len, out, out_len);
	if (p.oaep256 && rv == CKR_OK)
		rv = unpad(em, n, out, out_len);
	return p.after ? p.after_rv : rv;
}

/* All others can fail, come late or not at all. */
#define SESSION CK_SESSION_HANDLE s
#define IN(x) CK_BYTE_PTR x, CK_ULONG x##_len
#define OUT(x) CK_BYTE_PTR x, CK_ULONG_PTR x##_len
#define BUF(x) x, x##_len
#define PLAIN(X) \
	X(C_GetInfo, (CK_INFO_PTR a), (a)) \
	X(C_GetSlotList, (CK_BBOOL a, CK_SLOT_ID_PTR b, CK_ULONG_PTR c), (a, b, c)) \
	X(C_GetSlotInfo, (CK_SLOT_ID a, CK_SLOT_INFO_PTR b), (a, b)) \
	X(C_GetTokenInfo, (CK_SLOT_ID a, CK_TOKEN_INFO_PTR b), (a, b)) \
	X(C_WaitForSlotEvent, (CK_FLAGS a, CK_SLOT_ID_PTR b, void *c), (a, b, c)) \
	X(C_GetMechanismList, (CK_SLOT_ID a, CK_MECHANISM_TYPE_PTR b, CK_ULONG_PTR c), (a, b, c)) \
	X(C_GetMechanismInfo, (CK_SLOT_ID a, CK_MECHANISM_TYPE b, CK_MECHANISM_INFO_PTR c), \
	  (a, b, c)) \
	X(C_InitToken, (CK_SLOT_ID a, IN(pin), CK_BYTE_PTR b), (a, BUF(pin), b)) \
	X(C_InitPIN, (SESSION, IN(pin)), (s, BUF(pin))) \
	X(C_SetPIN, (SESSION, IN(old), IN(new)), (s, BUF(old), BUF(new))) \
	X(C_GetSessionInfo, (SESSION, CK_SESSION_INFO_PTR a), (s, a)) \
	X(C_GetOperationState, (SESSION, OUT(a)), (s, BUF(a))) \
	X(C_SetOperationState, (SESSION, IN(a), CK_OBJECT_HANDLE b, CK_OBJECT_HANDLE c), \
	  (s, BUF(a), b, c)) \
	X(C_Logout, (SESSION), (s)) \
	X(C_CreateObject, (SESSION, CK_ATTRIBUTE_PTR a, CK_ULONG b, CK_OBJECT_HANDLE *c), \
	  (s, a, b, c)) \
	X(C_CopyObject, \
	  (SESSION, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_PTR a, CK_ULONG b, CK_OBJECT_HANDLE *c), \
	  (s, o, a, b, c)) \
	X(C_DestroyObject, (SESSION, CK_OBJECT_HANDLE o), (s, o)) \
	X(C_GetObjectSize, (SESSION, CK_OBJECT_HANDLE o, CK_ULONG_PTR a), (s, o, a)) \
	X(C_SetAttributeValue, (SESSION, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_PTR a, CK_ULONG b), \
	  (s, o, a, b)) \
	X(C_FindObjectsInit, (SESSION, CK_ATTRIBUTE_PTR a, CK_ULONG b), (s, a, b)) \
	X(C_FindObjectsFinal, (SESSION), (s)) \
	X(C_EncryptInit, (SESSION, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE o), (s, m, o)) \
	X(C_Encrypt, (SESSION, IN(a), OUT(b)), (s, BUF(a), BUF(b))) \
	X(C_EncryptUpdate, (SESSION, IN(a), OUT(b)), (s, BUF(a), BUF(b))) \
	X(C_EncryptFinal, (SESSION, OUT(b)), (s, BUF(b))) \
	X(C_DecryptUpdate, (SESSION, IN(a), OUT(b)), (s, BUF(a), BUF(b))) \
	X(C_DecryptFinal, (SESSION, OUT(b)), (s, BUF(b))) \
	X(C_DigestInit, (SESSION, CK_MECHANISM_PTR m), (s, m)) \
	X(C_Digest, (SESSION, IN(a), OUT(b)), (s, BUF(a), BUF(b))) \
	X(C_DigestUpdate, (SESSION, IN(a)), (s, BUF(a))) \
	X(C_DigestKey, (SESSION, CK_OBJECT_HANDLE o), (s, o)) \
	X(C_DigestFinal, (SESSION, OUT(b)), (s, BUF(b))) \
	X(C_SignUpdate, (SESSION, IN(a)), (s, BUF(a))) \
	X(C_SignRecoverInit, (SESSION, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE o), (s, m, o)) \
	X(C_SignRecover, (SESSION, IN(a), OUT(b)), (s, BUF(a), BUF(b))) \
	X(C_VerifyInit, (SESSION, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE o), (s, m, o)) \
	X(C_Verify, (SESSION, IN(a), IN(b)), (s, BUF(a), BUF(b))) \
	X(C_VerifyUpdate, (SESSION, IN(a)), (s, BUF(a))) \
	X(C_VerifyFinal, (SESSION, IN(b)), (s, BUF(b))) \
	X(C_VerifyRecoverInit, (SESSION, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE o), (s, m, o)) \
	X(C_VerifyRecover, (SESSION, IN(a), OUT(b)), (s, BUF(a), BUF(b))) \
	X(C_DigestEncryptUpdate, (SESSION, IN(a), OUT(b)), (s, BUF(a), BUF(b))) \
	X(C_DecryptDigestUpdate, (SESSION, IN(a), OUT(b)), (s, BUF(a), BUF(b))) \
	X(C_SignEncryptUpdate, (SESSION, IN(a), OUT(b)), (s, BUF(a), BUF(b))) \
	X(C_DecryptVerifyUpdate, (SESSION, IN(a), OUT(b)), (s, BUF(a), BUF(b))) \
	X(C_GenerateKey, \
	  (SESSION, CK_MECHANISM_PTR m, CK_ATTRIBUTE_PTR a, CK_ULONG b, CK_OBJECT_HANDLE *c), \
	  (s, m, a, b, c)) \
	X(C_WrapKey, \
	  (SESSION, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE a, CK_OBJECT_HANDLE b, OUT(c)), \
	  (s, m, a, b, BUF(c))) \
	X(C_DeriveKey, \
	  (SESSION, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE a, CK_ATTRIBUTE_PTR b, CK_ULONG c, \
	   CK_OBJECT_HANDLE *d), \
	  (s, m, a, b, c, d)) \
	X(C_SeedRandom, (SESSION, IN(a)), (s, BUF(a))) \
	X(C_GetFunctionStatus, (SESSION), (s)) \
	X(C_CancelFunction, (SESSION), (s))

#define DEFINE(name, parameters, arguments) \
	static CK_RV mock_##name parameters \
	{ \
		struct plan p = consult(#name); \
		if (p.fail) \
			return p.fail_rv; \
		CK_RV rv = real->name arguments; \
		return p.after ? p.after_rv : rv; \
	}
PLAIN(DEFINE)

static CK_RV mock_C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR out);

static CK_FUNCTION_LIST list = {
	.version = {2, 40},
	.C_GetFunctionList = mock_C_GetFunctionList,
	.C_SignInit = mock_C_SignInit,
	.C_Sign = mock_C_Sign,
	.C_SignFinal = mock_C_SignFinal,
	.C_Login = mock_C_Login,
	.C_OpenSession = mock_C_OpenSession,
	.C_CloseSession = mock_C_CloseSession,
	.C_CloseAllSessions = mock_C_CloseAllSessions,
	.C_Initialize = mock_C_Initialize,
	.C_Finalize = mock_C_Finalize,
	.C_GenerateRandom = mock_C_GenerateRandom,
	.C_FindObjects = mock_C_FindObjects,
	.C_GetAttributeValue = mock_C_GetAttributeValue,
	.C_UnwrapKey = mock_C_UnwrapKey,
	.C_GenerateKeyPair = mock_C_GenerateKeyPair,
	.C_DecryptInit = mock_C_DecryptInit,
	.C_Decrypt = mock_C_Decrypt,
#define ENTRY(name, parameters, arguments) .name = mock_##name,
	PLAIN(ENTRY)
#undef ENTRY
};

static void load(void)
{
	const char *path = getenv("MOCKCM_MODULE");
	void *library = dlopen(path ? path : "/usr/lib/softhsm/libsofthsm2.so",
			       RTLD_NOW | RTLD_LOCAL);
	void *symbol = library ? dlsym(library, "C_GetFunctionList") : NULL;
	CK_C_GetFunctionList get = NULL;
	memcpy(&get, &symbol, sizeof get);
	if (!get || get(&real) != CKR_OK)
		real = NULL;
	crypto = OSSL_LIB_CTX_new();
}

static CK_RV mock_C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR out)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, load);
	if (!out)
		return CKR_ARGUMENTS_BAD;
	if (!real || !crypto)
		return CKR_GENERAL_ERROR;
	*out = &list;
	return CKR_OK;
}

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR out)
{
	return mock_C_GetFunctionList(out);
}
