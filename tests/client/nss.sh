#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# NSS: modutil loads the module into a private database, certutil lists the keys and signs a certificate
# request, in a new session for each signature. It ignores a refused context login and repeats
# for ever where CKR_PIN_INCORRECT comes back from one. As for GnuTLS, a first run tells the hash.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need modutil certutil
need_no_sanitizer NSS
setup

db=$work/db
mkdir "$db"
printf '' >"$work/empty"
nss() { application "$@" </dev/null; }
pin_file() # PIN: as certutil reads it
{
	printf 'p11-sam:%s\n' "$1" >"$work/pins"
	chmod 600 "$work/pins"
}
check "certutil makes a database" nss certutil -N -d "sql:$db" --empty-password
check "modutil adds the module" \
	nss modutil -dbdir "sql:$db" -force -add sam -libfile "$P11_SAM_MODULE"
check "modutil lists the token" sh -c 'timeout 60 modutil -dbdir "$1" -list | grep -q "token: p11-sam"' sh "sql:$db"
pin_file "$signer_pin"
nss certutil -K -d "sql:$db" -h p11-sam -f "$work/pins" >"$work/keys" 2>&1
status=$?
check "certutil -K ends well" test $status = 0
check "certutil -K lists both keys" test "$(grep -c '^<' "$work/keys")" = 2
pin_file "$SIGNER:not-her-password"
started=$(date +%s)
check_fails "a wrong password lists nothing, and is not tried for ever" \
	timeout 30 certutil -K -d "sql:$db" -h p11-sam -f "$work/pins"
check "it gave up within 15 s" test $(($(date +%s) - started)) -lt 15

request() # CREDENTIAL PIN
{
	rm -f "$work/request"
	pin_file "$2"
	nss timeout 60 certutil -R -d "sql:$db" -h p11-sam -f "$work/pins" -k "$1" -s "CN=Alice Example" -Z SHA256 \
		-a -o "$work/request" && [ -s "$work/request" ]
}
for kind in RSA EC; do
	credential=CREDENTIAL_$kind
	credential=${!credential}
	sad=$(new_sad "$credential" --file "$work/short.txt")
	check_fails "$kind: certutil's request is refused under a SAD for another document" request "$credential" "$sad"
	check "$kind: the audit trail says digest_not_authorised" audit_says "$sad" digest_not_authorised
	sad=$(new_sad "$credential" --digest "$(refused_dtbsr)")
	if check "$kind: certutil signs the request under a SAD for its hash" request "$credential" "$sad"; then
		check "$kind: plain OpenSSL verifies the request" plain_openssl req -in "$work/request" -noout -verify
	fi
	check "$kind: one signature is in the audit trail under this SAD" test "$(audit_signatures "$sad")" = 1
done
check "the audit trail verifies" audit_verifies
finish
