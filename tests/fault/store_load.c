/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The store under load: reserve and commit pairs of fresh SADs, from THREADS threads in each of PROCESSES
 * processes, for SECONDS; prints pairs a second, the time of a pair, CPU, and what opening costs a row.
 *   store_load FOLDER [THREADS [PROCESSES [SECONDS]]]
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/ossl.h"
#include "store/store.h"

enum { SAMPLES = 200000, SIGNERS = 16 };

struct process {
	uint64_t pairs, failures;
	double cpu;
	uint32_t count, us[SAMPLES]; /* the first so many */
};

struct thread {
	struct sam_store *store;
	struct process *to;
	unsigned process, number;
	double until;
	uint32_t *us;
	uint32_t count;
	uint64_t pairs, failures;
};

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static enum sam_reason chain(const struct sam_record *record, uint64_t seq, const char *node, int64_t time_us,
			     const uint8_t prev[32], char **line, uint8_t hash[32])
{
	char hex[65];
	sam_encode_hex(prev, 32, hex);
	int len = asprintf(line, "{\"v\":1,\"seq\":%llu,\"node\":\"%s\",\"time\":%lld,%s,\"prev\":\"%s\"}",
			   (unsigned long long)seq, node, (long long)time_us, record->members, hex);
	return len < 0 ? SAM_MEMORY : sam_ossl_digest(SAM_HASH_SHA256, *line, (size_t)len, hash);
}

static enum sam_reason pair(struct thread *t, uint64_t number)
{
	char jti[40], signer[24], members[512];
	uint8_t digest[32] = {0};
	struct sam_reservation reservation;
	snprintf(jti, sizeof jti, "jti-%04u-%04u-%016llx", t->process, t->number, (unsigned long long)number);
	snprintf(signer, sizeof signer, "signer-%02u", t->number % SIGNERS);
	snprintf(members, sizeof members, "\"type\":\"sign\",\"outcome\":\"success\",\"signer\":\"%s\",\"sad\":{\"jti\":"
		 "\"%s\"},\"filler\":\"%0300d\"", signer, jti, 0);
	memcpy(digest, &number, sizeof number);
	struct sam_claim claim = {.iss = signer, .jti = jti, .iat = sam_clock_now(), .exp = sam_clock_now() + 300, .limit = 1};
	struct sam_record record = {.members = members, .type = "sign", .outcome = "success", .signer = signer,
				    .credential = signer, .jti = jti};
	enum sam_reason reason = sam_store_reserve(t->store, &claim, digest, 32, sam_clock_now(), &reservation);
	return reason == SAM_OK ? sam_store_commit(t->store, &reservation, &record) : reason;
}

static void *run_thread(void *arg)
{
	struct thread *t = arg;
	for (uint64_t i = 0; seconds() < t->until; i++) {
		double start = seconds();
		if (pair(t, i) == SAM_OK)
			t->pairs++;
		else
			t->failures++;
		if (t->count < SAMPLES)
			t->us[t->count++] = (uint32_t)((seconds() - start) * 1e6);
	}
	return NULL;
}

static void run_process(const struct sam_store_options *options, struct process *out, unsigned process,
			unsigned threads, double until)
{
	struct sam_store *store;
	struct thread *t = calloc(threads, sizeof *t);
	pthread_t *ids = calloc(threads, sizeof *ids);
	if (!t || !ids || sam_store_open(options, &store, NULL) != SAM_OK)
		_exit(1);
	for (unsigned i = 0; i < threads; i++) {
		t[i] = (struct thread){.store = store, .to = out, .process = process, .number = i, .until = until,
				       .us = calloc(SAMPLES, sizeof(uint32_t))};
		if (!t[i].us || pthread_create(&ids[i], NULL, run_thread, &t[i]) != 0)
			_exit(1);
	}
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(ids[i], NULL);
		out->pairs += t[i].pairs;
		out->failures += t[i].failures;
		for (uint32_t k = 0; k < t[i].count && out->count < SAMPLES; k++)
			out->us[out->count++] = t[i].us[k];
		free(t[i].us);
	}
	sam_store_close(store);
	free(t);
	free(ids);
	struct rusage use;
	getrusage(RUSAGE_SELF, &use);
	out->cpu = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
		   (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

static void print_open(const struct sam_store_options *options)
{
	struct sam_store *store;
	struct sam_store_head head;
	uint64_t swept;
	double start = seconds();
	if (sam_store_open(options, &store, NULL) != SAM_OK || sam_store_head(store, &head) != SAM_OK) {
		puts("the store does not open");
		exit(1);
	}
	double took = seconds() - start;
	uint64_t rows = head.activations + head.uses + head.tokens;
	printf("%.1f operations a transaction\n", 2.0 * (double)head.audit_seq / (double)head.sequence);
	printf("open %.1f ms, %llu rows that forbid: %.2f us a row\n", took * 1e3, (unsigned long long)rows,
	       rows ? took * 1e6 / (double)rows : 0.0);
	if (sam_store_maintain(store, &swept) != SAM_OK)
		puts("maintain failed");
	sam_store_close(store);
	start = seconds();
	if (sam_store_open(options, &store, NULL) == SAM_OK)
		printf("open after maintain %.1f ms\n", (seconds() - start) * 1e3);
	struct sam_msg msg;
	if (sam_store_check(store, &msg) != SAM_OK)
		printf("check: %s\n", msg.text);
	sam_store_close(store);
}

int main(int argc, char **argv)
{
	unsigned threads = argc > 2 ? (unsigned)atoi(argv[2]) : 1, processes = argc > 3 ? (unsigned)atoi(argv[3]) : 1;
	double length = argc > 4 ? atof(argv[4]) : 2;
	char path[4096];
	struct sam_seal *seal;
	const uint8_t root[32] = {1};
	if (argc < 2 || !sam_log_open("stderr", NULL) || sam_ossl_start() != SAM_OK ||
	    sam_seal_new(root, &seal) != SAM_OK)
		return 2;
	snprintf(path, sizeof path, "%s/load-%d.db", argv[1], (int)getpid());
	struct sam_store_options options = {.path = path, .seal = seal, .chain = chain};
	if (sam_store_create(&options, "load", NULL) != SAM_OK)
		return 1;
	struct process *shared = mmap(NULL, processes * sizeof *shared, PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 1;
	double start = seconds();
	for (unsigned p = 0; p < processes; p++) {
		if (fork() == 0) {
			run_process(&options, &shared[p], p, threads, start + length);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		continue;
	double took = seconds() - start;
	uint64_t pairs = 0, failures = 0;
	double cpu = 0;
	uint32_t count = 0, *all = calloc((size_t)processes * SAMPLES, sizeof *all);
	for (unsigned p = 0; all && p < processes; p++) {
		pairs += shared[p].pairs;
		failures += shared[p].failures;
		cpu += shared[p].cpu;
		memcpy(all + count, shared[p].us, shared[p].count * sizeof *all);
		count += shared[p].count;
	}
	if (!all || !count || !pairs)
		return 1;
	qsort(all, count, sizeof *all, by_value);
	printf("%u x %u: %.0f pairs/s, p50 %u us, p99 %u us, max %u us, CPU %.0f us a pair, %llu failed\n", processes,
	       threads, (double)pairs / took, all[count / 2], all[(uint64_t)count * 99 / 100], all[count - 1],
	       cpu * 1e6 / (double)pairs, (unsigned long long)failures);
	print_open(&options);
	static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};
	for (unsigned i = 0; i < 4; i++) {
		char name[4200];
		snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
		unlink(name);
	}
	free(all);
	sam_seal_free(seal);
	return failures != 0;
}
