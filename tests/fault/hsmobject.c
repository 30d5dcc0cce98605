/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Changes an object of SoftHSM (2.6) in its file, which no call of PKCS#11 would: what somebody does who has the disk.
 *
 *   hsmobject FILE class                 prints CKA_CLASS
 *   hsmobject FILE bool TYPE 0|1         sets that attribute
 *   hsmobject FILE mechanisms TYPE M...  sets a set of mechanisms
 *   hsmobject FILE from OTHER TYPE       takes over the attribute of another object of the same token, encrypted as it is
 *   hsmobject FILE put OTHER             takes over all of it
 *
 * The file: a generation, then for each attribute type, kind and value; all numbers 8 bytes, the highest first. The
 * generation is counted up, so that running processes read the file again; the file is replaced at once.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <p11-kit/pkcs11.h>

enum { FILE_MAX = 1 << 16, NUMBER = 8 };
enum kind { BOOLEAN = 1, ULONG = 2, BYTES = 3, MECHANISMS = 5 };

struct object {
	uint8_t bytes[FILE_MAX];
	size_t len;
};

static _Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "hsmobject: %s: %s\n", what, why);
	exit(1);
}

static uint64_t number(const struct object *o, size_t at)
{
	uint64_t n = 0;
	if (at > o->len || o->len - at < NUMBER)
		die("object", "cut short");
	for (size_t i = 0; i < NUMBER; i++)
		n = n << 8 | o->bytes[at + i];
	return n;
}

static void put_number(uint8_t *to, uint64_t n)
{
	for (size_t i = NUMBER; i-- > 0; n >>= 8)
		to[i] = (uint8_t)n;
}

static void load(const char *path, struct object *o)
{
	FILE *f = fopen(path, "r");
	if (!f)
		die(path, "cannot be read");
	o->len = fread(o->bytes, 1, sizeof o->bytes, f);
	fclose(f);
	if (o->len < NUMBER || o->len == sizeof o->bytes)
		die(path, "no object");
}

static void save(const char *path, struct object *o, uint64_t generation)
{
	char beside[4096];
	put_number(o->bytes, generation);
	snprintf(beside, sizeof beside, "%s.new", path);
	FILE *f = fopen(beside, "w");
	if (!f || fwrite(o->bytes, 1, o->len, f) != o->len || fclose(f) != 0 || rename(beside, path) != 0)
		die(path, "cannot be written");
}

static size_t value_len(const struct object *o, size_t at, uint64_t kind)
{
	if (kind == BOOLEAN)
		return 1;
	if (kind == ULONG)
		return NUMBER;
	uint64_t n = number(o, at);
	if (n >= FILE_MAX)
		die("object", "a length is out of bounds");
	return NUMBER + (size_t)n * (kind == MECHANISMS ? NUMBER : 1);
}

/* Where the value is, its length and kind. */
static size_t find(const struct object *o, uint64_t type, size_t *len, uint64_t *kind)
{
	for (size_t at = NUMBER; at < o->len;) {
		uint64_t is = number(o, at);
		*kind = number(o, at + NUMBER);
		at += 2 * NUMBER;
		*len = value_len(o, at, *kind);
		if (*kind < BOOLEAN || *kind > MECHANISMS || *len > o->len - at)
			die("object", "of a format that is not known here");
		if (is == type)
			return at;
		at += *len;
	}
	die("object", "it has no such attribute");
}

static void replace(struct object *o, uint64_t type, enum kind kind, const uint8_t *value, size_t value_size)
{
	size_t len;
	uint64_t is;
	size_t at = find(o, type, &len, &is);
	if (is != kind)
		die("attribute", "of another kind");
	if (o->len - len + value_size >= sizeof o->bytes)
		die("object", "too long");
	memmove(o->bytes + at + value_size, o->bytes + at + len, o->len - at - len);
	memcpy(o->bytes + at, value, value_size);
	o->len = o->len - len + value_size;
}

static void set_mechanisms(struct object *o, uint64_t type, char *words[], size_t count)
{
	uint8_t value[16 * NUMBER];
	if (count >= 16)
		die("mechanisms", "too many");
	put_number(value, count);
	for (size_t i = 0; i < count; i++)
		put_number(value + (i + 1) * NUMBER, strtoull(words[i], NULL, 0));
	replace(o, type, MECHANISMS, value, (count + 1) * NUMBER);
}

int main(int argc, char **argv)
{
	static struct object object, other;
	const char *verb = argc > 2 ? argv[2] : "";
	size_t len, at;
	uint64_t kind;
	if (argc < 3)
		die("usage", "hsmobject FILE VERB ...");
	load(argv[1], &object);
	uint64_t generation = number(&object, 0) + 1;
	if (strcmp(verb, "class") == 0) {
		at = find(&object, CKA_CLASS, &len, &kind);
		printf("%llu\n", (unsigned long long)number(&object, at));
		return 0;
	}
	if (strcmp(verb, "put") == 0 && argc == 4) {
		load(argv[3], &object);
	} else if (strcmp(verb, "bool") == 0 && argc == 5) {
		const uint8_t value = argv[4][0] == '1' ? 0xff : 0;
		replace(&object, strtoull(argv[3], NULL, 0), BOOLEAN, &value, 1);
	} else if (strcmp(verb, "mechanisms") == 0 && argc >= 4) {
		set_mechanisms(&object, strtoull(argv[3], NULL, 0), argv + 4, (size_t)argc - 4);
	} else if (strcmp(verb, "from") == 0 && argc == 5) {
		uint64_t type = strtoull(argv[4], NULL, 0);
		load(argv[3], &other);
		at = find(&other, type, &len, &kind);
		replace(&object, type, (enum kind)kind, other.bytes + at, len);
	} else {
		die(verb, "no such verb");
	}
	save(argv[1], &object, generation);
	return 0;
}
