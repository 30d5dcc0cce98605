#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# GnuTLS: p11tool lists, certtool signs a certificate request. It asks C_Sign for the size first, with
# garbage in the length, and signs on after a refused context login. Nobody knows the request's
# hash before: the first run is refused, the audit trail tells the hash, a SAD for it lets the second by.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need p11tool certtool
# Preloaded into p11tool it hangs at exit, in a destructor of libp11-kit, whatever module is loaded.
need_no_sanitizer GnuTLS
setup

uri() { echo "pkcs11:token=p11-sam;id=$(sed 's/../%&/g' <<<"$1");type=$2"; }
# p11tool opens each key that it lists once more, by a URI without the PIN, so that is in GNUTLS_PIN.
p11() { application env GNUTLS_PIN="$signer_pin" p11tool --provider "$P11_SAM_MODULE" --batch "$@"; }
request() # CREDENTIAL PIN
{
	rm -f "$work/request.pem"
	printf '%s' "$2" >"$work/pin"
	chmod 600 "$work/pin"
	application certtool --provider "$P11_SAM_MODULE" --generate-request --no-text --hash SHA256 \
		--template "$work/template" --outfile "$work/request.pem" \
		--load-privkey "$(uri "$1" private);pin-source=$work/pin" \
		--load-pubkey "$work/public.pem" && [ -s "$work/request.pem" ]
}
cat >"$work/template" <<'X'
cn = "Alice Example"
organization = "Example"
signing_key
X

check "p11tool --list-tokens shows the SAM" sh -c '"$@" | grep -q "token=p11-sam"' sh \
	timeout 60 env ${SAM_PRELOAD:+"LD_PRELOAD=$SAM_PRELOAD"} p11tool --provider "$P11_SAM_MODULE" --batch --list-tokens
p11 --list-all "pkcs11:token=p11-sam" >"$work/list" 2>&1
check "p11tool --list-all without a login shows no private key" test "$(grep -c 'Type: Private' "$work/list")" = 0
p11 --login --list-privkeys "pkcs11:token=p11-sam" >"$work/list" 2>&1
check "p11tool --list-privkeys with the signer's password shows both keys" \
	test "$(grep -c 'Type: Private' "$work/list")" = 2
p11 --login --list-all "pkcs11:token=p11-sam" >"$work/list" 2>&1
status=$?
check "p11tool --login --list-all ends well" test $status = 0
check "p11tool --list-mechanisms ends well" p11 --list-mechanisms "pkcs11:token=p11-sam"
check_fails "p11tool --generate-rsa is refused: keys are made by samctl" \
	p11 --login --generate-rsa --bits 3072 --label x "pkcs11:token=p11-sam"

for kind in RSA EC; do
	credential=CREDENTIAL_$kind
	credential=${!credential}
	cp "$demo/$credential.pem" "$work/public.pem"
	sad=$(new_sad "$credential" --file "$work/short.txt")
	check_fails "$kind: certtool's request is refused under a SAD for another document" request "$credential" "$sad"
	check "$kind: the audit trail says digest_not_authorised" audit_says "$sad" digest_not_authorised
	dtbsr=$(refused_dtbsr)
	sad=$(new_sad "$credential" --digest "$dtbsr")
	if check "$kind: certtool signs the request under a SAD for its hash" request "$credential" "$sad"; then
		check "$kind: plain OpenSSL verifies the request" \
			plain_openssl req -in "$work/request.pem" -noout -verify
	fi
	check "$kind: one signature is in the audit trail under this SAD" test "$(audit_signatures "$sad")" = 1
	check_fails "$kind: the same request again is refused" request "$credential" "$sad"
	token=$(new_token "$(new_sad "$credential" --digest "$dtbsr")")
	check "$kind: certtool signs under a SAD token" request "$credential" "$token"
done
check "the audit trail verifies" audit_verifies
finish
