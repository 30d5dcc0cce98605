#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Many signatures (P2-3.2.1.2d): one SAD of many digests, asked for by 8 threads in each of 4 processes at once, each
# digest signed once; the same number by a chain of SAD tokens, each of which signs once and is replaced by the next,
# with all racing for the current one: no token signs twice, none has two successors. The chain ends where the policy
# says, and goes on after kill -9 for whoever has the SAD (invariant 3).
. "${SAM_SRCDIR:?}/tests/client/lib.sh"
need pkcs11-tool
setup
digests=200 kills=2
[ "${SAM_TEST_LONG:-0}" = 1 ] && digests=1000 kills=10
fault=$SAM_BUILDDIR/tests/fault

# batch_of N NAME [OPTION of sadtool new...]: a SAD of N digests, $work/NAME.sad, and these, $work/NAME.digests.
batch_of()
{
	local n=$1 name=$2
	shift 2
	od -An -v -tx1 -w32 -N $((32 * n)) /dev/urandom | tr -d ' ' >"$work/$name.digests"
	new_sad "$CREDENTIAL_EC" --digest - --lifetime 3600 "$@" <"$work/$name.digests" >"$work/$name.sad" || bail "no SAD"
}
# run MODE NAME THREADS PROCESSES
run()
{
	PIN=$signer_pin application timeout 1800 "$fault/batch" "$1" "$work/$2.sad" "$work/$2.digests" "$3" "$4"
}
told() { sed 's/^/# /' "$work/check.log"; }
# trail NAME FILTER: the signatures, and refusals, under that SAD
trail()
{
	as_auditor audit search --jti "$(claim "$(cat "$work/$1.sad")" jti)" --type sign --format json | jq -s "flatten | $2"
}
given='map(select(.outcome == "success"))'
# by_number NAME: the numbers, in the chain, of the tokens that signed, in order
by_number() { trail "$1" "$given | map(.detail | capture(\"^token (?<n>[0-9]+) of\").n | tonumber) | sort"; }
between() { [ "$1" -le "$2" ] && [ "$2" -lt "$3" ]; }
inspect() { samctl --json sad inspect --sad "$1"; }

# ---- one SAD, many digests ----
batch_of $digests once
check "$digests digests under one SAD, 8 threads and 4 processes at once: each signed once, and refused 31 times" \
	run once once 8 4
told
check "the trail tells of $digests signatures" [ "$(trail once "$given | length")" = $digests ]
check "of as many digests" [ "$(trail once "$given | map(.dtbsr) | unique | length")" = $digests ]
check "and of $((digests * 31)) refusals" \
	[ "$(trail once 'map(select(.reason == "digest_used") | .count // 1) | add')" = $((digests * 31)) ]
batch_of $digests share
check "$digests digests shared by 8 threads" run share share 8 1
told

# ---- the longest SAD ----
batch_of 2000 long
sed -i '41,$d' "$work/long.digests"
check "a SAD of 2,000 digests ($(stat -c %s "$work/long.sad") bytes) authorises any of them" run share long 8 1
check "samctl takes it" [ "$(inspect "$work/long.sad" | jq .accepted)" = true ]
token=$(samctl sad exchange --sad "$work/long.sad")
check "and gives its token" [ ${#token} = 30 ]

# by_token TOKEN FILE: pkcs11-tool signs it; it sends the same PIN by CKU_USER and by CKU_CONTEXT_SPECIFIC.
by_token()
{
	rm -f "$work/sig"
	SAM_TEST_PIN=$1 application pkcs11-tool --module "$P11_SAM_MODULE" --login --pin env:SAM_TEST_PIN --sign \
		--id "$CREDENTIAL_EC" --mechanism ECDSA-SHA256 --signature-format openssl --input-file "$2" \
		--output-file "$work/sig" && verify "$public_ec" "$work/sig" "$2"
}
documents=()
for i in 1 2 3; do
	head -c 100 /dev/urandom >"$work/document$i"
	documents+=(--file "$work/document$i")
done
batch_of 1990 tool "${documents[@]}"
token=$(samctl sad exchange --sad "$work/tool.sad")
check "without renewal one token serves" by_token "$token" "$work/document1"
check "all digests of its SAD" by_token "$token" "$work/document2"
check_fails "each once" by_token "$token" "$work/document2"

# ---- tokens that sign once ----
next_policy 's/^sap:$/sap:\n  renewal: true/'
check "the SAD's token is still the same, and now it is renewed" \
	[ "$(samctl sad exchange --sad "$work/tool.sad") $(inspect "$work/tool.sad" | jq -c '[.renewal, .renewals_left]')" = \
		"$token [true,2000]" ]
check "pkcs11-tool signs by it, with one PIN for both logins" by_token "$token" "$work/document3"
check_fails "once" by_token "$token" "$work/document3"
check "the old one is refused as unknown" \
	[ "$(as_auditor audit search --reason token_unknown --format json | jq -s 'flatten | length')" -gt 0 ]
next=$(samctl sad exchange --sad "$work/tool.sad")
check "the SAD's holder is given the next" [ "$next" != "$token" ]
printf %s "$token" >"$work/old.token"
check_fails "sad inspect refuses the old one" inspect "$work/old.token"
printf %s "$next" >"$work/next.token"
check "and says how many are left" \
	[ "$(inspect "$work/next.token" | jq -c '[.renewals_used, .renewals_left]')" = '[1,1999]' ]

batch_of $digests renew
check "$digests renewals under one chain, 8 threads and 4 processes at once: no token signs twice, no fork" \
	run renew renew 8 4
told
check "each digest was signed once" [ "$(trail renew "$given | map(.dtbsr) | unique | length")" = $digests ]
check "by tokens 1 to $digests, one after the other" [ "$(by_number renew | jq -c .)" = "$(seq $digests | jq -sc .)" ]
check "the records say so" [ "$(trail renew "$given | map(.activation) | unique == [\"token\"]")" = true ]

# ---- a chain that ends ----
next_policy 's/^  renewal: true$/&\n  renewal_max: 20/'
batch_of 40 short
check "a chain of 20 tokens" run renew short 4 2
told
check "gives 20 signatures" [ "$(by_number short | jq -c .)" = "$(seq 20 | jq -sc .)" ]
check "sad inspect says that none is left" [ "$(inspect "$work/short.sad" | jq .renewals_left)" = 0 ]
token=$(samctl sad exchange --sad "$work/short.sad")
check_fails "what is exchanged then signs nothing" by_token "$token" "$work/document1"

# ---- kill -9 ----
next_policy '/^  renewal_max:/d'
if [ "${SAM_SANITIZER:-no}" = no ]; then
	batch_of $digests killed
	# A CM killed while it writes is not what is tested here: the token is put back each time.
	cp -a "$demo/tokens" "$work/tokens"
	export NOTES=$work/notes
	: >"$NOTES"
	for ((i = 0; i < kills; i++)); do
		before=$(wc -l <"$NOTES")
		# a process group of its own; in a shell of its own, so that its "Killed" goes nowhere
		PIN=$signer_pin setsid "$fault/batch" renew "$work/killed.sad" "$work/killed.digests" 8 4 >"$work/victim.log" 2>&1 &
		victim=$!
		for ((tries = 0; tries < 200; tries++)); do
			[ $(($(wc -l <"$NOTES") - before)) -lt 5 ] || break
			sleep 0.05
		done
		kill -9 -- -$victim 2>/dev/null
		wait $victim 2>/dev/null
		rm -rf "$demo/tokens" && cp -a "$work/tokens" "$demo/tokens"
	done
	before=$(wc -l <"$NOTES")
	check "signatures came back before $kills kills ($before), and not all" between $kills "$before" $digests
	check "whoever presents the SAD again goes on with the chain, to the last digest" run renew killed 8 4
	told
	check "no digest came back twice" [ -z "$(sort "$NOTES" | uniq -d)" ]
	check "and none was signed twice" [ "$(trail killed "$given | map(.dtbsr) | length == (unique | length)")" = true ]
	check "by no token twice" [ "$(by_number killed | jq 'length == (unique | length)')" = true ]
	unset NOTES
fi

check "the chain of the audit verifies" audit_verifies
check "doctor finds nothing wrong" samctl doctor
finish
