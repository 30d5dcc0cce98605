#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# pkcs11-tool (OpenSC): every mechanism of the DTBS/R table with both keys, in one part and in many,
# verified by plain OpenSSL; what it lists and what its --test says, beside the bare CM.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need pkcs11-tool
setup

# tool ARG...: through the SAM; bare ARG...: the CM itself.
tool() { application pkcs11-tool --module "$P11_SAM_MODULE" "$@"; }
bare() { timeout 120 pkcs11-tool --module "$CM_MODULE" --token-label "$CM_TOKEN" --login --pin "$(cat "$CM_PIN_FILE")" "$@"; }

# tool_sign CREDENTIAL MECHANISM SAD INPUT [OPTION...]: sign INPUT into $work/sig.
tool_sign()
{
	local credential=$1 mechanism=$2
	export TEST_SAD=$3
	rm -f "$work/sig"
	set -- --input-file "$4" "${@:5}"
	tool --login --pin env:TEST_SAD --sign --id "$credential" --mechanism "$mechanism" \
		--signature-format openssl --output-file "$work/sig" "$@"
}
# digest HASH FILE OUT; digest_info HASH FILE OUT
digest() { plain_openssl dgst "-$1" -binary -out "$3" "$2"; }
digest_info()
{
	local prefix
	case $1 in
	sha256) prefix=3031300d060960864801650304020105000420 ;;
	sha384) prefix=3041300d060960864801650304020205000430 ;;
	sha512) prefix=3051300d060960864801650304020305000440 ;;
	esac
	digest "$1" "$2" "$work/raw" && { xxd -r -p <<<"$prefix" && cat "$work/raw"; } >"$3"
}
pss_options() { echo "-$1 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest -sigopt rsa_mgf1_md:$1"; }

sign_and_verify() # CREDENTIAL PUBLIC MECHANISM HASH FILE INPUT VERIFY-OPTIONS [OPTION...]
{
	local credential=$1 public=$2 mechanism=$3 hash=$4 file=$5 input=$6 options=$7 sad
	shift 7
	sad=$(new_sad "$credential" --file "$file" --hash "$hash") || return 1
	tool_sign "$credential" "$mechanism" "$sad" "$input" "$@" || return 1
	# shellcheck disable=SC2086
	verify "$public" "$work/sig" "$file" $options
}

for file in short.txt long.bin; do
	f=$work/$file
	for bits in 256 384 512; do
		hash=sha$bits
		digest "$hash" "$f" "$work/hash"
		digest_info "$hash" "$f" "$work/info"
		check "CKM_SHA${bits}_RSA_PKCS over $file" \
			sign_and_verify "$CREDENTIAL_RSA" "$public_rsa" "SHA$bits-RSA-PKCS" $hash "$f" "$f" "-$hash"
		check "CKM_SHA${bits}_RSA_PKCS_PSS over $file" \
			sign_and_verify "$CREDENTIAL_RSA" "$public_rsa" "SHA$bits-RSA-PKCS-PSS" $hash "$f" "$f" "$(pss_options $hash)"
		check "CKM_RSA_PKCS over the DigestInfo of $file, SHA-$bits" \
			sign_and_verify "$CREDENTIAL_RSA" "$public_rsa" RSA-PKCS $hash "$f" "$work/info" "-$hash"
		check "CKM_RSA_PKCS_PSS over the hash of $file, SHA-$bits" \
			sign_and_verify "$CREDENTIAL_RSA" "$public_rsa" RSA-PKCS-PSS $hash "$f" "$work/hash" \
			"$(pss_options $hash)" --hash-algorithm "SHA$bits" --mgf "MGF1-SHA$bits"
	done
	digest sha256 "$f" "$work/hash"
	check "CKM_ECDSA_SHA256 over $file" \
		sign_and_verify "$CREDENTIAL_EC" "$public_ec" ECDSA-SHA256 sha256 "$f" "$f" -sha256
	check "CKM_ECDSA over the hash of $file" \
		sign_and_verify "$CREDENTIAL_EC" "$public_ec" ECDSA sha256 "$f" "$work/hash" -sha256
done

# ---- what is refused on purpose ----
sad=$(new_sad "$CREDENTIAL_RSA" --file "$work/short.txt")
check_fails "CKM_RSA_PKCS over bytes that are no DigestInfo is refused" \
	tool_sign "$CREDENTIAL_RSA" RSA-PKCS "$sad" "$work/short.txt"
head -c 384 /dev/zero >"$work/block"
check_fails "CKM_RSA_X_509 is refused" tool_sign "$CREDENTIAL_RSA" RSA-X-509 "$sad" "$work/block"
check_fails "CKM_SHA1_RSA_PKCS is refused" tool_sign "$CREDENTIAL_RSA" SHA1-RSA-PKCS "$sad" "$work/short.txt"
check "after the refusals the SAD is as it was" \
	tool_sign "$CREDENTIAL_RSA" SHA256-RSA-PKCS "$sad" "$work/short.txt"
check_fails "the same SAD a second time is refused" \
	tool_sign "$CREDENTIAL_RSA" SHA256-RSA-PKCS "$sad" "$work/short.txt"
check "the audit trail says digest_used" audit_says "$sad" digest_used
check "one signature is in the audit trail under this SAD" test "$(audit_signatures "$sad")" = 1
sad=$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt" --hash sha384)
check_fails "a hash longer than the curve's order is refused" \
	tool_sign "$CREDENTIAL_EC" ECDSA-SHA384 "$sad" "$work/short.txt"
sad=$(new_sad "$CREDENTIAL_RSA" --file "$work/short.txt")
check_fails "a SAD cut short is refused" tool_sign "$CREDENTIAL_RSA" SHA256-RSA-PKCS "${sad:0:255}" "$work/short.txt"
check "the audit trail says sad_truncated" \
	sh -c '"$1" --as "$2" --pin-source "$3" audit search --reason sad_truncated --format json | grep -q sad_truncated' \
	sh "$SAMCTL" "$AUDITOR_NAME" "$AUDITOR_PIN_SOURCE"
token=$(new_token "$sad")
check "a SAD token of 30 characters does what its SAD does" \
	tool_sign "$CREDENTIAL_RSA" SHA256-RSA-PKCS "$token" "$work/short.txt"

# ---- what it shows ----
export TEST_PIN=$signer_pin
tool --list-objects >"$work/objects" 2>&1
check "without a login no private key is listed" test "$(grep -c '^Private Key' "$work/objects")" = 0
check "the signer logs in and lists" tool --login --pin env:TEST_PIN --list-objects
tool --login --pin env:TEST_PIN --list-objects >"$work/objects" 2>&1
check "the signer's two private keys are listed" test "$(grep -c '^Private Key' "$work/objects")" = 2
check "the private keys ask for a login for each signature" \
	test "$(grep -c 'Access:.*always authenticate\|always authenticate\|CKA_ALWAYS_AUTHENTICATE' "$work/objects")" -ge 2
check "the credentialIDs are the ids of the keys" \
	test "$(grep -c "ID: *\($CREDENTIAL_RSA\|$CREDENTIAL_EC\)" "$work/objects")" -ge 2
check_fails "a wrong password does not log in" tool --login --pin "$SIGNER:not-her-password" --list-objects
check "the token, the slots and the mechanisms are listed" \
	sh -c '"$@" --list-slots --list-mechanisms | grep -q RSA-PKCS' sh \
	timeout 60 env ${SAM_PRELOAD:+"LD_PRELOAD=$SAM_PRELOAD"} pkcs11-tool --module "$P11_SAM_MODULE"
tool --list-mechanisms >"$work/mechanisms" 2>&1
check "CKM_RSA_X_509 is not offered" test "$(grep -c 'RSA-X-509' "$work/mechanisms")" = 0

# ---- its own test, beside the bare CM's ----
tool --test --login --pin env:TEST_PIN >"$work/test.sam" 2>&1
status=$?
bare --test >"$work/test.cm" 2>&1
check "pkcs11-tool --test ends by itself (the CM: $?, the SAM: $status)" test $status -lt 124
# Digests and random numbers are the SAM's own work: there nothing may be worse than the CM.
section() { sed -n "/^$1/,/^[^ ]/p" "$2" | grep -c 'ERR\|failed\|not match'; }
for part in C_SeedRandom Digests; do
	check "pkcs11-tool --test: $part is no worse than on the bare CM" \
		test "$(section "$part" "$work/test.sam")" -le "$(section "$part" "$work/test.cm")"
done
check "the audit trail verifies" audit_verifies
finish
