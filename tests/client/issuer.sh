#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A trusted issuer at level 1, end to end: an authorisation server's tokens, in the shapes of the CSC API v2 and in the
# flat form, sign in pkcs11-tool; with the signer's proof, or by delegation where the policy names it; its JWKS file
# changes, breaks, and is mended, and the trail says what happened.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need pkcs11-tool
setup

issuer=https://as.example.jp
oid=2.16.840.1.101.3.4.2.1
"$SADTOOL" keygen --alg ES256 --out "$work/as.jwk" --public "$work/as.pub.jwk" >/dev/null || bail "no key for the issuer"
"$SADTOOL" keygen --alg ES256 --out "$work/as2.jwk" --public "$work/as2.pub.jwk" >/dev/null || bail "no other key"
"$SADTOOL" keygen --alg ES256 --out "$work/thief.jwk" --public "$work/thief.pub.jwk" >/dev/null || bail "no thief"
jkt=$("$SADTOOL" keygen --alg ES256 --out "$work/unused.jwk" --json | jq -r .kid) # of nobody
device_jkt=$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt" | "$SADTOOL" inspect - --json | jq -r .header.kid)
[ ${#jkt} = 43 ] && [ ${#device_jkt} = 43 ] || bail "no thumbprints"

# publish KID PUBLIC [KID PUBLIC]...: the issuer's JWKS file, exchanged as the manual says
publish()
{
	local list='[]'
	while [ $# -gt 0 ]; do
		list=$(jq -c --arg kid "$1" --argjson list "$list" '$list + [. + {kid: $kid}]' "$2")
		shift 2
	done
	jq -cn --argjson keys "$list" '{keys: $keys}' >"$demo/as.jwks.new" && mv "$demo/as.jwks.new" "$demo/as.jwks"
}
# trust MORE: the issuer is in the policy, with these members too
trust()
{
	sed -i '/^issuers:/,$d' "$demo/policy.yaml"
	printf 'issuers:\n  - {iss: "%s", jwks: "%s", typ: [at+jwt]%s}\n' "$issuer" "$demo/as.jwks" "${1:+, $1}" \
		>>"$demo/policy.yaml"
	next_policy ''
}
# token [OPTION of sadtool new...]: the issuer's, for short.txt and the EC key
token()
{
	timeout 60 "$SADTOOL" new --key "$work/as.jwk" --issuer "$issuer" --signer "$SIGNER" --aud "$SAM_ID" \
		--credential "$CREDENTIAL_EC" --file "$work/short.txt" --header 'kid="as-1"' "$@"
}
# with_proof KEY SAD: SAD~PROOF
with_proof() { timeout 60 "$SADTOOL" prove --key "$1" --sad - --aud "$SAM_ID" --join <<<"$2"; }
sign() # PIN
{
	rm -f "$work/sig"
	TEST_SAD=$1 application pkcs11-tool --module "$P11_SAM_MODULE" --login --pin env:TEST_SAD --sign \
		--id "$CREDENTIAL_EC" --mechanism ECDSA-SHA256 --signature-format openssl \
		--input-file "${2:-$work/short.txt}" --output-file "$work/sig" &&
		verify "$public_ec" "$work/sig" "${2:-$work/short.txt}"
}
# refuses PIN REASON [FILE]: it signs nothing, and the trail says why
refuses()
{
	! sign "$1" ${3:+"$3"} && [ ! -s "$work/sig" ] && audit_says "${1%%~*}" "$2"
}
hash_b64=$(openssl dgst -sha256 -binary "$work/short.txt" | base64)
hash_url=$(tr '/+' '_-' <<<"$hash_b64" | tr -d =)
cnf="cnf={\"jkt\":\"$device_jkt\"}"

publish as-1 "$work/as.pub.jwk"
check "before the policy names it, the issuer is none" refuses "$(token)" sad_header

# ---- with the signer's proof
trust
check "a token without the signer's proof is refused" refuses "$(token)" sad_delegation
sad=$(token --claim "$cnf")
check "a token with cnf is refused without the proof" refuses "$sad" sad_cnf
check "with a thief's proof" refuses "$(with_proof "$work/thief.jwk" "$sad")" sad_proof
check "with the issuer's own" refuses "$(with_proof "$work/as.jwk" "$sad")" sad_proof
check "with the device's proof for another token" \
	refuses "$sad~$("$SADTOOL" prove --key "$DEVICE_KEY" --sad - --aud "$SAM_ID" <<<"$(token --claim "$cnf")")" sad_proof
check "with the device's proof for another SAM" \
	refuses "$sad~$("$SADTOOL" prove --key "$DEVICE_KEY" --sad - --aud https://other.example <<<"$sad")" sad_proof
pin=$(with_proof "$DEVICE_KEY" "$sad")
check "samctl sad inspect takes it with the device's own" samctl sad inspect --sad - <<<"$pin"
check "it signs" sign "$pin"
check "the record names the issuer, its key and the signer" eval \
	'as_auditor audit search --jti "$(claim "$sad" jti)" --type sign --outcome success --format json |
		jq -es --arg i "$issuer" --arg s "$SIGNER" "flatten | any(.[]; .sad.iss == \$i and .sad.kid == \"as-1\" and .signer == \$s)"'
check "once" refuses "$pin" digest_used
check "as often as it was asked, it signed once" [ "$(audit_signatures "$sad")" = 1 ]
check "at+jwt, as the entry allows" sign "$(with_proof "$DEVICE_KEY" "$(token --claim "$cnf" --header 'typ="at+jwt"')")"
check "JWT, which it does not" refuses "$(with_proof "$DEVICE_KEY" "$(token --claim "$cnf" --header 'typ="JWT"')")" sad_header
check "a key that the issuer alone vouches for is no signer's" refuses \
	"$(with_proof "$work/thief.jwk" "$(token --claim "cnf={\"jwk\":$(cat "$work/thief.pub.jwk")}")")" sad_delegation
check "a key of nobody's" refuses \
	"$(with_proof "$work/unused.jwk" "$(token --claim "cnf={\"jkt\":\"$jkt\"}")")" sad_key_unknown
check "another document than the token's is refused" \
	refuses "$(with_proof "$DEVICE_KEY" "$(token --claim "$cnf")")" digest_not_authorised "$work/long.bin"
check "the token for it, exchanged for a SAD token, signs" eval \
	'sat=$(new_token "$(with_proof "$DEVICE_KEY" "$(token --claim "$cnf")")") && sign "$sat"'
order=$(timeout 60 "$SADTOOL" new --key "$work/as.jwk" --issuer "$issuer" --signer "$SIGNER" --aud "$SAM_ID" \
	--operation suspend --header 'kid="as-1"' --claim "$cnf")
with_proof "$DEVICE_KEY" "$order" >"$work/order"
check_fails "an issuer orders no other act, proof or not" samctl signer suspend "$SIGNER" --sad "$work/order"
check "and the trail says so" audit_says "$order" sad_operation
check "the signer signs as before" sign "$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt")"

# ---- delegation, by name in the policy
trust 'delegation: true, flat: true'
sad=$(token)
check "delegation: the issuer's word alone signs" sign "$sad"
check "once, too" refuses "$sad" digest_used
check "with cnf the proof is asked for all the same" refuses "$(token --claim "$cnf")" sad_cnf
for type in credential https://cloudsignatureconsortium.org/2025/credential; do
	for hash in "$hash_b64" "$hash_url"; do
		details=$(jq -cn --arg t "$type" --arg c "$CREDENTIAL_EC" --arg h "$hash" --arg o $oid \
			'[{type: $t, credentialID: $c, numSignatures: "1", hashAlgorithmOID: $o,
			   documentDigests: [{hash: $h, label: "a document", hashType: "DTBSR"}]}]')
		check "the CSC API's ${type##*/}, hash ${#hash} characters long" \
			sign "$(token --claim "authorization_details=$details")"
	done
done
# flat [OPTION...]: the same in the flat form
flat()
{
	token --claim authorization_details= --claim "credentialID=\"$CREDENTIAL_EC\"" \
		--claim "hashAlgorithmOID=\"$oid\"" --claim "hashes=\"$hash_b64\"" --claim 'numSignatures="1"' "$@"
}
check "the flat form signs" sign "$(flat)"
check "with a list" sign "$(flat --claim "hashes=[\"$hash_url\"]")"
other=$(openssl dgst -sha256 -binary "$work/long.bin" | base64)
two=$(flat --claim "hashes=\"$hash_b64,$other\"" --claim numSignatures=2)
check "with two joined by a comma: the one" sign "$two"
check "and the other" sign "$two" "$work/long.bin"
check "each once" eval 'refuses "$two" digest_used && refuses "$two" digest_used "$work/long.bin"'
check "blanks are no hashes" refuses "$(flat --claim "hashes=\"$hash_b64, $other\"" --claim numSignatures=2)" sad_details
check "both forms together are refused" refuses "$(token --claim "hashes=\"$hash_b64\"")" sad_details

# ---- the JWKS file
check "before its exchange the key counts" sign "$(token)"
old=$(token)
publish as-2 "$work/as2.pub.jwk"
check "a key that is no longer in the file counts no more" refuses "$old" sad_key_unknown
check "the new one does" sign "$(token --header 'kid="as-2"' --key "$work/as2.jwk")"
printf '{"keys":[' >"$demo/as.jwks"
check "a broken file refuses" refuses "$(token --header 'kid="as-2"' --key "$work/as2.jwk")" issuer_keys
check "doctor names it" eval 'samctl --json doctor | jq -e "[.. | objects | select(.check == \"issuer\" and .state == \"problem\")] | length == 1"'
check "the signer's own SADs sign meanwhile" sign "$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt")"
publish as-1 "$work/as.pub.jwk"
check "mended, it counts at once" sign "$(token)"
check "and doctor is content with it" eval 'samctl --json doctor | jq -e "[.. | objects | select(.check == \"issuer\" and .state == \"ok\")] | length == 1"'
chmod g+w "$demo/as.jwks"
check "a file that a group may write refuses" refuses "$(token)" issuer_keys
chmod g-w "$demo/as.jwks"

# ---- what the issuer must say
trust 'delegation: true, acr: ["urn:loa:high"], amr: [pin], max_auth_age: 5m'
now=$(date +%s)
says() { token --claim 'acr="urn:loa:high"' --amr hwk,pin --claim "auth_time=$now" "$@"; }
check "what the policy asks for is said" sign "$(says)"
check "another acr" refuses "$(says --claim 'acr="urn:loa:low"')" sad_asserted
check "no amr" refuses "$(says --claim amr=)" sad_asserted
check "too long ago" refuses "$(says --claim "auth_time=$((now - 400))")" sad_asserted

check_fails "delegation is refused above level 1" eval \
	'sed "s/^level: 1/level: 2/" "$demo/policy.yaml" >"$work/p2.yaml" && samctl policy check "$work/p2.yaml"'
check "the chain verifies" audit_verifies
finish
