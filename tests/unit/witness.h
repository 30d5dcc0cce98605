/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A witness in memory, which can be told to fail.
 */
#ifndef SAM_TESTS_WITNESS_H
#define SAM_TESTS_WITNESS_H

#include "store_fixture.h"

static struct in_memory {
	uint64_t number;
	unsigned reads, writes, signs;
	bool fail_sign, fail_read, fail_write; /* once */
	struct sam_checkpoint last;
} cm;

static inline bool fails(bool *once)
{
	bool now_fails = *once;
	*once = false;
	return now_fails;
}

static inline enum sam_reason memory_sign(void *arg, const struct sam_checkpoint *c, char **jws)
{
	struct in_memory *m = arg;
	m->signs++;
	if (fails(&m->fail_sign))
		return SAM_CM_FAILED;
	m->last = *c;
	return asprintf(jws, "jws-%llu", (unsigned long long)c->number) < 0 ? SAM_MEMORY : SAM_OK;
}

static inline enum sam_reason memory_read(void *arg, const char *node, uint64_t *number)
{
	struct in_memory *m = arg;
	ck_assert_str_eq(node, "node1");
	m->reads++;
	*number = m->number;
	return fails(&m->fail_read) ? SAM_CM_FAILED : SAM_OK;
}

static inline enum sam_reason memory_write(void *arg, const char *node, uint64_t number)
{
	struct in_memory *m = arg;
	ck_assert_str_eq(node, "node1");
	m->writes++;
	if (fails(&m->fail_write))
		return SAM_CM_FAILED;
	m->number = number;
	return SAM_OK;
}

static const struct sam_witness witness = {&cm, memory_sign, memory_read, memory_write};

static inline void set_up_witness(void)
{
	set_up();
	sam_store_close(store);
	store = NULL;
	memset(&cm, 0, sizeof cm);
	options.witness = &witness;
	is(sam_store_open(&options, &store, NULL), SAM_OK);
}

static inline void close_store(void)
{
	sam_store_close(store);
	store = NULL;
}

static inline struct sam_store_head head_now(void)
{
	struct sam_store_head head;
	is(sam_store_head(store, &head), SAM_OK);
	return head;
}

/** shell(format, …): A command that must succeed. */
static inline void __attribute__((format(printf, 1, 2))) shell(const char *format, ...)
{
	char *command;
	va_list args;
	va_start(args, format);
	ck_assert_int_ge(vasprintf(&command, format, args), 0);
	va_end(args);
	ck_assert_int_eq(system(command), 0);
	free(command);
}

#endif
