#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Deferred authorisation as the PKCS#11 calls have it, by a program of our own (wait): NULL PINs, which calls end a
# wait, what else goes on meanwhile, and what is left for a retry.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need jq
setup
. "$(dirname "${BASH_SOURCE[0]}")/deferred_lib.sh"
application_waits() { application "$SAM_BUILDDIR/tests/client/wait" "$P11_SAM_MODULE" "$@" </dev/null; }
digest() { head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
# pins_are CODES...: of each login that the program tries, and nothing on the wire but codes
pins_are()
{
	printf '%s\n' "$@" >"$work/wanted"
	application_waits pins | tee "$work/pins"
	diff "$work/wanted" "$work/pins"
}

# ---- the NULL PIN --------------------------------------------------------------------------------
check "a NULL PIN is CKR_ARGUMENTS_BAD where nothing is deferred, an empty one CKR_PIN_INVALID" pins_are \
	"user empty 0xa1" "context without an operation 0x91" "null with a length 0x7" "user null 0x7"
check "the trail says why" eval 'as_auditor audit search --type login --reason pin_null --json | jq -es "flatten | length > 0"'
deferred_setup
check "deferred: a NULL PIN logs the SCA of the configuration in, and takes nothing up for a signature" pins_are \
	"user empty 0xa1" "context without an operation 0x91" "null with a length 0x7" "user null 0x0" \
	"user null again 0x100" "context empty 0xa1" "context null 0x0"
check "that login is on record by itself, as the SCA's" eval 'as_auditor audit search --type login --actor app --outcome success --json |
	jq -es "flatten | any(.[]; .actor.role == \"sca\" and .detail == \"by application: of the configuration\" and (.sad == null))"'

# ---- what ends a wait ----------------------------------------------------------------------------
for call in C_CloseSession C_CloseAllSessions C_Logout C_SessionCancel C_SignInit C_Finalize; do
	check "$call ends the wait, and does not wait itself" application_waits cancel "$call"
done
check "the trail says cancelled, six times" eval '[ "$(as_auditor audit search --type sign --reason cancelled --json |
	jq -s "flatten | map(.count // 1) | add")" = 6 ]'
check "the requests are open still" eval '[ "$(requests open | wc -l)" = 6 ]'
check "no lock is held: other threads and sessions go on" application_waits calls
check "fork: a child uses the module while a thread of its parent waits" application_waits fork
check "a thread that is cancelled while it waits dies after its call" application_waits thread
check "nothing was signed" eval '[ "$(as_auditor audit search --type sign --outcome success --actor app --json |
	jq -s "flatten | length")" = 0 ]'
while read -r request; do
	samctl request reject "$(jq -r .id <<<"$request")" --sad - \
		<<<"$(new_sad "$CREDENTIAL_EC" --digest "$(jq -r .dtbsr <<<"$request")")" >>"$work/rejected.log" 2>&1
done <<<"$(requests open)"
check "the signer rejects them all" eval '[ -z "$(requests open)" ]'

# ---- the signer answers --------------------------------------------------------------------------
one=$(digest) two=$(digest)
check "C_Sign goes on when the signer approves" signer_approves 1 application_waits sign "$one"
check "the record says deferred" signed_deferred "$one"
one=$(digest)
check "two threads wait, and each gets its own" signer_approves 2 application_waits two "$one" "$two"
check "both on record" eval 'signed_deferred "$one" && signed_deferred "$two"'

next_policy 's/^  deferred: true$/&\n  deferred_wait: 3s/'
one=$(digest)
check "nobody answers: CKR_FUNCTION_REJECTED, after the wait" eval '! application_waits sign "$one" >"$work/out" &&
	cat "$work/out" && grep "^C_Sign 0x200 after 3... ms" "$work/out"'
check "the record names key, hash and digest, for the signer to be asked" eval 'as_auditor audit search --type sign \
	--reason request_waits --json | jq -es --arg d "$one" --arg c "$CREDENTIAL_EC" "flatten | any(.[]; .dtbsr == \$d and
		.credentialID == \$c and .hashAlgorithmOID == \"2.16.840.1.101.3.4.2.1\" and .mechanism == \"CKM_ECDSA\")"'
request=$(requests open)
check "the request is open still" eval '[ "$(jq -r .dtbsr <<<"$request")" = "$one" ]'
check "the signer approves it later" approve "$request"
check "a retry signs at once" eval 'application_waits sign "$one" >"$work/out" && cat "$work/out" &&
	[ "$(sed -n "s/^C_Sign 0x0 after \([0-9]*\) ms/\1/p" "$work/out")" -lt 1500 ]'
check "the record says deferred" signed_deferred "$one"
check_fails "and once: the same digest again asks anew" application_waits sign "$one"
check "there is a new request for it" eval '[ "$(requests open | jq -r .dtbsr)" = "$one" ]'

# by a SAD that was deposited before, for the digest that a refusal's record names
one=$(digest)
check_fails "an application asks" application_waits sign "$one"
named=$(as_auditor audit search --type sign --reason request_waits --json | jq -rs 'flatten | last | .dtbsr')
sad=$(new_sad "$CREDENTIAL_EC" --digest "$named" --digest "$two")
check "the signer deposits a SAD for what the record names" eval 'samctl sad deposit --sad - <<<"$sad"'
check "the next C_Sign of it signs at once" eval 'application_waits sign "$one" >"$work/out" && cat "$work/out" &&
	[ "$(sed -n "s/^C_Sign 0x0 after \([0-9]*\) ms/\1/p" "$work/out")" -lt 1500 ]'
check "under that SAD" eval '[ "$(audit_signatures "$sad")" = 1 ]'
check "another digest of it as well, which nobody asked for" application_waits sign "$two"
check_fails "each once" application_waits sign "$two"
check_fails "and no other" application_waits sign "$(digest)"
check "the audit trail verifies" audit_verifies
finish
