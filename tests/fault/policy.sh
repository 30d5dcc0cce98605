#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The policy, its signature and the configuration edited by hand: each refused with its reason, none signs. What
# officers sign is in force at once, also for a process that has been running; `policy sign' killed at any moment
# leaves one of the two policies in force (P2-3.2.2.3, invariants 5 and 9).
. "$(dirname "${BASH_SOURCE[0]}")/words.sh" || exit 1
need jq pkcs11-tool
need_no_sanitizer "a program killed at random moments"
setup
must "$SADTOOL" keygen --alg ES256 --out "$work/so2.jwk" --public "$work/so2.pub.jwk"
must samctl --as "$SO2_NAME" --pin-source "$SO2_PIN_SOURCE" --second "$SO_NAME" --second-pin-source "$SO_PIN_SOURCE" \
	principal device "$SO2_NAME" --jwk "$work/so2.pub.jwk"
must "$SADTOOL" keygen --alg ES256 --out "$work/other.jwk"
policy_jws() # KEY NAME [OPTION...]: for the files as they are now
{
	local key=$1 name=$2
	shift 2
	"$SADTOOL" policy --key "$key" --name "$name" --aud "$SAM_ID" --policy "$demo/policy.yaml" \
		--config "$P11_SAM_CONFIG" "$@"
}
as_officer2() { samctl --as "$SO2_NAME" "$@"; }
policy_jws "$work/so2.jwk" "$SO2_NAME" >"$work/v1.assertion"
mkdir "$work/v1"
must cp -a "$demo/policy.yaml" "$demo/policy.yaml.jws" "$work/v1/"
next_policy 's/^  pending: .*/  pending: 23h/'
openssl dgst -sha256 -binary -out "$work/short.sha256" "$work/short.txt"
hex=$(openssl dgst -sha256 -r "$work/short.txt" | cut -d' ' -f1)
sign() # SAD
{
	rm -f "$work/sig"
	SAM_TEST_PIN=$1 application pkcs11-tool --module "$P11_SAM_MODULE" --login --pin env:SAM_TEST_PIN --sign \
		--id "$CREDENTIAL_EC" --mechanism ECDSA --signature-format openssl \
		--input-file "$work/short.sha256" --output-file "$work/sig" >"$work/sign.log" 2>&1
}
good=$(new_sad "$CREDENTIAL_EC" --file "$work/short.txt")
must cp -a "$demo" "$work/good"
restore() { rm -rf "$demo" && cp -a "$work/good" "$demo"; }
check "unchanged, it signs" sign "$good"
restore

# ---- files ---------------------------------------------------------------------------------------
# edit NAME WORDS COMMAND...: after which samctl says WORDS and nothing signs.
edit()
{
	local what=$1 words=$2
	shift 2
	"$@" >"$work/edit.log" 2>&1 || not_ok "$what: could not be tried" "$work/edit.log"
	says "$words" samctl status >"$work/why" 2>&1 && says "" samctl signer list >/dev/null
	status=$?
	sign "$good" && { echo "pkcs11-tool signed"; status=1; } >>"$work/why"
	if [ $status = 0 ]; then
		ok "$what: refused ($words), nothing signs"
	else
		not_ok "$what: refused ($words), nothing signs" "$work/why"
	fi
	restore
}
other_byte() # FILE: not the last, whose lowest bits are none
{
	local text
	text=$(cat "$1")
	[ "${text: -40:1}" = A ] && text=${text:0:-40}B${text: -39} || text=${text:0:-40}A${text: -39}
	printf '%s' "$text" >"$1"
}
policy=$demo/policy.yaml jws=$demo/policy.yaml.jws config=$demo/p11-sam.yaml
edit "a byte of the policy" "was changed after it was signed" sed -i 's/^# The/# the/' "$policy"
edit "a policy that allows more" "was changed after it was signed" sed -i 's/attempts: 5/attempts: 9/' "$policy"
edit "the next version, unsigned" "which no officer has signed" sed -i 's/^version: .*/version: 9/' "$policy"
edit "the version before, with its own signature" "older than the sealed version 2" cp -a "$work/v1/." "$demo/"
edit "the version before, under the number of now" "was changed after it was signed" \
	sh -c 'sed "s/^version: .*/version: 2/" "$1/policy.yaml" >"$2" && cp -a "$1/policy.yaml.jws" "$2.jws"' sh "$work/v1" "$policy"
edit "no policy" "policy: .*no such file\|No such file" rm "$policy"
edit "no signature" "there is no signature .*policy sign" rm "$jws"
edit "an empty signature" "policy.yaml.jws: .*policy sign" truncate -s 0 "$jws"
edit "a cut signature" "policy.yaml.jws: .*policy sign" truncate -s 300 "$jws"
edit "a byte of the signature" "policy.yaml.jws: .*policy sign" other_byte "$jws"
edit "another policy's signature" "the signature is another policy's.*policy sign" cp -a "$work/v1/policy.yaml.jws" "$jws"
signed_by() { policy_jws "$@" >"$jws"; }
edit "a signature by a key that nobody knows" "policy.yaml.jws: .*policy sign" signed_by "$work/other.jwk" "$SO_NAME"
edit "a signature by a signer's device" "policy.yaml.jws: .*policy sign" signed_by "$DEVICE_KEY" "$SIGNER"
edit "a signer's device in an officer's name" "policy.yaml.jws: .*policy sign" signed_by "$DEVICE_KEY" "$SO_NAME"
edit "an officer's signature that was never sealed" "policy.yaml.jws: .*policy sign" signed_by "$work/so2.jwk" "$SO2_NAME"
edit "a policy that the group may write" "chmod go-w" chmod g+w "$policy"
edit "a signature that others may write" "chmod go-w" chmod o+w "$jws"
edit "a folder that the group may write" "chmod go-w" chmod g+w "$demo"
mkdir -m 777 "$work/open"
away() { mv "$1" "$work/open/${1##*/}" && ln -s "$work/open/${1##*/}" "$1"; } # FILE: into a folder that all may write
edit "a link to a policy that others may exchange" "chmod go-w" away "$policy"
edit "a link to a signature that others may exchange" "policy.yaml.jws\|chmod go-w" away "$jws"
edit "a link to a configuration that others may exchange" "chmod go-w" away "$config"
edit "a byte of the configuration" "is not the configuration that was signed" sed -i '$s/$/ # more/' "$config"
edit "another sam_id" "is not the configuration that was signed" sed -i 's|^sam_id: .*|sam_id: https://other.example|' "$config"
another_store()
{
	for file in "$demo"/state.db*; do
		cp -a "$file" "$demo/other.db${file#"$demo/state.db"}"
	done
	sed -i 's|state\.db|other.db|' "$config"
}
edit "another store" "is not the configuration that was signed" another_store
another_module() { cp "$CM_MODULE" "$demo/cm.so" && sed -i "s|module: .*|module: '$demo/cm.so'|" "$config"; }
edit "another library of the CM" "is not the configuration that was signed" another_module
another_policy()
{
	cp "$policy" "$demo/other.yaml" && cp "$jws" "$demo/other.yaml.jws" && sed -i 's|policy\.yaml|other.yaml|' "$config"
}
edit "another path to the policy" "is not the configuration that was signed" another_policy
edit "another place for the CM's PIN" "is not the configuration that was signed" \
	sh -c 'cp -a "$1/cm.pin" "$1/cm2.pin" && sed -i "s|cm\.pin|cm2.pin|" "$1/p11-sam.yaml"' sh "$demo"
edit "protected_path switched on" "is not the configuration that was signed" sed -i '$a protected_path: true' "$config"
edit "a configuration that the group may write" "chmod go-w" chmod g+w "$config"
if [ "$(id -u)" = 0 ]; then
	edit "a policy of another owner" "belongs to uid" chown nobody "$policy"
	edit "a signature of another owner" "belongs to uid" chown nobody "$jws"
	edit "a configuration of another owner" "belongs to uid" chown nobody "$config"
	edit "a folder of another owner" "belongs to uid" chown nobody "$demo"
else
	skip "files of another owner" "not root"
fi

# ---- signing what must not be signed -------------------------------------------------------------
# sealed: which version is in force.
sealed() { samctl --json status | jq .policy.version; }
refused_sign() # NAME WORDS COMMAND...
{
	local what=$1
	shift
	check "$what: refused ($1)" says "$@"
	check "$what: the policy in force is what it was" [ "$(sealed)" = 2 ]
	restore
}
assertion() { policy_jws "$@" >"$work/assertion"; }
sed 's/^version: .*/version: 3/' "$policy" >"$work/draft.yaml"
cp "$work/v1/policy.yaml" "$work/v1.yaml"
refused_sign "an older policy" "count it up" as_officer policy sign "$work/v1.yaml"
sed 's/attempts: 5/attempts: 9/' "$policy" >"$work/same.yaml"
refused_sign "another policy under the same version" "count it up" as_officer policy sign "$work/same.yaml"
refused_sign "a policy signed by the auditor" "refused" as_auditor policy sign "$work/draft.yaml"
refused_sign "a policy signed by a signer" "refused" \
	samctl --as "$SIGNER" --pin-source "$SIGNER_PIN_SOURCE" policy sign "$work/draft.yaml"
refused_sign "the assertion of the version before" "" as_officer2 --assertion "$work/v1.assertion" policy sign "$work/v1.yaml"
refused_sign "the assertion of another policy" "" as_officer2 --assertion "$work/v1.assertion" policy sign "$policy"
assertion "$work/so2.jwk" "$SO2_NAME" --lifetime 1
sleep 2
refused_sign "an assertion that has expired" "refused" as_officer2 --assertion "$work/assertion" policy sign "$policy"
assertion "$DEVICE_KEY" "$SO2_NAME"
refused_sign "an assertion by a signer's device" "refused" as_officer2 --assertion "$work/assertion" policy sign "$policy"
assertion "$work/so2.jwk" "$SO_NAME"
refused_sign "an officer's assertion in another's name" "refused" \
	samctl --as "$SO_NAME" --assertion "$work/assertion" policy sign "$policy"
assertion "$work/so2.jwk" "$SO2_NAME"
check "the officer's own assertion" as_officer2 --assertion "$work/assertion" policy sign "$policy"
check "is the signature beside the policy" cmp -s "$work/assertion" "$jws"
check "and status is content" samctl status
check "a second time it is no assertion" says "used already" as_officer2 --assertion "$work/assertion" policy sign "$policy"
check "and it signs" sign "$good"
restore

# ---- a process that runs -------------------------------------------------------------------------
fresh_sad() { new_sad "$1" --file "$work/short.txt"; }
talk_sign() { ask sign "$1" "$2" "$hex" "$(fresh_sad "$1")"; } # CREDENTIAL MECHANISM
talk_start
check "a process begins" is "$answer" 0x0
check "and logs in" is "$(ask login user "$signer_pin")" 0x0
check "it signs with RSA" is "$(talk_sign "$CREDENTIAL_RSA" rsa)" "sign 0x0"
ask init "$CREDENTIAL_RSA" rsa >/dev/null
check "it begins one more" is "$(ask context "$(fresh_sad "$CREDENTIAL_RSA")")" 0x0
next_policy '/^  - CKM_RSA_PKCS$/d'
check "forbidden meanwhile: what it had begun is refused" is "$(ask finish "$hex")" 0x70
check "and what it begins now" is "$(talk_sign "$CREDENTIAL_RSA" rsa)" "init 0x70"
check "what is allowed still it does" is "$(talk_sign "$CREDENTIAL_EC" ecdsa)" "sign 0x0"
check "the trail says mechanism" eval 'as_auditor audit search --reason mechanism --json | jq -es "length > 0"'
next_policy 's/max_lifetime: .*/max_lifetime: 60s/'
check "a SAD that lives longer than the new policy allows is refused" is "$(talk_sign "$CREDENTIAL_EC" ecdsa)" "context 0xa1"
next_policy 's/max_lifetime: .*/max_lifetime: 3600s/; s/^  - CKM_ECDSA$/  - CKM_ECDSA\n  - CKM_RSA_PKCS/'
check "allowed again, it signs again" is "$(talk_sign "$CREDENTIAL_RSA" rsa)" "sign 0x0"
cp -a "$policy" "$work/unsigned"
sed -i 's/attempts: 5/attempts: 9/' "$policy"
check "an edited file is nothing to it" is "$(talk_sign "$CREDENTIAL_RSA" rsa)" "sign 0x0"
check "another process does not start with that" says "was changed after" samctl status
cp -a "$work/unsigned" "$policy"
sed -i '$a application: ""' "$config"
signed
check "another configuration signed: it refuses until it is started anew" is "$(talk_sign "$CREDENTIAL_EC" ecdsa)" "init 0x6"
check "also a login" is "$(ask logout) $(ask login user "$signer_pin")" "0x0 0x6"
check "the log says what to do" grep -q "another configuration was signed.*start it anew" "$demo/sam.log"
talk_end
talk_start
check "started anew" is "$answer $(ask login user "$signer_pin")" "0x0 0x0"
check "it signs" is "$(talk_sign "$CREDENTIAL_EC" ecdsa)" "sign 0x0"
talk_end
check "the chain verifies" audit_verifies
restore

# ---- policy sign, killed -------------------------------------------------------------------------
kills=30
[ "${SAM_TEST_LONG:-0}" = 1 ] && kills=500
cp -a "$demo/tokens" "$work/tokens"
started=$(date +%s%N)
signed
took=$((($(date +%s%N) - started) / 1000000)) # milliseconds
version=2 before=0 after=0 told=0 wrong=0
draft=$work/killed.yaml
for ((i = 0; i < kills; i++)); do
	# a CM killed while it writes is not what is tested here
	rm -rf "$demo/tokens" && cp -a "$work/tokens" "$demo/tokens"
	sed "s/^version: .*/version: $((version + 1))/" "$policy" >"$draft"
	"$SAMCTL" --as "$SO_NAME" --pin-source "$SO_PIN_SOURCE" policy sign "$draft" >/dev/null 2>&1 &
	victim=$!
	# at first it thinks about the password; what is of interest comes at the end
	at=$((took / 2 + RANDOM % (took * 3 / 4)))
	sleep $((at / 1000)).$(printf %03d $((at % 1000)))
	kill -9 $victim 2>/dev/null
	wait $victim 2>/dev/null
	rm -rf "$demo/tokens" && cp -a "$work/tokens" "$demo/tokens"
	if samctl --json status >"$work/status.json" 2>"$work/status.log"; then
		now=$(jq .policy.version "$work/status.json")
		[ "$now" = $version ] && before=$((before + 1))
		[ "$now" = $((version + 1)) ] && after=$((after + 1))
		[ "$now" = $version ] || [ "$now" = $((version + 1)) ] || wrong=$((wrong + 1))
		version=$now
		continue
	fi
	# the files are new, what is sealed is old: told, and mended by signing again
	told=$((told + 1))
	{
		grep 'policy sign' "$work/status.log" &&
			samctl doctor --json | jq -e 'any(.checks[]; .check == "signature" and .state == "problem")' &&
			as_officer policy sign "$policy"
	} >"$work/mend.log" 2>&1 || { wrong=$((wrong + 1)); diag "$(cat "$work/status.log" "$work/mend.log")"; }
	version=$(sealed)
done 2>/dev/null
diag "$kills kills: $before before, $after after, $told in between"
check "after each of $kills kills one of the two was in force, or samctl said to sign again, which mended it" [ $wrong = 0 ]
check "it was killed at different moments" [ $before -gt 0 -a $after -gt 0 ]
check "the chain verifies" audit_verifies
check "doctor is content" samctl doctor
check "and it signs" sign "$good"
finish
