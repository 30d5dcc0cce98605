#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Behind the SAM's back: whoever has the CM's PIN or its disk puts another key under the name of a signer's, changes
# what a key may do, or puts back one that was destroyed. Nothing is released, and the trail says so (P1-6.3.1b.3,
# invariants 2 and 9). And what is meant to stop a key at once does so in a process that runs (P1-6.4.1.1).
. "$(dirname "${BASH_SOURCE[0]}")/words.sh" || exit 1
need jq pkcs11-tool
need_no_sanitizer "waiting for a second to pass"
setup
hsmobject=$SAM_BUILDDIR/tests/fault/hsmobject
sha256=$(sha256sum <"$work/short.txt" | cut -d' ' -f1)

# cm ARG...: the CM's own tool, with the CM's own PIN
cm() { pkcs11-tool --module "$CM_MODULE" --token-label "$CM_TOKEN" --login --pin "$(cat "$CM_PIN_FILE")" "$@"; }
objects() { find "$demo/tokens" -name '*.object' | sort; }
# key TYPE LABEL: a key of the signer's; leaves $credential, and its two files $private and $public
key()
{
	local file
	objects >"$work/before"
	credential=$(new_key "$SIGNER" "$1" "$2") || return
	private='' public=''
	for file in $(objects | comm -13 "$work/before" -); do
		case $("$hsmobject" "$file" class) in
		2) public=$file ;;
		3) private=$file ;;
		esac
	done
	[ -n "$private" ] && [ -n "$public" ]
}
edit() { "$hsmobject" "$private" "$@" || bail "hsmobject $*"; }
sad() { new_sad "$credential" --file "$work/short.txt"; }
# sign SAD: what the running application gets
sign() { ask sign "$credential" ecdsa "$sha256" "$1"; }
# alarmed REASON SAD: by the refusal of the signature, and by an alert that names the key
alarmed()
{
	as_auditor audit search --jti "$(claim "$2" jti)" --reason "$1" --format json |
		jq -es --arg c "$credential" 'flatten | any(.[]; .type == "sign") and
			any(.[]; .type == "integrity" and .class == "alert" and .credentialID == $c)'
}
start()
{
	talk_start
	is "$answer" 0x0 && is "$(ask login user "$signer_pin")" 0x0
}
recheck() # TIME: how long the CM is believed
{
	sed -i "s/^\( *recheck:\).*/\1 $1/" "$P11_SAM_CONFIG"
	grep -q " recheck: $1\$" "$P11_SAM_CONFIG" || sed -i "s/^cm:\$/&\n  recheck: $1/" "$P11_SAM_CONFIG"
	signed
}

check "another key, made as a signer's is" key ec:P-256 other
other=$private
check "and the one that is attacked" key ec:P-256 victim
cp "$private" "$work/sealed.object"
put_back() { edit put "$work/sealed.object"; }

# ---- an attribute changed in the CM's file: with cm.recheck 0 at the next signature ----------------
# changed WHAT VERB TYPE...: in the running process
changed()
{
	local what=$1 sad
	shift
	sad=$(sad)
	edit "$@"
	check "$what: refused at the next signature" is "$(sign "$sad")" 'sign 0x30'
	check "$what: on record and alarmed as key_changed" alarmed key_changed "$sad"
	put_back
	check "$what: put back, the same SAD signs: nothing was used up" is "$(sign "$sad")" 'sign 0x0'
}
recheck 0
check "an application starts, cm.recheck: 0" start
check "it signs" is "$(sign "$(sad)")" 'sign 0x0'
changed "CKA_DECRYPT" bool 0x105 1
changed "CKA_EXTRACTABLE" bool 0x162 1
changed "CKA_ID" from "$other" 0x102
changed "CKA_LABEL" from "$other" 0x3
changed "CKA_ALLOWED_MECHANISMS, one more" mechanisms 0x40000600 0x1041 0x1050
changed "CKA_ALLOWED_MECHANISMS, none, which is any" mechanisms 0x40000600
changed "CKA_MODIFIABLE" bool 0x170 1
talk_end

# ---- and with a second of trust after it at the latest ---------------------------------------------
recheck 1s
check "an application starts, cm.recheck: 1s" start
check "it signs" is "$(sign "$(sad)")" 'sign 0x0'
edit bool 0x105 1
sleep 1.1
late=$(sad)
check "CKA_DECRYPT: refused a second later" is "$(sign "$late")" 'sign 0x30'
check "CKA_DECRYPT: on record and alarmed as key_changed" alarmed key_changed "$late"
put_back
check "put back: it signs" is "$(sign "$late")" 'sign 0x0'
talk_end

# ---- the key itself is another ---------------------------------------------------------------------
recheck 0
check "an application starts" start
check "it signs" is "$(sign "$(sad)")" 'sign 0x0'
swapped=$(sad)
edit from "$other" 0x11
check "another private value in its place: refused" is "$(sign "$swapped")" 'sign 0x30'
check "on record and alarmed as signature_mismatch" alarmed signature_mismatch "$swapped"
put_back
check "the SAD is spent, since the CM did sign" is "$(sign "$swapped")" 'sign 0x200'
check "the key itself signs again" is "$(sign "$(sad)")" 'sign 0x0'
talk_end

id=$(cm -O --type privkey 2>/dev/null | sed -n '/label: *victim$/,/ID:/s/^ *ID: *//p')
check "its CKA_ID in the CM is random, not its credentialID" eval '[ ${#id} = 32 ] && [ "$id" != "$credential" ]'
cp "$public" "$work/public.object"
restore_copy() # PRIVATE PUBLIC: with the lock files that SoftHSM wants beside them
{
	cp "$1" "$private" && cp "$2" "$public" && touch "${private%.object}.lock" "${public%.object}.lock"
}
replace()
{
	cm --delete-object --type privkey --id "$id" && cm --delete-object --type pubkey --id "$id" &&
		cm --keypairgen --key-type EC:prime256v1 --label victim --id "$id" "$@"
}
for recheck in 0 1s; do
	recheck $recheck
	check "recheck $recheck: an application starts" start
	check "recheck $recheck: it signs" is "$(sign "$(sad)")" 'sign 0x0'
	check "recheck $recheck: the pair deleted, another under its label and CKA_ID, by the CM's own tool" \
		replace --usage-sign --sensitive
	[ $recheck = 0 ] || sleep 1.1
	replaced=$(sad)
	check "recheck $recheck: the running process refuses" is "$(sign "$replaced")" 'sign 0x30'
	check "recheck $recheck: on record and alarmed as key_changed" alarmed key_changed "$replaced"
	talk_end
	start >/dev/null
	check "recheck $recheck: a new process refuses, too" is "$(sign "$replaced")" 'sign 0x30'
	talk_end
	check "recheck $recheck: key show says that it is not the one in the CM" eval \
		'as_officer --json key show "$credential" | jq -e ".in_cm == false"'
	# the key comes back as it was, from the copy
	cm --delete-object --type privkey --id "$id" >/dev/null 2>&1
	cm --delete-object --type pubkey --id "$id" >/dev/null 2>&1
	restore_copy "$work/sealed.object" "$work/public.object"
done
check "the copy of the key itself put back: the SAD that was refused signs" eval \
	'start && is "$(sign "$replaced")" "sign 0x0"; talk_end'

# ---- a destroyed key put back ----------------------------------------------------------------------
reappeared() # alarms of this key
{
	as_auditor audit search --type integrity --reason key_reappeared --format json |
		jq -s --arg c "$credential" 'flatten | map(select(.credentialID == $c and .class == "alert") | .count // 1) | add // 0'
}
for kind in destroyed revoked; do
	check "a key that will be $kind" key ec:P-256 "$kind"
	cp "$private" "$work/gone.private" && cp "$public" "$work/gone.public"
	if [ $kind = destroyed ]; then
		params="{\"credentialID\":\"$credential\"}"
		check "destroyed by its signer's SAD" samctl key destroy "$credential" --sad - <<<"$(order "$SIGNER" destroy "$params")"
	else
		check "revoked by an officer, with a reason" as_officer key revoke "$credential" --reason "the device was lost"
	fi
	check "$kind: it is gone in the CM" eval '[ ! -e "$private" ] && [ ! -e "$public" ]'
	check "$kind: maintain is content" samctl maintain
	restore_copy "$work/gone.private" "$work/gone.public"
	check "$kind, put back from a copy of the CM: the CM has it" eval 'cm -O 2>/dev/null | grep -q "label: *$kind\$"'
	check "$kind, put back: an application starts" start
	check "$kind, put back: nobody sees it, so it signs nothing" is "$(ask init "$credential" ecdsa)" 0x60
	talk_end
	check "$kind, put back: key list knows nothing of it" eval '! as_officer key list | grep "$credential"'
	check "$kind, put back: doctor names it" eval '! samctl doctor >"$work/doctor" && grep "destroyed.*$credential" "$work/doctor"'
	check "$kind, put back: maintain tells of it" eval 'samctl maintain 2>&1 | grep "destroyed"'
	check "$kind, put back: and alarms key_reappeared, once" is "$(reappeared)" 1
	rm -f "$private" "$public"
	check "$kind, taken away again: maintain is content" samctl maintain
	check "$kind, taken away again: no alarm more" is "$(reappeared)" 1
done

# ---- what stops a key stops it at once -------------------------------------------------------------
recheck 1s
check "a key that will be suspended" key ec:P-256 suspended
check "an application starts" start
check "it signs" is "$(sign "$(sad)")" 'sign 0x0'
sad=$(sad) sad2=$(sad)
check "it begins a signature" is "$(ask init "$credential" ecdsa)" 0x0
check "and presents its SAD" is "$(ask context "$sad")" 0x0
check "the operator suspends the key" as_operator key suspend "$credential" --reason "a call"
check "the signature under way is refused" is "$(ask finish "$sha256")" 0x68
check "the trail says key_suspended" eval 'as_auditor audit search --type sign --reason key_suspended --format json |
	jq -es --arg c "$credential" "flatten | any(.[]; .credentialID == \$c)"'
check "and no other begins" is "$(sign "$sad2")" 'init 0x68'
sleep 1.1
check "the signer's SAD resumes it" samctl key resume "$credential" --sad - \
	<<<"$(order "$SIGNER" resume "{\"credentialID\":\"$credential\"}")"
check "a SAD from before is dead" eval '[[ "$(sign "$sad2")" != *" 0x0" ]]'
check "and so is the one that was presented" eval '[[ "$(sign "$sad")" != *" 0x0" ]]'
sleep 1.1
check "a SAD made after it signs" is "$(sign "$(sad)")" 'sign 0x0'
talk_end
check "the audit trail verifies" audit_verifies
finish
