# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2034,SC2154
#
# tests/client/roles_acts.sh: how roles.sh tries each act. To be sourced by it. Nothing of who may stands here.

# device NAME SIGNER: a device key NAME with its proof for SIGNER
device()
{
	[ -e "$work/$1.jwk" ] || quietly "$SADTOOL" keygen --alg ES256 --out "$work/$1.jwk" --public "$work/$1.pub"
	timeout 60 "$SADTOOL" enrol --key "$work/$1.jwk" --signer "$2" --aud "$SAM_ID" >"$work/$1.proof"
}
kid_of() # NAME
{
	jq -cSj '{crv,kty,x,y}' "$work/$1.pub" | openssl dgst -sha256 -binary | openssl base64 | tr '+/' '-_' | tr -d '=\n'
}
new_version() # FILE: the version after the one in force
{
	local version
	version=$(sed -n 's/^version: *\([0-9]*\).*/\1/p' "$demo/policy.yaml")
	sed "s/^version: .*/version: $((version + 1))/" "$1" >"$work/next.yaml"
}
# ---- keys: those of $SIGNER, one for each try; and the victim's --------------------------------
declare -A key # TARGET: its credentialID
# with_ca POLICY: the CAs of these tests in it, one for certificates, one for packages at level 2
with_ca()
{
	local ca
	for ca in ca packages; do
		[ -e "$work/$ca.ca.pem" ] || quietly plain_openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
			-keyout "$work/$ca.ca.key" -out "$work/$ca.ca.pem" -days 2 -subj "/C=JP/O=Test/CN=$ca" \
			-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
	done
	{
		printf 'cas:\n  - name: CA\n    use: [certificates]\n    certificate: |\n'
		sed 's/^/      /' "$work/ca.ca.pem"
		printf '  - name: Packages\n    use: [import]\n    keygen_level: 2\n    reference: "report 7"\n'
		printf '    date: 2026-04-01\n    certificate: |\n'
		sed 's/^/      /' "$work/packages.ca.pem"
	} >>"$1"
}
# certify NAME CA: one of that CA for the public key in $work/NAME.pem, in $work/NAME.crt
certify()
{
	printf 'keyUsage=critical,digitalSignature,nonRepudiation\nbasicConstraints=critical,CA:FALSE\n' >"$work/ext"
	quietly plain_openssl req -new -key "$work/$2.ca.key" -subj "/CN=any" -out "$work/any.csr"
	quietly plain_openssl x509 -req -in "$work/any.csr" -force_pubkey "$work/$1.pem" -CA "$work/$2.ca.pem" \
		-CAkey "$work/$2.ca.key" -days 1 -subj "/C=JP/O=Test/CN=$1" -extfile "$work/ext" -out "$work/$1.crt"
}
certificate() # TARGET: for its key
{
	as_officer --json key show "${key[$1]}" | jq -r .publicKey >"$work/$1.pem"
	certify "$1" ca
}
service() # a key service of that CA's, which vouches for keys
{
	[ ! -e "$work/service.crt" ] || return 0
	quietly plain_openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/service.key"
	quietly plain_openssl pkey -in "$work/service.key" -pubout -out "$work/service.pem"
	certify service packages
}
# package TARGET [SIGN.pem CERTIFICATE]: a new key, wrapped for the SAM; the signer's device vouches, or the CA
package()
{
	local name=$1
	shift
	[ $# -gt 0 ] || set -- "$DEVICE_KEY"
	samctl --json sap key --import >"$work/import.jwk"
	quietly plain_openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/$name.key"
	timeout 60 "$SAM_BUILDDIR/tests/client/package" "$work/import.jwk" "$work/$name.key" "$SIGNER" "$SAM_ID" '{}' "$@" \
		>"$work/$name.package" || bail "no package"
}
# target_key ACT: $target's key, in the state that the act begins with
target_key()
{
	case $1 in
	'key activate' | *level) # made by officers, and inactive
		key[$target]=$(as_officers key generate --signer "$SIGNER" --type ec:P-256 --reference x) ;;
	*) key[$target]=$(new_key "$SIGNER" ec:P-256 "$target") ;;
	esac
	[ -n "${key[$target]}" ] || bail "no key for $1"
	case $1 in
	'key resume') quietly as_officer key suspend "${key[$target]}" ;;
	'key certificate') certificate "$target" ;;
	esac
}
declare -A request digest # TARGET: what waits for $SIGNER, and its DTBS/R
# ask TARGET: the SCA asks for a signature, with no SAD; nobody waits for the answer
ask()
{
	digest[$1]=$(openssl rand -hex 32)
	application "$SAM_BUILDDIR/tests/client/defer" "${name[sca]}:$(cat "${pin[sca]#file:}")" "$CREDENTIAL_EC" \
		"${digest[$1]}" >"$work/asked" 2>&1 </dev/null
	request[$1]=$(as_operator --json request list | jq -r --arg d "${digest[$1]}" '.[] | select(.dtbsr == $d) | .id')
	[ -n "${request[$1]}" ] || bail "no request" "$work/asked"
}
targets=0
# target ACT: something that the act can be done to, once; the name is in $target
target()
{
	targets=$((targets + 1))
	target=t$targets
	case $1 in
	'signer add') ;;
	'signer passwd first')
		person signer $target "$(new_pin $target)"
		quietly as_officer signer add $target --new-pin-source "${pin[signer]}"
		;;
	'signer unlock') quietly as_officer signer add $target --new-pin-source "$fresh" ;;
	signer* | authenticator* | 'key generate'*) quietly as_officer signer add $target ;;
	'key import') package $target ;;
	'key import level') service && package $target "$work/service.key" "$work/service.crt" ;;
	'request show' | 'request approve' | 'request reject') ask $target ;;
	'key show' | 'key list') ;;
	key*) target_key "$1" ;;
	'principal remove' | 'principal unlock' | role*)
		quietly as_officer principal add $target --role sca --new-pin-source "$fresh" ;;
	'principal unlock trusted') quietly as_officers principal add $target --role ra --new-pin-source "$fresh" ;;
	esac
	case $1 in
	'signer resume') quietly as_officer signer suspend $target ;;
	*' unlock'*) lock_out $target ;;
	'role revoke') quietly as_officers role grant $target --role ra ;;
	authenticator*) device $target $target ;;
	esac
	case $1 in
	'authenticator add' | 'authenticator re'* | 'authenticator pin')
		device $target.old $target
		quietly enrol $target "$work/$target.old.jwk" "$work/$target.old.pub"
		;;
	esac
}
# line ACT ROLE TARGET: the words of samctl that do it, into $line
line()
{
	local t=$3 own=${name[$2]}
	local jwk=(--jwk "$work/$t.pub" --proof "$work/$t.proof")
	case $1 in
	init) line=(--officer x --officer-pin-source "$fresh" --auditor y --auditor-pin-source "$fresh") ;;
	'policy check') line=("$demo/policy.yaml") ;;
	'policy sign') line=("$work/next.yaml") && new_version "$demo/policy.yaml" ;;
	'policy level') line=("$work/next.yaml") && level_policy 2 >"$work/level2.yaml" && new_version "$work/level2.yaml" ;;
	'sad exchange' | 'sad inspect' | 'sad deposit') line=("$work/sad") ;;
	'sad revoke') # one that nothing else is tried with
		new_sad "$CREDENTIAL_EC" --digest "$(openssl rand -hex 32)" >"$work/revoke.$2.sad"
		line=("$work/revoke.$2.sad")
		;;
	'request show' | 'request reject') line=("${request[$t]}") ;;
	'request approve')
		new_sad "$CREDENTIAL_EC" --digest "${digest[$t]}" >"$work/$t.sad"
		line=("${request[$t]}" --sad "$work/$t.sad")
		;;
	'request watch') line=(--once --state "$work/watched.$2") ;;
	'signer passwd') line=("$own" --new-pin-source "$fresh") ;;
	'signer passwd first') line=("${name[signer]}" --new-pin-source "$fresh") ;;
	'principal passwd') line=("$own" --new-pin-source "$fresh") ;;
	'principal device') device "own.$2" x && line=("$own" --jwk "$work/own.$2.pub") ;;
	'principal add') line=("$t.$2" --role sca --new-pin-source "$fresh") ;;
	'principal add trusted') line=("$t.$2" --role operator --new-pin-source "$fresh") ;;
	'second officer') line=("$t.$2" --role security-officer --new-pin-source "$fresh") ;;
	'principal remove' | 'principal unlock' | 'principal unlock trusted') line=("$t") ;;
	'role grant' | 'role revoke') line=("$t" --role ra) ;;
	'authenticator first' | 'authenticator add' | 'authenticator replace') line=("$t" "${jwk[@]}") ;;
	'authenticator pin') line=("$t") ;;
	'authenticator remove') line=("$t" --kid "$(kid_of "$t.old")") ;;
	'signer add') line=("$t.$2") ;;
	'signer show' | 'signer suspend' | 'signer resume' | 'signer remove' | 'signer unlock') line=("$t") ;;
	'key generate') line=(--signer "$t" --type ec:P-256) ;;
	'key generate level') line=(--signer "$t" --type ec:P-256 --reference "letter 7") ;;
	'key show') line=("$CREDENTIAL_EC") ;;
	'key import') line=("$work/$t.package") ;;
	'key import level') line=("$work/$t.package" --reference "letter 7") ;;
	'key renew level') line=("${key[$t]}" --reference "letter 7") ;;
	'key revoke') line=("${key[$t]}" --reason "lost") ;;
	'key certificate') line=("${key[$t]}" "$work/$t.crt") ;;
	'key activate' | 'key renew' | 'key suspend' | 'key resume' | 'key destroy' | 'key csr'*) line=("${key[$t]}") ;;
	'sap key') line=(--import) ;;
	'sap rotate') line=() ;;
	'pending confirm' | 'pending cancel') line=(aaaaaaaaaaaaa) ;;
	'cm enable' | 'cm disable') line=() ;;
	'backup create') line=(--out "$work/backup.$2" --to "$work/recipient.pub") ;;
	'backup verify') line=("$work/backup.operator") ;;
	'backup restore')
		line=("$work/backup.operator" --key "$work/recipient.jwk" --second "$SO2_NAME" --second-pin-source "$SO2_PIN_SOURCE") ;;
	'audit search') line=(--type sign) ;;
	'audit show') line=(1) ;;
	status | doctor | maintain | *' list' | 'policy show' | 'cm show' | 'audit verify') line=() ;;
	*) return 1 ;;
	esac
}
# params_of ACT: what the SAD's order says of the act on $target
params_of()
{
	local id=${key[$target]:-}
	case $1 in
	'signer unlock') echo '{"act":"unlock"}' ;;
	'authenticator remove') echo "{\"act\":\"remove\",\"jkt\":\"$(kid_of "$target.old")\"}" ;;
	authenticator*) echo "{\"act\":\"${1#* }\",\"jkt\":\"$(kid_of "$target")\"}" ;;
	'key generate'* | 'key renew'*) echo '{"type":"ec:P-256","label":"by SAD"}' ;;
	'key import'*) echo "{\"sha256\":\"$(sha256sum "$work/$target.package" | cut -d' ' -f1)\"}" ;;
	'key activate') as_officer --json key show "$id" | jq -c '{credentialID, thumbprint}' ;;
	'key csr') as_officer --json key csr "$id" | jq -c '{credentialID, sha256}' ;;
	key*) echo "{\"credentialID\":\"$id\"}" ;;
	*) echo '{}' ;;
	esac
}
# sad_of ACT OPERATION SIGNER DEVICE: the SAD that does the act on $target
sad_of()
{
	case $1 in
	'request reject') new_sad "$CREDENTIAL_EC" --digest "${digest[$target]}" ;;
	'authenticator pin')
		(umask 077 && printf 62615243 >"$work/next.factor")
		timeout 60 "$SADTOOL" new --key "$4" --signer "$3" --aud "$SAM_ID" --operation "$2" \
			--new-pin-source "file:$work/next.factor" "${sad_factors[@]}"
		;;
	*) order "$3" "$2" "$(params_of "$1")" "$4" ;;
	esac
}
# What has to hold while an act is tried, and no longer.
before_act()
{
	case $1 in
	'signer passwd first') next_policy 's/authorisation: sad/authorisation: login/' ;;
	esac
}
after_act()
{
	case $1 in
	'signer passwd first') next_policy 's/authorisation: login/authorisation: sad/' ;;
	'cm disable') quietly as_officers cm enable ;;
	# before anything is changed of the signer's, which ends what waits
	'request reject') as_operator --json request show "${request[victim]}" >"$work/request.after" ;;
	'policy level')
		new_version "$SAM_SRCDIR/policy/level1.yaml"
		quietly as_officers policy sign "$work/next.yaml"
		;;
	esac
	return 0
}
# Done all the same, and yet not quite: there is a store, and no such act waits.
may_fail() { case $1 in init) echo store_exists ;; 'pending confirm' | 'pending cancel') echo not_found ;; *) false ;; esac; }
