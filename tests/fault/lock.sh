#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Wrong passwords lock a name: after as many as the policy says, for as long as it says, for all processes, however
# many guess at once; for nobody else; and nobody who only knows a name locks a device key out (P1-7.1.2.5).
. "$(dirname "${BASH_SOURCE[0]}")/words.sh" || exit 1
need jq sqlite3
need_no_sanitizer "a hundred passwords, each of which takes its time,"
setup
must as_officer signer add bob --new-pin-source "$(pin bob 'a word of his')"
must "$SADTOOL" keygen --alg ES256 --out "$work/so2.jwk" --public "$work/so2.pub.jwk"
must samctl --as "$SO2_NAME" --pin-source "$SO2_PIN_SOURCE" --second "$SO_NAME" --second-pin-source "$SO_PIN_SOURCE" \
	principal device "$SO2_NAME" --jwk "$work/so2.pub.jwk"
login() { ask login user "$1"; }
logged_in() { is "$(login "$1")" 0x0 && is "$(ask logout)" 0x0; }
counter() # NAME COLUMN: of the lock for applications; on a copy, since nobody opens the live store
{
	rm -rf "$work/look"
	mkdir "$work/look"
	cp "$demo"/state.db "$work/look/"
	[ ! -e "$demo/state.db-wal" ] || cp "$demo/state.db-wal" "$work/look/"
	sqlite3 "$work/look/state.db" "SELECT coalesce((SELECT $2 FROM counters WHERE kind = 'password-pkcs11' AND name = '$1'), 0)"
}
locks() # NAME: alerts of it
{
	as_auditor audit search --type lock --json |
		jq -s "[flatten[] | select(.target == \"$1\" and .class == \"alert\")] | length"
}
operator() { samctl --as operator --pin-source "$OPERATOR_PIN_SOURCE" cm show; }
wrong() { as operator "wrong number $1" cm show; }

# ---- one process ---------------------------------------------------------------------------------
talk_start
check "the right password" logged_in "$signer_pin"
for ((i = 0; i < 8; i++)); do login "$SIGNER:the same mistake"; done >"$work/answers.log"
check "the same wrong one, eight times by one process, is wrong each time" is "$(sort -u "$work/answers.log")" 0xa0
check "and counts once" is "$(counter "$SIGNER" failures)" 1
check "the right one is taken" logged_in "$signer_pin"
check "and ends the count" is "$(counter "$SIGNER" failures)" 0
for ((i = 0; i < 4; i++)); do login "$SIGNER:mistake $i"; done >"$work/answers.log"
check "four different ones do not lock" logged_in "$signer_pin"
for ((i = 0; i < 5; i++)); do login "$SIGNER:another $i"; done >"$work/answers.log"
check "of five the last meets the lock that it brings" is "$(sort "$work/answers.log" | uniq -c | xargs)" "4 0xa0 1 0xa4"
check "the right one gets CKR_PIN_LOCKED" is "$(login "$signer_pin")" 0xa4
check "as a wrong one does" is "$(login "$SIGNER:one more")" 0xa4
check "for as long as the policy says" is "$(counter "$SIGNER" 'locked_until - last')" 900
check "another name is not locked" logged_in 'bob:a word of his'
for ((i = 0; i < 7; i++)); do login "nobody:guess $i"; done >"$work/answers.log"
check "a name that nobody has is wrong" is "$(sort -u "$work/answers.log")" 0xa0
check "and not counted" is "$(counter nobody failures)" 0
check "the trail has one alert of the lock" is "$(locks "$SIGNER")" 1
talk_end
talk_start
check "another process: locked as well" is "$(login "$signer_pin")" 0xa4
check "a SAD is no password, and logs in" logged_in "$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt")"
check "one officer alone does not unlock a signer" eval 'as_officer signer unlock "$SIGNER" | grep -q "second person"'
check "it is locked still" is "$(login "$signer_pin")" 0xa4
check "two do" as_officers signer unlock "$SIGNER"
check "and it is open at once" logged_in "$signer_pin"
talk_end

# ---- processes one after the other -----------------------------------------------------------------
for ((i = 0; i < 5; i++)); do wrong same >>"$work/wrong.log" 2>&1; done
check "the same wrong one by five processes counts five times, and locks" says "too many wrong" operator
check "others act" as_auditor audit search --type lock
check "one officer alone does not unlock" eval 'as_officer principal unlock operator | grep -q "second person"'
check "two do" as_officers principal unlock operator
check "and the operator acts" operator
check "the alert tells the lock" is "$(locks operator)" 1
check "the trail tells who unlocked" eval \
	'as_auditor audit search --actor officer --json | jq -es "flatten | any(.[]; .type == \"principal-unlock\" or .target == \"operator\")"'

# ---- an officer ------------------------------------------------------------------------------------
for ((i = 0; i < 5; i++)); do as "$SO2_NAME" "wrong number $i" signer list >>"$work/wrong.log" 2>&1; done
check "an officer is locked like anybody" says "too many wrong" samctl --as "$SO2_NAME" --pin-source "$SO2_PIN_SOURCE" signer list
must eval '"$SADTOOL" assert --key "$work/so2.jwk" --name "$SO2_NAME" --aud "$SAM_ID" -- signer suspend bob >"$work/assertion"'
check "but acts by the device key" samctl --as "$SO2_NAME" --assertion "$work/assertion" signer suspend bob
check "and is locked still for passwords" says "too many wrong" samctl --as "$SO2_NAME" --pin-source "$SO2_PIN_SOURCE" signer list
check "an officer with the operator unlocks" as_officer --second operator --second-pin-source "$OPERATOR_PIN_SOURCE" \
	principal unlock "$SO2_NAME"
talk_start
so2=$SO2_NAME:$(cat "${SO2_PIN_SOURCE#file:}")
for ((i = 0; i < 5; i++)); do ask login so "$SO2_NAME:wrong number $i"; done >"$work/answers.log"
check "applications lock an officer by their own door" is "$(ask login so "$so2")" 0xa4
check "which locks nobody out of samctl" samctl --as "$SO2_NAME" --pin-source "$SO2_PIN_SOURCE" signer list
check "nor the other officer" is "$(ask login so "$SO_NAME:$(cat "${SO_PIN_SOURCE#file:}")")" 0x0
talk_end
must as_officer --second operator --second-pin-source "$OPERATOR_PIN_SOURCE" principal unlock "$SO2_NAME"
talk_start
check "unlocked, both doors are open" is "$(ask login so "$so2")" 0x0
talk_end

# ---- many at once ----------------------------------------------------------------------------------
parallel=32 each=3
guesser() # N
{
	for ((k = 0; k < each; k++)); do echo "login user $SIGNER:guess $1 $k"; done | application "$talk"
}
for ((i = 0; i < parallel; i++)); do
	guesser $i >"$work/guesser.$i" 2>&1 &
	guessers[i]=$!
done
wait "${guessers[@]}"
cat "$work"/guesser.* >"$work/guesses"
compared=$(grep -c 0xa0 "$work/guesses") locked=$(grep -c 0xa4 "$work/guesses")
diag "$parallel processes, $((parallel * each)) guesses: $compared compared, $locked met the lock"
check "every guess was answered" is $((compared + locked)) $((parallel * each))
check "no more were compared than the policy's five and those under way" [ "$compared" -le $((5 - 1 + parallel)) ]
check "and the lock fell" [ "$(locks "$SIGNER")" -ge 2 ]
talk_start
check "the right one is locked out" is "$(login "$signer_pin")" 0xa4
talk_end
cp -a "$demo" "$work/copy"
check "also in a copy of the set-up" is \
	"$(moved "$demo" "$work/copy"; talk_start; login "$signer_pin"; talk_end)" 0xa4
check "and what is not locked works" as_officer signer list

# ---- how long --------------------------------------------------------------------------------------
must as_officers signer unlock "$SIGNER"
next_policy 's/^  attempts: .*/  attempts: 2/; s/^  time: .*/  time: 1m/'
talk_start
for ((i = 0; i < 2; i++)); do login "$SIGNER:fresh guess $i" >/dev/null; done
check "another policy, another count" is "$(login "$signer_pin")" 0xa4
check "and another time" is "$(counter "$SIGNER" 'locked_until - last')" 60
if [ "${SAM_TEST_LONG:-0}" = 1 ]; then
	sleep 62
	check "after which it opens by itself" logged_in "$signer_pin"
else
	skip "after which it opens by itself" "a minute: in the long run"
fi
talk_end
check "the chain verifies" audit_verifies
finish
