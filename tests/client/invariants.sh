#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The ten invariants, each shown once in the small with a real application (the large is in tests/fault).
. "${SAM_SRCDIR:?}/tests/client/lib.sh"
setup
src=$SAM_SRCDIR/src
openssl dgst -sha256 -binary -out "$work/short.sha256" "$work/short.txt"

sign() # PIN [FILE [CREDENTIAL]]: ECDSA over the hash
{
	rm -f "$work/sig"
	SAM_TEST_PIN=$1 application pkcs11-tool --module "$P11_SAM_MODULE" --login --pin env:SAM_TEST_PIN --sign \
		--id "${3:-$CREDENTIAL_EC}" --mechanism "${4:-ECDSA}" --input-file "${2:-$work/short.sha256}" \
		--output-file "$work/sig"
}
refuses() { ! sign "$@" && [ ! -s "$work/sig" ]; }
callers() { grep -rlE "(^|[^a-z_])$1\\(" "$src" --include='*.c' | sort | tr '\n' ' '; }

# ---- 1 one door
check "invariant 1, one door: sam_cm_sign() has one caller" \
	[ "$(callers sam_cm_sign)" = "$src/cm/sign.c $src/sap/door.c " ]
check "invariant 1, one door: the vendor's C_Sign is called in the CM room alone" eval \
	'[ -z "$(grep -rlE "(->|\.)C_Sign(Init)?\(" "$src" --include="*.c" | grep -v "^$src/cm/")" ]'
check "invariant 1, one door: nobody but the CM room knows the vendor" eval \
	'[ -z "$(grep -rlE "dlopen|C_GetFunctionList *\(" "$src" --include="*.c" | grep -vE "^$src/(cm|provider)/")" ]'

# ---- 2 bound
printf 'another' | openssl dgst -sha256 -binary -out "$work/other.sha256"
sad=$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt")
check "invariant 2, bound: another document is refused" refuses "$sad" "$work/other.sha256"
check "invariant 2, bound: another key is refused" refuses "$sad" "$work/short.txt" "$CREDENTIAL_RSA" SHA256-RSA-PKCS
check "invariant 2, bound: told so in the trail" audit_says "$sad" key_not_authorised
other=$(new_sad "$CREDENTIAL_RSA" --file "$work/short.txt" --claim 'authorization_details=[{"type":"credential","credentialID":"'"$CREDENTIAL_RSA"'","documentDigests":[{"hash":"'"$(base64 -w0 "$work/short.sha256")"'"}],"hashAlgorithmOID":"2.16.840.1.101.3.4.2.1","signAlgo":"1.2.840.113549.1.1.10"}]')
check "invariant 2, bound: another mechanism than signAlgo is refused" \
	refuses "$other" "$work/short.txt" "$CREDENTIAL_RSA" SHA256-RSA-PKCS
check "invariant 2, bound: the one that signAlgo names is taken" \
	sign "$other" "$work/short.txt" "$CREDENTIAL_RSA" SHA256-RSA-PKCS-PSS

# ---- 6 nothing used up by asking: after all those refusals
check "invariant 6, nothing used up by asking: the SAD still signs" sign "$sad"

# ---- 3 once
check "invariant 3, once: in another process it is refused" refuses "$sad"
check "invariant 3, once: by its SAD token as well" refuses "$(new_token "$sad")"
check "invariant 3, once: the trail has one signature" [ "$(audit_signatures "$sad")" = 1 ]

# ---- 4 recorded first
if command -v strace >/dev/null && [ "${SAM_SANITIZER:-no}" = no ]; then
	sad=$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt")
	SAM_TEST_PIN=$sad timeout 120 strace -f -y -e trace=fdatasync,fsync,write,pwrite64 -o "$work/strace" \
		pkcs11-tool --module "$P11_SAM_MODULE" --login --pin env:SAM_TEST_PIN --sign --id "$CREDENTIAL_EC" \
		--mechanism ECDSA --input-file "$work/short.sha256" --output-file "$work/first.sig" >/dev/null 2>&1
	# The record is written and synced after the reservation, and only then can the application have it.
	check "invariant 4, recorded first: the WAL is synced before the application has the signature" \
		awk '/pwrite64\(.*state.db-wal/ { synced = 0 } /f(data)?sync\(.*state.db-wal/ { synced = 1; n++ }
			/write\(.*first.sig/ { seen = 1; if (!synced) bad = 1 } END { exit !(seen && n && !bad) }' "$work/strace"
else
	skip "invariant 4, recorded first: the WAL is synced before the application has the signature" "no strace here"
fi

# ---- 5 closed
sad=$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt")
for file in policy.yaml cm.pin state.db p11-sam.yaml; do
	mv "$demo/$file" "$work/away"
	check "invariant 5, closed: without $file nothing is signed" refuses "$sad"
	rm -f "$demo/$file"
	mv "$work/away" "$demo/$file"
done
check "invariant 5, closed: with all of them it is" sign "$sad"

# ---- 7 own login
list() { application pkcs11-tool --module "$P11_SAM_MODULE" "$@" --list-objects --type privkey; }
SAM_TEST_PIN=$signer_pin list --login --pin env:SAM_TEST_PIN >"$work/list" 2>&1
check "invariant 7, own login: the signer sees the keys" grep -q p256 "$work/list"
list >"$work/list" 2>&1
check "invariant 7, own login: nobody sees none" eval '! grep -q p256 "$work/list"'
SAM_TEST_PIN=$(cat "$CM_PIN_FILE") list --login --pin env:SAM_TEST_PIN >"$work/list" 2>&1
check "invariant 7, own login: the CM's PIN opens nothing here" eval '! grep -q p256 "$work/list"'
(umask 077 && printf 'a-password-for-tests' >"$work/sca.pin")
check "an SCA is made for nobody" \
	as_officer principal add sca1 --role sca --new-pin-source "file:$work/sca.pin"
check "an SCA is made for the signer" \
	as_officer principal add sca2 --role sca --signer "$SIGNER" --new-pin-source "file:$work/sca.pin"
SAM_TEST_PIN=sca1:a-password-for-tests list --login --pin env:SAM_TEST_PIN >"$work/list" 2>&1
check "invariant 7, own login: an SCA sees no keys that were not granted" eval '! grep -q p256 "$work/list"'
SAM_TEST_PIN=sca2:a-password-for-tests list --login --pin env:SAM_TEST_PIN >"$work/list" 2>&1
check "invariant 7, own login: and those that were" grep -q p256 "$work/list"
check "invariant 7, own login: but signs none without a SAD" refuses sca2:a-password-for-tests

# ---- 8 silent
sad=$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt")
token=$(new_token "$sad")
sign "$token" >/dev/null 2>&1
refuses "${sad%????}AAAA" >/dev/null 2>&1
as_auditor audit list --format json >"$work/trail"
samctl doctor >"$work/doctor" 2>&1
samctl --json status >"$work/status" 2>&1
leaks=0
for secret in "$sad" "${sad##*.}" "$token" "$(cat "$demo/alice.pin")" "$(cat "$demo/officer.pin")" \
	"$(cat "$demo/auditor.pin")" "$(cat "$CM_PIN_FILE")"; do
	for file in "$demo"/state.db* "$demo/sam.log" "$work/trail" "$work/doctor" "$work/status"; do
		[ -e "$file" ] || continue
		grep -qaF -- "$secret" "$file" && leaks=$((leaks + 1)) && diag "a secret stands in $file"
	done
done
check "invariant 8, silent: no PIN, SAD, token in store, log, trail" [ $leaks = 0 ]

# ---- 9 tamper shows
sad=$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt")
cp "$demo/policy.yaml" "$work/policy.yaml"
echo '# one more line' >>"$demo/policy.yaml"
check "invariant 9, tamper shows: another policy is refused" refuses "$sad"
check "invariant 9, tamper shows: and the log says why" grep -q policy_changed "$demo/sam.log"
cp "$work/policy.yaml" "$demo/policy.yaml"
check "invariant 9, tamper shows: with the sealed one it signs" sign "$sad"
sad=$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt")
# altered FILE REASON WHAT: with that file as it is now nothing is signed, and the log says why; it is put back.
altered()
{
	: >"$demo/sam.log"
	check "invariant 9, tamper shows: $3 is refused" refuses "$sad"
	check "invariant 9, tamper shows: $3: the log says $2" grep -q "$2" "$demo/sam.log"
	cp "$work/before" "$1"
}
cp "$demo/policy.yaml" "$work/before"
sed -i 's/^version: 1/version: 2/' "$demo/policy.yaml"
altered "$demo/policy.yaml" policy_changed "a newer policy that nobody signed"
cp "$demo/policy.yaml.jws" "$work/before"
rm "$demo/policy.yaml.jws"
altered "$demo/policy.yaml.jws" policy_unsigned "a policy without its signature"
sed -i 'y/AB/BA/' "$demo/policy.yaml.jws"
altered "$demo/policy.yaml.jws" policy_unsigned "a policy with a signature that was changed"
cp "$P11_SAM_CONFIG" "$work/before"
echo '# one more line' >>"$P11_SAM_CONFIG"
altered "$P11_SAM_CONFIG" config_changed "another configuration"
cp "$demo/policy.yaml" "$work/before"
next_policy ''
check "invariant 9, tamper shows: the next version, signed, is in force" sign "$sad"
sad=$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt")
cp "$demo/policy.yaml" "$work/after"
cp "$work/before" "$demo/policy.yaml"
cp "$work/after" "$work/before"
altered "$demo/policy.yaml" policy_older "the version before it"
check "invariant 9, tamper shows: with what officers signed it signs" sign "$sad"

# ---- 10 roles apart
check_fails "invariant 10, roles apart: the auditor enrols nobody" \
	as_auditor signer add mallory --new-pin-source "file:$work/sca.pin"
check_fails "invariant 10, roles apart: the officer reads no audit" as_officer audit list
timeout 60 "$SADTOOL" keygen --alg ES256 --out "$work/another.jwk" --public "$work/another.pub.jwk" >"$work/kid"
prove "$SIGNER" "$work/another.jwk"
check "invariant 10, roles apart: what one officer begins about a signer's devices waits" eval \
	'as_officer --json authenticator add "$SIGNER" --jwk "$work/another.pub.jwk" --proof "$work/enrol.proof" | jq -e .pending'
check "invariant 10, roles apart: that device signs nothing" \
	refuses "$(DEVICE_KEY=$work/another.jwk new_sad "$CREDENTIAL_EC" --file "$work/short.txt")"
check_fails "invariant 10, roles apart: the officer does not confirm it alone" eval \
	'as_officer pending confirm "$(as_officer --json pending list | jq -r ".[0].id")"'
check_fails "invariant 10, roles apart: no name, no act" samctl key generate --signer "$SIGNER" --type ec:P-256
for pin in "$SO_NAME:$(cat "${SO_PIN_SOURCE#file:}")" "$AUDITOR_NAME:$(cat "${AUDITOR_PIN_SOURCE#file:}")"; do
	check "invariant 10, roles apart: ${pin%%:*} signs nothing" refuses "$pin"
done
check "the chain verifies" audit_verifies
finish
