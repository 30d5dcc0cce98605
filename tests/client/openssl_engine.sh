#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# OpenSSL's pkcs11 engine (libp11): it cuts PINs at 32 bytes and asks for the one of each signature on the
# terminal, or on standard input where there is none; so it is given SAD tokens.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need openssl setsid
timeout 20 openssl engine pkcs11 >"$work/engine" 2>&1 && grep -q pkcs11 "$work/engine" ||
	skip_all "OpenSSL has no pkcs11 engine"
setup

uri() { echo "pkcs11:token=p11-sam;type=private;id=$(sed 's/../%&/g' <<<"$1")"; }

# engine PIN ARG...: openssl ARG... with the engine; the PIN answers each prompt.
engine()
{
	local pin=$1
	shift
	rm -f "$work/sig"
	printf '%s\n%s\n%s\n' "$pin" "$pin" "$pin" |
		application setsid -w env PKCS11_MODULE_PATH="$P11_SAM_MODULE" openssl "$@"
}
engine_dgst() # PIN CREDENTIAL FILE [OPTION...]
{
	local pin=$1 credential=$2 file=$3
	shift 3
	[ $# -gt 0 ] || set -- -sha256
	engine "$pin" dgst "$@" -engine pkcs11 -keyform engine -sign "$(uri "$credential")" -out "$work/sig" "$file" &&
		[ -s "$work/sig" ]
}
sign_and_verify() # CREDENTIAL PUBLIC FILE HASH [OPTION...]
{
	local credential=$1 public=$2 file=$3 hash=$4 token
	shift 4
	token=$(new_token "$(new_sad "$credential" --file "$file" --hash "$hash")") || return 1
	engine_dgst "$token" "$credential" "$file" "-$hash" "$@" && verify "$public" "$work/sig" "$file" "-$hash" "$@"
}

for file in short.txt long.bin; do
	check "RSA, SHA-256 over $file" sign_and_verify "$CREDENTIAL_RSA" "$public_rsa" "$work/$file" sha256
	check "RSA, SHA-512 over $file" sign_and_verify "$CREDENTIAL_RSA" "$public_rsa" "$work/$file" sha512
	check "RSA-PSS, SHA-256 over $file" sign_and_verify "$CREDENTIAL_RSA" "$public_rsa" "$work/$file" sha256 \
		-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest
	check "ECDSA P-256 over $file" sign_and_verify "$CREDENTIAL_EC" "$public_ec" "$work/$file" sha256
done

sad=$(new_sad "$CREDENTIAL_RSA" --file "$work/short.txt")
token=$(new_token "$sad")
check_fails "another document under that token is refused" engine_dgst "$token" "$CREDENTIAL_RSA" "$work/long.bin"
check "the audit trail says digest_not_authorised" audit_says "$sad" digest_not_authorised
check_fails "RSA-PSS for another document does not fall back to raw RSA" \
	engine_dgst "$token" "$CREDENTIAL_RSA" "$work/long.bin" -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest
check_fails "another key under that token is refused" engine_dgst "$token" "$CREDENTIAL_EC" "$work/short.txt"
check "the audit trail says key_not_authorised" audit_says "$sad" key_not_authorised
check "after the refusals the token is good" engine_dgst "$token" "$CREDENTIAL_RSA" "$work/short.txt"
check_fails "the token a second time is refused" engine_dgst "$token" "$CREDENTIAL_RSA" "$work/short.txt"
check_fails "a token that nobody gave out is refused" \
	engine_dgst "sat_$(printf 'a%.0s' {1..26})" "$CREDENTIAL_RSA" "$work/short.txt"
check "one signature is in the audit trail under this SAD" test "$(audit_signatures "$sad")" = 1
check "the audit trail verifies" audit_verifies
finish
