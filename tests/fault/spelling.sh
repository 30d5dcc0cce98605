#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The same SAD spelt otherwise is the same SAD or refused, never a second one; its bits cannot be
# changed; its pieces are told as cut short.
. "${SAM_SRCDIR:?}/tests/client/lib.sh"
setup
respell=$SAM_BUILDDIR/tests/fault/respell

sign() # SAD OUT
{
	SAM_TEST_PIN=$1 application pkcs11-tool --module "$P11_SAM_MODULE" --login --pin env:SAM_TEST_PIN --sign \
		--id "$CREDENTIAL_EC" --mechanism ECDSA --input-file "$work/short.sha256" --output-file "$2"
}
openssl dgst -sha256 -binary -out "$work/short.sha256" "$work/short.txt"

# The second spelling after the first was used, and the first after the second.
for how in s space order; do
	for first in sad other; do
		sad=$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt")
		if [ $how = s ]; then
			other=$("$respell" s "$sad")
		else
			other=$("$respell" $how "$DEVICE_KEY" "$sad")
		fi
		check "spelt otherwise ($how): not the same text" [ -n "$other" -a "$other" != "$sad" ]
		[ $first = sad ] && set -- "$sad" "$other" || set -- "$other" "$sad"
		check "spelt otherwise ($how): the first ($first) signs" sign "$1" "$work/first.sig"
		check_fails "spelt otherwise ($how): the second is no second signature" sign "$2" "$work/second.sig"
		check "spelt otherwise ($how): one signature in the trail" [ "$(audit_signatures "$sad")" = 1 ]
	done
done

# Every 7th character of a good SAD changed (all of them in the long run): never accepted.
sad=$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt")
step=7
[ "${SAM_TEST_LONG:-0}" = 1 ] && step=1
accepted=0 tried=0
for ((i = 0; i < ${#sad}; i += step)); do
	c=${sad:i:1}
	case $c in A) d=B ;; .) d=A ;; *) d=A ;; esac
	tried=$((tried + 1))
	samctl sad exchange --sad - <<<"${sad:0:i}$d${sad:i+1}" >/dev/null 2>&1 && accepted=$((accepted + 1))
done
# The last character of a part has bits that must be zero; "A" has none set, so no other spelling is left.
check "$tried changed characters of a SAD: none accepted" [ $accepted = 0 ]
check "the SAD itself still is" sign "$sad" "$work/first.sig"

# Cut where clients cut.
sad=$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt")
for n in 31 127 255 600 $((${#sad} - 1)); do
	SAM_TEST_PIN=${sad:0:n} application pkcs11-tool --module "$P11_SAM_MODULE" --login --pin env:SAM_TEST_PIN \
		--sign --id "$CREDENTIAL_EC" --mechanism ECDSA --input-file "$work/short.sha256" \
		--output-file "$work/cut.sig" >"$work/cut.log" 2>&1
	check "a SAD cut to $n bytes gets CKR_PIN_LEN_RANGE" grep -q 'CKR_PIN_LEN_RANGE\|0xa2' "$work/cut.log"
done
check "the audit tells of the cut SADs as such" \
	jq -es 'flatten | length > 0' <<<"$(as_auditor audit search --reason sad_truncated --format json)"
check "cut SADs used nothing up" sign "$sad" "$work/first.sig"
check "the chain verifies" audit_verifies
finish
