#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# sadtool as scripts use it: files, exit statuses, what it prints.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need jq
sadtool() { timeout 60 "$SAM_BUILDDIR/tools/sadtool" "$@"; }
cd "$work" || bail "no folder"
credential=00112233445566778899aabbccddeeff
printf 'a document' >document
hash=$(sha256sum <document | cut -d' ' -f1)

# gives STATUS TEXT DESCRIPTION ARG...: that exit status, and TEXT on standard error
gives()
{
	local want=$1 text=$2 what=$3 status
	shift 3
	sadtool "$@" >out 2>err </dev/null
	status=$?
	if [ $status = "$want" ] && { [ -z "$text" ] || grep -qF -- "$text" err; }; then
		ok "$what"
	else
		echo "exit status $status" >>err
		not_ok "$what" err
	fi
}
new() { sadtool new --key key.jwk --signer alice --aud sam --credential $credential "$@"; }
# part SAD N FILTER: what jq finds in its header (1) or payload (2)
part()
{
	local text
	text=$(cut -d. -f"$2" <<<"$1" | tr '_-' '/+')
	while [ $((${#text} % 4)) != 0 ]; do text=$text=; done
	base64 -d <<<"$text" | jq -c "$3"
}
# says SAD N FILTER WANTED
says() { [ "$(part "$1" "$2" "$3")" = "$4" ] || { part "$1" "$2" . && false; }; }

# ---- keygen ----
kid=$(sadtool keygen --alg ES256 --out key.jwk --public key.pub.jwk) || bail "sadtool keygen"
check "keygen makes a key and prints its thumbprint" test "$kid" = "$(jq -r .kid key.jwk)"
check "the private key is its owner's alone" test "$(stat -c %a key.jwk)" = 600
check "the public key has no private part" jq -e 'has("d") | not' key.pub.jwk
cp key.jwk before
gives 1 'nothing is overwritten' "keygen overwrites nothing" keygen --alg ES256 --out key.jwk
check "the key is as it was" cmp key.jwk before
gives 1 'nothing is overwritten' "nor a public key" keygen --alg ES256 --out new.jwk --public key.pub.jwk
check "and leaves no half of a pair" test ! -e new.jwk
ln -s nowhere link.jwk
gives 1 '' "keygen follows no link" keygen --alg ES256 --out link.jwk
check "where it pointed is nothing" test ! -e nowhere
enc_kid=$(sadtool keygen --alg ECDH-ES --out enc.jwk --public enc.pub.jwk)
check "ECDH-ES makes a key to decrypt with" jq -e '[.kty, .crv, .use, has("alg"), has("d")] == ["EC", "P-256", "enc", false, true]' enc.jwk
check "its thumbprint is printed and in both files" \
	test "$enc_kid" = "$(jq -r .kid enc.jwk)" -a "$enc_kid" = "$(jq -r .kid enc.pub.jwk)"
check "its public key says its use and no more" jq -e '(keys | join(" ")) == "crv kid kty use x y"' enc.pub.jwk
check "the private one is its owner's alone" test "$(stat -c %a enc.jwk)" = 600
gives 1 'use' "it signs no SAD" new --key enc.jwk --signer alice --aud sam --credential $credential --file document
gives 2 'no algorithm' "HMAC is no algorithm" keygen --alg HS256 --out hmac.jwk
gives 2 'needed' "keygen needs --out" keygen --alg ES256

# ---- new ----
sad=$(new --file document --label contract --amr hwk,pin --lifetime 60)
check "header: alg, typ, kid" says "$sad" 1 . '{"alg":"ES256","typ":"sad+jwt","kid":"'"$kid"'"}'
check "claims: iss, sub, aud" says "$sad" 2 '[.iss,.sub,.aud]' '["alice","alice","sam"]'
check "claims: lifetime, amr, jti" says "$sad" 2 '[.exp - .iat, .amr, (.jti | length >= 22)]' '[60,["hwk","pin"],true]'
check "claims: key, hash, label" says "$sad" 2 '.authorization_details[0] | [.credentialID, .hashAlgorithmOID,
	(.documentDigests | map(.label))]' '["'$credential'","2.16.840.1.101.3.4.2.1",["contract"]]'
digest=$(part "$sad" 2 -r | jq -r '.authorization_details[0].documentDigests[0].hash' | tr '_-' '/+')
check "the hash is the document's" test "$(base64 -d <<<"$digest=" | xxd -p -c 64)" = "$hash"
check "two SADs have two jti" test "$(part "$(new --file document)" 2 .jti)" != "$(part "$sad" 2 .jti)"
sad=$(new --file document --digest "$(sha256sum <key.jwk | cut -d' ' -f1)" --label one --label two --num 1)
check "labels go to documents in order" says "$sad" 2 \
	'.authorization_details[0] | [.numSignatures, (.documentDigests | map(.label))]' '[1,["one","two"]]'
sad=$(new --file document --hash sha512)
check "--hash is the hash" says "$sad" 2 '.authorization_details[0] | [.hashAlgorithmOID, (.documentDigests[0].hash | length)]' \
	'["2.16.840.1.101.3.4.2.3",86]'
sad=$(new --file document --issuer https://idp.example --claim 'exp=5' --claim jti= --claim 'x={"y":[1]}' \
	--header 'alg="none"' --header kid= --header 'typ="JWT"')
check "--issuer, --claim and --header have the last word" says "$sad" 2 '[.iss,.exp,has("jti"),.x]' \
	'["https://idp.example",5,false,{"y":[1]}]'
check "also over the header" says "$sad" 1 . '{"alg":"none","typ":"JWT"}'

# ---- new --each ----
new --each --num 50 >many
check "--each --num makes that many lines of SAD and hash" \
	awk 'NF != 2 || $1 !~ /^eyJ[^.]*[.][^.]*[.][^.]*$/ || $2 !~ /^[0-9a-f]*$/ || length($2) != 64 { exit 1 }
	     END { exit NR != 50 }' many
check "each is for its own hash" test "$(cut -d' ' -f2 many | sort -u | wc -l)" = 50
line=$(tail -n 1 many)
digest=$(part "${line% *}" 2 -r | jq -r '.authorization_details[0].documentDigests | map(.hash) | join(" ")' | tr '_-' '/+')
check "and for that one alone" test "$(base64 -d <<<"$digest=" | xxd -p -c 64)" = "${line#* }"
sha256sum document key.jwk | new --each --digest - >two
check "--digest - reads what sha256sum writes" test "$(cut -d' ' -f2 two | head -n 1)" = "$hash"
check "one line for each" test "$(wc -l <two)" = 2
check "--json is one object a line" sh -c '"$@" | jq -es "length == 3 and all(.sad and .jti and (.digests | length) == 1)"' sh \
	timeout 60 "$SAM_BUILDDIR/tools/sadtool" new --key key.jwk --signer alice --aud sam --credential $credential \
	--each --num 3 --json

# ---- new --operation ----
operation() { sadtool new --key key.jwk --signer alice --aud sam --operation "$@"; }
sad=$(operation authenticator --params '{"act":"add","jkt":"x"}' --lifetime 60)
check "--operation: iss, sub, aud, times and jti as ever" says "$sad" 2 \
	'[.iss, .sub, .aud, .exp - .iat, (.jti | length)]' '["alice","alice","sam",60,24]'
check "--operation and --params are what it is for" says "$sad" 2 '[.operation, .operation_params]' \
	'["authenticator",{"act":"add","jkt":"x"}]'
check "nothing is to be signed" says "$sad" 2 'has("authorization_details")' false
check "the header is a SAD's" says "$sad" 1 . '{"alg":"ES256","typ":"sad+jwt","kid":"'"$kid"'"}'
check "without --params they are empty" says "$(operation suspend)" 2 .operation_params '{}'
check "--claim has the last word" says "$(operation suspend --claim 'operation="x"')" 2 .operation '"x"'
check "--json prints no digests" sh -c '"$0" new --key key.jwk --signer alice --aud sam --operation suspend --json |
	jq -e "(keys | join(\" \")) == \"exp iss jti sad\""' "$SAM_BUILDDIR/tools/sadtool"

# ---- enrol, assert, policy ----
sadtool enrol --key key.jwk --signer alice --aud sam >enrol.jws
jws=$(cat enrol.jws)
check "enrol: its header has the public key and no kid" says "$jws" 1 '[.alg, .typ, has("kid"), (.jwk | keys | join(" "))]' \
	'["ES256","sam-enrol+jwt",false,"alg crv kty x y"]'
check "enrol: that key is the one" test "$(part "$jws" 1 .jwk.x)" = "$(jq .x key.pub.jwk)"
check "enrol: for whom, where, how long" says "$jws" 2 '[.sub, .aud, .exp - .iat, (.jti | length), length]' '["alice","sam",86400,24,5]'
check "enrol: inspect verifies it" sadtool inspect enrol.jws --key key.pub.jwk
check "enrol: --lifetime" says "$(sadtool enrol --key key.jwk --signer alice --aud sam --lifetime 7)" 2 '.exp - .iat' 7

act() { sadtool assert --key key.jwk --name carol --aud sam "$@"; }
act -- authenticator add alice --jwk key.pub.jwk --proof=enrol.jws --label 'a b' nowhere . >act.jws
jws=$(cat act.jws)
check "assert: header" says "$jws" 1 . '{"alg":"ES256","typ":"sam-act+jwt","kid":"'"$kid"'"}'
check "assert: who, where, how long" says "$jws" 2 '[.iss, .aud, .exp - .iat, (.jti | length), length]' '["carol","sam",120,24,7]'
check "assert: the words" says "$jws" 2 .act \
	'["authenticator","add","alice","--jwk","key.pub.jwk","--proof=enrol.jws","--label","a b","nowhere","."]'
check "assert: the files they name" says "$jws" 2 .files '{"key.pub.jwk":"'"$(sha256sum <key.pub.jwk | cut -d' ' -f1)"\
'","enrol.jws":"'"$(sha256sum <enrol.jws | cut -d' ' -f1)"'"}'
check "assert: without -- too" says "$(act signer show alice)" 2 '[.act, .files]' '[["signer","show","alice"],{}]'
check "assert: options behind the verb are its own" says "$(act -- signer add bob --name B --help)" 2 '.act | length' 6
check "assert: inspect verifies it" sadtool inspect act.jws --key key.pub.jwk

level1=$SAM_SRCDIR/policy/level1.yaml
echo 'sam_id: sam' >config
sadtool policy --key key.jwk --name olga --aud sam --policy "$level1" --config config >policy.jws
jws=$(cat policy.jws)
check "policy: header" says "$jws" 1 . '{"alg":"ES256","typ":"sam-policy+jws","kid":"'"$kid"'"}'
check "policy: who, where, how long" says "$jws" 2 '[.iss, .aud, .exp - .iat, (.jti | length), length]' '["olga","sam",300,24,8]'
check "policy: version and hashes" says "$jws" 2 '[.version, .policy_sha256, .config_sha256]' \
	"[$(sed -n 's/^version: *\([0-9]*\).*/\1/p' "$level1"),\"$(sha256sum <"$level1" | cut -d' ' -f1)\",\"$(sha256sum <config | cut -d' ' -f1)\"]"
check "policy: inspect verifies it" sadtool inspect policy.jws --key key.pub.jwk
check "--json has the JWS and who" sh -c '"$0" enrol --key key.jwk --signer alice --aud sam --json | jq -e ".sub == \"alice\" and .jws" &&
	"$0" assert --key key.jwk --name carol --aud sam --json -- status | jq -e ".iss == \"carol\" and .jws and .jti and .exp"' \
	"$SAM_BUILDDIR/tools/sadtool"

# ---- inspect ----
new --file document >good.sad
check "inspect shows" grep -q '"jti"' <(sadtool inspect good.sad)
check "inspect verifies with --key" sadtool inspect good.sad --key key.pub.jwk
check "inspect reads standard input" sh -c '"$0" inspect - --json <good.sad | jq -e ".state == \"valid now\""' \
	"$SAM_BUILDDIR/tools/sadtool"
new --file document --claim exp=5 >old.sad
check "inspect says that it has expired" grep -qx 'state  *expired' <(sadtool inspect old.sad)
sadtool keygen --alg ES256 --out other.jwk --public other.pub.jwk >/dev/null
gives 1 'signature is wrong' "inspect tells a wrong signature" inspect good.sad --key other.pub.jwk
head -c 100 good.sad >cut.sad
gives 1 'well-formed' "inspect refuses half a SAD" inspect cut.sad
gives 1 'No such file' "inspect names a missing file" inspect nowhere
new --file document --label "$(printf 'a\xc2\x9b31mb\x7f')" >steer.sad
check_fails "a label does not steer the terminal" grep -q "$(printf '\xc2\x9b')" <(sadtool inspect steer.sad)

# ---- wrong usage ----
base=(new --key key.jwk --signer alice --aud sam --credential $credential)
gives 2 'usage:' "no verb is wrong usage"
gives 2 'no such verb' "an unknown verb is" sign
gives 0 '' "--help is not" --help
for verb in keygen new enrol assert policy inspect; do
	gives 0 '' "$verb --help is not" $verb --help
	check "$verb --help says how" grep -q "usage: sadtool $verb" out
	gives 2 'no option' "$verb: an unknown option is" $verb --bogus
done
gives 2 'needed' "new without --signer is" new --key key.jwk --aud sam --credential $credential --file document
gives 2 '32 hexadecimal' "a credentialID of the wrong form is" "${base[@]}" --credential 00 --file document
gives 2 'no document' "new without document is" "${base[@]}"
gives 2 'labels for' "two labels for one document are" "${base[@]}" --file document --label a --label b
gives 2 'hexadecimal digits' "a hash of the wrong length is" "${base[@]}" --digest 00
gives 2 'hexadecimal digits' "a SHA-256 for sha384 is" "${base[@]}" --digest "$hash" --hash sha384
gives 2 'none of' "an unknown --hash is" "${base[@]}" --file document --hash sha1
gives 2 'NAME=JSON' "--claim without = is" "${base[@]}" --file document --claim x
gives 2 'no JSON' "--claim that is no JSON is" "${base[@]}" --file document --claim x=y
gives 2 'seconds' "--lifetime 0 is" "${base[@]}" --file document --lifetime 0
gives 2 'one signature' "--each with documents and --num is" "${base[@]}" --each --num 2 --file document
gives 2 'too many' "one argument too many is" "${base[@]}" --file document extra
gives 1 'No such file' "a missing document is a failure" "${base[@]}" --file nowhere
gives 1 'no private key' "a public key cannot sign" new --key key.pub.jwk --signer alice --aud sam --credential $credential \
	--file document
gives 1 'no JWK' "what is no key cannot sign" new --key document --signer alice --aud sam --credential $credential --file document
gives 1 'UTF-8' "a label that is no UTF-8 is refused" "${base[@]}" --file document --label "$(printf '\xff')"
gives 2 'no operation' "an unknown --operation is wrong usage" new --key key.jwk --signer alice --aud sam --operation sign
gives 2 'no JSON object' "--params that are no object are" new --key key.jwk --signer alice --aud sam --operation suspend --params '[]'
gives 2 'no JSON object' "doubled members are" new --key key.jwk --signer alice --aud sam --operation suspend --params '{"a":1,"a":2}'
gives 2 'use --operation' "--params alone are" "${base[@]}" --file document --params '{}'
gives 2 'signs nothing' "a document for an operation is" new --key key.jwk --signer alice --aud sam --operation suspend --file document
gives 2 'signs nothing' "a credential beside it is" "${base[@]}" --operation suspend
gives 2 'needed' "--operation without --aud is" new --key key.jwk --signer alice --operation suspend
gives 1 'encrypted' "an operation with a PIN is a failure" new --key key.jwk --signer alice --aud sam --operation pin
gives 2 'needed' "enrol without --aud is wrong usage" enrol --key key.jwk --signer alice
gives 2 'too many' "enrol with an argument is" enrol --key key.jwk --signer alice --aud sam extra
gives 2 'seconds' "enrol --lifetime 0 is" enrol --key key.jwk --signer alice --aud sam --lifetime 0
gives 2 'what is asserted' "assert without an act is" assert --key key.jwk --name carol --aud sam
gives 2 'needed' "assert without --name is" assert --key key.jwk --aud sam -- status
for word in --as --as=carol --assertion --pin-source=file:x --config --json; do
	gives 2 'not part of the act' "$word in the act is" assert --key key.jwk --name carol --aud sam -- status $word
done
gives 1 'UTF-8' "a word that is no UTF-8 is a failure" assert --key key.jwk --name carol --aud sam -- signer show "$(printf '\xff')"
gives 2 'needed' "policy without --config is wrong usage" policy --key key.jwk --name olga --aud sam --policy "$level1"
gives 1 'policy' "a policy that is none is a failure" policy --key key.jwk --name olga --aud sam --policy config --config config
gives 1 'No such file' "so is a missing configuration" policy --key key.jwk --name olga --aud sam --policy "$level1" --config nowhere
gives 1 'use' "a key to decrypt with enrols nobody" enrol --key enc.jwk --signer alice --aud sam
check "a full disk is a failure" sh -c '"$0" inspect good.sad >/dev/full 2>err; [ $? = 1 ]' "$SAM_BUILDDIR/tools/sadtool"
finish
