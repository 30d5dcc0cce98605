#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Unmodified applications that know nothing of SADs sign what nobody can know before, each signature authorised by the
# signer at another terminal: pdfsig a PDF, openssl cms a file with signed attributes, jarsigner a jar, ssh-keygen a
# user's certificate. What they made is verified by their own tools (P2-A1).
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need jq python3 openssl
need_no_sanitizer "half of the clients"
setup
. "$(dirname "${BASH_SOURCE[0]}")/deferred_lib.sh"
deferred_setup
deferred_ca || bail "no CA" "$work/ca.log"
for kind in RSA EC; do
	credential=CREDENTIAL_$kind
	check "$kind: a certificate" deferred_certify "${!credential}" "$work/$kind.pem"
done
uri() { echo "pkcs11:token=p11-sam;type=private;id=$(sed 's/../%&/g' <<<"$1")"; }
# all_deferred COUNT: the trail has so many signatures since the last time, and each says deferred.
signatures=0
all_deferred()
{
	signatures=$((signatures + $1))
	as_auditor audit search --type sign --outcome success --actor app --json |
		jq -es --argjson n "$signatures" 'flatten | (length == $n) and all(.[]; .activation == "deferred")'
}

# ---- pdfsig (NSS) --------------------------------------------------------------------------------
if command -v pdfsig >/dev/null && command -v modutil >/dev/null; then
	python3 - "$work/contract.pdf" <<'X' || bail "no PDF"
import sys
stream = "BT /F1 18 Tf 72 720 Td (A contract.) Tj ET"
objects = [
    "<< /Type /Catalog /Pages 2 0 R >>",
    "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
    "<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
]
out, offsets = "%PDF-1.7\n", []
for number, body in enumerate(objects, 1):
    offsets.append(len(out))
    out += "%d 0 obj\n%s\nendobj\n" % (number, body)
xref = len(out)
out += "xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
out += "".join("%010d 00000 n \n" % offset for offset in offsets)
out += "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, xref)
open(sys.argv[1], "w", newline="").write(out)
X
	mkdir "$work/db"
	{
		certutil -N -d "sql:$work/db" --empty-password &&
			modutil -dbdir "sql:$work/db" -force -add sam -libfile "$P11_SAM_MODULE" </dev/null &&
			certutil -A -d "sql:$work/db" -n "Example CA" -t C,C,C -i "$work/ca.pem"
	} >"$work/nss.log" 2>&1 || bail "no NSS database" "$work/nss.log"
	# It asks for a password only where it was given one, and the token has no use for it. It may die at its exit, when
	# NSS goes: the PDF is what counts.
	pdf_sign() # NAME FIELD
	{
		timeout 60 pdfsig -nssdir "sql:$work/db" -nss-pwd unused -kpw unused -nick "p11-sam:rsa3072" -add-signature \
			-new-signature-field-name "$1" "$2" "$3"
		[ -s "$3" ]
	}
	check "pdfsig signs a PDF: two signatures, a dummy and the real one" \
		signer_approves 2 pdf_sign first "$work/contract.pdf" "$work/signed.pdf"
	check "both are deferred ones of the SCA" all_deferred 2
	pdfsig -nssdir "sql:$work/db" "$work/signed.pdf" >"$work/pdfsig.log" 2>&1
	check "pdfsig says that the signature is valid" grep "Signature Validation: Signature is Valid" "$work/pdfsig.log"
	check "and the certificate trusted" grep "Certificate Validation: Certificate is Trusted" "$work/pdfsig.log"
	check "of Alice, over the whole document" eval 'grep "Common Name: Alice Example" "$work/pdfsig.log" &&
		grep "Total document signed" "$work/pdfsig.log"'
	check "a second signature beside it" signer_approves 2 pdf_sign second "$work/signed.pdf" "$work/twice.pdf"
	check "deferred ones as well" all_deferred 2
	check "both are valid" eval '[ "$(pdfsig -nssdir "sql:$work/db" "$work/twice.pdf" | grep -c "Signature is Valid")" = 2 ]'
	sed 's/A contract/B contract/' "$work/signed.pdf" >"$work/changed.pdf"
	check "a changed document is not" eval '! pdfsig -nssdir "sql:$work/db" "$work/changed.pdf" | grep "Signature is Valid"'
else
	skip "pdfsig" "poppler-utils or libnss3-tools is not installed"
fi

# ---- openssl cms, with signed attributes ---------------------------------------------------------
if timeout 20 openssl engine pkcs11 >"$work/engine" 2>&1 && grep -q pkcs11 "$work/engine"; then
	cms_sign() # KIND CREDENTIAL
	{
		rm -f "$work/cms"
		timeout 60 setsid -w env PKCS11_MODULE_PATH="$P11_SAM_MODULE" openssl cms -sign -binary -md sha256 \
			-in "$work/long.bin" -signer "$work/$1.pem" -certfile "$work/ca.pem" -engine pkcs11 -keyform engine \
			-inkey "$(uri "$2")" -outform DER -out "$work/cms" </dev/null && [ -s "$work/cms" ]
	}
	for kind in RSA EC; do
		credential=CREDENTIAL_$kind
		check "$kind: openssl cms signs the attributes of a file" signer_approves 1 cms_sign "$kind" "${!credential}"
		check "$kind: openssl cms verifies it up to the CA" eval 'plain_openssl cms -verify -inform DER -in "$work/cms" -binary \
			-content "$work/long.bin" -CAfile "$work/ca.pem" -purpose any -out "$work/content" && cmp "$work/content" "$work/long.bin"'
		check "$kind: with signed attributes" eval 'plain_openssl cms -cmsout -print -noout -inform DER -in "$work/cms" |
			grep -A3 signedAttrs | grep contentType'
		check "$kind: the signature is a deferred one" all_deferred 1
	done
else
	skip "openssl cms" "OpenSSL has no pkcs11 engine"
fi

# ---- pkcs11-tool, GnuTLS -------------------------------------------------------------------------
tool_sign()
{
	rm -f "$work/sig"
	application pkcs11-tool --module "$P11_SAM_MODULE" --login --sign --id "$CREDENTIAL_RSA" --mechanism SHA256-RSA-PKCS \
		--input-file "$work/long.bin" --output-file "$work/sig" </dev/null && [ -s "$work/sig" ]
}
if command -v pkcs11-tool >/dev/null; then
	check "pkcs11-tool signs a file" signer_approves 1 tool_sign
	check "plain OpenSSL verifies it" verify "$public_rsa" "$work/sig" "$work/long.bin"
	check "the signature is a deferred one" all_deferred 1
else
	skip "pkcs11-tool" "it is not installed"
fi
request()
{
	rm -f "$work/request.pem"
	printf 'cn = "Alice Example"\nsigning_key\n' >"$work/template"
	application certtool --provider "$P11_SAM_MODULE" --generate-request --no-text --hash SHA256 --template "$work/template" \
		--outfile "$work/request.pem" --load-privkey "$(uri "$CREDENTIAL_EC")" --load-pubkey "$public_ec" </dev/null &&
		[ -s "$work/request.pem" ]
}
if command -v certtool >/dev/null; then
	check "certtool signs a request" signer_approves 1 request
	check "plain OpenSSL verifies it" plain_openssl req -in "$work/request.pem" -noout -verify
	check "the signature is a deferred one" all_deferred 1
else
	skip "certtool" "it is not installed"
fi

# ---- those that cannot log in for one signature --------------------------------------------------
next_policy 's/^\( *always_authenticate:\) true/\1 false/'

if command -v jarsigner >/dev/null && command -v keytool >/dev/null; then
	printf 'name = sam\nlibrary = %s\nslotListIndex = 0\n' "$P11_SAM_MODULE" >"$work/java.cfg"
	mkdir "$work/jar"
	cp "$work/short.txt" "$work/long.bin" "$work/jar"
	python3 -c 'import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as z:
    for name in ("short.txt", "long.bin"): z.write(sys.argv[2] + "/" + name, name)' "$work/plain.jar" "$work/jar" || bail "no jar"
	keytool -importcert -noprompt -alias ca -file "$work/ca.pem" -keystore "$work/trust.p12" -storetype PKCS12 \
		-storepass changeit >"$work/keytool.log" 2>&1 || bail "no trust store" "$work/keytool.log"
	jar_sign() # ALIAS KIND
	{
		cat "$work/$2.pem" "$work/ca.pem" >"$work/chain.pem"
		rm -f "$work/signed.jar"
		timeout 120 jarsigner -keystore NONE -storetype PKCS11 -providerClass sun.security.pkcs11.SunPKCS11 \
			-providerArg "$work/java.cfg" -protected -certchain "$work/chain.pem" -signedjar "$work/signed.jar" \
			"$work/plain.jar" "$1" </dev/null && [ -s "$work/signed.jar" ]
	}
	check "jarsigner signs a jar" signer_approves 1 jar_sign rsa3072 RSA
	check "the signature is a deferred one" all_deferred 1
	check "jarsigner -verify -strict verifies it" eval 'timeout 120 jarsigner -verify -strict -verbose \
		-keystore "$work/trust.p12" -storepass changeit "$work/signed.jar" >"$work/jar.log" 2>&1; status=$?
		cat "$work/jar.log" && grep "^jar verified" "$work/jar.log" && [ $status = 0 ]'
	check "by Alice, up to the CA" eval 'grep "CN=Alice Example" "$work/jar.log" && ! grep -i "not trusted\|chain is invalid" "$work/jar.log"'
	check "and with the key on P-256" eval 'signer_approves 1 jar_sign p256 EC &&
		jarsigner -verify "$work/signed.jar" | grep "^jar verified" &&
		all_deferred 1'
else
	skip "jarsigner" "it is not installed"
fi

if command -v ssh-keygen >/dev/null; then
	ssh-keygen -q -t ed25519 -N '' -f "$work/user" || bail "no user's key"
	ssh_certificate()
	{
		rm -f "$work/user-cert.pub"
		timeout 60 setsid -w ssh-keygen -s "$work/ca.pub" -D "$P11_SAM_MODULE" \
			-I alice -n alice -V +1d "$work/user.pub" </dev/null && [ -s "$work/user-cert.pub" ]
	}
	plain_openssl pkey -pubin -in "$public_rsa" -out "$work/rsa.pub.pem" &&
		ssh-keygen -i -m PKCS8 -f "$work/rsa.pub.pem" >"$work/ca.pub"
	check "ssh-keygen signs a user's certificate" signer_approves 1 ssh_certificate
	check "the signature is a deferred one, over SHA-512" eval 'all_deferred 1 &&
		as_auditor audit search --type sign --outcome success --json |
		jq -es "flatten | last | .hashAlgorithmOID == \"2.16.840.1.101.3.4.2.3\""'
	check "ssh-keygen reads and verifies it" eval 'ssh-keygen -L -f "$work/user-cert.pub" | grep "Signing CA: RSA"'
else
	skip "ssh-keygen" "it is not installed"
fi
check "the audit trail verifies" audit_verifies
finish
