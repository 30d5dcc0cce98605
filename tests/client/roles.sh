#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Every act of acts.def by every role, alone and as the second person, and every PKCS#11 call by every role:
# allowed or refused as the table has it. What is expected comes from the table (tests/client/acts); here stands
# only how each act is tried. An act without a command here fails.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/roles_acts.sh"
need jq softhsm2-util
need_no_sanitizer "samctl, many hundred times,"
acts=$SAM_BUILDDIR/tests/client/acts
setup

# ---- the people: one principal for each role, and nobody ---------------------------------------
mapfile -t roles < <("$acts" conflicts | cut -f1 | uniq)
roles+=(nobody)
declare -A name pin
person() { name[$1]=$2 pin[$1]=$3; }
# new_pin NAME: a file with a new password
new_pin()
{
	(umask 077 && openssl rand -hex 12 >"$work/$1.pin")
	echo "file:$work/$1.pin"
}
as() # ROLE ARG...
{
	local role=$1
	shift
	samctl --as "${name[$role]}" --pin-source "${pin[$role]}" "$@"
}
quietly() { "$@" >"$work/quiet.log" 2>&1 || bail "$*: failed" "$work/quiet.log"; }
fresh=$(new_pin fresh)
person security-officer "$SO_NAME" "$SO_PIN_SOURCE"
person administrator "$ADMIN_NAME" "$ADMIN_PIN_SOURCE"
person operator "$OPERATOR_NAME" "$OPERATOR_PIN_SOURCE"
person auditor "$AUDITOR_NAME" "$AUDITOR_PIN_SOURCE"
person ra "$RA_NAME" "$RA_PIN_SOURCE"
person sca portal "$(new_pin portal)"
person ca ca "$(new_pin ca)"
person signer "$SIGNER" "$SIGNER_PIN_SOURCE"
person nobody nobody "$(new_pin nobody)"
person officer2 "$SO2_NAME" "$SO2_PIN_SOURCE"
quietly as_officer principal add portal --role sca --signer "$SIGNER" --new-pin-source "${pin[sca]}"
quietly as_officers principal add ca --role ca --new-pin-source "${pin[ca]}"
for role in "${roles[@]}"; do
	[ -n "${name[$role]:-}" ] || not_ok "there is a principal of the role $role"
done

# ---- PKCS#11 -----------------------------------------------------------------------------------
quietly as_officer signer add other
OTHER_CREDENTIAL=$(as_officer key generate --signer other --type ec:P-256) || bail "no other key"
export OTHER_CREDENTIAL
(umask 077 && for role in "${roles[@]}"; do
	echo "$role ${name[$role]}:$(cat "${pin[$role]#file:}")"
done >"$work/people")
new_sad "$CREDENTIAL_EC" --each --num $((2 * ${#roles[@]})) >"$work/sads" || bail "no SADs"
for ((i = 0; i < 2 * ${#roles[@]}; i++)); do
	order "$SIGNER" generate "{\"type\":\"ec:P-256\",\"label\":\"called $i\"}"
done >"$work/orders"
made_before=$(as_auditor audit search --type key-generate --outcome success --json | wc -l)
signed_before=$(as_auditor audit search --type sign --outcome success --json | wc -l)
if application "$SAM_BUILDDIR/tests/client/roles_calls" "$P11_SAM_MODULE" "$work/people" "$work/sads" "$work/orders" \
	>"$work/calls.log" 2>&1; then
	ok "every PKCS#11 call by every role: $(grep -c '^ok' "$work/calls.log") tries"
else
	grep -A1 -v '^ok' "$work/calls.log" >"$work/calls.bad"
	not_ok "every PKCS#11 call by every role" "$work/calls.bad"
fi
check "the signer and the SCA signed once each, nobody else" test \
	"$(as_auditor audit search --type sign --outcome success --json | tail -n +$((signed_before + 1)) |
		jq -r .actor.role | sort | tr '\n' ' ')" = "sca signer "

# whoever presents the order, it is the signer who acts
check "and had one key pair made each, nobody else" test \
	"$(as_auditor audit search --type key-generate --outcome success --json | tail -n +$((made_before + 1)) |
		jq -r .actor.role | sort | tr '\n' ' ')" = "signer signer "

# ---- trying, and judging -----------------------------------------------------------------------
mkdir "$work/try"
text_of() { sed -n "s/^R([A-Z_]*, $1, .*, \"\(.*\)\")\$/\1/p" "$SAM_SRCDIR/src/base/reasons.def"; }
has() { [[ ",$1," == *",$2,"* || $1 == anybody ]]; }
# try ROLE VERB WORD...: leaves try/ROLE.out, .err and .status
try()
{
	local role=$1
	shift
	# shellcheck disable=SC2086
	as "$role" $1 "${@:2}" >"$work/try/$role.out" 2>"$work/try/$role.err"
	echo $? >"$work/try/$role.status"
}
status_of() { cat "$work/try/$1.status"; }
# refused_for ROLE REASON TARGET [ACTOR]: exit status 1, nothing printed but "refused" or what the reason says; and a
# record has to be in the trail.
refused_for()
{
	local who=${4:-${name[$1]}}
	[ "$who" != nobody ] || who=null
	printf '%s|%s|%s\n' "$who" "$3" "$2" >>"$work/refusals"
	[ "$(status_of "$1")" = 1 ] && [ ! -s "$work/try/$1.out" ] &&
		{ grep -q ': refused\( by .*\)\?$' "$work/try/$1.err" || grep -qF "$(text_of "$2")" "$work/try/$1.err"; }
}
# done_by ROLE ACT: exit status 0, or the one other reason that this may fail for
done_by()
{
	local reason
	[ "$(status_of "$1")" = 0 ] && return
	reason=$(may_fail "$2") && [ "$(status_of "$1")" = 1 ] && grep -qF "$(text_of "$reason")" "$work/try/$1.err"
}
has_fresh() { cp "${fresh#file:}" "${pin[$1]#file:}"; } # ROLE: one's own password is another now
complain() # ROLE WHAT
{
	diag "$1: not $2: exit status $(status_of "$1"): $(head -c 300 "$work/try/$1.err" | tr '\n' ' ')"
	bad=1
}
begins() { "$acts" acts | awk -F '\t' -v v="$1" '$2 == v { printf "%s,", $3 }'; } # VERB: who may begin an act of it
# everybody DESCRIPTION ACT VERB FIRST: all roles try to begin the act
everybody()
{
	local what=$1 act=$2 verb=$3 first=$4 role refused_as
	bad=0
	before_act "$act"
	for role in "${roles[@]}"; do
		has "$first" "$role" && continue
		line "$act" "$role" victim || { not_ok "$act: this script has no command for it"; return; }
		try "$role" "$verb" "${line[@]}" &
		[ "$act" != 'backup restore' ] || wait # one at a time
	done
	wait
	for role in "${roles[@]}"; do
		has "$first" "$role" || continue
		target "$act"
		line "$act" "$role" "$target" || { not_ok "$act: this script has no command for it"; return; }
		try "$role" "$verb" "${line[@]}" &
		[ "$act" != 'backup restore' ] || wait # one at a time
	done
	wait
	for role in "${roles[@]}"; do
		if has "$first" "$role"; then
			done_by "$role" "$act" || complain "$role" allowed
		elif [ "$role" = nobody ]; then
			refused_for nobody principal_unknown "$verb" || complain nobody refused
		else
			# whoever may begin another act of the same verb is refused this one by its name
			has "$(begins "$verb")" "$role" && refused_as=$act || refused_as=$verb
			refused_for "$role" role "$refused_as" || complain "$role" refused
		fi
		[[ $act != *passwd ]] || ! has "$first" "$role" || has_fresh "$role"
	done
	after_act "$act"
	if [ $bad = 0 ]; then ok "$what"; else not_ok "$what"; fi
}

# ---- the second person -------------------------------------------------------------------------
# begin ROLE ACT VERB: begin it on something new; the id is in $pending, what it is about in $target
begin()
{
	case $2 in
	'cm disable') quietly as_officers cm enable ;;
	esac
	target "$2"
	line "$2" "$1" "$target"
	try "$1" "$3" "${line[@]}" --json
	pending=$(jq -r .pending "$work/try/$1.out" 2>/dev/null)
	[[ $pending =~ ^[a-z2-7]{13}$ ]] || complain "$1" "left to wait ($2)"
}
may_confirm=$("$acts" acts | awk -F '\t' '$1 == "pending confirm" { print $3 }')
# Those who may not, on one act that waits; then those who may, each on one of their own.
seconds() # DESCRIPTION ACT VERB FIRST SECOND
{
	local what=$1 act=$2 verb=$3 first=$4 second=$5 by=security-officer role allowed=()
	bad=0
	has "$first" "$by" || by=${first%%,*}
	before_act "$act"
	begin "$by" "$act" "$verb"
	for role in "${roles[@]}"; do
		if has "$second" "$role"; then
			[ "$role" != security-officer ] || role=officer2
			[ -z "${name[$role]:-}" ] || allowed+=("$role")
		elif [ "$role" != security-officer ]; then
			try "$role" 'pending confirm' "$pending" &
		fi
	done
	# who began it, or gave the password that it is about
	try security-officer 'pending confirm' "$pending" &
	wait
	for role in "${roles[@]}"; do
		if [ "$role" = nobody ]; then
			refused_for nobody principal_unknown 'pending confirm' || complain nobody refused
		elif ! has "$may_confirm" "$role"; then
			refused_for "$role" role 'pending confirm' || complain "$role" refused
		elif [ "$role" = security-officer ] || ! has "$second" "$role"; then
			refused_for "$role" second_person "$act" || complain "$role" refused
		fi
	done
	try "$by" "$verb" "${line[@]}" --second "${name[$by]}" --second-pin-source "${pin[$by]}"
	refused_for "$by" second_person "$act" || complain "$by" 'refused as the second person too'
	for role in "${allowed[@]}"; do
		[ "$role" = "${allowed[0]}" ] || begin "$by" "$act" "$verb"
		try "$role" 'pending confirm' "$pending"
		done_by "$role" "$act" || complain "$role" 'allowed to confirm'
		[ "$act" != 'signer passwd first' ] || has_fresh "$by"
	done
	after_act "$act"
	if [ $bad = 0 ]; then ok "$what"; else not_ok "$what"; fi
}

# The same where nothing can wait, since there may be no store to wait in: both are there at once.
at_once() # DESCRIPTION ACT VERB FIRST SECOND
{
	local what=$1 act=$2 verb=$3 by=${4%%,*} second=$5 role allowed=() reason
	bad=0
	line "$act" "$by" victim
	with() # ROLE: as the second
	{
		# shellcheck disable=SC2086
		as "$by" $verb "${line[@]:0:${#line[@]}-4}" --second "${name[$1]}" --second-pin-source "${pin[$1]}" \
			>"$work/try/$1.out" 2>"$work/try/$1.err"
		echo $? >"$work/try/$1.status"
	}
	for role in "${roles[@]}"; do
		if has "$second" "$role"; then allowed+=("$role"); else with "$role"; fi
	done
	for role in "${roles[@]}"; do
		reason=role
		[ "$role" != nobody ] || reason=principal_unknown
		has "$second" "$role" || refused_for "$role" $reason "$act" "${name[$by]}" || complain "$role" refused
	done
	for role in "${allowed[@]}"; do
		with "$role"
		done_by "$role" "$act" || complain "$role" 'allowed as the second'
	done
	if [ $bad = 0 ]; then ok "$what"; else not_ok "$what"; fi
}

# ---- the signer's own SAD ----------------------------------------------------------------------
# by_sad ACT VERB OPERATION: a SAD for another operation does nothing, that for this one does it, with nobody's help
by_sad()
{
	local wrong=suspend who=$SIGNER device=$DEVICE_KEY
	target "$1"
	line "$1" security-officer "$target"
	case $1 in
	signer* | authenticator* | 'key generate'*) who=$target device=$work/$target.old.jwk ;;
	esac
	case $1 in
	signer* | 'key generate'*)
		device "$target.old" "$target"
		quietly enrol "$target" "$work/$target.old.jwk" "$work/$target.old.pub"
		[ ${#sad_factors[@]} = 0 ] || quietly second_factor "$target"
		;;
	'authenticator pin') quietly second_factor "$target" ;;
	esac
	# a SAD of the second of a change is dead
	case $1 in 'signer resume' | 'authenticator pin' | 'key resume' | 'key generate'*) sleep 1.1 ;; esac
	[ "$3" != suspend ] || wrong=resume
	order "$who" $wrong '{}' "$device" >"$work/order"
	# shellcheck disable=SC2086
	samctl $2 "${line[@]}" --sad "$work/order" >"$work/out" 2>&1 && return 1
	sad_of "$1" "$3" "$who" "$device" >"$work/order"
	# shellcheck disable=SC2086
	samctl $2 "${line[@]}" --sad "$work/order"
}
# Nobody stands beside a SAD: not even who might show what it would sign.
beside_sad() # ACT VERB
{
	local role
	line "$1" security-officer victim
	for role in "${roles[@]}"; do
		try "$role" "$2" "${line[@]}" --sad "$work/sad"
		[ "$(status_of "$role")" = 2 ] && [ ! -s "$work/try/$role.out" ] || { complain "$role" refused; return 1; }
	done
}

# ---- all of it ---------------------------------------------------------------------------------
# trail_since SEQ: what was refused for one's role, as ACTOR|TARGET|REASON
trail_since()
{
	as_auditor audit list --json | jq -r --argjson seq "$1" 'select(.seq > $seq and .type == "admin-refused" and
		(.reason | IN("role", "second_person", "principal_unknown"))) |
		"\(.actor.id)|\(.target)|\(.reason)"' | sort
}
# Each refusal is in the trail, and no other is.
trail_has_them()
{
	sort "$work/refusals" >"$work/expected"
	diff "$work/expected" <(trail_since "$since")
}
newest() { as_auditor audit list --json | tail -1 | jq .seq; }

# The one that those who may not try their hands at.
device victim victim
device victim.old victim
quietly as_officer signer add victim --subject "CN=Victim,O=Example,C=JP"
quietly enrol victim "$work/victim.old.jwk" "$work/victim.old.pub"
with_ca "$demo/policy.yaml"
next_policy 's/^sap:$/&\n  deferred: true\n  deferred_wait: 0s\n  deferred_expiry: 3600s\n  deferred_max: 64/'
key[victim]=$(as_officer key generate --signer victim --type ec:P-256 --label victim) || bail "no key of the victim's"
certificate victim
package victim
ask victim
as_officer signer show victim --json >"$work/victim.before"
new_sad "$CREDENTIAL_EC" --file "$work/short.txt" >"$work/sad"
quietly "$SADTOOL" keygen --alg ECDH-ES --out "$work/recipient.jwk" --public "$work/recipient.pub"
since=$(newest)

# by_people ACT VERB FIRST SECOND: those who may begin it and those who may not, and the same of the second
by_people()
{
	everybody "$1: begun by ${3/#-/nobody}" "$1" "$2" "$3"
	case $1 in
	'backup restore') at_once "$1: with $4" "$1" "$2" "$3" "$4" ;;
	*) [ "$4" = - ] || seconds "$1: confirmed by $4" "$1" "$2" "$3" "$4" ;;
	esac
}
while IFS=$'\t' read -r act verb first second sad <&3; do
	case $act in
	'second officer') continue ;; # where there is one officer, below
	'key '*level) continue ;; # where the level is another, below
	'key csr' | 'authenticator pin') check "$act: nobody beside the SAD" beside_sad "$act" "$verb" ;;
	*) by_people "$act" "$verb" "$first" "$second" ;;
	esac
	if [ "$sad" != - ]; then
		check "$act: done by the signer's SAD ($sad) alone" by_sad "$act" "$verb" "$sad"
		sad_factors=() # one factor is enough at level 1
	elif [[ $first != anybody && $verb != authenticator* && $verb != pending* ]]; then
		line "$act" security-officer victim
		# shellcheck disable=SC2086
		as_officer $verb "${line[@]}" --sad "$work/sad" >"$work/out" 2>&1
		check "$act: no SAD does it" test $? = 2
	fi
done 3< <("$acts" acts)
check "every refusal is in the trail with its reason, and no other" trail_has_them
as_officer signer show victim --json >"$work/victim.after"
check "nothing was done to whom only those tried who may not" cmp "$work/victim.before" "$work/victim.after"
check "nor to the request" eval 'jq -e ".state == \"open\"" "$work/request.after" >/dev/null'

# ---- roles apart -------------------------------------------------------------------------------
# grant ROLE ROLE: to the one who has the first, the second
grant() { "${granting:-as_officers}" role grant "pair-$1" --role "$2"; }
for role in "${roles[@]}"; do
	case $role in
	signer) quietly as_officer signer add pair-signer ;;
	nobody) ;;
	*) quietly as_officers principal add "pair-$role" --role "$role" --new-pin-source "$fresh" ;;
	esac
done
pairs_not()
{
	local a b strict loose
	while IFS=$'\t' read -r a b strict loose <&3; do
		[ "$a" != "$b" ] && [ "$strict" = not ] || continue
		# what may not be is refused before a second person is asked for
		{ granting=as_officer grant "$a" "$b" >"$work/pair.$a.$b" 2>&1 && echo "$a $b" >>"$work/pairs"; } &
		[ "$(jobs -pr | wc -l)" -lt 4 ] || wait -n
	done 3< <("$acts" conflicts)
	wait
	cat "$work/pair".*.*
	[ ! -e "$work/pairs" ] && [ "$(cat "$work/pair".*.* | grep -c P1-7.1.1)" -ge 20 ]
}
pairs_may() # COLUMN: 3 under the strict policy, 4 under the other
{
	local a b rest
	while IFS=$'\t' read -r a b rest <&3; do
		grant "$a" "$b" && as_officer role revoke "pair-$a" --role "$b" || return 1
	done 3< <("$acts" conflicts | awk -F '\t' -v c="$1" '$1 != $2 && $c == "may" && (c == 3 || $3 == "not")')
}
check "no one gets two roles that do not go together" pairs_not
check "those that do are given and taken" pairs_may 3
next_policy 's/administrator_operator: false/administrator_operator: true/'
check "administrator and operator too, if the policy says so" pairs_may 4
person both pair-administrator "$fresh"
quietly grant administrator operator
check "and may act" as both cm show
next_policy 's/administrator_operator: true/administrator_operator: false/'
try both 'cm show'
check "under a policy that does not, who has both is refused when acting" \
	eval '[ "$(status_of both)" = 1 ] && grep -q P1-7.1.1.4 "$work/try/both.err"'
check "with that reason in the trail" eval 'as_auditor audit search --reason roles_conflict --json |
	jq -es "any(.[]; .actor.id == \"pair-administrator\" and .target == \"cm show\")" >/dev/null'
try security-officer 'cm disable' --second pair-administrator --second-pin-source "$fresh"
check "and as a second person" test "$(status_of security-officer)" = 1
check "one of the two roles taken, the other is good again" \
	eval 'as_officer role revoke pair-administrator --role operator && as both cm show'

# ---- where the level is another ----------------------------------------------------------------
at_level_2()
{
	local role act verb first second sad
	cp "$demo/policy.yaml" "$work/level1.yaml"
	level_policy 2 >"$demo/policy.yaml"
	with_ca "$demo/policy.yaml"
	setup_again ''
	person signer "$SIGNER" "$SIGNER_PIN_SOURCE"
	quietly as_officer principal add portal --role sca --signer "$SIGNER" --new-pin-source "${pin[sca]}"
	for role in administrator operator ra ca; do
		quietly as_officers principal add "${name[$role]}" --role $role --new-pin-source "${pin[$role]}"
	done
	quietly as_officer signer add victim
	key[victim]=$(as_officers key generate --signer victim --type ec:P-256 --reference x) || bail "no key of the victim's"
	package victim
	: >"$work/refusals"
	since=$(newest)
	while IFS=$'\t' read -r act verb first second sad <&3; do
		[[ $act == 'key '*level ]] || continue
		by_people "$act" "$verb" "$first" "$second"
		check "$act: done by the signer's SAD of two factors ($sad) alone" by_sad "$act" "$verb" "$sad"
	done 3< <("$acts" acts)
	check "these refusals are in the trail too" trail_has_them
	cp "$work/level1.yaml" "$demo/policy.yaml"
}
if [ "$(id -u)" = 0 ]; then
	at_level_2
else
	skip "acts of levels 2 and 3" "they want a configuration that root owns"
fi

# ---- where init made one officer ---------------------------------------------------------------
one_officer
unset 'name[officer2]'
roles=(security-officer auditor sca signer nobody)
quietly as_officer signer add "$SIGNER" --new-pin-source "${pin[signer]}"
person signer "$SIGNER" "${pin[signer]}"
quietly as_officer principal add portal --role sca --new-pin-source "${pin[sca]}"
: >"$work/refusals"
since=$(newest)
IFS=$'\t' read -r act verb first second sad < <("$acts" acts | grep '^second officer')
everybody "$act: begun by $first" "$act" "$verb" "$first"
seconds "$act: confirmed by $second" "$act" "$verb" "$first" "$second"
check "the refusals there are in the trail" trail_has_them
check "it is an alert" eval 'as_auditor audit search --type second-officer --json |
	jq -es "length == 1 and .[0].class == \"alert\"" >/dev/null'
finish
