/*
 * sessmem.c
 *		Entry point of the library.
 *
 * The library works when it is loaded on first use; it does more when it is in
 * shared_preload_libraries (docs/security.md says what).  Nothing here needs
 * the postmaster, so there is no early return.
 */
#include "sessmem.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

void
_PG_init(void)
{
	sessmem_guc_init();
	sessmem_shmem_init();
	sessmem_stat_init();
	sessmem_violations_init();
	sessmem_keyring_init();
	sessmem_session_init();
	sessmem_commit_init();
	sessmem_context_init();
	sessmem_pooling_init();
	sessmem_recall_init();
	sessmem_access_init();
	sessmem_enforce_init();
	sessmem_worker_init();
}
