/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What every unit test shares: check in fork mode, its result as TAP on standard output.
 */
#ifndef SAM_TESTS_UNIT_H
#define SAM_TESTS_UNIT_H

#include <check.h>
#include <stdlib.h>
#include "base/log.h"
#include "base/ossl.h"

/* A main() that runs the suite made by maker(). */
#define SAM_UNIT_MAIN(maker)                                              \
	int main(void)                                                    \
	{                                                                 \
		sam_log_open("stderr", NULL);                             \
		if (sam_ossl_start() != SAM_OK)                           \
			return EXIT_FAILURE;                              \
		SRunner *runner = srunner_create(maker());                \
		srunner_set_tap(runner, "-");                             \
		srunner_run_all(runner, CK_SILENT);                       \
		int failed = srunner_ntests_failed(runner);               \
		srunner_free(runner);                                     \
		return failed ? EXIT_FAILURE : EXIT_SUCCESS;              \
	}

#endif
