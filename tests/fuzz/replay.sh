#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Every fuzz target reads every input of its kept corpus, without libFuzzer.
. "$(dirname "${BASH_SOURCE[0]}")/../client/lib.sh"
for program in "$SAM_BUILDDIR"/tests/fuzz/fuzz_*; do
	[ -f "$program" ] && [ -x "$program" ] || continue
	name=${program##*/fuzz_}
	corpus=$SAM_SRCDIR/tests/fuzz/corpus/$name
	count=$(find "$corpus" -type f 2>/dev/null | wc -l)
	check "fuzz_$name has a kept corpus" test "$count" -gt 0
	check "fuzz_$name reads all of its corpus" \
		sh -c 'find "$1" -type f -print0 | timeout 300 xargs -0 "$2"' sh "$corpus" "$program"
done
finish
