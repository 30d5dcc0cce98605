#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Acts of administration that race: two confirm one act at once, the one who began it is removed meanwhile, several
# processes have one operation SAD; each is done once or not at all. Killed at any moment an act is done or not
# done, and the store opens (invariants 4, 5 and 10).
. "$(dirname "${BASH_SOURCE[0]}")/words.sh" || exit 1
need jq pkcs11-tool
need_no_sanitizer "a program killed at random moments"
setup
rounds=5 kills=30
[ "${SAM_TEST_LONG:-0}" = 1 ] && rounds=50 kills=500
as_officer2() { samctl --as "$SO2_NAME" --pin-source "$SO2_PIN_SOURCE" "$@"; }
as_officer3() { samctl --as officer3 --pin-source "file:$work/officer3.pin" "$@"; }
records() # TYPE FILTER: how many there are
{
	as_auditor audit search --type "$1" --outcome success --json | jq -s "[flatten[] | select($2)] | length"
}
seq_of() { as_auditor audit search --type "$1" --json | jq -s "[flatten[] | select($2) | .seq] | first // 0"; } # the first
suspended() { as_officer signer show "$1" --json | jq '.state == "suspended"'; }
must as_officers principal add officer3 --role security-officer --new-pin-source "$(pin officer3 'the third of us')"
must as_officer signer add bob
resume_begun() # by officer, for bob, who is suspended: prints the id
{
	as_officer signer suspend bob >/dev/null && as_officer signer resume bob --json | jq -er .pending
}

# ---- one act, two who confirm ----------------------------------------------------------------------
once=0 refused=0
for ((i = 0; i < rounds; i++)); do
	id=$(resume_begun) || bail "no act waits"
	as_officer2 pending confirm "$id" >"$work/one" 2>&1 &
	one=$!
	as_officer3 pending confirm "$id" >"$work/two" 2>&1 &
	two=$!
	good=0
	wait $one && good=$((good + 1))
	wait $two && good=$((good + 1))
	[ $good = 1 ] && once=$((once + 1))
	cat "$work/one" "$work/two" | grep -q "no such entry" && refused=$((refused + 1))
	[ "$(suspended bob)" = false ] || diag "round $i: bob is suspended"
done
check "two confirm at once: one does it, each of $rounds times" is $once $rounds
check "the other finds no such act" is $refused $rounds
check "the trail tells of each once" is "$(records signer-resume '.signer == "bob"')" $rounds
check "and of who confirmed" is "$(records confirm true)" $((rounds + $(records confirm '.target != "signer resume"')))

# ---- confirmed while the one who began it is removed ------------------------------------------------
# The trail is one line: the act stands before the removal, or not at all.
odd=0 done=0
for ((i = 0; i < rounds; i++)); do
	who=leaver$i
	must as_officers principal add $who --role security-officer --new-pin-source "$(pin $who 'gone before long')"
	must as_officer signer suspend bob
	id=$(samctl --as $who --pin-source "file:$work/$who.pin" signer resume bob --json | jq -er .pending) || bail "no act waits"
	{ sleep 0.$(printf %03d $((RANDOM % 120))); as_officer2 pending confirm "$id"; } >"$work/one" 2>&1 &
	one=$!
	as_officer --second officer3 --second-pin-source "file:$work/officer3.pin" principal remove $who >"$work/two" 2>&1 &
	two=$!
	wait $one
	confirmed=$?
	wait $two || { odd=$((odd + 1)); diag "$(cat "$work/two")"; }
	resumed=$(seq_of signer-resume ".actor.id == \"$who\"")
	removed=$(seq_of principal-remove ".target == \"$who\"")
	if [ $confirmed = 0 ]; then
		done=$((done + 1))
		[ "$resumed" -gt 0 ] && [ "$resumed" -lt "$removed" ] && [ "$(suspended bob)" = false ] || odd=$((odd + 1))
	else
		[ "$resumed" = 0 ] && [ "$(suspended bob)" = true ] || odd=$((odd + 1))
		as_officer2 pending confirm "$id" >/dev/null 2>&1 && odd=$((odd + 1))
	fi
	as_officers signer resume bob >/dev/null 2>&1
done
diag "$done of $rounds were confirmed before the removal"
check "an act is done before the one who began it is removed, or not at all" is $odd 0
must as_officer signer suspend bob
must as_officers principal add goner --role security-officer --new-pin-source "$(pin goner 'gone before long')"
id=$(samctl --as goner --pin-source "file:$work/goner.pin" signer resume bob --json | jq -er .pending)
must as_officers principal remove goner
check_fails "after the removal it is not confirmed any more" as_officer2 pending confirm "$id"
check "and bob is suspended as before" is "$(suspended bob)" true

# ---- one operation SAD, several processes ------------------------------------------------------------
operation() # NAME: a SAD of alice's for that
{
	"$SADTOOL" new --key "$DEVICE_KEY" --signer alice --aud "$SAM_ID" --operation "$1"
}
once=0
for ((i = 0; i < rounds; i++)); do
	for what in suspend resume; do
		sleep 1.1 # a SAD of the second of the last change is refused
		operation $what >"$work/sad" || bail "no SAD"
		pids=()
		for ((k = 0; k < 4; k++)); do
			samctl signer $what alice --sad "$work/sad" >"$work/order.$k" 2>&1 &
			pids+=($!)
		done
		good=0
		for pid in "${pids[@]}"; do wait "$pid" && good=$((good + 1)); done
		[ $good = 1 ] && once=$((once + 1)) || diag "$what: $good"
	done
done
check "four processes with one operation SAD: one acts, each of $((2 * rounds)) times" is $once $((2 * rounds))
check "the trail tells of each suspension once" is "$(records signer-suspend '.signer == "alice" and .sad.jti')" $rounds
check "and of each resumption" is "$(records signer-resume '.signer == "alice" and .sad.jti')" $rounds
check "each under another SAD" is \
	"$(as_auditor audit search --signer alice --outcome success --json |
		jq -rs 'flatten[] | select(.type | IN("signer-suspend", "signer-resume")) | .sad.jti' | sort | uniq -d)" ""
check_fails "a used one is refused afterwards" samctl signer resume alice --sad "$work/sad"

# ---- killed --------------------------------------------------------------------------------------------
# killed COMMAND...: at some moment of the second half of what it takes; the CM's token survives it, which is SoftHSM's.
took() # COMMAND...: milliseconds
{
	local started
	started=$(date +%s%N)
	"$@" >"$work/took.log" 2>&1 || bail "$*" "$work/took.log"
	took=$((($(date +%s%N) - started) / 1000000))
}
killed()
{
	local at=$((took / 2 + RANDOM % (took * 3 / 4))) victim
	rm -rf "$work/tokens" && cp -a "$demo/tokens" "$work/tokens"
	"$SAMCTL" "$@" >/dev/null 2>&1 &
	victim=$!
	sleep $((at / 1000)).$(printf %03d $((at % 1000)))
	kill -9 $victim
	wait $victim
	opened=yes
	samctl status >"$work/status.log" 2>&1 && return
	grep -q "CM" "$work/status.log" && rm -rf "$demo/tokens" && cp -a "$work/tokens" "$demo/tokens"
	samctl status >"$work/status.log" 2>&1 || opened=no
} 2>/dev/null
# nearer EARLY: the next kill is nearer to the moment when it is done: later if this one came before it
nearer() { if [ "$1" = true ]; then took=$((took * 9 / 8 + 1)); else took=$((took * 7 / 8)); fi; }
must as_officers signer resume bob
id=$(resume_begun)
took as_officer2 pending confirm "$id"
id=$(resume_begun)
closed=0 odd=0 done=0
for ((i = 0; i < kills / 2; i++)); do
	killed --as "$SO2_NAME" --pin-source "$SO2_PIN_SOURCE" pending confirm "$id"
	[ $opened = yes ] || closed=$((closed + 1))
	waits=$(as_officer pending list --json | jq -s "flatten | any(.[]; .id == \"$id\")")
	# bob is suspended if and only if the act waits still
	[ "$(suspended bob)" = "$waits" ] || odd=$((odd + 1))
	nearer "$waits"
	[ "$waits" = false ] && done=$((done + 1)) && id=$(resume_begun)
done
diag "pending confirm: $done of $((kills / 2)) were done"
check "pending confirm killed $((kills / 2)) times: the store opens" is $closed 0
check "the act is done and waits no more, or is not done and waits" is $odd 0
check "both happened" [ $done -gt 0 -a $done -lt $((kills / 2)) ]

for ((i = 0; i <= kills / 2; i++)); do printf '{"id":"s%d"}\n' $i; done >"$work/batch"
must as_officer signer add --batch "$work/batch"
must as_officer key generate --signer s0 --type ec:P-256
took as_officers signer remove s0
closed=0 odd=0 done=0
for ((i = 1; i <= kills / 2; i++)); do
	must as_officer key generate --signer s$i --type ec:P-256
	killed --as "$SO_NAME" --pin-source "$SO_PIN_SOURCE" --second "$SO2_NAME" --second-pin-source "$SO2_PIN_SOURCE" \
		signer remove s$i
	[ $opened = yes ] || closed=$((closed + 1))
	keys=$(as_officer key list --json | jq -s "[flatten[] | select(.signer == \"s$i\")] | length")
	if as_officer signer show s$i >/dev/null 2>&1; then
		[ "$keys" = 1 ] || odd=$((odd + 1))
		nearer true
	else
		nearer false
		done=$((done + 1))
		[ "$keys" = 0 ] || odd=$((odd + 1))
		says "another's before" as_officer signer add s$i >/dev/null || odd=$((odd + 1))
	fi
done
diag "signer remove: $done of $((kills / 2)) were done"
check "signer remove killed $((kills / 2)) times: the store opens" is $closed 0
check "signer and key are there, or both are gone and the id is nobody's again" is $odd 0
check "both happened" [ $done -gt 0 -a $done -lt $((kills / 2)) ]
must samctl maintain
private_keys() # in the CM, but for the SAM's own
{
	application pkcs11-tool --module "$CM_MODULE" --token-label "$CM_TOKEN" --login --pin "$(cat "$CM_PIN_FILE")" \
		--list-objects --type privkey 2>/dev/null | grep -c '^ *ID:'
}
check "no key of a removed signer is left in the CM" is \
	"$(private_keys)" "$(as_officer key list --json | jq -s 'flatten | length')"
check "doctor is content" samctl doctor

# ---- killed while a key is destroyed -------------------------------------------------------------------
# What is there is active or revoked; what was revoked is destroyed by whoever comes next.
must as_officers key destroy "$(new_key alice ec:P-256 first)"
took as_officers key destroy "$(new_key alice ec:P-256 second)"
closed=0 odd=0 done=0
for ((i = 1; i <= kills / 2; i++)); do
	credential=$(new_key alice ec:P-256 "k$i") || bail "no key"
	killed --as "$SO_NAME" --pin-source "$SO_PIN_SOURCE" --second "$SO2_NAME" --second-pin-source "$SO2_PIN_SOURCE" \
		key destroy "$credential"
	[ $opened = yes ] || closed=$((closed + 1))
	state=$(as_officer key list --json | jq -rs ".[] | if type == \"array\" then .[] else . end |
		select(.credentialID == \"$credential\") | .state")
	case $state in
	active) nearer true ;;
	revoked | '') nearer false; done=$((done + 1)) ;;
	*) odd=$((odd + 1)); diag "state $state" ;;
	esac
	samctl maintain >/dev/null || odd=$((odd + 1))
	after=$(as_officer key list --json | jq -rs "flatten | any(.[]; .credentialID == \"$credential\")")
	[ "$after" = "$([ "$state" = active ] && echo true || echo false)" ] || odd=$((odd + 1))
done
diag "key destroy: $done of $((kills / 2)) were done"
check "key destroy killed $((kills / 2)) times: the store opens" is $closed 0
check "the key is active as before, or ended and gone after maintain" is $odd 0
check "both happened" [ $done -gt 0 -a $done -lt $((kills / 2)) ]
check "the CM has what the registry has" is \
	"$(private_keys)" "$(as_officer key list --json | jq -s 'flatten | length')"
check "doctor is content" samctl doctor

# ---- killed while a key is made ------------------------------------------------------------------------
# One SAD, one key: whatever the moment, the same SAD again makes the one that is missing and no second.
of_alice() { as_officer key list --json | jq -s '[flatten[] | select(.signer == "alice")] | length'; }
generate_sad() { order alice generate '{"type":"ec:P-256","label":"made"}'; }
generate_sad >"$work/sad"
took samctl key generate --signer alice --type ec:P-256 --label made --sad "$work/sad"
closed=0 odd=0 done=0
for ((i = 1; i <= kills / 2; i++)); do
	before=$(of_alice)
	generate_sad >"$work/sad" || bail "no SAD"
	killed key generate --signer alice --type ec:P-256 --label made --sad "$work/sad"
	[ $opened = yes ] || closed=$((closed + 1))
	made=$(($(of_alice) - before))
	if samctl key generate --signer alice --type ec:P-256 --label made --sad "$work/sad" >/dev/null 2>&1; then again=1; else again=0; fi
	[ $((made + again)) = 1 ] && [ "$(of_alice)" = $((before + 1)) ] || odd=$((odd + 1))
	if [ $made = 1 ]; then nearer false; done=$((done + 1)); else nearer true; fi
done
diag "key generate: $done of $((kills / 2)) were done"
check "key generate killed $((kills / 2)) times: the store opens" is $closed 0
check "one SAD makes one key, killed or not" is $odd 0
check "both happened" [ $done -gt 0 -a $done -lt $((kills / 2)) ]
# A crash between the CM and the store leaves a key that nobody can use, and doctor counts it; it also counts what was cut
# short in the CM itself, of which pkcs11-tool shows no ID.
strangers=$(($(private_keys) - $(as_officer key list --json | jq -s 'flatten | length')))
diag "$strangers keys are in the CM alone"
check "the CM lacks none that the registry has" [ $strangers -ge 0 ]
samctl doctor >"$work/doctor" 2>&1
counted=$(sed -n 's/.* \([0-9]*\) keys in the CM are in no registry.*/\1/p' "$work/doctor")
if [ "${counted:-0}" -ge $strangers ]; then ok "doctor counts them"; else not_ok "doctor counts them" "$work/doctor"; fi
check "the chain verifies" audit_verifies
finish
