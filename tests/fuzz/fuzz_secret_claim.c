/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzz target: the scanner that cuts PINs out of payloads. Whatever it leaves of a text that it takes, JSON finds no
 * other `pin` and `new` there than asterisks; it changes nothing but those bytes.
 */
#include <stdlib.h>
#include <string.h>
#include "sap/jose.h"
#include "sap/secret_claim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void compare(const uint8_t *data, const uint8_t *text, size_t size, const struct sam_secret_claims *cut)
{
	size_t changed = 0;
	for (size_t i = 0; i < size; i++) {
		require(text[i] == data[i] || text[i] == '*');
		changed += text[i] != data[i];
	}
	require(changed <= strlen(cut->pin) + strlen(cut->fresh));
	sam_auto(json_decref) json_t *before = sam_jose_json(data, size), *after = sam_jose_json(text, size);
	require(!before == !after);
	if (!before)
		return;
	const json_t *pin = json_object_get(before, "pin");
	const json_t *fresh = json_object_get(json_object_get(before, "operation_params"), "new");
	if (sam_secret_claims_check(after, cut, NULL) != SAM_OK)
		return;
	require(pin ? strcmp(json_string_value(pin), cut->pin) == 0 : !cut->pin[0]);
	require(fresh ? strcmp(json_string_value(fresh), cut->fresh) == 0 : !cut->fresh[0]);
	require(!json_object_get(after, "pin"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sam_secret_claims cut;
	uint8_t *text = malloc(size ? size : 1); /* of the exact size, for the sanitizer to watch */
	require(text != NULL);
	if (size)
		memcpy(text, data, size);
	if (sam_secret_claims_cut(text, size, &cut, NULL) == SAM_OK)
		compare(data, text, size, &cut);
	require(memchr(cut.pin, 0, sizeof cut.pin) && memchr(cut.fresh, 0, sizeof cut.fresh));
	sam_secret_claims_wipe(&cut);
	free(text);
	return 0;
}
