/* SPDX-License-Identifier: BSD-3-Clause
 *
 * samctl audit: reading the trail, as table, JSON lines (the records' own bytes) or CSV; explaining
 * a record; verifying the whole. Reading is recorded before it is done.
 */
#include "tools/samctl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"

enum format { TABLE, LINES, CSV };

struct reader {
	const struct samctl *ctl;
	enum format format;
	uint64_t count;
};

static const char *const filters[] = { "since",	     "until",	"type",	  "signer", "actor",
				       "credential", "outcome", "reason", "jti" };

/* ---- what is asked for ---- */

static bool type_exists(const char *name)
{
	for (int i = 0; i < SAM_EVENT_COUNT; i++)
		if (strcmp(sam_audit_event_info((enum sam_event_type)i)->name, name) == 0)
			return true;
	return false;
}

static int read_time(const struct samctl *ctl, const char *name, int64_t *us)
{
	const char *text = samctl_given(ctl, name, 0);

	if (text && !sam_clock_parse(text, us))
		return samctl_usage(
			ctl, "--%s: `%s' is no time: 2026-11-23, 2026-11-23T15:45:00Z or @SECONDS",
			name, text);
	return SAMCTL_DONE;
}

static int read_filter(const struct samctl *ctl, struct sam_audit_filter *filter)
{
	int status = read_time(ctl, "since", &filter->since_us);

	if (status == SAMCTL_DONE)
		status = read_time(ctl, "until", &filter->until_us);
	if (status != SAMCTL_DONE)
		return status;
	filter->type = samctl_given(ctl, "type", 0);
	filter->outcome = samctl_given(ctl, "outcome", 0);
	filter->reason = samctl_given(ctl, "reason", 0);
	filter->signer = samctl_given(ctl, "signer", 0);
	filter->actor = samctl_given(ctl, "actor", 0);
	filter->credential = samctl_given(ctl, "credential", 0);
	filter->jti = samctl_given(ctl, "jti", 0);
	if (filter->type && !type_exists(filter->type))
		return samctl_usage(ctl, "--type: `%s' is no event type; see p11-sam-audit(5)",
				    filter->type);
	if (filter->outcome && strcmp(filter->outcome, "success") != 0 &&
	    strcmp(filter->outcome, "failure") != 0)
		return samctl_usage(ctl, "--outcome is success or failure");
	if (filter->reason && sam_reason_find(filter->reason) == SAM_REASON_COUNT)
		return samctl_usage(ctl, "--reason: `%s' is no reason; see p11-sam-audit(5)",
				    filter->reason);
	return SAMCTL_DONE;
}

static int read_format(const struct samctl *ctl, enum format *format)
{
	const char *name = samctl_given(ctl, "format", 0);

	*format = ctl->json ? LINES : TABLE;
	if (!name || strcmp(name, "table") == 0)
		return name && ctl->json
			       ? samctl_usage(ctl, "--json and --format table exclude each other")
			       : SAMCTL_DONE;
	if (strcmp(name, "json") == 0)
		*format = LINES;
	else if (strcmp(name, "csv") == 0 && !ctl->json)
		*format = CSV;
	else
		return samctl_usage(ctl, "--format is one of table, json and csv");
	return SAMCTL_DONE;
}

/* What was asked for, for the record of the reading. */
static void describe(const struct samctl *ctl, char *out, size_t size)
{
	size_t used = (size_t)snprintf(out, size, "%s", ctl->verb->name);

	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]) && used < size; i++) {
		const char *value = samctl_given(ctl, filters[i], 0);

		if (value)
			used += (size_t)snprintf(out + used, size - used, " %s=%s", filters[i],
						 value);
	}
}

static bool record_reading(struct samctl *ctl, const char *target)
{
	struct sam_event event = { .type = SAM_EVENT_AUDIT_READ, .target = target };

	return samctl_record(ctl, &event);
}

/* ---- one record ---- */

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

static void table_head(void)
{
	printf("%-27s  %6s  %-20s  %-7s  %-22s  %-16s  %-16s  %-8s  %s\n", "TIME", "SEQ", "TYPE",
	       "OUTCOME", "REASON", "ACTOR", "SIGNER", "KEY", "LABEL OR TARGET");
}

static void table_row(const struct sam_audit_row *row, const json_t *line)
{
	char time[SAM_CLOCK_TEXT], key[9];
	const json_t *count = json_object_get(line, "count");
	bool good = row->outcome && strcmp(row->outcome, "success") == 0;

	sam_clock_text(row->time_us, time);
	snprintf(key, sizeof(key), "%.8s", row->credential ? row->credential : "");
	printf("%-27s  %6" PRIu64 "  ", time, row->seq);
	samctl_print_text(row->type ? row->type : "", 22);
	samctl_colour(good);
	samctl_print_text(row->outcome ? row->outcome : "", 9);
	samctl_plain();
	samctl_print_text(row->reason ? row->reason : "", 24);
	samctl_print_text(row->actor ? row->actor : "", 18);
	samctl_print_text(row->signer ? row->signer : "", 18);
	samctl_print_text(key, 10);
	samctl_print_text(text_of(line, *text_of(line, "label") ? "label" : "target"), 0);
	if (count)
		printf(" (%lld times)", (long long)json_integer_value(count));
	putchar('\n');
}

/* RFC 4180; what a spreadsheet would take for a formula gets an apostrophe before it. */
static void csv_cell(const char *text, bool last)
{
	if (*text && strchr("=+-@\t\r", *text))
		fputs("\"'", stdout);
	else
		putchar('"');
	for (; *text; text++) {
		if (*text == '"')
			putchar('"');
		putchar(*text);
	}
	fputs(last ? "\"\r\n" : "\",", stdout);
}

static const char *const csv_columns[] = { "node",   "class",	  "type",   "outcome",
					   "reason", "detail",	  "signer", "credentialID",
					   "label",  "mechanism", "dtbsr",  "target",
					   "hash" };

static void csv_head(void)
{
	fputs("\"seq\",\"time\",\"count\",\"actor\",\"jti\",", stdout);
	for (size_t i = 0; i < sizeof(csv_columns) / sizeof(csv_columns[0]); i++)
		csv_cell(csv_columns[i], i + 1 == sizeof(csv_columns) / sizeof(csv_columns[0]));
}

static void csv_row(const struct sam_audit_row *row, const json_t *line)
{
	const json_t *count = json_object_get(line, "count");

	printf("%" PRIu64 ",", row->seq);
	csv_cell(text_of(line, "time"), false);
	printf("%lld,", count ? (long long)json_integer_value(count) : 1);
	csv_cell(text_of(json_object_get(line, "actor"), "id"), false);
	csv_cell(text_of(json_object_get(line, "sad"), "jti"), false);
	for (size_t i = 0; i < sizeof(csv_columns) / sizeof(csv_columns[0]); i++)
		csv_cell(text_of(line, csv_columns[i]),
			 i + 1 == sizeof(csv_columns) / sizeof(csv_columns[0]));
}

static enum sam_reason print_row(void *arg, const struct sam_audit_row *row)
{
	struct reader *reader = arg;
	json_auto_t *line = NULL;

	reader->count++;
	if (reader->format == LINES) {
		puts(row->line); /* its exact bytes: whoever gets them can verify them */
		return SAM_OK;
	}
	line = json_loads(row->line, 0, NULL);
	if (reader->format == CSV)
		csv_row(row, line);
	else
		table_row(row, line);
	return SAM_OK;
}

/* ---- the verbs ---- */

static int list(struct samctl *ctl)
{
	struct reader reader = { .ctl = ctl };
	struct sam_audit_filter filter = { 0 };
	enum sam_reason reason;
	char target[512];
	int status = read_filter(ctl, &filter);

	if (status == SAMCTL_DONE)
		status = read_format(ctl, &reader.format);
	if (status != SAMCTL_DONE)
		return status;
	describe(ctl, target, sizeof(target));
	if (!record_reading(ctl, target))
		return SAMCTL_FAILED;
	if (reader.format == TABLE)
		table_head();
	else if (reader.format == CSV)
		csv_head();
	reason = sam_store_audit_read(sam_store(ctl->sam), &filter, print_row, &reader);
	return reason == SAM_OK ? SAMCTL_DONE : samctl_fail(ctl, reason, NULL);
}

int samctl_audit_list(struct samctl *ctl)
{
	return list(ctl);
}

int samctl_audit_search(struct samctl *ctl)
{
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++)
		if (samctl_given(ctl, filters[i], 0))
			return list(ctl);
	return samctl_usage(ctl, "needs at least one condition; `samctl audit list' shows all");
}

static enum sam_reason keep_line(void *arg, const struct sam_audit_row *row)
{
	char **line = arg;

	*line = strdup(row->line);
	return *line ? SAM_OK : SAM_MEMORY;
}

/* The record's words, and what its type and reason mean. */
static int explain(struct samctl *ctl, const char *line)
{
	json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	const char *type = text_of(object, "type");
	enum sam_reason reason = sam_reason_find(text_of(object, "reason"));

	if (!object) {
		samctl_say(ctl, "the record is no JSON; run `samctl audit verify'");
		return SAMCTL_FAILED;
	}
	for (int i = 0; i < SAM_EVENT_COUNT; i++) {
		const struct sam_event_info *info = sam_audit_event_info((enum sam_event_type)i);

		if (strcmp(info->name, type) == 0)
			printf("%s (%s)\n", info->meaning, info->clause);
	}
	if (reason != SAM_OK && reason < SAM_REASON_COUNT)
		printf("Refused: %s\n", sam_reason_text(reason));
	putchar('\n');
	return samctl_print_object(ctl, object);
}

int samctl_audit_show(struct samctl *ctl)
{
	sam_auto(sam_free) char *line = NULL;
	struct sam_audit_filter filter = { 0 };
	enum sam_reason reason;
	unsigned long long seq;
	char *end, target[64];

	errno = 0;
	seq = strtoull(ctl->args[0], &end, 10);
	if (errno || *end || seq == 0 || *ctl->args[0] < '0' || *ctl->args[0] > '9')
		return samctl_usage(ctl, "`%s' is no sequence number", ctl->args[0]);
	filter.from_seq = filter.to_seq = seq;
	snprintf(target, sizeof(target), "show %llu", seq);
	if (!record_reading(ctl, target))
		return SAMCTL_FAILED;
	reason = sam_store_audit_read(sam_store(ctl->sam), &filter, keep_line, &line);
	if (reason != SAM_OK)
		return samctl_fail(ctl, reason, NULL);
	if (!line) {
		samctl_say(ctl, "%llu: there is no such record", seq);
		return SAMCTL_FAILED;
	}
	if (!ctl->json)
		return explain(ctl, line);
	puts(line);
	return SAMCTL_DONE;
}

/* ---- verifying ---- */

static void show_progress(void *arg, uint64_t done)
{
	fprintf(stderr, "\rsamctl: audit verify: %" PRIu64 " of %" PRIu64, done, *(uint64_t *)arg);
}

static void end_progress(bool shown)
{
	if (shown)
		fputs("\r\033[K", stderr);
}

/* What was found is an alert of its own in the trail, behind the damage. */
static int report(struct samctl *ctl, enum sam_reason reason, uint64_t count,
		  const struct sam_msg *msg)
{
	const char *text = *msg->text ? msg->text : sam_reason_text(reason);
	struct sam_event event = { .type = SAM_EVENT_INTEGRITY, .reason = reason, .target = text };

	if (ctl->json)
		samctl_print_object(ctl, json_pack("{s:b,s:I,s:s}", "verified", 0, "records",
						   (json_int_t)count, "problem", text));
	samctl_say(ctl, "%s", text);
	if (reason == SAM_STORE_TAMPERED && !samctl_record(ctl, &event))
		samctl_say(ctl, "the alert could not be recorded");
	return SAMCTL_FAILED;
}

/* The trail's signed checkpoints: what stands outside of the store. */
static enum sam_reason verify_checkpoints(struct samctl *ctl, uint64_t *count, struct sam_msg *msg)
{
	const struct sam_snapshot *s;
	enum sam_reason reason = sam_registry_get(sam_registry(ctl->sam), &s);

	if (reason != SAM_OK)
		return reason;
	reason = sam_own_verify_checkpoints(sam_store(ctl->sam), sam_own(ctl->sam), s->statement_key, count, msg);
	sam_registry_put(s);
	return reason;
}

int samctl_audit_verify(struct samctl *ctl)
{
	bool shown = isatty(STDERR_FILENO);
	struct sam_store_head head = { .audit_seq = 0 };
	struct sam_msg msg = { "" };
	uint64_t count = 0, checkpoints = 0;
	enum sam_reason reason;

	if (!record_reading(ctl, "verify"))
		return SAMCTL_FAILED;
	if (shown && sam_store_head(sam_store(ctl->sam), &head) != SAM_OK)
		shown = false; /* whatever that is, verifying will say it */
	reason = sam_audit_verify(sam_store(ctl->sam), shown ? show_progress : NULL,
				  &head.audit_seq, &count, &msg);
	end_progress(shown);
	if (reason == SAM_OK)
		reason = sam_store_check(sam_store(ctl->sam), &msg);
	if (reason == SAM_OK)
		reason = verify_checkpoints(ctl, &checkpoints, &msg);
	if (reason != SAM_OK)
		return report(ctl, reason, count, &msg);
	return samctl_print_done(ctl,
				 json_pack("{s:b,s:I,s:I}", "verified", 1, "records", (json_int_t)count,
					   "checkpoints", (json_int_t)checkpoints),
				 "%" PRIu64 " records, chain verified; %" PRIu64 " signed checkpoints", count,
				 checkpoints);
}
