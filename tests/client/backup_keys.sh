#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A restore gives back no key that has ended: one revoked, one destroyed and one activated after the backup was made.
# With the live store's trail they are as they were; without it nothing signs until people have looked, and what the
# CM has not, signs nothing (P1-7.1.7, P1-6.4.1.1).
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need jq pkcs11-tool
setup

restore() { as_operator --second "$SO_NAME" --second-pin-source "$SO_PIN_SOURCE" backup restore "$@"; }
# json FILTER COMMAND...
json()
{
	local filter=$1
	shift
	"$@" >"$work/json" || return
	jq -se "$filter" "$work/json" || { cat "$work/json"; false; }
}
records() { as_auditor audit search --format json "$@" | jq -s flatten; }
keep() { rm -rf "$work/kept.$1" && cp -a "$demo" "$work/kept.$1"; }
again() { rm -rf "$demo" && cp -a "$work/kept.$1" "$demo"; }
in_cm() # LABEL: private keys of it in the CM
{
	pkcs11-tool --module "$CM_MODULE" --token-label "$CM_TOKEN" --login --pin "$(cat "$CM_PIN_FILE")" -O --type privkey \
		2>/dev/null | grep -c "label: *$1\$"
}
sad() { new_sad "$1" --file "$work/short.txt"; }
openssl dgst -sha256 -binary -out "$work/short.sha256" "$work/short.txt"
# sign CREDENTIAL SAD
sign()
{
	rm -f "$work/sig"
	application pkcs11-tool --module "$P11_SAM_MODULE" --login --pin "$2" --sign --id "$1" --mechanism ECDSA \
		--signature-format openssl --input-file "$work/short.sha256" --output-file "$work/sig"
}
signs() { sign "$1" "$(sad "$1")" && [ -s "$work/sig" ]; }
refuses() { ! sign "$1" "${2:-$(sad "$1")}" && [ ! -s "$work/sig" ]; }
ordered() { order "$SIGNER" "$1" "{\"credentialID\":\"$2\"}"; } # OPERATION CREDENTIAL
known() { as_officer --json key list | jq -es --arg c "$1" 'flatten | any(.[]; .credentialID == $c)'; }
unknown() { ! known "$1"; }
life() { json ".[0].state == \"$2\"" as_officer --json key show "$1"; } # CREDENTIAL STATE
"$SADTOOL" keygen --alg ECDH-ES --out "$work/eve.jwk" --public "$work/eve.pub.jwk" >"$work/keygen.log" 2>&1 ||
	bail "sadtool keygen" "$work/keygen.log"

# ---- a backup, and what came after it ------------------------------------------------------------
revoked=$(new_key "$SIGNER" ec:P-256 revoked) && destroyed=$(new_key "$SIGNER" ec:P-256 destroyed) &&
	suspended=$(new_key "$SIGNER" ec:P-256 suspended) &&
	activated=$(as_officer key generate --signer "$SIGNER" --type ec:P-256 --label activated) || bail "no keys"
check "each signs, but for the one that waits for its signer" eval 'signs "$revoked" && signs "$destroyed" &&
	signs "$suspended" && refuses "$activated"'
sad_revoked=$(sad "$revoked") sad_destroyed=$(sad "$destroyed")
token_destroyed=$(new_token "$(new_sad "$destroyed" --file "$work/short.txt")")
check "backup create" as_operator backup create --out "$work/backup" --to "$work/eve.pub.jwk"
keep before
check "since then: one is made and destroyed" eval 'brief=$(new_key "$SIGNER" ec:P-256 brief) &&
	cp -a "$demo"/tokens "$work/with-brief" && samctl key destroy "$brief" --sad - <<<"$(ordered destroy "$brief")"'
check "one is revoked" as_ra key revoke "$revoked" --reason "the CA's notice"
check "one destroyed" samctl key destroy "$destroyed" --sad - <<<"$(ordered destroy "$destroyed")"
check "one suspended" as_operator key suspend "$suspended" --reason "a call"
check "one activated" activate "$SIGNER" "$activated"
check "and one is made" eval 'late=$(new_key "$SIGNER" ec:P-256 late)'
check "revoked and destroyed are gone in the CM" [ "$(in_cm revoked)$(in_cm destroyed)" = 00 ]
keep after

# ---- with the live store -------------------------------------------------------------------------
check "restored, the trail whole" json ".[0] | .complete and (.replayed | (.keys | contains([\"$revoked\", \"$destroyed\"])) and
	(.keys | contains([\"$activated\"]) | not) and (.lost | contains([\"$late\"])))" \
	restore --json "$work/backup" --key "$work/eve.jwk"
check "the revoked key stays ended" unknown "$revoked"
check "so does the destroyed one" unknown "$destroyed"
check "neither is in the CM" [ "$(in_cm revoked)$(in_cm destroyed)" = 00 ]
check "the activated one is active" life "$activated" active
check "the suspended one is suspended" life "$suspended" suspended
check "the one made since is lost" unknown "$late"
check "and is in the CM still, which doctor notes" eval '[ "$(in_cm late)" = 1 ] && samctl doctor | grep "in no registry"'
check "maintain is content: nobody destroyed it, so it has not come back" samctl maintain
check "no alarm of a returned key is in the trail" [ "$(records --reason key_reappeared | jq length)" = 0 ]
cp -n "$work"/with-brief/*/* "$demo"/tokens/*/
check "what was destroyed and is put back, has: three keys" eval 'samctl maintain 2>&1 | grep "3 destroyed keys"'
check "one alarm for each, also for one that was made since" [ "$(records --reason key_reappeared |
	jq -r '.[].credentialID' | sort | xargs)" = "$(printf '%s\n' "$brief" "$revoked" "$destroyed" | sort | xargs)" ]
check "the chain verifies" audit_verifies
sleep 12 # the restored epoch refuses what was made up to ten seconds ahead of it
check "the activated key signs" signs "$activated"
check "the revoked one does not, by a SAD from before" refuses "$revoked" "$sad_revoked"
check "nor by a new one" refuses "$revoked"
check "the destroyed one does not, by a SAD from before" refuses "$destroyed" "$sad_destroyed"
check "nor by its token" refuses "$destroyed" "$token_destroyed"
check "nor by a new one" refuses "$destroyed"
check "nor does the suspended one" refuses "$suspended"
check_fails "no signer resumes what was revoked" eval 'samctl key resume "$revoked" --sad - <<<"$(ordered resume "$revoked")"'
check_fails "nor does anybody activate it" eval 'samctl key activate "$destroyed" --sad - <<<"$(order "$SIGNER" activate \
	"{\"credentialID\":\"$destroyed\",\"thumbprint\":\"$destroyed$destroyed\"}")"'

# ---- with the live store, and the CM of the backup, too ------------------------------------------
again after
rm -rf "$demo/tokens" && cp -a "$work/kept.before/tokens" "$demo/tokens"
check "the CM's keys put back, too: they are there" [ "$(in_cm revoked)$(in_cm destroyed)" = 11 ]
check "restored" json ".[0].complete and (.[0].replayed.keys | contains([\"$revoked\", \"$destroyed\"]))" \
	restore --json "$work/backup" --key "$work/eve.jwk"
check "the ended keys are not in the registry" eval 'unknown "$revoked" && unknown "$destroyed"'
samctl maintain >"$work/maintain" 2>&1
check "they are destroyed in the CM, or alarmed as key_reappeared" eval '[ "$(in_cm revoked)$(in_cm destroyed)" = 00 ] ||
	[ "$(records --type integrity --reason key_reappeared | jq length)" -ge 2 ]'

# ---- without the live store ----------------------------------------------------------------------
again after
rm -f "$demo"/state.db "$demo"/state.db-* "$demo"/state.db.mark
check "the live store lost: restored, and every signer suspended" json '.[0] | (.complete | not) and
	(.replayed.suspended | contains(["alice"]))' restore --json "$work/backup" --key "$work/eve.jwk"
check "an officer signs the policy again" as_officer policy sign "$demo/policy.yaml"
check "the two who restored unlock the auditor" as_officer --second "$OPERATOR_NAME" \
	--second-pin-source "$OPERATOR_PIN_SOURCE" principal unlock "$AUDITOR_NAME"
check "and the other officer" as_officer --second "$OPERATOR_NAME" --second-pin-source "$OPERATOR_PIN_SOURCE" \
	principal unlock "$SO2_NAME"
check "what was activated since waits for its signer again" life "$activated" inactive
check "nobody knows of the two that ended" eval 'known "$revoked" && known "$destroyed"'
check "but that the CM has them not, and doctor says so" eval '! samctl doctor >"$work/doctor" &&
	grep "2 of 6 registered keys are not in the CM" "$work/doctor"'
check "key show, too" json '.[0].in_cm == false' as_officer --json key show "$destroyed"
sleep 12
check "nothing signs" eval 'refuses "$suspended" && refuses "$CREDENTIAL_EC"'
check "two officers resume the signer" as_officers signer resume "$SIGNER"
sleep 1.1
check "then what the CM has, signs" signs "$CREDENTIAL_EC"
check "the revoked and the destroyed key do not, by new SADs" eval 'refuses "$revoked" && refuses "$destroyed"'
check "nor by those from before" eval 'refuses "$revoked" "$sad_revoked" && refuses "$destroyed" "$token_destroyed"'
check "the trail says that the CM has them not" eval '[ "$(records --reason cm_key_missing |
	jq --arg a "$revoked" --arg b "$destroyed" "[.[].credentialID] | unique | contains([\$a, \$b])")" = true ]'
check "ending them again is possible" eval 'as_officer key revoke "$revoked" --reason "as before" && unknown "$revoked"'
check "the chain verifies at the end" audit_verifies
finish
