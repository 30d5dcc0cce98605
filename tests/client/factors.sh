#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Two factors in each SAD, from the command line to the signature: the device key and the PIN, which travels encrypted
# alone; what level 1 takes as its policy says (levels 2 and 3: levels.sh); the PIN changed by its owner, cleared by
# officers, set anew (P1-T3.5, P2-3.1.4, P2-3.1.2.2).
. "$(dirname "${BASH_SOURCE[0]}")/../fault/words.sh" || exit 1
need jq
setup
must second_factor "$SIGNER"
sleep 1.1 # a SAD of the second of the change is refused
file=(--file "$work/short.txt")
clear() { timeout 60 "$SADTOOL" new --key "$DEVICE_KEY" --signer "$SIGNER" --aud "$SAM_ID" --credential "$CREDENTIAL_EC" "${file[@]}" "$@"; }
says_sadtool() # WORDS COMMAND...
{
	local words=$1
	shift
	"$@" >"$work/says.log" 2>&1 && return 1
	grep -q -- "$words" "$work/says.log"
}
check "a PIN is not sent in clear" says_sadtool 'add --encrypt-to' clear --pin-source "file:$work/factor"
check "nor one that the SAM would not take" says_sadtool '4 to 64' clear --encrypt-to "$work/sap.jwk" --pin-source "$(pin short 123)"
sad=$(new_sad "$CREDENTIAL_EC" "${file[@]}")
check "with both factors it signs" signs "$sad"
check "the record says which" is \
	"$(as_auditor audit search --type sign --signer "$SIGNER" --format json | tail -n 1 | jq -r '.factors | join(" ")')" "possession knowledge"
as_auditor audit list --format json >"$work/trail" || bail "no trail"
check "and not the PIN" eval '[ -s "$work/trail" ] && ! grep -q 48151623 "$work/trail"'
check "a pin in clear is refused" says "" new_token "$(clear --claim 'pin="48151623"')"
# refuses CODE SAD: what the application is told of it, presented for the operation
refuses() { ! signs "$2" && grep -q "^context $1\$" "$work/talked"; }
device_alone() { clear --encrypt-to "$work/sap.jwk"; }
wrong_pin() { clear --encrypt-to "$work/sap.jwk" --pin-source "$(pin wrong 11112222)"; }
check "level 1: the device key alone signs, in clear" signs "$(clear)"
check "and encrypted" signs "$(device_alone)"
check "with a wrong PIN it does not" refuses 0xa1 "$(wrong_pin)"
next_policy 's/^sap:$/&\n  factors: 2/'
check "level 1 with factors: 2: the device key alone does not" refuses 0x1b "$(clear)"
check "nor encrypted" refuses 0x1b "$(device_alone)"
check "both do" signs "$(new_sad "$CREDENTIAL_EC" "${file[@]}")"
next_policy 's/^  factors: 2$/  encrypted: true/'
check "level 1 with encrypted: true: a SAD in clear does not" refuses 0xa1 "$(clear)"
check "an encrypted one does" signs "$(device_alone)"
told() { as_auditor audit search --reason "$1" --format json | jq -es 'flatten | length > 0'; }
check "the trail has each reason" eval 'told pin_wrong && told factors && told sad_clear'
change() # OLD NEW
{
	timeout 60 "$SADTOOL" new --key "$DEVICE_KEY" --signer "$SIGNER" --aud "$SAM_ID" --operation pin \
		--encrypt-to "$work/sap.jwk" ${1:+--pin-source "$(pin old "$1")"} --new-pin-source "$(pin new "$2")" |
		samctl authenticator replace "$SIGNER" --sad -
}
check_fails "the PIN is not changed with a wrong old one" change 11112223 another-pin
check_fails "nor without it" change '' another-pin
check "it is with the right one" change 48151623 another-pin
sleep 1.1
check "the old one is wrong then" eval 'says "PIN in the SAD is wrong" new_token "$(new_sad "$CREDENTIAL_EC" "${file[@]}")"'
sad_factors=(--encrypt-to "$work/sap.jwk" --pin-source "$(pin now another-pin)")
sleep 1.1
check "the new one signs" signs "$(new_sad "$CREDENTIAL_EC" "${file[@]}")"
must as_officers authenticator remove "$SIGNER" --pin
check "officers clear it, and set no other" says "only the signer\|sets the next one" \
	as_officers authenticator add "$SIGNER" --new-pin-source "$(pin theirs officers-pin)"
sleep 1.1
check "the signer's device sets the next" change '' third-pin-1
check "signer show says that there is one" eval 'as_officer --json signer show "$SIGNER" | jq -e .pin'
finish
