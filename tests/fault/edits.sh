#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The store edited by hand, in each way on a copy: rows of every table changed, copied from one signer to another,
# deleted, put back as they were; the schema; the files; the number in the CM. Each is refused with its reason,
# at start and by a process that had the store open, and nothing signs (invariants 3 and 9).
. "$(dirname "${BASH_SOURCE[0]}")/words.sh" || exit 1
need jq sqlite3 pkcs11-tool
need_no_sanitizer "the sanitized module, a few hundred times,"
setup

# ---- a store with a row of every kind, and how it was before ------------------------------------
digest() { openssl dgst -sha256 -r "$work/short.txt" | cut -d' ' -f1; }

must "$SADTOOL" keygen --alg ES256 --out "$work/bob.jwk" --public "$work/bob.pub.jwk"
must as_officer signer add bob --name "Bob" --new-pin-source "$(pin bob 'a word of his')"
must enrol bob "$work/bob.jwk" "$work/bob.pub.jwk"
bob_key=$(as_officer key generate --signer bob --type ec:P-256) || bail "no key for bob"
must as_officer signer add carol --name "Carol" --new-pin-source "$(pin carol 'a word of hers')"
must as_officers principal add portal --role sca --signer alice --new-pin-source "$(pin portal 'a gateway to it')"
must as_officers authenticator add alice --new-pin-source "$(pin four 7391)"
sleep 1 # a SAD of the second in which its signer was changed is refused
must activate bob "$bob_key" "$work/bob.jwk"
files() { printf '%s\n' state.db state.db-wal state.db-shm state.db.mark; }
keep() # FOLDER: the store's files as they are, and what is in them as one file, older.db
{
	mkdir "$1"
	for file in $(files); do
		[ ! -e "$demo/$file" ] || cp -a "$demo/$file" "$1/"
	done
	cp "$demo"/state.db "$1/older.db"
	[ ! -e "$demo/state.db-wal" ] || cp "$demo/state.db-wal" "$1/older.db-wal"
	sqlite3 "$1/older.db" 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null || bail "sqlite3"
}
keep "$work/older"

# afterwards: bob is suspended, carol removed, operator locked, the policy another, an act waits
must as_officer signer suspend bob
must as_officers signer remove carol
must as_officer signer resume bob
next_policy 's/^  pending: .*/  pending: 23h/'
for ((i = 0; i < 5; i++)); do
	samctl --as operator --pin-source "$(pin wrong "wrong number $i")" cm show >/dev/null 2>&1
done
sad_of() # NAME JWK CREDENTIAL
{
	"$SADTOOL" new --key "$2" --signer "$1" --aud "$SAM_ID" --credential "$3" --file "$work/short.txt"
}
used=$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt")
openssl dgst -sha256 -binary -out "$work/short.sha256" "$work/short.txt"
sign() # SAD
{
	rm -f "$work/sig"
	SAM_TEST_PIN=$1 application pkcs11-tool --module "$P11_SAM_MODULE" --login --pin env:SAM_TEST_PIN --sign \
		--id "$CREDENTIAL_EC" --mechanism ECDSA --signature-format openssl \
		--input-file "$work/short.sha256" --output-file "$work/sig" >"$work/sign.log" 2>&1
}
check "a SAD is used" sign "$used"
token=$(new_token "$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt")") || bail "no token"
must samctl maintain # a checkpoint
good=$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt")
other=$(new_sad "$CREDENTIAL_EC" --file "$work/long.bin")
good2=$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt")
bobs=$(sad_of bob "$work/bob.jwk" "$bob_key")
node=$(samctl --json status | jq -r .store.node)
must cp -a "$demo" "$work/good"
restore() { rm -rf "$demo" && cp -a "$work/good" "$demo"; }

# ---- trying ------------------------------------------------------------------------------------
# Alice's good SAD, the used one, the token, bob's (who is suspended), each by a process of its own.
signed_by_any() # the answers of talk
{
	grep -q 'sign 0x0\|SIGNED' "$1"
}
try_all()
{
	local pair
	: >"$work/talk"
	for pair in "$good $CREDENTIAL_EC" "$used $CREDENTIAL_EC" "$token $CREDENTIAL_EC" "$bobs $bob_key"; do
		printf 'login user %s\nsign %s ecdsa %s %s\n' "${pair% *}" "${pair#* }" "$(digest)" "${pair% *}" 2>/dev/null |
			timeout 60 "$talk" >>"$work/talk" 2>&1
	done
}
try_all
check "unchanged: the good SAD and the token sign, the used one and bob's do not" \
	[ "$(grep -c 'sign 0x0' "$work/talk")" = 2 -a "$(grep -c SIGNED "$work/talk")" = 0 ]
restore

# refuses NAME WORDS: samctl says WORDS, and nothing signs.
refuses()
{
	local what=$1 words=$2
	: >"$work/why"
	samctl status >/dev/null 2>"$work/status.log" && echo "status works" >>"$work/why"
	grep -q "$words" "$work/status.log" || { echo "status does not say $words:"; cat "$work/status.log"; } >>"$work/why"
	sign "$good" && echo "pkcs11-tool signed" >>"$work/why"
	try_all
	signed_by_any "$work/talk" && cat "$work/talk" >>"$work/why"
	if [ -s "$work/why" ]; then
		not_ok "$what: refused ($words), nothing signs" "$work/why"
	else
		ok "$what: refused ($words), nothing signs"
	fi
}

# A process that has logged in and waits, with what it has verified of the registry in memory. Its first decision may
# still go by that, and finds out; no later one may.
start_running()
{
	talk_start
	[ "$(ask login user "$other")" = 0x0 ] || not_ok "$what: no process had the store open"
}
end_running()
{
	for sad in "$used" "$good" "$good2" "$good"; do
		ask sign "$CREDENTIAL_EC" ecdsa "$(digest)" "$sad"
	done >"$work/running"
	talk_end
}
running_signed() # more than that one, or under the SAD that was used
{
	sed 2d "$work/running" | grep -q 'sign 0x0' || grep -q SIGNED "$work/running"
}
count=0
# edit NAME WORDS SQL: by the sqlite3 shell, beside a process that has the store open.
edit()
{
	local what=$1 words=$2 sql=$3
	count=$((count + 1))
	start_running
	if ! sqlite3 "$demo/state.db" "ATTACH '$work/older/older.db' AS old; $sql; SELECT 'changed', total_changes()" \
		>"$work/sql.log" 2>&1 || { [ "${data:-yes}" = yes ] && grep -qx 'changed|0' "$work/sql.log"; }; then
		not_ok "$what: could not be tried" "$work/sql.log"
		end_running
		restore
		return
	fi
	end_running
	if [ "${at_start_only:-no}" = no ] && running_signed; then
		not_ok "$what: a process that has the store open signs" "$work/running"
	fi
	refuses "$what" "$words"
	restore
}
# change KIND ID PATH VALUE: the SQL for one member of a row of the registry; VALUE is SQL.
change()
{
	printf "UPDATE grants SET body = CAST(json_set(CAST(body AS TEXT), '\$.%s', %s) AS BLOB) WHERE kind = '%s' AND id = '%s'" \
		"$3" "$4" "$1" "$2"
}
# member KIND ID PATH: that member of another row, as SQL.
member()
{
	printf "(SELECT json_extract(CAST(body AS TEXT), '\$.%s') FROM grants WHERE kind = '%s' AND id = '%s')" "$3" "$1" "$2"
}
changed='store was changed from outside'
thumb() { sqlite3 "$work/good/state.db" "SELECT id FROM grants WHERE kind = 'authenticator' AND instr(body, '\"signer\":\"$1\"')"; }
alice_device=$(thumb alice) bob_device=$(thumb bob)
alice_key=$CREDENTIAL_EC

# ---- rows that grant ---------------------------------------------------------------------------
edit "an RA made a security officer" "$changed" "$(change principal ra roles "json('[\"security-officer\"]')")"
edit "the RA's password put in an officer's place" "$changed" \
	"$(change principal officer password "$(member principal ra password)")"
edit "an officer more, copied" "$changed" \
	"INSERT INTO grants SELECT kind, 'mallory', body, mac FROM grants WHERE id = 'officer'"
edit "an officer's row under an auditor's name" "$changed" \
	"UPDATE grants SET (body, mac) = (SELECT body, mac FROM grants WHERE id = 'officer') WHERE id = 'auditor'"
edit "the auditor deleted" "$changed" "DELETE FROM grants WHERE kind = 'principal' AND id = 'auditor'"
edit "an application granted to one signer more" "$changed" \
	"$(change principal portal signers "json('[\"alice\",\"bob\"]')")"
edit "a suspended signer resumed" "$changed" "$(change signer bob suspended "json('false')")"
edit "a suspended signer's row as it was before" "$changed" \
	"UPDATE grants SET (body, mac) = (SELECT body, mac FROM old.grants WHERE kind = 'signer' AND id = 'bob')
	 WHERE kind = 'signer' AND id = 'bob'"
edit "the same, with the head of then" "rows where the head has" \
	"UPDATE grants SET (body, mac) = (SELECT body, mac FROM old.grants WHERE kind = 'signer' AND id = 'bob')
	 WHERE kind = 'signer' AND id = 'bob';
	 UPDATE head SET sealed = (SELECT sealed FROM old.head)"
edit "alice's PIN given to bob" "$changed" "$(change signer bob pin "$(member signer alice pin)")"
edit "alice's PIN taken away" "$changed" "$(change signer alice pin "''")"
edit "alice's password given to bob" "$changed" "$(change signer bob password "$(member signer alice password)")"
edit "alice's personal data given to bob" "$changed" "$(change signer bob personal "$(member signer alice personal)")"
edit "the first password called the signer's own" "$changed" "$(change signer alice password_own "json('true')")"
edit "a signer who never had an authenticator" "$changed" "$(change signer alice enrolled "json('false')")"
edit "a signer's version lowered" "$changed" "$(change signer bob version 1)"
edit "a signer's last change forgotten" "$changed" "$(change signer bob changed 0)"
edit "a removed signer's row put back" "$changed" \
	"INSERT INTO grants SELECT * FROM old.grants WHERE kind = 'signer' AND id = 'carol'"
edit "the trace of a removed signer deleted" "$changed" "DELETE FROM grants WHERE kind = 'tombstone'"
edit "the trace of a removed signer renamed" "$changed" \
	"UPDATE grants SET id = 'dave' WHERE kind = 'tombstone' AND id = 'carol'"
edit "bob's device under alice's name" "$changed" "$(change authenticator "$bob_device" signer "'alice'")"
edit "bob's device in the place of alice's" "$changed" \
	"$(change authenticator "$alice_device" spki "$(member authenticator "$bob_device" spki)")"
edit "bob's row in the place of alice's" "$changed" \
	"UPDATE grants SET (body, mac) = (SELECT body, mac FROM grants WHERE id = '$bob_device') WHERE id = '$alice_device'"
edit "a device deleted" "$changed" "DELETE FROM grants WHERE kind = 'authenticator' AND id = '$bob_device'"
edit "alice's key given to bob" "$changed" "$(change key "$alice_key" signer "'bob'")"
edit "bob's key in the CM under alice's" "$changed" \
	"$(change key "$alice_key" cm_id "$(member key "$bob_key" cm_id)")"
edit "another public key sealed at birth" "$changed" "$(change key "$alice_key" spki "$(member key "$bob_key" spki)")"
edit "a key deleted" "$changed" "DELETE FROM grants WHERE kind = 'key' AND id = '$bob_key'"
edit "the sealed policy changed" "$changed" \
	"$(change policy sealed text "replace(json_extract(CAST(body AS TEXT), '\$.text'), 'attempts: 5', 'attempts: 9')")"
edit "the sealed policy of before" "$changed" \
	"UPDATE grants SET (body, mac) = (SELECT body, mac FROM old.grants WHERE kind = 'policy') WHERE kind = 'policy'"
edit "the sealed policy deleted" "$changed" "DELETE FROM grants WHERE kind = 'policy'"
edit "another configuration sealed" "$changed" "$(change policy sealed config_sha256 "printf('%064d', 0)")"
edit "another key for the SAM's statements" "$changed" \
	"$(change own statement spki "$(member authenticator "$bob_device" spki)")"
edit "the key for the SAM's statements deleted" "$changed" "DELETE FROM grants WHERE kind = 'own'"
edit "one person may make the second officer, added" "$changed" \
	"INSERT INTO grants SELECT 'state', 'second-officer', body, mac FROM grants WHERE kind = 'own'"
edit "another who began an act that waits" "$changed" \
	"UPDATE grants SET body = CAST(json_set(CAST(body AS TEXT), '\$.by', 'officer2') AS BLOB) WHERE kind = 'pending'"
edit "another signer in an act that waits" "$changed" \
	"UPDATE grants SET body = CAST(replace(CAST(body AS TEXT), 'bob', 'alice') AS BLOB) WHERE kind = 'pending'"
edit "an act that waits, copied under another id" "$changed" \
	"INSERT INTO grants SELECT kind, 'aaaaaaaaaaaaa', body, mac FROM grants WHERE kind = 'pending'"
edit "an act that waits, deleted" "$changed" "DELETE FROM grants WHERE kind = 'pending'"
edit "two rows' MACs exchanged" "$changed" \
	"UPDATE grants SET mac = (SELECT mac FROM grants g WHERE g.id = 'ra') WHERE kind = 'principal' AND id = 'portal'"

# ---- rows that forbid or vouch -----------------------------------------------------------------
edit "a use deleted" "uses: " "DELETE FROM uses WHERE activation = (SELECT max(activation) FROM uses)"
edit "all uses deleted" "uses: " "DELETE FROM uses"
edit "uses and activations deleted" "activations: " "DELETE FROM uses; DELETE FROM activations; DELETE FROM tokens"
edit "a use of another digest" "uses: " \
	"UPDATE uses SET digest = zeroblob(32) WHERE activation = (SELECT max(activation) FROM uses)"
edit "a use of another SAD" "uses: " "UPDATE uses SET activation = activation + 100"
edit "an activation that lives longer" "activations: " "UPDATE activations SET exp = exp + 100000"
edit "an activation with another limit" "activations: " "UPDATE activations SET uselimit = 1000"
edit "an activation of another payload" "activations: " \
	"UPDATE activations SET payload = (SELECT payload FROM activations a ORDER BY id LIMIT 1)
	 WHERE id = (SELECT max(id) FROM activations)"
edit "an activation of another SAD" "activations: " \
	"UPDATE activations SET identity = randomblob(32) WHERE id = (SELECT max(id) FROM activations)"
edit "a token deleted" "tokens: " "DELETE FROM tokens WHERE activation = (SELECT max(activation) FROM tokens)"
edit "a token that stands for another SAD" "tokens: " \
	"UPDATE tokens SET sealed = (SELECT sealed FROM tokens t ORDER BY activation LIMIT 1)
	 WHERE activation = (SELECT max(activation) FROM tokens)"
edit "a token that is known by other words" "tokens: " "UPDATE tokens SET lookup = randomblob(32)"
edit "a lock deleted" "counters: " "DELETE FROM counters WHERE name = 'operator'"
edit "a lock over before its time" "counters: " "UPDATE counters SET locked_until = 1 WHERE name = 'operator'"
edit "a lock of another's name" "counters: " "UPDATE counters SET name = 'officer' WHERE name = 'operator'"
edit "a checkpoint edited" "checkpoints: " "UPDATE checkpoints SET jws = replace(jws, '.', '.A') WHERE number = 1"
edit "a checkpoint deleted" "checkpoints: " \
	"DELETE FROM checkpoints WHERE number = (SELECT max(number) FROM checkpoints)"
edit "a checkpoint renumbered" "checkpoints: " \
	"UPDATE checkpoints SET number = number + 7 WHERE number = (SELECT max(number) FROM checkpoints)"
edit "the newest line of the audit deleted" "audit" "DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)"
edit "a line added to the audit" "audit" \
	"INSERT INTO audit SELECT seq + 1, time_us, type, outcome, reason, signer, actor, credential, jti, line, hash FROM audit
	 ORDER BY seq DESC LIMIT 1"
edit "the head of before" "rows where the head has" "UPDATE head SET sealed = (SELECT sealed FROM old.head)"
edit "the head emptied" "$changed" "UPDATE head SET sealed = zeroblob(length(sealed))"
edit "the head deleted" "$changed" "DELETE FROM head"
edit "all rows of before, the head of now" "$changed" \
	"DELETE FROM grants; INSERT INTO grants SELECT * FROM old.grants"

# ---- the schema --------------------------------------------------------------------------------
data=no
edit "a trigger" "schema" "CREATE TRIGGER t AFTER INSERT ON uses BEGIN DELETE FROM uses; END"
edit "a view" "schema" "CREATE VIEW v AS SELECT * FROM uses"
edit "an index" "schema" "CREATE INDEX i ON uses(digest)"
edit "a table" "schema" "CREATE TABLE t(x)"
edit "a table in another's place" "schema" "DROP TABLE uses; CREATE TABLE uses(activation, digest, mac)"
at_start_only=yes # nothing in the file grants more by these, and a process that runs does not look at them again
edit "the schema's version counted down" "upgrade of the store" "PRAGMA user_version = 1"
edit "the schema's version counted up" "newer\|schema is version" "PRAGMA user_version = 99"
edit "another program's file" "no store of p11-sam" "PRAGMA application_id = 1"
unset at_start_only

# ---- a CM that was disabled --------------------------------------------------------------------
must as_officers cm disable
try_all
check "a disabled CM signs nothing" [ "$(grep -c 'sign 0x0' "$work/talk")" = 0 ]
sqlite3 "$demo/state.db" "DELETE FROM grants WHERE kind = 'state' AND id = 'cm-disabled'"
refuses "a disabled CM enabled by hand" "$changed"
restore

# ---- files -------------------------------------------------------------------------------------
put() # FOLDER FILE...: those of the store's files as they were
{
	local from=$1
	shift
	for file; do
		rm -f "$demo/$file"
		[ ! -e "$from/$file" ] || cp -a "$from/$file" "$demo/$file"
	done
}
# shellcheck disable=SC2046
{
	put "$work/older" state.db state.db-wal state.db-shm
	refuses "the store of before, the mark of now" "set back\|changed from outside"
	restore
	put "$work/older" $(files)
	refuses "store and mark of before: the CM's number knows" "was set back: its newest checkpoint has number [0-9]*, the CM has"
	restore
}
rm -f "$demo/state.db.mark"
refuses "without its mark" "$changed\|mark"
restore
head -c 168 /dev/urandom >"$demo/state.db.mark"
refuses "with another mark" "$changed\|mark"
restore
must as_officer signer suspend alice # lies in the WAL
cp -a "$demo" "$work/later"
[ -s "$demo/state.db-wal" ] || must sqlite3 "$demo/state.db" 'PRAGMA journal_mode'
rm -f "$demo/state.db-wal" "$demo/state.db-shm"
cmp -s "$work/good/state.db" "$demo/state.db" && put "$work/good" state.db state.db-wal state.db-shm
refuses "without the WAL that has the last change" "set back\|$changed"
restore
put "$work/good" state.db state.db-wal state.db-shm
cp -a "$work/later/state.db.mark" "$demo/state.db.mark"
refuses "the store of a moment ago, before a signer was suspended" "set back\|$changed"
rm -rf "$work/later"
restore
chmod g+w "$demo/state.db"
refuses "a store that the group may write" "may be written by group"
restore
mv "$demo/state.db" "$demo/elsewhere.db"
ln -s elsewhere.db "$demo/state.db"
refuses "a link in the store's place" "symbolic link"
restore

# ---- the CM ------------------------------------------------------------------------------------
cm() { application pkcs11-tool --module "$CM_MODULE" --token-label "$CM_TOKEN" --login --pin "$(cat "$CM_PIN_FILE")" "$@"; }
forget() { must cm --delete-object --type data --label "p11-sam checkpoint $node"; }
number() # NUMBER: the checkpoint's, in the CM
{
	printf '%020d' "$1" >"$work/number"
	must cm --write-object "$work/number" --type data --private --label "p11-sam checkpoint $node" --application-label p11-sam
}
newest=$(samctl --json status | jq .store.checkpoint)
forget
refuses "the number in the CM deleted" "the CM has none"
restore
number $((newest + 5))
refuses "a higher number in the CM" "was set back"
restore
forget
number 1
check "an older number in the CM is taken for a crash" sign "$good"
put "$work/older" state.db state.db-wal state.db-shm state.db.mark
refuses "and healed: the store of then is refused again" "was set back"
restore
must cm --keygen --key-type GENERIC:32 --label "p11-sam seal"
refuses "a second sealing key in the CM" "sealing key, or two"
restore

# ---- the trail, which decides nothing but the next line ------------------------------------------
line() # NAME WORDS SQL
{
	count=$((count + 1))
	sqlite3 "$demo/state.db" "$3" >"$work/sql.log" 2>&1 || not_ok "$1: could not be tried" "$work/sql.log"
	check "$1: audit verify says $2" says "$2" as_auditor audit verify
	restore
}
line "a line of the audit changed" "record 5: " "UPDATE audit SET line = replace(line, '\"class\":\"', '\"class\":\"x') WHERE seq = 5"
line "a line of the audit deleted" "record 5: " "DELETE FROM audit WHERE seq = 5"
line "a line under another signer's name" "record " "UPDATE audit SET signer = 'bob' WHERE signer = 'alice'"

diag "$count edits by the sqlite3 shell"
check "put back, it signs" sign "$good"
check "and doctor is content" samctl doctor
finish
