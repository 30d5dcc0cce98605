#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# kill -9 at random moments: the store opens, the chain verifies, no hash came back twice, and the CM
# made no signature beyond the reservations (invariants 3, 4, 5).
. "${SAM_SRCDIR:?}/tests/client/lib.sh"
need_no_sanitizer "a program killed at random moments"
setup
kills=25
[ "${SAM_TEST_LONG:-0}" = 1 ] && kills=500
mockcm=$SAM_BUILDDIR/tests/fault/.libs/mockcm.so
[ -e "$mockcm" ] || bail "no $mockcm"

# The mock CM passes everything on and notes each signature that the CM made.
sed -i "s|^\( *module:\).*|\1 $mockcm|" "$P11_SAM_CONFIG"
export MOCKCM_MODULE=$CM_MODULE MOCKCM_LOG=$work/cm.log MOCKCM_CONTROL=$work/cm.control
: >"$MOCKCM_CONTROL"
: >"$MOCKCM_LOG"
signed
# A CM killed while it writes is not what is tested here: the token is put back each time.
cp -a "$demo/tokens" "$work/tokens"

new_sad "$CREDENTIAL_EC" --each --num $((kills * 40)) --lifetime 3600 >"$work/sads" || bail "no SADs"
: >"$work/notes"
opened=0
for ((i = 0; i < kills; i++)); do
	rm -rf "$demo/tokens" && cp -a "$work/tokens" "$demo/tokens"
	# In a shell of its own, so that its "Killed" goes nowhere.
	"$SAM_BUILDDIR/tests/fault/victim" "$work/sads" "$work/notes" $((i * 40)) 2>>"$work/victim.log" &
	victim=$!
	sleep "0.$(printf %03d $((RANDOM % 140 + 5)))"
	kill -9 $victim 2>/dev/null
	wait $victim 2>/dev/null
	samctl status >"$work/status.log" 2>&1 && opened=$((opened + 1))
done
rm -rf "$demo/tokens" && cp -a "$work/tokens" "$demo/tokens"
check "the store opens after each of $kills kills" [ $opened = $kills ]
check "the chain verifies" audit_verifies
check "doctor finds nothing wrong" samctl doctor
sed 's/^/# /' "$work/victim.log" | head -n 5

given=$(wc -l <"$work/notes")
made=$(grep -c C_Sign "$MOCKCM_LOG")
diag "$given signatures came back, the CM made $made"
check "signatures were given at all" [ "$given" -gt $((kills / 2)) ]
check "no hash came back twice" [ -z "$(sort "$work/notes" | uniq -d)" ]
check "the CM signed no hash twice" [ -z "$(grep C_Sign "$MOCKCM_LOG" | awk '{print $NF}' | sort | uniq -d)" ]
reserved=$(samctl --json status | jq .store.uses)
check "the CM made no signature beyond the $reserved reservations" [ "$made" -le "$reserved" ]
recorded=$(as_auditor audit search --type sign --outcome success --format json | jq -s 'flatten | length')
check "every signature that came back is in the trail ($recorded)" [ "$recorded" -ge "$given" ]
finish
