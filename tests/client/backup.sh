#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Backups: made for somebody who can open them, whole or refused; and restored: no SAD used since works again,
# nothing that was forbidden since is undone, what the trail does not prove starts suspended (P1-7.1.7).
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need jq sqlite3 softhsm2-util
setup

as_operator() { samctl --as "$OPERATOR_NAME" --pin-source "$OPERATOR_PIN_SOURCE" "$@"; }
unlock() { as_officer --second "$OPERATOR_NAME" --second-pin-source "$OPERATOR_PIN_SOURCE" principal unlock "$1"; }
restore() { as_operator --second "$SO_NAME" --second-pin-source "$SO_PIN_SOURCE" backup restore "$@"; }
# says TEXT COMMAND...: it fails with that text in its message
says()
{
	local text=$1 status
	shift
	"$@" >"$work/says.out" 2>"$work/says.err"
	status=$?
	cat "$work/says.out" "$work/says.err"
	[ $status = 1 ] && grep -q -- "$text" "$work/says.err"
}
usage() { "$@"; [ $? = 2 ]; }
# json FILTER COMMAND...
json()
{
	local filter=$1
	shift
	"$@" >"$work/json" || return
	jq -se "$filter" "$work/json" || { cat "$work/json"; false; }
}
records() { as_auditor audit list --format json "$@" | jq -s flatten; }
# trail FILTER OPTION...: of the records found one is so
trail()
{
	local filter=$1
	shift
	records "$@" >"$work/trail"
	jq -e "any(.[]; $filter)" "$work/trail" || { tail -n 40 "$work/trail"; false; }
}
# keep NAME, again NAME: the whole set-up, put away and put back: the store, and the CM with its number
keep() { rm -rf "$work/kept.$1" && cp -a "$demo" "$work/kept.$1"; }
again() { rm -rf "$demo" && cp -a "$work/kept.$1" "$demo"; }
# signs LINES: how many of these lines of `SAD digest` sign now
signs()
{
	: >"$work/notes"
	while IFS= read -r line; do
		printf '%s\n' "$line" >"$work/line"
		application "$SAM_BUILDDIR/tests/fault/victim" "$work/line" "$work/notes" 0 >>"$work/signs.log" 2>&1
	done <"$1"
	wc -l <"$work/notes"
}
# signs_fresh: a SAD made now signs
signs_fresh()
{
	new_sad "$CREDENTIAL_EC" --each --num 1 >"$work/fresh" && [ "$(signs "$work/fresh")" = 1 ]
}
refused_fresh() { new_sad "$CREDENTIAL_EC" --each --num 1 >"$work/fresh" && [ "$(signs "$work/fresh")" = 0 ]; }
state() { json ".[0].state == \"$2\"" as_officer --json signer show "$1"; }
nothing_left() { [ -z "$(find "$demo" -name 'state.db.*backup*' -o -name 'state.db.verify*' -o -name 'state.db.restore*')" ]; }
# the restored epoch refuses what was made up to ten seconds ahead of it
wait_epoch() { sleep 12; }

for who in eve mallory; do
	"$SADTOOL" keygen --alg ECDH-ES --out "$work/$who.jwk" --public "$work/$who.pub.jwk" >"$work/keygen.log" 2>&1 ||
		bail "sadtool keygen" "$work/keygen.log"
done

# ---- making one --------------------------------------------------------------------------------
backup=$work/store.backup
check "backup create without a recipient is wrong usage" usage as_operator backup create --out "$backup"
check "and leaves no file" [ ! -e "$backup" ]
check "the officer makes no backup" says refused as_officer backup create --out "$backup" --to "$work/eve.pub.jwk"
check "the auditor makes no backup" says refused as_auditor backup create --out "$backup" --to "$work/eve.pub.jwk"
check "a device key is none to encrypt to" says "ECDH-ES" \
	as_operator backup create --out "$backup" --to "$demo/device.pub.jwk"
check "a folder that is not there" says "No such file" \
	as_operator backup create --out "$work/none/backup" --to "$work/eve.pub.jwk"
echo mine >"$work/mine"
check "a file that is there is not overwritten" says "exists" \
	as_operator backup create --out "$work/mine" --to "$work/eve.pub.jwk"
check "it is as it was" [ "$(cat "$work/mine")" = mine ]
check "backup create" json '.[0] | .audit_seq > 20 and .epoch == 1 and (.file_sha256 | length == 64)' \
	as_operator --json backup create --out "$backup" --to "$work/eve.pub.jwk" --to "$demo/../eve.pub.jwk"
check "it is for its owner alone" [ "$(stat -c %a "$backup")" = 600 ]
check "no copy of the store is left" nothing_left
check "the trail tells who made it, for whom" trail \
	'.type == "backup" and .outcome == "success" and .actor.id == "operator" and .target == "store.backup" and
	 (.new | test("file_sha256 [0-9a-f]{64}, to [A-Za-z0-9_-]{43}"))' --type backup
check "and the refusals" trail '.type == "backup" and .reason == "exists"' --type backup
check "it begins with a checkpoint" json '.[0] | .verified' as_auditor --json audit verify
check "nobody's name or password is in it" sh -c '! grep -aq "alice\|scrypt\|SQLite" "$1"' sh "$backup"
check "nor a device key" sh -c '! grep -aq "$(jq -r .x "$1")" "$2"' sh "$demo/device.pub.jwk" "$backup"
if command -v jose >/dev/null; then
	head -n 1 "$backup" | jq -r '.keys[0]' >"$work/key.jwe"
	check "jose opens the content key with the private JWK" sh -c \
		'[ "$(jose jwe dec -i "$1" -k "$2" | wc -c)" = 32 ]' sh "$work/key.jwe" "$work/eve.jwk"
	check "and not with another" sh -c '! jose jwe dec -i "$1" -k "$2"' sh "$work/key.jwe" "$work/mallory.jwk"
else
	skip "jose opens the content key with the private JWK" "jose is not installed"
fi

# ---- checking one ------------------------------------------------------------------------------
check "backup verify without a key" json '.[0] | .node != "" and .audit_seq > 20 and .signers == null' \
	as_operator --json backup verify "$backup"
check "backup verify with the key" json '.[0] | .signers == 1 and .keys == 2 and .principals >= 6' \
	as_operator --json backup verify "$backup" --key "$work/eve.jwk"
check "another's key" says "no recipient" as_operator backup verify "$backup" --key "$work/mallory.jwk"
check "a public key is no key to open it" says "no private key" \
	as_operator backup verify "$backup" --key "$work/eve.pub.jwk"
check "an SCA or a signer verifies none" says refused samctl --as "$SIGNER" --pin-source "$SIGNER_PIN_SOURCE" \
	backup verify "$backup"
size=$(stat -c %s "$backup")
# edited DESCRIPTION COMMAND...: the command changes $work/edited
edited()
{
	local what=$1
	shift
	cp "$backup" "$work/edited"
	"$@" >/dev/null 2>&1
	check "$what: verify without a key" says edited as_operator backup verify "$work/edited"
	check "$what: verify with it" says edited as_operator backup verify "$work/edited" --key "$work/eve.jwk"
	check "$what: restore" says "" restore "$work/edited" --key "$work/eve.jwk"
}
poke() # OFFSET: another byte than the one there
{
	local byte
	byte=$(od -An -tu1 -j "$1" -N 1 "$work/edited")
	# shellcheck disable=SC2059
	printf "\\$(printf %03o $((byte ^ 1)))" | dd of="$work/edited" bs=1 seek="$1" conv=notrunc
}
edited "cut short by a byte" truncate -s $((size - 1)) "$work/edited"
edited "cut in the middle" truncate -s $((size / 2)) "$work/edited"
edited "empty" truncate -s 0 "$work/edited"
edited "a byte of the data changed" poke $((size / 2))
edited "a byte of line 1 changed" sed -i '1s/"node":"/"node":"x/' "$work/edited"
edited "a byte of the signature changed" poke $((size - 100))
edited "something behind it" sh -c 'echo more >>"$1"' sh "$work/edited"
check "no file: verify" says "No such file" as_operator backup verify "$work/none"
check "a folder: verify" says "regular" as_operator backup verify "$work"
check "nothing of all that is left beside the store" nothing_left
check "the live store signs as before" signs_fresh

# ---- a restore, and what came between ----------------------------------------------------------
"$SADTOOL" keygen --alg ES256 --out "$work/second.jwk" --public "$work/second.pub.jwk" >/dev/null
printf 'a good pass phrase\n' >"$work/new.pin" && chmod 600 "$work/new.pin"
prepare()
{
	as_officer signer add bob && enrol alice "$work/second.jwk" "$work/second.pub.jwk" &&
		as_officer signer add carl && as_officer signer suspend carl &&
		as_officer signer add dora && as_officer principal add sca1 --role sca --signer alice --new-pin-source "file:$work/new.pin" &&
		as_officers principal add auditor2 --role auditor --new-pin-source "file:$work/new.pin" && sleep 1
}
check "people and devices for it" prepare
check "backup create, for the restore" as_operator backup create --out "$work/b1" --to "$work/eve.pub.jwk"
keep before
new_sad "$CREDENTIAL_EC" --each --num 100 --lifetime 3600 >"$work/hundred"
: >"$work/notes"
application "$SAM_BUILDDIR/tests/fault/victim" "$work/hundred" "$work/notes" 0 >"$work/victim.log" 2>&1
check "100 signatures" [ "$(wc -l <"$work/notes")" = 100 ]
kid=$(as_officer --json authenticator list | jq -r --slurpfile k "$work/second.pub.jwk" '.[] | select(.jwk.x == $k[0].x) | .kid')
printf 'another pass phrase\n' >"$work/other.pin" && chmod 600 "$work/other.pin"
wrong() # NAME: until it is locked
{
	local i
	for i in 1 2 3 4 5; do
		printf 'wrong pass phrase %d\n' "$i" >"$work/wrong.pin" && chmod 600 "$work/wrong.pin"
		samctl --as "$1" --pin-source "file:$work/wrong.pin" key list
	done
	samctl --as "$1" --pin-source "$2" pending list 2>&1 | grep -q "too many"
}
between()
{
	as_officer signer suspend bob && as_officers signer resume carl && as_officers signer remove dora &&
		as_officers authenticator remove alice --kid "$kid" && wrong "$RA_NAME" "$RA_PIN_SOURCE" &&
		as_officers principal remove sca1 &&
		samctl --as auditor2 --pin-source "file:$work/new.pin" principal passwd auditor2 --new-pin-source "file:$work/other.pin" &&
		as_officer signer add late
}
check "a suspended signer, a removed authenticator, a lock and more" between
keep after
last=$(records | jq 'last.seq')

check "one person alone: wrong usage" usage as_operator backup restore "$work/b1" --key "$work/eve.jwk"
check "the operator twice is refused" says "must be another\|refused" \
	as_operator --second "$OPERATOR_NAME" --second-pin-source "$OPERATOR_PIN_SOURCE" backup restore "$work/b1" --key "$work/eve.jwk"
check "operator and auditor are refused" says refused \
	as_operator --second "$AUDITOR_NAME" --second-pin-source "$AUDITOR_PIN_SOURCE" backup restore "$work/b1" --key "$work/eve.jwk"
check "two officers are refused" says refused as_officers backup restore "$work/b1" --key "$work/eve.jwk"
check "a wrong password is refused" says refused \
	as_operator --second "$SO_NAME" --second-pin-source "file:$work/new.pin" backup restore "$work/b1" --key "$work/eve.jwk"
check "another's key restores nothing" says "no recipient" restore "$work/b1" --key "$work/mallory.jwk"
check "the trail has these refusals" trail '.type == "admin-refused" and .target == "backup restore" and .reason == "password_wrong"'
check "and the store is as it was" json '.[0].store.epoch == null or .[0].store.epoch == 1' samctl --json status
check "with nothing left beside it" nothing_left

again after
check "backup restore" json '.[0] | .complete and .epoch == 2 and .taken_over > 100 and (.replayed |
	(.suspended | contains(["bob"])) and (.removed | contains(["dora", "sca1"])) and (.locked | contains(["auditor2"])) and
	(.lost | contains(["late"])) and (.authenticators | length == 1))' restore --json "$work/b1" --key "$work/eve.jwk"
kept=$(jq -r .kept "$work/json")
sleep 2 # the signer was changed, too
check "a SAD made in the epoch's first seconds is of the one before" refused_fresh
check "the trail says so" trail '.reason == "sad_epoch" and .signer == "alice"' --reason sad_epoch
check "the old store is kept" [ -e "$kept" ] 
check "nothing else is left" nothing_left
check "the chain verifies over the restore" audit_verifies
check "it goes on without a gap" [ "$(records --type sign --outcome success | jq length)" -ge 100 ]
check "the trail has the restore, an alert, by the operator" trail '.type == "restore" and .class == "alert" and
	.actor.id == "operator" and .target == "b1" and (.new | test("^complete up to record [0-9]+, epoch 2$"))'
reference=$(records --type restore | jq -r 'last.reference')
check "and the officer's word, by the same reference" trail \
	'.type == "confirm" and .actor.id == "officer" and .target == "backup restore" and .reference == "'"$reference"'"'
check "the signer suspended since is suspended" state bob suspended
check "the signer resumed since is resumed" state carl active
check "the signer removed since is removed" says "no such signer" as_officer signer show dora
check "and its id is not given again" says "never given again" as_officer signer add dora
check "the signer made since is lost, its id too" says "never given again" as_officer signer add late
check "the authenticator removed since is removed" json 'all(.[0][]; .kid != "'"$kid"'")' as_officer --json authenticator list
check "the lock still holds" says "too many" samctl --as "$RA_NAME" --pin-source "$RA_PIN_SOURCE" pending list
check "the principal removed since is removed" json 'all(.[0][]; .name != "sca1")' as_officer --json principal list
check "the old password of who changed it is no good" says "refused" \
	samctl --as auditor2 --pin-source "file:$work/new.pin" audit list
check "nor is the new one" says "refused" samctl --as auditor2 --pin-source "file:$work/other.pin" audit list
check "keys and signers came back" json '.[0] | length == 2' as_officer --json key list
check "doctor finds nothing wrong" samctl doctor
check "none of the 100 SADs works again" [ "$(signs "$work/hundred")" = 0 ]
wait_epoch
check "a new SAD signs" signs_fresh
shuf -n 5 "$work/hundred" >"$work/five"
check "still none of the 100, five of them tried" [ "$(signs "$work/five")" = 0 ]
check "a SAD of the removed device is none" sh -c '! "$@"' sh \
	env DEVICE_KEY="$work/second.jwk" timeout 60 "$SADTOOL" new --key "$work/second.jwk" --signer alice --aud "$SAM_ID" \
	--credential "$CREDENTIAL_EC" --file "$work/none"
check "officer and operator unlock auditor2" unlock auditor2
check "backup verify takes the old backup still" as_operator backup verify "$work/b1" --key "$work/eve.jwk"
check "the same backup again: nothing is held that was not" json '.[0].complete and .[0].epoch == 3' \
	restore --json "$work/b1" --key "$work/eve.jwk"
check "and nothing is undone" state bob suspended
check "the SADs stay refused" [ "$(signs "$work/five")" = 0 ]
check "the chain verifies over both" audit_verifies

# ---- who must not ------------------------------------------------------------------------------
again after
check "who was removed since cannot restore" as_officers principal remove "$OPERATOR_NAME"
check "with the live store: refused" says refused restore "$work/b1" --key "$work/eve.jwk"
sqlite3 "$demo/state.db" "UPDATE grants SET body = x'00' WHERE id = 'officer2'"
check "with a damaged one: by its trail" says "operator was removed" restore "$work/b1" --key "$work/eve.jwk"
again after
check "who changed the password since" samctl --as "$SO_NAME" --pin-source "$SO_PIN_SOURCE" \
	principal passwd "$SO_NAME" --new-pin-source "file:$work/other.pin"
check "the old one is refused" says refused restore "$work/b1" --key "$work/eve.jwk"
check "the new one is none of the backup's" says "refused by the backup" \
	as_operator --second "$SO_NAME" --second-pin-source "file:$work/other.pin" backup restore "$work/b1" --key "$work/eve.jwk"

# ---- a newer policy, a busy store --------------------------------------------------------------
again after
next_policy 's/^$//'
check "restored behind a policy that was signed since" json '.[0] | .complete and .policy_lost' \
	restore --json "$work/b1" --key "$work/eve.jwk"
check "the policy's file is not the sealed one any more: refused" says "policy sign" as_officer signer list
check "an officer signs it again" as_officer policy sign "$demo/policy.yaml"
check "then all is well" as_officer signer list
again after
new_sad "$CREDENTIAL_EC" --each --num 3000 --lifetime 3600 >"$work/many"
background "$work/busy.log" "$SAM_BUILDDIR/tests/fault/victim" "$work/many" "$work/busy" 0
for _ in $(seq 100); do
	[ -s "$work/busy" ] && break
	sleep 0.1
done
check "a store that is written to is not replaced" says "stop the processes" restore "$work/b1" --key "$work/eve.jwk"
kill "$background_pid" 2>/dev/null
wait "$background_pid" 2>/dev/null
check "it is as it was" json '.[0] | .verified' as_auditor --json audit verify
check "nothing is left of it" nothing_left

# ---- by device key -----------------------------------------------------------------------------
again after
"$SADTOOL" keygen --alg ES256 --out "$work/officer.jwk" --public "$work/officer.pub.jwk" >/dev/null
device() # bound to the officer, by two
{
	as_officers principal device "$SO_NAME" --jwk "$work/officer.pub.jwk" && sleep 1 &&
		as_operator backup create --out "$work/b3" --to "$work/eve.pub.jwk"
}
asserted() # FILE: the officer's word about restoring that one
{
	"$SADTOOL" assert --key "$work/officer.jwk" --name "$SO_NAME" --aud "$SAM_ID" -- \
		backup restore "$1" --key "$work/eve.jwk" >"$work/assertion"
}
by_assertion() { as_operator --second "$SO_NAME" --second-assertion "$work/assertion" backup restore "$@"; }
check "an officer with a device key" device
check "the officer asserts to another restore" asserted "$work/b1"
check "that is not taken for this one" says refused by_assertion "$work/b3" --key "$work/eve.jwk"
cp "$work/b3" "$work/b4"
check "the officer asserts to a file" asserted "$work/b4"
cp "$work/b1" "$work/b4"
check "and another lies there now: refused" says refused by_assertion "$work/b4" --key "$work/eve.jwk"
check "the officer asserts to this one" asserted "$work/b3"
keep device
check "restored, by the word of a device" json '.[0].complete' by_assertion --json "$work/b3" --key "$work/eve.jwk"
check "that word is used up" says refused by_assertion --json "$work/b3" --key "$work/eve.jwk"
check "the chain verifies" audit_verifies
again device
rm -f "$demo"/state.db "$demo"/state.db-* "$demo"/state.db.mark
check "the same where the live store is lost" json '.[0].complete | not' by_assertion --json "$work/b3" --key "$work/eve.jwk"

# ---- a tampered live store ---------------------------------------------------------------------
again after
sqlite3 "$demo/state.db" "DELETE FROM grants WHERE id = 'bob'"
check "a row of the live store removed: it is refused" says "" as_officer signer list
check "restored: the sealed head still vouches for the trail" json '.[0] | .complete and (.replayed.suspended | contains(["bob"]))' \
	restore --json "$work/b1" --key "$work/eve.jwk"
check "the chain verifies" audit_verifies
check "only what was suspended is" state alice active
again after
sqlite3 "$demo/state.db" "DELETE FROM audit WHERE seq >= $((last - 3))"
check "the end of the trail removed: every signer is suspended" \
	json '.[0] | (.complete | not) and .proven == '$((last - 4))' and (.replayed.suspended | contains(["alice", "bob", "carl"]))' \
	restore --json "$work/b1" --key "$work/eve.jwk"
check "no policy is in force, since a newer one may be lost" says "policy sign" as_officer signer list
check "until an officer signs it again" as_officer policy sign "$demo/policy.yaml"
check "the auditor is locked" says "too many" as_auditor audit verify
check "until officer and operator say that it is still the auditor" unlock "$AUDITOR_NAME"
check "the chain verifies, up to the gap and on" audit_verifies
check "the trail says where the gap is" trail ".type == \"restore\" and (.new | startswith(\"gap after record $((last - 4)) \"))"
again after
sqlite3 "$demo/state.db" "UPDATE audit SET line = replace(line, '\"signer-suspend\"', '\"signer-resume\"'), type = 'signer-resume' WHERE type = 'signer-suspend' AND signer = 'bob'"
check "a record rewritten: it ends there" json '.[0] | (.complete | not) and (.replayed.suspended | contains(["bob"]))' \
	restore --json "$work/b1" --key "$work/eve.jwk"
check "officer and operator unlock the auditor" unlock "$AUDITOR_NAME"
check "and an officer signs the policy" as_officer policy sign "$demo/policy.yaml"
check "the chain verifies after that" audit_verifies
again after
check "a checkpoint after it, by another backup" as_operator backup create --out "$work/b2" --to "$work/eve.pub.jwk"
rm -f "$demo"/state.db "$demo"/state.db-* "$demo"/state.db.mark
cp -a "$work"/kept.before/state.db* "$demo/"
check "the live store set back: it is refused" says "set back\|older\|changed from outside" as_officer signer list
check "restored: set back behind the CM's number, it proves nothing" json '.[0] | (.complete | not)' \
	restore --json "$work/b1" --key "$work/eve.jwk"

# ---- no live store -----------------------------------------------------------------------------
again after
rm -f "$demo"/state.db "$demo"/state.db-* "$demo"/state.db.mark
check "the live store lost: restored" json '.[0] | (.complete | not) and .taken_over == 0 and .kept == "" and
	(.replayed.suspended | contains(["alice", "bob", "carl", "dora"])) and (.replayed.locked | contains(["auditor", "officer2", "ra"]))' \
	restore --json "$work/b1" --key "$work/eve.jwk"
check "an officer signs the policy again" as_officer policy sign "$demo/policy.yaml"
check "every signer is suspended" state alice suspended
check "the two who restored unlock the auditor" unlock "$AUDITOR_NAME"
check "and the other officer" unlock "$SO2_NAME"
check "the chain verifies" audit_verifies
check "the trail says that there is a gap" trail '.type == "restore" and .class == "alert" and (.new | test("^gap after record [0-9]+: every signer suspended"))'
wait_epoch
check "nothing signs" refused_fresh
check "one officer does not resume a signer alone" json '.[0].pending != null' as_officer --json signer resume alice
check "two do" as_officers signer resume alice
sleep 1
check "then a new SAD signs" signs_fresh
check "none of the 100, five of them tried" [ "$(signs "$work/five")" = 0 ]

# ---- another CM --------------------------------------------------------------------------------
setup_again 's/^$//'
check "another operator" as_officers principal add "$OPERATOR_NAME" --role operator --new-pin-source "$OPERATOR_PIN_SOURCE"
check "into another CM: refused by the word of the live store there" says "another SAM's, or another CM's" \
	restore "$work/b1" --key "$work/eve.jwk"
rm -f "$demo"/state.db "$demo"/state.db-* "$demo"/state.db.mark
check "where there is none: by its seal" says "another CM sealed it" restore "$work/b1" --key "$work/eve.jwk"
check "nothing is left of it" nothing_left
finish
