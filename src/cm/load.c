/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The vendor's library: loaded once, never unloaded, initialised and finalised with care for others
 * in the process who use it too, and left alone once the process is ending.
 *
 * A vendor may be naive about OpenSSL's default library context (SoftHSM is): an application that
 * put a PKCS#11 provider into it then meets itself inside the vendor. Nothing we do can mend that;
 * our own work is in a context of our own.
 */
#include "cm/internal.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/log.h"

/* Of one process. A forked child makes its own and leaves the old one as it is: another thread may
 * have held its lock at the time of the fork. */
struct registry {
	pid_t pid;
	pthread_mutex_t lock;
	struct sam_cm_vendor *vendors;
	struct registry *before; /* so that no tool takes it for lost */
};

static _Atomic(struct registry *) registry;
static atomic_bool exiting;

static struct registry *registry_get(void)
{
	struct registry *now = atomic_load(&registry);
	pid_t pid = getpid();
	if (now && now->pid == pid)
		return now;
	struct registry *mine = calloc(1, sizeof *mine);
	if (!mine)
		return NULL;
	mine->pid = pid;
	mine->before = now;
	pthread_mutex_init(&mine->lock, NULL);
	if (atomic_compare_exchange_strong(&registry, &now, mine))
		return mine;
	pthread_mutex_destroy(&mine->lock);
	free(mine);
	return now; /* another thread of this process was faster */
}

void sam_cm_at_exit(void)
{
	atomic_store(&exiting, true);
}

bool sam_cm_usable(const struct sam_cm *cm)
{
	if (atomic_load(&exiting))
		return false;
	return cm && cm->pid == getpid();
}

bool sam_cm_own_code(const void *symbol)
{
	Dl_info theirs, ours;
	if (!symbol || !dladdr(symbol, &theirs) || !dladdr((const void *)&exiting, &ours))
		return false;
	if (theirs.dli_fbase == ours.dli_fbase)
		return true;
	struct stat a, b;
	return theirs.dli_fname && ours.dli_fname && stat(theirs.dli_fname, &a) == 0 &&
	       stat(ours.dli_fname, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* It is a list of 2.40, whatever version it says; but what we call must be there. */
static bool complete(const CK_FUNCTION_LIST *f)
{
	return f && f->C_Initialize && f->C_Finalize && f->C_GetInfo && f->C_GetSlotList &&
	       f->C_GetTokenInfo && f->C_GetMechanismInfo && f->C_OpenSession &&
	       f->C_CloseSession && f->C_GetSessionInfo && f->C_Login && f->C_Logout &&
	       f->C_DestroyObject && f->C_GetAttributeValue && f->C_FindObjectsInit &&
	       f->C_FindObjects && f->C_FindObjectsFinal && f->C_SignInit && f->C_Sign &&
	       f->C_GenerateKey && f->C_GenerateKeyPair && f->C_GenerateRandom;
}

static enum sam_reason refuse(struct sam_msg *msg, const char *path, const char *why)
{
	sam_msg_set(msg, "%s: %s", path, why);
	return sam_log_reason(SAM_CM_LOAD, "%s: %s", path, why);
}

static enum sam_reason load(const char *path, void **library, CK_FUNCTION_LIST **f,
			    struct sam_msg *msg)
{
	*library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!*library) {
		const char *why = dlerror();
		return refuse(msg, path, why ? why : "cannot be loaded");
	}
	/* Refused or not, it is not unloaded again: what its constructors started may still run. */
	CK_C_GetFunctionList get = NULL;
	void *symbol = dlsym(*library, "C_GetFunctionList");
	memcpy(&get, &symbol, sizeof get);
	if (!get)
		return refuse(msg, path, "is no PKCS#11 library");
	if (sam_cm_own_code(symbol))
		return refuse(msg, path,
			      "is this module itself; cm.module names the vendor's library");
	if (get(f) != CKR_OK || !complete(*f))
		return refuse(msg, path, "gives no complete function list");
	memcpy(&symbol, &(*f)->C_Initialize, sizeof symbol);
	if (sam_cm_own_code(symbol))
		return refuse(msg, path, "leads back to this module");
	return SAM_OK;
}

static CK_RV initialise(struct sam_cm_vendor *vendor)
{
	CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK};
	CK_RV rv = vendor->f->C_Initialize(&args);
	if (rv == CKR_OK) {
		vendor->ours = true;
		vendor->epoch++;
	} else if (rv == CKR_CRYPTOKI_ALREADY_INITIALIZED) {
		vendor->ours = false; /* another's; then it is never ours to finalise */
		rv = CKR_OK;
	}
	return rv;
}

static enum sam_reason take_locked(struct registry *r, const char *path, struct sam_cm_vendor **out,
				   struct sam_msg *msg)
{
	void *library;
	CK_FUNCTION_LIST *f = NULL;
	enum sam_reason reason = load(path, &library, &f, msg);
	if (reason != SAM_OK)
		return reason;
	struct sam_cm_vendor *vendor = r->vendors;
	while (vendor && vendor->f != f)
		vendor = vendor->next;
	bool fresh = !vendor;
	if (fresh && !(vendor = calloc(1, sizeof *vendor)))
		return SAM_MEMORY;
	vendor->library = library;
	vendor->f = f;
	CK_RV rv = vendor->users ? CKR_OK : initialise(vendor);
	if (rv != CKR_OK) {
		if (fresh)
			free(vendor);
		sam_msg_set(msg, "%s: C_Initialize answered 0x%lx", path, rv);
		return sam_log_reason(SAM_CM_FAILED, "%s: C_Initialize: 0x%lx", path, rv);
	}
	if (fresh) {
		/* Behind what the vendor registered when it was loaded and initialised, so run
		 * before it: calls that come after that are answered without the vendor. */
		atexit(sam_cm_at_exit);
		vendor->next = r->vendors;
		r->vendors = vendor;
	}
	vendor->users++;
	*out = vendor;
	return SAM_OK;
}

enum sam_reason sam_cm_vendor_take(const char *path, struct sam_cm_vendor **out,
				   struct sam_msg *msg)
{
	struct registry *r = registry_get();
	if (!r)
		return SAM_MEMORY;
	pthread_mutex_lock(&r->lock);
	/* LOCKED */
	enum sam_reason reason = take_locked(r, path, out, msg);
	pthread_mutex_unlock(&r->lock);
	return reason;
}

void sam_cm_vendor_give(struct sam_cm_vendor *vendor)
{
	struct registry *r = registry_get();
	if (!r)
		return;
	pthread_mutex_lock(&r->lock);
	/* LOCKED */
	if (--vendor->users == 0 && vendor->ours && !atomic_load(&exiting)) {
		vendor->ours = false;
		CK_RV rv = vendor->f->C_Finalize(NULL);
		if (rv != CKR_OK)
			sam_log(SAM_LOG_WARNING, "the CM's C_Finalize: 0x%lx", rv);
	}
	pthread_mutex_unlock(&r->lock);
}

CK_RV sam_cm_vendor_again(struct sam_cm_vendor *vendor, unsigned *epoch)
{
	CK_RV rv = CKR_OK;
	struct registry *r = registry_get();
	if (!r)
		return CKR_HOST_MEMORY;
	pthread_mutex_lock(&r->lock);
	/* LOCKED */
	if (vendor->epoch == *epoch)
		rv = initialise(vendor);
	*epoch = vendor->epoch;
	pthread_mutex_unlock(&r->lock);
	return rv;
}

bool sam_cm_vendor_shared(struct sam_cm_vendor *vendor)
{
	struct registry *r = registry_get();
	if (!r)
		return true;
	pthread_mutex_lock(&r->lock);
	/* LOCKED */
	bool shared = vendor->users > 1;
	pthread_mutex_unlock(&r->lock);
	return shared;
}
