#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Every level × every way of making, bringing in, changing, exporting, copying and destroying a signing key × every
# role: what is answered, what is on record and of whom, and what is in the CM afterwards. The table below is what is
# expected; nothing else here says it. With SAM_TABLE=FILE what one run gave at the three levels is written there.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need jq softhsm2-util
need_no_sanitizer "samctl, many hundred times,"
helper=$SAM_BUILDDIR/tests/client/keys_table
levels=(1 2 3)
[ "$(id -u)" = 0 ] || levels=(1) # the others want a configuration that root owns
setup

# ---- the table ---------------------------------------------------------------------------------
# WAY | WHO | what each level gives: CODE RECORD CHANGE
#   WHO     roles; `others` are those that no line above of this way has
#   CODE    the exit status of samctl, or what the call answers
#   RECORD  the type of the record in the trail, or TYPE/REASON where it is a refusal; /REASON: admin-refused; -: none
#   CHANGE  of the number of private keys in the CM, and of the number of public keys
#   =       as at the level before
# Whoever has no login at the SAM by PKCS#11 is nobody there. Above level 1 each SAD has two factors, and is encrypted.
table()
{
	cat <<'X'
key generate by one                     | security-officer      | 0 key-generate +1                 | 0 pending-add 0  | =
key generate by one                     | nobody                | 1 /principal_unknown 0            | =                | =
key generate by one                     | others                | 1 /role 0                         | =                | =
key generate by two                     | security-officer      | 0 key-generate +1                 | =                | =
key generate by two                     | nobody                | 1 /principal_unknown 0            | =                | =
key generate by two                     | others                | 1 /role 0                         | =                | =
key generate by a SAD                   | signer                | 0 key-generate +1                 | =                | =
key generate by a SAD                   | others                | 2 - 0                             | =                | =
key import by one                       | security-officer      | 1 /role 0                         | 1 /import 0      | 1 /import_level 0
key import by one                       | nobody                | 1 /principal_unknown 0            | =                | =
key import by one                       | others                | 1 /role 0                         | =                | =
key import by two                       | security-officer      | 1 /role 0                         | 1 /import 0      | 1 /import_level 0
key import by two                       | nobody                | 1 /principal_unknown 0            | =                | =
key import by two                       | others                | 1 /role 0                         | =                | =
key import by a SAD                     | signer                | 1 /import 0                       | =                | 1 /import_level 0
key import by a SAD                     | others                | 2 - 0                             | =                | =
key destroy by one                      | security-officer operator | 0 pending-add 0               | =                | =
key destroy by one                      | nobody                | 1 /principal_unknown 0            | =                | =
key destroy by one                      | others                | 1 /role 0                         | =                | =
key destroy by two                      | security-officer operator | 0 key-retire -1               | =                | =
key destroy by two                      | nobody                | 1 /principal_unknown 0            | =                | =
key destroy by two                      | others                | 1 /role 0                         | =                | =
key destroy by a SAD                    | signer                | 0 key-retire -1                   | =                | =
key destroy by a SAD                    | others                | 2 - 0                             | =                | =
C_Login to look                         | signer                | CKR_OK login 0                    | =                | =
C_Login                                 | security-officer sca signer | CKR_OK login 0             | =                | =
C_Login                                 | others                | CKR_PIN_INCORRECT login/principal_unknown 0 | =      | =
C_GenerateKeyPair                       | security-officer      | CKR_ACTION_PROHIBITED call-refused/role 0 | =        | =
C_GenerateKeyPair                       | others                | CKR_USER_NOT_LOGGED_IN call-refused/no_activation 0 | = | =
C_Login with an order                   | security-officer      | CKR_USER_ANOTHER_ALREADY_LOGGED_IN login/another_logged_in 0 | = | =
C_Login with an order                   | sca signer            | CKR_USER_ALREADY_LOGGED_IN activate 0 | =          | =
C_GenerateKeyPair under it              | security-officer      | CKR_ACTION_PROHIBITED call-refused/role 0 | =        | =
C_GenerateKeyPair under it              | sca signer            | CKR_OK key-generate +1            | =                | =
C_CreateObject of a private key         | others                | CKR_ACTION_PROHIBITED call-refused/prohibited 0 | =  | =
C_UnwrapKey                             | others                | CKR_ACTION_PROHIBITED call-refused/prohibited 0 | =  | =
C_SetAttributeValue of ID               | sca signer            | CKR_ACTION_PROHIBITED key-refused/prohibited 0 | =   | =
C_SetAttributeValue of ID               | others                | CKR_OBJECT_HANDLE_INVALID - 0     | =                | =
C_SetAttributeValue of LABEL            | sca signer            | CKR_ACTION_PROHIBITED key-refused/prohibited 0 | =   | =
C_SetAttributeValue of LABEL            | others                | CKR_OBJECT_HANDLE_INVALID - 0     | =                | =
C_SetAttributeValue of DECRYPT          | sca signer            | CKR_ACTION_PROHIBITED key-refused/prohibited 0 | =   | =
C_SetAttributeValue of DECRYPT          | others                | CKR_OBJECT_HANDLE_INVALID - 0     | =                | =
C_WrapKey                               | sca signer            | CKR_KEY_UNEXTRACTABLE key-refused/unextractable 0 | = | =
C_WrapKey                               | others                | CKR_KEY_HANDLE_INVALID - 0        | =                | =
C_GetAttributeValue of VALUE            | sca signer            | CKR_ATTRIBUTE_SENSITIVE - 0       | =                | =
C_GetAttributeValue of VALUE            | others                | CKR_OBJECT_HANDLE_INVALID - 0     | =                | =
C_GetAttributeValue of PRIVATE_EXPONENT | sca signer            | CKR_ATTRIBUTE_SENSITIVE - 0       | =                | =
C_GetAttributeValue of PRIVATE_EXPONENT | others                | CKR_OBJECT_HANDLE_INVALID - 0     | =                | =
C_CopyObject                            | sca signer            | CKR_ACTION_PROHIBITED key-refused/prohibited 0 | =   | =
C_CopyObject                            | others                | CKR_OBJECT_HANDLE_INVALID - 0     | =                | =
C_DestroyObject                         | sca signer            | CKR_ACTION_PROHIBITED key-refused/prohibited 0 | =   | =
C_DestroyObject                         | others                | CKR_OBJECT_HANDLE_INVALID - 0     | =                | =
X
}

# ---- the people --------------------------------------------------------------------------------
roles=(security-officer administrator operator auditor sca ra ca signer nobody)
declare -A name pin
quietly() { "$@" >"$work/quiet.log" 2>&1 || bail "$*: failed" "$work/quiet.log"; }
person() { name[$1]=$2 pin[$1]=$3; }
new_pin() # NAME: a file with a new password
{
	(umask 077 && openssl rand -hex 12 >"$work/$1.pin")
	echo "file:$work/$1.pin"
}
person security-officer "$SO_NAME" "$SO_PIN_SOURCE"
person administrator "$ADMIN_NAME" "$ADMIN_PIN_SOURCE"
person operator "$OPERATOR_NAME" "$OPERATOR_PIN_SOURCE"
person auditor "$AUDITOR_NAME" "$AUDITOR_PIN_SOURCE"
person sca portal "$(new_pin portal)"
person ra "$RA_NAME" "$RA_PIN_SOURCE"
person ca ca "$(new_pin ca)"
person signer "$SIGNER" "$SIGNER_PIN_SOURCE"
person nobody nobody "$(new_pin nobody)"
for role in "${roles[@]}"; do
	echo "$role ${name[$role]}:$(cat "${pin[$role]#file:}")"
done >"$work/people"
make_people() # of a fresh set-up, which has the officers, the auditor and the signer
{
	local role
	quietly as_officer principal add portal --role sca --signer "$SIGNER" --new-pin-source "${pin[sca]}"
	for role in administrator operator ra ca; do
		quietly as_officers principal add "${name[$role]}" --role $role --new-pin-source "${pin[$role]}"
	done
}
as() # ROLE ARG...
{
	local role=$1
	shift
	samctl --as "${name[$role]}" --pin-source "${pin[$role]}" "$@"
}
order_key() { order "$SIGNER" generate "{\"type\":\"ec:P-256\",\"label\":\"$1\"}"; } # LABEL
new_inactive() { as_officers key generate --signer "$SIGNER" --type ec:P-256 --reference "letter 7" 2>/dev/null; }

# ---- what is got -------------------------------------------------------------------------------
# In $work/got lines `WAY ROLE CODE PRIVATE PUBLIC`, as the helper prints them, in the order in which things are done.
# got WAY ROLE COMMAND...: a line of samctl's, and what it said in $work/said/LINE
got()
{
	local way=$1 role=$2 status line
	shift 2
	line=$(($(wc -l <"$work/got") + 1))
	"$@" >"$work/out" 2>"$work/said/$line"
	status=$?
	[ $status = 0 ] || [ ! -s "$work/out" ] || status="$status, and printed something"
	printf '%s\t%s\t%s\t%s\n' "$way" "$role" "$status" "$("$helper" count | tr ' ' '\t')" >>"$work/got"
}
# by_people VERB WORD...: by each role alone, and with another officer beside. ${own[HOW-ROLE]} comes first, if there is one.
by_people()
{
	local verb=$1 role how second=(--second "$SO2_NAME" --second-pin-source "$SO2_PIN_SOURCE")
	shift
	for how in one two; do
		for role in "${roles[@]}"; do
			# shellcheck disable=SC2086
			if [ $how = one ]; then
				got "$verb by one" "$role" as "$role" $verb ${own[one-$role]-} "$@"
			else
				got "$verb by two" "$role" as "$role" "${second[@]}" $verb ${own[two-$role]-} "$@"
			fi
		done
	done
}
# by_sad VERB WORD...: by the SAD in $work/sad, and by each role beside it
by_sad()
{
	local verb=$1 role
	shift
	# shellcheck disable=SC2086
	got "$verb by a SAD" signer samctl $verb "$@" --sad "$work/sad"
	for role in "${roles[@]}"; do
		# shellcheck disable=SC2086
		[ "$role" = signer ] || got "$verb by a SAD" "$role" as "$role" $verb "$@" --sad "$work/sad"
	done
}
declare -A own # the word that is one's own
try_all()
{
	local generate=(--signer "$SIGNER" --type ec:P-256) role how i doomed
	local -A victims
	# Keys to destroy are made before anything is looked at: one for each who may. The others try their hands at one
	# that stays.
	for how in one two; do
		for role in "${roles[@]}"; do victims[$how-$role]=$CREDENTIAL_RSA; done
		victims[$how-security-officer]=$(new_inactive) || bail "no key to destroy"
		victims[$how-operator]=$(new_inactive) || bail "no key to destroy"
	done
	doomed=$(new_inactive) || bail "no key to destroy"
	for i in 1 2 3 4 5 6 7 8 9; do order_key "called $i"; done >"$work/orders"
	: >"$work/got"
	rm -rf "$work/said" && mkdir "$work/said"
	sleep 1.1 # a SAD of the second in which its key was made would be too old
	read -r private public < <("$helper" count)
	since=$(as_auditor audit list --json | tail -1 | jq .seq)
	own=()
	by_people 'key generate' "${generate[@]}" --reference "letter 7"
	order_key "by a SAD" >"$work/sad"
	by_sad 'key generate' "${generate[@]}"
	echo '{}' >"$work/garbage"
	by_people 'key import' "$work/garbage" --reference "letter 7"
	order "$SIGNER" import "{\"sha256\":\"$(sha256sum "$work/garbage" | cut -d' ' -f1)\"}" >"$work/sad"
	by_sad 'key import' "$work/garbage"
	for i in "${!victims[@]}"; do own[$i]=${victims[$i]}; done
	by_people 'key destroy'
	order "$SIGNER" destroy "{\"credentialID\":\"$doomed\"}" >"$work/sad"
	by_sad 'key destroy' "$doomed"
	application "$helper" calls "$work/people" "$work/orders" >>"$work/got" || bail "$helper calls failed" "$work/got"
	# what is equal in a row is one record with a count
	as_auditor audit list --json | jq -r --argjson seq "$since" 'select(.seq > $seq and (.type | IN("admin-refused",
		"call-refused", "key-refused", "key-generate", "key-retire", "key-import", "pending-add", "login", "activate"))) |
		"\(.type)\(if .reason then "/\(.reason)" else "" end)\t\(.actor.id // (if .sad then "a SAD" else "nobody"
		end))\t\(.target)" as $r |
		range(.count // 1) | $r' >"$work/trail"
}

# ---- judging -----------------------------------------------------------------------------------
text_of() { sed -n "s/^R([A-Z_]*, $1, .*, \"\(.*\)\")\$/\1/p" "$SAM_SRCDIR/src/base/reasons.def"; }
declare -A cells # LEVEL WAY ROLE: CODE RECORD CHANGE
read_table()
{
	local way who one two three before role level mentioned=
	local -a cell
	while IFS='|' read -r way who one two three; do
		cell=('' "$one" "$two" "$three")
		read -r way <<<"$way"
		[[ $mentioned == "$way:"* ]] || mentioned="$way: "
		[[ $who != *others* ]] || who=${roles[*]}
		for role in $who; do
			[[ $mentioned != *" $role "* ]] || continue
			mentioned+="$role "
			for level in 1 2 3; do
				read -r before <<<"${cell[level]}"
				[ "$before" != = ] || before=${cells[$((level - 1)) $way $role]}
				cells[$level $way $role]=$before
			done
		done
	done < <(table)
}
# actor_of WAY ROLE RECORD: of whom the record has to be. Who is not logged in is nobody, a SAD that is refused is no
# signer; of two, it is the second who is there when the act is looked at; and who orders a key is its signer.
actor_of()
{
	case $1:$2:$3 in
	*:nobody:*) echo nobody ;;
	*'by a SAD:'*/*) echo 'a SAD' ;;
	*'by two:security-officer:'*/import*) echo "$SO2_NAME" ;;
	C_*:key-generate) echo "$SIGNER" ;;
	C_Login*:* | key*:* | C_*:security-officer:* | C_*:sca:* | C_*:signer:*) echo "${name[$2]}" ;;
	*) echo nobody ;;
	esac
}
# says FILE REASON CODE: what samctl said on standard error is what the reason's text says, or no more than "refused"
says()
{
	case $2:$3 in
	*:0) return 0 ;;
	role:1 | principal_unknown:1) grep -q ': refused$' "$1" || grep -qF "$(text_of role)" "$1" ;;
	*:2) grep -qF -- '--sad stands for the signer' "$1" ;;
	*) grep -qF "$(text_of "$2")" "$1" ;;
	esac
}
# judge LEVEL: one line of TAP for each line of what was got
judge()
{
	local way role code now_private now_public want record change line=0 bad type actor target reason
	exec 4<"$work/trail"
	while IFS=$'\t' read -r way role code now_private now_public <&3; do
		line=$((line + 1)) bad=
		read -r want record change <<<"${cells[$1 $way $role]:-none - 0}"
		[[ $record != /* ]] || record=admin-refused$record
		reason=${record#*/}
		[ "$code" = "$want" ] || bad+=" answers $code, not $want;"
		[ ! -e "$work/said/$line" ] || says "$work/said/$line" "$reason" "$code" ||
			bad+=" says: $(head -c 200 "$work/said/$line" | tr '\n' ' ');"
		if [ "$record" != - ]; then
			IFS=$'\t' read -r type actor target <&4 || type='nothing'
			[ "$type" = "$record" ] || bad+=" on record as $type, not $record;"
			[ "$actor" = "$(actor_of "$way" "$role" "$record")" ] || bad+=" on record of $actor;"
			[[ $type != *-refused/* ]] || [[ $way == "${target%% level}"* ]] || bad+=" on record about $target;"
		fi
		[ "$now_private $now_public" = "$((private + change)) $((public + change))" ] ||
			bad+=" CM: $now_private and $now_public keys after $private and $public;"
		private=$now_private public=$now_public
		if [ -z "$bad" ]; then
			ok "level $1: $way: $role: $want, $record, $change"
		else
			not_ok "level $1: $way: $role:$bad"
		fi
	done 3<"$work/got"
	check "level $1: every line of the table was tried" test "$line" = "$(grep -c "^$1 " < <(printf '%s\n' "${!cells[@]}"))"
	check "level $1: nothing else is on record" eval '! IFS= read -r type <&4'
	exec 4<&-
}

# ---- the levels side by side -------------------------------------------------------------------
# outcome LEVEL WAY COMMAND...: done, waits, or the reason, of one more try
declare -A outcomes
outcome()
{
	local at="$1 $2" from
	shift 2
	from=$(as_auditor audit list --json | tail -1 | jq .seq)
	if "$@" >"$work/outcome" 2>&1; then
		outcomes[$at]='done'
	else
		outcomes[$at]="refused: $(as_auditor audit list --json |
			jq -rs --argjson seq "$from" 'map(select(.seq > $seq and .reason)) | first | .reason')"
	fi
}
by_order() # OPERATION PARAMS VERB WORD...
{
	order "$SIGNER" "$1" "$2" >"$work/sad"
	shift 2
	samctl "$@" --sad "$work/sad"
}
side_by_side() # LEVEL
{
	local again
	samctl --json sap key --import >"$work/import.jwk"
	plain_openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/key.pem" 2>/dev/null
	timeout 60 "$SAM_BUILDDIR/tests/client/package" "$work/import.jwk" "$work/key.pem" "$SIGNER" "$SAM_ID" '{}' \
		"$DEVICE_KEY" >"$work/package"
	again=$(new_inactive)
	sleep 1.1 # SADs of the second in which it was made would be too old
	outcome "$1" 'generate by a SAD' by_order generate '{"type":"ec:P-256","label":"side"}' key generate \
		--signer "$SIGNER" --type ec:P-256
	outcome "$1" 'generate by two officers' new_inactive
	outcome "$1" 'import by a SAD' by_order import \
		"{\"sha256\":\"$(sha256sum "$work/package" | cut -d' ' -f1)\"}" key import "$work/package"
	outcome "$1" 'sign, inactive' signs "$(new_sad "$again" --file "$work/short.txt")" "$again"
	outcome "$1" activate activate "$SIGNER" "$again"
	sleep 1.1
	outcome "$1" 'sign, without certificate' signs "$(new_sad "$again" --file "$work/short.txt")" "$again"
	outcome "$1" 'csr and certificate' certified "$again"
	outcome "$1" 'sign, certified' signs "$(new_sad "$again" --file "$work/short.txt")" "$again"
	sad_factors=()
	outcome "$1" 'sign, one factor' signs "$(new_sad "$again" --file "$work/short.txt")" "$again"
	[ "$1" = 1 ] || sad_factors=(--encrypt-to "$work/sap.jwk" --pin-source "file:$work/factor")
	outcome "$1" revoke as ra key revoke "$CREDENTIAL_EC" --reason "lost"
	outcome "$1" 'destroy by two' as_officers key destroy "$again"
}
ways=('generate by a SAD' 'generate by two officers' 'import by a SAD' 'sign, inactive' activate 'sign, without certificate'
	'csr and certificate' 'sign, certified' 'sign, one factor' revoke 'destroy by two')
print_table()
{
	local way row
	printf '| way | level 1 | level 2 | level 3 |\n|---|---|---|---|\n'
	for way in "${ways[@]}"; do
		row="| $way |"
		for level in 1 2 3; do row+=" ${outcomes[$level $way]:--} |"; done
		echo "$row"
	done
}

read_table
for level in "${levels[@]}"; do
	setup_level "$level" 2>/dev/null
	make_people
	private=0 public=0 since=0
	try_all
	judge "$level"
	side_by_side "$level"
	check "level $level: the audit trail verifies" audit_verifies
done
print_table >"$work/table"
if [ -n "${SAM_TABLE:-}" ]; then cp "$work/table" "$SAM_TABLE"; fi
while IFS= read -r row; do diag "$row"; done <"$work/table"
# expected WAY ONE TWO THREE
expected()
{
	local level want=('' "$2" "$3" "$4")
	for level in "${levels[@]}"; do
		check "level $level: $1: ${want[level]}" test "${outcomes[$level $1]}" = "${want[level]}"
	done
}
for way in 'generate by a SAD' 'generate by two officers' activate 'csr and certificate' 'sign, certified' revoke \
	'destroy by two'; do
	expected "$way" 'done' 'done' 'done'
done
expected 'import by a SAD' 'done' 'refused: import_issuer' 'refused: import_level'
expected 'sign, inactive' 'refused: key_inactive' 'refused: key_inactive' 'refused: key_inactive'
expected 'sign, without certificate' 'done' 'refused: certificate_missing' 'refused: certificate_missing'
expected 'sign, one factor' 'done' 'refused: factors' 'refused: sad_clear'
finish
