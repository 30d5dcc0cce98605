#include "sap/rooms.h"
struct sam_import { bool by_ca; };
static inline enum sam_reason sam_import_unwrap(const struct sam_import *i, struct sam_cm *cm, const struct sam_cm_new_key *w, struct sam_cm_made *m){(void)i;(void)cm;(void)w;(void)m;return SAM_IMPORT;}
