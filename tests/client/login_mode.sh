#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Level 1 where the policy lets the service login count as key authorisation: only with a password that the
# signer chose, only the signer's own keys, and the record says so. And SADs are taken all the same.
. "${SAM_SRCDIR:?}/tests/client/lib.sh"
setup
setup_again 's/^\( *authorisation:\) sad/\1 login/'
openssl dgst -sha256 -binary -out "$work/short.sha256" "$work/short.txt"
sign() # PIN
{
	rm -f "$work/sig"
	SAM_TEST_PIN=$1 application pkcs11-tool --module "$P11_SAM_MODULE" --login --pin env:SAM_TEST_PIN --sign \
		--id "$CREDENTIAL_EC" --mechanism ECDSA --signature-format openssl \
		--input-file "$work/short.sha256" --output-file "$work/sig"
}
refuses() { ! sign "$1" && [ ! -s "$work/sig" ]; }
last_sign() { as_auditor audit search --type sign --format json | jq -s 'flatten | last'; }
as_officer --json key show "$CREDENTIAL_EC" | jq -r .publicKey >"$work/ec.pem"

check "the first password, which the officer knows, authorises nothing" refuses "$signer_pin"
check "and the trail says why" [ "$(last_sign | jq -r .reason)" = login_not_confirmed ]
(umask 077 && printf 'of-my-own-choice' >"$work/own.pin")
# It is an authenticator, the first: the officer, who knows the old one, could have given this one too.
check "the signer changes it" eval 'as_signer --json signer passwd "$SIGNER" --new-pin-source "file:$work/own.pin" >"$work/waits"'
pending=$(jq -r .pending "$work/waits")
check "that waits for a second person" [ "$(jq -r .act "$work/waits")" = "signer passwd first" ]
check "until then the new one is none" refuses "$SIGNER:of-my-own-choice"
check "and the first one authorises nothing" refuses "$signer_pin"
check_fails "who gave the first one does not confirm" as_officer pending confirm "$pending"
check_fails "nor the auditor" as_auditor pending confirm "$pending"
check "another officer does" as_officer2 pending confirm "$pending"
check "the old one is refused" refuses "$signer_pin"
check "the signer's own password signs" sign "$SIGNER:of-my-own-choice"
check "it verifies" verify "$work/ec.pem" "$work/sig" "$work/short.txt"
check "the record says activation: login" [ "$(last_sign | jq -r .activation)" = login ]
check "and again: there is no hash that could be used up" sign "$SIGNER:of-my-own-choice"
check "a wrong one does not" refuses "$SIGNER:of-my-own-choicf"
(umask 077 && printf 'a-password-for-tests' >"$work/sca.pin")
check "an SCA is made for the signer" \
	as_officer principal add sca --role sca --signer "$SIGNER" --new-pin-source "file:$work/sca.pin"
check "an SCA's login authorises nothing" refuses sca:a-password-for-tests
check "a SAD's login authorises no more than the SAD" eval '! sign "$(new_sad "$CREDENTIAL_EC" --digest "$(printf %064d 0)")"'
sad=$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt")
check "a SAD signs" sign "$sad"
check "once" refuses "$sad"
# With the own login alone nothing is named that could be used up; but a SAD that was presented is taken at its word.
own="login user $SIGNER:of-my-own-choice" hash=$(sha256sum <"$work/short.txt" | cut -d' ' -f1)
check "the login alone signs any digest" talked "$own" "init $CREDENTIAL_EC ecdsa" "finish $hash"
check "as it said" [ "$(tail -n 1 "$work/talked")" = 0x0 ]
sad=$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt")
talked "$own" "sign $CREDENTIAL_EC ecdsa $(printf %064d 1) $sad" "sign $CREDENTIAL_EC ecdsa $hash $sad"
check "a digest that a presented SAD does not name is refused, whoever is logged in" \
	[ "$(tail -n 2 "$work/talked" | head -n 1)" = 'sign 0x200' ]
check "and the trail says why" audit_says "$sad" digest_not_authorised
check "the one that it names is signed" [ "$(tail -n 1 "$work/talked")" = 'sign 0x0' ]
check "status says that the login authorises" eval 'samctl status | grep -qi login'
check "the chain verifies" audit_verifies
finish
