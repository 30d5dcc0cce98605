/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The base room: encodings, hashes, names, times, sealing, random, trusted files.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/encode.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/jws.h"
#include "base/name.h"
#include "base/seal.h"
#include "unit.h"

START_TEST(base64url_round_trips_and_is_strict)
{
	uint8_t in[70], out[70];
	char text[100];
	for (size_t i = 0; i < sizeof in; i++)
		in[i] = (uint8_t)(i * 37 + 200);
	for (size_t n = 0; n <= sizeof in; n++) {
		size_t len = 99;
		ck_assert_uint_eq(sam_encode_b64url(in, n, text), (n * 4 + 2) / 3);
		ck_assert(sam_decode_b64url(text, strlen(text), out, sizeof out, &len));
		ck_assert_uint_eq(len, n);
		ck_assert_mem_eq(in, out, n);
	}
	static const char *const bad[] = {"A", "AA==", "AA=", "A A", "AB\n", "+/+/", "AB", "AAB", "AAAA\xff"};
	size_t len;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(!sam_decode_b64url(bad[i], strlen(bad[i]), out, sizeof out, &len), "%s", bad[i]);
	ck_assert(!sam_decode_b64url("AAAA", 4, out, 2, &len)); /* longer than the room for it */
}
END_TEST

START_TEST(base64_comes_in_both_alphabets)
{
	static const char *const same[] = {"-_-_", "+/+/", "+_-/"};
	uint8_t out[8];
	size_t len;
	for (size_t i = 0; i < 3; i++) {
		ck_assert(sam_decode_b64any(same[i], 4, out, sizeof out, &len));
		ck_assert_mem_eq(out, "\xfb\xff\xbf", 3);
	}
	ck_assert(sam_decode_b64any("AA==", 4, out, sizeof out, &len));
	ck_assert_uint_eq(len, 1);
	ck_assert(!sam_decode_b64any("AA=", 3, out, sizeof out, &len));
	ck_assert(!sam_decode_b64any("=", 1, out, sizeof out, &len));
	ck_assert(!sam_decode_b64any("A===", 4, out, sizeof out, &len));
}
END_TEST

START_TEST(hex_round_trips_and_is_strict)
{
	uint8_t out[4];
	char text[9];
	size_t len;
	sam_encode_hex("\x00\xab\xff\x10", 4, text);
	ck_assert_str_eq(text, "00abff10");
	ck_assert(sam_decode_hex("00ABff10", 8, out, sizeof out, &len) && len == 4);
	ck_assert(!sam_decode_hex("00a", 3, out, sizeof out, &len));
	ck_assert(!sam_decode_hex("0g", 2, out, sizeof out, &len));
	ck_assert(!sam_decode_hex("0011223344", 10, out, sizeof out, &len));
}
END_TEST

START_TEST(digestinfo_is_taken_in_exact_der_alone)
{
	for (unsigned h = SAM_HASH_SHA256; h < SAM_HASH_COUNT; h++) {
		uint8_t digest[SAM_HASH_MAX], der[SAM_HASH_DIGESTINFO_MAX + 1];
		enum sam_hash found = SAM_HASH_NONE;
		memset(digest, 0x5a, sizeof digest);
		size_t len = sam_hash_digestinfo((enum sam_hash)h, digest, der);
		ck_assert_ptr_eq(sam_hash_digestinfo_parse(der, len, &found), der + 19);
		ck_assert_uint_eq(found, h);
		for (size_t i = 0; i < 19; i++) /* no byte of the head may differ */
			for (unsigned bit = 0; bit < 8; bit++) {
				der[i] ^= (uint8_t)(1 << bit);
				ck_assert_ptr_null(sam_hash_digestinfo_parse(der, len, &found));
				der[i] ^= (uint8_t)(1 << bit);
			}
		ck_assert_ptr_null(sam_hash_digestinfo_parse(der, len - 1, &found));
		ck_assert_ptr_null(sam_hash_digestinfo_parse(der, len + 1, &found));
	}
	/* SHA-1's is well formed and not allowed */
	static const uint8_t sha1[35] = {0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14};
	enum sam_hash found;
	ck_assert_ptr_null(sam_hash_digestinfo_parse(sha1, sizeof sha1, &found));
	ck_assert_ptr_null(sam_hash_digestinfo_parse(sha1, 0, &found));
}
END_TEST

START_TEST(hashes_are_found_by_all_their_names)
{
	for (unsigned h = SAM_HASH_SHA256; h < SAM_HASH_COUNT; h++) {
		enum sam_hash hash = (enum sam_hash)h;
		ck_assert_uint_eq(sam_hash_by_name(sam_hash_name(hash)), h);
		ck_assert_uint_eq(sam_hash_by_oid(sam_hash_oid(hash)), h);
		ck_assert_uint_eq(sam_hash_by_size(sam_hash_size(hash)), h);
		ck_assert_uint_eq(sam_hash_by_mechanism(sam_hash_mechanism(hash)), h);
		ck_assert_ptr_nonnull(sam_ossl_md(hash));
	}
	ck_assert_uint_eq(sam_hash_by_name("sha1"), SAM_HASH_NONE);
	ck_assert_uint_eq(sam_hash_by_oid("1.3.14.3.2.26"), SAM_HASH_NONE);
	ck_assert_uint_eq(sam_hash_by_size(20), SAM_HASH_NONE);
	ck_assert_uint_eq(sam_hash_by_mechanism(CKM_SHA_1), SAM_HASH_NONE);
	ck_assert_uint_eq(sam_jws_by_name("none"), SAM_JWS_NONE);
	ck_assert_uint_eq(sam_jws_by_name("HS256"), SAM_JWS_NONE);
	ck_assert_uint_eq(sam_jws_by_name("es256"), SAM_JWS_NONE);
	ck_assert_uint_eq(sam_jws_by_name("EdDSA"), SAM_JWS_EDDSA);
}
END_TEST

START_TEST(names_that_look_like_a_sad_are_refused)
{
	static const char *const good[] = {"a", "alice", "A.b_c@d+e-9", "eyj", "ey", "sat", "0"};
	static const char *const bad[] = {"", ".a", "-a", "a b", "a:b", "eyJhbGci", "eyJ", "sat_", "sat_x", "a/b", "\xc3\xa4"};
	char longest[66];
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		ck_assert_msg(sam_name_valid(good[i], strlen(good[i])), "%s", good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(!sam_name_valid(bad[i], strlen(bad[i])), "%s", bad[i]);
	memset(longest, 'x', sizeof longest);
	ck_assert(sam_name_valid(longest, 64));
	ck_assert(!sam_name_valid(longest, 65));
	ck_assert(!sam_name_valid("a\0b", 3));
}
END_TEST

START_TEST(times_are_written_and_read)
{
	char text[SAM_CLOCK_TEXT];
	int64_t us;
	sam_clock_text(INT64_C(1795448726123456), text);
	ck_assert_str_eq(text, "2026-11-23T15:45:26.123456Z");
	ck_assert(sam_clock_parse(text, &us) && us == INT64_C(1795448726123456));
	ck_assert(sam_clock_parse("2026-11-24T00:45:26.123456+09:00", &us) && us == INT64_C(1795448726123456));
	ck_assert(sam_clock_parse("@1", &us) && us == 1000000);
	ck_assert(sam_clock_parse("1970-01-02", &us) && us == INT64_C(86400000000));
	static const char *const bad[] = {"", "@", "@1x", "2026", "2026-02-30", "2026-13-01", "2026-01-01T25:00:00Z",
					  "2026-01-01T00:00:00", "2026-01-01T00:00:00Zx", "2026-01-01T00:00:00+9:00", "@-1"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(!sam_clock_parse(bad[i], &us), "%s", bad[i]);
	sam_clock_text(INT64_MIN / 2, text); /* nothing sensible, but no crash */
}
END_TEST

START_TEST(sealed_is_private_and_bound_to_its_purpose)
{
	uint8_t root[32] = {1}, other_root[32] = {2}, mac[2][32], box[100 + SAM_SEAL_OVERHEAD], again[sizeof box], open[100];
	char text[100];
	struct sam_seal *seal, *other;
	memset(text, 's', sizeof text);
	ck_assert_int_eq(sam_seal_new(root, &seal), SAM_OK);
	ck_assert_int_eq(sam_seal_new(other_root, &other), SAM_OK);
	ck_assert_int_eq(sam_seal_mac(seal, SAM_SEAL_ROW, "x", 1, mac[0]), SAM_OK);
	ck_assert_int_eq(sam_seal_mac(seal, SAM_SEAL_SUM, "x", 1, mac[1]), SAM_OK);
	ck_assert_mem_ne(mac[0], mac[1], 32);
	ck_assert_int_eq(sam_seal_mac(other, SAM_SEAL_ROW, "x", 1, mac[1]), SAM_OK);
	ck_assert_mem_ne(mac[0], mac[1], 32);
	ck_assert_int_eq(sam_seal_encrypt(seal, "head", text, sizeof text, box), SAM_OK);
	ck_assert_int_eq(sam_seal_encrypt(seal, "head", text, sizeof text, again), SAM_OK);
	ck_assert_mem_ne(box, again, sizeof box);
	ck_assert_ptr_null(memmem(box, sizeof box, "ssss", 4));
	ck_assert_int_eq(sam_seal_decrypt(seal, "head", box, sizeof box, open), SAM_OK);
	ck_assert_mem_eq(open, text, sizeof text);
	ck_assert_int_eq(sam_seal_decrypt(seal, "token", box, sizeof box, open), SAM_STORE_TAMPERED);
	ck_assert_int_eq(sam_seal_decrypt(other, "head", box, sizeof box, open), SAM_STORE_TAMPERED);
	ck_assert_int_eq(sam_seal_decrypt(seal, "head", box, SAM_SEAL_OVERHEAD - 1, open), SAM_STORE_TAMPERED);
	for (size_t i = 0; i < sizeof box; i++) {
		box[i] ^= 1;
		ck_assert_int_eq(sam_seal_decrypt(seal, "head", box, sizeof box, open), SAM_STORE_TAMPERED);
		box[i] ^= 1;
	}
	sam_seal_free(seal);
	sam_seal_free(other);
	sam_seal_free(NULL);
}
END_TEST

START_TEST(random_is_asked_and_checked)
{
	uint8_t a[64] = {0}, b[64] = {0};
	ck_assert_int_eq(sam_ossl_random(a, sizeof a), SAM_OK);
	ck_assert_int_eq(sam_ossl_random(b, sizeof b), SAM_OK);
	ck_assert_mem_ne(a, b, sizeof a);
	ck_assert_int_eq(sam_ossl_random(a, 0), SAM_OK);
	ck_assert_int_eq(sam_ossl_random(a, (size_t)INT_MAX + 1), SAM_RANDOM);
}
END_TEST

START_TEST(every_reason_has_a_name_a_text_and_a_code)
{
	for (unsigned i = 0; i < SAM_REASON_COUNT; i++) {
		enum sam_reason r = (enum sam_reason)i;
		ck_assert(strlen(sam_reason_name(r)) > 1 && strlen(sam_reason_text(r)) > 3);
		ck_assert_uint_eq(sam_reason_find(sam_reason_name(r)), i);
		ck_assert((sam_reason_rv(r, false) == CKR_OK) == (r == SAM_OK));
		/* NSS repeats a context login for ever on this one */
		ck_assert_uint_ne(sam_reason_rv(r, true), CKR_PIN_INCORRECT);
	}
	ck_assert_uint_eq(sam_reason_find("no such"), SAM_REASON_COUNT);
	ck_assert_uint_eq(sam_reason_rv((enum sam_reason)9999, false), CKR_GENERAL_ERROR);
}
END_TEST

static void put_file(const char *path, const char *text, mode_t mode)
{
	unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
}

START_TEST(trusted_files_are_ours_alone)
{
	char dir[] = "/tmp/sam-base-XXXXXX", file[64], link[64];
	struct sam_msg msg = {""};
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(file, sizeof file, "%s/f", dir);
	snprintf(link, sizeof link, "%s/l", dir);
	put_file(file, "x", 0644);
	ck_assert_int_eq(symlink(file, link), 0);
	ck_assert_int_eq(sam_file_trusted(file, getuid(), &msg), SAM_OK);
	ck_assert_int_eq(sam_file_trusted(link, getuid(), &msg), SAM_OK);
	chmod(file, 0664);
	ck_assert_int_eq(sam_file_trusted(file, getuid(), &msg), SAM_CONFIG);
	ck_assert_ptr_nonnull(strstr(msg.text, "chmod"));
	ck_assert_int_eq(sam_file_trusted(link, getuid(), &msg), SAM_CONFIG);
	chmod(file, 0600);
	chmod(dir, 0777);
	ck_assert_int_eq(sam_file_trusted(file, getuid(), &msg), SAM_CONFIG);
	chmod(dir, 01777);
	ck_assert_int_eq(sam_file_trusted(file, getuid(), &msg), SAM_OK);
	chmod(dir, 0700);
	ck_assert_int_eq(sam_file_trusted(dir, getuid(), &msg), SAM_CONFIG); /* no file */
	if (getuid() == 0) {
		ck_assert_int_eq(chown(file, 12345, 0), 0);
		ck_assert_int_eq(sam_file_trusted(file, 0, &msg), SAM_CONFIG);
		ck_assert_int_eq(sam_file_trusted(file, 12345, &msg), SAM_OK);
	}
	unlink(file);
	ck_assert_int_eq(sam_file_trusted(file, getuid(), &msg), SAM_CONFIG);
	unlink(link);
	rmdir(dir);
}
END_TEST

START_TEST(pin_sources_are_bounded_and_private)
{
	char dir[] = "/tmp/sam-base-XXXXXX", file[64], source[80], big[400];
	struct sam_secret pin = {0};
	struct sam_msg msg;
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(file, sizeof file, "%s/pin", dir);
	snprintf(source, sizeof source, "file:%s", file);
	put_file(file, "1234\n", 0600);
	ck_assert_int_eq(sam_file_read_pin(source, &pin, &msg), SAM_OK);
	ck_assert_uint_eq(pin.len, 4);
	ck_assert_str_eq((char *)pin.data, "1234");
	snprintf(source, sizeof source, "file://%s", file);
	ck_assert_int_eq(sam_file_read_pin(source, &pin, &msg), SAM_OK);
	chmod(file, 0604);
	ck_assert_int_eq(sam_file_read_pin(source, &pin, &msg), SAM_CONFIG);
	put_file(file, "\n", 0600);
	ck_assert_int_eq(sam_file_read_pin(source, &pin, &msg), SAM_CONFIG);
	memset(big, '1', sizeof big);
	big[sizeof big - 1] = 0;
	put_file(file, big, 0600);
	ck_assert_int_eq(sam_file_read_pin(source, &pin, &msg), SAM_CONFIG);
	ck_assert_int_eq(sam_file_read_pin("credential:../x", &pin, &msg), SAM_CONFIG);
	ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", dir, 1), 0);
	put_file(file, "secret", 0400);
	ck_assert_int_eq(sam_file_read_pin("credential:pin", &pin, &msg), SAM_OK);
	ck_assert_str_eq((char *)pin.data, "secret");
	ck_assert_int_eq(sam_file_read_pin("credential:a/b", &pin, &msg), SAM_CONFIG);
	sam_secret_clear(&pin);
	unlink(file);
	rmdir(dir);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("base");
	TCase *t = tcase_create("base");
	tcase_add_test(t, base64url_round_trips_and_is_strict);
	tcase_add_test(t, base64_comes_in_both_alphabets);
	tcase_add_test(t, hex_round_trips_and_is_strict);
	tcase_add_test(t, digestinfo_is_taken_in_exact_der_alone);
	tcase_add_test(t, hashes_are_found_by_all_their_names);
	tcase_add_test(t, names_that_look_like_a_sad_are_refused);
	tcase_add_test(t, times_are_written_and_read);
	tcase_add_test(t, sealed_is_private_and_bound_to_its_purpose);
	tcase_add_test(t, random_is_asked_and_checked);
	tcase_add_test(t, every_reason_has_a_name_a_text_and_a_code);
	tcase_add_test(t, trusted_files_are_ours_alone);
	tcase_add_test(t, pin_sources_are_bounded_and_private);
	suite_add_tcase(s, t);
	return s;
}

SAM_UNIT_MAIN(suite)
