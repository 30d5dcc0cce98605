#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The manual says what the programs say: every verb and option of samctl and sadtool has its place in a page,
# and every option in a page exists; every event type and reason is in p11-sam-audit(5); mandoc is content.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
man=$SAM_SRCDIR/man
samctl=$SAM_BUILDDIR/tools/samctl
sadtool=$SAM_BUILDDIR/tools/sadtool

# section TITLE: the lines below "TITLE:" up to the next empty one
section() { awk -v title="$1:" '$0 == title { on = 1; next } /^$/ { on = 0 } on'; }
long_options() { grep -o '^  --[a-z-]*' | sed 's/^  --//' | sort -u; }
# documented PAGE: its long options
documented() { grep -oE 'Fl (Fl |-)[a-z][a-z-]*' "$1" | sed -E 's/Fl (Fl |-)//' | sort -u; }
# nothing_missing LIST: it is empty, or it is told
nothing_missing() { [ -z "$1" ] || { echo "missing:$1"; false; }; }
# same DESCRIPTION FILE-A FILE-B
same() { check "$1" diff -u "$2" "$3"; }
# verb_words: of samctl's list; operands are in capitals or brackets
verb_words() { sed 's/^  //; s/  .*//; s/ \[\{0,1\}[A-Z].*//'; }

# ---- samctl
timeout 20 "$samctl" --help >"$work/help"
section Verbs <"$work/help" | verb_words >"$work/verbs"
section 'Options of every verb' <"$work/help" | long_options >"$work/globals"
check "samctl --help lists verbs and options" test -s "$work/verbs" -a -s "$work/globals"
while read -r group verb; do
	page=$man/samctl-$group.1
	if [ ! -e "$page" ]; then
		page=$man/samctl.1
		check "samctl $group: samctl.1 has it" grep -qx "\\.Ss samctl $group" "$page"
	else
		check "samctl $group${verb:+ $verb}: ${page##*/} has it in its synopsis" \
			grep -qx "\\.Cm $group${verb:+ $verb}" "$page"
		check "samctl $group${verb:+ $verb}: samctl.1 points to its page" grep -qx "\\.Xr samctl-$group 1" "$man/samctl.1"
	fi
	check "samctl $group${verb:+ $verb}: samctl.1 lists it" \
		grep -q "^\\.It Cm \\(.*, \\)\\{0,1\\}$group${verb:+ $verb}\\( ,.*\\)\\{0,1\\}$" "$man/samctl.1"
	# shellcheck disable=SC2086
	timeout 20 "$samctl" $group $verb --help | section Options >"$work/verb.help"
	long_options <"$work/verb.help" >"$work/verb.options"
	cat "$work/verb.options" >>"$work/options.$group"
	missing=
	while read -r option; do
		documented "$page" | grep -qx -- "$option" || missing="$missing --$option"
	done <"$work/verb.options"
	check "samctl $group${verb:+ $verb}: its options are in ${page##*/}" nothing_missing "$missing"
done <"$work/verbs"
for file in "$work"/options.*; do
	group=${file##*.}
	[ -e "$man/samctl-$group.1" ] || continue
	sort -u "$file" | cat - "$work/globals" | sort -u >"$work/known"
	documented "$man/samctl-$group.1" | comm -23 - "$work/known" >"$work/unknown"
	same "samctl-$group.1 has no option that does not exist" /dev/null "$work/unknown"
	sed -n "s/^\\.Cm \\($group\\( [a-z]*\\)\\{0,1\\}\\)$/\\1/p" "$man/samctl-$group.1" | sort -u >"$work/in.page"
	grep "^$group\\b" "$work/verbs" | sort -u >"$work/in.help"
	same "samctl-$group.1 has no verb that does not exist" "$work/in.help" "$work/in.page"
done
documented "$man/samctl.1" >"$work/in.page"
same "samctl.1 has the options of every verb" "$work/globals" "$work/in.page"
for page in "$man"/samctl-*.1; do
	group=${page##*/samctl-}
	check "${page##*/} is about a group of verbs" grep -q "^${group%.1}\\b" "$work/verbs"
done

# ---- sadtool
timeout 20 "$sadtool" --help >"$work/help"
section 'Verbs (each has --help)' <"$work/help" | awk '{ print $1 }' >"$work/verbs"
check "sadtool --help lists verbs" test -s "$work/verbs"
: >"$work/known"
while read -r verb; do
	check "sadtool $verb: sadtool.1 has it" grep -q "^\\.Cm $verb\\b" "$man/sadtool.1"
	timeout 20 "$sadtool" "$verb" --help | long_options >"$work/verb.options"
	cat "$work/verb.options" >>"$work/known"
	missing=
	while read -r option; do
		documented "$man/sadtool.1" | grep -qx -- "$option" || missing="$missing --$option"
	done <"$work/verb.options"
	check "sadtool $verb: its options are in sadtool.1" nothing_missing "$missing"
done <"$work/verbs"
printf 'help\nversion\n' | sort -u - "$work/known" >"$work/all"
documented "$man/sadtool.1" | comm -23 - "$work/all" >"$work/unknown"
same "sadtool.1 has no option that does not exist" /dev/null "$work/unknown"

# ---- p11-sam-audit(5)
page=$man/p11-sam-audit.5
sed -n 's/^E([A-Z_]*, "\([^"]*\)", "\([^"]*\)".*/\1 \2/p' "$SAM_SRCDIR/src/audit/events.def" | sort >"$work/events"
sed -n 's/^\.It Cm \([a-z-]*\) Pq \([a-z]*\)$/\1 \2/p' "$page" | sort >"$work/in.page"
same "p11-sam-audit.5 has every event type with its class, and no other" "$work/events" "$work/in.page"
sed -n 's/^R([A-Z_]*, \([a-z0-9_]*\),.*/\1/p' "$SAM_SRCDIR/src/base/reasons.def" | sort >"$work/reasons"
sed -n '/^\.Ss Reasons/,/^\.El/s/^\.It Cm \([a-z0-9_]*\)$/\1/p' "$page" | sort >"$work/in.page"
same "p11-sam-audit.5 has every reason, and no other" "$work/reasons" "$work/in.page"

# ---- form
if command -v mandoc >/dev/null; then
	for page in "$man"/*.[1-8]; do
		# a page that is not installed here is no error of the page
		mandoc -T lint "$page" 2>&1 | grep -v 'referenced manual not found\|outdated mandoc.db' >"$work/lint"
		same "mandoc has nothing against ${page##*/}" /dev/null "$work/lint"
	done
else
	skip "mandoc has nothing against the pages" "mandoc is not installed"
fi
finish
