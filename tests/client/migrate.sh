#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Set-ups that versions 0.1.0, 0.2.0 and 0.3.0 made (tests/fixtures/store-v1.tar.xz, -v2 and -v3: tools/quickstart --keep,
# their paths taken out) under this version: what was there is there, officers sign a policy, it signs; interrupted it is the
# old or the new one, and what is newer than the program is left alone.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need pkcs11-tool sqlite3 xz jq
[ "$(date +%s)" -gt 1795869329 ] || skip_all "the clock is behind the fixture's"

for CM_MODULE in /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so; do
	[ -e "$CM_MODULE" ] && break
done
[ -e "$CM_MODULE" ] || skip_all "SoftHSM (softhsm2) is not installed"
umask 077
demo=$work/demo
SAMCTL=$SAM_BUILDDIR/tools/samctl
SADTOOL=$SAM_BUILDDIR/tools/sadtool
export P11_SAM_MODULE=$SAM_BUILDDIR/.libs/p11-sam.so CM_MODULE SAMCTL SADTOOL

newest=4
# unpack N: the set-up with the store of version N, into $work/vN; its names into the environment
unpack()
{
	tar -C "$work" --no-same-owner -xJf "$SAM_SRCDIR/tests/fixtures/store-v$1.tar.xz" ||
		bail "the fixture cannot be unpacked"
	mv "$work/store-v$1" "$work/v$1"
	sed -i "s,@DIR@,$demo,g; s,@CM@,$CM_MODULE,; s,^user: .*,user: $(id -un)," "$work/v$1/env" \
		"$work/v$1/p11-sam.yaml" "$work/v$1/softhsm2.conf"
	. "$work/v$1/env"
}
unpack 1
# next: this version's policy, counted up
next() { sed 's/^version: 1 /version: 2 /' "$SAM_SRCDIR/policy/level1.yaml" >"$demo/policy.yaml"; }
# fresh N: the set-up as that version left it
fresh() { rm -rf "$demo" && cp -a "$work/v$1" "$demo"; }
# look SQL [DIR]: into a copy of the store: nobody opens the live one with another program
look()
{
	rm -rf "$work/look" && mkdir "$work/look" && cp "${2:-$demo}"/state.db "${2:-$demo}"/state.db-wal "$work/look/" \
		2>/dev/null
	sqlite3 "$work/look/state.db" "$1"
}
says() { "${@:2}" 2>&1 | grep -q -- "$1"; }
store_sum() { cat "$demo"/state.db "$demo"/state.db-wal "$demo"/state.db.mark | sha256sum; }
in_clear() { cat "$demo"/state.db* | grep -aq 'Alice Example'; }
sign()
{
	local sad
	sad=$(new_sad "$1" --file "$work/document") || return 1
	TEST_SAD=$sad application pkcs11-tool --module "$P11_SAM_MODULE" --login --pin env:TEST_SAD --sign --id "$1" \
		--mechanism "$2" --signature-format openssl --input-file "$work/document" --output-file "$work/sig" &&
		verify "$demo/$1.pem" "$work/sig" "$work/document"
}

# ---- what is there before ----
fresh 1
echo "A document, $(date +%s.%N)" >"$work/document"
check "before: version 1, and its names in clear" test "$(look 'PRAGMA user_version')" = 1
check "before: the name of the signer stands in the file" in_clear
look 'SELECT line FROM audit ORDER BY seq' >"$work/trail.before"
look "SELECT id FROM grants WHERE kind = 'key' ORDER BY id" >"$work/keys.before"
look "SELECT id FROM grants WHERE kind = 'authenticator'" >"$work/kid.before"

# ---- this version opens it ----
before=$(store_sum)
check "a policy of the version before is refused with what it lacks" says 'the key `roles` is missing' samctl status
check "and nothing was changed" test "$(store_sum)" = "$before"
next
check "with a policy of this version: status says that officers must sign it" \
	says 'no policy that this version reads was signed yet; a security officer signs: samctl --as NAME policy sign' \
	samctl status
check "the store is of the newest version" test "$(look 'PRAGMA user_version')" = $newest
check_fails "nothing is signed before" sign "$CREDENTIAL_RSA" SHA256-RSA-PKCS
check_fails "nor is the trail read" as_auditor audit verify
check_fails "the auditor signs no policy" \
	samctl --as "$AUDITOR_NAME" --pin-source "$AUDITOR_PIN_SOURCE" policy sign "$demo/policy.yaml"
check "an officer signs it" as_officer policy sign "$demo/policy.yaml"
check "status is content" samctl status
check "version 2 of the policy is in force" test "$(samctl --json status | jq .policy.version)" = 2

# ---- all of it is there ----
as_officer --json signer show "$SIGNER" >"$work/signer"
check "the signer is as before" test "$(jq -r '.name, .state' "$work/signer" | tr '\n' ' ')" = 'Alice Example active '
as_officer --json key list | jq -r 'if type == "array" then .[] else . end | .credentialID' | sort >"$work/keys.after"
check "the keys are as before" diff "$work/keys.before" "$work/keys.after"
look "SELECT id FROM grants WHERE kind = 'authenticator'" >"$work/kid.after"
check "the authenticator is as before" diff "$work/kid.before" "$work/kid.after"
look 'SELECT line FROM audit ORDER BY seq' | head -n "$(wc -l <"$work/trail.before")" >"$work/trail.after"
check "the audit records are as before" diff "$work/trail.before" "$work/trail.after"
check "the chain verifies" audit_verifies
check "it signs with the RSA key" sign "$CREDENTIAL_RSA" SHA256-RSA-PKCS
check "it signs with the EC key" sign "$CREDENTIAL_EC" ECDSA-SHA256
check "names are encrypted at rest now" sh -c '! cat "$1"/state.db* | grep -aq "Alice Example"' sh "$demo"
check "passwords are the same" application pkcs11-tool --module "$P11_SAM_MODULE" --login --pin \
	"$SIGNER:$(cat "$demo/alice.pin")" --list-objects
check "who may have had an authenticator is enrolled: the next takes two officers" \
	sh -c 'sqlite3 "$1" "SELECT body FROM grants WHERE kind = '\''signer'\''" | jq -e ".enrolled == true"' sh "$work/look/state.db"
check "doctor asks for the second officer" says 'without a second officer' samctl doctor
check "officer and auditor make the second officer" samctl --as "$SO_NAME" --pin-source "$SO_PIN_SOURCE" \
	--second "$AUDITOR_NAME" --second-pin-source "$AUDITOR_PIN_SOURCE" principal add officer2 --role security-officer \
	--new-pin-source "file:$demo/alice.pin"

# ---- the store of before is worth nothing any more ----
cp -a "$demo" "$work/upgraded"
cp -a "$work/v1"/state.db* "$demo/"
check_fails "the store of version 1 put back under the same CM is refused" samctl status
check "as changed from outside" says 'changed from outside\|older than' samctl status
rm -rf "$demo" && cp -a "$work/upgraded" "$demo"
rm -rf "$demo"/tokens/* "$demo"/state.db* && cp -a "$work/v1"/state.db* "$demo/"
softhsm2-util --init-token --free --label "$CM_TOKEN" --so-pin 12345678 --pin "$(cat "$CM_PIN_FILE")" >/dev/null 2>&1
before=$(store_sum)
check_fails "under another CM it is not opened" samctl status
check "nor changed" test "$(store_sum)" = "$before"

# ---- killed at any moment of it ----
rounds=20
[ -z "${SAM_TEST_LONG:-}" ] || rounds=200
old=0 new=0 bad=0
for ((i = 0; i < rounds; i++)); do
	fresh 1
	next
	"$SAMCTL" status >/dev/null 2>&1 &
	victim=$!
	sleep "0.$(printf %03d $((RANDOM % 100)))"
	kill -9 $victim 2>/dev/null
	wait $victim 2>/dev/null
	case $(look 'PRAGMA user_version') in
	1) old=$((old + 1)) ;;
	"$newest") new=$((new + 1)) ;;
	*) bad=$((bad + 1)) ;;
	esac
	as_officer policy sign "$demo/policy.yaml" >"$work/killed.log" 2>&1 && audit_verifies >>"$work/killed.log" 2>&1 ||
		bad=$((bad + 1))
	look 'SELECT line FROM audit ORDER BY seq' | head -n "$(wc -l <"$work/trail.before")" |
		cmp -s - "$work/trail.before" || bad=$((bad + 1))
done 2>/dev/null
diag "killed $rounds times: $old times version 1, $new times version $newest"
[ $bad = 0 ] && ok "killed at a random moment it is the old or the new version, and whole" ||
	not_ok "killed at a random moment it is the old or the new version, and whole ($bad)" "$work/killed.log"

# ---- newer than the program ----
fresh 1
next
sqlite3 "$demo/state.db" 'PRAGMA user_version = 99' || bail "sqlite3 failed"
: >>"$demo/state.db-wal"
before=$(store_sum)
check_fails "a store of version 99 is refused" samctl status
check "and says why" says 'version 99, this program knows '$newest samctl status
check_fails "by the module too" application pkcs11-tool --module "$P11_SAM_MODULE" --list-slots --login \
	--pin "$SIGNER:$(cat "$demo/alice.pin")"
check "nothing of it was changed" test "$(store_sum)" = "$before"

# ---- version 2: keys without a life of their own ----
unpack 2
fresh 2
check "before: version 2" test "$(look 'PRAGMA user_version')" = 2
look 'SELECT line FROM audit ORDER BY seq' >"$work/trail.before"
look "SELECT id FROM grants WHERE kind IN ('key', 'tombstone', 'pending') ORDER BY id" >"$work/names.before"
check "it lies elsewhere, so the configuration is another" says 'policy sign' samctl status
check "the store is of the newest version" test "$(look 'PRAGMA user_version')" = $newest
check "a policy of version 0.2.0 is one of this version too" as_officer policy sign "$demo/policy.yaml"
check "status is content" samctl status
look "SELECT id FROM grants WHERE kind IN ('key', 'tombstone', 'pending') ORDER BY id" >"$work/names.after"
check "keys, tombstones and acts that wait are as before" diff "$work/names.before" "$work/names.after"
look 'SELECT line FROM audit ORDER BY seq' | head -n "$(wc -l <"$work/trail.before")" >"$work/trail.after"
check "the audit records are as before" diff "$work/trail.before" "$work/trail.after"
check "the chain verifies" audit_verifies
check "both keys are active, and what they were born as is unknown" test "$(look "SELECT
	json_extract(CAST(body AS TEXT), '\$.life', '\$.origin', '\$.start', '\$.end') FROM grants WHERE kind = 'key'" |
	sort | uniq -c | tr -s ' ')" = ' 2 ["active","unknown",0,0]'
check "it signs with the RSA key" sign "$CREDENTIAL_RSA" SHA256-RSA-PKCS
check "it signs with the EC key" sign "$CREDENTIAL_EC" ECDSA-SHA256
check_fails "the removed signer's name is still nobody else's" as_officer signer add bob
check "what waited is confirmed" samctl --as "$SO2_NAME" --pin-source "$SO2_PIN_SOURCE" pending confirm \
	"$(look "SELECT id FROM grants WHERE kind = 'pending'")"
check "and done" test "$(as_officer --json signer show carol | jq -r .state)" = active
check "nothing is left to be destroyed" samctl maintain
check "a key is suspended" as_operator key suspend "$CREDENTIAL_EC" --reason test
check_fails "and signs nothing" sign "$CREDENTIAL_EC" ECDSA-SHA256
check "the other does" sign "$CREDENTIAL_RSA" SHA256-RSA-PKCS
check "it is destroyed by two" as_officers key destroy "$CREDENTIAL_EC"
check_fails "in the CM as well" sh -c 'pkcs11-tool --module "$1" --token-label "$2" --login --pin "$3" --list-objects \
	--type privkey 2>/dev/null | grep -q p256' sh "$CM_MODULE" "$CM_TOKEN" "$(cat "$CM_PIN_FILE")"
check "the chain verifies still" audit_verifies
cp -a "$work/v2"/state.db* "$demo/"
check_fails "the store of version 2 put back is refused" samctl status
check "as changed from outside" says 'changed from outside\|older than' samctl status

# ---- version 3: no requests, no deposits ----
unpack 3
fresh 3
check "before: version 3" test "$(look 'PRAGMA user_version')" = 3
look 'SELECT line FROM audit ORDER BY seq' >"$work/trail.before"
look "SELECT id, hex(body) FROM grants WHERE kind = 'key' ORDER BY id" >"$work/keys.before"
says 'policy sign' samctl status
check "the store is of the newest version" test "$(look 'PRAGMA user_version')" = $newest
look "SELECT id, hex(body) FROM grants WHERE kind = 'key' ORDER BY id" >"$work/keys.after"
check "keys are as before, to the byte" diff "$work/keys.before" "$work/keys.after"
check "a policy of version 0.3.0 is one of this version too" as_officer policy sign "$demo/policy.yaml"
check "status is content" samctl status
look 'SELECT line FROM audit ORDER BY seq' | head -n "$(wc -l <"$work/trail.before")" >"$work/trail.after"
check "the audit records are as before" diff "$work/trail.before" "$work/trail.after"
check "the chain verifies" audit_verifies
check "it signs with the RSA key" sign "$CREDENTIAL_RSA" SHA256-RSA-PKCS
check "a SAD is deposited" eval 'new_sad "$CREDENTIAL_EC" --file "$work/document" | samctl sad deposit --sad -'
check "nobody has asked for anything" test "$(as_officer --json request list)" = '[]'
check "the chain verifies still" audit_verifies
cp -a "$work/v3"/state.db* "$demo/"
check_fails "the store of version 3 put back is refused" samctl status
check "as changed from outside" says 'changed from outside\|older than' samctl status
finish
