# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154
#
# tests/client/deferred_lib.sh: deferred authorisation: an application that knows nothing of SADs, and the signer at
# another terminal. To be sourced after lib.sh.

# deferred_policy [SED]: the policy defers, and is changed by SED besides.
deferred_policy() { next_policy "s/^sap:\$/&\\n  deferred: true/;${1:-}"; }

# deferred_setup [SED]: after setup: deferred authorisation, and the SCA `app`, to which $SIGNER is granted, for whoever
# logs in with a NULL PIN, as every client then does: the token has the protected path.
deferred_setup()
{
	(umask 077 && echo 'a-password-for-tests' >"$work/app.pin")
	sed -i 's/^protected_path: .*//;s/^application: .*//' "$demo/p11-sam.yaml"
	printf 'protected_path: true\napplication: app\n' >>"$demo/p11-sam.yaml"
	deferred_policy "${1:-}"
	as_officer principal add app --role sca --signer "$SIGNER" --new-pin-source "file:$work/app.pin" \
		>"$work/app.log" 2>&1 || bail "no SCA" "$work/app.log"
}

# deferred_ca: a CA that the policy knows, at $work/ca.pem.
deferred_ca()
{
	plain_openssl req -x509 -newkey rsa:3072 -nodes -keyout "$work/ca.key" -out "$work/ca.pem" -days 30 \
		-config /dev/null -subj "/O=Example/CN=Example CA" -addext basicConstraints=critical,CA:TRUE \
		-addext keyUsage=critical,keyCertSign,cRLSign >"$work/ca.log" 2>&1 &&
		printf 'cas:\n  - name: Example CA\n    use: [certificates]\n    certificate: |\n' >>"$demo/policy.yaml" &&
		sed 's/^/      /' "$work/ca.pem" >>"$demo/policy.yaml" && next_policy ''
}
# deferred_certify CREDENTIAL FILE: its certificate, by request, CA and registration.
deferred_certify()
{
	local sha256
	sha256=$(as_officer --json key csr "$1" | jq -r .sha256) &&
		samctl key csr "$1" --sad - <<<"$(order "$SIGNER" csr "{\"credentialID\":\"$1\",\"sha256\":\"$sha256\"}")" \
			>"$work/key.csr" &&
		plain_openssl x509 -req -in "$work/key.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -days 9 -out "$2" \
			-extfile <(printf 'keyUsage=critical,digitalSignature,nonRepudiation\nsubjectKeyIdentifier=hash\n') &&
		as_officer key certificate "$1" "$2"
}

# ---- the signer's terminal -----------------------------------------------------------------------

# requests [STATE]: what $SIGNER is asked for, one JSON object a line.
requests() { as_signer --json request list | jq -c --arg s "${1:-open}" '.[] | select(.state == $s)'; }
# approve REQUEST: by a SAD for exactly that key and digest; leaves the request in $work/approved.
approve()
{
	local sad
	sad=$(new_sad "$(jq -r .credentialID <<<"$1")" --digest "$(jq -r .dtbsr <<<"$1")" --hash "$(hash_name "$1")") &&
		samctl request approve "$(jq -r .id <<<"$1")" --sad - <<<"$sad" && echo "$1" >>"$work/approved"
}
hash_name()
{
	case $(jq -r .hashAlgorithmOID <<<"$1") in
	2.16.840.1.101.3.4.2.1) echo sha256 ;;
	2.16.840.1.101.3.4.2.2) echo sha384 ;;
	2.16.840.1.101.3.4.2.3) echo sha512 ;;
	esac
}
# terminal: until it is killed, the signer approves what is asked for.
terminal()
{
	local request
	while :; do
		while read -r request; do
			[ -z "$request" ] || approve "$request" </dev/null
		done <<<"$(requests)"
		sleep 0.1
	done
}
# signer_approves COUNT COMMAND...: the command, while the signer at another terminal approves what it asks for: exactly
# that many signatures. Leaves the command's output in $work/client.log.
signer_approves()
{
	local count=$1 pid status
	shift
	: >"$work/approved"
	terminal >"$work/terminal.log" 2>&1 &
	pid=$!
	"$@" >"$work/client.log" 2>&1
	status=$?
	kill "$pid" && wait "$pid" 2>/dev/null
	cat "$work/client.log" "$work/terminal.log"
	echo "exit status $status, $(wc -l <"$work/approved") approved of $count"
	[ $status = 0 ] && [ "$(wc -l <"$work/approved")" = "$count" ]
}
# signed_deferred DTBSR: the trail has that signature, once, and says that it was deferred.
signed_deferred()
{
	as_auditor audit search --type sign --outcome success --format json |
		jq -es --arg d "$1" 'flatten | map(select(.dtbsr == $d and .activation == "deferred")) | length == 1'
}
