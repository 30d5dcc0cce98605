#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# p11-kit server around the module, as levels 2 and 3 have it: the application loads
# p11-kit-client.so and never the SAM. Also p11-kit's own listing of the module.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need p11-kit pkcs11-tool
for client in /usr/lib/*/pkcs11/p11-kit-client.so /usr/lib/pkcs11/p11-kit-client.so; do
	[ -e "$client" ] && break
done
[ -e "$client" ] || skip_all "p11-kit-client.so is not installed"
server=$(ls /usr/libexec/p11-kit/p11-kit-server /usr/lib/p11-kit/p11-kit-server 2>/dev/null | head -n 1)
[ -n "$server" ] || skip_all "p11-kit server is not installed"
setup

# Its own list of modules: this one. p11-kit ignores root's own configuration, so root gets a mount of its own.
mkdir -p "$work/config/pkcs11/modules"
printf 'user-config: only\n' >"$work/config/pkcs11/pkcs11.conf"
printf 'module: %s\n' "$P11_SAM_MODULE" >"$work/config/pkcs11/modules/p11-sam.module"
list_modules()
{
	if [ "$(id -u)" != 0 ]; then
		application env XDG_CONFIG_HOME="$work/config" p11-kit list-modules
	else
		application unshare --mount sh -c 'mount --bind "$1" /usr/share/p11-kit/modules && p11-kit list-modules' \
			sh "$work/config/pkcs11/modules"
	fi
}
if [ "${SAM_SANITIZER:-no}" != no ]; then
	skip "p11-kit list-modules shows the SAM" "with a sanitizer preloaded it hangs at exit, in a destructor of libp11-kit"
elif [ "$(id -u)" = 0 ] && ! unshare --mount mount --bind "$work" /usr/share/p11-kit/modules 2>/dev/null; then
	skip "p11-kit list-modules shows the SAM" "root, and not allowed to mount"
else
	list_modules >"$work/modules" 2>&1
	check "p11-kit list-modules shows the SAM" grep -q 'token: p11-sam' "$work/modules"
fi

background "$work/server.log" p11-kit server --foreground --name "$work/socket" --provider "$P11_SAM_MODULE" \
	"pkcs11:token=p11-sam"
for _ in $(seq 100); do
	[ -S "$work/socket" ] && break
	sleep 0.1
done
[ -S "$work/socket" ] || bail "p11-kit server made no socket" "$work/server.log"
export P11_KIT_SERVER_ADDRESS=unix:path=$work/socket

# The application's side knows nothing of the set-up.
client_tool()
{
	timeout 60 env -u P11_SAM_CONFIG -u SOFTHSM2_CONF pkcs11-tool --module "$client" "$@"
}
client_sign() # CREDENTIAL MECHANISM SAD FILE
{
	export TEST_SAD=$3
	rm -f "$work/sig"
	client_tool --login --pin env:TEST_SAD --sign --id "$1" --mechanism "$2" --signature-format openssl \
		--input-file "$4" --output-file "$work/sig"
}
sign_and_verify() # CREDENTIAL PUBLIC MECHANISM FILE
{
	local input=$4
	# p11-kit before 0.25 does not carry CKM_ECDSA_SHA256.
	if [ "$3" = ECDSA ]; then
		input=$work/hash
		plain_openssl dgst -sha256 -binary -out "$input" "$4" || return 1
	fi
	client_sign "$1" "$3" "$(new_sad "$1" --file "$4")" "$input" && verify "$2" "$work/sig" "$4"
}
export TEST_PIN=$signer_pin
client_tool --list-slots >"$work/slots" 2>&1
check "the client sees the SAM's token" grep -q 'p11-sam' "$work/slots"
client_tool --login --pin env:TEST_PIN --list-objects >"$work/objects" 2>&1
check "the client lists the signer's two keys" test "$(grep -c '^Private Key' "$work/objects")" = 2
for file in short.txt long.bin; do
	check "RSA over $file through the server" \
		sign_and_verify "$CREDENTIAL_RSA" "$public_rsa" SHA256-RSA-PKCS "$work/$file"
	check "ECDSA over $file through the server" \
		sign_and_verify "$CREDENTIAL_EC" "$public_ec" ECDSA "$work/$file"
done
sad=$(new_sad "$CREDENTIAL_RSA" --file "$work/short.txt")
check "a SAD signs through one connection" client_sign "$CREDENTIAL_RSA" SHA256-RSA-PKCS "$sad" "$work/short.txt"
check_fails "and not again through another, which another process serves" \
	client_sign "$CREDENTIAL_RSA" SHA256-RSA-PKCS "$sad" "$work/short.txt"
check "the audit trail says digest_used" audit_says "$sad" digest_used
check_fails "nor in a process that loads the module itself" \
	env TEST_SAD="$sad" timeout 60 pkcs11-tool --module "$P11_SAM_MODULE" --login --pin env:TEST_SAD --sign \
	--id "$CREDENTIAL_RSA" --mechanism SHA256-RSA-PKCS --input-file "$work/short.txt" --output-file "$work/sig"
check "one signature is in the audit trail under this SAD" test "$(audit_signatures "$sad")" = 1
# Several clients at once: one server process each.
pids=()
for i in 1 2 3 4; do
	(
		work=$work/client$i
		mkdir "$work"
		cp "${work%/*}/long.bin" "$work/"
		echo "$i" >>"$work/long.bin"
		sign_and_verify "$CREDENTIAL_EC" "$public_ec" ECDSA "$work/long.bin"
	) >"$work/client$i.log" 2>&1 &
	pids+=($!)
done
good=0
for pid in "${pids[@]}"; do wait "$pid" && good=$((good + 1)); done
cat "$work"/client?.log >"$work/clients.log"
if [ $good = 4 ]; then ok "four clients at once sign"; else not_ok "four clients at once sign" "$work/clients.log"; fi
check "the server still runs" kill -0 "$background_pid"
check "the audit trail verifies" audit_verifies
finish
