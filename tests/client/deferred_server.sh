#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Behind p11-kit's server: the SCA is the one that the client's uid is bound to, and no password passes; what a NULL PIN
# looks like there; that all calls of a client wait with its signature, and of no other; and that a client that hangs up
# while it waits has used nothing up.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need p11-kit jq
need_no_sanitizer "p11-kit's server, which hangs at its exit with one preloaded,"
for client in /usr/lib/*/pkcs11/p11-kit-client.so /usr/lib/pkcs11/p11-kit-client.so; do
	[ -e "$client" ] && break
done
[ -e "$client" ] || skip_all "p11-kit-client.so is not installed"
server=$(ls /usr/libexec/p11-kit/p11-kit-server /usr/lib/p11-kit/p11-kit-server 2>/dev/null | head -n 1)
[ -n "$server" ] || skip_all "p11-kit server is not installed"
setup
. "$(dirname "${BASH_SOURCE[0]}")/deferred_lib.sh"
deferred_setup
background "$work/server.log" p11-kit server --foreground --name "$work/socket" --provider "$P11_SAM_MODULE" \
	"pkcs11:token=p11-sam"
for _ in $(seq 100); do
	[ -S "$work/socket" ] && break
	sleep 0.1
done
[ -S "$work/socket" ] || bail "p11-kit server made no socket" "$work/server.log"

# client ARG...: the program, which is no part of the set-up, through the server; $as goes before it.
as=()
cp "$SAM_BUILDDIR/tests/client/wait" "$work/wait" && chmod 755 "$work/wait"
client()
{
	timeout 100 "${as[@]}" env -u P11_SAM_CONFIG -u SOFTHSM2_CONF P11_KIT_SERVER_ADDRESS="unix:path=$work/socket" \
		"$work/wait" "$client" "$@" </dev/null
}
digest() { head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
pins_are()
{
	printf '%s\n' "$@" >"$work/wanted"
	client pins | tee "$work/pins"
	diff "$work/wanted" "$work/pins"
}

# ---- whose client ---------------------------------------------------------------------------------
# p11-kit carries NULL as NULL and empty as empty; NULL with a length its client refuses itself.
check "a uid that is bound to nobody gets CKR_ARGUMENTS_BAD, whatever the configuration says" pins_are \
	"user empty 0xa1" "context without an operation 0x91" "null with a length 0x7" "user null 0x7"
check "the trail says whose it was" eval 'as_auditor audit search --type login --reason peer_unknown --json |
	jq -es --argjson u "$(id -u)" "flatten | any(.[]; .peer.uid == \$u)"'
as_officer principal add front --role sca --signer "$SIGNER" --uid "$(id -u)" --new-pin-source "file:$work/app.pin" \
	>"$work/front.log" 2>&1 || bail "no SCA" "$work/front.log"
check "bound to an SCA it is logged in as that one" pins_are \
	"user empty 0xa1" "context without an operation 0x91" "null with a length 0x7" "user null 0x0" \
	"user null again 0x100" "context empty 0xa1" "context null 0x0"
check "on record by itself" eval 'as_auditor audit search --type login --actor front --outcome success --json |
	jq -es "flatten | any(.[]; .detail == \"by the client'\''s uid\" and .actor.role == \"sca\" and .sad == null)"'
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	chmod 711 "$work" && chmod 777 "$work/socket"
	as=(setpriv --reuid 61001 --regid 61001 --clear-groups)
	check "another user's client is not" pins_are \
		"user empty 0xa1" "context without an operation 0x91" "null with a length 0x7" "user null 0x7"
	as_officer principal add back --role sca --uid 61001 --new-pin-source "file:$work/app.pin" >"$work/back.log" 2>&1
	check_fails "one that is bound to an SCA without signers sees no key" client sign "$(digest)"
	check "it was logged in as that one" eval 'as_auditor audit search --type login --actor back --outcome success --json |
		jq -es "flatten | any(.[]; .peer.uid == 61001)"'
	as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	as_officer principal add none --role sca --uid 65534 --signer "$SIGNER" --new-pin-source "file:$work/app.pin" \
		>>"$work/back.log" 2>&1
	check "65534, which is also any user that the kernel cannot name, is nobody" pins_are \
		"user empty 0xa1" "context without an operation 0x91" "null with a length 0x7" "user null 0x7"
	as=()
else
	skip "another user's client" "not root, or setpriv is not installed"
fi

# ---- waiting --------------------------------------------------------------------------------------
one=$(digest)
check "a signature waits for the signer and goes on" signer_approves 1 client sign "$one"
check "its record says deferred" signed_deferred "$one"
# The server answers one call of a client after the other, so another thread's calls wait with the signature.
client calls >"$work/calls" 2>&1 &
pid=$!
sleep 4
request=$(requests open)
approve "$request" >"$work/approve.log" 2>&1
wait $pid
diag "behind the server: $(cat "$work/calls")"
check "meanwhile all calls of that client wait: the slowest as long as the signature" eval \
	'[ "$(sed -n "s/.*slowest call took \([0-9]*\) ms.*/\1/p" "$work/calls")" -ge 2000 ]'
# but not those of another client: that is another process
env -u P11_SAM_CONFIG -u SOFTHSM2_CONF P11_KIT_SERVER_ADDRESS="unix:path=$work/socket" \
	"$work/wait" "$client" sign "$(digest)" >"$work/waits.log" 2>&1 </dev/null &
pid=$! # the client itself
background_pids+=("$pid")
sleep 1.5
started=$(date +%s%N)
check "another client is served meanwhile" client pins
check "at once" [ $((($(date +%s%N) - started) / 1000000)) -lt 2000 ]
check "while the first waits" kill -0 $pid

# ---- a client that hangs up ----------------------------------------------------------------------
request=$(requests open)
one=$(jq -r .dtbsr <<<"$request")
kill -KILL $pid && wait $pid 2>/dev/null
gone() { as_auditor audit search --type sign --reason client_gone --json | jq -es --arg d "$one" 'flatten | any(.[]; .dtbsr == $d)'; }
for _ in $(seq 50); do
	gone >/dev/null && break
	sleep 0.2
done
check "a client that dies while it waits is noticed" gone
check "the signer approves all the same, and nothing is signed" eval 'approve "$request" && sleep 1 &&
	as_auditor audit search --type sign --outcome success --json | jq -es --arg d "$one" "flatten | all(.[]; .dtbsr != \$d)"'
check "nothing was used up: a retry signs at once" eval 'client sign "$one" >"$work/out" && cat "$work/out" &&
	[ "$(sed -n "s/^C_Sign 0x0 after \([0-9]*\) ms/\1/p" "$work/out")" -lt 1500 ]'
check "the server still runs" kill -0 "$background_pid"
check "the audit trail verifies" audit_verifies
finish
