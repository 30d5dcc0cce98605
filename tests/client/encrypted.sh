#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Encrypted SADs, from the signer's side to the SAM's: sadtool and jose encrypt to the key that `samctl sap key` prints,
# the SAM opens by its CM; every part changed, another recipient, compression, other algorithms are refused; the key is
# changed with and without an overlap, and does not come out of the CM (P1-3.5.2, P3-3.9a).
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need pkcs11-tool openssl jq jose
setup
sadtool() { timeout 60 "$SAM_BUILDDIR/tools/sadtool" "$@"; }
cd "$work" || bail "no folder"

# plain: a new SAD, not encrypted; sealed ALG [OPTION]...: an encrypted one
plain()
{
	sadtool new --key "$DEVICE_KEY" --signer "$SIGNER" --aud "$SAM_ID" --credential "$CREDENTIAL_EC" --file short.txt "$@"
}
sealed() { plain --encrypt-to sam.jwk --encrypt-alg "$@"; }
# taken SAD: the SAM would take it now; refused DESCRIPTION REASON SAD
taken() { samctl --json sad inspect --sad - <<<"$1" >inspect.json && jq -e '.accepted' inspect.json; }
refused()
{
	local status
	samctl --json sad inspect --sad - <<<"$3" >inspect.json 2>inspect.err
	status=$?
	if [ $status = 1 ] && [ "$(jq -r .reason inspect.json)" = "$2" ]; then
		ok "$1: refused as $2"
	else
		not_ok "$1: refused as $2" inspect.json
	fi
}
# in_cm: the SAP keys that the CM has, seen with its own PIN
in_cm()
{
	pkcs11-tool --module "$CM_MODULE" --token-label "$CM_TOKEN" --login --pin "$(cat "$CM_PIN_FILE")" -O --type privkey 2>/dev/null |
		awk '/^Private Key Object/ { on = 0 } /label: *p11-sam sap / { on = 1 } on'
}

# ---- the key
# four at once, and none was there
for n in 1 2 3 4; do samctl sap key >first.$n & pids[n]=$!; done
wait "${pids[@]}"
check "processes that ask first at once get one key" eval 'cmp first.1 first.2 && cmp first.1 first.3 && cmp first.1 first.4 && [ -s first.1 ]'
check "samctl sap key prints a public JWK" eval 'samctl sap key >sam.jwk &&
	jq -e ".kty == \"EC\" and .crv == \"P-256\" and .use == \"enc\" and (has(\"d\") or has(\"alg\") | not)" sam.jwk'
samctl sap key >again.jwk
check "and the same again" cmp sam.jwk again.jwk
check "its kid is the thumbprint, as jose finds it" eval '[ "$(jose jwk thp -i sam.jwk -a S256)" = "$(jq -r .kid sam.jwk)" ]'
check "making it is on record" eval 'as_auditor audit search --type own-key --json |
	jq -es --arg kid "$(jq -r .kid sam.jwk)" "any(.[]; .new == \$kid)"'
in_cm >keys
check "the CM has one pair for it" eval '[ "$(grep -c "label:" keys)" = 1 ]'
check "which can derive, and nothing else" grep -Eq 'Usage: *derive$' keys
check "and is sensitive, never extractable, made there" grep -Eq 'Access: *sensitive, always sensitive, never extractable, local' keys
check "pkcs11-tool does not get it out" eval 'pkcs11-tool --module "$CM_MODULE" --token-label "$CM_TOKEN" --login \
	--pin "$(cat "$CM_PIN_FILE")" --read-object --type privkey --label "$(sed -n "s/.*label: *//p" keys)" -o out.der; [ ! -s out.der ]'
check "an application does not see it" eval '! application pkcs11-tool --module "$P11_SAM_MODULE" --login --pin "$signer_pin" -O |
	grep "p11-sam sap"'

# ---- the SAM's word for it, verified elsewhere
samctl --json sap key >key.json
jq -j .statement key.json >statement.jws
jq .statement_key key.json >statement.jwk
check "the statement verifies with jose, by the SAM's key" jose jws ver -i statement.jws -k statement.jwk -O claims.json
check "and with sadtool" sadtool inspect statement.jws --key statement.jwk
check "it is about this key and this SAM" eval 'jq -e --slurpfile k sam.jwk --arg aud "$SAM_ID" \
	".aud == \$aud and .jkt == \$k[0].kid and .jwk.x == \$k[0].x and .jwk.y == \$k[0].y" claims.json'
check "--json has the same key" eval '[ "$(jq -c .jwk key.json)" = "$(jq -c . sam.jwk)" ]'

# ---- right ones
for alg in ECDH-ES ECDH-ES+A256KW; do
	sad=$(sealed $alg) || bail "sadtool new --encrypt-to"
	check "$alg: what sadtool encrypts is taken" taken "$sad"
	check "$alg: its header says kid and cty" eval 'jq -e --slurpfile k sam.jwk \
		".header.kid == \$k[0].kid and .header.cty == \"sad+jwt\" and .header.alg == \"'$alg'\"" inspect.json'
	check "$alg: what is inside is shown to nobody" eval 'jq -e "has(\"claims\") | not" inspect.json'
	sadtool inspect - --json <<<"$sad" >header.json
	check "$alg: sadtool shows the header alone" jq -e '.header.enc == "A256GCM" and (has("claims") | not)' header.json
	plain | tr -d '\n' >plain.jws
	jose jwe enc -I plain.jws -k sam.jwk -c -o theirs.jwe -i '{"protected":{"alg":"'$alg'","enc":"A256GCM","cty":"sad+jwt",
		"kid":"'"$(jq -r .kid sam.jwk)"'"}}' 2>jose.err || bail "jose jwe enc" jose.err
	check "$alg: what jose encrypts is taken" taken "$(cat theirs.jwe)"
	jose jwe enc -I plain.jws -k sam.jwk -c -o theirs.jwe -i '{"protected":{"alg":"'$alg'","enc":"A256GCM","cty":"sad+jwt",
		"apu":"QWxpY2U","apv":"Qm9i","kid":"'"$(jq -r .kid sam.jwk)"'"}}' || bail "jose jwe enc with apu"
	check "$alg: with apu and apv too" taken "$(cat theirs.jwe)"
	for wrong in '"enc":"A128GCM"' '"enc":"A256CBC-HS512"' '"enc":"A256GCM","zip":"DEF"'; do
		jose jwe enc -I plain.jws -k sam.jwk -c -o wrong.jwe -i '{"protected":{"alg":"'$alg'",'"$wrong"',"cty":"sad+jwt",
			"kid":"'"$(jq -r .kid sam.jwk)"'"}}' || bail "jose jwe enc $wrong"
		refused "$alg, $wrong" jwe_algorithm "$(cat wrong.jwe)"
	done
	jose jwe enc -I plain.jws -k sam.jwk -c -o wrong.jwe -i '{"protected":{"alg":"'$alg'","enc":"A256GCM",
		"kid":"'"$(jq -r .kid sam.jwk)"'"}}' || bail "jose jwe enc without cty"
	refused "$alg without cty" sad_header "$(cat wrong.jwe)"
	for part in 2 3 4 5; do
		changed=$(awk -F. -v OFS=. -v n=$part '{ if ($n == "") exit
			$n = substr($n, 1, 3) (substr($n, 4, 1) == "A" ? "B" : "A") substr($n, 5); print }' <<<"$sad")
		[ -z "$changed" ] || refused "$alg, part $part changed" sad_encrypted "$changed"
	done
	refused "$alg, cut" sad_truncated "${sad::-1}"
	check "$alg: whole it is still taken" taken "$sad"
	header=$(jq -c .header header.json | sed 's/sad+jwt/sad+jwt","x":"/' | basenc --base64url -w0 | tr -d =)
	refused "$alg, another header" sad_encrypted "$header.${sad#*.}"
	printf '%s' "$sad" >once.jwe
	jose jwe enc -I once.jwe -k sam.jwk -c -o twice.jwe -i '{"protected":{"alg":"'$alg'","enc":"A256GCM","cty":"sad+jwt",
		"kid":"'"$(jq -r .kid sam.jwk)"'"}}' || bail "jose jwe enc"
	check_fails "$alg: encrypted twice it is refused" taken "$(cat twice.jwe)"
done

# ---- other recipients
sadtool keygen --alg ECDH-ES --out other.jwk --public other.pub.jwk >/dev/null || bail "keygen"
refused "encrypted to another key" sad_recipient "$(plain --encrypt-to other.pub.jwk)"
check_fails "sadtool does not encrypt to a key for signatures" plain --encrypt-to "$DEVICE_KEY"
check_fails "nor with an algorithm of another key" sealed RSA-OAEP-256
check_fails "nor makes a SAD for a PIN in clear" sadtool new --key "$DEVICE_KEY" --signer "$SIGNER" --aud "$SAM_ID" \
	--operation pin --params '{"new":"1234"}'
check_fails "this CM does no RSA-OAEP with SHA-256" eval 'samctl sap key --rsa 2>rsa.err'
check "and samctl says what to do instead" grep -q 'cannot decrypt RSA-OAEP with SHA-256: use the key of .samctl sap key' rsa.err
check "nothing of the try is left" eval '[ "$(in_cm | grep -c label:)" = 1 ]'

# ---- an application
sad=$(sealed ECDH-ES+A256KW)
check "pkcs11-tool signs with an encrypted SAD" application pkcs11-tool --module "$P11_SAM_MODULE" --login --pin "$sad" --sign \
	--id "$CREDENTIAL_EC" --mechanism ECDSA-SHA256 --signature-format openssl --input-file short.txt --output-file sig
check "the signature is right" verify "$public_ec" sig short.txt
check_fails "and the SAD is used up, however encrypted" application pkcs11-tool --module "$P11_SAM_MODULE" --login --pin "$sad" \
	--sign --id "$CREDENTIAL_EC" --mechanism ECDSA-SHA256 --input-file short.txt --output-file sig2

# ---- changed
old=$(sealed ECDH-ES)
check_fails "an operator does not change the key" eval 'samctl --as "$AUDITOR_NAME" --pin-source "$AUDITOR_PIN_SOURCE" sap rotate'
check "an officer does, and prints the new one" eval 'as_officer sap rotate --overlap 1h >new.jwk && ! cmp sam.jwk new.jwk'
check "the old one is taken still" taken "$old"
check "it prints the new one from now on" eval 'samctl sap key | cmp - new.jwk'
check "both are in the CM" eval '[ "$(in_cm | grep -c label:)" = 2 ]'
check "the change is on record, with old and new" eval 'as_auditor audit search --type sap-rotate --json |
	jq -es --slurpfile o sam.jwk --slurpfile n new.jwk "any(.[]; .old == \$o[0].kid and .new == \$n[0].kid)"'
between=$(plain --encrypt-to new.jwk)
check "without an overlap" as_officer sap rotate --overlap 0h
refused "the key of then" sad_recipient "$between"
check "the one before is in its overlap still" taken "$old"
check "what is over is not in the CM" eval '[ "$(in_cm | grep -c label:)" = 2 ]'
check "its end is on record" eval 'as_auditor audit search --type sap-retire --json |
	jq -es --slurpfile n new.jwk "any(.[]; .old == \$n[0].kid and .outcome == \"success\")"'
as_officer sap rotate --overlap 2s >/dev/null 2>&1 && not_ok "2s is no overlap" || ok "2s is no overlap"

# ---- left by a crash: another pair of such a name
pkcs11-tool --module "$CM_MODULE" --token-label "$CM_TOKEN" --login --pin "$(cat "$CM_PIN_FILE")" --keypairgen --key-type EC:prime256v1 \
	--usage-derive --label "p11-sam sap 00112233445566ff" >gen.log 2>&1 || bail "pkcs11-tool --keypairgen" gen.log
check "doctor names it" eval 'samctl doctor --json >doctor.json; grep -q "sap keys" doctor.json && samctl doctor | grep -q "1 are in no registry"'
check "maintain destroys it" eval 'samctl maintain && [ "$(in_cm | grep -c label:)" = 2 ]'
check "and doctor is content" eval 'samctl doctor | grep -q "sap keys *2, all in the CM"'
check "the trail is whole" as_auditor audit verify

# ---- nothing of it leaks
check "no SAD of these stands in trail or log" eval '! grep -rqF "$(cut -d. -f4 <<<"$sad")" "$demo" 2>/dev/null'
finish
