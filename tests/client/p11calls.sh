#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# p11calls against a set-up of its own; the TAP is the program's.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
setup
application "$SAM_BUILDDIR/tests/client/p11calls" "$P11_SAM_MODULE"
