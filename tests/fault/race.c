/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One SAD for one hash, offered by N threads or N processes at once, once for each line of FILE: exactly
 * one signature each time, all others refused as used (invariant 3).
 *
 *   race threads|processes N FILE
 */
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "p11.h"

/* Shared by threads and processes alike. */
struct shared {
	pthread_barrier_t barrier;
	int given, refused, other;
	CK_RV strange;
};

static CK_FUNCTION_LIST *p11;
static struct shared *shared;
static struct line *lines;
static size_t line_count;

static void run(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, EVP_PKEY *pkey)
{
	for (size_t i = 0; i < line_count; i++) {
		uint8_t signature[P256_SIGNATURE];
		CK_RV login = CKR_OK;
		pthread_barrier_wait(&shared->barrier);
		CK_RV rv = sign_under(p11, session, key, lines[i].sad, lines[i].digest, signature, &login);
		if (rv == CKR_OK && login == CKR_OK && verifies(pkey, lines[i].digest, signature)) {
			__atomic_add_fetch(&shared->given, 1, __ATOMIC_SEQ_CST);
		} else if (rv == CKR_FUNCTION_REJECTED) {
			__atomic_add_fetch(&shared->refused, 1, __ATOMIC_SEQ_CST);
		} else {
			__atomic_add_fetch(&shared->other, 1, __ATOMIC_SEQ_CST);
			shared->strange = rv != CKR_OK ? rv : login;
		}
		pthread_barrier_wait(&shared->barrier);
		if (__atomic_load_n(&shared->given, __ATOMIC_SEQ_CST) != (int)i + 1)
			break; /* every runner sees the same and stops: the sums below tell */
		pthread_barrier_wait(&shared->barrier);
	}
}

static void *thread(void *unused)
{
	(void)unused;
	CK_SESSION_HANDLE session = another_session(p11);
	EVP_PKEY *pkey = public_key(p11, session, need("CREDENTIAL_EC"));
	run(session, find_object(p11, session, CKO_PRIVATE_KEY, need("CREDENTIAL_EC")), pkey);
	EVP_PKEY_free(pkey);
	p11->C_CloseSession(session);
	return NULL;
}

/* The first SAD of the file logs in as well: at level 1 that is its signer's login. */
static void by_threads(int n)
{
	pthread_t threads[64];
	p11 = load_module(need("P11_SAM_MODULE"));
	CK_SESSION_HANDLE session = start_module(p11, lines[0].sad);
	for (int i = 0; i < n; i++)
		pthread_create(&threads[i], NULL, thread, NULL);
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	p11->C_CloseSession(session);
	p11->C_Finalize(NULL);
}

static int by_processes(int n)
{
	int bad = 0, status;
	pid_t children[64];
	for (int i = 0; i < n; i++) {
		pid_t pid = fork();
		if (pid < 0)
			die("fork", 0);
		if (pid == 0) {
			p11 = load_module(need("P11_SAM_MODULE"));
			CK_SESSION_HANDLE session = start_module(p11, lines[0].sad);
			EVP_PKEY *pkey = public_key(p11, session, need("CREDENTIAL_EC"));
			run(session, find_object(p11, session, CKO_PRIVATE_KEY, need("CREDENTIAL_EC")), pkey);
			p11->C_Finalize(NULL);
			_exit(0);
		}
		children[i] = pid;
	}
	while (wait(&status) > 0) {
		if (status == 0)
			continue;
		bad++; /* the others would wait at the barrier for ever */
		for (int i = 0; i < n; i++)
			kill(children[i], SIGKILL);
	}
	return bad;
}

int main(int argc, char **argv)
{
	int n = argc == 4 ? atoi(argv[2]) : 0, bad = 0;
	if (n < 2 || n > 64) {
		fprintf(stderr, "usage: race threads|processes N FILE\n");
		return 2;
	}
	lines = read_lines(argv[3], &line_count);
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_barrierattr_t attr;
	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&shared->barrier, &attr, (unsigned)n);
	if (strcmp(argv[1], "threads") == 0)
		by_threads(n);
	else
		bad = by_processes(n);
	printf("%zu rounds of %d: %d given, %d refused, %d other (0x%lx)\n", line_count, n, shared->given,
	       shared->refused, shared->other, shared->strange);
	bool ok = !bad && line_count > 0 && shared->given == (int)line_count &&
		  shared->refused == (int)line_count * (n - 1) && shared->other == 0;
	return ok ? 0 : 1;
}
