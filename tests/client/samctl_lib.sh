# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154
#
# tests/client/samctl_lib.sh: words for the scripts that look at samctl itself: exit statuses, messages, JSON, the
# trail. To be sourced after lib.sh.

# fresh NAME: a copy of the set-up becomes the one that we work on.
original=$demo
fresh()
{
	cp -a "$original" "$work/$1"
	moved "$original" "$work/$1"
}
# exits STATUS COMMAND...: with exactly that exit status; leaves $work/out and $work/err.
exits()
{
	local want=$1 status
	shift
	"$@" >"$work/out" 2>"$work/err"
	status=$?
	cat "$work/out" "$work/err"
	[ $status = "$want" ] || { echo "exit status $status, not $want"; false; }
}
# refused COMMAND...: exit status 1 and the word "refused", nothing more.
refused()
{
	exits 1 "$@" && [ ! -s "$work/out" ] && [ "$(sed 's/.*: //' "$work/err")" = refused ] && [ "$(wc -l <"$work/err")" = 1 ]
}
# usage_error COMMAND...: exit status 2, and two lines on standard error: what, and where the help is.
usage_error()
{
	exits 2 "$@" && [ ! -s "$work/out" ] && [ "$(grep -c '^samctl: ' "$work/err")" = 2 ] &&
		grep -q -- '--help' "$work/err"
}
# fails_saying WORDS COMMAND...: exit status 1 and those words in the message.
fails_saying()
{
	local words=$1
	shift
	exits 1 "$@" && grep -q "^samctl: .*$words" "$work/err"
}
# json FILTER COMMAND...: standard output is JSON for which the filter is true.
json()
{
	local filter=$1
	shift
	exits 0 "$@" && jq -es "$filter" <"$work/out" >/dev/null
}
# waits ACT COMMAND...: it waits for its second person; leaves its id in $pending.
waits()
{
	local act=$1
	shift
	pending=
	json ".[0] | .act == \"$act\" and (.pending | test(\"^[a-z2-7]{13}\$\"))" "$@" --json || return
	pending=$(jq -r .pending "$work/out")
}
# trail FILTER: is there a record for which the jq filter is true?
trail() { as_auditor audit list --json | jq -es "any(.[]; $1)"; }
as() # NAME SECRET ARG...
{
	printf '%s\n' "$2" >"$work/secret.pin"
	chmod 600 "$work/secret.pin"
	local name=$1
	shift 2
	samctl --as "$name" --pin-source "file:$work/secret.pin" "$@"
}
pin() # NAME SECRET: a file with a new password
{
	printf '%s\n' "$2" >"$work/$1.pin"
	chmod 600 "$work/$1.pin"
	echo "file:$work/$1.pin"
}
