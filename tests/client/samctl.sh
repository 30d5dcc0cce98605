#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# samctl as an operator uses it: every verb, who may use it, wrong passwords and usage, valid JSON, a set-up from
# nothing, and an audit trail that was changed from outside. What changes things works on a copy of its own.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need jq sqlite3 softhsm2-util
case ${SAM_SANITIZER:-no} in
*address*) # SoftHSM 2.6.1 loses an ASN.1 string with each Ed25519 pair
	echo 'leak:libsofthsm2.so' >"$work/lsan"
	export LSAN_OPTIONS=suppressions=$work/lsan:print_suppressions=0
	export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}fast_unwind_on_malloc=0
	;;
esac
setup

. "${SAM_SRCDIR:?}/tests/client/samctl_lib.sh"
mapfile -t verbs < <("$SAMCTL" --help | awk '$0 == "Verbs:" { on = 1; next } /^$/ { on = 0 } on' |
	sed 's/^  //; s/  .*//; s/ \[\{0,1\}[A-Z].*//')

# ---- usage -------------------------------------------------------------------------------------
check "samctl --version says the version" sh -c '"$1" --version | grep -q "^samctl (p11-sam) [0-9]"' sh "$SAMCTL"
check "every verb has --help" test ${#verbs[@]} -ge 46
for verb in "${verbs[@]}"; do
	# shellcheck disable=SC2086
	check "samctl $verb --help" sh -c '"$@" | grep -q "^usage: samctl .*$0"' "$verb" "$SAMCTL" $verb --help
	# shellcheck disable=SC2086
	check "samctl $verb: an unknown option is wrong usage" usage_error samctl $verb --no-such-option
	case $verb in
	init | status | doctor | maintain | sad* | 'policy check') continue ;;
	esac
	# shellcheck disable=SC2086
	check "samctl $verb: nobody named is wrong usage" usage_error samctl $verb ${verb:+x}
done
check "no verb is wrong usage" usage_error samctl
check "an unknown verb is wrong usage" usage_error samctl frobnicate
check "an unknown verb of a group is wrong usage" usage_error samctl key frobnicate
check "a group without a verb is wrong usage" usage_error samctl key
check "too many operands are wrong usage" usage_error as_officer key list x
check "a missing operand is wrong usage" usage_error as_officer key show
check "a missing required option is wrong usage" usage_error as_officer key generate --signer alice
check "an option without its value is wrong usage" usage_error as_officer key generate --signer
check "an option given twice is wrong usage" usage_error as_officer key generate --signer a --signer b --type ed25519
check "a global option given twice is wrong usage" usage_error as_officer --as other key list
check "an unknown key type is wrong usage" usage_error as_officer key generate --signer alice --type rsa:1024
check "an invalid id is wrong usage" usage_error as_officer signer add eyJx
check "an invalid time is wrong usage" usage_error as_auditor audit list --since yesterday
check "an unknown event type is wrong usage" usage_error as_auditor audit list --type nothing
check "an unknown reason is wrong usage" usage_error as_auditor audit search --reason nothing
check "an unknown format is wrong usage" usage_error as_auditor audit list --format xml
check "a search for nothing is wrong usage" usage_error as_auditor audit search
check "no sequence number is wrong usage" usage_error as_auditor audit show -- -1
check "a signer for an auditor is wrong usage" usage_error as_officer principal add eve --role auditor --signer alice
check "without a pin source and without a terminal it is wrong usage" \
	usage_error setsid -w "$SAMCTL" --as "$SO_NAME" key list

# ---- looking -----------------------------------------------------------------------------------
check "status" exits 0 samctl status
check "status --json" json '.[0] | .level == 1 and .statements == [] and .cm.present and .cm.disabled == false and
	.registry.keys == 2' samctl status --json
check "and what a signature is authorised by" json '.[0].policy | .level == 1 and .authorisation == "sad" and
	.factors == 1 and .encrypted == false and .deferred == false and .renewal == false' samctl status --json
check "doctor finds nothing wrong" exits 0 samctl doctor
check "doctor --json" json '.[0] | .ok and (.checks | map(.check) | contains(["config", "ownership", "policy", "cm",
	"random", "mechanisms", "clock", "seal", "store", "keys", "audit", "maintain"]))' samctl --json doctor
check "signer list" json '.[0] | any(.[]; .id == "alice" and (.keys | length == 2))' as_officer --json signer list
check "signer show, as auditor" json '.[0] | .id == "alice" and .password == "first" and (.authenticators | length == 1)' \
	as_auditor --json signer show alice
check "signer show of nobody" fails_saying "no such signer" as_officer signer show nobody
check "authenticator list has public keys only" json '.[0] | length == 1 and .[0].signer == "alice" and .[0].jwk.d == null' \
	as_officer authenticator list --json
check "principal list" json '.[0] | map(.roles[]) | sort == ["administrator", "auditor", "operator",
	"ra", "security-officer", "security-officer"]' as_officer principal list --json
check "key list" json '.[0] | map(.type) | sort == ["ec:P-256", "rsa:3072"]' as_auditor key list --json
check "key show has the public key" json '.[0] | .in_cm and (.publicKey | startswith("-----BEGIN PUBLIC KEY"))' \
	as_officer key show "$CREDENTIAL_EC" --json
credential_of() { plain_openssl pkey -pubin -outform DER | plain_openssl dgst -sha256 -r | cut -c1-32; }
check "the credentialID is that of the public key" test "$CREDENTIAL_EC" = \
	"$(as_officer key show "$CREDENTIAL_EC" --json | jq -r .publicKey | credential_of)"
check "key show of no key" fails_saying "no such key" as_officer key show 00000000000000000000000000000000
check "policy show" json '.[0] | .level == 1 and (.mechanisms | length > 5) and (.keys | length > 1)' \
	as_officer policy show --json
check "policy show for people" exits 0 as_auditor policy show
for level in 1 2 3; do
	check "policy check level$level.yaml" json ".[0] | .level == $level and .encrypted == ($level == 3) and
		.factors == (if $level == 1 then 1 else 2 end)" samctl policy check "$SAM_SRCDIR/policy/level$level.yaml" --json
done
printf 'level: 9\n' >"$work/bad.yaml"
check "policy check of a bad file names the line" fails_saying 'bad.yaml:' samctl policy check "$work/bad.yaml"
check "policy check of no file" fails_saying "" samctl policy check "$work/none.yaml"
check "--config goes before the environment" fails_saying none.yaml samctl --config "$work/none.yaml" status

# ---- roles -------------------------------------------------------------------------------------
check "a wrong password is refused" refused as "$SO_NAME" wrong-password key list
check "an unknown name is refused in the same words" refused as nobody wrong-password key list
check "the auditor makes no keys" refused as_auditor key generate --signer alice --type ec:P-256
check "the auditor enrols nobody" refused as_auditor signer add eve
check "the auditor binds no device" refused as_auditor authenticator add alice --jwk "$demo/device.pub.jwk"
check "the auditor makes no principals" fails_saying "may not" \
	as_auditor principal add eve --role sca --new-pin-source "$(pin eve 'something to log in')"
check "the auditor lists no principals" refused as_auditor principal list
for verb in list verify 'show 1' 'search --type sign'; do
	# shellcheck disable=SC2086
	check "the officer has no audit ${verb%% *}" refused as_officer audit $verb
done
check "the officer changes no signer's password" refused as_officer signer passwd alice --new-pin-source "$SO_PIN_SOURCE"
alice() { samctl --as "$SIGNER" --pin-source "$SIGNER_PIN_SOURCE" "$@"; }
check "a signer has no officer's verbs" refused alice key list
check "the trail tells a wrong password" trail '.type == "admin-refused" and .reason == "password_wrong" and .actor.id == "officer"'
check "the trail tells a wrong role" trail '.type == "admin-refused" and .reason == "role" and .target == "key generate"'
check "the trail does not tell an unknown name" trail '.reason == "principal_unknown" and .actor.id == null'

# ---- the audit trail ---------------------------------------------------------------------------
check "audit list for people" exits 0 as_auditor audit list
check "audit list --json is one record a line" json 'length > 20 and map(.seq) == [range(1; length + 1)]' \
	as_auditor audit list --json
as_auditor audit list --format csv >"$work/list.csv"
check "audit list --format csv has a head and a line for each record" sh -c \
	'head -1 "$1" | grep -q "^\"seq\",\"time\"" && test "$(wc -l <"$1")" -gt 20' sh "$work/list.csv"
check "audit search by type and outcome" json 'length > 0 and all(.[]; .type == "sign" and .outcome == "success")' \
	as_auditor audit search --type sign --outcome success --json
check "audit search by signer" json 'length > 0 and all(.[]; .signer == "alice")' as_auditor audit search --signer alice --json
check "audit search by key" json "length > 0 and all(.[]; .credentialID == \"$CREDENTIAL_EC\")" \
	as_auditor audit search --credential "$CREDENTIAL_EC" --json
check "audit search by actor" json 'length > 0 and all(.[]; .actor.id == "officer")' \
	as_auditor audit search --actor officer --json
check "audit search by reason" json 'length > 0 and all(.[]; .reason == "digest_used")' \
	as_auditor audit search --reason digest_used --json
check "audit search until the past finds nothing" json 'length == 0' as_auditor audit search --until 2020-01-01 --json
check "audit search since the past finds all" json 'length > 20' as_auditor audit search --since @0 --json
jti=$(as_auditor audit search --type sign --outcome success --json | head -1 | jq -r .sad.jti)
check "audit search by jti" json "length > 0 and all(.[]; .sad.jti == \"$jti\")" as_auditor audit search --jti "$jti" --json
check "audit show for people explains" sh -c '"$@" | grep -q "set up by"' sh \
	"$SAMCTL" --as "$AUDITOR_NAME" --pin-source "$AUDITOR_PIN_SOURCE" audit show 1
check "audit show --json" json '.[0].seq == 2' as_auditor audit show 2 --json
check "audit show of no record" fails_saying "no such record" as_auditor audit show 999999
check "audit verify" json '.[0] | .verified and .records > 20' as_auditor audit verify --json
check "reading is recorded" trail '.type == "audit-read" and .target == "search until=2020-01-01" and .actor.id == "auditor"'
hash_of() # SEQ: as p11-sam-audit(5) says, with plain tools
{
	local line
	line=$(as_auditor audit show "$1" --json)
	{ printf '\0'; printf %s "${line%,\"hash\"*}"; } | sha256sum | cut -d' ' -f1
}
check "a record's hash can be had with plain tools" test "$(hash_of 5)" = "$(as_auditor audit show 5 --json | jq -r .hash)"

# ---- SADs --------------------------------------------------------------------------------------
new_sad "$CREDENTIAL_EC" --file "$work/short.txt" >"$work/sad"
check "sad inspect takes a good SAD" json '.[0] | .accepted and .claims.sub == "alice"' samctl --json sad inspect "$work/sad"
check "sad inspect --sad is the same" json '.[0].accepted' samctl --json sad inspect --sad "$work/sad"
token=$(samctl sad exchange --sad "$work/sad")
check "sad exchange gives 30 characters" test "$(tr -d 'a-z2-7' <<<"$token")" = _ -a ${#token} = 30
check "the same SAD gives the same token" test "$(samctl sad exchange - <"$work/sad")" = "$token"
check "sad exchange --json" json ".[0].token == \"$token\"" samctl --json sad exchange --sad "$work/sad"
check "neither used anything up" json '.[0].accepted' samctl sad inspect --json "$work/sad"
new_sad "$CREDENTIAL_EC" --file "$work/short.txt" --lifetime 1 >"$work/short.sad"
sleep 2
check "sad inspect says that a SAD has expired" sh -c \
	'! "$1" --json sad inspect "$2" >"$3" && jq -e ".reason == \"sad_expired\" and .claims.sub == \"alice\"" "$3"' sh \
	"$SAMCTL" "$work/short.sad" "$work/out"
check "sad exchange of an expired SAD" fails_saying expired samctl sad exchange --sad "$work/short.sad"
printf 'eyJhbGciOiJub25lIn0.e30.' >"$work/none.sad"
check "sad inspect of no SAD" exits 1 samctl sad inspect "$work/none.sad"
check "sad exchange of no SAD" exits 1 samctl sad exchange "$work/none.sad"
check "sad exchange of no file" exits 1 samctl sad exchange --sad "$work/no.such.file"
check "sad exchange of nothing is wrong usage" usage_error samctl sad exchange
check "sad inspect is not recorded, an exchange is" trail '.type == "sad-exchange" and .outcome == "failure" and .reason == "sad_expired"'

# ---- the protected path ------------------------------------------------------------------------
fresh path
sed -i '/^protected_path:/d' "$demo/p11-sam.yaml" && echo 'protected_path: true' >>"$demo/p11-sam.yaml" && signed
login_notes()
{
	samctl --json doctor |
		jq -e ".ok and ([.checks[] | select(.check == \"login\" and .state == \"note\")] | length == $1)"
}
check "doctor warns of the protected path where the policy does not defer" login_notes 1
next_policy 's/^sap:$/&\n  deferred: true/'
check "and is content where it does" login_notes 0
check "which status says" json '.[0].policy.deferred' samctl status --json

# ---- enrolling ---------------------------------------------------------------------------------
fresh enrol
bob=$(pin bob 'the first of all')
check "signer add" exits 0 as_officer signer add bob --name "Bob" --subject "CN=Bob" --new-pin-source "$bob"
check "signer add again is refused" fails_saying "already" as_officer signer add bob
check "signer add under a principal's name is refused" fails_saying "already" as_officer signer add officer
check "principal add under a signer's name is refused" \
	fails_saying "already" as_officer principal add bob --role sca --new-pin-source "$bob"
check "a weak password is refused" fails_saying "8 to 128" as_officer signer add weak --new-pin-source "$(pin weak short)"
chmod 644 "$work/bob.pin"
check "a password that others may read is refused" fails_saying "chmod" as_officer signer add x --new-pin-source "$bob"
chmod 600 "$work/bob.pin"
check "signer passwd with the wrong old one" \
	refused as bob 'not the first one' signer passwd bob --new-pin-source "$(pin bob2 'one of my own choice')"
check "signer passwd of another" fails_saying "may not" \
	as bob 'the first of all' signer passwd alice --new-pin-source "file:$work/bob2.pin"
check "signer passwd with the old one again" fails_saying "old one" \
	as bob 'the first of all' signer passwd bob --new-pin-source "$bob"
check "signer passwd" exits 0 as bob 'the first of all' signer passwd bob --new-pin-source "file:$work/bob2.pin"
check "where no login authorises that makes it no authenticator" json '.[0].password == "first"' as_officer signer show bob --json
check "the first one is no good any more" \
	refused as bob 'the first of all' signer passwd bob --new-pin-source "$(pin bob3 'and yet another one')"
"$SADTOOL" keygen --alg EdDSA --out "$work/bob.jwk" --public "$work/bob.pub.jwk" >/dev/null
check "authenticator add without a proof" fails_saying "proof of possession" \
	as_officers authenticator add bob --jwk "$work/bob.pub.jwk"
check "authenticator add" json '.[0].signer == "bob"' enrol bob "$work/bob.jwk" "$work/bob.pub.jwk" --json
check "authenticator add again is refused" fails_saying already enrol bob "$work/bob.jwk" "$work/bob.pub.jwk"
check "a device is one signer's" fails_saying "another person's" enrol alice "$work/bob.jwk" "$work/bob.pub.jwk"
"$SADTOOL" keygen --alg ES384 --out "$work/bob2.jwk" >/dev/null
check "authenticator add warns of a private key" eval \
	'enrol bob "$work/bob2.jwk" "$work/bob2.jwk" 2>&1 | grep -q "private key"'
check "and keeps the public part alone" json '.[0] | length == 3 and all(.[]; .jwk.d == null)' \
	as_officer authenticator list --json
check "the store has no private key" sh -c '! grep -aq "$(jq -r .d "$1")" "$2"/state.db*' sh "$work/bob2.jwk" "$demo"
check "authenticator add for nobody" fails_saying "no such" enrol nobody "$work/bob.jwk" "$work/bob.pub.jwk"
printf '{"kty":"oct","k":"AAAA"}' >"$work/oct.jwk"
check "authenticator add of a secret key" exits 1 as_officers authenticator add bob --jwk "$work/oct.jwk"
check "authenticator add of no JWK" exits 1 as_officers authenticator add bob --jwk "$work/short.txt"
check "authenticator add of nothing is wrong usage" usage_error as_officers authenticator add bob
for type in rsa:2048 rsa:3072 rsa:4096 ec:P-256 ec:P-384 ec:P-521 ed25519; do
	as_officer policy show --json | jq -e --arg t "${type%%:*}" 'any(.keys[]; .type == $t)' >/dev/null || continue
	if as_officer key generate --signer bob --type "$type" --label "bob $type" --json >"$work/out" 2>"$work/err"; then
		id=$(jq -r .credentialID "$work/out")
		check "key generate --type $type" json ".[0] | .type == \"$type\" and .label == \"bob $type\" and .in_cm" \
			as_officer key show "$id" --json
	else
		check "key generate --type $type is refused for a reason" grep -q '^samctl: key generate: ' "$work/err"
	fi
done
check "key generate prints the credentialID" sh -c '"$@" | grep -qx "[0-9a-f]\{32\}"' sh \
	"$SAMCTL" --as "$SO_NAME" --pin-source "$SO_PIN_SOURCE" key generate --signer bob --type ec:P-256
check "key generate for nobody" fails_saying "no such" as_officer key generate --signer nobody --type ec:P-256
check "principal add" exits 0 as_officer principal add portal --role sca --signer alice --signer bob --signer bob \
	--new-pin-source "$(pin portal 'a secret of theirs')"
check "principal add again is refused" \
	fails_saying already as_officer principal add portal --role sca --new-pin-source "file:$work/portal.pin"
check "principal add with an unknown signer" fails_saying "no such" \
	as_officer principal add portal2 --role sca --signer nobody --new-pin-source "file:$work/portal.pin"
check "an SCA has its signers, each once" json '.[0] | any(.[]; .name == "portal" and .signers == ["alice", "bob"])' \
	as_officer principal list --json
check "an SCA has no administrator's verbs" refused as portal 'a secret of theirs' key list
printf '{"id":"carla","name":"Carla"}\n\n{"id":"dora","pin_source":"%s"}\n' "$bob" >"$work/batch"
check "signer add --batch" json '.[0].signers == ["carla", "dora"]' as_officer signer add --batch "$work/batch" --json
printf '{"id":"emil"}\n{"id":"frida","role":"officer"}\n' >"$work/batch"
check "a bad line is named" fails_saying "line 2" as_officer signer add --batch "$work/batch"
check "and then no signer was added" fails_saying "no such" as_officer signer show emil
check "--batch stands alone" usage_error as_officer signer add x --batch "$work/batch"
check "the trail tells each" trail '.type == "signer-add" and .signer == "dora" and .actor.id == "officer"'
check "the trail tells each refusal" trail '.type == "admin-refused" and .reason == "exists"'
check "maintain" json '.[0].swept >= 0' samctl maintain --json
check "maintain is recorded" trail '.type == "maintain" and .actor.kind == "process"'
check "no password is in the store or the log" sh -c \
	'! grep -aqE "the first of all|one of my own choice|and yet another one|a secret of theirs" "$1"/state.db* "$1"/*.log' sh "$demo"
check "doctor is content" exits 0 samctl doctor
check "the trail verifies" exits 0 as_auditor audit verify

# ---- at a terminal -----------------------------------------------------------------------------
# terminal TEXT COMMAND...: run it with a terminal of its own and type TEXT there.
terminal()
{
	local text=$1
	shift
	: >"$work/terminal"
	# what is typed before the prompt is thrown away
	(
		for _ in $(seq 200); do
			grep -q ': ' "$work/terminal" && break
			sleep 0.1
		done
		printf '%b' "$text"
		sleep 3
	) | timeout 60 script -qefc "$(printf '%q ' "$@")" /dev/null >"$work/terminal" 2>&1
}
if script -qec true /dev/null >/dev/null 2>&1; then
	secret=$(cat "${SO_PIN_SOURCE#file:}")
	check "a password can be typed" terminal "$secret\\n" "$SAMCTL" --as "$SO_NAME" key list
	check "what is typed is not shown" sh -c 'grep -q CREDENTIALID "$1" && ! grep -qF "$2" "$1"' sh "$work/terminal" "$secret"
	check "tty: asks too, and can be corrected" terminal "wrong\\0025$secret\\n" "$SAMCTL" --as "$SO_NAME" --pin-source tty: key list
	check_fails "a wrong one is refused" terminal "wrong-password\\n" "$SAMCTL" --as "$SO_NAME" key list
	check_fails "^C gives up" terminal "\\0003" "$SAMCTL" --as "$SO_NAME" key list
else
	skip "a password can be typed" "no script(1), or no pseudo-terminals here"
fi

# ---- from nothing ------------------------------------------------------------------------------
fresh anew
rm -f "$demo"/state.db*
init() { samctl init --officer carol --officer-pin-source "$SO_PIN_SOURCE" --auditor dave --auditor-pin-source "$AUDITOR_PIN_SOURCE" "$@"; }
check "status without a store says what to do" fails_saying "samctl init" samctl status
check "init refuses a sealing key without a store, and names it" fails_saying "p11-sam seal" init
check "and makes none" test ! -e "$demo/state.db"
rm -rf "$demo"/tokens/*
softhsm2-util --init-token --free --label "$CM_TOKEN" --so-pin "$(cat "$demo/cm.so-pin")" --pin "$(cat "$CM_PIN_FILE")" >/dev/null
check "status in a CM without a seal" exits 1 samctl status
# The three passwords take the longest, after the store is there: killed then, there are too few principals.
"$SAMCTL" init --officer carol --officer-pin-source "$SO_PIN_SOURCE" --auditor dave \
	--auditor-pin-source "$AUDITOR_PIN_SOURCE" >/dev/null 2>&1 &
pid=$!
for ((i = 0; i < 2000; i++)); do
	[ -e "$demo/state.db" ] && break
	sleep 0.005
done
kill -9 $pid
wait $pid 2>/dev/null
check "init that was killed is named as such" fails_saying "interrupted" init
check "doctor names it too" exits 1 samctl doctor
rm -rf "$demo"/state.db* "$demo"/tokens/*
softhsm2-util --init-token --free --label "$CM_TOKEN" --so-pin "$(cat "$demo/cm.so-pin")" --pin "$(cat "$CM_PIN_FILE")" >/dev/null
check "init needs officers" usage_error samctl init --auditor dave --auditor-pin-source "$AUDITOR_PIN_SOURCE"
check "init takes two officers at most" usage_error init --officer x --officer-pin-source "$SO_PIN_SOURCE" \
	--officer y --officer-pin-source "$SO_PIN_SOURCE"
check "the auditor is no officer" usage_error samctl init --officer dave --officer-pin-source "$SO_PIN_SOURCE" \
	--auditor dave --auditor-pin-source "$AUDITOR_PIN_SOURCE"
check "each officer has a pin source" usage_error init --officer x
check "a weak password stops init before anything is made" fails_saying "8 to 128" samctl init --officer carol \
	--officer-pin-source "$(pin weak short)" --auditor dave --auditor-pin-source "$AUDITOR_PIN_SOURCE"
check "init" json '.[0] | .level == 1 and (.principals | length == 3)' init --officer erin --officer-pin-source "$SO_PIN_SOURCE" --json
SO_NAME=carol AUDITOR_NAME=dave
check "init again is refused" fails_saying "already" init
check "both officers can work" json '.[0] | map(.name) == ["carol", "dave", "erin"]' \
	samctl --as erin --pin-source "$SO_PIN_SOURCE" principal list --json
check "the set-up is recorded first" sh -c '"$@" | jq -e ".type == \"init\" and .actor.kind == \"process\""' sh \
	"$SAMCTL" --as dave --pin-source "$AUDITOR_PIN_SOURCE" audit show 1 --json
check "the new trail verifies" exits 0 as_auditor audit verify

# ---- a policy or files that are not what they were ---------------------------------------------
fresh policy
echo '# changed' >>"$demo/policy.yaml"
check "a changed policy is refused" fails_saying "changed after it was signed" samctl status
check "doctor names the changed policy" sh -c '! "$1" doctor --json >"$2" && jq -e "any(.checks[]; .check == \"signature\" and .state == \"problem\")" "$2"' \
	sh "$SAMCTL" "$work/out"
fresh doctor
chmod 644 "$CM_PIN_FILE"
check "doctor goes on where the CM cannot be had" sh -c \
	'! "$1" doctor --json >"$2" && jq -e "any(.checks[]; .check == \"cm\" and .state == \"problem\") and any(.checks[]; .check == \"clock\")" "$2"' \
	sh "$SAMCTL" "$work/out"
chmod 600 "$CM_PIN_FILE"
chmod 666 "$demo/p11-sam.yaml"
check "doctor names a configuration that others may write" fails_saying "" sh -c '"$1" doctor; "$1" status' sh "$SAMCTL"
fresh missing
rm -rf "$demo"/tokens/*/*
check "doctor without a token" exits 1 samctl doctor

# ---- a trail that was changed from outside -----------------------------------------------------
# tampered NAME SQL WORDS: the SQL is run on a copy; audit verify must fail with these words.
tampered()
{
	fresh "tamper.$1"
	sqlite3 "$demo/state.db" "$2" >"$work/sql" 2>&1 || { not_ok "audit verify finds: $1" "$work/sql"; return; }
	check "audit verify finds: $1" fails_saying "$3" as_auditor audit verify
}
sample=5
tampered "edited byte" "UPDATE audit SET line = replace(line, '\"class\":\"', '\"class\":\"x') WHERE seq = $sample" "record $sample: "
check "and that is an alert in the trail" trail '.type == "integrity" and .class == "alert" and .outcome == "failure"'
tampered "first removed" "DELETE FROM audit WHERE seq = 1" "record 1: "
tampered "middle removed" "DELETE FROM audit WHERE seq = $sample" "record $sample: "
tampered "swapped" "UPDATE audit SET seq = 9999 WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = 5;
	UPDATE audit SET seq = 5 WHERE seq = 9999" "record 4: "
tampered "column edited" "UPDATE audit SET outcome = 'failure' WHERE seq = 3" "record 3: "
tampered "last removed" "DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)" "newest record"
tampered "inserted at the end" "INSERT INTO audit SELECT seq + 1, time_us, type, outcome, reason, signer, actor,
	credential, jti, line, hash FROM audit ORDER BY seq DESC LIMIT 1" "newest record"
fresh "tamper.json"
sqlite3 "$demo/state.db" "UPDATE audit SET hash = zeroblob(32) WHERE seq = 3" >"$work/sql" 2>&1
check "audit verify --json says so too" sh -c '! "$@" >"$0" 2>/dev/null && jq -e ".verified == false and .records == 3" "$0"' "$work/out" \
	"$SAMCTL" --json --as "$AUDITOR_NAME" --pin-source "$AUDITOR_PIN_SOURCE" audit verify
fresh "tamper.grants"
sqlite3 "$demo/state.db" "DELETE FROM grants WHERE kind = (SELECT kind FROM grants LIMIT 1)" >"$work/sql" 2>&1
check "a removed row of the registry shuts everything" exits 1 as_officer key list
check "doctor finds it" exits 1 samctl doctor

# ---- output to nowhere -------------------------------------------------------------------------
demo=$original
. "$demo/env"
check "a full disk at standard output is told" sh -c '! "$1" status >/dev/full' sh "$SAMCTL"
finish
