#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The rows of the DTBS/R table with every kind and size of key, in one part and in many, each verified
# with plain OpenSSL.
. "${SAM_SRCDIR:?}/tests/client/lib.sh"
setup
declare -A credential
for type in rsa:2048 rsa:4096 ec:P-256 ec:P-384 ec:P-521 ed25519; do
	id=$(new_key "$SIGNER" "$type" "$type") || bail "no key of type $type"
	credential[$type]=$id
	as_officer --json key show "$id" | jq -r .publicKey >"$work/$id.pem"
done

sign() # TYPE MECHANISM HASH FILE [OPTION...]: and verify
{
	local type=$1 mechanism=$2 hash=$3 file=$4 sad id=${credential[$1]}
	shift 4
	rm -f "$work/sig"
	sad=$(new_sad "$id" --file "$file" --hash "$hash") &&
		SAM_TEST_PIN=$sad application pkcs11-tool --module "$P11_SAM_MODULE" --login --pin env:SAM_TEST_PIN --sign \
			--id "$id" --mechanism "$mechanism" --input-file "${input:-$file}" --output-file "$work/sig" "$@" || return
	case $mechanism in
	EDDSA) plain_openssl pkeyutl -verify -rawin -pubin -inkey "$work/$id.pem" -in "$file" -sigfile "$work/sig" ;;
	*PSS) verify "$work/$id.pem" "$work/sig" "$file" "-$hash" -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest ;;
	*) verify "$work/$id.pem" "$work/sig" "$file" "-$hash" ;;
	esac
}

for type in rsa:2048 rsa:4096; do
	for hash in 256 384 512; do
		for file in short.txt long.bin; do
			check "$type: SHA$hash-RSA-PKCS over $file" sign $type SHA$hash-RSA-PKCS sha$hash "$work/$file"
			check "$type: SHA$hash-RSA-PKCS-PSS over $file" sign $type SHA$hash-RSA-PKCS-PSS sha$hash "$work/$file"
		done
	done
done
ecdsa() # TYPE HASH FILE: with hashing, and over the hash
{
	sign "$1" "ECDSA-SHA$2" "sha$2" "$3" --signature-format openssl &&
		openssl dgst "-sha$2" -binary -out "$work/hash" "$3" &&
		input=$work/hash sign "$1" ECDSA "sha$2" "$3" --signature-format openssl
}
for file in short.txt long.bin; do
	check "ec:P-256 with SHA-256 over $file" ecdsa ec:P-256 256 "$work/$file"
	for hash in 256 384; do check "ec:P-384 with SHA-$hash over $file" ecdsa ec:P-384 $hash "$work/$file"; done
	for hash in 256 384 512; do check "ec:P-521 with SHA-$hash over $file" ecdsa ec:P-521 $hash "$work/$file"; done
done
check_fails "ec:P-256 with SHA-512: the curve is smaller than the hash" ecdsa ec:P-256 512 "$work/short.txt"
if application pkcs11-tool --module "$CM_MODULE" --list-mechanisms 2>/dev/null | grep -q EDDSA; then
	for hash in 256 512; do check "ed25519, SAD by SHA-$hash" sign ed25519 EDDSA sha$hash "$work/short.txt"; done
	check "ed25519 over long.bin" sign ed25519 EDDSA sha256 "$work/long.bin"
	sad=$(new_sad "${credential[ed25519]}" --file "$work/short.txt")
	check_fails "ed25519: another message is refused" env SAM_TEST_PIN="$sad" timeout 60 pkcs11-tool \
		--module "$P11_SAM_MODULE" --login --pin env:SAM_TEST_PIN --sign --id "${credential[ed25519]}" \
		--mechanism EDDSA --input-file "$work/long.bin" --output-file "$work/sig"
else
	skip "ed25519" "the CM does not have it"
fi
check "the chain verifies" audit_verifies
finish
