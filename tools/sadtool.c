/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sadtool: finding the verb, help, messages.
 */
#include "tools/sadtool.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static const struct {
	const char *name;
	int (*run)(int argc, char *argv[]);
	const char *what;
} verbs[] = {
	{"keygen", sadtool_keygen, "make a device key"},
	{"new", sadtool_new, "make a SAD (or many) and print it"},
	{"enrol", sadtool_enrol, "prove the possession of a device key that shall be enrolled"},
	{"assert", sadtool_assert, "assert an act of samctl as the privileged user"},
	{"policy", sadtool_policy, "sign a policy and the configuration beside it"},
	{"prove", sadtool_prove, "prove the possession of the key in a SAD's cnf"},
	{"inspect", sadtool_inspect, "show what one of these says"},
};

static void complain(const char *what, const char *fmt, va_list args)
{
	fprintf(stderr, "sadtool: %s: ", what);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
}

int sadtool_fail(const char *what, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	complain(what, fmt, args);
	va_end(args);
	return SADTOOL_FAILED;
}

int sadtool_misuse(const char *what, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	complain(what, fmt, args);
	va_end(args);
	fputs("Try `sadtool --help`, or --help behind the verb.\n", stderr);
	return SADTOOL_USAGE;
}

int sadtool_bad_option(const char *verb, char *const argv[])
{
	return sadtool_misuse(verb, "`%s` is no option here, or lacks its value", argv[optind - 1]);
}

bool sadtool_number(const char *text, int64_t max, int64_t *out)
{
	char *end;
	errno = 0;
	intmax_t value = strtoimax(text, &end, 10);
	if (errno || end == text || *end || value < 1 || value > max)
		return false;
	*out = value;
	return true;
}

static int help(FILE *out)
{
	fputs("usage: sadtool VERB [OPTION]...\n\nVerbs (each has --help):\n", out);
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		fprintf(out, "  %-8s %s\n", verbs[i].name, verbs[i].what);
	fputs("\nExit status: 0 done, 1 refused or failed, 2 wrong usage.\n", out);
	return out == stdout ? SADTOOL_OK : SADTOOL_USAGE;
}

static int run(int argc, char *argv[])
{
	if (argc < 2)
		return help(stderr);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return help(stdout);
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(argc - 1, argv + 1);
	return sadtool_misuse(argv[1], "no such verb");
}

int main(int argc, char *argv[])
{
	/* the device key must not end in a core file (invariant 8) */
	const struct rlimit none = {0, 0};
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (sam_ossl_start() != SAM_OK)
		return sadtool_fail("OpenSSL", "it cannot be used");
	int status = run(argc, argv);
	if ((fflush(stdout) != 0 || ferror(stdout)) && status == SADTOOL_OK)
		return sadtool_fail("standard output", "it cannot be written");
	return status;
}
