#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Random calls with random arguments from four threads (chaos): no crash, no hang, and one signature for
# each SAD. What each call answers by itself is p11calls.sh's.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
setup
calls=4000 seeds='1 2'
[ "${SAM_TEST_LONG:-0}" = 1 ] && calls=40000 seeds='1 2 3 4 5 6'

for seed in $seeds; do
	new_sad "$CREDENTIAL_EC" --each --num 20 >"$work/chaos.sads" || bail "no SADs"
	check "$((4 * calls)) random calls, seed $seed: one signature for each SAD" \
		application "$SAM_BUILDDIR/tests/client/chaos" "$seed" "$calls" "$work/chaos.sads"
done
check "the chain verifies" audit_verifies
finish
