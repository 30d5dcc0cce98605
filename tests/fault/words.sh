# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2034
#
# tests/fault/words.sh: what edits.sh, policy.sh, lock.sh, acts.sh and stolen.sh share. To be sourced by bash.
. "$(dirname "${BASH_SOURCE[0]}")/../client/lib.sh" || exit 1
talk=$SAM_BUILDDIR/tests/fault/talk

pin() # NAME SECRET: a file with a password
{
	printf '%s\n' "$2" >"$work/$1.pin"
	chmod 600 "$work/$1.pin"
	echo "file:$work/$1.pin"
}
must() { "$@" >"$work/must.log" 2>&1 || bail "$*" "$work/must.log"; }
as() # NAME SECRET ARG...
{
	local name=$1 source
	source=$(pin "as.$BASHPID" "$2")
	shift 2
	samctl --as "$name" --pin-source "$source" "$@"
}
# is GOT WANTED
is() { [ "$1" = "$2" ] || { echo "$1, not $2"; false; }; }
# says WORDS COMMAND...: fails, and its message has those words.
says()
{
	local words=$1
	shift
	"$@" >"$work/says.log" 2>&1 && { echo "it worked"; return 1; }
	grep "^samctl: .*$words" "$work/says.log" || { cat "$work/says.log"; false; }
}

# talk_start: an application (talk.c) that stays, and what it answered to C_Initialize; ask COMMAND: prints its answer.
talk_start()
{
	rm -f "$work/orders" "$work/answers"
	mkfifo "$work/orders" "$work/answers"
	application "$talk" <"$work/orders" >"$work/answers" 2>"$work/talk.log" &
	talk_pid=$!
	exec 9>"$work/orders" 8<"$work/answers"
	read -t 60 -r answer <&8
}
ask()
{
	printf '%s\n' "$*" >&9 && read -t 60 -r answer <&8 || answer=gone
	echo "$answer"
} 2>/dev/null
talk_end()
{
	exec 9>&- 8<&-
	wait "$talk_pid"
}
trap '' PIPE
