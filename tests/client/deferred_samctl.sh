#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What the signer and the operators do about signatures that wait: samctl request and samctl sad deposit, revoke. What
# approves nothing, what survives a kill, what is bounded, who may read and reject, and what the outside is told.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need jq sqlite3 python3 pgrep xxd
setup
. "$(dirname "${BASH_SOURCE[0]}")/deferred_lib.sh"
# defer DIGEST [LOGIN] [KEY]: an application asks for a signature, with no SAD
defer() { application "$SAM_BUILDDIR/tests/client/defer" "${2:-app:$(cat "$work/app.pin")}" "${3:-$CREDENTIAL_EC}" "$1" </dev/null; }
digest() { head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
# answers CODE DIGEST…: what C_Sign says
answers()
{
	local code=$1
	shift
	defer "$@" | tee "$work/answer"
	grep -q "^$code\\( \\|\$\\)" "$work/answer"
}
# id_of DIGEST: the request that waits for it
id_of() { as_operator --json request list | jq -r --arg d "$1" '.[] | select(.dtbsr == $d) | .id' | head -1; }
state_of() { as_operator --json request show "$1" | jq -r .state; }
# waits_for DIGEST: until it is asked for; its id
waits_for()
{
	local i id
	for ((i = 0; i < 100; i++)); do
		id=$(id_of "$1")
		[ -z "$id" ] || { echo "$id" && return 0; }
		sleep 0.1
	done
	return 1
}
# begin DIGEST: an application asks, in the background; its pid in $asked, what it says in $work/DIGEST
begin()
{
	defer "$@" >"$work/$1" 2>&1 &
	asked=$!
}
sad_for() { new_sad "${2:-$CREDENTIAL_EC}" --digest "$1"; }
trail() { as_auditor audit list --json | jq -s 'flatten'; }
# recorded TYPE OUTCOME [FILTER]: how often
recorded() { trail | jq --arg t "$1" --arg o "$2" "map(select(.type == \$t and .outcome == \$o and (${3:-true}))) | length"; }
must() { "$@" >"$work/must.log" 2>&1 || bail "$*" "$work/must.log"; }
deferred_setup
next_policy 's/^  deferred: true$/&\n  deferred_wait: 20s\n  deferred_expiry: 60s\n  deferred_max: 4/'

# ---- asked, seen, approved -----------------------------------------------------------------------
one=$(digest)
begin "$one"
id=$(waits_for "$one")
check "the request is listed" test -n "$id"
check "with key, digest, mechanism, application and login" eval 'as_signer --json request show "$id" | tee "$work/shown" | jq -e \
	--arg c "$CREDENTIAL_EC" --arg d "$one" ".state == \"open\" and .credentialID == \$c and .dtbsr == \$d and
	.mechanism == \"CKM_ECDSA\" and .principal == \"app\" and .signer == \"alice\" and .uid == $(id -u) and
	(.application | endswith(\"defer\"))"'
check "request-add is on record, and names them" test "$(recorded request-add success \
	".request == \"$id\" and .dtbsr == \"$one\" and .actor.id == \"app\" and .credentialID == \"$CREDENTIAL_EC\"")" = 1

device2=$work/mallory.jwk
"$SADTOOL" keygen --alg ES256 --out "$device2" --public "$work/mallory.pub.jwk" >/dev/null
as_officer signer add mallory >/dev/null && enrol mallory "$device2" "$work/mallory.pub.jwk" >/dev/null || bail "no mallory"
foreign() { "$SADTOOL" new --key "$device2" --signer mallory --aud "$SAM_ID" --credential "$CREDENTIAL_EC" --digest "$one"; }
approves() { samctl request approve "$id" --sad - <<<"$1"; }
check_fails "a SAD for another digest approves nothing" approves "$(sad_for "$(digest)")"
check_fails "nor one for another key" approves "$(sad_for "$one" "$CREDENTIAL_RSA")"
check_fails "nor one of another signer" approves "$(foreign)"
check_fails "nor one for another hash" approves "$(new_sad "$CREDENTIAL_EC" --hash sha512 --digest "$one$one")"
check_fails "nor one for another algorithm" approves "$(new_sad "$CREDENTIAL_EC" --digest "$one" \
	--claim "authorization_details=$(jq -cn --arg c "$CREDENTIAL_EC" --arg d "$(xxd -r -p <<<"$one" | base64 -w0)" \
	'[{type: "credential", credentialID: $c, documentDigests: [{hash: $d}], hashAlgorithmOID: "2.16.840.1.101.3.4.2.1",
	   signAlgo: "1.2.840.113549.1.1.11"}]')")"
check_fails "nor one that orders something else" approves "$(order "$SIGNER" suspend '{}')"
check_fails "nor a SAD token" approves "$(new_token "$(sad_for "$one")")"
check_fails "nor what is no SAD" approves "no SAD"
check "each refusal is on record with the request" test "$(recorded request-approve failure ".request == \"$id\"")" -ge 6
check "it waits still" test "$(state_of "$id")" = open
check "the signer's SAD for it approves it" approves "$(sad_for "$one")"
wait $asked
check "C_Sign went on, and the signature verifies" grep -q '^0x0 verified' "$work/$one"
check "the request is used" test "$(state_of "$id")" = used
check "the signature's record names the request, and says deferred" test "$(recorded sign success \
	".request == \"$id\" and .activation == \"deferred\" and .dtbsr == \"$one\" and .sad.iss == \"alice\"")" = 1
check_fails "it is approved once" approves "$(sad_for "$one")"

# ---- killed --------------------------------------------------------------------------------------
one=$(digest)
begin "$one"
id=$(waits_for "$one")
kill -9 "$(pgrep -P "$(pgrep -P $asked)")" # below the shell and timeout
wait $asked 2>/dev/null
check "killed while it waits: the request is there still" test "$(state_of "$id")" = open
check "the signer approves it" approves "$(sad_for "$one")"
check "it waits to be fetched" test "$(state_of "$id")" = approved
check "and whoever asks again signs at once" answers 0x0 "$one"
check "once" test "$(state_of "$id")" = used

# ---- two that wait for the same ------------------------------------------------------------------
one=$(digest)
begin "$one" && first=$asked
defer "$one" >"$work/second" 2>&1 &
second=$!
id=$(waits_for "$one")
sleep 1
check "two that ask for the same are one request" test "$(as_operator --json request list | jq --arg d "$one" \
	'map(select(.dtbsr == $d)) | length')" = 1
approves "$(sad_for "$one")" >/dev/null
wait $first $second
check "one of them gets the signature" test "$(cat "$work/$one" "$work/second" | grep -c '^0x0 verified')" = 1
check "the other CKR_FUNCTION_REJECTED" test "$(cat "$work/$one" "$work/second" | grep -c '^0x200')" = 1

# ---- deposited before ----------------------------------------------------------------------------
one=$(digest) two=$(digest)
sad=$(new_sad "$CREDENTIAL_EC" --digest "$one" --digest "$two")
deposits() { samctl sad deposit --sad - <<<"$1"; }
check "a SAD is deposited" deposits "$sad"
check "twice is no error" deposits "$sad"
check "C_Sign needs nothing more" answers 0x0 "$one"
check "on record: deposited, twice, and one signature, deferred" test "$(recorded sad-deposit success \
	".sad.iss == \"alice\"")/$(recorded sign success ".dtbsr == \"$one\" and .activation == \"deferred\"")" = 2/1
# only_waits DIGEST: nothing in the store serves it: it is asked for, and waits
only_waits()
{
	local id
	begin "$1"
	id=$(waits_for "$1") && sleep 1 && [ "$(state_of "$id")" = open ] && as_operator request reject "$id" && wait $asked
	cat "$work/$1"
	grep -q '^0x200' "$work/$1"
}
three=$(digest)
must new_token "$(sad_for "$three")"
check "an exchanged SAD serves whoever has the token, and nobody else" only_waits "$three"
check "what is left of the deposited SAD is revoked" eval 'samctl sad revoke --sad - <<<"$sad"'
check "and dead" only_waits "$two"
check_fails "it is deposited no more" eval 'deposits "$sad" 2>"$work/why"'
check "for its reason" grep -q 'was revoked' "$work/why"
never=$(sad_for "$two")
check "a SAD that was never presented is revoked too" eval 'samctl sad revoke --sad - <<<"$never"'
check_fails "and taken nowhere" eval 'samctl sad inspect --sad - <<<"$never"'
check_fails "nor revoked twice" eval 'samctl sad revoke --sad - <<<"$never"'
check "both on record" test "$(recorded sad-revoke success)" = 2
two=$(digest)
sad=$(sad_for "$two")
token=$(new_token "$sad")
check "by its token" eval 'samctl sad revoke --sad - <<<"$token"'
check_fails "the SAD is dead with it" deposits "$sad"

# ---- rejected ------------------------------------------------------------------------------------
before=$(recorded request-reject success)
reject_by() # WHO...: a request that waits, rejected so; and its C_Sign ends
{
	one=$(digest)
	begin "$one"
	id=$(waits_for "$one") && "$@" request reject "$id" && wait $asked
	cat "$work/$one"
	[ "$(state_of "$id")" = rejected ] && grep -q '^0x200' "$work/$one"
}
check "an operator rejects one: C_Sign ends" reject_by as_operator
check "an officer" reject_by as_officer
check "the signer, by password" reject_by as_signer
reject_by_sad() { samctl "$@" --sad - <<<"$(sad_for "$one")"; }
check "the signer, by the SAD for it" reject_by reject_by_sad
check "request-reject is on record, four times" test "$(($(recorded request-reject success) - before))" = 4
one=$(digest)
begin "$one"
id=$(waits_for "$one")
for who in as_auditor as_administrator as_ra; do
	check_fails "${who#as_} rejects nothing" $who request reject "$id"
done
(umask 077 && echo 'mallory is no operator' >"$work/mallory.pin")
as_officer signer add eve --new-pin-source "file:$work/mallory.pin" >/dev/null
as_eve() { samctl --as eve --pin-source "file:$work/mallory.pin" "$@"; }
check "another signer sees no request of alice's" test "$(as_eve --json request list | jq length)" = 0
check_fails "nor is it shown one" as_eve request show "$id"
check_fails "nor rejects it" as_eve request reject "$id"
check_fails "the administrator sees none" as_administrator request list
check_fails "nor an SCA" samctl --as app --pin-source "file:$work/app.pin" request list
check "the auditor does" test "$(as_auditor --json request list | jq length)" -ge 1
samctl request reject "$id" --sad - <<<"$(sad_for "$one")" >/dev/null
wait $asked

# ---- what ends with its key ----------------------------------------------------------------------
one=$(digest)
begin "$one"
id=$(waits_for "$one")
must as_officer key suspend "$CREDENTIAL_EC" --reason test
wait $asked
check "the key is suspended: C_Sign ends" grep -q '^0x200' "$work/$one"
check_fails "the request is gone" as_operator request show "$id"
must as_officers key resume "$CREDENTIAL_EC"
sleep 1.1

# ---- what the outside is told --------------------------------------------------------------------
python3 - "$work/notify" >"$work/told" 2>&1 <<'X' &
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
s.settimeout(60)
print(s.recv(65536).decode(), flush=True)
X
listener=$!
for ((i = 0; i < 50; i++)); do [ ! -S "$work/notify" ] || break; sleep 0.1; done
printf 'notify: unix:%s\n' "$work/notify" >>"$demo/p11-sam.yaml"
next_policy ''
must as_operator request watch --once --state "$work/watched"
one=$(digest)
P11_SAM_LABEL='contract, page 7' begin "$one"
id=$(waits_for "$one")
wait $listener
check "notify: one datagram says it" eval 'jq -e --arg i "$id" --arg d "$one" ".id == \$i and .dtbsr == \$d and
	.label == \"contract, page 7\"" "$work/told"'
hook() { as_operator request watch --once --state "$work/watched" --exec "cat >>$work/hooked; echo >>$work/hooked"; }
check "request watch runs the command for it" hook
check "with its JSON as input" eval '[ "$(jq -r .id "$work/hooked")" = "$id" ]'
check "started anew it repeats nothing" eval 'hook && [ "$(jq -r .id "$work/hooked" | wc -l)" = 1 ]'
check_fails "the auditor does not watch" as_auditor request watch --once --state "$work/watched2"
rm "$work/notify"
must as_operator request reject "$id"
wait $asked
one=$(digest)
begin "$one"
check "where nobody listens the request is made all the same" waits_for "$one"
check "and the log says so" grep -q 'notify: .* was not told' "$demo/sam.log"
must as_operator request reject "$(id_of "$one")"
wait $asked

# ---- bounded, and over ---------------------------------------------------------------------------
next_policy 's/^  deferred_wait: .*/  deferred_wait: 0s/;s/^  deferred_expiry: .*/  deferred_expiry: 6s/'
for i in 1 2 3 4; do
	check_fails "asked for and not waited for: $i" defer "$(digest)"
done
check "four wait" test "$(as_operator --json request list | jq length)" = 4
check_fails "a fifth is refused" defer "$(digest)"
check "for its reason, as deferred_max says" test "$(recorded sign failure '.reason == "requests_full"')" = 1
sleep 6.5
check "they expire" test "$(as_operator --json request list | jq length)" = 0
must samctl maintain
check "each with its record" test "$(recorded request-expire success)" = 4
check_fails "an expired one is approved no more" eval 'id=$(as_operator --json request list --all |
	jq -r "map(select(.state == \"expired\")) | .[0].id"); d=$(as_operator --json request show "$id" | jq -r .dtbsr);
	approves "$(sad_for "$d")"'
one=$(digest)
check "a new one is asked for" answers 0x200 "$one"
id=$(id_of "$one")
check "approved," approves "$(sad_for "$one")"
check "and then rejected," as_operator request reject "$id"
check "it is not signed when it is asked for again" answers 0x200 "$one"
check "the chain verifies" audit_verifies

# ---- changed from outside ------------------------------------------------------------------------
one=$(digest)
deposits "$(sad_for "$one")" >/dev/null
for edit in 'DELETE FROM deposits' "UPDATE requests SET dtbsr = zeroblob(32)" 'UPDATE requests SET state = 2'; do
	rm -rf "$work/kept" && cp -a "$demo" "$work/kept"
	sqlite3 "$demo/state.db" "$edit" || bail "sqlite3"
	check_fails "$edit: refused" defer "$one"
	check "and doctor says so" eval 'samctl doctor 2>&1 | grep -q "store"'
	rm -rf "$demo" && cp -a "$work/kept" "$demo"
done
check "as it was before it signs" answers 0x0 "$one"
finish
