#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Every file that the SAM reads, garbled: it refuses or works, it does not crash, and a SAD that was used
# gives no second signature whatever the file says (invariants 3, 5, 9).
. "${SAM_SRCDIR:?}/tests/client/lib.sh"
setup
times=6
[ "${SAM_TEST_LONG:-0}" = 1 ] && times=120
openssl dgst -sha256 -binary -out "$work/short.sha256" "$work/short.txt"

sign() # SAD
{
	rm -f "$work/sig"
	SAM_TEST_PIN=$1 application pkcs11-tool --module "$P11_SAM_MODULE" --login --pin env:SAM_TEST_PIN --sign \
		--id "$CREDENTIAL_EC" --mechanism ECDSA --signature-format openssl \
		--input-file "$work/short.sha256" --output-file "$work/sig" >"$work/sign.log" 2>&1
}
used=$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt")
check "a SAD is used" sign "$used"
fresh=$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt")
cp -a "$demo" "$work/good"
restore() { rm -rf "$demo" && cp -a "$work/good" "$demo"; }

# attempt: signs with the used SAD, then with a fresh one; counts crashes and second signatures.
crashes=0 second=0 worked=0 refused=0
attempt()
{
	sign "$used"
	status=$?
	[ $status -gt 2 ] && crashes=$((crashes + 1)) && diag "exit status $status"
	[ -s "$work/sig" ] && second=$((second + 1))
	sign "$fresh"
	status=$?
	[ $status -gt 2 ] && crashes=$((crashes + 1)) && diag "exit status $status"
	if [ -s "$work/sig" ] && verify "$public_ec" "$work/sig" "$work/short.txt" >/dev/null; then
		worked=$((worked + 1))
	else
		refused=$((refused + 1))
	fi
	samctl --json status >"$work/status.log" 2>&1
	[ $? -gt 2 ] && crashes=$((crashes + 1))
	samctl --json doctor >"$work/status.log" 2>&1
	[ $? -gt 2 ] && crashes=$((crashes + 1))
}
some_byte() { printf '%b' "\\x$(printf %02x $((RANDOM % 256)))"; }

for file in p11-sam.yaml policy.yaml policy.yaml.jws cm.pin state.db state.db-wal state.db-shm state.db.lock state.db.mark; do
	[ -s "$demo/$file" ] || continue
	size=$(stat -c %s "$demo/$file")
	crashes=0 second=0 worked=0 refused=0
	for ((i = 0; i < times; i++)); do
		for ((j = 0; j <= i % 3; j++)); do
			some_byte | dd of="$demo/$file" bs=1 seek=$(((RANDOM * 32768 + RANDOM) % size)) \
				conv=notrunc status=none
		done
		attempt
		restore
	done
	: >"$demo/$file"
	attempt
	restore
	head -c $((size / 2)) "$work/good/$file" >"$demo/$file"
	attempt
	restore
	head -c 4096 /dev/urandom >"$demo/$file"
	attempt
	restore
	rm -f "$demo/$file"
	attempt
	restore
	diag "$file: $worked worked, $refused refused"
	check "$file garbled, emptied, cut, replaced, removed: no crash" [ $crashes = 0 ]
	check "$file garbled: no second signature under a used SAD" [ $second = 0 ]
done

# What the database's owner might try, with the store at rest.
if command -v sqlite3 >/dev/null; then
	for sql in 'DELETE FROM uses' 'DELETE FROM activations' 'DELETE FROM uses; DELETE FROM activations' \
		'UPDATE activations SET exp = exp + 100000' "UPDATE grants SET body = CAST(replace(CAST(body AS TEXT), 'alice', 'alicf') AS BLOB)" \
		"DELETE FROM grants WHERE kind = 'authenticator'" 'DELETE FROM head' 'UPDATE head SET sealed = zeroblob(400)'; do
		if sqlite3 "$demo/state.db" "$sql" 2>"$work/sql.log"; then
			crashes=0 second=0 worked=0 refused=0
			attempt
			check "$sql: nothing is signed any more" [ $crashes = 0 -a $second = 0 -a $worked = 0 ]
			check_fails "$sql: doctor says so" samctl doctor
		else
			not_ok "$sql: could not be tried" "$work/sql.log"
		fi
		restore
	done
	# The trail: verify names it.
	for sql in 'DELETE FROM audit WHERE seq = 3' 'DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)' \
		"UPDATE audit SET line = replace(line, 'alice', 'alicf') WHERE seq = (SELECT min(seq) FROM audit WHERE signer = 'alice')" \
		"UPDATE audit SET signer = 'bob' WHERE signer = 'alice'"; do
		sqlite3 "$demo/state.db" "$sql" 2>"$work/sql.log" || not_ok "$sql: could not be tried" "$work/sql.log"
		check_fails "$sql: audit verify finds it" audit_verifies
		restore
	done
else
	skip "the database's owner" "sqlite3 is not installed"
fi
check "put back, it signs" sign "$fresh"
check "and the chain verifies" audit_verifies
finish
