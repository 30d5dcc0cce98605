# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2034
#
# tools/common.sh: what tools/quickstart and tools/runtests share: packages, building, messages.
# To be sourced by bash; `top` is the source tree.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
jobs=$(nproc 2>/dev/null || echo 2)
program=${0##*/}

# Colours on a terminal only.
bold='' red='' normal=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
	bold=$'\e[1m' red=$'\e[31m' normal=$'\e[0m'
fi

# die WHAT WHY [LOG]: say what failed and why, show the end of the log, and leave with 1.
die()
{
	printf '%s: %s%s%s: %s\n' "$program" "$red" "$1" "$normal" "$2" >&2
	if [ -n "${3:-}" ] && [ -s "$3" ]; then
		printf -- '---- the end of %s:\n' "$3" >&2
		tail -n 25 "$3" >&2
	fi
	exit 1
}

# packages_of SET: the entries of tools/packages for that set and the sets in it.
packages_of()
{
	local sets name set
	case $1 in
	build) sets=' build ' ;;
	quickstart) sets=' build quickstart ' ;;
	*) sets=' build quickstart tests ' ;;
	esac
	while read -r name set; do
		case $name in '' | '#'*) continue ;; esac
		case $sets in *" $set "*) echo "$name" ;; esac
	done <"$top/tools/packages"
}

package_installed()
{
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# packages_missing SET: those of which no alternative is installed.
packages_missing()
{
	local entry name
	for entry in $(packages_of "$1"); do
		for name in ${entry//[|?]/ }; do
			package_installed "$name" && continue 2
		done
		echo "$entry"
	done
}

as_root()
{
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		return 126
	fi
}

# apt LOG ARG...: apt-get that asks nothing.
apt()
{
	local log=$1
	shift
	as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -y -q \
		-o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 "$@" >>"$log" 2>&1 </dev/null
}

# packages_install SET LOG: install what is missing. Touches the system only if something is, and
# sets packages_done to what is to be said about it.
packages_install()
{
	local set=$1 log=$2 missing entry name list=''
	packages_done='all there'
	command -v dpkg-query >/dev/null || die packages "this is no Debian system; see tools/packages"
	missing=$(packages_missing "$set")
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
		die packages "missing, and neither root nor sudo to install them: ${missing//$'\n'/ }"
	fi
	apt "$log" update || die packages "apt-get update failed" "$log"
	for entry in $missing; do
		for name in ${entry//[|?]/ }; do
			if [ -n "$(apt-cache madison "$name" 2>/dev/null)" ]; then
				list="$list $name"
				continue 2
			fi
		done
		case $entry in
		*'?') ;;
		*) die packages "apt does not know ${entry//|/ or }" "$log" ;;
		esac
	done
	[ -n "$list" ] || return 0
	# shellcheck disable=SC2086
	apt "$log" install --no-install-recommends $list ||
		die packages "apt-get install failed for:$list" "$log"
	set -- $list
	packages_done="$# installed"
}

# sources_stamp: changes when a file does that decides what ./configure looks like.
sources_stamp()
{
	(cd "$top" && cat configure.ac Makefile.am m4/sam.m4 tools/local.mk man/local.mk policy/local.mk \
		tests/local.mk src/*/local.mk | sha256sum)
}

# build DIR LOG [CONFIGURE ARGUMENT...]: configure and make out of tree, in DIR. DIR is configured
# again only where that could change something.
build()
{
	local dir=$1 log=$2 stamp
	shift 2
	mkdir -p "$dir" || return 1
	: >"$log"
	stamp=$(sources_stamp)
	# Two scripts at once would trip over each other in autoreconf.
	(
		flock 9
		[ -x "$top/configure" ] && [ "$(cat "$top/build-aux/stamp" 2>/dev/null)" = "$stamp" ] ||
			{ cd "$top" && autoreconf -fi && echo "$stamp" >build-aux/stamp; }
	) >>"$log" 2>&1 9>"$dir/autoreconf.lock" || return 1
	if [ ! -e "$dir/Makefile" ] || [ "$(cat "$dir/stamp" 2>/dev/null)" != "$stamp $*" ]; then
		(cd "$dir" && "$top/configure" "$@") >>"$log" 2>&1 || return 1
		echo "$stamp $*" >"$dir/stamp"
	fi
	make -C "$dir" -j"$jobs" >>"$log" 2>&1
}
