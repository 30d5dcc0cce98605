#include "admin/internal.h"
enum sam_reason sam_perform_key_import(struct sam_doing *d){(void)d;return SAM_IMPORT;}
