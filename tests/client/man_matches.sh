#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The manual says what the programs say: every verb and option of samctl and sadtool has its place in a page,
# and every option in a page exists; every event type and reason is in p11-sam-audit(5), every act and call with who
# may do it in p11-sam-roles(7); mandoc is content.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
man=$SAM_SRCDIR/man
samctl=$SAM_BUILDDIR/tools/samctl
sadtool=$SAM_BUILDDIR/tools/sadtool

# section TITLE: the lines below "TITLE:" up to the next empty one
section() { awk -v title="$1:" '$0 == title { on = 1; next } /^$/ { on = 0 } on'; }
long_options() { grep -o '^  --[a-z0-9-]*' | sed 's/^  --//' | sort -u; }
# documented PAGE: its long options
documented() { grep -oE 'Fl (Fl |-)[a-z][a-z0-9-]*' "$1" | sed -E 's/Fl (Fl |-)//' | sort -u; }
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

# ---- p11-sam-roles(7)
# A set of roles in words: SAM_A | SAM_B. In awk, for both tables.
in_words='
BEGIN {
	split("ANYBODY=anybody,OFFICER=security officer,ADMINISTRATOR=administrator,OPERATOR=operator," \
	      "AUDITOR=auditor,SCA=SCA,RA=RA,CA=CA,SIGNER=signer,PRIVILEGED=any privileged user", pairs, ",")
	for (i in pairs) {
		split(pairs[i], pair, "=")
		word["SAM_" pair[1]] = pair[2]
	}
	word["0"] = "nobody"
}
function in_words(set,    n, i, part, text)
{
	n = split(set, part, / *[|] */)
	for (i = 1; i <= n; i++)
		text = text (i == 1 ? "" : i == n ? " or " : ", ") (part[i] in word ? word[part[i]] : "?" part[i])
	return text
}'
# acts_of_table: name;verb;who;second;SAD;meaning, where there is no second or SAD nothing
acts_of_table() {
	sed -n '/^A(/,/)$/p' "$SAM_SRCDIR/src/policy/acts.def" | awk "$in_words"'
	{ row = row " " $0 }
	/"\)$/ {
		text = row
		row = ""
		n = split(text, quoted, "\"")
		split(quoted[5], set, ", *")
		second = set[3] == "0" ? "" : in_words(set[3])
		print quoted[2] ";" quoted[4] ";" in_words(set[2]) ";" second ";" quoted[6] ";" quoted[8]
		if (n != 11)
			print "a row that is not understood: " text
	}'
}
# the same of the page
acts_of_page() {
	sed -n '/^\.Sh ACTS/,/^\.Sh PKCS#11/p' "$1" | awk '
	function value(label,    at, text)
	{
		at = index(body, label ": ")
		if (!at)
			return ""
		text = substr(body, at + length(label) + 2)
		sub(/\. .*/, "", text)
		sub(".*" label ": [^.]*\\. ", "", body)
		return text
	}
	function act(    who, second, sad, verb)
	{
		if (name == "")
			return
		who = value("Who"); second = value("Second person"); sad = value("SAD"); verb = value("Verb")
		sub(/\.$/, "", body)
		print name ";" (verb == "" ? name : verb) ";" who ";" second ";" sad ";" \
			tolower(substr(body, 1, 1)) substr(body, 2)
		name = ""
	}
	/^\.It Cm / { act(); name = substr($0, 8); body = ""; next }
	/^\.El/ { act() }
	!/^\./ { body = body (body == "" ? "" : " ") $0 }'
}
calls_of_table() {
	sed -n 's/^C(//p' "$SAM_SRCDIR/src/policy/acts.def" | awk "$in_words"'
	{ n = split($0, quoted, "\""); split(quoted[1], part, ", *"); print part[1] ";" in_words(part[2]) ";" quoted[2] }'
}
calls_of_page() {
	sed -n '/^\.Sh PKCS#11/,/^\.Sh SEE/p' "$1" | awk '
	function call() { if (name != "") print name ";" who ";" body; name = "" }
	/^\.Ss Calls for: / { who = substr($0, 16) }
	/^\.It Fn / { call(); name = $3; body = ""; next }
	/^\.El/ { call() }
	!/^\./ { body = body (body == "" ? "" : " ") $0 }'
}
page=$man/p11-sam-roles.7
acts_of_table | sort >"$work/acts"
acts_of_page "$page" | sort >"$work/in.page"
check "acts.def has acts" test "$(wc -l <"$work/acts")" -gt 40
same "p11-sam-roles.7 has every act as acts.def has it, and no other" "$work/acts" "$work/in.page"
calls_of_table | sort >"$work/calls"
calls_of_page "$page" | sort >"$work/in.page"
timeout 20 "$samctl" --help | section Verbs | verb_words | sort -u >"$work/verbs"
cut -d ';' -f 2 "$work/acts" | sort -u | comm -13 - "$work/verbs" >"$work/unknown"
same "acts.def has a row for every verb of samctl" /dev/null "$work/unknown"
check "acts.def has calls" test "$(wc -l <"$work/calls")" -gt 80
same "p11-sam-roles.7 has every call as acts.def has it, and no other" "$work/calls" "$work/in.page"

# ---- p11-sam-policy(5)
sed -n '/^\.Sh EXAMPLES/,/^\.Ed/{/^\./!p}' "$man/p11-sam-policy.5" >"$work/example.yaml"
check "the policy in p11-sam-policy.5 is one" timeout 20 "$samctl" policy check "$work/example.yaml"

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
