/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The function lists and interfaces, and the only three symbols that the module exports. Each list has
 * exactly what its version says, without holes.
 */
#include <stddef.h>
#include <string.h>
#include "provider/provider.h"

/* The 3.0 list; p11-kit's header has a type for it from 0.25 on only. */
struct list_3_0 {
	CK_VERSION version;
#define F(name, params) CK_RV (*name) params;
#include "provider/calls.def"
};

_Static_assert(offsetof(struct list_3_0, C_WaitForSlotEvent) == offsetof(CK_FUNCTION_LIST, C_WaitForSlotEvent) &&
	       offsetof(struct list_3_0, C_SignFinal) == offsetof(CK_FUNCTION_LIST, C_SignFinal),
	       "the 3.0 list begins with the 2.40 list");

static const CK_FUNCTION_LIST list_2_40 = {
	.version = {2, 40},
#define CALLS_2_40
#define F(name, params) .name = sam_entry_##name,
#include "provider/calls.def"
#undef CALLS_2_40
};

/* C_GetInfo names the version of the list that it was called through. */
#define sam_entry_C_GetInfo sam_entry_C_GetInfo_3_0
static const struct list_3_0 list_3_0 = {
	.version = {3, 0},
#define F(name, params) .name = sam_entry_##name,
#include "provider/calls.def"
};
#undef sam_entry_C_GetInfo

static const char interface_name[] = "PKCS 11";

/* Name, list, flags; the first is the default. No CKF_INTERFACE_FORK_SAFE: a child starts anew. The
 * casts take a const away that the standard's types have no room for. */
static const CK_INTERFACE interfaces[] = {
	{(char *)interface_name, (void *)&list_3_0, 0},
	{(char *)interface_name, (void *)&list_2_40, 0},
};
static const CK_VERSION versions[] = {{3, 0}, {2, 40}};
enum { INTERFACES = sizeof interfaces / sizeof *interfaces };

CK_RV sam_C_GetFunctionList(CK_FUNCTION_LIST **list)
{
	if (!list)
		return CKR_ARGUMENTS_BAD;
	*list = (CK_FUNCTION_LIST *)&list_2_40;
	return CKR_OK;
}

CK_RV sam_C_GetInterfaceList(CK_INTERFACE *out, CK_ULONG *count)
{
	if (!count)
		return CKR_ARGUMENTS_BAD;
	CK_ULONG room = out ? *count : 0;
	*count = INTERFACES;
	if (!out)
		return CKR_OK;
	if (room < INTERFACES)
		return CKR_BUFFER_TOO_SMALL;
	memcpy(out, interfaces, sizeof interfaces);
	return CKR_OK;
}

CK_RV sam_C_GetInterface(CK_UTF8CHAR *name, CK_VERSION *version, CK_INTERFACE **interface, CK_FLAGS flags)
{
	if (!interface)
		return CKR_ARGUMENTS_BAD;
	*interface = NULL;
	if (name && strcmp((const char *)name, interface_name) != 0)
		return CKR_FUNCTION_FAILED;
	for (size_t i = 0; i < INTERFACES; i++) {
		bool wanted = !version || (version->major == versions[i].major && version->minor == versions[i].minor);
		if (wanted && (flags & ~interfaces[i].flags) == 0) {
			*interface = (CK_INTERFACE *)&interfaces[i];
			return CKR_OK;
		}
	}
	return CKR_FUNCTION_FAILED;
}

#define EXPORT __attribute__((visibility("default")))

EXPORT CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
	return sam_C_GetFunctionList(list);
}

EXPORT CK_RV C_GetInterfaceList(CK_INTERFACE *out, CK_ULONG *count)
{
	return sam_C_GetInterfaceList(out, count);
}

EXPORT CK_RV C_GetInterface(CK_UTF8CHAR *name, CK_VERSION *version, CK_INTERFACE **interface, CK_FLAGS flags)
{
	return sam_C_GetInterface(name, version, interface, flags);
}
