#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Keys from outside: real packages, wrapped by OpenSSL for the SAM's import key. What the level takes comes in and signs;
# everything else is refused with its reason, and leaves nothing in the CM (P1-6.2.4.1 to 6.2.4.4).
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need pkcs11-tool openssl jq softhsm2-util
setup
quietly() { "$@" >"$work/quiet.log" 2>&1 || bail "$*" "$work/quiet.log"; }

# What is in the CM, seen with its own PIN: private keys.
in_cm()
{
	pkcs11-tool --module "$CM_MODULE" --token-label "$CM_TOKEN" --login --pin "$(cat "$CM_PIN_FILE")" -O --type privkey \
		2>/dev/null | grep -E '^Private|label|ID:' | sort
}
samctl --json sap key --import >"$work/import.jwk" || bail "no import key"
check "the import key is a public JWK for RSA-OAEP" \
	jq -e '.kty == "RSA" and .use == "enc" and (.alg | startswith("RSA-OAEP")) and (.d | not)' "$work/import.jwk"
samctl --json sap key --import >"$work/again.jwk"
check "and stays the same" cmp "$work/import.jwk" "$work/again.jwk"
check "making it is on record" eval 'as_auditor audit search --type own-key --json | jq -es "any(.[]; .new == \"import\")"'

for kind in "RSA -pkeyopt rsa_keygen_bits:3072" "EC -pkeyopt ec_paramgen_curve:P-256"; do
	for n in 1 2 3; do
		# shellcheck disable=SC2086
		quietly plain_openssl genpkey -algorithm $kind -out "$work/${kind%% *}$n.pem"
	done
done
credential_of() { plain_openssl pkey -in "$1" -pubout -outform DER | openssl dgst -sha256 -r | cut -c1-32; } # FILE
package() # FILE KEY [CHANGES [SIGNER [SIGN.pem CERTIFICATE...]]]
{
	local file=$1 key=$2 changes=${3:-'{}'} signer=${4:-$SIGNER}
	shift $(($# > 4 ? 4 : $#))
	[ $# -gt 0 ] || set -- "$DEVICE_KEY"
	timeout 60 "$SAM_BUILDDIR/tests/client/package" "$work/import.jwk" "$work/$key.pem" "$signer" "$SAM_ID" "$changes" \
		"$@" >"$file" || bail "package: $key $changes"
}
# import FILE [SIGNER DEVICE]: under a SAD that orders just this package
import()
{
	local sad
	sad=$(order "${2:-$SIGNER}" import "{\"sha256\":\"$(sha256sum "$1" | cut -d' ' -f1)\"}" ${3:+"$3"}) &&
		samctl key import "$1" --sad - <<<"$sad"
}
# refused WHAT REASON COMMAND...: with that reason in the trail, and nothing in the CM
refused()
{
	local what=$1 reason=$2 seq
	shift 2
	in_cm >"$work/cm.before"
	seq=$(as_auditor audit list --json | jq -s 'map(.seq) | max')
	check_fails "$what: refused" "$@"
	check "$what: on record as $reason" eval "as_auditor audit list --json |
		jq -es --argjson s $seq 'any(.[]; .seq > \$s and .type == \"admin-refused\" and .reason == \"$reason\")'"
	in_cm >"$work/cm.after"
	check "$what: nothing is left in the CM" cmp "$work/cm.before" "$work/cm.after"
}

# ---- level 1 -----------------------------------------------------------------------------------
for key in RSA1 EC1; do
	id=$(credential_of "$work/$key.pem")
	package "$work/$key.json" $key
	check "$key: comes in under the signer's SAD" eval '[ "$(import "$work/$key.json")" = "$id" ]'
	check "$key: is active, and says where it is from" eval \
		'as_officer --json key show "$id" | jq -e ".state == \"active\" and .origin == \"import-signer\" and .in_cm"'
	mechanism=SHA256-RSA-PKCS
	[ $key = RSA1 ] || mechanism=ECDSA-SHA256
	sad=$(new_sad "$id" --file "$work/short.txt")
	check "$key: signs" application pkcs11-tool --module "$P11_SAM_MODULE" --login --pin "$sad" --sign --id "$id" \
		--mechanism $mechanism --signature-format openssl --input-file "$work/short.txt" --output-file "$work/sig"
	plain_openssl pkey -in "$work/$key.pem" -pubout -out "$work/$key.pub" 2>/dev/null
	check "$key: the signature is the key's" verify "$work/$key.pub" "$work/sig" "$work/short.txt"
	check "$key: importing it is on record" eval 'as_auditor audit search --type key-import --credential "$id" --json |
		jq -es "any(.[]; .outcome == \"success\" and .signer == \"$SIGNER\" and .target)"'
	refused "$key: the same package again" exists import "$work/$key.json"
	package "$work/twice.json" $key
	refused "$key: the same key in another package" exists import "$work/twice.json"
done
check "the private key is not LOCAL in the CM" eval "pkcs11-tool --module '$CM_MODULE' --token-label '$CM_TOKEN' --login \
	--pin '$(cat "$CM_PIN_FILE")' -O --type privkey 2>/dev/null | grep -A6 'EC' | grep -q 'sensitive'"

package "$work/p.json" RSA2
refused "without the signer's SAD" role as_officer key import "$work/p.json"
refused "by two officers at level 1" role as_officers key import "$work/p.json" --reference x
sad=$(order "$SIGNER" import '{"sha256":"'"$(printf 0%.0s {1..64})"'"}')
refused "a SAD for another package" sad_params eval 'samctl key import "$work/p.json" --sad - <<<"$sad"'
sad=$(order "$SIGNER" generate '{"type":"rsa:3072","label":""}')
refused "a SAD that orders something else" sad_operation eval 'samctl key import "$work/p.json" --sad - <<<"$sad"'

# ---- another's key under my name, mine under another's ------------------------------------------
quietly as_officer signer add bob
quietly "$SADTOOL" keygen --alg ES256 --out "$work/bob.jwk" --public "$work/bob.pub.jwk"
quietly enrol bob "$work/bob.jwk" "$work/bob.pub.jwk"
sleep 1.1
package "$work/p.json" RSA2 '{}' bob
refused "bob's name under alice's device" import_issuer import "$work/p.json"
package "$work/p.json" RSA2 '{"claims":{"sub":"nobody"}}'
refused "a signer that is none" import_issuer import "$work/p.json"
package "$work/p.json" RSA2
refused "alice's package under bob's SAD" sad_foreign import "$work/p.json" bob "$work/bob.jwk"
package "$work/p.json" RSA1 '{}' bob "$work/bob.jwk"
refused "alice's key under bob's name" exists import "$work/p.json" bob "$work/bob.jwk"
plain_openssl pkey -in "$work/RSA3.pem" -pubout -outform DER 2>/dev/null | openssl base64 -A | tr '+/' '-_' | tr -d = >"$work/spki"
package "$work/p.json" RSA2 "{\"claims\":{\"spki\":\"$(cat "$work/spki")\"}}"
refused "another key than the manifest says" import_mismatch import "$work/p.json"
plain_openssl pkey -in "$work/EC3.pem" -pubout -outform DER 2>/dev/null | openssl base64 -A | tr '+/' '-_' | tr -d = >"$work/spki"
package "$work/p.json" EC2 "{\"claims\":{\"spki\":\"$(cat "$work/spki")\"}}"
refused "another EC key than the manifest says" import_mismatch import "$work/p.json"

# ---- what is wrong with the package -------------------------------------------------------------
wrong() # WHAT REASON CHANGES
{
	package "$work/p.json" RSA2 "$3"
	refused "$1" "$2" import "$work/p.json"
}
wrong "another usage" import '{"claims":{"usage":"decrypt"}}'
wrong "another SAM" import '{"claims":{"aud":"https://other.example.jp"}}'
wrong "expired" import "{\"claims\":{\"exp\":$(($(date +%s) - 1))}}"
wrong "made in the future" import "{\"claims\":{\"iat\":$(($(date +%s) + 3600)),\"exp\":$(($(date +%s) + 7200))}}"
wrong "living too long" import "{\"claims\":{\"exp\":$(($(date +%s) + 40 * 86400))}}"
wrong "an id that is too short" import '{"claims":{"id":"short"}}'
wrong "no id" import '{"claims":{"id":null}}'
wrong "one member more" import '{"claims":{"extractable":true}}'
wrong "an attribute in place of the usage" import '{"claims":{"usage":{"sign":true}}}'
wrong "another typ" import '{"header":{"typ":"sad+jwt"}}'
wrong "another kek" import '{"garble":"kek"}'
wrong "another key" import '{"garble":"key"}'
wrong "a kek that no one can unwrap" import '{"garble":"kek","rehash":true}'
wrong "a key that was changed under its wrapping" import '{"garble":"key","rehash":true}'
wrong "no manifest" import '{"package":{"manifest":""}}'
wrong "a member more in the package" import '{"package":{"note":"x"}}'
wrong "spki that is none" import '{"claims":{"spki":"AAAA"}}'
printf 'not JSON' >"$work/p.json"
refused "no JSON" import import "$work/p.json"
head -c 70000 /dev/zero | tr '\0' ' ' >"$work/p.json"
check_fails "too long" import "$work/p.json"
package "$work/p.json" RSA2
python=$(jq -c '.manifest |= (split(".") | .[2] = "AAAA" + .[2][4:] | join("."))' "$work/p.json")
printf %s "$python" >"$work/p.json"
refused "a forged manifest" import_issuer import "$work/p.json"

# ---- a destroyed key does not come back ----------------------------------------------------------
id=$(credential_of "$work/EC1.pem")
quietly as_ra key revoke "$id" --reason "compromised"
package "$work/p.json" EC1
refused "a destroyed key" name_used import "$work/p.json"
package "$work/p.json" EC2
check "another one comes in" import "$work/p.json"

# ---- a CA vouches --------------------------------------------------------------------------------
ca() # NAME
{
	quietly plain_openssl req -x509 -newkey rsa:3072 -nodes -keyout "$work/$1.key" -out "$work/$1.pem" -days 365 \
		-subj "/C=JP/O=Test/CN=$1" -addext basicConstraints=critical,CA:TRUE \
		-addext keyUsage=critical,keyCertSign,cRLSign
	quietly plain_openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/$1.ee.key" \
		-out "$work/$1.csr" -subj "/C=JP/O=Test/CN=$1 key service"
	printf 'keyUsage=critical,digitalSignature\nbasicConstraints=critical,CA:FALSE\n' >"$work/ext"
	quietly plain_openssl x509 -req -in "$work/$1.csr" -CA "$work/$1.pem" -CAkey "$work/$1.key" -days 30 \
		-extfile "$work/ext" -out "$work/$1.ee.pem"
}
with_ca() # FILE EXTRA: the CA `good` into that policy
{
	printf 'cas:\n  - name: Good CA\n    use: [import]\n%b    certificate: |\n' "$2" >>"$1"
	sed 's/^/      /' "$work/good.pem" >>"$1"
}
ca good
ca bad
package "$work/p.json" RSA2 '{}' "$SIGNER" "$work/good.ee.key" "$work/good.ee.pem"
refused "a CA that the policy does not name" import_issuer import "$work/p.json"
with_ca "$demo/policy.yaml" ''
next_policy ''
package "$work/q.json" RSA2 '{}' "$SIGNER" "$work/bad.ee.key" "$work/bad.ee.pem"
refused "another CA" import_issuer import "$work/q.json"
package "$work/q.json" RSA2 '{}' "$SIGNER" "$work/bad.ee.key" "$work/good.ee.pem"
refused "a certificate whose key did not sign" import_issuer import "$work/q.json"
check "the CA's package comes in at level 1, under the SAD" import "$work/p.json"
id=$(credential_of "$work/RSA2.pem")
check "and is from a CA" eval 'as_officer --json key show "$id" | jq -e ".origin == \"import-ca\" and .state == \"active\""'

# ---- levels 2 and 3 ------------------------------------------------------------------------------
again() # LEVEL EXTRA
{
	rm -rf "$demo"/state.db* "$demo"/policy.yaml.jws "$demo"/tokens/*
	level_policy "$1" >"$demo/policy.yaml"
	[ "$1" = 3 ] || with_ca "$demo/policy.yaml" "$2"
	quietly softhsm2-util --init-token --free --label "$CM_TOKEN" --so-pin "$(cat "$demo/cm.so-pin")" \
		--pin "$(cat "$CM_PIN_FILE")"
	quietly samctl init --officer "$SO_NAME" --officer-pin-source "$SO_PIN_SOURCE" --officer "$SO2_NAME" \
		--officer-pin-source "$SO2_PIN_SOURCE" --auditor "$AUDITOR_NAME" --auditor-pin-source "$AUDITOR_PIN_SOURCE"
	quietly as_officer signer add "$SIGNER" --new-pin-source "$SIGNER_PIN_SOURCE"
	quietly enrol "$SIGNER" "$DEVICE_KEY" "$demo/device.pub.jwk"
	quietly second_factor "$SIGNER"
	samctl --json sap key --import >"$work/import.jwk" || bail "no import key"
	sleep 1.1
}
again 2 '    keygen_level: 2\n    reference: "report 7"\n    date: 2026-04-01\n'
package "$work/p.json" EC3 '{}' "$SIGNER" "$work/good.ee.key" "$work/good.ee.pem"
package "$work/q.json" EC3
refused "level 2: a device's word, under a SAD" import_issuer import "$work/q.json"
refused "level 2: by two officers without a reference" reference as_officers key import "$work/p.json"
package "$work/q.json" EC3
refused "level 2: a device's word" import_issuer as_officers key import "$work/q.json" --reference "letter 17"
package "$work/q.json" EC3 '{}' "$SIGNER" "$work/bad.ee.key" "$work/bad.ee.pem"
refused "level 2: another CA" import_issuer as_officers key import "$work/q.json" --reference "letter 17"
check "level 2: one officer's waits" eval 'as_officer --json key import "$work/p.json" --reference "letter 17" | jq -e .pending'
check "level 2: the CA's package, by two officers" as_officers key import "$work/p.json" --reference "letter 17"
id=$(credential_of "$work/EC3.pem")
check "level 2: it is inactive, and from a CA" eval \
	'as_officer --json key show "$id" | jq -e ".state == \"inactive\" and .origin == \"import-ca\""'
refused "level 2: the same package again" exists as_officers key import "$work/p.json" --reference "letter 17"
quietly as_officers key destroy "$id"
refused "level 2: nor when the key is destroyed" name_used as_officers key import "$work/p.json" --reference "letter 17"
package "$work/p.json" EC2 '{}' "$SIGNER" "$work/good.ee.key" "$work/good.ee.pem"
check "level 2: the CA's package under the signer's SAD of two factors" import "$work/p.json"
check "level 2: it is active at once" eval \
	'as_officer --json key show "$(credential_of "$work/EC2.pem")" | jq -e ".state == \"active\" and .origin == \"import-ca\""'
again 3 ''
package "$work/p.json" EC3 '{}' "$SIGNER" "$work/good.ee.key" "$work/good.ee.pem"
refused "level 3: by two officers" import_level as_officers key import "$work/p.json" --reference "letter 17"
refused "level 3: by a SAD" import_level import "$work/p.json"
check "the audit trail verifies" audit_verifies
finish
