#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Whoever has stolen the device guesses the PIN: 20 of them from 4 processes at once are 5 that are looked at, as the
# policy says, and then the PIN is locked, the right one too. At level 1 the device key alone still works (P1-7.1.2.5.1).
. "$(dirname "${BASH_SOURCE[0]}")/words.sh" || exit 1
need jq
setup
must second_factor "$SIGNER"
sleep 1.1 # a SAD of the second of the change is refused
with_pin() # PIN: a SAD with it, exchanged: prints the reason, or ok
{
	local source why
	source=$(pin "guess.$BASHPID" "$1")
	why=$(timeout 60 "$SADTOOL" new --key "$DEVICE_KEY" --signer "$SIGNER" --aud "$SAM_ID" --credential "$CREDENTIAL_EC" \
		--file "$work/short.txt" --encrypt-to "$work/sap.jwk" --pin-source "$source" |
		samctl sad exchange --sad - 2>&1 >/dev/null | tail -n 1)
	case $why in
	'') echo ok ;;
	*'looked at some seconds later'*) echo wait ;;
	*'PIN in the SAD is wrong'*) echo wrong ;;
	*'too many wrong'*) echo locked ;;
	*) echo "$why" ;;
	esac
}
guesser() # N: five guesses, each again until it is looked at
{
	local i tries what
	for i in 1 2 3 4 5; do
		for ((tries = 0; tries < 60; tries++)); do
			what=$(with_pin "guess-$1-$i")
			[ "$what" = wait ] || break
			sleep 0.5
		done
		echo "$what"
	done >"$work/guessed.$1"
}
check "the right PIN is taken" is "$(with_pin 48151623)" ok
pids=()
for n in 1 2 3 4; do
	guesser $n &
	pids+=($!)
done
wait "${pids[@]}"
cat "$work"/guessed.* >"$work/guessed"
check "20 guesses were answered" is "$(wc -l <"$work/guessed")" 20
check "as wrong, or by the lock" is "$(sort -u "$work/guessed" | xargs)" "locked wrong"
check "before the fifth wrong one they were wrong" [ "$(grep -c wrong "$work/guessed")" -le 4 ]
check "and then the PIN was locked, once" is \
	"$(as_auditor audit search --type lock --signer "$SIGNER" --format json | jq -r .signer | xargs)" "$SIGNER"
check "the trail says by which device" is \
	"$(as_auditor audit search --type lock --format json | jq -r '.sad.kid | length')" 43
check "the right one is locked too" is "$(with_pin 48151623)" locked
check "signer show tells it" eval 'as_officer --json signer show "$SIGNER" | jq -e ".locks[0] | startswith(\"pin until\")"'
check "doctor tells that there is one" eval 'samctl doctor 2>&1 | grep -q "1 signers are locked"'
sad_factors=()
check "at level 1 the device key alone signs" signs "$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt")"
must as_officers signer unlock "$SIGNER"
sleep 1.1
check "after an officer's unlock the right one is taken" is "$(with_pin 48151623)" ok
finish
