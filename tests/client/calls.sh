#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Every call of PKCS#11 with right, wrong and NULL arguments (p11calls), and random ones from four
# threads (chaos).
. "$SAM_SRCDIR/tests/client/lib.sh"
setup
calls=4000 seeds='1 2'
[ "${SAM_TEST_LONG:-0}" = 1 ] && calls=40000 seeds='1 2 3 4 5 6'
client=$SAM_BUILDDIR/tests/client

check "p11calls: every call answers as the contract says" application "$client/p11calls" "$P11_SAM_MODULE"
grep '^not ok\|^# answered' "$work/check.log" | sed 's/^/# /'
for seed in $seeds; do
	new_sad "$CREDENTIAL_EC" --each --num 20 >"$work/chaos.sads" || bail "no SADs"
	check "chaos: $((4 * calls)) random calls, seed $seed; one signature for each SAD" \
		application "$client/chaos" "$seed" "$calls" "$work/chaos.sads"
	sed 's/^/# /' "$work/check.log"
done
check "the chain verifies" audit_verifies
finish
