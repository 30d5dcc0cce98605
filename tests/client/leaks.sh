#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# No lost block and no wrong access whose stack is ours, while a real application signs and is refused:
# under valgrind, or, in a build with AddressSanitizer, under that.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need pkcs11-tool
case ${SAM_SANITIZER:-no} in
*address*) checker=asan ;;
no)
	checker=valgrind
	need valgrind
	;;
*) skip_all "nothing looks for leaks under -fsanitize=$SAM_SANITIZER" ;;
esac
setup

# watched REPORT COMMAND...: run it with the checker's report in REPORT; its own status comes back.
watched()
{
	local report=$1
	shift
	rm -f "$report"*
	if [ $checker = asan ]; then
		timeout 300 env "LD_PRELOAD=$SAM_PRELOAD" \
			ASAN_OPTIONS="detect_leaks=1:fast_unwind_on_malloc=0:log_path=$report" \
			LSAN_OPTIONS="exitcode=0:print_suppressions=0:suppressions=$SAM_SRCDIR/tests/lsan.supp" "$@"
	else
		timeout 300 valgrind --quiet --leak-check=full --show-leak-kinds=definite,indirect --num-callers=40 \
			--suppressions="$SAM_SRCDIR/tests/valgrind.supp" --log-file="$report" "$@"
	fi
}
# ours REPORT: how many of its entries have a frame of the module. An entry ends at an empty line;
# valgrind puts "==PID== " before each line.
ours()
{
	cat "$1"* 2>/dev/null | sed 's/^==[0-9]*== *//' |
		awk 'BEGIN { RS = "" } /p11-sam\.so|src\/(base|store|audit|policy|registry|cm|sap|provider)\// { n++ } END { print n + 0 }'
}
clean() # DESCRIPTION REPORT
{
	local n
	n=$(ours "$2")
	cat "$2"* >"$work/check.log" 2>/dev/null
	if [ "$n" = 0 ]; then
		ok "$1: no report with a frame of ours"
	else
		not_ok "$1: no report with a frame of ours ($n)" "$work/check.log"
	fi
}
sign() # REPORT SAD MECHANISM FILE [OPTION...]
{
	local report=$1 mechanism=$3 file=$4
	export TEST_SAD=$2
	shift 4
	watched "$report" pkcs11-tool --module "$P11_SAM_MODULE" --login --pin env:TEST_SAD --sign \
		--id "$CREDENTIAL_RSA" --mechanism "$mechanism" --input-file "$file" --output-file "$work/sig" "$@"
}

# The checker itself: would it see anything?
cat >"$work/leak.c" <<'X'
#include <stdlib.h>
int main(void) { volatile char *p = malloc(77); p[0] = 1; p = NULL; return 0; }
X
flags=
[ $checker = asan ] && flags=-fsanitize=address
mkdir -p "$work/src/base" && cp "$work/leak.c" "$work/src/base/leak.c"
if (cd "$work" && gcc -g $flags -o leak src/base/leak.c) >"$work/check.log" 2>&1; then
	watched "$work/self" "$work/leak" >/dev/null 2>&1
	[ $checker = asan ] || sed -i 's,leak\.c:,src/base/leak.c:,' "$work/self"
	check "$checker sees a leak where there is one" test "$(ours "$work/self")" = 1
fi

sad=$(new_sad "$CREDENTIAL_RSA" --file "$work/short.txt")
check "a signature in one part" sign "$work/one" "$sad" SHA256-RSA-PKCS "$work/short.txt"
clean "a signature in one part" "$work/one"
check_fails "the same SAD again" sign "$work/again" "$sad" SHA256-RSA-PKCS "$work/short.txt"
clean "the same SAD again" "$work/again"
sad=$(new_sad "$CREDENTIAL_RSA" --file "$work/long.bin")
check "a signature in many parts" sign "$work/many" "$sad" SHA256-RSA-PKCS-PSS "$work/long.bin"
clean "a signature in many parts" "$work/many"
check_fails "a SAD that is none" sign "$work/none" "${sad:0:127}" SHA256-RSA-PKCS "$work/short.txt"
clean "a SAD that is none" "$work/none"
export TEST_PIN=$signer_pin
watched "$work/list" pkcs11-tool --module "$P11_SAM_MODULE" --login --pin env:TEST_PIN --list-objects \
	--list-mechanisms >"$work/check.log" 2>&1
clean "listing" "$work/list"
watched "$work/test" pkcs11-tool --module "$P11_SAM_MODULE" --login --pin env:TEST_PIN --test >"$work/check.log" 2>&1
clean "pkcs11-tool --test" "$work/test"
finish
