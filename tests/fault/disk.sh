#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The store's disk is full: refused, nothing leaves the module, nothing is lost; with room again the
# door opens again (invariants 4, 5, 6).
. "${SAM_SRCDIR:?}/tests/client/lib.sh"
[ "$(id -u)" = 0 ] || skip_all "mounting a small disk takes root"
mkdir -p "$work/disk"
mount -t tmpfs -o size=96m,mode=0700 p11-sam-test "$work/disk" 2>/dev/null || skip_all "no tmpfs can be mounted here"
trap 'umount -l "$work/disk" 2>/dev/null; cleanup' EXIT
setup
openssl dgst -sha256 -binary -out "$work/short.sha256" "$work/short.txt"
cp -a "$demo"/state.db* "$work/disk/"
sed -i "s|^store:.*|store: 'sqlite:$work/disk/state.db'|" "$P11_SAM_CONFIG"
signed

sign() # SAD
{
	rm -f "$work/sig"
	SAM_TEST_PIN=$1 application pkcs11-tool --module "$P11_SAM_MODULE" --login --pin env:SAM_TEST_PIN --sign \
		--id "$CREDENTIAL_EC" --mechanism ECDSA --signature-format openssl \
		--input-file "$work/short.sha256" --output-file "$work/sig"
}
refuses() { ! sign "$1" && [ ! -s "$work/sig" ]; }
fill() { dd if=/dev/zero of="$work/disk/filler" bs=1k count="$1" status=none 2>/dev/null; }

sad=$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt")
check "with room it signs" sign "$sad"
sad=$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt")
fill 200000
check "disk full: refused" refuses "$sad"
check "disk full: refused again" refuses "$sad"
check_fails "disk full: no SAD token either" eval 'samctl sad exchange --sad - <<<"$sad"'
check_fails "disk full: no signer is added" \
	as_officer signer add dave --new-pin-source "$SIGNER_PIN_SOURCE"
check "disk full: doctor says so" eval \
	'samctl --json doctor | jq -e "any(.checks[]; .check == \"disk\" and .state == \"problem\")"'
rm -f "$work/disk/filler"
check "with room again the same SAD signs: it was not used up" sign "$sad"
check "and the chain verifies" audit_verifies
check "and doctor finds nothing wrong" samctl doctor

# It fills up while an application signs: what came out is in the trail, what did not is not lost.
application "$SAM_BUILDDIR/tests/fault/victim" <(new_sad "$CREDENTIAL_EC" --each --num 2000) "$work/notes" 0 \
	>"$work/victim.log" 2>&1 &
victim=$!
for _ in $(seq 600); do
	[ -s "$work/notes" ] && break
	sleep 0.1
done
fill 200000
wait $victim
status=$?
check "disk full in the middle: the application was refused, not killed" [ $status = 2 ]
check "disk full in the middle: by CKR_DEVICE_ERROR" grep -q 'C_[A-Za-z]*: 0x30' "$work/victim.log"
rm -f "$work/disk/filler"
check "the chain verifies after it" audit_verifies
given=$(sort -u "$work/notes" | wc -l)
check "no hash came back twice" [ "$given" = "$(wc -l <"$work/notes")" ]
as_auditor audit search --type sign --outcome success --format json | jq -r .dtbsr | sort -u >"$work/recorded"
check "each of $given signatures is in the trail" [ -z "$(sort -u "$work/notes" | comm -23 - "$work/recorded")" ]
finish
