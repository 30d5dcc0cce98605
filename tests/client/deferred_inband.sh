#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# SADs and tokens in band, while authorisation is deferred for who has none (protected_path off): GnuTLS, NSS and Java,
# by their own scripts, under such a policy.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_no_sanitizer "they"
for client in gnutls nss java; do
	# a wait would be noticed: it is longer than each of the scripts may take
	SAM_TEST_SAP="deferred: true\\n  deferred_wait: 600s" timeout 400 \
		bash "$(dirname "${BASH_SOURCE[0]}")/$client.sh" >"$work/$client.tap" 2>&1
	status=$?
	if [ $status = 77 ]; then
		skip "$client" "$(sed -n 's/.*# SKIP //p' "$work/$client.tap")"
		continue
	fi
	while read -r line; do
		case $line in
		"ok "*) ok "$client: ${line#ok * - }" ;;
		"not ok "*) not_ok "$client: ${line#not ok * - }" "$work/$client.tap" ;;
		esac
	done < <(grep -E '^(not )?ok ' "$work/$client.tap")
	check "$client: its script ended well" [ $status = 0 ]
done
finish
