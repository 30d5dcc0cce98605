#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Another implementation as oracle: what sadtool signs, `jose jws ver` takes; what `jose jws sig` signs, sadtool
# takes; both refuse what the other changed; thumbprints are the same. So with JWE: `jose jwe enc`, `jose jwe dec`.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need jose
sadtool() { timeout 60 "$SAM_BUILDDIR/tools/sadtool" "$@"; }
cd "$work" || bail "no folder"
echo 'a document' >document

# change FILE: another character in the second part that has some
change()
{
	awk -F. -v OFS=. '{ n = $2 == "" ? 3 : 2; c = substr($n, 5, 1)
		$n = substr($n, 1, 4) (c == "A" ? "B" : "A") substr($n, 6); printf "%s", $0 }' "$1"
}
make_sad()
{
	sadtool new --key "$1" --signer alice --aud https://sam.example.jp \
		--credential 00112233445566778899aabbccddeeff --file document --label 'contract' | tr -d '\n' >"$2" && [ -s "$2" ]
}
same_thumbprint() { [ "$(jose jwk thp -i "$1" -a S256)" = "$2" ]; }

for alg in ES256 ES384 ES512 RS256 PS256 PS384 PS512; do
	kid=$(sadtool keygen --alg $alg --out $alg.jwk --public $alg.pub.jwk) || bail "sadtool keygen --alg $alg"
	check "$alg: jose computes the same thumbprint" same_thumbprint $alg.pub.jwk "$kid"
	check "$alg: sadtool signs" make_sad $alg.jwk $alg.sad
	check "$alg: jose verifies it" jose jws ver -i $alg.sad -k $alg.pub.jwk
	change $alg.sad >$alg.changed
	check_fails "$alg: jose refuses it changed" jose jws ver -i $alg.changed -k $alg.pub.jwk
	check_fails "$alg: sadtool refuses it changed" sadtool inspect $alg.changed --key $alg.pub.jwk
done

for alg in ES256 ES384 ES512 RS256 RS384 RS512 PS256 PS384 PS512; do
	jose jwk gen -i '{"alg":"'$alg'"}' -o theirs.jwk 2>check.err || bail "jose jwk gen" check.err
	jose jwk pub -i theirs.jwk -o theirs.pub.jwk
	check "$alg: sadtool signs with a key of jose" make_sad theirs.jwk theirs.sad
	check "$alg: jose verifies that" jose jws ver -i theirs.sad -k theirs.pub.jwk
	jose jws sig -I theirs.jwk -k theirs.pub.jwk -c -o wrong 2>check.err && bail "a public key signed"
	printf '{"iss":"alice","exp":1}' | jose jws sig -I - -k theirs.jwk -c -s '{"protected":{"typ":"sad+jwt"}}' -o theirs.jws
	check "$alg: sadtool verifies what jose signed" sadtool inspect theirs.jws --key theirs.pub.jwk
	change theirs.jws >theirs.changed
	check_fails "$alg: sadtool refuses it changed" sadtool inspect theirs.changed --key theirs.pub.jwk
	check_fails "$alg: sadtool refuses it under another key" sadtool inspect theirs.jws --key ES256.pub.jwk
done

# ---- JWE
jwe() { timeout 60 "$SAM_BUILDDIR/tests/client/jwe" "$@"; }
# opens COMMAND...: what it prints of standard input is the document
opens() { "$@" >opened 2>check.err && cmp opened document; }
kid=$(sadtool keygen --alg ECDH-ES --out enc.jwk --public enc.pub.jwk) || bail "sadtool keygen --alg ECDH-ES"
check "ECDH-ES: jose computes the same thumbprint" same_thumbprint enc.pub.jwk "$kid"
jose jwk gen -i '{"kty":"EC","crv":"P-256","key_ops":["wrapKey","unwrapKey"]}' -o theirs.jwk || bail "jose jwk gen"
jose jwk pub -i theirs.jwk -o theirs.pub.jwk
for alg in ECDH-ES ECDH-ES+A256KW; do
	for key in enc theirs; do
		jwe encrypt $alg $key.pub.jwk <document >ours.jwe || bail "jwe encrypt $alg"
		check "$alg, key $key: jose opens ours" opens jose jwe dec -i ours.jwe -k $key.jwk
		change ours.jwe >changed.jwe
		check_fails "$alg, key $key: jose refuses it changed" jose jwe dec -i changed.jwe -k $key.jwk
		jose jwe enc -I document -k $key.pub.jwk -c -o theirs.jwe \
			-i '{"protected":{"enc":"A256GCM","alg":"'$alg'","apu":"QWxpY2U","apv":"Qm9i"}}' || bail "jose jwe enc"
		check "$alg, key $key: we open what jose made" opens jwe decrypt $key.jwk <theirs.jwe
		change theirs.jwe >changed.jwe
		check_fails "$alg, key $key: we refuse it changed" jwe decrypt $key.jwk <changed.jwe
	done
	check_fails "$alg: we do not open it with another key" jwe decrypt enc.jwk <theirs.jwe
	for other in '"enc":"A128GCM"' '"enc":"A256CBC-HS512"' '"enc":"A256GCM","zip":"DEF"'; do
		jose jwe enc -I document -k enc.pub.jwk -c -o other.jwe -i '{"protected":{"alg":"'$alg'",'"$other"'}}' ||
			bail "jose jwe enc $other"
		check_fails "$alg with $other is refused" jwe decrypt enc.jwk <other.jwe
	done
done
finish
