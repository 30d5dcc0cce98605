#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A restore brings back no key that was revoked, destroyed, renewed or suspended since the backup, and keeps what the
# signer activated (P1-7.1.7, P3-A1-6b).
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need jq pkcs11-tool
setup
quietly() { "$@" >"$work/quiet.log" 2>&1 || bail "$*" "$work/quiet.log"; }
in_cm() # how many private keys
{
	pkcs11-tool --module "$CM_MODULE" --token-label "$CM_TOKEN" --login --pin "$(cat "$CM_PIN_FILE")" -O --type privkey \
		2>/dev/null | grep -c '^Private Key Object'
}
life() { as_officer --json key list | jq -r --arg k "$1" '[.[] | select(.credentialID == $k) | .state][0] // "none"'; }
sign() # KEY [SAD]
{
	local sad=${2:-}
	[ -n "$sad" ] || sad=$(new_sad "$1" --file "$work/short.txt") || return
	application pkcs11-tool --module "$P11_SAM_MODULE" --login --pin "$sad" --sign --id "$1" --mechanism ECDSA-SHA256 \
		--input-file "$work/short.txt" --output-file "$work/sig"
}
quietly "$SADTOOL" keygen --alg ECDH-ES --out "$work/eve.jwk" --public "$work/eve.pub.jwk"

revoked=$(new_key "$SIGNER" ec:P-256 revoked) && destroyed=$(new_key "$SIGNER" ec:P-256 destroyed) &&
	renewed=$(new_key "$SIGNER" ec:P-256 renewed) && suspended=$(new_key "$SIGNER" ec:P-256 suspended) &&
	kept=$(new_key "$SIGNER" ec:P-256 kept) || bail "no keys"
taken=$(as_officer key generate --signer "$SIGNER" --type ec:P-256 --label taken 2>/dev/null) || bail "no key to take"
for key in $revoked $destroyed $kept; do new_sad "$key" --file "$work/long.bin" >"$work/sad.$key"; done
quietly as_operator backup create --out "$work/store.backup" --to "$work/eve.pub.jwk"

quietly as_ra key revoke "$revoked" --reason compromised
quietly as_operator --second "$SO_NAME" --second-pin-source "$SO_PIN_SOURCE" key destroy "$destroyed"
fresh=$(as_officer key renew "$renewed" 2>/dev/null) || bail "no renewal"
quietly activate "$SIGNER" "$fresh"
quietly as_operator key suspend "$suspended"
quietly activate "$SIGNER" "$taken"
lost=$(new_key "$SIGNER" ec:P-256 lost) || bail "no key to be lost"
before=$(in_cm)

quietly as_operator --second "$SO_NAME" --second-pin-source "$SO_PIN_SOURCE" backup restore "$work/store.backup" \
	--key "$work/eve.jwk"
signed
sleep 12 # the restored epoch refuses what was made up to ten seconds ahead of it
check "restored: the revoked key stays ended" test "$(life "$revoked")" = none
check "restored: the destroyed key stays ended" test "$(life "$destroyed")" = none
check "restored: the renewed key stays ended" test "$(life "$renewed")" = none
check "restored: the suspended key stays suspended" test "$(life "$suspended")" = suspended
check "restored: the key that was taken is active" test "$(life "$taken")" = active
check "restored: the other key is as it was" test "$(life "$kept")" = active
check "restored: what was made since is lost" test "$(life "$lost")" = none
check "restored: no key was destroyed for it" test "$(in_cm)" = "$before"
for key in $revoked $destroyed $renewed $suspended $lost; do
	check_fails "restored: $key signs nothing" sign "$key"
done
check_fails "restored: nor does a SAD from before the backup" sign "$kept" "$(cat "$work/sad.$kept")"
check "restored: the other key signs" sign "$kept"
check "restored: and the one that was taken" sign "$taken"
check "restored: what the registry buried is still told from a stranger's" eval \
	'samctl doctor >"$work/doctor"; grep -q "cm keys" "$work/doctor"'
check "restored: maintain does what is due" samctl maintain
check "restored: and takes the lost key for no destroyed one" eval \
	'as_auditor audit search --reason key_reappeared --json | jq -es "length == 0"'
check "restored: doctor tells of it" grep -q 'keys in the CM are in no registry' "$work/doctor"
check "restored: two officers resume the suspended one" as_officers key resume "$suspended"
sleep 1.1
check "restored: and it signs" sign "$suspended"
check "the audit trail verifies" audit_verifies
finish
