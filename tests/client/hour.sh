#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A new operator's hour, with the manual alone: every literal block of p11-sam-setup(7) is run as it stands there, in
# order, in one shell, and shows what the page says below it. Only paths lead elsewhere, sudo and the SAM's user are
# taken away, and what would install packages, compile again or talk to systemd is told so.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need jq pkcs11-tool softhsm2-util openssl make p11-kit
[ "$(id -u)" = 0 ] || skip_all "levels 2 and 3 want a configuration that root owns"
ls /usr/lib/*/pkcs11/p11-kit-client.so >/dev/null 2>&1 || skip_all "p11-kit-client.so is not installed"
need_no_sanitizer "what an operator would install"
[ -e /usr/lib/softhsm/libsofthsm2.so ] || skip_all "SoftHSM lies elsewhere than in the page"
page=$SAM_SRCDIR/man/p11-sam-setup.7
paths="s|/etc/systemd|$work/systemd|g; s|/etc/p11-sam|$work/etc|g; s|/var/lib/p11-sam|$work/var|g
	s|/usr/local|$work/root/usr/local|g; s|/run/p11-sam|$work/run|g"
mkdir -p "$work/clone" "$work/home" "$work/systemd/system" "$work/blocks"

# ---- the page ----------------------------------------------------------------------------------
# N.sh: the block; N.shows: the lines that it shows; N.title: what it is about
awk -v dir="$work/blocks" '
	function plain(text) { gsub(/\\&/, "", text); gsub(/\\e/, "\\", text); return text }
	/^\.Ed/ { on = 0; next }
	on { print plain($0) >(file ".sh"); next }
	/^\.Bd -literal/ { on = 1; file = sprintf("%s/%02d", dir, ++n); sub(/[.:;,] .*/, "", title)
		print title >(file ".title"); next }
	/^\.Dl / { print plain(substr($0, 5)) >(file ".shows"); next }
	/^\.It$/ { title = ""; next }
	{ words = $0; sub(/^\.[A-Z][a-z] /, "", words); title = title (title == "" ? "" : " ") plain(words) }' "$page"
for block in "$work/blocks"/*.sh; do
	sed -i -e "$paths" -e 's/sudo -u p11-sam //; s/sudo //; s/ -o p11-sam -g p11-sam//' \
		-e 's|^\.\./configure$|true|' "$block"
done
count=$(find "$work/blocks" -name '*.sh' | wc -l)
check "the page has its blocks" test "$count" -gt 15
check "none of them leaves the folder of this test" bash -c \
	"! grep -hE '(^|[^a-zA-Z0-9._-])/(etc|var|run|usr/local)/' '$work/blocks'/*.sh | grep -vF '$work/'"

# ---- the shell ---------------------------------------------------------------------------------
cat >"$work/hour" <<'SHELL'
cd "$work/clone"
apt-get() { :; }
autoreconf() { :; }
useradd() { :; }
make()
{
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -C "$SAM_BUILDDIR" prefix=/usr/local DESTDIR="$work/root" "$@"
	[ "$*" != install ] || sed -i -e "$paths" -e 's/^user: p11-sam/user: root/' \
		"$work"/root/usr/local/share/doc/p11-sam/examples/*
}
groupadd() { :; }
usermod() { :; }
sg() { sh -c "$2"; }
# Of what systemd is told the server alone is started, as its unit has it.
systemctl()
{
	[ "$*" = "enable --now p11-sam-server.service" ] || return 0
	local unit
	unit=$(sed -e ':a' -e '/\\$/{N;s/\\\n//;ba}' "$work/systemd/system/p11-sam-server.service")
	mkdir -m 0750 "$work/run"
	eval "env $(sed -n 's/^Environment=//p' <<<"$unit") $(sed -n 's/^ExecStart=//p' <<<"$unit") >'$work/server.log' 2>&1 &"
	server=$!
	eval "timeout 20 $(sed -n 's/^ExecStartPost=//p' <<<"$unit")"
}
trap '[ -z "${server:-}" ] || kill "$server"' EXIT
for block in "$work"/blocks/*.sh; do
	# nobody types so fast: a SAD of the second in which a device or PIN was bound is refused
	! grep -q -e '--operation activate' -e '--encrypt-to' "$block" || sleep 1.1
	. "$block" >"${block%.sh}.out" 2>&1 </dev/null
	: >"${block%.sh}.done"
done
SHELL
export work paths
mkdir -p "$work/tmp"
HOME=$work/home TMPDIR=$work/tmp P11_SAM_CONFIG=$work/etc/p11-sam.yaml PATH=$work/root/usr/local/bin:$PATH \
	timeout 600 bash -eu "$work/hour" >"$work/hour.log" 2>&1
for block in "$work/blocks"/*.sh; do
	block=${block%.sh}
	what="${block##*/} $(cat "$block.title")"
	if [ ! -e "$block.done" ]; then
		sed 's/^/  /' "$block.sh" >>"$work/hour.log"
		[ ! -e "$block.out" ] || cat "$block.out" >>"$work/hour.log"
		not_ok "$what" "$work/hour.log"
		break
	fi
	ok "$what"
	[ ! -e "$block.shows" ] || while read -r line; do
		check "${block##*/} shows: $line" grep -qF -- "$line" "$block.out"
	done <"$block.shows"
done

# ---- what the page promises besides ------------------------------------------------------------
check "others read nothing of the SAM's folder" bash -c "[ -z \"\$(find '$work/etc' -type f -perm /077)\" ]"
check "the signature in force is beside the policy" test -s "$work/etc/policy.yaml.jws"
check "the policy in force is the draft" cmp "$work/etc/policy.yaml" "$work/var/inbox/policy.yaml"
check "the second signature was not given" bash -c "[ ! -s '$work/home/alice/second.sig' ]"
check "the signature verifies with plain OpenSSL" verify "$work/home/alice/alice.pem" \
	"$work/home/alice/contract.sig" "$work/home/alice/contract.txt"
for signature in strict strict3; do
	check "so does $signature.sig, given under two factors" verify "$work/home/alice/alice.pem" \
		"$work/home/alice/$signature.sig" "$work/home/alice/contract.txt"
done
check "no PIN is left where people hand things over" bash -c "[ -s '$work/home/alice/alice.pin' ] &&
	[ ! -e '$work/var/inbox/alice.pin' ]"
finish
