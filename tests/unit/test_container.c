/* SPDX-License-Identifier: BSD-3-Clause
 *
 * container.h: what was saved comes out again; a file that was cut, mixed or changed anywhere does not.
 */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "admin/container.h"
#include "sap/jwe.h"

#define JWS "eyJhbGciOiJFUzI1NiJ9.eyJhIjoxfQ.c2lnbmF0dXJl"

enum { MIB = 1048576, TAG = 16, KEYS = 3 };

static json_t *private_keys[KEYS], *public_keys[KEYS];

static void make_keys(void)
{
	for (size_t i = 0; i < KEYS; i++) {
		ck_assert_int_eq(sam_jwe_generate(&private_keys[i]), SAM_OK);
		public_keys[i] = sam_jwe_public(private_keys[i]);
		ck_assert_ptr_nonnull(public_keys[i]);
	}
}

static void free_keys(void)
{
	for (size_t i = 0; i < KEYS; i++) {
		sam_jose_private_free(private_keys[i]);
		json_decref(public_keys[i]);
	}
}

/* ---- files in memory ---- */

static int file_of(const void *data, size_t len)
{
	int fd = memfd_create("container", MFD_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	const uint8_t *p = data;
	while (len) {
		ssize_t n = write(fd, p, len);
		ck_assert_int_gt(n, 0);
		p += n;
		len -= (size_t)n;
	}
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static uint8_t *whole(int fd, size_t *len)
{
	struct stat st;
	ck_assert_int_eq(fstat(fd, &st), 0);
	*len = (size_t)st.st_size;
	uint8_t *data = malloc(*len + 1);
	ck_assert_ptr_nonnull(data);
	for (size_t at = 0; at < *len;) {
		ssize_t n = pread(fd, data + at, *len - at, (off_t)at);
		ck_assert_int_gt(n, 0);
		at += (size_t)n;
	}
	return data;
}

static uint8_t *random_data(size_t len)
{
	uint8_t *data = malloc(len + 1);
	ck_assert_ptr_nonnull(data);
	ck_assert_int_eq(sam_ossl_random(data, len + 1), SAM_OK);
	return data;
}

/* ---- writing and reading ---- */

struct seen {
	uint8_t signed_hash[32];
	uint64_t done;
	const char *jws;
	enum sam_reason reason;
};

static enum sam_reason sign(void *arg, const uint8_t sha256[32], char **jws)
{
	struct seen *seen = arg;
	memcpy(seen->signed_hash, sha256, 32);
	*jws = seen->reason == SAM_OK ? strdup(seen->jws ? seen->jws : JWS) : NULL;
	return seen->reason;
}

static void progress(void *arg, uint64_t done)
{
	struct seen *seen = arg;
	ck_assert_uint_ge(done, seen->done);
	seen->done = done;
}

static enum sam_reason save(const uint8_t *data, size_t len, size_t recipients, struct seen *seen, int *fd)
{
	struct sam_container_hooks hooks = {seen, sign, progress};
	struct sam_msg msg = {""};
	sam_auto(json_decref)
		json_t *more = json_pack("{s:s,s:s,s:i}", "node", "n1", "sam_id", "https://sam", "chunk", 5);
	int in = file_of(data, len);
	*fd = file_of("", 0);
	enum sam_reason reason = sam_container_write(*fd, more, public_keys, recipients, in, &hooks, &msg);
	ck_assert(reason == SAM_OK || reason == seen->reason || msg.text[0]);
	close(in);
	return reason;
}

/* One file of ${len} random bytes, as text. */
static uint8_t *saved(size_t len, uint8_t **data, size_t *size)
{
	struct seen seen = {.reason = SAM_OK};
	int fd;
	*data = random_data(len);
	ck_assert_int_eq(save(*data, len, 2, &seen, &fd), SAM_OK);
	uint8_t *file = whole(fd, size);
	close(fd);
	return file;
}

static enum sam_reason restore(const uint8_t *file, size_t size, const json_t *key, uint8_t **data, size_t *len)
{
	struct sam_container_info info;
	struct sam_msg msg = {""};
	int fd = file_of(file, size), out = file_of("", 0);
	enum sam_reason reason = sam_container_read(fd, key, out, &info, &msg);
	if (reason == SAM_OK) {
		ck_assert_str_eq(info.jws, JWS);
		*data = whole(out, len);
		ck_assert_uint_eq(info.size, *len);
	} else {
		ck_assert(msg.text[0]);
	}
	sam_container_clear(&info);
	close(fd);
	close(out);
	return reason;
}

static enum sam_reason opens(const uint8_t *file, size_t size)
{
	uint8_t *data = NULL;
	size_t len;
	enum sam_reason reason = restore(file, size, private_keys[0], &data, &len);
	free(data);
	return reason;
}

static size_t line_size(const uint8_t *file, size_t size)
{
	const uint8_t *end = memchr(file, '\n', size);
	ck_assert_ptr_nonnull(end);
	return (size_t)(end - file) + 1;
}

static const size_t sizes[] = {0, 1, MIB - 1, MIB, MIB + 1, 2 * MIB, 3 * MIB + 5};

/* loop test: _i is the size */
START_TEST(what_was_saved_comes_out)
{
	struct seen seen = {.reason = SAM_OK};
	size_t len = sizes[_i], size, got;
	int fd;
	sam_auto(sam_free) uint8_t *data = random_data(len);
	ck_assert_int_eq(save(data, len, 2, &seen, &fd), SAM_OK);
	ck_assert_uint_eq(seen.done, len);
	sam_auto(sam_free) uint8_t *file = whole(fd, &size);
	close(fd);
	size_t chunks = len ? (len + MIB - 1) / MIB : 1;
	ck_assert_uint_eq(size, line_size(file, size) + len + chunks * TAG + strlen(JWS) + 9);
	for (size_t i = 0; i < 2; i++) { /* each recipient */
		sam_auto(sam_free) uint8_t *out = NULL;
		ck_assert_int_eq(restore(file, size, private_keys[i], &out, &got), SAM_OK);
		ck_assert_uint_eq(got, len);
		ck_assert_mem_eq(out, data, len);
	}
	if (len >= 32)
		ck_assert_ptr_null(memmem(file, size, data, 32));
}
END_TEST

START_TEST(without_a_key_it_says_what_was_signed)
{
	struct seen seen = {.reason = SAM_OK};
	struct sam_container_info info;
	struct sam_msg msg = {""};
	uint8_t hash[32];
	size_t size;
	int fd;
	sam_auto(sam_free) uint8_t *data = random_data(sizes[_i]);
	ck_assert_int_eq(save(data, sizes[_i], 3, &seen, &fd), SAM_OK);
	sam_auto(sam_free) uint8_t *file = whole(fd, &size);
	ck_assert_int_eq(sam_container_read(fd, NULL, -1, &info, &msg), SAM_OK);
	ck_assert_mem_eq(info.sha256, seen.signed_hash, 32);
	ck_assert_int_eq(sam_ossl_digest(SAM_HASH_SHA256, file, size - strlen(JWS) - 9, hash), SAM_OK);
	ck_assert_mem_eq(info.sha256, hash, 32);
	ck_assert_str_eq(info.jws, JWS);
	ck_assert_uint_eq(info.size, sizes[_i]);
	ck_assert_int_eq(json_integer_value(json_object_get(info.header, "p11-sam-backup")), 1);
	ck_assert_int_eq(json_integer_value(json_object_get(info.header, "chunk")), MIB);
	ck_assert_uint_eq(json_array_size(json_object_get(info.header, "keys")), 3);
	ck_assert_str_eq(json_string_value(json_object_get(info.header, "node")), "n1");
	ck_assert_ptr_nonnull(json_object_get(info.header, "created"));
	sam_container_clear(&info);
	/* with a key and nowhere to write: the tags alone */
	ck_assert_int_eq(sam_container_read(fd, private_keys[2], -1, &info, &msg), SAM_OK);
	ck_assert_mem_eq(info.sha256, hash, 32);
	sam_container_clear(&info);
	ck_assert_int_eq(sam_container_read(fd, NULL, fd, &info, &msg), SAM_ARGUMENTS);
	sam_container_clear(&info);
	close(fd);
}
END_TEST

/* ---- who may read ---- */

START_TEST(without_recipients_it_is_refused)
{
	struct seen seen = {.reason = SAM_OK};
	int fd;
	ck_assert_int_eq(save((const uint8_t *)"x", 1, 0, &seen, &fd), SAM_ARGUMENTS);
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), 0);
	close(fd);
}
END_TEST

START_TEST(recipients_that_none_can_encrypt_to_are_refused)
{
	struct seen seen = {.reason = SAM_OK};
	struct sam_container_hooks hooks = {&seen, sign, NULL};
	struct sam_msg msg = {""};
	sam_auto(sam_jose_private_free) json_t *signing = NULL;
	ck_assert_int_eq(sam_jose_generate(SAM_JWS_ES256, &signing), SAM_OK);
	json_t *recipients[] = {public_keys[0], signing}, *many[SAM_CONTAINER_RECIPIENTS + 1];
	int in = file_of("x", 1), fd = file_of("", 0);
	ck_assert_int_eq(sam_container_write(fd, NULL, recipients, 2, in, &hooks, &msg), SAM_JWE_KEY);
	ck_assert_ptr_nonnull(strstr(msg.text, "recipient 2"));
	for (size_t i = 0; i <= SAM_CONTAINER_RECIPIENTS; i++)
		many[i] = public_keys[0];
	ck_assert_int_eq(sam_container_write(fd, NULL, many, SAM_CONTAINER_RECIPIENTS + 1, in, &hooks, &msg),
			 SAM_ARGUMENTS);
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), 0);
	ck_assert_int_eq(sam_container_write(fd, NULL, many, SAM_CONTAINER_RECIPIENTS, in, &hooks, &msg), SAM_OK);
	close(in);
	close(fd);
}
END_TEST

START_TEST(key_of_nobody_is_told)
{
	size_t size, len;
	uint8_t *data, *out = NULL;
	sam_auto(sam_free) uint8_t *file = saved(100, &data, &size);
	free(data);
	ck_assert_int_eq(restore(file, size, private_keys[2], &out, &len), SAM_BACKUP_KEY);
	ck_assert_int_eq(restore(file, size, public_keys[0], &out, &len), SAM_BACKUP_KEY);
	sam_auto(sam_jose_private_free) json_t *signing = NULL;
	ck_assert_int_eq(sam_jose_generate(SAM_JWS_ES256, &signing), SAM_OK);
	ck_assert_int_eq(restore(file, size, signing, &out, &len), SAM_BACKUP_KEY);
}
END_TEST

START_TEST(key_for_one_algorithm_is_taken)
{
	struct seen seen = {.reason = SAM_OK};
	struct sam_container_hooks hooks = {&seen, sign, NULL};
	struct sam_container_info info;
	struct sam_msg msg = {""};
	sam_auto(sam_jose_private_free) json_t *key = json_deep_copy(private_keys[0]);
	json_object_set_new(key, "alg", json_string(SAM_JWE_DIRECT));
	sam_auto(json_decref) json_t *public = sam_jwe_public(key);
	int in = file_of("x", 1), fd = file_of("", 0);
	ck_assert_int_eq(sam_container_write(fd, NULL, &public, 1, in, &hooks, &msg), SAM_OK);
	ck_assert_int_eq(sam_container_read(fd, key, -1, &info, &msg), SAM_OK);
	sam_container_clear(&info);
	close(in);
	close(fd);
}
END_TEST

/* ---- cut, mixed, changed ---- */

START_TEST(cut_files_are_refused)
{
	size_t size;
	uint8_t *data;
	sam_auto(sam_free) uint8_t *file = saved(3 * MIB + 5, &data, &size);
	free(data);
	size_t line = line_size(file, size), trailer = strlen(JWS) + 9, sealed = MIB + TAG;
	const size_t at[] = {0,	       1,	    line - 1,	 line,	       line + 1,  line + TAG, size - 1,
			     size - 9, size - 10,   size - 1000, size - trailer};
	for (size_t i = 0; i < sizeof at / sizeof at[0]; i++)
		ck_assert_msg(opens(file, at[i]) == SAM_BACKUP, "%zu bytes", at[i]);
	for (size_t chunk = 0; chunk <= 3; chunk++) {
		size_t border = line + chunk * sealed;
		ck_assert_int_eq(opens(file, border), SAM_BACKUP);
		/* and with the trailer put where it is looked for */
		sam_auto(sam_free) uint8_t *cut = malloc(size);
		memcpy(cut, file, border);
		memcpy(cut + border, file + size - trailer, trailer);
		ck_assert_msg(opens(cut, border + trailer) == SAM_BACKUP, "%zu chunks", chunk);
	}
	ck_assert_int_eq(opens(file, size), SAM_OK);
}
END_TEST

START_TEST(mixed_chunks_are_refused)
{
	size_t size, sealed = MIB + TAG;
	uint8_t *data;
	sam_auto(sam_free) uint8_t *file = saved(4 * MIB, &data, &size);
	free(data);
	size_t line = line_size(file, size);
	sam_auto(sam_free) uint8_t *mixed = malloc(size + sealed);
	for (size_t a = 0; a < 4; a++)
		for (size_t b = a + 1; b < 4; b++) {
			memcpy(mixed, file, size);
			memcpy(mixed + line + a * sealed, file + line + b * sealed, sealed);
			ck_assert_msg(opens(mixed, size) == SAM_BACKUP, "%zu for %zu", b, a);
			memcpy(mixed + line + b * sealed, file + line + a * sealed, sealed);
			ck_assert_msg(opens(mixed, size) == SAM_BACKUP, "%zu and %zu", a, b);
		}
	/* one twice, one left out */
	memcpy(mixed, file, line + sealed);
	memcpy(mixed + line + sealed, file + line, size - line);
	ck_assert_int_eq(opens(mixed, size + sealed), SAM_BACKUP);
	memcpy(mixed, file, line);
	memcpy(mixed + line, file + line + sealed, size - line - sealed);
	ck_assert_int_eq(opens(mixed, size - sealed), SAM_BACKUP);
}
END_TEST

START_TEST(chunks_of_another_backup_are_refused)
{
	size_t size, other_size;
	uint8_t *data, *other_data;
	sam_auto(sam_free) uint8_t *file = saved(2 * MIB, &data, &size);
	sam_auto(sam_free) uint8_t *other = saved(2 * MIB, &other_data, &other_size);
	free(data);
	free(other_data);
	memcpy(file + line_size(file, size), other + line_size(other, other_size), MIB + TAG);
	ck_assert_int_eq(opens(file, size), SAM_BACKUP);
}
END_TEST

/* One bit anywhere: refused with the key; without it what was signed is another hash. */
START_TEST(changed_bytes_show)
{
	size_t size;
	uint8_t *data;
	sam_auto(sam_free) uint8_t *file = saved(1000, &data, &size);
	free(data);
	size_t before = size - strlen(JWS) - 9;
	struct sam_container_info info, changed;
	struct sam_msg msg;
	int fd = file_of(file, size);
	ck_assert_int_eq(sam_container_read(fd, NULL, -1, &info, &msg), SAM_OK);
	for (size_t i = 0; i < size; i++) {
		uint8_t byte = file[i] ^ 1;
		ck_assert_int_eq(pwrite(fd, &byte, 1, (off_t)i), 1);
		enum sam_reason reason = sam_container_read(fd, private_keys[0], -1, &changed, &msg);
		ck_assert_msg(i >= before || reason == SAM_BACKUP || reason == SAM_BACKUP_KEY, "byte %zu: %s", i,
			      sam_reason_name(reason));
		sam_container_clear(&changed);
		reason = sam_container_read(fd, NULL, -1, &changed, &msg);
		ck_assert_msg(reason == SAM_BACKUP || strcmp(changed.jws, info.jws) != 0 ||
				      memcmp(changed.sha256, info.sha256, 32) != 0,
			      "byte %zu", i);
		sam_container_clear(&changed);
		ck_assert_int_eq(pwrite(fd, &file[i], 1, (off_t)i), 1);
	}
	sam_container_clear(&info);
	close(fd);
}
END_TEST

/* ---- headers and trailers ---- */

static enum sam_reason with(const char *line, const char *data, const char *trailer)
{
	char file[8192];
	int n = snprintf(file, sizeof file, "%s%s%s", line, data, trailer);
	struct sam_container_info info;
	struct sam_msg msg = {""};
	int fd = file_of(file, (size_t)n);
	enum sam_reason reason = sam_container_read(fd, NULL, -1, &info, &msg);
	ck_assert((reason == SAM_OK) == (msg.text[0] == '\0'));
	sam_container_clear(&info);
	close(fd);
	return reason;
}

#define ENC ",\"enc\":\"A256GCM\",\"keys\":[\"x\"]"
#define LINE "{\"p11-sam-backup\":1,\"chunk\":1048576" ENC "}\n"
#define DATA "0123456789abcdef"

START_TEST(other_headers_are_refused)
{
	static const char *const lines[] = {
		"",
		"\n",
		"[]\n",
		"{}\n",
		"{\"p11-sam-backup\":1,\"chunk\":1048576" ENC "}", /* no newline */
		"{\"p11-sam-backup\":1,\"p11-sam-backup\":1,\"chunk\":1048576" ENC "}\n",
		"{\"p11-sam-backup\":2,\"chunk\":1048576" ENC "}\n",
		"{\"p11-sam-backup\":\"1\",\"chunk\":1048576" ENC "}\n",
		"{\"p11-sam-backup\":1,\"chunk\":1048575" ENC "}\n",
		"{\"p11-sam-backup\":1,\"chunk\":0" ENC "}\n",
		"{\"p11-sam-backup\":1,\"chunk\":1048576,\"enc\":\"A128GCM\",\"keys\":[\"x\"]}\n",
		"{\"p11-sam-backup\":1,\"chunk\":1048576,\"enc\":\"A256GCM\"}\n",
		"{\"p11-sam-backup\":1,\"chunk\":1048576,\"enc\":\"A256GCM\",\"keys\":[]}\n",
		"{\"p11-sam-backup\":1,\"chunk\":1048576,\"enc\":\"A256GCM\",\"keys\":[1]}\n",
		"{\"p11-sam-backup\":1,\"chunk\":1048576,\"enc\":\"A256GCM\",\"keys\":{\"x\":1}}\n",
	};
	ck_assert_int_eq(with(LINE, DATA, "x.y.z00000005\n"), SAM_OK);
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
		ck_assert_msg(with(lines[i], DATA, "x.y.z00000005\n") == SAM_BACKUP, "%s", lines[i]);
	ck_assert_int_eq(with(LINE, "", "x.y.z00000005\n"), SAM_BACKUP);
	ck_assert_int_eq(with(LINE, "0123456789abcde", "x.y.z00000005\n"), SAM_BACKUP);
}
END_TEST

START_TEST(other_trailers_are_refused)
{
	static const char *const trailers[] = {
		"",
		"\n",
		"x.y.z",
		"x.y.z00000005",
		"x.y.z00000005\n\n",
		"x.y.z0000005\n",
		"00000000\n",
		"x.y.z00000000\n",
		"x.y.z0000000g\n",
		"x.y.z0000000A\n",
		"x.y.z-0000005\n",
		"x.y.z00001001\n",
		"x.y.zffffffff\n",
		"x.y.z80000000\n",
		"x y z00000005\n",
		"x\ny.z00000005\n",
		"x\177y.z00000005\n",
		"x\303y.z00000005\n",
	};
	for (size_t i = 0; i < sizeof trailers / sizeof trailers[0]; i++)
		ck_assert_msg(with(LINE, DATA, trailers[i]) == SAM_BACKUP, "%s", trailers[i]);
}
END_TEST

START_TEST(what_is_no_file_is_refused)
{
	struct sam_container_info info;
	struct sam_msg msg = {""};
	int pipes[2];
	ck_assert_int_eq(pipe(pipes), 0);
	ck_assert_int_eq(sam_container_read(pipes[0], NULL, -1, &info, &msg), SAM_BACKUP);
	sam_container_clear(&info);
	close(pipes[0]);
	close(pipes[1]);
	ck_assert_int_eq(sam_container_read(-1, NULL, -1, &info, &msg), SAM_BACKUP);
	sam_container_clear(&info);
}
END_TEST

/* ---- failures on the way ---- */

START_TEST(signer_that_fails_is_passed_on)
{
	struct seen seen = {.reason = SAM_CM_FAILED};
	char longest[SAM_CONTAINER_JWS_MAX + 2];
	int fd;
	ck_assert_int_eq(save((const uint8_t *)"x", 1, 1, &seen, &fd), SAM_CM_FAILED);
	close(fd);
	memset(longest, 'x', sizeof longest);
	longest[SAM_CONTAINER_JWS_MAX] = '\0';
	seen = (struct seen){.jws = longest};
	ck_assert_int_eq(save((const uint8_t *)"x", 1, 1, &seen, &fd), SAM_OK);
	close(fd);
}
END_TEST

START_TEST(full_disk_is_told)
{
	struct seen seen = {.reason = SAM_OK};
	struct sam_container_hooks hooks = {&seen, sign, NULL};
	struct sam_container_info info;
	struct sam_msg msg = {""};
	int in = file_of("x", 1), full = open("/dev/full", O_WRONLY | O_CLOEXEC), fd;
	ck_assert_int_ge(full, 0);
	ck_assert_int_eq(sam_container_write(full, NULL, public_keys, 1, in, &hooks, &msg), SAM_STORE_FAILED);
	ck_assert_ptr_nonnull(strstr(msg.text, "No space"));
	ck_assert_int_eq(save((const uint8_t *)"x", 1, 1, &seen, &fd), SAM_OK);
	ck_assert_int_eq(sam_container_read(fd, private_keys[0], full, &info, &msg), SAM_STORE_FAILED);
	sam_container_clear(&info);
	close(in);
	/* a folder cannot be read */
	in = open("/", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(sam_container_write(fd, NULL, public_keys, 1, in, &hooks, &msg), SAM_STORE_FAILED);
	close(in);
	close(full);
	close(fd);
}
END_TEST

static Suite *container_suite(void)
{
	Suite *suite = suite_create("container");
	TCase *container = tcase_create("container");
	int count = (int)(sizeof sizes / sizeof sizes[0]);
	tcase_add_unchecked_fixture(container, make_keys, free_keys);
	tcase_set_timeout(container, 120);
	tcase_add_loop_test(container, what_was_saved_comes_out, 0, count);
	tcase_add_loop_test(container, without_a_key_it_says_what_was_signed, 0, count);
	tcase_add_test(container, without_recipients_it_is_refused);
	tcase_add_test(container, recipients_that_none_can_encrypt_to_are_refused);
	tcase_add_test(container, key_of_nobody_is_told);
	tcase_add_test(container, key_for_one_algorithm_is_taken);
	tcase_add_test(container, cut_files_are_refused);
	tcase_add_test(container, mixed_chunks_are_refused);
	tcase_add_test(container, chunks_of_another_backup_are_refused);
	tcase_add_test(container, changed_bytes_show);
	tcase_add_test(container, other_headers_are_refused);
	tcase_add_test(container, other_trailers_are_refused);
	tcase_add_test(container, what_is_no_file_is_refused);
	tcase_add_test(container, signer_that_fails_is_passed_on);
	tcase_add_test(container, full_disk_is_told);
	suite_add_tcase(suite, container);
	return suite;
}

SAM_UNIT_MAIN(container_suite)
