#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A stolen copy of the store, without the CM: a PIN of four digits is not found by trying all of them, nor a
# password by a list of words; with the CM's key the same program finds them (so that it is known to work). Names
# and subjects are not to be read in it, and under another CM it does not open (P1-7.1.2, P2-3.2.1.7).
. "$(dirname "${BASH_SOURCE[0]}")/words.sh" || exit 1
need jq sqlite3 softhsm2-util
need_no_sanitizer "guessing, which takes its time,"
setup
guess=$SAM_BUILDDIR/tests/fault/guess
digits=7391 word=sunshine1 name='Roberta Unmistakable' subject='CN=Roberta Unmistakable,O=Nowhere Else Ltd'
must as_officers authenticator add alice --new-pin-source "$(pin four $digits)"
must as_officer signer add bob --name "$name" --subject "$subject" --new-pin-source "$(pin bob "$word")"
must as_officers principal add portal --role sca --signer alice --new-pin-source "$(pin portal "$word")"
must as_officer signer suspend bob --reason "away"
sleep 1.1 # a SAD of the second of the change is refused
new_token "$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt" --label secret.odt)" >"$work/token" || bail "no token"
check "who may reads the name" eval 'as_officer signer show bob | grep -q Unmistakable'

# What an administrator of files gets: all but the CM's token and PIN.
stolen=$work/stolen
mkdir "$stolen"
must cp -a "$demo"/state.db* "$demo"/policy.yaml* "$demo/p11-sam.yaml" "$stolen/"
verifier() # KIND ID MEMBER
{
	sqlite3 "$stolen/state.db" "SELECT json_extract(CAST(body AS TEXT), '\$.$3') FROM grants WHERE kind = '$1' AND id = '$2'"
}
pin_hash=$(verifier signer alice pin)
check "the PIN is there as a hash" [ "${pin_hash:0:14}" = 'scrypt$15$8$1$' ]

# ---- guessing --------------------------------------------------------------------------------------
if [ "${SAM_TEST_LONG:-0}" = 1 ]; then
	seq -f %04g 0 9999 | shuf >"$work/pins"
else # 70 for each of three ways: 80 ms each
	{ seq -f %04g 0 9999 | grep -v "^$digits\$" | shuf -n 69; echo $digits; } | shuf >"$work/pins"
fi
printf '%s\n' password 12345678 qwertyui letmein1 "$word" iloveyou1 football1 monkey123 >"$work/words"
none() # VERIFIER HOW GUESSES: tried all, found none
{
	"$guess" "$1" "$2" <"$3" >"$work/guess.$2" 2>&1
	[ $? = 1 ] && grep -q "none of $(wc -l <"$3")" "$work/guess.$2"
}
found() { [ "$("$guess" "$1" cm <"$3")" = "$2" ]; } # VERIFIER SECRET GUESSES
pids=()
for how in plain zero sam-id; do
	none "$pin_hash" $how "$work/pins" &
	pids+=($!)
done
for how in plain zero sam-id; do
	check "none of $(wc -l <"$work/pins") PINs fits without the CM: $how" wait "${pids[0]}"
	pids=("${pids[@]:1}")
done
check "with the CM's key the same program finds it" found "$pin_hash" $digits "$work/pins"
for who in 'signer bob' 'principal portal'; do
	# shellcheck disable=SC2086
	hash=$(verifier $who password)
	for how in plain zero sam-id; do
		check "$who: no word of the list fits without the CM: $how" none "$hash" $how "$work/words"
	done
	check "$who: with the CM's key one does" found "$hash" "$word" "$work/words"
done
check "the same password is another hash for another" [ "$(verifier signer bob password)" != "$(verifier principal portal password)" ]

# ---- reading ---------------------------------------------------------------------------------------
not_there() # WORDS: neither in the files, nor in base64 at any of its three places
{
	local text=$1 shift
	! grep -aqF -- "$text" "$stolen"/* || { echo "$text is there"; return 1; }
	for shift in '' x xx; do
		text=$(printf '%s%s' "$shift" "$1" | base64 -w0 | sed 's/=*$//')
		text=${text:4:$((${#text} - 8))}
		! grep -aqF -- "$text" "$stolen"/* || { echo "$1 is there in base64"; return 1; }
	done
}
check "the id is there, as a control" grep -aq '"signer":"alice"\|alice' "$stolen/state.db"
check "the signer's name is not to be read" not_there Unmistakable
check "nor the subject" not_there 'Nowhere Else'
check "nor a password" not_there "$word"
check "nor a SAD token" not_there "$(cat "$work/token")"
check "nor the SAD behind it" not_there secret.odt
check "nor the CM's PIN" not_there "$(cat "$CM_PIN_FILE")"

# ---- another CM ------------------------------------------------------------------------------------
rm -rf "$demo"/state.db* "$demo"/tokens/*
check "without the CM's token it does not open" says "" samctl status
must softhsm2-util --init-token --free --label "$CM_TOKEN" --so-pin "$(cat "$demo/cm.so-pin")" --pin "$(cat "$CM_PIN_FILE")"
cp -a "$stolen"/state.db* "$demo/"
check "in a CM without the sealing key neither" says "no sealing key" samctl status
rm -rf "$demo"/state.db*
must samctl init --officer thief --officer-pin-source "$(pin thief 'one of his own')" --auditor friend \
	--auditor-pin-source "$(pin friend 'another of those')"
cp -a "$stolen"/state.db* "$demo/"
check "nor with a sealing key of the thief's" says "changed from outside" samctl status
finish
