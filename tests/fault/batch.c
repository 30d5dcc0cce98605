/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A batch: one SAD of many digests, P processes of T threads at once (invariant 3).
 *
 *   batch once  SAD DIGESTS T P    each runner asks for each digest under the SAD that came with CKU_USER: one is
 *                                  given it, all others are refused
 *   batch share SAD DIGESTS T P    the same, but the runners share the digests among themselves
 *   batch renew SAD DIGESTS T P    each runner reads the current token from its application's token object and signs
 *                                  the next digest by it; of all who hold a token one signs, the others read again
 *
 * DIGESTS has one in hexadecimal a line. PIN in the environment logs in, where it is renewed; NOTES names a file to
 * which the digest of each signature that came back is added. What was given, refused and spent is printed.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "p11.h"

enum { DIGESTS_MAX = 2000, TOKENS_MAX = 2 * DIGESTS_MAX, TOKEN = 30, RUNNERS_MAX = 64 };

/* Shared by threads and processes alike. */
struct shared {
	pthread_barrier_t barrier;
	pthread_mutex_t lock;
	unsigned next;                          /* the digest to go on with */
	unsigned given[DIGESTS_MAX];            /* signatures that came back */
	unsigned refused, renewed, spent, other;
	bool over;                              /* the token object is empty: the chain has come to its end */
	CK_RV strange;
	char tokens[TOKENS_MAX][TOKEN];         /* all that were ever read */
	unsigned signatures[TOKENS_MAX], token_count;
};

static CK_FUNCTION_LIST *p11;
static struct shared *shared;
static char *sad;
static uint8_t digests[DIGESTS_MAX][DIGEST];
static unsigned digest_count;
static int notes = -1;
static CK_OBJECT_HANDLE token_object;

static void count(unsigned *what)
{
	__atomic_add_fetch(what, 1, __ATOMIC_SEQ_CST);
}

static void strange(CK_RV rv)
{
	count(&shared->other);
	shared->strange = rv;
}

static void note(const uint8_t *digest)
{
	char text[2 * DIGEST + 2];
	for (size_t i = 0; i < DIGEST; i++)
		sprintf(text + 2 * i, "%02x", digest[i]);
	text[2 * DIGEST] = '\n';
	if (notes >= 0 && write(notes, text, 2 * DIGEST + 1) != 2 * DIGEST + 1)
		die("write", 0);
}

/* One of the runners: a session, the key, what to verify with. */
struct runner {
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE key;
	EVP_PKEY *pkey;
};

/* ${token} NULL: under what came with CKU_USER. */
static CK_RV sign(const struct runner *r, const char *token, unsigned i)
{
	CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
	uint8_t signature[P256_SIGNATURE];
	CK_ULONG len = sizeof signature;
	CK_RV rv = p11->C_SignInit(r->session, &mechanism, r->key);
	if (rv == CKR_OK && token)
		rv = p11->C_Login(r->session, CKU_CONTEXT_SPECIFIC, (CK_UTF8CHAR_PTR)token, TOKEN);
	/* as NSS does it, going on after a refused login */
	if (rv == CKR_OK || rv == CKR_PIN_INVALID) {
		const CK_RV login = rv;
		rv = p11->C_Sign(r->session, digests[i], DIGEST, signature, &len);
		if (login != CKR_OK)
			return rv == CKR_OK ? CKR_GENERAL_ERROR : login;
	}
	if (rv == CKR_OK && !verifies(r->pkey, digests[i], signature))
		return CKR_SIGNATURE_INVALID;
	if (rv == CKR_OK) {
		note(digests[i]);
		count(&shared->given[i]);
	}
	return rv;
}

/* ---- once ---- */

static void run_once(const struct runner *r)
{
	for (unsigned i = 0; i < digest_count; i++) {
		const CK_RV rv = sign(r, NULL, i);
		if (rv == CKR_FUNCTION_REJECTED)
			count(&shared->refused);
		else if (rv != CKR_OK)
			strange(rv);
	}
}

static void run_share(const struct runner *r)
{
	unsigned i;
	while ((i = __atomic_fetch_add(&shared->next, 1, __ATOMIC_SEQ_CST)) < digest_count) {
		const CK_RV rv = sign(r, NULL, i);
		if (rv != CKR_OK)
			strange(rv);
	}
}

/* ---- renew ---- */

/* The place of this token among all that were seen. */
static unsigned seen(const char token[TOKEN])
{
	unsigned i = 0;
	pthread_mutex_lock(&shared->lock);
	while (i < shared->token_count && memcmp(shared->tokens[i], token, TOKEN) != 0)
		i++;
	if (i == TOKENS_MAX)
		die("more tokens than could be", i);
	if (i == shared->token_count)
		memcpy(shared->tokens[shared->token_count++], token, TOKEN);
	pthread_mutex_unlock(&shared->lock);
	return i;
}

static bool read_token(const struct runner *r, char token[TOKEN])
{
	CK_ATTRIBUTE a = {CKA_VALUE, token, TOKEN};
	CK_RV rv = p11->C_GetAttributeValue(r->session, token_object, &a, 1);
	if (rv != CKR_OK)
		die("C_GetAttributeValue", rv);
	if (a.ulValueLen == 0)
		shared->over = true;
	return a.ulValueLen == TOKEN;
}

static void run_renew(const struct runner *r)
{
	char token[TOKEN], last[TOKEN] = "";
	unsigned i = __atomic_fetch_add(&shared->next, 1, __ATOMIC_SEQ_CST);
	bool rejected = false;
	while (i < digest_count && read_token(r, token)) {
		const unsigned at = seen(token);
		/* refused, and its token is the current one still: so it was for the digest, which a process had that died */
		if (rejected && memcmp(token, last, TOKEN) == 0) {
			count(&shared->spent);
			i = __atomic_fetch_add(&shared->next, 1, __ATOMIC_SEQ_CST);
			rejected = false;
			continue;
		}
		const CK_RV rv = sign(r, token, i);
		memcpy(last, token, TOKEN);
		rejected = rv == CKR_FUNCTION_REJECTED;
		if (rv == CKR_OK) {
			count(&shared->signatures[at]);
			i = __atomic_fetch_add(&shared->next, 1, __ATOMIC_SEQ_CST);
		} else if (rejected || rv == CKR_PIN_INVALID) {
			count(&shared->renewed);
		} else {
			strange(rv);
			break;
		}
	}
}

/* ---- threads and processes ---- */

static void (*run)(const struct runner *r);

static void *thread(void *unused)
{
	(void)unused;
	struct runner r = {.session = another_session(p11)};
	r.pkey = public_key(p11, r.session, need("CREDENTIAL_EC"));
	r.key = find_object(p11, r.session, CKO_PRIVATE_KEY, need("CREDENTIAL_EC"));
	pthread_barrier_wait(&shared->barrier);
	run(&r);
	EVP_PKEY_free(r.pkey);
	p11->C_CloseSession(r.session);
	return NULL;
}

/* The SAD for its current token, in this application. */
static void deposit(CK_SESSION_HANDLE session)
{
	CK_OBJECT_CLASS class = CKO_DATA;
	CK_BBOOL no = CK_FALSE;
	char application[] = "p11-sam sad";
	CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class},
				   {CKA_TOKEN, &no, sizeof no},
				   {CKA_PRIVATE, &no, sizeof no},
				   {CKA_APPLICATION, application, sizeof application - 1},
				   {CKA_VALUE, sad, strlen(sad)}};
	CK_RV rv = p11->C_CreateObject(session, template, 5, &token_object);
	if (rv != CKR_OK)
		die("C_CreateObject", rv);
}

static void process(unsigned threads)
{
	pthread_t id[RUNNERS_MAX];
	p11 = load_module(need("P11_SAM_MODULE"));
	const bool renews = run == run_renew;
	CK_SESSION_HANDLE session = start_module(p11, renews ? need("PIN") : sad);
	if (renews)
		deposit(session);
	for (unsigned i = 0; i < threads; i++)
		pthread_create(&id[i], NULL, thread, NULL);
	for (unsigned i = 0; i < threads; i++)
		pthread_join(id[i], NULL);
	p11->C_CloseSession(session);
	p11->C_Finalize(NULL);
}

static void share(unsigned runners)
{
	pthread_barrierattr_t barrier;
	pthread_mutexattr_t mutex;
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("mmap", 0);
	pthread_barrierattr_init(&barrier);
	pthread_barrierattr_setpshared(&barrier, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&shared->barrier, &barrier, runners);
	pthread_mutexattr_init(&mutex);
	pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&shared->lock, &mutex);
}

static void read_digests(const char *path)
{
	char text[2 * DIGEST + 8];
	FILE *f = fopen(path, "r");
	if (!f)
		die(path, 0);
	while (fgets(text, sizeof text, f))
		if (digest_count == DIGESTS_MAX || !unhex(text, digests[digest_count++], DIGEST))
			die("no digest, or too many", digest_count);
	fclose(f);
}

static void read_sad(const char *path)
{
	size_t size = 0;
	FILE *f = fopen(path, "r");
	if (!f || getline(&sad, &size, f) <= 0)
		die(path, 0);
	sad[strcspn(sad, "\n")] = '\0';
	fclose(f);
}

/* ---- what came of it ---- */

static int tell(unsigned threads, unsigned processes, double seconds)
{
	unsigned given = 0, twice = 0, by_token = 0;
	for (unsigned i = 0; i < digest_count; i++) {
		given += shared->given[i];
		twice += shared->given[i] > 1;
	}
	for (unsigned i = 0; i < shared->token_count; i++)
		by_token += shared->signatures[i] > 1;
	printf("%u digests, %u processes of %u threads: %u given, %u refused, %u renewed meanwhile, %u spent before, "
	       "%u other (0x%lx), %u tokens seen, %.0f signatures/s\n",
	       digest_count, processes, threads, given, shared->refused, shared->renewed, shared->spent, shared->other,
	       shared->strange, shared->token_count, given / seconds);
	if (shared->other || twice || by_token || !given)
		return 1;
	if (run == run_share)
		return given == digest_count ? 0 : 1;
	if (run == run_once)
		return given == digest_count && shared->refused == digest_count * (threads * processes - 1) ? 0 : 1;
	/* a chain of so many signatures has one token more; where it forked there would be others */
	if (shared->token_count > given + 1)
		return 1;
	return shared->over || given + shared->spent == digest_count ? 0 : 1;
}

int main(int argc, char **argv)
{
	const unsigned threads = argc == 6 ? (unsigned)atoi(argv[4]) : 0, processes = argc == 6 ? (unsigned)atoi(argv[5]) : 0;
	if (threads < 1 || processes < 1 || threads > RUNNERS_MAX || threads * processes > RUNNERS_MAX) {
		fprintf(stderr, "usage: batch once|share|renew SAD DIGESTS THREADS PROCESSES\n");
		return 2;
	}
	run = strcmp(argv[1], "renew") == 0 ? run_renew : strcmp(argv[1], "share") == 0 ? run_share : run_once;
	read_sad(argv[2]);
	read_digests(argv[3]);
	share(threads * processes);
	if (getenv("NOTES"))
		notes = open(getenv("NOTES"), O_WRONLY | O_APPEND | O_CREAT, 0600);
	pid_t children[RUNNERS_MAX];
	struct timespec from, to;
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (unsigned i = 0; i < processes; i++) {
		const pid_t pid = fork();
		if (pid < 0)
			die("fork", 0);
		if (pid == 0) {
			process(threads);
			_exit(0);
		}
		children[i] = pid;
	}
	int status, bad = 0;
	while (wait(&status) > 0) {
		bad |= status;
		for (unsigned i = 0; status != 0 && i < processes; i++)
			kill(children[i], SIGKILL); /* they may wait for it at the barrier */
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	const double seconds = (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec);
	return tell(threads, processes, seconds) || bad;
}
