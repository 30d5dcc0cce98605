#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A restore that is killed, at each rename, at syncs and at random moments: the live store is as it was, or the same
# command finishes; nothing that was forbidden comes back, nothing proven is lost (P1-7.1.7.2).
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need jq
need_no_sanitizer "a program killed at random moments"
setup
finished=0
moments=6
[ "${SAM_TEST_LONG:-0}" = 1 ] && moments=100

as_operator() { samctl --as "$OPERATOR_NAME" --pin-source "$OPERATOR_PIN_SOURCE" "$@"; }
words=(--json --as "$OPERATOR_NAME" --pin-source "$OPERATOR_PIN_SOURCE" --second "$SO_NAME" --second-pin-source "$SO_PIN_SOURCE"
	backup restore "$work/b1" --key "$work/eve.jwk")
state() { [ "$(as_officer --json signer show "$1" | jq -r .state)" = "$2" ]; }
signs()
{
	: >"$work/notes"
	application "$SAM_BUILDDIR/tests/fault/victim" "$1" "$work/notes" 0 >>"$work/signs.log" 2>&1
	[ -s "$work/notes" ]
}
again() { rm -rf "$demo" && cp -a "$work/kept" "$demo"; }

"$SADTOOL" keygen --alg ECDH-ES --out "$work/eve.jwk" --public "$work/eve.pub.jwk" >/dev/null
check "signer add" as_officer signer add bob
check "backup create" as_operator backup create --out "$work/b1" --to "$work/eve.pub.jwk"
check "another" as_operator backup create --out "$work/b0" --to "$work/eve.pub.jwk"
echo "no backup" >"$work/none"
new_sad "$CREDENTIAL_EC" --each --num 1 --lifetime 3600 >"$work/one"
check "a signature" signs "$work/one"
check "a signer suspended" as_officer signer suspend bob
rm -rf "$work/kept" && cp -a "$demo" "$work/kept"

# recovers WHAT: after a kill the store is the old one or none, and the same command leaves the new one
recovers()
{
	local what=$1 epoch=1
	if [ -e "$demo/state.db" ]; then
		check "$what: there is a store, and it opens" samctl status || return
		epoch=$(samctl --json status | jq .store.epoch)
		check "$what: what was suspended is so in it" state bob suspended || return
	fi
	if ! timeout 60 "$SAMCTL" "${words[@]}" >"$work/json" 2>"$work/again.log"; then
		not_ok "$what: the same command finishes" "$work/again.log"
		return
	fi
	check "$what: the same command finishes, all of it proven" jq -e --argjson e "$epoch" \
		'.complete and .epoch == $e + 1' "$work/json"
	! jq -e .finished "$work/json" >/dev/null || finished=$((finished + 1))
	check "$what: suspended stays suspended" state bob suspended
	check "$what: the others are not" state alice active
	check "$what: the chain verifies" audit_verifies
	check "$what: doctor finds nothing wrong" samctl doctor
	check "$what: nothing is left" [ -z "$(find "$demo" -name 'state.db.restore*')" ]
	if signs "$work/one"; then not_ok "$what: the SAD used before is refused"; else ok "$what: the SAD used before is refused"; fi
}

says() { "${@:2}" 2>&1 | grep -q -- "$1"; }
# stays WHAT: no other file throws the ready store away, and it is as it was
stays()
{
	local sum file
	sum=$(sha256sum <"$demo/state.db.restore")
	for file in b0 none; do
		check_fails "$1: $file in its place is refused" timeout 60 "$SAMCTL" "${words[@]/#$work\/b1/$work/$file}"
	done
	check "$1: and told why" says "another backup" timeout 60 "$SAMCTL" "${words[@]/#$work\/b1/$work/b0}"
	check "$1: the ready store is there still" [ "$(sha256sum <"$demo/state.db.restore")" = "$sum" ]
}
# How many such calls one restore makes.
calls()
{
	again
	timeout 120 strace -f -qq -e trace="$1" -o "$work/calls" "$SAMCTL" "${words[@]}" >"$work/json" 2>"$work/strace.log" ||
		return 1
	grep -c "^[0-9]* *[a-z0-9_]*(" "$work/calls"
}
# killed COMMAND...: in a shell of its own, so that its "Killed" goes nowhere
killed() { ("$@" >"$work/json" 2>&1; :) 2>/dev/null; }
kill_at() # CALLS NUMBER
{
	again
	killed timeout 120 strace -f -qq -e trace="$1" -e inject="$1:signal=SIGKILL:when=$2" -o "$work/calls" "$SAMCTL" \
		"${words[@]}"
	[ -e "$demo/state.db" ] || stays "killed at ${1%%,*} $2"
	recovers "killed at ${1%%,*} $2"
}

if command -v strace >/dev/null && renames=$(calls rename,renameat,renameat2) && syncs=$(calls fsync,fdatasync); then
	diag "$renames renames, $syncs syncs"
	check "a restore renames and syncs" [ "$renames" -ge 3 -a "$syncs" -ge 6 ]
	for ((i = 1; i <= renames; i++)); do
		kill_at rename,renameat,renameat2 $i
	done
	check "some of these were finished, not begun anew" [ $finished -ge 1 ]
	step=$((syncs / 5))
	[ "${SAM_TEST_LONG:-0}" = 1 ] && step=1
	for ((i = 1; i <= syncs; i += step)); do
		kill_at fsync,fdatasync $i
	done
else
	skip "killed at each rename" "strace cannot be used here"
fi
for ((i = 0; i < moments; i++)); do
	again
	killed timeout -s KILL "0.$(printf %03d $((RANDOM % 500 + 20)))" "$SAMCTL" "${words[@]}"
	recovers "killed at a random moment, $i"
done
finish
