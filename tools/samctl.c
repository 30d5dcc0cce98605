/* SPDX-License-Identifier: BSD-3-Clause
 *
 * samctl: finding the verb, reading its options, asking who acts, running it.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "tools/samctl.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

enum { OPTIONS_MAX = 48, LETTER = 1000 }; /* getopt's value for the i-th option: LETTER + i */

/* ---- help ---- */

static void print_options(const struct samctl_option *options)
{
	for (; options->name; options++) {
		char left[64];

		snprintf(left, sizeof(left), "--%s%s%s", options->name, options->value ? " " : "",
			 options->value ? options->value : "");
		printf("  %-28s %s%s\n", left, options->help,
		       options->need == SAMCTL_REQUIRED ? " (required)"
		       : options->need == SAMCTL_MANY	? " (may be repeated)"
							: "");
	}
}

static void print_set(unsigned roles, const char *between)
{
	for (int role = SAM_ROLE_NONE + 1; role < SAM_ROLE_COUNT; role++) {
		if (roles & 1u << role) {
			printf("%s%s", between, sam_role_name((enum sam_role)role));
			between = ", ";
		}
	}
}

/* By acts.def; the policy may ask for a second officer besides. */
static void print_roles(const struct samctl_verb *verb)
{
	unsigned second = 0;
	char text[64];

	if (samctl_verb_roles(verb) & SAM_ANYBODY) {
		puts("Needs no --as.");
		return;
	}
	print_set(samctl_verb_roles(verb), "May be used by: ");
	puts(" (--as NAME --pin-source URI).");
	samctl_verb_text(verb, text, sizeof(text));
	for (int act = 0; act < SAM_ACT_COUNT; act++)
		if (strcmp(sam_act_info((enum sam_act)act)->verb, text) == 0)
			second |= sam_act_info((enum sam_act)act)->second;
	if (second) {
		print_set(second, "Waits, by cases, for a second person: ");
		puts(" (--second NAME, or `samctl pending confirm`; see p11-sam-roles(7)).");
	}
	if (*samctl_verb_sad(verb))
		puts("The signer's own SAD does it alone (--sad FILE).");
}

static void help_verb(const struct samctl_verb *verb)
{
	char name[64];

	printf("usage: samctl [OPTION]... %s%s%s%s\n\n%c%s.\n",
	       samctl_verb_text(verb, name, sizeof(name)), *verb->args ? " " : "", verb->args,
	       verb->options->name ? " [OPTION]..." : "", verb->what[0] - 'a' + 'A',
	       verb->what + 1);
	print_roles(verb);
	if (verb->options->name) {
		puts("\nOptions:");
		print_options(verb->options);
	}
	puts("\nOptions of every verb:");
	print_options(samctl_globals);
}

/* All verbs, or those of one group. */
static void help_all(const char *group)
{
	const struct samctl_verb *verb;

	puts("usage: samctl [OPTION]... VERB...\n\nVerbs:");
	for (size_t i = 0; (verb = samctl_verb_at(i)); i++) {
		char name[64];

		if (group && strcmp(group, verb->group) != 0)
			continue;
		samctl_verb_text(verb, name, sizeof(name));
		if (*verb->args) {
			strcat(name, " ");
			strcat(name, verb->args);
		}
		printf("  %-28s %s\n", name, verb->what);
	}
	puts("\nOptions of every verb:");
	print_options(samctl_globals);
	puts("\n`samctl VERB --help` has the options of a verb; samctl(1) and its pages have "
	     "more.");
}

/* ---- options ---- */

const char *samctl_given(const struct samctl *ctl, const char *name, size_t i)
{
	for (size_t k = 0; k < ctl->given_count; k++)
		if (strcmp(ctl->given[k].name, name) == 0 && i-- == 0)
			return ctl->given[k].value;
	return NULL;
}

size_t samctl_given_count(const struct samctl *ctl, const char *name)
{
	size_t count = 0;

	while (samctl_given(ctl, name, count))
		count++;
	return count;
}

static int take_global(struct samctl *ctl, const char *name, const char *value)
{
	const struct {
		const char *name;
		const char **text;
	} texts[] = {
		{ "config", &ctl->config },
		{ "as", &ctl->who[0].name },
		{ "pin-source", &ctl->who[0].pin_source },
		{ "assertion", &ctl->who[0].assertion },
		{ "second", &ctl->who[1].name },
		{ "second-pin-source", &ctl->who[1].pin_source },
		{ "second-assertion", &ctl->who[1].assertion },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (strcmp(name, texts[i].name) != 0)
			continue;
		if (*texts[i].text)
			return samctl_usage(ctl, "--%s is given twice", name);
		*texts[i].text = value;
	}
	if (strcmp(name, "json") == 0)
		ctl->json = true;
	else if (strcmp(name, "help") == 0)
		ctl->help = true;
	return SAMCTL_DONE;
}

/* The command's words without what says who acts and how it is printed: what an assertion repeats. */
static json_t *read_words(int argc, char **argv)
{
	json_t *words = json_array();

	for (int i = 1; words && i < argc; i++) {
		const struct samctl_option *o = samctl_globals;
		size_t len = 0;

		for (; o->name; o++) {
			len = strlen(o->name);
			if (strncmp(argv[i], "--", 2) == 0 && strncmp(argv[i] + 2, o->name, len) == 0 &&
			    (!argv[i][2 + len] || (o->value && argv[i][2 + len] == '=')))
				break;
		}
		if (o->name) {
			i += o->value && !argv[i][2 + len]; /* its value is no word either */
		} else if (json_array_append_new(words, json_string(argv[i])) != 0) {
			json_decref(words); /* no UTF-8: there are no words that an assertion could be about */
			return NULL;
		}
	}
	return words;
}

static int take_own(struct samctl *ctl, const struct samctl_option *option, const char *value)
{
	if (option->need != SAMCTL_MANY && samctl_given(ctl, option->name, 0))
		return samctl_usage(ctl, "--%s is given twice", option->name);
	if (ctl->given_count == SAMCTL_GIVEN_MAX)
		return samctl_usage(ctl, "too many options");
	ctl->given[ctl->given_count].name = option->name;
	ctl->given[ctl->given_count++].value = value ? value : "";
	return SAMCTL_DONE;
}

static size_t fill(struct option *out, size_t count, const struct samctl_option *options,
		   size_t *index, size_t *total)
{
	for (size_t i = 0; options[i].name && *total < OPTIONS_MAX; i++, (*total)++) {
		out[*total] = (struct option){ options[i].name,
					       options[i].value ? required_argument : no_argument,
					       NULL, LETTER + (int)*total };
		index[*total] = i;
		count++;
	}
	out[*total] = (struct option){ NULL, 0, NULL, 0 };
	return count;
}

/* Reads options from argv[optind] on: the global ones, and the verb's if it is known. Before the
 * verb it stops at the first operand, after it operands and options may mix. */
static int read_options(struct samctl *ctl, int argc, char **argv)
{
	struct option table[OPTIONS_MAX + 1];
	size_t index[OPTIONS_MAX], total = 0;
	size_t globals = fill(table, 0, samctl_globals, index, &total);
	int c, status = SAMCTL_DONE;

	if (ctl->verb)
		fill(table, 0, ctl->verb->options, index, &total);
	opterr = 0;
	while ((c = getopt_long(argc, argv, ctl->verb ? ":" : "+:", table, NULL)) != -1) {
		size_t i = (size_t)(c - LETTER);

		if (c == ':')
			return samctl_usage(ctl, "%s needs a value", argv[optind - 1]);
		if (c < LETTER)
			return samctl_usage(ctl, "unknown option %s", argv[optind - 1]);
		if (strcmp(table[i].name, "version") == 0) {
			puts("samctl (p11-sam) " PACKAGE_VERSION);
			exit(SAMCTL_DONE);
		}
		status = i < globals ? take_global(ctl, table[i].name, optarg)
				     : take_own(ctl, &ctl->verb->options[index[i]], optarg);
		if (status != SAMCTL_DONE)
			return status;
	}
	return status;
}

static int check_usage(const struct samctl *ctl)
{
	if (ctl->arg_count < ctl->verb->min_args)
		return samctl_usage(ctl, "needs %s", ctl->verb->args);
	if (ctl->arg_count > ctl->verb->max_args)
		return samctl_usage(ctl, "does not take `%s'", ctl->args[ctl->verb->max_args]);
	for (const struct samctl_option *o = ctl->verb->options; o->name; o++)
		if (o->need == SAMCTL_REQUIRED && !samctl_given(ctl, o->name, 0))
			return samctl_usage(ctl, "needs --%s %s", o->name, o->value);
	for (int i = 0; i < 2; i++) {
		const char *second = i ? "second-" : "";

		if (ctl->who[i].pin_source && ctl->who[i].assertion)
			return samctl_usage(ctl, "--%spin-source or --%sassertion, not both", second, second);
	}
	if (samctl_verb_roles(ctl->verb) & SAM_ANYBODY)
		return SAMCTL_DONE;
	if (*samctl_verb_sad(ctl->verb) && samctl_given(ctl, "sad", 0))
		return ctl->who[0].name || ctl->who[1].name
			       ? samctl_usage(ctl, "--sad stands for the signer: no --as, no --second")
			       : SAMCTL_DONE;
	if (!ctl->who[0].name)
		return samctl_usage(ctl, "needs --as NAME: who acts?");
	return SAMCTL_DONE;
}

/* ---- the verb ---- */

static bool group_exists(const char *group)
{
	const struct samctl_verb *verb;

	for (size_t i = 0; (verb = samctl_verb_at(i)); i++)
		if (strcmp(verb->group, group) == 0)
			return true;
	return false;
}

/* Finds the verb in argv[optind…] and moves optind behind it; SAMCTL_DONE without a verb: help was
 * asked for. */
static int find_verb(struct samctl *ctl, int argc, char **argv)
{
	const char *group = optind < argc ? argv[optind] : NULL;
	const char *name = group && optind + 1 < argc ? argv[optind + 1] : "";
	const struct samctl_verb *verb;

	if (!group)
		return ctl->help ? SAMCTL_DONE : samctl_usage(ctl, "which verb?");
	for (size_t i = 0; (verb = samctl_verb_at(i)); i++) {
		if (strcmp(verb->group, group) != 0 ||
		    (verb->name && strcmp(verb->name, name) != 0))
			continue;
		ctl->verb = verb;
		samctl_verb_text(verb, ctl->what, sizeof(ctl->what));
		optind += verb->name ? 2 : 1;
		return SAMCTL_DONE;
	}
	if (!group_exists(group))
		return samctl_usage(ctl, "there is no verb `%s'", group);
	if (ctl->help || strcmp(name, "--help") == 0) {
		help_all(group);
		exit(SAMCTL_DONE);
	}
	return *name ? samctl_usage(ctl, "there is no verb `%s %s'", group, name)
		     : samctl_usage(ctl, "which verb of `%s'?", group);
}

/* Passwords and SADs pass through here: no core file, whatever core_pattern says (invariant 8). */
static void no_core(void)
{
	const struct rlimit zero = { 0, 0 };

	setrlimit(RLIMIT_CORE, &zero);
#ifndef __SANITIZE_ADDRESS__ /* its leak check must attach to us */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

static int run(struct samctl *ctl, int argc, char **argv)
{
	int status = read_options(ctl, argc, argv);

	if (status == SAMCTL_DONE)
		status = find_verb(ctl, argc, argv);
	if (status != SAMCTL_DONE)
		return status;
	if (!ctl->verb) {
		help_all(NULL);
		return SAMCTL_DONE;
	}
	argc -= optind -
		1; /* the verb's last word stands where getopt looks for a program's name */
	argv += optind - 1;
	optind = 0; /* glibc: begin anew, now with operands and options mixed */
	status = read_options(ctl, argc, argv);
	if (status != SAMCTL_DONE)
		return status;
	if (ctl->help) {
		help_verb(ctl->verb);
		return SAMCTL_DONE;
	}
	ctl->args = argv + optind;
	ctl->arg_count = argc - optind;
	status = check_usage(ctl);
	if (status == SAMCTL_DONE)
		status = samctl_authenticate(ctl);
	return status == SAMCTL_DONE ? ctl->verb->run(ctl) : status;
}

int main(int argc, char **argv)
{
	struct samctl ctl = { .words = read_words(argc, argv) };
	int status;

	no_core();
	status = run(&ctl, argc, argv);
	samctl_checkpoint(&ctl);
	if (ctl.sam)
		sam_close(ctl.sam);
	sam_secret_clear(&ctl.sad);
	json_decref(ctl.who[0].files);
	json_decref(ctl.who[1].files);
	json_decref(ctl.words);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		samctl_say(&ctl, "standard output: cannot be written");
		status = SAMCTL_FAILED;
	}
	return status;
}
