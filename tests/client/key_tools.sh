#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Keys made, brought in, changed and destroyed by the tools that people have: p11tool, pkcs11-tool, keytool. What
# contradicts the key attribute policy is refused, whatever is refused is on record, and nothing is left in the CM.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need pkcs11-tool openssl jq softhsm2-util
setup

# in_cm: what is in the CM, seen with its own PIN.
in_cm() { pkcs11-tool --module "$CM_MODULE" --token-label "$CM_TOKEN" --login --pin "$(cat "$CM_PIN_FILE")" -O 2>/dev/null | sort; }
# refusals CALL REASON: how many are on record, equal ones in a row counted.
refusals()
{
	as_auditor audit search --reason "$2" --format json |
		jq -s --arg c "$1" 'flatten | map(select(.target == $c) | .count // 1) | add // 0'
}
# refused WHAT CALL REASON COMMAND...: it fails, one refusal more is on record, and the CM is as it was.
refused()
{
	local what=$1 call=$2 reason=$3 before
	shift 3
	before=$(refusals "$call" "$reason")
	check_fails "$what: refused" "$@"
	# equal refusals within a second are one record
	[ "$call $reason" != "$last_refusal" ] || sleep 1.1
	last_refusal="$call $reason"
	check "$what: on record as $reason" test "$(refusals "$call" "$reason")" -gt "$before"
	in_cm >"$work/cm.now"
	check "$what: nothing changed in the CM" cmp "$work/cm.before" "$work/cm.now"
}
last_refusal=
in_cm >"$work/cm.before"
check "both keys are in the CM" test "$(grep -c 'Private Key Object' "$work/cm.before")" -ge 2

tool() { application pkcs11-tool --module "$P11_SAM_MODULE" --login --pin "$signer_pin" "$@"; }
make_by_tool() { tool --keypairgen --label new --id 01 "$@"; }
export GNUTLS_PIN=$signer_pin
gnutls() { application p11tool --provider "$P11_SAM_MODULE" --login --batch "$@" "pkcs11:token=p11-sam" </dev/null; }
make_by_gnutls() { gnutls --outfile "$work/new.pub" --label new "$@"; }

plain_openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -outform DER -out "$work/clear.der" 2>/dev/null
plain_openssl pkey -inform DER -in "$work/clear.der" -out "$work/clear.pem"

refused "pkcs11-tool --keypairgen, RSA that decrypts" C_GenerateKeyPair template make_by_tool --key-type rsa:3072
refused "pkcs11-tool --keypairgen, EC that derives" C_GenerateKeyPair template make_by_tool --key-type EC:prime256v1
refused "pkcs11-tool --keypairgen --extractable" C_GenerateKeyPair template \
	make_by_tool --key-type rsa:3072 --usage-sign --extractable
refused "pkcs11-tool --keypairgen, 1024 bits" C_GenerateKeyPair key_size make_by_tool --key-type rsa:1024 --usage-sign
refused "pkcs11-tool --keypairgen, another curve" C_GenerateKeyPair key_size \
	make_by_tool --key-type EC:secp256k1 --usage-sign
refused "pkcs11-tool --keypairgen --usage-sign without a SAD" C_GenerateKeyPair no_activation \
	make_by_tool --key-type rsa:3072 --usage-sign
refused "pkcs11-tool --keygen" C_GenerateKey prohibited tool --keygen --mechanism AES-KEY-GEN --key-type AES:32 --label new
refused "pkcs11-tool --write-object of a private key" C_CreateObject prohibited \
	tool --write-object "$work/clear.der" --type privkey --usage-sign --id 05
refused "pkcs11-tool --set-id" C_SetAttributeValue prohibited tool --set-id 07 --type privkey --id "$CREDENTIAL_RSA"
refused "pkcs11-tool --delete-object" C_DestroyObject prohibited tool --delete-object --type privkey --id "$CREDENTIAL_RSA"

if [ "${SAM_SANITIZER:-no}" != no ]; then
	skip "p11tool and keytool" "they do not run under -fsanitize=$SAM_SANITIZER"
	finish
fi
if command -v p11tool >/dev/null; then
	refused "p11tool --generate-privkey, RSA that decrypts" C_GenerateKeyPair template \
		make_by_gnutls --generate-privkey=rsa --bits 3072
	refused "p11tool --generate-privkey=rsa --mark-sign without a SAD" C_GenerateKeyPair no_activation \
		make_by_gnutls --generate-privkey=rsa --bits 3072 --mark-sign
	refused "p11tool --generate-privkey=ecc without a SAD" C_GenerateKeyPair no_activation \
		make_by_gnutls --generate-privkey=ecc --curve secp256r1
	refused "p11tool --write --load-privkey" C_CreateObject prohibited \
		gnutls --write --load-privkey "$work/clear.pem" --label new
	before=$(refusals C_DestroyObject prohibited)
	# its exit status is 0 whatever happens
	application p11tool --provider "$P11_SAM_MODULE" --login --batch --delete \
		"pkcs11:token=p11-sam;object=rsa3072;type=private" </dev/null >"$work/delete.log" 2>&1
	sleep 1.1
	check "p11tool --delete deletes nothing" grep -q '^0 objects deleted' "$work/delete.log"
	check "p11tool --delete is on record" test "$(refusals C_DestroyObject prohibited)" -gt "$before"
	check_fails "p11tool --export of a private key" application p11tool --provider "$P11_SAM_MODULE" --login --batch \
		--export "pkcs11:token=p11-sam;object=rsa3072;type=private"
else
	skip "p11tool" "it is not installed"
fi
if command -v keytool >/dev/null; then
	printf 'name = Sam\nlibrary = %s\n' "$P11_SAM_MODULE" >"$work/java.cfg"
	make_by_java()
	{
		application keytool -genkeypair -providerClass sun.security.pkcs11.SunPKCS11 -providerArg "$work/java.cfg" \
			-keystore NONE -storetype PKCS11 -storepass "$signer_pin" -alias new -dname CN=new "$@"
	}
	refused "keytool -genkeypair, RSA, which it makes itself" C_CreateObject prohibited \
		make_by_java -keyalg RSA -keysize 3072
	refused "keytool -genkeypair, EC, without a SAD" C_GenerateKeyPair no_activation \
		make_by_java -keyalg EC -groupname secp256r1
else
	skip "keytool" "it is not installed"
fi

# ---- under SADs that order a key ----
ordered() # TYPE LABEL: a SAD token, which every client sends whole
{
	new_token "$(order "$SIGNER" generate "$(jq -cn --arg t "$1" --arg l "$2" '{type: $t, label: $l}')")"
}
# made WHAT LABEL COMMAND...: one key of that label more is in the CM and seen.
made()
{
	local what=$1 label=$2
	shift 2
	check "$what: made" "$@"
	check "$what: in the CM" test "$(in_cm | grep -c "label: *$label\$")" = 2
	check "$what: seen by its signer" sh -c "printf %s \"\$1\" | grep -q '$label'" sh "$(tool -O 2>/dev/null)"
}
token=$(ordered rsa:3072 by-tool)
made "pkcs11-tool --keypairgen --usage-sign, RSA" by-tool application pkcs11-tool --module "$P11_SAM_MODULE" --login \
	--pin "$token" --keypairgen --key-type rsa:3072 --usage-sign --label by-tool
token=$(ordered ec:P-256 by-tool-ec)
made "pkcs11-tool --keypairgen --usage-sign, EC" by-tool-ec application pkcs11-tool --module "$P11_SAM_MODULE" \
	--login --pin "$token" --keypairgen --key-type EC:prime256v1 --usage-sign --label by-tool-ec
if command -v p11tool >/dev/null; then
	GNUTLS_PIN=$(ordered rsa:3072 by-gnutls)
	made "p11tool --generate-privkey=rsa --mark-sign" by-gnutls application p11tool --provider "$P11_SAM_MODULE" \
		--login --batch --outfile "$work/new.pub" --generate-privkey=rsa --bits 3072 --mark-sign \
		--label by-gnutls pkcs11:token=p11-sam
	GNUTLS_PIN=$(ordered ec:P-256 by-gnutls-ec)
	made "p11tool --generate-privkey=ecc" by-gnutls-ec application p11tool --provider "$P11_SAM_MODULE" --login \
		--batch --outfile "$work/new.pub" --generate-privkey=ecc --curve secp256r1 \
		--label by-gnutls-ec pkcs11:token=p11-sam
	check "p11tool wrote its public key" grep -q 'BEGIN PUBLIC KEY' "$work/new.pub"
fi

# ---- the whole SAD as the PIN, where a tool sends it whole, and used once --------------------------
sad=$(order "$SIGNER" generate '{"type":"ec:P-384","label":"whole"}')
by_sad() { application pkcs11-tool --module "$P11_SAM_MODULE" --login --pin "$sad" --keypairgen --key-type "$1" --usage-sign --label "$2"; }
in_cm >"$work/cm.before"
refused "pkcs11-tool, another type than the SAD orders" "key generate" sad_params by_sad EC:prime256v1 whole
refused "pkcs11-tool, another label" "key generate" sad_params by_sad EC:secp384r1 other
made "pkcs11-tool --pin SAD, as it orders" whole by_sad EC:secp384r1 whole
in_cm >"$work/cm.before"
refused "the same SAD again" "key generate" digest_used by_sad EC:secp384r1 whole
if command -v p11tool >/dev/null; then
	sad=$(order "$SIGNER" generate '{"type":"ec:P-256","label":"by-set-pin"}')
	set_pin() # PIN
	{
		application p11tool --provider "$P11_SAM_MODULE" --login --batch --set-pin "$1" --outfile "$work/new.pub" \
			--generate-privkey=ecc --curve secp256r1 --label by-set-pin pkcs11:token=p11-sam
	}
	check_fails "p11tool --set-pin SAD: GnuTLS cuts it, so it is refused" set_pin "$sad"
	check "on record as sad_truncated" eval 'as_auditor audit search --reason sad_truncated --json | jq -es "flatten | length > 0"'
	made "p11tool --set-pin with the same SAD's token" by-set-pin set_pin "$(new_token "$sad")"
	sad=$(order "$SIGNER" generate '{"type":"ec:P-521","label":"by-pin-value"}')
	made "p11tool, the SAD as pin-value" by-pin-value application env -u GNUTLS_PIN p11tool --provider "$P11_SAM_MODULE" \
		--login --batch --outfile "$work/new.pub" --generate-privkey=ecc --curve secp521r1 --label by-pin-value \
		"pkcs11:token=p11-sam?pin-value=$sad"
fi
check "the audit trail verifies" audit_verifies
finish
