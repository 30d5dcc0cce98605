#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# samctl's acts on people and on what the SAM goes by: done by one person, by two at once, by two one after the
# other, or by the signer's own SAD; each with its exit status, message, JSON and record.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need jq
setup
. "${SAM_SRCDIR:?}/tests/client/samctl_lib.sh"
openssl dgst -sha256 -binary -out "$work/short.sha256" "$work/short.txt"

# ---- words for this script ---------------------------------------------------------------------
keygen() { "$SADTOOL" keygen --alg ES256 --out "$work/$1.jwk" --public "$work/$1.pub.jwk" >/dev/null; }
# kid NAME: RFC 7638, with plain tools.
kid() { jq -cSj '{crv,kty,x,y}' "$work/$1.pub.jwk" | openssl dgst -sha256 -binary | openssl base64 | tr '+/' '-_' | tr -d =; }
# order OPERATION PARAMS [KEY]: the signer's SAD for it in $work/order; made in another second than the last
# change, which ended all that was made before.
order()
{
	sleep 1.1
	"$SADTOOL" new --key "${3:-$DEVICE_KEY}" --signer "$SIGNER" --aud "$SAM_ID" --operation "$1" --params "$2" >"$work/order"
}
# assert_act NAME WORD...: NAME's device key asserts this command; in $work/assertion.
assert_act()
{
	local name=$1
	shift
	"$SADTOOL" assert --key "$work/$name.jwk" --name "$name" --aud "$SAM_ID" -- "$@" >"$work/assertion"
}
sign() # SAD
{
	rm -f "$work/sig"
	SAM_TEST_PIN=$1 application pkcs11-tool --module "$P11_SAM_MODULE" --login --pin env:SAM_TEST_PIN --sign \
		--id "$CREDENTIAL_EC" --mechanism ECDSA --input-file "$work/short.sha256" --output-file "$work/sig"
}
refuses() { ! sign "$1" && [ ! -s "$work/sig" ]; }
state_is() { [ "$(as_officer --json signer show "$SIGNER" | jq -r .state)" = "$1" ]; }

# ---- usage -------------------------------------------------------------------------------------
check "--sad stands for the signer: no --as" usage_error as_officer signer resume alice --sad "$work/order"
check "password and assertion exclude each other" usage_error as_officer --assertion "$work/order" signer resume alice
check "a second one's password and assertion too" usage_error as_officers --second-assertion "$work/order" signer resume alice
check "pending confirm needs an id" usage_error as_officer2 pending confirm
check "authenticator remove needs to know what" usage_error as_officer authenticator remove alice
check "--kid and --pin are two things" usage_error as_officer authenticator remove alice --pin --kid x
check "a PIN needs no proof" usage_error as_officer authenticator add alice --new-pin-source "$SO_PIN_SOURCE" --proof x
check "an unknown role is wrong usage" usage_error as_officer principal add x --role king --new-pin-source "$SO_PIN_SOURCE"
check "nobody is made a signer that way" usage_error as_officer principal add x --role signer --new-pin-source "$SO_PIN_SOURCE"
check "only an SCA has a uid" usage_error as_officer principal add x --role ra --uid 1 --new-pin-source "$SO_PIN_SOURCE"
check "the second person's password is asked for too" refused samctl --as "$SO_NAME" --pin-source "$SO_PIN_SOURCE" \
	--second "$SO2_NAME" --second-pin-source "$SO_PIN_SOURCE" signer resume alice

# ---- stopping a signer, and going on -----------------------------------------------------------
check "nothing waits" json '.[0] == []' as_officer --json pending list
check "the operator suspends" json '.[0] | .signer == "alice" and .state == "suspended"' \
	as_operator --json signer suspend alice --reason 'device lost'
check "it is so" state_is suspended
check "nothing is signed then" refuses "$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt")"
check "nobody logs in then" refused as_signer signer passwd alice --new-pin-source "$SO_PIN_SOURCE"
check "suspended is suspended" fails_saying "so already" as_officer signer suspend alice
check "the operator does not resume" refused as_operator signer resume alice
check "one officer's resuming waits, and it is said how it is confirmed" eval \
	'as_officer signer resume alice | grep -q "pending confirm"'
check "begun again" waits "signer resume" as_officer signer resume alice
id=$pending
check "it takes the place of the first" json ".[0] | length == 1 and any(.[]; .id == \"$id\" and .act == \"signer resume\" and .by == \"officer\"
	and .confirmed_by == [\"security-officer\"] and .what.id == \"alice\")" as_officer2 --json pending list
check "pending list for people" exits 0 as_auditor pending list
check "the same officer does not confirm" fails_saying "second person" as_officer pending confirm "$id"
check "an operator does not confirm" fails_saying "second person" as_operator pending confirm "$id"
check "an RA does not confirm that" fails_saying "second person" as_ra pending confirm "$id"
check "still suspended" state_is suspended
check "another officer does" json ".[0] | .pending == \"$id\" and .act == \"signer resume\" and .state == \"confirmed\"" \
	as_officer2 --json pending confirm "$id"
check "resumed" state_is active
check "once" fails_saying "no such" as_officer2 pending confirm "$id"
check "the trail names both" trail ".type == \"signer-resume\" and .actor.id == \"officer\" and .reference == \"$id\""
check "each in a record" trail ".type == \"confirm\" and .actor.id == \"officer2\" and .reference == \"$id\""
check "the trail has the reason" trail '.type == "signer-suspend" and .actor.role == "operator"'
as_officer signer suspend alice >/dev/null
check "another resuming waits" waits "signer resume" as_officer signer resume alice
as_officers signer resume alice >/dev/null
check "what has become of it is looked at again" fails_saying "so already" as_officer2 pending confirm "$pending"
check "an operator does not cancel it" fails_saying "may not" as_operator pending cancel "$pending"
check "who began it does" json '.[0].state == "cancelled"' as_officer --json pending cancel "$pending"
check "then nothing waits" json '.[0] == []' as_officer --json pending list
check "pending cancel of nothing" fails_saying "no such" as_officer pending cancel aaaaaaaaaaaaa
as_officer signer suspend alice >/dev/null
check "the same officer twice is one" fails_saying "second person" as_officer --second "$SO_NAME" \
	--second-pin-source "$SO_PIN_SOURCE" signer resume alice
check "two officers at once resume" json '.[0] | .state == "resumed"' as_officers --json signer resume alice
order suspend '{"reason":"I lost it"}'
check "the signer's SAD suspends" json '.[0].state == "suspended"' samctl --json signer suspend alice --sad "$work/order"
check "with the reason that it gives" trail '.type == "signer-suspend" and .actor.kind == "signer" and .sad.jti != null'
order resume '{}'
cp "$work/order" "$work/resume"
check "another operation's SAD does not resume" fails_saying "suspended" \
	eval 'order suspend "{}"; samctl signer resume alice --sad "$work/order"'
check "the signer's SAD resumes" eval 'samctl signer resume alice --sad - <"$work/resume"'
as_officer signer suspend alice >/dev/null
check "not twice" exits 1 samctl signer resume alice --sad "$work/resume"
check "still suspended" state_is suspended
check "the refusal is recorded" trail '.type == "admin-refused" and .target == "signer resume" and .reason == "sad_old"'
as_officers signer resume alice >/dev/null
check "a SAD that orders signs nothing" eval 'order suspend "{}"; refuses "$(cat "$work/order")"'
check "a SAD that signs orders nothing" fails_saying authorization_details eval 'new_sad "$CREDENTIAL_EC" --file "$work/short.txt" >"$work/signing"
	samctl signer suspend alice --sad "$work/signing"'

# ---- authenticators ----------------------------------------------------------------------------
for name in second third officer; do keygen $name; done
prove alice "$work/second.jwk"
check "one officer's new device waits" waits "authenticator add" \
	as_officer authenticator add alice --jwk "$work/second.pub.jwk" --proof "$work/enrol.proof"
check "it is none yet" json '.[0] | length == 1' as_officer --json authenticator list
check "an RA does not confirm a later one" fails_saying "second person" as_ra pending confirm "$pending"
check "another officer does" exits 0 as_officer2 pending confirm "$pending"
check "now there are two" json ".[0] | map(.kid) | contains([\"$(kid second)\"])" as_officer --json authenticator list
check "it was an alert" trail '.type == "authenticator-change" and .class == "alert" and .signer == "alice"'
check "the proof is used up" fails_saying "" as_officers authenticator add alice --jwk "$work/second.pub.jwk" --proof "$work/enrol.proof"
prove alice "$work/third.jwk"
order authenticator "{\"act\":\"replace\",\"jkt\":\"$(kid third)\"}"
check "of two, a SAD does not say which goes" fails_saying "which goes" samctl authenticator replace alice \
	--kid "$(kid second)" --jwk "$work/third.pub.jwk" --proof "$work/enrol.proof" --sad "$work/order"
check "two officers say it by --kid" fails_saying "which goes" as_officers authenticator replace alice \
	--jwk "$work/third.pub.jwk" --proof "$work/enrol.proof"
check "two officers replace it" json ".[0].kid == \"$(kid third)\"" as_officers --json authenticator replace alice \
	--kid "$(kid second)" --jwk "$work/third.pub.jwk" --proof "$work/enrol.proof"
order authenticator "{\"act\":\"remove\",\"jkt\":\"$(kid second)\"}"
check "a SAD that names another key removes none" fails_saying "another operation" \
	samctl authenticator remove alice --kid "$(kid third)" --sad "$work/order"
order authenticator "{\"act\":\"remove\",\"jkt\":\"$(kid third)\"}"
check "the signer's SAD removes" json ".[0].kid == \"$(kid third)\"" samctl --json authenticator remove alice \
	--jwk "$work/third.pub.jwk" --sad "$work/order"
check "it is gone" fails_saying "no such" as_officers authenticator remove alice --kid "$(kid third)"
prove alice "$work/second.jwk"
order authenticator "{\"act\":\"replace\",\"jkt\":\"$(kid third)\"}"
check "a SAD that names another key replaces none" fails_saying "another operation" samctl authenticator replace alice \
	--jwk "$work/second.pub.jwk" --proof "$work/enrol.proof" --sad "$work/order"
order authenticator "{\"act\":\"replace\",\"jkt\":\"$(kid second)\"}"
check "the signer's SAD replaces the only one" json ".[0].kid == \"$(kid second)\"" samctl --json authenticator \
	replace alice --jwk "$work/second.pub.jwk" --proof "$work/enrol.proof" --sad "$work/order"
sleep 1.1
check "the device that went signs nothing" refuses "$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt")"
DEVICE_KEY=$work/second.jwk
check "the one that came does" sign "$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt")"
check "a PIN that is a row is refused" fails_saying "row of them" as_officers authenticator add alice \
	--new-pin-source "$(pin knowledge 123456)"
check "a PIN is set" json '.[0].pin' as_officers --json authenticator add alice --new-pin-source "$(pin knowledge 271828)"
check "signer show says that there is one" json '.[0].pin' as_officer --json signer show alice
check "nobody puts another in its place" fails_saying "only the signer" as_officers authenticator add alice \
	--new-pin-source "$(pin knowledge 314159)"
check "two officers clear it" exits 0 as_officers authenticator remove alice --pin
check "there is none then" fails_saying "no such" as_officers authenticator remove alice --pin
check "who is not locked is not unlocked" fails_saying "so already" as_officers signer unlock alice
lock_out alice
order authenticator '{"act":"unlock"}'
check "the signer's SAD unlocks" exits 0 samctl signer unlock alice --sad "$work/order"
lock_out alice
check "an officer's unlocking waits" waits "signer unlock" as_officer signer unlock alice
as_officer pending cancel "$pending" >/dev/null

# ---- principals and roles ----------------------------------------------------------------------
check "one officer's new administrator waits" waits "principal add trusted" \
	as_officer principal add adam --role administrator --new-pin-source "$(pin adam 'first of the admin')"
check "no hash of a password is shown" eval \
	'as_officer2 --json pending list | jq -e ".[0].what.name == \"adam\"" && ! as_officer2 --json pending list | grep -q scrypt'
check "another officer confirms" exits 0 as_officer2 pending confirm "$pending"
check "the new one works" json '.[0].state == "enabled"' as adam 'first of the admin' --json cm show
check "principal passwd of another" fails_saying "may not" as adam 'first of the admin' principal passwd operator \
	--new-pin-source "$(pin own 'my own password')"
check "principal passwd with the old one again" fails_saying "old one" as adam 'first of the admin' principal passwd adam \
	--new-pin-source "file:$work/adam.pin"
check "principal passwd" json '.[0].principal == "adam"' as adam 'first of the admin' --json principal passwd adam \
	--new-pin-source "file:$work/own.pin"
check "the first one is none any more" refused as adam 'first of the admin' cm show
for attempt in 1 2 3 4 5; do as adam "a wrong one $attempt" cm show >/dev/null 2>&1; done
check "five wrong ones lock" json '.[0] | any(.[]; .name == "adam" and .state == "locked")' as_officer --json principal list
check "who is locked is told" fails_saying "too many" as adam 'my own password' cm show
check "a lock is an alert" trail '.type == "lock" and .class == "alert" and .target == "adam"'
check "an officer's unlocking waits: alone one could guess on" waits "principal unlock trusted" as_officer principal unlock adam
check "officer and operator unlock" exits 0 as_operator pending confirm "$pending"
check "unlocked" exits 0 as adam 'my own password' cm show
check "one person is not administrator and operator" fails_saying "P1-7.1.1.4" as_officers role grant adam --role operator
check "nor officer" fails_saying "P1-7.1.1.7" as_officers role grant adam --role security-officer
check "an RA may be a CA" waits "role grant" as_officer role grant ra --role ca
check "confirmed" exits 0 as_officer2 pending confirm "$pending"
check "role list says so" json '.[0] | any(.[]; .role == "ca" and .principals == ["ra"] and (.acts | length > 0))' \
	as_auditor --json role list
check "granted is granted" fails_saying "so already" as_officers role grant ra --role ca
check "one officer takes a role" json '.[0] | .principal == "ra" and .role == "ca"' as_officer --json role revoke ra --role ca
check "but not the last" fails_saying "no role left" as_officer role revoke ra --role ra
check "nor the auditor's" fails_saying "" as_officers role revoke auditor --role auditor
check "the last auditor stays" fails_saying "too few left" as_officers principal remove auditor
check "two officers stay" fails_saying "too few left" as_officers principal remove officer2
check "one officer's removing waits" waits "principal remove" as_officer principal remove adam
check "confirmed, it is done" exits 0 as_officer2 pending confirm "$pending"
check "gone" refused as adam 'my own password' cm show
check "a name is never given again" fails_saying "never given again" as_officers principal add adam --role operator \
	--new-pin-source "file:$work/adam.pin"
check "principal remove of nobody" fails_saying "no such" as_officers principal remove nobody

# ---- device keys of principals -----------------------------------------------------------------
check "one's device key waits for an officer" waits "principal device" \
	as_officer principal device officer --jwk "$work/officer.pub.jwk"
check "another one" exits 0 as_officer2 pending confirm "$pending"
sleep 1.1
check "a signer's device is no principal's" fails_saying "another person's" \
	as_operator --second "$SO_NAME" --second-pin-source "$SO_PIN_SOURCE" principal device operator --jwk "$work/second.pub.jwk"
assert_act officer signer suspend alice --reason 'by device'
by_device() { samctl --as officer --assertion "$work/assertion" "$@"; }
check "an assertion is for its own words" refused by_device signer suspend alice --reason 'by another'
check "it takes the place of the password" json '.[0].state == "suspended"' by_device --json signer suspend alice --reason 'by device'
check "once" refused by_device signer suspend alice --reason 'by device'
check "the trail tells that" trail '.reason == "assertion" and .actor.id == "officer"'
assert_act officer signer resume alice
check "the second person may assert too" json '.[0].state == "resumed"' as_officer2 --json --second officer \
	--second-assertion "$work/assertion" signer resume alice
cp "$work/third.pub.jwk" "$work/named.jwk"
prove alice "$work/third.jwk"
assert_act officer authenticator add alice --jwk "$work/named.jwk" --proof "$work/enrol.proof"
cp "$work/officer.pub.jwk" "$work/named.jwk"
check "the files that it names are those of then" exits 1 by_device authenticator add alice --jwk "$work/named.jwk" \
	--proof "$work/enrol.proof"

# ---- policy and configuration ------------------------------------------------------------------
check "the same policy is signed again" json '.[0] | .version == 1 and .level == 1' as_officer --json policy sign "$demo/policy.yaml"
sed 's/^version: .*/version: 2/' "$demo/policy.yaml" >"$work/next.yaml"
echo '# one more line' >>"$work/next.yaml"
sed 's/^version: .*/version: 1/' "$work/next.yaml" >"$work/same.yaml"
check "another of the same version is refused" fails_saying "count it up" as_officer policy sign "$work/same.yaml"
check "the auditor signs none" refused as_auditor policy sign "$work/next.yaml"
check "a draft from elsewhere comes into force" json '.[0].version == 2' as_officer --json policy sign "$work/next.yaml"
check "in its place" cmp "$work/next.yaml" "$demo/policy.yaml"
check "policy show has it" json '.[0].version == 2' as_officer --json policy show
check "an older one does not come back" fails_saying "count it up" as_officer policy sign "$work/same.yaml"
check "nor a broken one" fails_saying "short.txt" as_officer policy sign "$work/short.txt"
sed -i 's/^version: .*/version: 3/' "$work/next.yaml"
"$SADTOOL" policy --key "$work/officer.jwk" --name officer --aud "$SAM_ID" --policy "$work/next.yaml" --config "$P11_SAM_CONFIG" \
	>"$work/assertion"
check "a device key's signature is no other policy's" exits 1 by_device policy sign "$demo/policy.yaml"
check "an officer's device key signs" json '.[0].version == 3' by_device --json policy sign "$work/next.yaml"
check "its signature lies beside the policy" cmp "$work/assertion" "$demo/policy.yaml.jws"
sleep 1.1 # a SAD of the second of a change is refused
check "a SAD is signed under it" sign "$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt")"
echo '# one more line' >>"$P11_SAM_CONFIG"
check "a changed configuration is refused" fails_saying "configuration" samctl status
check "signed, it is taken" exits 0 as_officer policy sign "$demo/policy.yaml"
check "then it works" exits 0 samctl status

# ---- the CM ------------------------------------------------------------------------------------
check "one operator's stop waits" waits "cm disable" as_operator cm disable --reason 'a new card'
check "an administrator confirms" exits 0 as_administrator pending confirm "$pending"
for who in officer administrator operator auditor; do
	check "the $who sees that the CM is disabled" json '.[0].state == "disabled"' as_$who --json cm show
done
sad=$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt")
check "nothing is signed" refuses "$sad"
check "disabled is disabled" fails_saying "so already" as_officers cm disable
check "two enable it" json '.[0].cm == "enabled"' as_officers --json cm enable
check "then it signs" sign "$sad"

# ---- removing a signer -------------------------------------------------------------------------
check "signer remove waits" waits "signer remove" as_officer signer remove alice
check "confirmed, it is done" exits 0 as_officer2 pending confirm "$pending"
check "keys and devices are gone" json '.[0] == []' as_officer --json key list
check "an id is never given again" fails_saying "never given again" as_officer signer add alice
check "each key's end is recorded" trail ".type == \"key-destroy\" and .credentialID == \"$CREDENTIAL_EC\""
check "nothing is signed" refuses "$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt")"
check "doctor is content" exits 0 samctl doctor
check "the trail verifies" audit_verifies
finish
