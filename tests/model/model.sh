#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The protocol of the door by spin: tests/model/sap.pml says what is modelled. Every state is looked at, with
# every property; each BROKEN_* breaks one rule, and the property that it breaks must find it; what REACH says never
# happens must happen, else nothing was shown.
. "${SAM_SRCDIR:?}/tests/client/lib.sh"
# It is about no build, so the plain one has it.
need_no_sanitizer spin
need spin gcc

# pan LEVEL DEFINES...: translate, compile with -OLEVEL, run; what it printed is $work/pan.log.
pan()
{
	local level=$1 dir=$work/pan
	shift
	rm -rf "$dir"
	mkdir "$dir" && cp "$SAM_SRCDIR/tests/model/sap.pml" "$dir" || return
	(
		cd "$dir" || exit
		spin "$@" -a sap.pml &&
			gcc -w "-O$level" -DSAFETY -DNOCLAIM -DCOLLAPSE -DMEMLIM="$memory" -o pan pan.c &&
			timeout "$seconds" ./pan -n -m1000000 -w22
	) >"$work/pan.log" 2>&1
}
whole() { ! grep -qE 'Search not completed|max search depth|out of memory|memory limit|error:' "$work/pan.log"; }
numbers()
{
	sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1 states/p; s/.*depth reached \([0-9]*\),.*/depth \1,/p' "$work/pan.log" |
		tr '\n' ' '
}

# holds DESCRIPTION DEFINES...: no error in any state.
holds()
{
	local what=$1
	shift
	if pan 2 "$@" && whole && grep -q 'errors: 0$' "$work/pan.log" && grep -q 'states, stored' "$work/pan.log"; then
		ok "$what"
		diag "$(numbers)"
	else
		(cd "$work/pan" && [ -e sap.pml.trail ] && spin "$@" -t -p -g sap.pml | tail -n 20) >>"$work/pan.log" 2>&1
		not_ok "$what" "$work/pan.log"
	fi
}
# found DESCRIPTION PROPERTY DEFINES...: that one fails, in a run that was cut short by nothing else.
found()
{
	local what=$1 property=$2
	shift 2
	if pan 0 "$@" && [ -s "$work/pan/sap.pml.trail" ] &&
		grep -q "^pan:1: assertion violated $property " "$work/pan.log"; then
		ok "$what"
	else
		not_ok "$what" "$work/pan.log"
	fi
}
# bit_of PROPERTY: as sap.pml has them
bit_of()
{
	case $1 in
	once) echo 1 ;;
	within_limit) echo 2 ;;
	recorded_first) echo 4 ;;
	no_fork) echo 8 ;;
	cm_once) echo 16 ;;
	esac
}
broken() # DESCRIPTION PROPERTY BROKEN_... [DEFINES]
{
	local what=$1 property=$2 how=$3
	shift 3
	found "found: $what ($property)" "$property" "-D$how" "-DPROPERTIES=$(bit_of "$property")" "$@"
}

memory=1000 seconds=300

# ---- the protocol as it is
holds "two callers, SAD, tokens, renewal, deposit, kill, power: every property in every state" -DMINTS=3
holds "two callers and a longer chain: every property" -DDEFERRED=0 -DCHAIN=3 -DMINTS=6
holds "two callers, two digests, one signature allowed: every property" -DLIMIT=1 -DMINTS=3
if [ "${SAM_TEST_LONG:-0}" = 1 ]; then
	memory=4000 seconds=3000
	holds "three callers, tokens and renewal: every property" -DCALLERS=3 -DDEFERRED=0 -DMINTS=5
	holds "three callers, deposit: every property" -DCALLERS=3 -DRENEWAL=0
	holds "three callers, all of it: every property" -DCALLERS=3 -DMINTS=3
	holds "two callers, all of it, more tokens: every property" -DCHAIN=3 -DMINTS=5
	memory=1000 seconds=300
fi

# ---- it does sign
found "reached: both digests are signed" unreached -DREACH=1 -DDEFERRED=0
found "reached: two tokens of a chain sign" unreached -DREACH=2 -DDEFERRED=0
found "reached: a deposit serves who asked before it came" unreached -DREACH=3
found "reached: a deposit serves who asks after it came" unreached -DREACH=4
found "reached: a token that was given back signs" unreached -DREACH=5 -DDEFERRED=0
found "reached: power lost after the CM has signed, and the digest signed then" unreached -DREACH=6 -DDEFERRED=0

# ---- and what is broken is found
broken "looked up and taken in two transactions" once BROKEN_CHECK_THEN_TAKE
broken "released before it is committed" recorded_first BROKEN_RELEASE_BEFORE_COMMIT
broken "released before it is committed, then killed or without power" once BROKEN_RELEASE_BEFORE_COMMIT
broken "the commit is not synced" recorded_first BROKEN_COMMIT_NOT_SYNCED
broken "the token is replaced with the commit only" no_fork BROKEN_TOKEN_NOT_REPLACED
broken "a token comes back though its successor has signed" no_fork BROKEN_UNDO -DDEFERRED=0
broken "given back though the CM may have signed" cm_once BROKEN_GIVE_BACK_AFTER_MAYBE
broken "swept, and the time not kept" once BROKEN_SWEEP
broken "the limit counts what is signed, not what is taken" within_limit BROKEN_LIMIT -DLIMIT=1 -DDEFERRED=0
broken "a start frees what another has reserved" once BROKEN_FREE_AT_START
broken "a deposit serves any digest" once BROKEN_DEPOSIT_ANY
broken "a deposit is used up by itself, not by its SAD's uses" once BROKEN_DEPOSIT_ALONE
finish
