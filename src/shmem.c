/*
 * shmem.c
 *		Shared memory: asked for when the server starts, if the library is preloaded.
 *
 * Each module that has a part says how large it is and sets it up.  Without
 * preloading there is none, and they do without.
 */
#include "sessmem.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"

static shmem_request_hook_type prev_shmem_request = NULL;
static shmem_startup_hook_type prev_shmem_startup = NULL;

static const struct
{
	const char *name;
	size_t		(*size) (void);
	void		(*attach) (void *memory, bool fresh);
}			parts[] = {
	{"sessmem counters", sessmem_stat_size, sessmem_stat_attach},
	{"sessmem violations", sessmem_violations_size, sessmem_violations_attach},
};

static void
request(void)
{
	if (prev_shmem_request)
		prev_shmem_request();
	for (size_t i = 0; i < lengthof(parts); i++)
		RequestAddinShmemSpace(parts[i].size());
}

static void
startup(void)
{
	if (prev_shmem_startup)
		prev_shmem_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	for (size_t i = 0; i < lengthof(parts); i++)
	{
		bool		found;
		void	   *memory = ShmemInitStruct(parts[i].name, parts[i].size(), &found);

		parts[i].attach(memory, !found);
	}
	LWLockRelease(AddinShmemInitLock);
}

void
sessmem_shmem_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return;
	prev_shmem_request = shmem_request_hook;
	shmem_request_hook = request;
	prev_shmem_startup = shmem_startup_hook;
	shmem_startup_hook = startup;
}
