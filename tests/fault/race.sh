#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# One SAD for one hash, offered by 8 threads and by 8 processes at once: one signature each time
# (invariant 3), and the trail tells the rest. And the application that changes its buffer meanwhile
# (invariant 2).
. "${SAM_SRCDIR:?}/tests/client/lib.sh"
setup
rounds=10 tries=500 at_least=50
[ "${SAM_TEST_LONG:-0}" = 1 ] && rounds=200 tries=10000 at_least=1000
fault=$SAM_BUILDDIR/tests/fault

signatures() { as_auditor audit search --type sign --outcome success --format json | jq -s 'flatten | length'; }
refusals() # how many were refused as used, repeats counted
{
	as_auditor audit search --type sign --reason digest_used --format json |
		jq -s 'flatten | map(.count // 1) | add // 0'
}

for how in threads processes; do
	new_sad "$CREDENTIAL_EC" --each --num $rounds >"$work/$how.sads" || bail "no SADs"
	given=$(signatures) refused=$(refusals)
	check "8 $how race for one SAD $rounds times: one signature each" \
		application timeout 900 "$fault/race" "$how" 8 "$work/$how.sads"
	sed 's/^/# /' "$work/check.log"
	given=$(($(signatures) - given)) refused=$(($(refusals) - refused))
	check "the trail tells of $rounds signatures by $how" [ "$given" = $rounds ]
	check "the trail tells of $((rounds * 7)) refusals by $how ($refused)" [ "$refused" = $((rounds * 7)) ]
done

new_sad "$CREDENTIAL_EC" --each --num "$tries" >"$work/buffer.sads" || bail "no SADs"
check "a buffer changed during C_Sign, $tries times: what is signed is what the SAD names" \
	application timeout 900 "$fault/buffer" "$tries" "$at_least" "$work/buffer.sads"
sed 's/^/# /' "$work/check.log"

check "the chain verifies" audit_verifies
finish
