# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2034
#
# tests/client/lib.sh: what the scripts in tests/client share: TAP, one set-up made by tools/quickstart,
# and a few words for signing and looking into the audit trail. To be sourced by bash.
#
# From the environment: SAM_SRCDIR, SAM_BUILDDIR (both set by `make check`), SAM_SANITIZER, SAM_TEST_LONG.

set -u
export LC_ALL=C.UTF-8
: "${SAM_SRCDIR:=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}"
: "${SAM_BUILDDIR:=$SAM_SRCDIR/build}"
export SAM_SRCDIR SAM_BUILDDIR

# ---- TAP ---------------------------------------------------------------------------------------
tap_count=0
tap_failed=0

# ok DESCRIPTION, not_ok DESCRIPTION [FILE to show]
ok()
{
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1"
}
not_ok()
{
	tap_count=$((tap_count + 1))
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_count - $1"
	[ -z "${2:-}" ] || [ ! -e "$2" ] || tail -n 25 "$2" | sed 's/^/# /'
}
skip()
{
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}
diag() { printf '# %s\n' "$*"; }

# check DESCRIPTION COMMAND...: ok if it succeeds; its output is shown if it does not.
check()
{
	local what=$1
	shift
	if "$@" >"$work/check.log" 2>&1; then
		ok "$what"
	else
		not_ok "$what" "$work/check.log"
		return 1
	fi
}
# check_fails DESCRIPTION COMMAND...: ok if it fails by an exit status of its own, not by a signal.
check_fails()
{
	local what=$1 status
	shift
	"$@" >"$work/check.log" 2>&1
	status=$?
	if [ $status != 0 ] && { [ $status -lt 124 ] || [ $status -gt 192 ]; }; then
		ok "$what"
	else
		echo "exit status $status" >>"$work/check.log"
		not_ok "$what" "$work/check.log"
		return 1
	fi
}
# finish: the plan, and the exit status. The last line of every script.
finish()
{
	echo "1..$tap_count"
	[ $tap_failed = 0 ]
	exit
}
skip_all()
{
	echo "1..0 # SKIP $1"
	exit 77
}
bail()
{
	echo "Bail out! $1"
	[ -z "${2:-}" ] || tail -n 25 "$2" | sed 's/^/# /'
	exit 1
}

# need PROGRAM...: skip the whole script where one is missing.
need()
{
	local program
	for program; do
		command -v "$program" >/dev/null || skip_all "$program is not installed"
	done
}
# need_no_sanitizer CLIENT: skip where the module was built with a sanitizer that this client cannot live with.
need_no_sanitizer()
{
	[ "${SAM_SANITIZER:-no}" = no ] || skip_all "$1 does not run under -fsanitize=$SAM_SANITIZER"
}

# ---- the set-up --------------------------------------------------------------------------------
work=$(mktemp -d "${TMPDIR:-/tmp}/p11-sam-test.XXXXXX") || bail "no temporary folder"
background_pids=()
cleanup()
{
	local pid
	for pid in ${background_pids[@]+"${background_pids[@]}"}; do
		kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	done
	rm -rf -- "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

case ${SAM_SANITIZER:-no} in
*address*) SAM_PRELOAD=$(gcc -print-file-name=libasan.so) ;;
*thread*) SAM_PRELOAD=$(gcc -print-file-name=libtsan.so) ;;
*) SAM_PRELOAD= ;;
esac
export SAM_PRELOAD

# application COMMAND...: a program that loads the module. Its own leaks are its own business; ours are
# looked for by leaks.sh.
application()
{
	if [ -n "$SAM_PRELOAD" ]; then
		timeout 600 env "LD_PRELOAD=$SAM_PRELOAD" "ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0" "$@"
	else
		timeout 600 "$@"
	fi
}

# background LOG COMMAND...: the same in the background, until the script ends; background_pid is it.
background()
{
	local log=$1
	shift
	if [ -n "$SAM_PRELOAD" ]; then
		set -- env "LD_PRELOAD=$SAM_PRELOAD" "ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0" "$@"
	fi
	"$@" >"$log" 2>&1 &
	background_pid=$!
	background_pids+=("$background_pid")
}

# setup: make a set-up with tools/quickstart and take over its environment.
setup()
{
	if ! "$SAM_SRCDIR/tools/quickstart" --dir "$work/demo" --keep >"$work/setup.log" 2>&1; then
		bail "tools/quickstart failed" "$work/setup.log"
	fi
	demo=$work/demo
	. "$demo/env"
	public_rsa=$demo/$CREDENTIAL_RSA.pem
	public_ec=$demo/$CREDENTIAL_EC.pem
	printf 'One document, made at %s.\n' "$(date +%s.%N)" >"$work/short.txt"
	head -c 5000 /dev/urandom >"$work/long.bin"
	signer_pin=$SIGNER:$(cat "${SIGNER_PIN_SOURCE#file:}")
	# the same script under another policy: this line in its `sap:`
	[ -z "${SAM_TEST_SAP:-}" ] || next_policy "s/^sap:\$/&\n  $SAM_TEST_SAP/"
}

# moved OLD NEW: the set-up was copied from OLD to NEW: the paths in it, and the signature of its configuration.
moved()
{
	sed -i "s,$1,$2,g" "$2/env" "$2/p11-sam.yaml" "$2/softhsm2.conf"
	demo=$2
	. "$demo/env"
	signed
}
# signed: an officer signs policy and configuration as they are now.
signed() { as_officer policy sign "$demo/policy.yaml" >"$work/signed.log" 2>&1 || bail "policy sign failed" "$work/signed.log"; }
# next_policy SED: change the policy, count its version up, have it signed.
next_policy()
{
	local version
	version=$(sed -n 's/^version: *\([0-9]*\).*/\1/p' "$demo/policy.yaml")
	sed -i -e "$1" -e "s/^version: .*/version: $((version + 1))/" "$demo/policy.yaml"
	signed
}
# level_policy LEVEL: the shipped policy for tests: SoftHSM is its CM, and nobody asks whether the clock is right.
level_policy()
{
	sed -e '/^cms:$/,/^    expires:/c\
cms:\
  - {manufacturer: "SoftHSM project", model: "SoftHSM v2", evaluation: "none, for tests"}' \
		-e 's/^  require_sync: true/  require_sync: false/' "$SAM_SRCDIR/policy/level$1.yaml"
}
# ---- two factors, encrypted SADs, certificates: what levels 2 and 3 ask for ----------------------
sad_factors=() # what `sadtool new` is told besides
# second_factor SIGNER: a PIN, set by two officers at the signer's terminal; and the SAM's key, for which SADs that carry it
# are encrypted. In these tests everybody has the same.
second_factor()
{
	(umask 077 && printf 48151623 >"$work/factor")
	as_officers authenticator add "$1" --new-pin-source "file:$work/factor" &&
		samctl --json sap key | jq '.jwk // .' >"$work/sap.jwk" &&
		sad_factors=(--encrypt-to "$work/sap.jwk" --pin-source "file:$work/factor")
}
# test_ca: a CA's certificate and key, in $work/test-ca.pem and .key
test_ca()
{
	[ -e "$work/test-ca.pem" ] ||
		plain_openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/test-ca.key" \
			-out "$work/test-ca.pem" -days 2 -subj "/C=JP/O=Test/CN=Test CA" \
			-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign 2>"$work/ca.log" ||
		bail "no CA" "$work/ca.log"
}
# trust_test_ca FILE: into that policy, which names no other
trust_test_ca()
{
	test_ca
	printf 'cas:\n  - name: Test CA\n    use: [certificates]\n    certificate: |\n' >>"$1"
	sed 's/^/      /' "$work/test-ca.pem" >>"$1"
}
# certified CREDENTIAL: the SAM's request, under the signer's SAD; that CA's certificate; and it registered
certified()
{
	local order
	order=$(order "$SIGNER" csr "$(as_officer --json key csr "$1" | jq -c '{credentialID, sha256}')") &&
		samctl key csr "$1" --sad - <<<"$order" >"$work/$1.csr" &&
		printf 'keyUsage=critical,digitalSignature,nonRepudiation\n' >"$work/certified.ext" &&
		plain_openssl x509 -req -in "$work/$1.csr" -CA "$work/test-ca.pem" -CAkey "$work/test-ca.key" -days 1 \
			-extfile "$work/certified.ext" -out "$work/$1.crt" 2>/dev/null &&
		as_officer key certificate "$1" "$work/$1.crt"
}
# setup_again SED: the same set-up once more with a changed policy, from nothing.
setup_again()
{
	sed -i "$1" "$demo/policy.yaml"
	rm -rf "$demo"/state.db* "$demo"/policy.yaml.jws "$demo"/tokens/*
	softhsm2-util --init-token --free --label "$CM_TOKEN" --so-pin "$(cat "$demo/cm.so-pin")" \
		--pin "$(cat "$CM_PIN_FILE")" >"$work/again.log" 2>&1 &&
		samctl init --officer "$SO_NAME" --officer-pin-source "$SO_PIN_SOURCE" --officer "$SO2_NAME" \
			--officer-pin-source "$SO2_PIN_SOURCE" --auditor "$AUDITOR_NAME" \
			--auditor-pin-source "$AUDITOR_PIN_SOURCE" >>"$work/again.log" 2>&1 &&
		as_officer signer add "$SIGNER" --subject "CN=Alice Example,O=Example,C=JP" \
			--new-pin-source "$SIGNER_PIN_SOURCE" >>"$work/again.log" 2>&1 &&
		enrol "$SIGNER" "$DEVICE_KEY" "$demo/device.pub.jwk" >>"$work/again.log" 2>&1 &&
		{ sad_factors=() && grep -q '^level: 1' "$demo/policy.yaml" || second_factor "$SIGNER" >>"$work/again.log" 2>&1; } &&
		sleep 1.1 && CREDENTIAL_RSA=$(new_key "$SIGNER" rsa:3072 rsa3072) &&
		CREDENTIAL_EC=$(new_key "$SIGNER" ec:P-256 p256) ||
		bail "the set-up with another policy failed" "$work/again.log"
}
# setup_level LEVEL: the same from nothing at that level, by its shipped policy. Above level 1 the signer has a PIN besides,
# and the keys have certificates, without which they would sign nothing.
setup_level()
{
	level_policy "$1" >"$demo/policy.yaml"
	trust_test_ca "$demo/policy.yaml"
	setup_again ''
	[ "$1" = 1 ] || { certified "$CREDENTIAL_RSA" && certified "$CREDENTIAL_EC"; } >"$work/again.log" 2>&1 ||
		bail "no certificates at level $1" "$work/again.log"
}
# one_officer: and once more from nothing, with one officer and the auditor, and nobody else.
one_officer()
{
	rm -rf "$demo"/state.db* "$demo"/policy.yaml.jws "$demo"/tokens/*
	softhsm2-util --init-token --free --label "$CM_TOKEN" --so-pin "$(cat "$demo/cm.so-pin")" \
		--pin "$(cat "$CM_PIN_FILE")" >"$work/again.log" 2>&1 &&
		samctl init --officer "$SO_NAME" --officer-pin-source "$SO_PIN_SOURCE" --auditor "$AUDITOR_NAME" \
			--auditor-pin-source "$AUDITOR_PIN_SOURCE" >>"$work/again.log" 2>&1 ||
		bail "the set-up with one officer failed" "$work/again.log"
}

samctl() { timeout 120 "$SAMCTL" "$@"; }
as_officer() { samctl --as "$SO_NAME" --pin-source "$SO_PIN_SOURCE" "$@"; }
as_officers() { as_officer --second "$SO2_NAME" --second-pin-source "$SO2_PIN_SOURCE" "$@"; }
as_officer2() { samctl --as "$SO2_NAME" --pin-source "$SO2_PIN_SOURCE" "$@"; }
as_administrator() { samctl --as "$ADMIN_NAME" --pin-source "$ADMIN_PIN_SOURCE" "$@"; }
as_operator() { samctl --as "$OPERATOR_NAME" --pin-source "$OPERATOR_PIN_SOURCE" "$@"; }
as_auditor() { samctl --as "$AUDITOR_NAME" --pin-source "$AUDITOR_PIN_SOURCE" "$@"; }
as_ra() { samctl --as "$RA_NAME" --pin-source "$RA_PIN_SOURCE" "$@"; }
as_signer() { samctl --as "$SIGNER" --pin-source "$SIGNER_PIN_SOURCE" "$@"; }
# lock_out NAME: by as many wrong passwords as the policies allow.
lock_out()
{
	local i
	for i in 1 2 3 4 5; do
		(umask 077 && echo "wrong number $i" >"$work/guess.pin")
		samctl --as "$1" --pin-source "file:$work/guess.pin" cm show
	done >/dev/null 2>&1
	return 0
}
# prove SIGNER PRIVATE: the device's proof that it has its key, in $work/enrol.proof.
prove() { timeout 60 "$SADTOOL" enrol --key "$2" --signer "$1" --aud "$SAM_ID" >"$work/enrol.proof"; }
# enrol SIGNER PRIVATE PUBLIC [OPTION...]: bind a device key, by two officers, with the device's proof.
enrol()
{
	local signer=$1 private=$2 public=$3
	shift 3
	prove "$signer" "$private" &&
		as_officers authenticator add "$signer" --jwk "$public" --proof "$work/enrol.proof" "$@"
}

# new_sad CREDENTIAL [OPTION of sadtool new...]: print a SAD of the signer's device.
new_sad()
{
	local credential=$1
	shift
	timeout 60 "$SADTOOL" new --key "$DEVICE_KEY" --signer "$SIGNER" --aud "$SAM_ID" \
		--credential "$credential" ${sad_factors[@]+"${sad_factors[@]}"} "$@"
}
# order SIGNER OPERATION PARAMS [DEVICE]: print a SAD that orders something else than a signature.
order()
{
	timeout 60 "$SADTOOL" new --key "${4:-$DEVICE_KEY}" --signer "$1" --aud "$SAM_ID" --operation "$2" --params "$3" \
		${sad_factors[@]+"${sad_factors[@]}"}
}
# new_key SIGNER TYPE LABEL [DEVICE]: make a key that the signer orders, so it is active at once; prints its credentialID.
new_key()
{
	local sad
	sad=$(order "$1" generate "$(jq -cn --arg t "$2" --arg l "$3" '{type: $t, label: $l}')" ${4:+"$4"}) &&
		samctl key generate --signer "$1" --type "$2" --label "$3" --sad - <<<"$sad"
}
# activate SIGNER CREDENTIAL [DEVICE]: take a key that an officer had made.
activate()
{
	local params sad
	params=$(as_officer --json key show "$2" | jq -ce '{credentialID, thumbprint}') &&
		sad=$(order "$1" activate "$params" ${3:+"$3"}) && samctl key activate "$2" --sad - <<<"$sad"
}
# talked LINE...: an application that does one after the other (tests/fault/talk.c); what it says is in $work/talked.
talked() { printf '%s\n' "$@" | application "$SAM_BUILDDIR/tests/fault/talk" >"$work/talked" 2>&1; }
# signs SAD [CREDENTIAL]: the signer logs in with the own password, and signs short.txt with that EC key under the SAD,
# presented for the one operation: the way for every level.
signs()
{
	talked "login user $signer_pin" \
		"sign ${2:-$CREDENTIAL_EC} ecdsa $(sha256sum <"$work/short.txt" | cut -d' ' -f1) $1" &&
		[ "$(tail -n 1 "$work/talked")" = 'sign 0x0' ]
}
# new_token SAD: exchange it for a SAD token.
new_token() { samctl sad exchange --sad - <<<"$1"; }

# claim SAD NAME: a claim, as the SAD says it.
claim()
{
	local body
	body=$(cut -d. -f2 <<<"$1" | tr '_-' '/+')
	while [ $((${#body} % 4)) != 0 ]; do body=$body=; done
	base64 -d <<<"$body" | jq -r ".$2"
}

# audit_says SAD REASON: does the trail have a record of this SAD with that reason? Of one that did not
# verify no claim is repeated there: its SHA-256 tells which it was.
audit_says()
{
	as_auditor audit search --reason "$2" --format json |
		jq -es --arg j "$(claim "$1" jti)" --arg h "$(printf %s "$1" | sha256sum | cut -d' ' -f1)" \
			'flatten | any(.[]; .sad.jti == $j or .sad.sha256 == $h)'
}
# audit_signatures SAD: how many signatures the trail tells of under this SAD.
audit_signatures()
{
	as_auditor audit search --jti "$(claim "$1" jti)" --type sign --outcome success --format json |
		jq -s 'flatten | length'
}
audit_verifies() { as_auditor audit verify; }

# refused_dtbsr: the DTBS/R that was refused last, in hexadecimal (for clients whose data nobody knows before).
refused_dtbsr()
{
	as_auditor audit search --type sign --format json |
		jq -rs 'flatten | map(select(.outcome != "success" and .dtbsr)) | last | .dtbsr'
}

# plain_openssl ARG...: no engine, no provider, no configuration of anybody's.
plain_openssl()
{
	timeout 60 env -u OPENSSL_ENGINES -u OPENSSL_MODULES -u SOFTHSM2_CONF -u P11_SAM_CONFIG \
		OPENSSL_CONF=/dev/null openssl "$@"
}
# verify PUBLIC SIGNATURE FILE [OPTION of openssl dgst...]; -sha256 unless an option says otherwise.
verify()
{
	local public=$1 signature=$2 file=$3
	shift 3
	[ $# -gt 0 ] || set -- -sha256
	plain_openssl dgst "$@" -verify "$public" -signature "$signature" "$file"
}
