#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Java's SunPKCS11: it never logs in for one signature, so the policy says always_authenticate: false and
# the SAD is the PIN of the login; the check at C_Sign is the same. An abandoned Signature is cancelled
# by C_SignFinal without data, which must give no signature and use nothing up.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need java javac
need_no_sanitizer Java
setup

setup_again 's/^\( *always_authenticate:\) true/\1 false/'

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
check "the audit trail verifies" audit_verifies
finish
