#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Java's SunPKCS11: it never logs in for one signature, so the policy says always_authenticate: false and
# the SAD is the PIN of the login; the check at C_Sign is the same. An abandoned Signature is cancelled
# by C_SignFinal without data, which must give no signature and use nothing up.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need java javac keytool jq pkcs11-tool
need_no_sanitizer Java
setup

next_policy 's/^\( *always_authenticate:\) true/\1 false/'

printf 'name = sam\nlibrary = %s\nslotListIndex = 0\n' "$P11_SAM_MODULE" >"$work/java.cfg"
open=jdk.crypto.cryptoki/sun.security.pkcs11
exports=(--add-modules jdk.crypto.cryptoki --add-exports "$open=ALL-UNNAMED" --add-exports "$open.wrapper=ALL-UNNAMED")
check "the test program compiles" javac "${exports[@]}" -d "$work" "$SAM_SRCDIR/tests/client/Sign.java"
# java_sign MODE CREDENTIAL ALGORITHM SAD FILE: leaves $work/sig and $work/public.der
java_sign()
{
	rm -f "$work/sig" "$work/public.der"
	timeout 120 java "${exports[@]}" --add-opens "$open=ALL-UNNAMED" --add-opens "$open.wrapper=ALL-UNNAMED" \
		-cp "$work" Sign "$work/java.cfg" "$@" "$work/sig" "$work/public.der"
}
sign_and_verify() # CREDENTIAL ALGORITHM FILE
{
	java_sign sign "$1" "$2" "$(new_sad "$1" --file "$3")" "$3" &&
		plain_openssl pkey -pubin -inform DER -in "$work/public.der" -out "$work/public.pem" &&
		verify "$work/public.pem" "$work/sig" "$3"
}
for file in short.txt long.bin; do
	check "SHA256withRSA over $file" sign_and_verify "$CREDENTIAL_RSA" SHA256withRSA "$work/$file"
	check "SHA256withECDSA over $file" sign_and_verify "$CREDENTIAL_EC" SHA256withECDSA "$work/$file"
done
sad=$(new_sad "$CREDENTIAL_RSA" --file "$work/short.txt")
check_fails "another document is refused" java_sign sign "$CREDENTIAL_RSA" SHA256withRSA "$sad" "$work/long.bin"
empty=$(new_sad "$CREDENTIAL_RSA" --file /dev/null)
check "an abandoned Signature, cancelled by C_SignFinal, gives nothing" \
	java_sign abandon "$CREDENTIAL_RSA" SHA256withRSA "$empty" "$work/short.txt"
check "the SAD for the empty message is not used up by it" test "$(audit_signatures "$empty")" = 0
check "the SAD is good after the refusal" java_sign sign "$CREDENTIAL_RSA" SHA256withRSA "$sad" "$work/short.txt"
check_fails "and only once" java_sign sign "$CREDENTIAL_RSA" SHA256withRSA "$sad" "$work/short.txt"

# ---- a key and a certificate, which keytool does not make and does find --------------------------
in_cm()
{
	pkcs11-tool --module "$CM_MODULE" --token-label "$CM_TOKEN" --login --pin "$(cat "$CM_PIN_FILE")" -O 2>/dev/null | sort
}
# java_store PASSWORD ARG...: keytool with the module as its key store
java_store()
{
	timeout 120 keytool -keystore NONE -storetype PKCS11 -storepass "$1" -providerClass sun.security.pkcs11.SunPKCS11 \
		-providerArg "$work/java.cfg" "${@:2}" </dev/null
}
# refused WHAT PASSWORD ARG...: keytool fails by itself, and makes no entry
refused()
{
	check_fails "keytool -genkeypair, $1: refused" java_store "$2" -genkeypair -alias new -dname CN=new "${@:3}"
	cp "$work/check.log" "$work/keytool.log"
	check "$1: by an exception, with no crash" eval 'grep Exception "$work/keytool.log" &&
		! grep "SIGSEGV\|fatal error" "$work/keytool.log"'
}
keys() { as_officer --json key list | jq -c '[.[] | .credentialID] | sort'; }
in_cm >"$work/before" && keys >"$work/keys"
refused "RSA" "$signer_pin" -keyalg RSA -keysize 3072
refused "EC" "$signer_pin" -keyalg EC -groupname secp256r1
refused "RSA, under a SAD that orders such a key" "$(order "$SIGNER" generate '{"type":"rsa:3072","label":"new"}')" \
	-keyalg RSA -keysize 3072
in_cm >"$work/after"
check "nothing is left in the CM" cmp "$work/before" "$work/after"
check "nor in the registry" eval 'cmp "$work/keys" <(keys)'
# Java leaves CKA_TOKEN out, so this is C_GenerateKeyPair as the signer ordered it. The certificate over it, which
# keytool wants signed at once, nobody ordered.
refused "EC, under a SAD that orders such a key" "$(order "$SIGNER" generate '{"type":"ec:P-256","label":"new"}')" \
	-keyalg EC -groupname secp256r1
check "the key that was ordered is the registered one, and the CM has one such pair more" eval \
	'[ "$(as_officer --json key list | jq "[.[] | select(.label == \"new\")] | length")" = 1 ] && in_cm >"$work/after" &&
	[ "$(diff "$work/before" "$work/after" | grep -c "Key Object")" = 2 ]'
check "but no entry for Java" eval '! java_store "$signer_pin" -list | grep PrivateKeyEntry'

# The way of p11-sam-setup(7): samctl makes key and request, the CA's certificate is registered.
ca()
{
	plain_openssl req -x509 -newkey rsa:3072 -nodes -keyout "$work/ca.key" -out "$work/ca.pem" -days 30 -config /dev/null \
		-subj /CN=ca -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign &&
		printf 'cas:\n  - name: ca\n    use: [certificates]\n    certificate: |\n' >>"$demo/policy.yaml" &&
		sed 's/^/      /' "$work/ca.pem" >>"$demo/policy.yaml" && next_policy ''
}
certify() # CREDENTIAL
{
	local sha256
	sha256=$(as_officer --json key csr "$1" | jq -r .sha256) &&
		samctl key csr "$1" --sad - <<<"$(order "$SIGNER" csr "{\"credentialID\":\"$1\",\"sha256\":\"$sha256\"}")" \
			>"$work/key.csr" &&
		plain_openssl x509 -req -in "$work/key.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -days 9 -out "$work/key.pem" &&
		as_officer key certificate "$1" "$work/key.pem"
}
key=$(new_key "$SIGNER" ec:P-256 document) || bail "no key"
check "a CA for the policy" ca
check "samctl key csr, the CA, samctl key certificate" certify "$key"
java_store "$signer_pin" -list >"$work/list" 2>&1
check "keytool -list finds the one key that has a certificate" [ "$(grep -c PrivateKeyEntry "$work/list")" = 1 ]
check "under the key's label" grep -q '^document, PrivateKeyEntry' "$work/list"
check "with that certificate" eval 'java_store "$signer_pin" -exportcert -rfc -alias document 2>/dev/null |
	plain_openssl x509 -outform DER | cmp - <(plain_openssl x509 -in "$work/key.pem" -outform DER)'
check "SHA256withECDSA with it" sign_and_verify "$key" SHA256withECDSA "$work/short.txt"

check "the audit trail verifies" audit_verifies
finish
