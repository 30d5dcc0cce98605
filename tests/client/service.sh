#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Service authentication apart from key authorisation: what each login sees, and that at levels 2 and 3 a SAD by CKU_USER
# only carries: it needs the caller's own login beside it, which behind p11-kit's server may be the client's uid
# (P1-3.5.2).
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need pkcs11-tool p11-kit jq
[ "$(id -u)" = 0 ] || skip_all "levels 2 and 3 want a configuration that root owns"
for client in /usr/lib/*/pkcs11/p11-kit-client.so /usr/lib/pkcs11/p11-kit-client.so; do
	[ -e "$client" ] && break
done
[ -e "$client" ] || skip_all "p11-kit-client.so is not installed"
setup
(umask 077 && echo 'a-password-for-tests' >"$work/sca.pin")
# sca NAME [OPTION...]
sca()
{
	as_officer principal add "$1" --role sca --new-pin-source "file:$work/sca.pin" "${@:2}" >"$work/sca.log" 2>&1 ||
		bail "no SCA" "$work/sca.log"
}
sees() # COUNT MODULE [PIN]: private keys
{
	export TEST_PIN=${3:-}
	application pkcs11-tool --module "$2" ${3:+--login --pin env:TEST_PIN} --list-objects </dev/null >"$work/seen" 2>&1
	cat "$work/seen"
	[ "$(grep -c '^Private Key Object' "$work/seen")" = "$1" ]
}
sign() # MODULE PIN
{
	export TEST_PIN=$2
	openssl dgst -sha256 -binary -out "$work/hash" "$work/short.txt"
	rm -f "$work/sig"
	application pkcs11-tool --module "$1" --login --pin env:TEST_PIN --sign --id "$CREDENTIAL_EC" --mechanism ECDSA \
		--signature-format openssl --input-file "$work/hash" --output-file "$work/sig" </dev/null && [ -s "$work/sig" ]
}
# pkcs11-tool has no name for CKR_ACTION_PROHIBITED: 0x1b
refused() # CODE MODULE PIN
{
	! sign "$2" "$3" >"$work/refused" 2>&1
	cat "$work/refused"
	[ ! -s "$work/sig" ] && grep -q "C_Login.*$1" "$work/refused"
}
newest() { as_auditor audit list --json | tail -n 1 | jq .seq; }
# since SEQ: type, outcome, reason and actor of the records of logins and SADs after that one
since()
{
	as_auditor audit list --json | jq -r --argjson s "$1" 'select(.seq > $s and (.type == "login" or .type == "activate")) |
		[.type, .reason // "ok", .actor.id // "-", .detail // "-", if .sad then "sad" else "-" end] | join(" ")'
}

# ---- level 1: what each sees ---------------------------------------------------------------------
sca desk --signer "$SIGNER"
sca alone
as_officer signer add bob --new-pin-source "file:$work/sca.pin" >"$work/bob.log" 2>&1 || bail "no bob" "$work/bob.log"
check "nobody sees no private key" sees 0 "$P11_SAM_MODULE"
check "the signer sees the own two" sees 2 "$P11_SAM_MODULE" "$signer_pin"
check "another signer none" sees 0 "$P11_SAM_MODULE" bob:a-password-for-tests
check "an SCA those of the signer granted to it" sees 2 "$P11_SAM_MODULE" desk:a-password-for-tests
check "an SCA to which nobody is granted none" sees 0 "$P11_SAM_MODULE" alone:a-password-for-tests
check "no password of an SCA authorises a signature" eval '! sign "$P11_SAM_MODULE" desk:a-password-for-tests'

# no secret serves both
(umask 077 && printf 'Kraftwerk-1974' >"$work/both" && printf 'Kraftwerk-1975' >"$work/other")
refuses_both() { ! "$@" >"$work/says" 2>&1; cat "$work/says" && grep "two secrets" "$work/says"; }
check "the signer has a PIN" as_officers authenticator add "$SIGNER" --new-pin-source "file:$work/both"
check "it cannot become the service password" refuses_both as_signer signer passwd "$SIGNER" --new-pin-source "file:$work/both"
check "another secret can" as_signer signer passwd "$SIGNER" --new-pin-source "file:$work/other"
as_officer signer add carol --new-pin-source "file:$work/both" >"$work/carol.log" 2>&1 || bail "no carol" "$work/carol.log"
check "nor can the service password become the PIN" refuses_both \
	as_officers authenticator add carol --new-pin-source "file:$work/both"

# ---- levels 2 and 3 ------------------------------------------------------------------------------
serve() # starts p11-kit's server anew
{
	rm -f "$work/socket"
	background "$work/server.log" p11-kit server --foreground --name "$work/socket" --provider "$P11_SAM_MODULE" \
		"pkcs11:token=p11-sam"
	for _ in $(seq 100); do
		[ -S "$work/socket" ] && break
		sleep 0.1
	done
	[ -S "$work/socket" ] || bail "p11-kit server made no socket" "$work/server.log"
}
serve
export P11_KIT_SERVER_ADDRESS=unix:path=$work/socket
for level in 2 3; do
	setup_level "$level"
	sad=$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt")
	before=$(newest)
	check "level $level: a SAD with nobody logged in: CKR_ACTION_PROHIBITED" refused 0x1b "$P11_SAM_MODULE" "$sad"
	check "level $level: nor for a client whose uid is bound to nobody" refused 0x1b "$client" "$sad"
	check "level $level: the trail says sad_is_no_login, and nobody was logged in" eval 'since "$before" | tee "$work/since"
		grep "^login sad_is_no_login" "$work/since" && ! grep "^login ok" "$work/since"'
	sca "front$level" --uid 0
	before=$(newest)
	check "level $level: bound to an SCA to which the signer is not granted: CKR_PIN_INVALID" \
		refused CKR_PIN_INVALID "$client" "$sad"
	check "level $level: that SCA is not logged in either" eval '! since "$before" | grep "^login ok"'
	as_officers principal remove "front$level" >"$work/remove.log" 2>&1 || bail "not removed" "$work/remove.log"
	sca "desk$level" --signer "$SIGNER" --uid 0
	before=$(newest)
	check "level $level: bound to one to which it is: the SAD signs" sign "$client" "$sad"
	check "level $level: the login is on record by itself, then the SAD" eval 'since "$before" | tee "$work/since"
		[ "$(head -n 1 "$work/since")" = "login ok desk$level by the client'\''s uid -" ] &&
		[ "$(sed -n 2p "$work/since")" = "activate ok desk$level - sad" ]'
	check "level $level: the signature is the SCA's, under both factors" eval 'as_auditor audit search --type sign \
		--outcome success --actor "desk$level" --json | jq -es "flatten | last | .factors | sort == [\"knowledge\", \"possession\"]"'
	check "level $level: once" eval '! sign "$client" "$sad"'
	check "level $level: in one's own process there is no such client" refused 0x1b "$P11_SAM_MODULE" \
		"$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt")"
done
check "the audit trail verifies" audit_verifies
finish
