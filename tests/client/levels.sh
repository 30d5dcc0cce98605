#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Levels 2 and 3 from birth to signature, under SADs of two factors: what they take and what they refuse. They run under the
# configured user only, with a configuration that root owns; and nothing of people rests on one alone.
. "${SAM_SRCDIR:?}/tests/client/lib.sh"
need openssl jq
[ "$(id -u)" = 0 ] || skip_all "levels 2 and 3 want a configuration that root owns"
setup
short=$(sha256sum <"$work/short.txt" | cut -d' ' -f1)
# says WORDS COMMAND...: it fails, and its message has these words.
says()
{
	local words=$1
	shift
	! "$@" >"$work/says" 2>&1 && grep -q "$words" "$work/says"
}
# refuses SAD CODE: presented for the operation by the signer who is logged in, and what the application is told
refuses() { ! signs "$1" && grep -q "^context $2\$" "$work/talked"; }
# known OPTION...: a SAD whose jti this script knows, although it is encrypted; leaves $sad and $jti
known()
{
	jti=$(openssl rand -hex 16)
	sad=$(new_sad "$CREDENTIAL_EC" --claim "jti=\"$jti\"" "$@")
}
on_record() # REASON: of that SAD
{
	as_auditor audit search --reason "$1" --format json | jq -es --arg j "$jti" 'flatten | any(.[]; .sad.jti == $j)'
}
newest() { as_auditor audit list --json | tail -1 | jq .seq; }
# since SEQ FILTER: is there a record after that one of which this is true?
since() { as_auditor audit list --json | jq -es --argjson s "$1" "any(.[]; .seq > \$s and ($2))"; }

# deferred_policy: the policy in force defers, and there is an SCA that the signer is granted to
deferred_policy()
{
	(umask 077 && echo 'a-password-for-tests' >"$work/app.pin")
	sed -i -e 's/^sap:$/&\n  deferred: true\n  deferred_wait: 60s/' -e 's/^version: 1 /version: 2 /' "$demo/policy.yaml"
	{ as_officers policy sign "$demo/policy.yaml" &&
		as_officers principal add app --role sca --signer "$SIGNER" --new-pin-source "file:$work/app.pin"; } \
		>"$work/deferred.log" 2>&1
}
# waits: until it is asked for; leaves its id in $request
waits()
{
	local i
	for ((i = 0; i < 100; i++)); do
		request=$(as_signer --json request list | jq -r '.[0].id // empty')
		[ -z "$request" ] || return 0
		sleep 0.2
	done
	return 1
}
approves() { known --digest "$short" && samctl request approve "$request" --sad - <<<"$sad"; }

for level in 2 3; do
	setup_level "$level"
	both=("${sad_factors[@]}")
	check "level $level: status says what a SAD must show" eval 'samctl --json status | jq -e ".level == $level and
		(.policy | .authorisation == \"sad\" and .factors == 2 and .encrypted == ($level == 3))"'
	check "level $level: but says that the CM is for tests and the clock unwatched" eval \
		'samctl --json status | jq -e ".statements | (any(test(\"CM without evaluation\")) and any(test(\"require_sync\")))"'
	check "level $level: the start record says it in plain words" eval \
		'signs "$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt")" &&
		as_auditor audit search --type start --format json | jq -es "flatten | last | .statements | length > 0"'

	# The signer's SAD, encrypted and with the PIN, signs; the login is the signer's own.
	known --digest "$short"
	check "level $level: a SAD of two factors signs" signs "$sad"
	check "level $level: the record says both factors" eval 'as_auditor audit search --jti "$jti" --type sign --format json |
		jq -es "flatten | any(.[]; .outcome == \"success\" and (.factors | sort) == [\"knowledge\", \"possession\"])"'
	check "level $level: once" eval '! signs "$sad"'
	check "level $level: the trail says digest_used" on_record digest_used
	known --digest "$short" --lifetime 301
	check "level $level: a SAD of 301 s is refused" refuses "$sad" 0xa1
	check "level $level: because of its lifetime" on_record sad_lifetime
	known --digest "$short" --digest "$(printf %064d 1)" --num 1
	check "level $level: fewer signatures than digests are refused" refuses "$sad" 0xa1
	check "level $level: the trail says sad_details" on_record sad_details

	# One factor, whichever it is.
	sad_factors=(--encrypt-to "$work/sap.jwk")
	known --digest "$short"
	check "level $level: a SAD without the PIN is refused" refuses "$sad" 0x1b
	check "level $level: because of its factors" on_record factors
	(umask 077 && printf 00000000 >"$work/wrong")
	sad_factors=(--encrypt-to "$work/sap.jwk" --pin-source "file:$work/wrong")
	known --digest "$short"
	check "level $level: a wrong PIN is refused" refuses "$sad" 0xa1
	sad_factors=()
	known --digest "$short"
	check "level $level: a SAD in the clear is refused" eval '! signs "$sad"'
	check "level $level: with the reason" on_record "$([ $level = 2 ] && echo factors || echo sad_clear)"
	sad_factors=("${both[@]}")

	# The login is the caller's own, and no SAD is one.
	known --digest "$short"
	seq=$(newest)
	talked "login user $sad"
	check "level $level: a SAD is no service authentication" test "$(tail -n 1 "$work/talked")" = 0x1b
	check "level $level: the trail says sad_is_no_login" since "$seq" '.reason == "sad_is_no_login"'
	talked "login user $signer_pin" "login user $sad" "init $CREDENTIAL_EC ecdsa" "finish $short"
	check "level $level: behind the own login it is taken up, and signs" test "$(tail -n 1 "$work/talked")" = 0x0
	seq=$(newest)
	talked "login user $signer_pin" "init $CREDENTIAL_EC ecdsa" "finish $short"
	check "level $level: nothing is signed for a login" test "$(tail -n 1 "$work/talked")" = 0x101
	check "level $level: the trail says no_activation" since "$seq" '.type == "sign" and .reason == "no_activation"'

	# An application that knows nothing of SADs: the request is approved by the same SAD of two factors, and by no less.
	deferred_policy || bail "no deferred policy" "$work/deferred.log"
	application "$SAM_BUILDDIR/tests/client/defer" "app:$(cat "$work/app.pin")" "$CREDENTIAL_EC" "$short" </dev/null \
		>"$work/waited" 2>&1 &
	waiting=$!
	check "level $level: deferred: the request waits" waits
	sad_factors=(--encrypt-to "$work/sap.jwk")
	check "level $level: a SAD of one factor approves nothing" says factors approves
	sad_factors=("${both[@]}")
	check "level $level: an encrypted SAD of two factors approves it" approves
	wait "$waiting"
	check "level $level: and it is signed, and verifies" grep -qx '0x0 verified' "$work/waited"
	check "level $level: the record says deferred, and both factors" eval 'as_auditor audit search --jti "$jti" --type sign \
		--format json | jq -es "flatten | any(.[]; .outcome == \"success\" and .activation == \"deferred\" and
		(.factors | sort) == [\"knowledge\", \"possession\"])"'
	known --digest "$short"
	check "level $level: one is deposited, and revoked" eval \
		'samctl sad deposit --sad - <<<"$sad" && samctl sad revoke --sad - <<<"$sad"'
	check "level $level: what was signed is not rejected" says request samctl request reject "$request" --sad - <<<"$sad"

	# What a SAD orders.
	sleep 1.1
	check "level $level: a SAD of two factors suspends the signer" eval \
		'order "$SIGNER" suspend {} >"$work/order" && samctl signer suspend "$SIGNER" --sad "$work/order"'
	check "level $level: and resumes" eval \
		'sleep 1.1; order "$SIGNER" resume {} >"$work/order" && samctl signer resume "$SIGNER" --sad "$work/order"'
	sleep 1.1
	sad_factors=(--encrypt-to "$work/sap.jwk")
	order "$SIGNER" suspend {} >"$work/order"
	check "level $level: one of one factor orders nothing" says 'factors' samctl signer suspend "$SIGNER" --sad "$work/order"
	sad_factors=("${both[@]}")

	sed -i 's/^user: .*/user: nobody/' "$P11_SAM_CONFIG"
	check "level $level: refused under another user than the configured" says 'as the user nobody only' as_officer signer list
	sed -i 's/^user: .*/user: root/' "$P11_SAM_CONFIG"
	chown 65534 "$P11_SAM_CONFIG"
	check "level $level: refused with a configuration that another owns" says 'own' samctl status
	chown 0 "$P11_SAM_CONFIG"
	check "level $level: the SAM is not set up with one officer" says 'two security officers' samctl init \
		--officer "$SO_NAME" --officer-pin-source "$SO_PIN_SOURCE" \
		--auditor "$AUDITOR_NAME" --auditor-pin-source "$AUDITOR_PIN_SOURCE"
	check "level $level: one officer's signature of the policy waits" eval \
		'as_officer --json policy sign "$demo/policy.yaml" | jq -e ".act == \"policy level\" and .pending"'
	check "level $level: two officers sign it" as_officers policy sign "$demo/policy.yaml"
	check "level $level: the chain verifies" audit_verifies
done
check "level 3: says that the SAM is not evaluated" eval 'samctl status | grep -q "SAM not evaluated"'
finish
