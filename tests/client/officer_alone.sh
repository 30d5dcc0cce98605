#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# One security officer alone cannot come to sign as a signer: every way that the verbs allow is tried, under the
# shipped policy, and again under those that the officer alone can put in force. Each try fails, and the trail
# names it. And where init made one officer: how the second is made.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need jq softhsm2-util pkcs11-tool
need_no_sanitizer "samctl, many hundred times,"
setup

# ---- words for this script: the officer is $SO_NAME, the victim is vera ------------------------
newest_refusal() { as_auditor audit search --type admin-refused --json | tail -1; }
# refused REASON ACTOR DESCRIPTION COMMAND...: exit status 1, and the newest refusal in the trail is the actor's, for
# that reason
refused()
{
	local reason=$1 actor=$2 what=$3 status
	shift 3
	"$@" >"$work/out" 2>"$work/err"
	status=$?
	newest_refusal >"$work/newest"
	if [ $status = 1 ] && jq -e --arg r "$reason" --arg a "$actor" '.reason == $r and (.actor.id // "nobody") == $a' \
		"$work/newest" >/dev/null; then
		ok "$what"
	else
		{ echo "exit status $status"; cat "$work/out" "$work/err" "$work/newest"; } >"$work/refused.log"
		not_ok "$what" "$work/refused.log"
	fi
}
# waits DESCRIPTION WORD...: the officer begins it; it waits, and he cannot be the second person, neither at once nor
# later. It stays in $pending.
waits()
{
	local what=$1
	shift
	as_officer "$@" --json >"$work/out" 2>"$work/err"
	pending=$(jq -r .pending "$work/out" 2>/dev/null)
	if [[ $pending =~ ^[a-z2-7]{13}$ ]]; then
		ok "$what: waits"
	else
		cat "$work/err" "$work/out" >"$work/waits.log"
		not_ok "$what: waits" "$work/waits.log"
		return
	fi
	refused second_person "$SO_NAME" "$what: not confirmed by who began it" as_officer pending confirm "$pending"
}
cancelled() { check "$1: dropped" as_officer pending cancel "$pending"; }
new_pin() # NAME [TEXT]
{
	(umask 077 && if [ -n "${2:-}" ]; then echo "$2"; else openssl rand -hex 12; fi >"$work/$1.pin")
	echo "file:$work/$1.pin"
}
device() { rm -f "$work/$1.jwk" "$work/$1.pub" && "$SADTOOL" keygen --alg ES256 --out "$work/$1.jwk" --public "$work/$1.pub" >/dev/null; }
kid_of() # JWK
{
	jq -cSj '{crv,kty,x,y}' "$1" | openssl dgst -sha256 -binary | openssl base64 | tr '+/' '-_' | tr -d '=\n'
}
# bind SIGNER DEVICE: the words for it, in $line, with a new proof
bind()
{
	prove "$1" "$work/$2.jwk" || bail "no proof"
	line=("$1" --jwk "$work/$2.pub" --proof "$work/enrol.proof")
}
openssl dgst -sha256 -binary -out "$work/short.sha256" "$work/short.txt"
# tool PIN KEY: does an application get a signature?
tool()
{
	rm -f "$work/sig"
	SAM_TEST_PIN=$1 application pkcs11-tool --module "$P11_SAM_MODULE" --login --pin env:SAM_TEST_PIN --sign \
		--id "$2" --mechanism ECDSA --signature-format openssl \
		--input-file "$work/short.sha256" --output-file "$work/sig" >"$work/tool.log" 2>&1
	[ -s "$work/sig" ]
}
no_signature() { ! tool "$@"; }
sad_of() # DEVICE SIGNER KEY
{
	timeout 60 "$SADTOOL" new --key "$work/$1.jwk" --signer "$2" --aud "$SAM_ID" --credential "$3" \
		--file "$work/short.txt"
}
why_not() { as_auditor audit search --outcome failure --json | tail -1 | jq -r .reason; }
quietly() { "$@" >"$work/quiet.log" 2>&1 || bail "$*: failed" "$work/quiet.log"; }

# What there is: vera, enrolled by two, with a first password and a PIN; the officer's own keys.
for name in vera mine mine2; do device $name; done
vera_pin=$(new_pin vera)
quietly as_officer signer add vera --new-pin-source "$vera_pin"
vera=$(as_officer key generate --signer vera --type ec:P-256) || bail "no key for vera"
quietly enrol vera "$work/vera.jwk" "$work/vera.pub"
quietly as_officers authenticator add vera --new-pin-source "$(new_pin knowledge 736258)"
sleep 1.1 # a SAD of the second in which its signer was changed is refused
quietly activate vera "$vera" "$work/vera.jwk"
login_vera() { echo "vera:$(cat "${vera_pin#file:}")"; }
as_vera() { samctl --as vera --pin-source "$vera_pin" "$@"; }

# ---- a signer of one's own making, and another's authenticators --------------------------------
check "the officer alone makes a signer and a key for it" \
	eval 'as_officer signer add mallory && mallory=$(as_officer key generate --signer mallory --type ec:P-256)'
# devices_and_state LABEL: what takes two, by one
devices_and_state()
{
	bind mallory mine
	waits "$1: the own device for the fresh signer" authenticator add "${line[@]}"
	check "$1: and signs nothing" no_signature "$(sad_of mine mallory "$mallory")" "$mallory"
	cancelled "$1: the own device for the fresh signer"
	refused digest_used "$SO_NAME" "$1: a proof serves once" as_officer authenticator add "${line[@]}"
	bind vera mine2
	waits "$1: the own device for another's signer" authenticator add "${line[@]}"
	check "$1: and signs nothing there" no_signature "$(sad_of mine2 vera "$vera")" "$vera"
	cancelled "$1: the own device for another's signer"
	bind vera mine2
	waits "$1: the own device in the place of hers" authenticator replace "${line[@]}"
	cancelled "$1: the own device in the place of hers"
	waits "$1: her device taken away" authenticator remove vera --kid "$(kid_of "$work/vera.pub")"
	cancelled "$1: her device taken away"
	waits "$1: her PIN taken away" authenticator remove vera --pin
	cancelled "$1: her PIN taken away"
	refused signer_alone "$SO_NAME" "$1: a PIN in the place of hers" \
		as_officer authenticator add vera --new-pin-source "$(new_pin knowledge 918273)"
	refused signer_alone "$SO2_NAME" "$1: nor do two put one there" \
		as_officers authenticator add vera --new-pin-source "file:$work/knowledge.pin"
	waits "$1: a PIN for the fresh signer" authenticator add mallory --new-pin-source "file:$work/knowledge.pin"
	cancelled "$1: a PIN for the fresh signer"
	check "$1: the officer alone suspends" as_officer signer suspend vera
	waits "$1: and does not resume" signer resume vera
	cancelled "$1: and does not resume"
	quietly as_officers signer resume vera
	lock_out vera
	waits "$1: nor unlock" signer unlock vera
	cancelled "$1: nor unlock"
	quietly as_officers signer unlock vera
}
devices_and_state "alone"
prove vera "$work/mine.jwk"
refused proof "$SO_NAME" "a proof for another signer is none for the fresh one" \
	as_officer authenticator add mallory --jwk "$work/mine.pub" --proof "$work/enrol.proof"
prove mallory "$work/mine.jwk"
refused proof "$SO_NAME" "nor one by another key" \
	as_officer authenticator add mallory --jwk "$work/mine2.pub" --proof "$work/enrol.proof"
refused proof "$SO_NAME" "nor is there a device without one" as_officer authenticator add mallory --jwk "$work/mine.pub"

# ---- a second self -----------------------------------------------------------------------------
selves()
{
	local role name
	while read -r role; do
		case $role in sca | signer) continue ;; esac
		name=self-$role
		waits "$1: a second self as $role" principal add "$name" --role "$role" --new-pin-source "$(new_pin self)"
		refused principal_unknown nobody "$1: who is not there yet" \
			samctl --as "$name" --pin-source "file:$work/self.pin" pending confirm "$pending"
		cancelled "$1: a second self as $role"
	done < <("$SAM_BUILDDIR/tests/client/acts" conflicts | cut -f1 | uniq)
}
selves "alone"
sca_pin=$(new_pin sca)
check "an SCA is made by one, with the signer granted" \
	as_officer principal add selfsca --role sca --signer vera --signer mallory --new-pin-source "$sca_pin"
login_sca=selfsca:$(cat "$work/sca.pin")
check "its login signs nothing" no_signature "$login_sca" "$vera"
check "for want of a SAD" test "$(why_not)" = pin_form
bind mallory mine
waits "a device that the SCA shall confirm" authenticator add "${line[@]}"
refused role selfsca "the SCA is no second person" samctl --as selfsca --pin-source "$sca_pin" pending confirm "$pending"
refused second_person selfsca "nor at once" as_officer --second selfsca --second-pin-source "$sca_pin" signer resume vera
cancelled "a device that the SCA shall confirm"
for role in administrator operator auditor sca ra ca; do
	refused roles_conflict "$SO_NAME" "the officer does not become $role as well" as_officer role grant "$SO_NAME" --role $role
done
waits "the SCA made an RA" role grant selfsca --role ra
cancelled "the SCA made an RA"
waits "the RA removed" principal remove "$RA_NAME"
cancelled "the RA removed"
refused last_of_role "$SO_NAME" "the other officer's role taken away: there would be one" \
	as_officer role revoke "$SO2_NAME" --role security-officer
refused exists "$SO_NAME" "a name that somebody has" as_officer principal add "$SO2_NAME" --role sca --new-pin-source "$sca_pin"

# ---- one device key, or user, for two names ----------------------------------------------------
waits "the own device key" principal device "$SO_NAME" --jwk "$work/mine.pub"
check "another officer confirms it" as_officer2 pending confirm "$pending"
bind mallory mine
refused key_shared "$SO_NAME" "the officer's key is no signer's" as_officer authenticator add "${line[@]}"
refused key_shared "$SO_NAME" "nor an SCA's" \
	as_officer principal add sharing --role sca --jwk "$work/mine.pub" --new-pin-source "$sca_pin"
refused key_shared "$SO_NAME" "nor is the signer's key the officer's" \
	as_officer principal device "$SO_NAME" --jwk "$work/vera.pub"
check "an SCA with a key and a user of its own" as_officer principal add first-sca --role sca --uid 4711 \
	--jwk "$work/mine2.pub" --new-pin-source "$sca_pin"
refused key_shared "$SO_NAME" "the same user is no second SCA" \
	as_officer principal add second-sca --role sca --uid 4711 --new-pin-source "$sca_pin"
bind mallory mine2
refused key_shared "$SO_NAME" "and the SCA's key no signer's" as_officer authenticator add "${line[@]}"
device mine2

# ---- assertions --------------------------------------------------------------------------------
device other
quietly as_officer2 --second "$SO_NAME" --second-pin-source "$SO_PIN_SOURCE" principal device "$SO2_NAME" --jwk "$work/other.pub"
sleep 1.1 # what was asserted in the second of the change is from before it
# asserts DEVICE NAME FILE WORD...: with --lifetime 1 where $lifetime is so
asserts()
{
	local key=$work/$1.jwk who=$2 file=$work/$3
	shift 3
	timeout 60 "$SADTOOL" assert --key "$key" --name "$who" --aud "$SAM_ID" --lifetime "${lifetime:-120}" -- "$@" >"$file"
}
# second ASSERTION WORD...: the officer, with what shall be the other's word
second()
{
	local file=$work/$1
	shift
	as_officer --second "$SO2_NAME" --second-assertion "$file" "$@"
}
resume=(signer resume vera)
quietly as_officer signer suspend vera
asserts mine "$SO2_NAME" forged "${resume[@]}"
refused assertion "$SO2_NAME" "the other's word by the own key" second forged "${resume[@]}"
asserts mine "$SO_NAME" own "${resume[@]}"
refused assertion "$SO2_NAME" "the own word as the other's" second own "${resume[@]}"
asserts mine "$SO_NAME" own "${resume[@]}"
refused second_person "$SO_NAME" "the own word as one's own second" \
	as_officer --second "$SO_NAME" --second-assertion "$work/own" "${resume[@]}"
asserts other "$SO2_NAME" another signer suspend vera
refused assertion "$SO2_NAME" "the other's word about another act" second another "${resume[@]}"
asserts other "$SO2_NAME" whom signer resume mallory
refused assertion "$SO2_NAME" "about another signer" second whom "${resume[@]}"
asserts other "$SO2_NAME" confirm pending confirm aaaaaaaaaaaaa
refused assertion "$SO2_NAME" "about another act that waits" \
	samctl --as "$SO2_NAME" --assertion "$work/confirm" pending confirm bbbbbbbbbbbbb
lifetime=1
asserts other "$SO2_NAME" expired "${resume[@]}"
lifetime=
sleep 2
refused assertion "$SO2_NAME" "one that has expired" second expired "${resume[@]}"
asserts other "$SO2_NAME" good "${resume[@]}"
sed 's/.$/A/; s/\.[^.]*$/.AAAA/' "$work/good" >"$work/cut"
refused assertion "$SO2_NAME" "one with another signature" second cut "${resume[@]}"
check "the other officer's word for this act: done" second good "${resume[@]}"
quietly as_officer signer suspend vera
refused assertion "$SO2_NAME" "and not again" second good "${resume[@]}"
quietly as_officers signer resume vera
bind vera mine2
cp "$work/mine2.pub" "$work/file.pub"
line[2]=$work/file.pub
cp "$work/vera.pub" "$work/file.pub"
asserts other "$SO2_NAME" file authenticator add "${line[@]}"
cp "$work/mine2.pub" "$work/file.pub"
refused assertion "$SO_NAME" "a file changed after the other had asserted it" second file authenticator add "${line[@]}"

# ---- files that change while an act waits ------------------------------------------------------
quietly as_officer signer add walter
device walter
bind walter walter
cp "$work/walter.pub" "$work/file.pub"
cp "$work/enrol.proof" "$work/file.proof"
waits "a device for a signer who is there" authenticator add walter --jwk "$work/file.pub" --proof "$work/file.proof"
bind walter mine2
cp "$work/mine2.pub" "$work/file.pub"
cp "$work/enrol.proof" "$work/file.proof"
check "the RA confirms it" as_ra pending confirm "$pending"
check "what is bound is what waited, whatever the file holds now" test \
	"$(as_officer authenticator list --json | jq -r '.[] | select(.signer == "walter") | .kid')" = "$(kid_of "$work/walter.pub")"

# ---- policies of one's own ---------------------------------------------------------------------
# draft SED [FILE]: the policy in force, or the file, with this change and the next version, in $work/draft.yaml
draft()
{
	local version
	version=$(sed -n 's/^version: *\([0-9]*\).*/\1/p' "$demo/policy.yaml")
	sed -e "$1" -e "s/^version: .*/version: $((version + 1))/" "${2:-$demo/policy.yaml}" >"$work/draft.yaml"
}
in_force() { as_officer policy show --json | jq -r .sha256; }
level_policy 2 >"$work/level2.yaml"
draft '' "$work/level2.yaml"
waits "a policy of another level" policy sign "$work/draft.yaml"
cancelled "a policy of another level"
next_policy 's/dual_control: \[\]/dual_control: [policy sign, signer suspend, key generate]/'
waits "under dual control a suspension" signer suspend vera
cancelled "under dual control a suspension"
waits "and a key is made by two" key generate --signer vera --type ec:P-256
draft 's/dual_control: .*/dual_control: []/'
waits "dual control given up" policy sign "$work/draft.yaml"
sum=$(sha256sum "$work/draft.yaml" | cut -d' ' -f1)
sed -i 's/authorisation: sad/authorisation: login/' "$work/draft.yaml"
check "the other officer confirms that one" as_officer2 pending confirm "$pending"
check "in force is what waited, whatever the draft says now" test "$(in_force)" = "$sum"
check "before logins authorise, the first password is changed by the one who gave it" \
	as_vera signer passwd vera --new-pin-source "$(new_pin vera2)"
cp "$work/vera2.pin" "$work/vera.pin"
next_policy 's/authorisation: sad/authorisation: login/; s/verify: true/verify: false/
	s/administrator_operator: false/administrator_operator: true/'
device mine # the old one is the officer's by now
devices_and_state "under the own policy"
selves "under the own policy"

# ---- logins that authorise ---------------------------------------------------------------------
check "the password that the officer gave signs nothing" no_signature "$(login_vera)" "$vera"
check "since it is not the signer's own" test "$(why_not)" = login_not_confirmed
check "nor does the SCA's" no_signature "$login_sca" "$vera"
check "nor is there a login at all for the officer" no_signature "$SO_NAME:$(cat "${SO_PIN_SOURCE#file:}")" "$vera"
own_pin=$(new_pin own)
as_vera signer passwd vera --new-pin-source "$own_pin" --json >"$work/out" 2>&1
pending=$(jq -r .pending "$work/out")
check "changed by the one who gave it, it waits" test ${#pending} = 13
refused second_person "$SO_NAME" "the one who gave it does not confirm it" as_officer pending confirm "$pending"
refused role selfsca "nor does the SCA" samctl --as selfsca --pin-source "$sca_pin" pending confirm "$pending"
refused role vera "nor the signer" as_vera pending confirm "$pending"
refused second_person "$SO_NAME" "nor the one who gave it at once" \
	as_vera --second "$SO_NAME" --second-pin-source "$SO_PIN_SOURCE" signer passwd vera --new-pin-source "$own_pin"
check "and it signs nothing still" no_signature "$(login_vera)" "$vera"
cancelled "the first own password"

# Who is in by the first password when the signer chooses her own is not her.
mkfifo "$work/go"
CREDENTIAL_EC=$vera background "$work/late.log" sh -c '"$1" "$2" "$3" <"$4"' sh \
	"$SAM_BUILDDIR/tests/client/late" "$P11_SAM_MODULE" "$(login_vera)" "$work/go"
exec 3>"$work/go"
for _ in $(seq 100); do
	grep -q '^in' "$work/late.log" && break
	sleep 0.1
done
check "an application is in by the password that the officer gave" grep -q '^in' "$work/late.log"
as_vera signer passwd vera --new-pin-source "$own_pin" --json >"$work/out" 2>&1
check "vera chooses another, the RA asks her and confirms" as_ra pending confirm "$(jq -r .pending "$work/out")"
echo go >&3
exec 3>&-
check_fails "the application signs nothing by the login of before" wait "$background_pid"
check "since something about the signer changed" test "$(why_not)" = activation_ended

# ---- what became of it -------------------------------------------------------------------------
signatures() { as_auditor audit search --signer "$1" --type sign --outcome success --json | wc -l; }
for name in vera mallory walter; do
	check "no signature was made with $name's key" test "$(signatures $name)" = 0
done
check "vera's own password signs" tool "vera:$(cat "$work/own.pin")" "$vera"
check "and so does her device" tool "$(sad_of vera vera "$vera")" "$vera"
check "and that is seen" test "$(signatures vera)" = 2
check "the chain verifies" audit_verifies

# ---- where init made one officer ---------------------------------------------------------------
one_officer
officer2=("$SO2_NAME" --role security-officer --new-pin-source "$SO2_PIN_SOURCE")
waits "the second officer by the first alone" principal add "${officer2[@]}"
by_officer=$pending
as_auditor principal add third --role security-officer --new-pin-source "$SO2_PIN_SOURCE" --json >"$work/out" 2>&1
by_auditor=$(jq -r .pending "$work/out")
refused second_person "$AUDITOR_NAME" "nor by the auditor alone" as_auditor pending confirm "$by_auditor"
refused second_person "$SO_NAME" "nor by the officer twice at once" \
	as_officer --second "$SO_NAME" --second-pin-source "$SO_PIN_SOURCE" principal add "${officer2[@]}"
waits "nobody else is made that way" principal add third --role operator --new-pin-source "$SO2_PIN_SOURCE"
refused second_person "$AUDITOR_NAME" "nor by officer and auditor" as_auditor pending confirm "$pending"
cancelled "nobody else is made that way"
check "officer and auditor make the second" as_auditor pending confirm "$by_officer"
check "which is an alert" eval 'as_auditor audit search --type second-officer --json |
	jq -es "length == 1 and .[0].class == \"alert\" and .[0].outcome == \"success\"" >/dev/null'
refused pending_changed "$SO_NAME" "and not a third by what waited" as_officer pending confirm "$by_auditor"
refused role "$AUDITOR_NAME" "nor does the auditor begin it again" \
	as_auditor principal add fourth --role security-officer --new-pin-source "$SO2_PIN_SOURCE"
waits "nor do officer and auditor" principal add fourth --role security-officer --new-pin-source "$SO2_PIN_SOURCE"
refused second_person "$AUDITOR_NAME" "since now it takes two officers" as_auditor pending confirm "$pending"
refused last_of_role "$SO_NAME" "and there is no way back to one officer" \
	as_officer role revoke "$SO2_NAME" --role security-officer
check "two officers make a third" as_officer2 pending confirm "$pending"
check "the chain verifies here too" audit_verifies
finish
