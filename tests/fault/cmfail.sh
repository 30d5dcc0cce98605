#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A CM that fails: nothing is used up where it cannot have signed, nothing leaves the module where its
# signature is wrong, and its PIN is not tried again once it was refused (invariants 2, 5, 6).
. "${SAM_SRCDIR:?}/tests/client/lib.sh"
setup
mockcm=$SAM_BUILDDIR/tests/fault/.libs/mockcm.so
[ -e "$mockcm" ] || bail "no $mockcm"
sed -i "s|^\( *module:\).*|\1 $mockcm|" "$P11_SAM_CONFIG"
export MOCKCM_MODULE=$CM_MODULE MOCKCM_LOG=$work/cm.log MOCKCM_CONTROL=$work/cm.control
: >"$MOCKCM_LOG"
signed
openssl dgst -sha256 -binary -out "$work/short.sha256" "$work/short.txt"

# a second key of the same kind, for the CM to take instead
new_key "$SIGNER" ec:P-256 other >/dev/null || bail "no second key"

cm() { printf '%s\n' "$@" >"$MOCKCM_CONTROL"; }
sign() # SAD
{
	rm -f "$work/sig"
	SAM_TEST_PIN=$1 application pkcs11-tool --module "$P11_SAM_MODULE" --login --pin env:SAM_TEST_PIN --sign \
		--id "$CREDENTIAL_EC" --mechanism ECDSA --signature-format openssl \
		--input-file "$work/short.sha256" --output-file "$work/sig"
}
signs() { sign "$1" && verify "$public_ec" "$work/sig" "$work/short.txt"; }
refuses() { ! sign "$1" && [ ! -s "$work/sig" ]; }

# It fails, says so, and has signed nothing: afterwards the same SAD still signs.
for what in 'C_SignInit fail 0x30' 'C_SignInit fail 0x5' 'C_Sign fail 0x30' 'C_Sign fail 0x31' 'C_Sign fail 0x5' \
	'C_FindObjects fail 0x30' 'C_OpenSession fail 0x30' 'C_Sign after 0x30'; do
	sad=$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt")
	cm "$what"
	check "CM: $what: refused" refuses "$sad"
	cm ''
	check "CM: $what: nothing was used up" signs "$sad"
	check "CM: $what: one signature in the trail" [ "$(audit_signatures "$sad")" = 1 ]
done

# It loses its sessions once: the SAM finds its way back by itself.
for what in 'C_SignInit fail 0xb3 1' 'C_SignInit fail 0x101 1' 'C_SignInit fail 0x32 1' 'C_SignInit fail 0x60 1'; do
	sad=$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt")
	cm "$what"
	check "CM: $what: signs all the same" signs "$sad"
	cm ''
done

# It signs, but not what it was told: nothing leaves, and the SAD is spent, for the CM did sign.
for what in 'C_Sign wrong' 'C_SignInit otherkey'; do
	sad=$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt")
	cm "$what"
	check "CM: $what: no signature leaves the module" refuses "$sad"
	check "CM: $what: the trail says signature_mismatch" audit_says "$sad" signature_mismatch
	cm ''
	check "CM: $what: the SAD is spent" refuses "$sad"
	check "CM: $what: told as used" audit_says "$sad" digest_used
done
check "the alert is recorded" \
	jq -es 'flatten | length > 0' <<<"$(as_auditor audit search --type integrity --format json)"

# Its random generator stands still.
cm 'C_GenerateRandom short'
check_fails "CM: random that repeats is refused" \
	application pkcs11-tool --module "$P11_SAM_MODULE" --generate-random 64 --output-file "$work/random"
cm ''
check "CM: random that does not is given" \
	application pkcs11-tool --module "$P11_SAM_MODULE" --generate-random 64 --output-file "$work/random"

# It refuses its PIN: told once to the CM, then to nobody until the PIN's source changes.
sad=$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt")
logins() { grep -c 'C_Login' "$MOCKCM_LOG"; }
cm 'C_Login fail 0xa0'
before=$(logins)
check "CM: PIN refused: no signature" refuses "$sad"
check "CM: PIN refused: nor at the second try" refuses "$sad"
check "CM: PIN refused: nor for another program" eval '! samctl sad exchange --sad - <<<"$sad"'
check "CM: PIN refused: the CM was asked once" [ $(($(logins) - before)) = 1 ]
cm ''
check "CM: PIN refused: remembered, though the CM would take it now" refuses "$sad"
sleep 0.1
touch "$CM_PIN_FILE"
check "CM: PIN refused: tried again when its source changed, nothing was used up" signs "$sad"
check "the chain verifies" audit_verifies
finish
