#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Reads tests/requirements.tsv: a clause of the guideline, a tab, and the tests that show it, separated by
# " ; ": "FILE: NAME", FILE as in `make check` (tests/unit/test_x, tests/client/x.sh), NAME the test function
# or the TAP description; a "*" in it stands for anything, a number of rounds for instance. Fails for a clause whose test does not exist or did not pass in this run; a test
# that was skipped for a missing program is told and not counted as shown.
set -u
: "${SAM_SRCDIR:?}" "${SAM_BUILDDIR:?}"
map=$SAM_SRCDIR/tests/requirements.tsv

awk -F '\t' -v build="$SAM_BUILDDIR" '
# The results of FILE in this run, read once: result[FILE, NAME] = ok | not ok | skip
function load(file,    log_file, line, found, name, state)
{
	if (file in loaded)
		return
	log_file = build "/" file
	sub(/\.sh$/, "", log_file)
	log_file = log_file ".log"
	loaded[file] = "missing"
	while ((getline line < log_file) > 0) {
		loaded[file] = loaded[file] == "missing" ? "run" : loaded[file]
		if (line ~ /^1\.\.0 *# *SKIP/)
			loaded[file] = "skipped"
		if (line !~ /^(not )?ok /)
			continue
		state = line ~ /^not ok/ ? "not ok" : line ~ /# SKIP/ ? "skip" : "ok"
		name = line
		sub(/^(not )?ok [0-9]* *(- )?/, "", name)
		sub(/ *# SKIP.*/, "", name)
		# check: "../tests/unit/test_x.c:case:function: Passed"
		if (file !~ /\.sh$/ && split(name, found, ":") >= 3)
			name = found[3]
		gsub(/^ +| +$/, "", name)
		if (result[file, name] != "not ok")
			result[file, name] = state
	}
	close(log_file)
}
# The state of a test; of several that fit a "*", the worst.
function state_of(file, name,    key, part, pattern, state)
{
	if (name !~ /\*/)
		return result[file, name]
	pattern = name
	gsub(/[][().+?^$|{}\\]/, "\\\\&", pattern)
	gsub(/\*/, ".*", pattern)
	for (key in result) {
		split(key, part, SUBSEP)
		if (part[1] == file && part[2] ~ "^" pattern "$" && state != "not ok" && result[key] != "")
			state = state == "skip" ? state : result[key]
	}
	return state
}
function report(good, text)
{
	count++
	printf "%sok %d - %s\n", good ? "" : "not ", count, text
	failed += !good
}
/^#/ || /^$/ { next }
NF != 2 { report(0, "line " NR ": two columns, separated by a tab"); next }
{
	if ($1 in seen)
		report(0, $1 " stands there twice")
	seen[$1] = 1
	bad = skipped = ""
	n = split($2, tests, / ; /)
	for (i = 1; i <= n; i++) {
		colon = index(tests[i], ": ")
		file = substr(tests[i], 1, colon - 1)
		name = substr(tests[i], colon + 2)
		load(file)
		state = state_of(file, name)
		if (loaded[file] == "skipped" || state == "skip")
			skipped = skipped " [" tests[i] "]"
		else if (loaded[file] == "missing")
			bad = bad " [" file " did not run]"
		else if (state != "ok")
			bad = bad " [" tests[i] ": " (state == "" ? "no such test in this run" : "failed") "]"
	}
	if (bad != "")
		report(0, $1 ":" bad)
	else if (skipped != "") {
		count++
		print "ok " count " - " $1 " # SKIP not run:" skipped
	} else
		report(1, $1 " is shown by " n " test" (n == 1 ? "" : "s"))
}
END { print "1.." count; exit failed > 0 }
' "$map"
