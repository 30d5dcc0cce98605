#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A security officer with pkcs11-tool and p11tool: what PKCS#11 lets an officer do works, everything else is
# refused; a lock; the end of a login. pkcs11-tool wants --session-rw for an officer, as PKCS#11 does.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need pkcs11-tool
need_no_sanitizer "p11tool, which hangs at its exit,"
setup

export TEST_PIN=$signer_pin
password=$(cat "${SO_PIN_SOURCE#file:}") fresh=Kraftwerk-77
tool() { application pkcs11-tool --module "$P11_SAM_MODULE" "$@"; }
# so PASSWORD ARG...: as that officer
so() { tool --session-rw --login --login-type so --so-pin "$SO_NAME:$1" "${@:2}"; }
# answers CODE COMMAND...: it fails, and names that code
answers()
{
	local code=$1
	shift
	! "$@" >"$work/answer" 2>&1 && grep -q -- "$code" "$work/answer" || { cat "$work/answer"; return 1; }
}
last_of() { as_auditor --json audit search --type "$1" | jq -s 'flatten | last' >"$work/record"; }
trail() { last_of "$1" && jq -e "$2" "$work/record"; } # TYPE CONDITION

# ---- one process ----
application "$SAM_BUILDDIR/tests/client/officer" "$password" "$fresh" >"$work/officer" 2>"$work/officer.err" ||
	not_ok "the program ends well" "$work/officer.err"
while read -r line; do
	case $line in
	"ok "*) ok "${line#ok }" ;;
	"not ok "*) not_ok "${line#not ok }" ;;
	esac
done <"$work/officer"

# ---- pkcs11-tool ----
check "pkcs11-tool: an officer logs in" so "$password" --list-slots
check "the trail tells who" trail login '.actor.id == "'"$SO_NAME"'" and .actor.role == "security-officer"'
so "$password" --list-objects >"$work/objects" 2>&1
check "pkcs11-tool: an officer sees no object" test "$(grep -c 'Key Object\|ID:' "$work/objects")" = 0
check "pkcs11-tool: random numbers" so "$password" --generate-random 16
check "pkcs11-tool: without --session-rw PKCS#11 allows no officer" \
	answers CKR_SESSION_READ_ONLY_EXISTS tool --login --login-type so --so-pin "$SO_NAME:$password" --list-objects
check "pkcs11-tool: a wrong password" answers CKR_PIN_INCORRECT so not-the-password --list-objects
check "pkcs11-tool: a password without its name" \
	answers CKR_PIN_INVALID tool --session-rw --login --login-type so --so-pin "$password" --list-objects
check "pkcs11-tool: a signer is no officer" \
	answers CKR_PIN_INCORRECT tool --session-rw --login --login-type so --so-pin "$signer_pin" --list-objects
check "pkcs11-tool: a SAD is no officer" answers CKR_PIN_INVALID tool --session-rw --login --login-type so \
	--so-pin "$(new_sad "$CREDENTIAL_RSA" --file "$work/short.txt")" --list-objects
check "pkcs11-tool: an officer signs nothing" answers 'Private key not found' \
	so "$password" --sign --mechanism SHA256-RSA-PKCS --id "$CREDENTIAL_RSA" --input-file "$work/short.txt"
check "pkcs11-tool: an officer destroys nothing" answers 'object not found' \
	so "$password" --delete-object --type privkey --id "$CREDENTIAL_RSA"
check "pkcs11-tool: --init-pin is refused" answers 0x1b so "$password" --init-pin --new-pin 12345678
check "pkcs11-tool: --init-token is refused" answers 0x1b tool --init-token --label another --so-pin "$SO_NAME:$password"
check "the trail tells the call" trail call-refused '.target == "C_InitToken"'
check "pkcs11-tool: --change-pin" so "$password" --change-pin --new-pin "$fresh"
check "the trail tells the change" trail principal-passwd '.target == "'"$SO_NAME"'" and .outcome == "success"'
check "pkcs11-tool: the old password is none any more" answers CKR_PIN_INCORRECT so "$password" --list-objects
check "pkcs11-tool: --change-pin to a weak one" answers CKR_PIN_LEN_RANGE so "$fresh" --change-pin --new-pin 12345
check "the trail tells the refusal" trail admin-refused '.target == "C_SetPIN" and .reason == "password_weak"'
check "pkcs11-tool: --change-pin back, the name before it" so "$fresh" --change-pin --new-pin "$SO_NAME:$password"
check "samctl takes the password too" as_officer principal list

# ---- p11tool ----
if command -v p11tool >/dev/null; then
	p11tool() { application env GNUTLS_SO_PIN="$SO_NAME:$1" p11tool --provider "$P11_SAM_MODULE" --batch --so-login "${@:2}"; }
	url=$(application p11tool --provider "$P11_SAM_MODULE" --list-token-urls | grep SAM)
	# it ends with 2 and these words where there is nothing to list
	check "p11tool: an officer logs in and sees nothing" answers 'No matching objects' \
		p11tool "$password" --list-all "$url"
	check "the trail tells who, again" trail login '.actor.id == "'"$SO_NAME"'" and .outcome == "success"'
	check "p11tool: a wrong password" answers 'Wrong PIN' p11tool not-the-password-2 --list-all "$url"
	export GNUTLS_NEW_SO_PIN=$SO_NAME:$fresh
	check "p11tool: --initialize-so-pin changes the officer's own password" \
		p11tool "$password" --initialize-so-pin "$url"
	check "p11tool: the new one logs in" answers 'No matching objects' p11tool "$fresh" --list-all "$url"
	GNUTLS_NEW_SO_PIN=$SO_NAME:$password
	check "p11tool: and back" p11tool "$fresh" --initialize-so-pin "$url"
	check_fails "p11tool: --initialize-pin is refused" \
		env GNUTLS_NEW_PIN=12345678 GNUTLS_PIN=12345678 GNUTLS_SO_PIN="$SO_NAME:$password" p11tool \
		--provider "$P11_SAM_MODULE" --batch --so-login --initialize-pin "$url"
	check "the trail tells that call" trail call-refused '.target == "C_InitPIN"'
else
	skip "p11tool: an officer logs in and sees nothing" "p11tool is not installed"
fi

# ---- a lock ----
so "$password" --list-slots >/dev/null 2>&1 # the count begins anew
for i in 1 2 3; do
	so "guess-number-$i" --list-objects >/dev/null 2>&1
done
check "four guesses are four" answers CKR_PIN_INCORRECT so guess-number-4 --list-objects
check "the fifth guess locks" answers CKR_PIN_LOCKED so guess-number-5 --list-objects
check "after the fifth the officer is locked" answers CKR_PIN_LOCKED so "$password" --list-objects
check "not at samctl: an application's mistakes are not the officer's" eval \
	'as_officer --json principal list | jq -e "any(.[]; .name == \"$SO_NAME\" and .state == \"locked\")"'
check "the lock is an alert" trail lock '.class == "alert" and .target == "'"$SO_NAME"'"'
check "another officer and the operator end it" as_officer2 --second "$OPERATOR_NAME" \
	--second-pin-source "$OPERATOR_PIN_SOURCE" principal unlock "$SO_NAME"
check "and the officer logs in" so "$password" --list-slots

# ---- the time of a login: a minute is the least that a policy allows ----
if [ "${SAM_TEST_LONG:-0}" = 1 ]; then
	next_policy 's/^  session: .*/  session: 1m/'
	application "$SAM_BUILDDIR/tests/client/officer" "$password" "$fresh" 60 >"$work/officer" 2>&1
	while read -r line; do
		case $line in
		"ok "*) ok "${line#ok }" ;;
		*) not_ok "${line#not ok }" ;;
		esac
	done <"$work/officer"
	check "the trail tells the end as a logout" trail logout '.actor.id == "'"$SO_NAME"'"'
else
	skip "after it nobody is" "takes a minute: make check-long; test_act_signer has it without waiting"
fi
check "the chain verifies" audit_verifies
finish
