#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# From the request to a CMS signature that plain OpenSSL verifies up to the CA: made inside the SAM from the sealed key
# and the registered subject, certified by a test CA with plain OpenSSL, registered, found by every client.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need openssl jq pkcs11-tool setsid
setup
quietly() { "$@" >"$work/quiet.log" 2>&1 || bail "$*" "$work/quiet.log"; }
says() # WORDS COMMAND...: it fails with these words
{
	local words=$1
	shift
	! "$@" >"$work/says" 2>&1 && grep -q -- "$words" "$work/says"
}
csr_sad() # KEY SHA256
{
	order "$who" csr "{\"credentialID\":\"$1\",\"sha256\":\"$2\"}" "$device"
}
# csr KEY [--evidence]: the request, by the signer's SAD over what the RA was shown
csr()
{
	local sha256
	sha256=$(as_ra --json key csr "$@" | jq -er .sha256) && samctl key csr "$@" --sad - <<<"$(csr_sad "$1" "$sha256")"
}

# One of each kind, for another signer: libp11 finds no key of a signer who has one of Ed25519.
who=carol device=$work/carol.jwk
quietly as_officer signer add carol --subject "/C=JP/O=Example/CN=Carol Example"
quietly "$SADTOOL" keygen --alg ES256 --out "$device" --public "$work/carol.pub.jwk"
quietly enrol carol "$device" "$work/carol.pub.jwk"
sleep 1.1

# ---- requests ------------------------------------------------------------------------------------
for type in rsa:3072 ec:P-256 ec:P-384 ec:P-521 ed25519; do
	key=$(new_key $who $type "$type" "$device" 2>"$work/err") || { skip "$type" "the CM makes none"; continue; }
	check "$type: a request" eval 'csr "$key" >"$work/request.pem"'
	check "$type: plain OpenSSL verifies it" plain_openssl req -in "$work/request.pem" -noout -verify
	check "$type: it has the registered subject" eval 'plain_openssl req -in "$work/request.pem" -noout -subject -nameopt RFC2253 |
		grep -q "CN=Carol Example,O=Example,C=JP"'
	check "$type: and the sealed key" eval '[ "$(plain_openssl req -in "$work/request.pem" -noout -pubkey |
		plain_openssl pkey -pubin -outform DER | openssl dgst -sha256 -r | cut -c1-32)" = "$key" ]'
	check "$type: with the evidence of its birth" eval 'csr "$key" --evidence >"$work/request.pem" &&
		plain_openssl req -in "$work/request.pem" -noout -verify &&
		plain_openssl asn1parse -in "$work/request.pem" | grep -q "2.25.120498972143138222993709306703783219328"'
done
who=$SIGNER device=$DEVICE_KEY
sha256=$(as_ra --json key csr "$CREDENTIAL_EC" | jq -er .sha256)
check "the same is shown each time" test "$(as_ra --json key csr "$CREDENTIAL_EC" | jq -er .sha256)" = "$sha256"
check "what is shown hashes to it" test "$(as_ra --json key csr "$CREDENTIAL_EC" | jq -r .certificationRequestInfo |
	base64 -d | sha256sum | cut -d' ' -f1)" = "$sha256"
sad=$(csr_sad "$CREDENTIAL_EC" "$(printf 0%.0s {1..64})")
check "a SAD over other bytes makes none" says "another request" eval 'samctl key csr "$CREDENTIAL_EC" --sad - <<<"$sad"'
sad=$(csr_sad "$CREDENTIAL_RSA" "$sha256")
check "nor one for another key" says "another request" eval 'samctl key csr "$CREDENTIAL_EC" --sad - <<<"$sad"'
sad=$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt")
check "nor one for a document" says "authorization_details" eval 'samctl key csr "$CREDENTIAL_EC" --sad - <<<"$sad"'
sad=$(csr_sad "$CREDENTIAL_EC" "$sha256")
check "one that fits makes it once" eval 'samctl key csr "$CREDENTIAL_EC" --sad - <<<"$sad" >"$work/ec.csr"'
check "and not twice" says "used already" eval 'samctl key csr "$CREDENTIAL_EC" --sad - <<<"$sad"'
check "both are on record" eval 'as_auditor audit search --type key-csr --credential "$CREDENTIAL_EC" --json |
	jq -es "any(.[]; .outcome == \"success\" and .signature) and any(.[]; .reason == \"digest_used\")"'
check "without a SAD nothing is signed, whoever asks" says "refused" as_auditor key csr "$CREDENTIAL_EC"
quietly as_officer signer add bare
bare=$(as_officer key generate --signer bare --type ec:P-256 2>/dev/null)
check "a signer without a subject has none" says "subject" as_ra key csr "$bare"
check "a subject that is none is refused at once" says "subject" as_officer signer add odd --subject "not a name"
csr "$CREDENTIAL_RSA" >"$work/rsa.csr" || bail "no request"

# ---- the CA, with plain OpenSSL ------------------------------------------------------------------
root() # NAME
{
	quietly plain_openssl req -x509 -newkey rsa:3072 -nodes -keyout "$work/$1.key" -out "$work/$1.pem" -days 3650 \
		-subj "/C=JP/O=Test/CN=$1" -addext basicConstraints=critical,CA:TRUE \
		-addext keyUsage=critical,keyCertSign,cRLSign
}
root good
root other
printf 'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n' >"$work/ca.ext"
printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature,nonRepudiation\n' >"$work/ee.ext"
quietly plain_openssl req -new -newkey rsa:3072 -nodes -keyout "$work/sub.key" -out "$work/sub.csr" -subj "/C=JP/O=Test/CN=sub"
quietly plain_openssl x509 -req -in "$work/sub.csr" -CA "$work/good.pem" -CAkey "$work/good.key" -days 365 \
	-extfile "$work/ca.ext" -out "$work/sub.pem"
certify() # CSR CA OUT [OPTION...]
{
	local csr=$1 ca=$2 out=$3
	shift 3
	[ $# -gt 0 ] || set -- -days 30
	quietly plain_openssl x509 -req -in "$work/$csr" -CA "$work/$ca.pem" -CAkey "$work/$ca.key" -extfile "$work/ee.ext" \
		-out "$work/$out" "$@"
}
certify rsa.csr sub rsa.pem
certify ec.csr sub ec.pem
certify rsa.csr other foreign.pem
cat "$work/rsa.pem" "$work/sub.pem" >"$work/rsa.chain.pem"
cat "$work/ec.pem" "$work/sub.pem" >"$work/ec.chain.pem"
register() { as_ra key certificate "$@"; }
check "without a CA in the policy none is taken" says "no CA" register "$CREDENTIAL_RSA" "$work/rsa.chain.pem"
printf 'cas:\n  - name: Good CA\n    use: [certificates]\n    certificate: |\n' >>"$demo/policy.yaml"
sed 's/^/      /' "$work/good.pem" >>"$demo/policy.yaml"
next_policy ''
check "another key's certificate is refused" says "another public key" register "$CREDENTIAL_RSA" "$work/ec.chain.pem"
check "another CA's" says "certificate" register "$CREDENTIAL_RSA" "$work/foreign.pem"
check "one whose chain is not there" says "certificate" register "$CREDENTIAL_RSA" "$work/rsa.pem"
certify rsa.csr sub old.pem -days -1 2>/dev/null || true
if [ -s "$work/old.pem" ]; then
	cat "$work/old.pem" "$work/sub.pem" >"$work/old.chain.pem"
	check "an expired one" says "certificate" register "$CREDENTIAL_RSA" "$work/old.chain.pem"
fi
check "garbage" says "certificate" register "$CREDENTIAL_RSA" "$work/short.txt"
check "the operator registers none" says refused as_operator key certificate "$CREDENTIAL_RSA" "$work/rsa.chain.pem"
for key in rsa ec; do
	id=$CREDENTIAL_RSA
	[ $key = rsa ] || id=$CREDENTIAL_EC
	check "$key: the certificate is registered" register "$id" "$work/$key.chain.pem"
	check "$key: key show has it" eval 'as_officer --json key show "$id" | jq -e ".certificate.subject == \"CN=Alice Example,O=Example,C=JP\" and
		.certificate.issuer == \"CN=sub,O=Test,C=JP\""'
done
check "it is on record" eval 'as_auditor audit search --type key-certificate --json |
	jq -es "any(.[]; .outcome == \"success\" and .certificate.serial and .new)"'
check "key list tells when it ends" eval 'as_officer --json key list --expiring 40d | jq -e "length == 2"'
check "and not before" eval 'as_officer --json key list --expiring 20d | jq -e "length == 0"'

# ---- applications --------------------------------------------------------------------------------
tool() { application pkcs11-tool --module "$P11_SAM_MODULE" --login --pin "$signer_pin" "$@"; }
check "pkcs11-tool reads it by the key's id" eval \
	'tool --read-object --type cert --id "$CREDENTIAL_RSA" --output-file "$work/read.der" &&
	 plain_openssl x509 -inform DER -in "$work/read.der" -noout -subject | grep -q "Alice Example"'
check "it is that certificate" eval '[ "$(plain_openssl x509 -inform DER -in "$work/read.der" -noout -fingerprint)" = \
	"$(plain_openssl x509 -in "$work/rsa.pem" -noout -fingerprint)" ]'
if command -v p11tool >/dev/null && [ "${SAM_SANITIZER:-no}" = no ]; then
	check "p11tool lists it" eval 'GNUTLS_PIN=$signer_pin application p11tool --provider "$P11_SAM_MODULE" --login --batch \
		--list-all-certs pkcs11:token=p11-sam </dev/null | grep -q "X.509 Certificate"'
else
	skip "p11tool lists it" "p11tool is not installed, or does not run under a sanitizer"
fi

# CMS, with OpenSSL's engine, which is given a SAD token; verified with plain OpenSSL.
if timeout 20 openssl engine pkcs11 >"$work/engine" 2>&1 && grep -q pkcs11 "$work/engine"; then
	uri() { echo "pkcs11:token=p11-sam;type=private;id=$(sed 's/../%&/g' <<<"$1")"; }
	cms() # KEY CERTIFICATE
	{
		local token
		token=$(new_token "$(new_sad "$1" --file "$work/short.txt")") || return
		printf '%s\n%s\n%s\n' "$token" "$token" "$token" | application setsid -w \
			env PKCS11_MODULE_PATH="$P11_SAM_MODULE" openssl cms -sign -binary -noattr -md sha256 -engine pkcs11 \
			-keyform engine -inkey "$(uri "$1")" -signer "$work/$2.pem" -certfile "$work/sub.pem" -in "$work/short.txt" \
			-outform DER -out "$work/$2.cms"
	}
	for key in rsa ec; do
		id=$CREDENTIAL_RSA
		[ $key = rsa ] || id=$CREDENTIAL_EC
		check "$key: a CMS signature" cms "$id" $key
		check "$key: plain OpenSSL verifies it up to the CA" plain_openssl cms -verify -binary -inform DER -in "$work/$key.cms" \
			-content "$work/short.txt" -CAfile "$work/good.pem" -purpose any -out "$work/verified"
		check_fails "$key: and not up to another" plain_openssl cms -verify -binary -inform DER -in "$work/$key.cms" \
			-content "$work/short.txt" -CAfile "$work/other.pem" -purpose any -out "$work/verified"
	done
	check "the signature's record has the certificate" eval 'as_auditor audit search --type sign --outcome success --json |
		jq -es "last | .certificate.subject == \"CN=Alice Example,O=Example,C=JP\" and .certificate.serial"'
else
	skip "a CMS signature" "OpenSSL has no pkcs11 engine"
fi

# ---- evidence ------------------------------------------------------------------------------------
check "key show --evidence verifies it and prints it" eval 'as_officer --json key show "$CREDENTIAL_EC" --evidence |
	jq -e --arg k "$CREDENTIAL_EC" ".evidence_claims | .credentialID == \$k and .origin == \"cm\" and (.cm.model | length > 0) and
	(.attributes | test(\"CKA_NEVER_EXTRACTABLE=01\"))"'
check "the audit trail verifies" audit_verifies
finish
