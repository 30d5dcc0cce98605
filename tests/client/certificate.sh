#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# From key to certificate to signature: requests that the SAM makes under the signer's SAD, verified and certified by
# plain OpenSSL; certificates that are taken or refused, and seen by clients; and CMS signatures that verify up to the
# CA (P1-4.2.2-reg-B-2, P3-A1-8).
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need openssl jq pkcs11-tool xxd
setup
quietly() { "$@" >"$work/quiet.log" 2>&1 || bail "$*" "$work/quiet.log"; }
attestation=1.2.840.113549.1.9.16.2.59

# ---- CAs: a root with an intermediate, and one that nobody trusts --------------------------------
# ca NAME [ISSUER]
ca()
{
	local issuer=${2:-}
	quietly plain_openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/$1.key"
	quietly plain_openssl req -new -key "$work/$1.key" -config /dev/null -subj "/C=JP/O=Example/CN=$1" -out "$work/$1.csr"
	printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n' \
		>"$work/ca.ext"
	if [ -n "$issuer" ]; then
		set -- "$1" -CA "$work/$issuer.pem" -CAkey "$work/$issuer.key"
	else
		set -- "$1" -key "$work/$1.key"
	fi
	quietly plain_openssl x509 -req -in "$work/$1.csr" "${@:2}" -days 30 -extfile "$work/ca.ext" -out "$work/$1.pem"
}
ca root
ca sub root
ca foreign
printf 'keyUsage=critical,digitalSignature,nonRepudiation\nsubjectKeyIdentifier=hash\n' >"$work/signer.ext"
# certify CSR OUT CA [OPTION...]: the end entity's certificate
certify()
{
	plain_openssl x509 -req -in "$1" -CA "$work/$3.pem" -CAkey "$work/$3.key" -days 10 \
		-extfile "$work/signer.ext" -out "$2" "${@:4}"
}

# ---- requests ------------------------------------------------------------------------------------
info() { as_ra --json key csr "$@" >"$work/info.json"; }
# csr OUT CREDENTIAL [--evidence]: under a SAD that orders just this request; leaves $sad
csr()
{
	local out=$1 params
	shift
	info "$@" || return
	params=$(jq -c --arg id "$1" '{credentialID: $id, sha256: .sha256}' "$work/info.json")
	sad=$(order "$SIGNER" csr "$params") && samctl key csr "$@" --sad - <<<"$sad" >"$out"
}
declare -A id=([rsa]=$CREDENTIAL_RSA [p256]=$CREDENTIAL_EC)
id[p384]=$(new_key "$SIGNER" ec:P-384 p384)
id[p521]=$(new_key "$SIGNER" ec:P-521 p521)
id[ed25519]=$(new_key "$SIGNER" ed25519 ed25519)
for key in rsa p256 p384 p521 ed25519; do
	check "$key: without a SAD the CertificationRequestInfo and its SHA-256" eval 'info "${id[$key]}" &&
		[ "$(jq -r .certificationRequestInfo "$work/info.json" | base64 -d | sha256sum | cut -d" " -f1)" = "$(jq -r .sha256 "$work/info.json")" ]'
	check "$key: with the signer's SAD a request" csr "$work/$key.csr" "${id[$key]}"
	check "$key: plain OpenSSL verifies it" plain_openssl req -in "$work/$key.csr" -noout -verify
	check "$key: it asks for the registered subject" [ "$(plain_openssl req -in "$work/$key.csr" -noout -subject -nameopt RFC2253)" = \
		"subject=CN=Alice Example,O=Example,C=JP" ]
	spki=$(plain_openssl req -in "$work/$key.csr" -noout -pubkey | plain_openssl pkey -pubin -outform DER | sha256sum | cut -c1-32)
	check "$key: it carries the key of that credentialID" [ "$spki" = "${id[$key]}" ]
	check "$key: the trail has it" eval 'as_auditor audit search --type key-csr --jti "$(claim "$sad" jti)" --format json |
		jq -es --arg c "${id[$key]}" "flatten | any(.[]; .outcome == \"success\" and .credentialID == \$c and .dtbsr and .signature)"'
	quietly certify "$work/$key.csr" "$work/$key.pem" sub
	cat "$work/sub.pem" >>"$work/$key.pem"
done
check_fails "the same SAD again makes none" eval 'samctl key csr "${id[ed25519]}" --sad - <<<"$sad"'
check "the trail says so" audit_says "$sad" digest_used
info "$CREDENTIAL_EC"
sad=$(order "$SIGNER" csr "$(jq -c --arg id "$CREDENTIAL_EC" '{credentialID: $id, sha256: .sha256}' "$work/info.json")")
check_fails "a SAD for another key's request makes none" eval 'samctl key csr "$CREDENTIAL_RSA" --sad - <<<"$sad"'
check "the trail says sad_params" audit_says "$sad" sad_params
check_fails "nor for this one with evidence, which is other bytes" eval \
	'samctl key csr --evidence "$CREDENTIAL_EC" --sad - <<<"$sad"'
signing=$(new_sad "$CREDENTIAL_EC" --digest "$(jq -r .sha256 "$work/info.json")")
check_fails "a SAD to sign that hash is no order for a request" eval 'samctl key csr "$CREDENTIAL_EC" --sad - <<<"$signing"'
check "the trail says sad_details" audit_says "$signing" sad_details
check "and the SAD meant for it is as it was" eval 'samctl key csr "$CREDENTIAL_EC" --sad - <<<"$sad" >"$work/again.csr"'
check_fails "an officer alone signs no request" eval 'as_officer key csr "$CREDENTIAL_EC" | grep "BEGIN CERT"'

# ---- evidence ------------------------------------------------------------------------------------
check "a request with evidence" csr "$work/evidence.csr" "$CREDENTIAL_EC" --evidence
check "plain OpenSSL verifies it" plain_openssl req -in "$work/evidence.csr" -noout -verify
plain_openssl asn1parse -in "$work/evidence.csr" >"$work/evidence.asn1" 2>&1
check "the statement is an attribute of it" grep -q "$attestation\|id-smime-aa-59\|id-aa-attestation" "$work/evidence.asn1"
statement=$(sed -n 's/.*UTF8STRING *:\(eyJ[A-Za-z0-9_.-]*\)$/\1/p' "$work/evidence.asn1")
check "it says of this key that the CM made it" eval '[ "$(claim "$statement" credentialID)" = "$CREDENTIAL_EC" ] &&
	[ "$(claim "$statement" aud)" = "$SAM_ID" ] && [ "$(claim "$statement" cm.manufacturer)" = "SoftHSM project" ]'
check "without --evidence it has none" eval '! plain_openssl asn1parse -in "$work/p256.csr" | grep eyJ'
check "key show --evidence verifies and prints it" eval \
	'as_officer --json key show --evidence "$CREDENTIAL_EC" >"$work/show" && grep -q "SoftHSM project" "$work/show"'
check "it is the same statement" grep -q -- "$(claim "$statement" jti)" "$work/show"

# ---- certificates --------------------------------------------------------------------------------
certificate() { as_ra key certificate "$@"; }
# refused WHAT WORDS CREDENTIAL FILE: with these words, on record, and nothing is registered
refused()
{
	local before
	before=$(as_auditor audit list --json | jq -s 'map(.seq) | max')
	check_fails "$1: refused" certificate "$3" "$4"
	cp "$work/check.log" "$work/why"
	check "$1: it says why" grep "key certificate: .*$2" "$work/why"
	check "$1: on record as certificate" eval "as_auditor audit search --reason certificate --json |
		jq -es 'flatten | any(.[]; .seq > $before and .credentialID == \"$3\")'"
	check "$1: nothing is registered" eval "as_officer --json key show $3 | jq -e '.certificate == null'"
}
refused "without a CA in the policy" "policy has no CA" "$CREDENTIAL_EC" "$work/p256.pem"
{
	printf 'cas:\n  - name: Example root\n    use: [certificates]\n    certificate: |\n'
	sed 's/^/      /' "$work/root.pem"
} >>"$demo/policy.yaml"
next_policy ''
quietly certify "$work/p256.csr" "$work/foreign-p256.pem" foreign
refused "another CA's" "" "$CREDENTIAL_EC" "$work/foreign-p256.pem"
refused "another key's" "another public key" "$CREDENTIAL_EC" "$work/p384.pem"
sed '/END/q' "$work/p256.pem" >"$work/alone.pem"
refused "without the one between it and the CA" "" "$CREDENTIAL_EC" "$work/alone.pem"
: >"$work/index" && echo 01 >"$work/serial"
printf '[ca]\ndefault_ca=c\n[c]\ndatabase=%s\nserial=%s\nnew_certs_dir=%s\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=optional\n' \
	"$work/index" "$work/serial" "$work" >"$work/ca.conf"
quietly plain_openssl ca -batch -config "$work/ca.conf" -cert "$work/sub.pem" -keyfile "$work/sub.key" -in "$work/p256.csr" \
	-startdate 20200101000000Z -enddate 20210101000000Z -notext -extfile "$work/signer.ext" -out "$work/expired.pem"
cat "$work/sub.pem" >>"$work/expired.pem"
refused "an expired one" "expired" "$CREDENTIAL_EC" "$work/expired.pem"
refused "a CA's own" "" "$CREDENTIAL_EC" "$work/sub.pem"
refused "a private key" "something else" "$CREDENTIAL_EC" "$work/root.key"
check_fails "an auditor registers none" as_auditor key certificate "$CREDENTIAL_EC" "$work/p256.pem"
for key in rsa p256 p384 p521 ed25519; do
	check "$key: the certificate is taken" certificate "${id[$key]}" "$work/$key.pem"
done
serial=$(plain_openssl x509 -in "$work/p256.pem" -noout -serial | sed 's/serial=//' | tr A-F a-f)
check "the trail has issuer, serial and subject" eval 'as_auditor audit search --type key-certificate --credential "$CREDENTIAL_EC" \
	--outcome success --json | jq -es --arg s "$serial" "flatten | any(.[]; (.certificate.serial | ltrimstr(\"0\")) == (\$s | ltrimstr(\"0\")) and
		(.certificate.subject | test(\"Alice Example\")) and (.certificate.issuer | test(\"CN=sub\")))"'
check "key list tells when it ends" eval 'as_officer --json key list --expiring 30d | jq -es --arg c "$CREDENTIAL_EC" \
	"flatten | any(.[]; .credentialID == \$c)"'

# ---- what clients see ----------------------------------------------------------------------------
tool() { application pkcs11-tool --module "$P11_SAM_MODULE" --login --pin "$signer_pin" "$@"; }
for key in rsa p256 ed25519; do
	tool --read-object --type cert --id "${id[$key]}" --output-file "$work/seen.der" >"$work/tool.log" 2>&1
	plain_openssl x509 -in "$work/$key.pem" -outform DER -out "$work/known.der"
	check "$key: pkcs11-tool reads the certificate with the key's CKA_ID" cmp "$work/seen.der" "$work/known.der"
done
check "pkcs11-tool lists five" [ "$(tool -O --type cert 2>/dev/null | grep -c '^Certificate Object')" = 5 ]
check "with nobody logged in there is none" [ "$(application pkcs11-tool --module "$P11_SAM_MODULE" -O --type cert 2>/dev/null |
	grep -c '^Certificate Object')" = 0 ]
if command -v p11tool >/dev/null && [ "${SAM_SANITIZER:-no}" = no ]; then
	export GNUTLS_PIN=$signer_pin
	check "p11tool exports it" application p11tool --provider "$P11_SAM_MODULE" --login --batch --outfile "$work/seen.pem" \
		--export "pkcs11:token=p11-sam;type=cert;id=$(sed 's/../%&/g' <<<"$CREDENTIAL_EC")"
	check "the same" cmp <(plain_openssl x509 -in "$work/seen.pem") <(plain_openssl x509 -in "$work/p256.pem")
else
	skip "p11tool" "it is not installed, or does not run here"
fi

# ---- a CMS signature, up to the CA ---------------------------------------------------------------
# cms_verified FILE: by plain OpenSSL, with nothing but the root
cms_verified()
{
	plain_openssl cms -verify -inform DER -in "$1" -binary -content "$work/long.bin" -CAfile "$work/root.pem" \
		-purpose any -signer "$work/who.pem" -out "$work/content" && cmp "$work/content" "$work/long.bin"
}
# attributes_hashes KEY SECONDS: the SHA-256 of the signed attributes that OpenSSL would make in each of the coming
# seconds, by a signature of another key over the same content: content type, time, digest and nothing of the key.
attributes_hashes()
{
	local at now hex second made
	quietly plain_openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/like.key" -out "$work/like.pem" -days 1 \
		-config /dev/null -subj /CN=like
	quietly plain_openssl cms -sign -binary -md sha256 -nosmimecap -in "$work/long.bin" -signer "$work/like.pem" \
		-inkey "$work/like.key" -outform DER -out "$work/like.cms"
	at=$(plain_openssl asn1parse -inform DER -in "$work/like.cms" |
		awk -F: '/cont \[ 0 \]/ {last = $1} /contentType/ {print last + 0; exit}')
	quietly plain_openssl asn1parse -inform DER -in "$work/like.cms" -strparse "$at" -noout -out "$work/like.attributes"
	# CMS signs them as a SET (RFC 5652 section 5.4)
	hex=31$(xxd -p "$work/like.attributes" | tr -d '\n' | cut -c3-)
	made=$(plain_openssl asn1parse -inform DER -in "$work/like.cms" |
		sed -n '/:signingTime/,$s/.*UTCTIME *:\([0-9]*Z\).*/\1/p')
	now=$(date +%s)
	for ((second = now; second < now + $1; second++)); do
		printf %s "${hex/$(printf %s "$made" | xxd -p)/$(date -u -d "@$second" +%y%m%d%H%M%SZ | tr -d '\n' | xxd -p)}" |
			xxd -r -p | sha256sum | cut -d' ' -f1
	done
}
if timeout 20 openssl engine pkcs11 >"$work/engine" 2>&1 && grep -q pkcs11 "$work/engine"; then
	# by_engine KEY PIN: openssl cms with the engine; the PIN answers each prompt
	by_engine()
	{
		rm -f "$work/cms"
		sed -n '1,/END/p' "$work/$1.pem" >"$work/signer.pem"
		printf '%s\n%s\n%s\n' "$2" "$2" "$2" |
			application setsid -w env PKCS11_MODULE_PATH="$P11_SAM_MODULE" openssl cms -sign -binary -md sha256 \
				-nosmimecap -in "$work/long.bin" -signer "$work/signer.pem" -certfile "$work/sub.pem" -engine pkcs11 \
				-keyform engine -inkey "pkcs11:token=p11-sam;type=private;id=$(sed 's/../%&/g' <<<"${id[$1]}")" \
				-outform DER -out "$work/cms" && [ -s "$work/cms" ]
	}
	# libp11 0.4.12 finds no key at all where one of them is Ed25519, whatever the module
	check "the Ed25519 key is destroyed by its signer's SAD" eval 'samctl key destroy "${id[ed25519]}" --sad - \
		<<<"$(order "$SIGNER" destroy "{\"credentialID\":\"${id[ed25519]}\"}")"'
	check "its certificate is gone with it" [ "$(tool -O --type cert 2>/dev/null | grep -c '^Certificate Object')" = 4 ]
	for key in rsa p256; do
		token=$(new_token "$(new_sad "${id[$key]}" --file "$work/long.bin")")
		check_fails "$key: a SAD for the document's hash signs no attributes about it" by_engine "$key" "$token"
		digests=()
		for digest in $(attributes_hashes 30); do
			digests+=(--digest "$digest")
		done
		sad=$(new_sad "${id[$key]}" "${digests[@]}")
		check "$key: openssl cms signs under a SAD for the signed attributes' hash" by_engine "$key" "$(new_token "$sad")"
		check "$key: plain OpenSSL verifies it up to the CA" cms_verified "$work/cms"
		check "$key: the signer is Alice" eval 'plain_openssl x509 -in "$work/who.pem" -noout -subject | grep "Alice Example"'
		check "$key: the trail names the certificate" eval 'as_auditor audit search --jti "$(claim "$sad" jti)" --type sign --json |
			jq -es "flatten | any(.[]; .outcome == \"success\" and (.certificate.subject | test(\"Alice Example\")))"'
	done
else
	skip "openssl cms" "OpenSSL has no pkcs11 engine"
fi
if command -v certtool >/dev/null && [ "${SAM_SANITIZER:-no}" = no ]; then
	# it has no signed attributes, unless it is told to state the time: the document's hash is what is signed
	GNUTLS_PIN=$(new_token "$(new_sad "$CREDENTIAL_RSA" --file "$work/long.bin")")
	export GNUTLS_PIN
	check "certtool --p7-sign, the certificate from the file" application certtool --provider "$P11_SAM_MODULE" \
		--p7-detached-sign --p7-include-cert --hash SHA256 --outder --infile "$work/long.bin" --outfile "$work/p7" \
		--load-privkey "pkcs11:token=p11-sam;type=private;id=$(sed 's/../%&/g' <<<"$CREDENTIAL_RSA")" \
		--load-certificate "$work/rsa.pem"
	check "plain OpenSSL verifies it up to the CA" eval 'plain_openssl cms -verify -inform DER -in "$work/p7" -binary \
		-content "$work/long.bin" -certfile "$work/sub.pem" -CAfile "$work/root.pem" -purpose any -out "$work/content"'
else
	skip "certtool" "it is not installed, or does not run here"
fi
check "the audit trail verifies" audit_verifies
finish
