#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The policies for levels 2 and 3 load and refuse to sign, naming what is still missing; they run under
# the configured user only, with a configuration that root owns.
. "${SAM_SRCDIR:?}/tests/client/lib.sh"
[ "$(id -u)" = 0 ] || skip_all "levels 2 and 3 want a configuration that root owns"
setup
openssl dgst -sha256 -binary -out "$work/short.sha256" "$work/short.txt"
sign() # PIN
{
	rm -f "$work/sig"
	SAM_TEST_PIN=$1 application pkcs11-tool --module "$P11_SAM_MODULE" --login --pin env:SAM_TEST_PIN --sign \
		--id "$CREDENTIAL_EC" --mechanism ECDSA --input-file "$work/short.sha256" --output-file "$work/sig" \
		>"$work/sign.log" 2>&1
}
# says WORDS COMMAND...: it fails, and its message has these words.
says()
{
	local words=$1
	shift
	! "$@" >"$work/says" 2>&1 && grep -q "$words" "$work/says"
}
for level in 2 3; do
	setup_level "$level"
	check "level $level: status names what is missing" eval \
		'samctl --json status | jq -e ".missing | length > 0"'
	check "level $level: and in plain words that the CM is for tests and the clock unwatched" eval \
		'samctl --json status | jq -e ".statements | (any(test(\"CM without evaluation\")) and any(test(\"require_sync\")))"'
	check "level $level: doctor says so too" eval 'samctl doctor >"$work/doctor"; grep -qi "factor" "$work/doctor"'
	sad=$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt" --lifetime 300)
	check_fails "level $level: a SAD is no service authentication" sign "$sad"
	check "level $level: told by CKR_ACTION_PROHIBITED" grep -q 'CKR_ACTION_PROHIBITED\|0x1b' "$work/sign.log"
	check "level $level: the trail says sad_is_no_login" audit_says "$sad" sad_is_no_login
	check_fails "level $level: nothing is signed for a login" sign "$signer_pin"
	check "level $level: C_SignInit says CKR_ACTION_PROHIBITED" grep -q 'CKR_ACTION_PROHIBITED\|0x1b' "$work/sign.log"
	check "level $level: the trail says level_missing" eval \
		'as_auditor audit search --reason level_missing --format json | jq -es "flatten | length > 0"'
	check "level $level: the start record says it in plain words" eval \
		'as_auditor audit search --type start --format json | jq -es "flatten | last | .statements | length > 0"'
	sad=$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt" --lifetime 301)
	check_fails "level $level: a SAD of 301 s is refused" eval 'samctl sad exchange --sad - <<<"$sad"'
	check "level $level: because of its lifetime" audit_says "$sad" sad_lifetime
	sed -i 's/^user: .*/user: nobody/' "$P11_SAM_CONFIG"
	check "level $level: refused under another user than the configured" says 'as the user nobody only' as_officer signer list
	sed -i 's/^user: .*/user: root/' "$P11_SAM_CONFIG"
	chown 65534 "$P11_SAM_CONFIG"
	check "level $level: refused with a configuration that another owns" says 'own' samctl status
	chown 0 "$P11_SAM_CONFIG"
	# People: nothing here rests on one alone.
	check "level $level: the SAM is not set up with one officer" says 'two security officers' samctl init \
		--officer "$SO_NAME" --officer-pin-source "$SO_PIN_SOURCE" \
		--auditor "$AUDITOR_NAME" --auditor-pin-source "$AUDITOR_PIN_SOURCE"
	check "level $level: one officer's signature of the policy waits" eval \
		'as_officer --json policy sign "$demo/policy.yaml" | jq -e ".act == \"policy level\" and .pending"'
	check "level $level: two officers sign it" as_officers policy sign "$demo/policy.yaml"
	sleep 1.1
	timeout 60 "$SADTOOL" new --key "$DEVICE_KEY" --signer "$SIGNER" --aud "$SAM_ID" --operation suspend >"$work/order"
	check "level $level: a SAD of one factor orders nothing" says 'two factors' samctl signer suspend "$SIGNER" --sad "$work/order"
	check "level $level: the chain verifies" audit_verifies
done
check "level 3: says that the SAM is not evaluated" eval 'samctl status | grep -q "SAM not evaluated"'
finish
