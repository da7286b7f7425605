/*
 * worker.c
 *		The background worker that sweeps, and saves violations.
 *
 * One for each database of sessmem.worker_databases, if the library is
 * preloaded.  Every sessmem.sweep_interval it calls sweep(), each time in a
 * transaction of its own, until there is nothing left, and rests between them
 * several times as long as they took, so that live sessions get the machine.
 * Whenever there are violations in shared memory it calls save_violations(), once
 * more when it is told to end.  It decides nothing: those functions do
 * (extension/worker.sql, extension/violations.sql), and pg_cron can call them as
 * well.
 *
 * After an error or a crash the postmaster starts it again; what it had not
 * committed it does again.  A database without the extension is looked at again
 * after each interval.
 */
#include "sessmem.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "tcop/tcopprot.h"
#include "utils/backend_status.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#define RESTART_SECONDS 10

/*
 * What waits for a processor waits for the batch, so it is short: a millisecond
 * or so.  Then the worker rests several times as long.
 */
#define BATCH "200"
#define REST_FACTOR 4

PGDLLEXPORT void sessmem_worker_main(Datum arg);

/* How long the worker lets violations gather. */
#define GATHER_MS 250

PG_FUNCTION_INFO_V1(sessmem_retention);
PG_FUNCTION_INFO_V1(sessmem_violation_retention);

static Datum
seconds(FunctionCallInfo fcinfo, int n)
{
	Interval   *result;

	if (n < 0)
		PG_RETURN_NULL();
	result = palloc0(sizeof(Interval));
	result->time = n * USECS_PER_SEC;
	PG_RETURN_INTERVAL_P(result);
}

/* retention() RETURNS interval: NULL for ever. */
Datum
sessmem_retention(PG_FUNCTION_ARGS)
{
	return seconds(fcinfo, sessmem_guc_retention());
}

/* violation_retention() RETURNS interval: NULL for ever. */
Datum
sessmem_violation_retention(PG_FUNCTION_ARGS)
{
	return seconds(fcinfo, sessmem_guc_violation_retention());
}

/* Runs a query that returns a number, in a transaction; 0 without the extension. */
static int64
execute(const char *query, const char *activity)
{
	int64		rows = 0;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	pgstat_report_activity(STATE_RUNNING, activity);
	PushActiveSnapshot(GetTransactionSnapshot());
	if (OidIsValid(get_extension_oid("sessmem", true)))
	{
		bool		isnull;

		SPI_connect();
		if (SPI_execute(query, false, 0) != SPI_OK_SELECT || SPI_processed != 1)
			elog(ERROR, "could not execute \"%s\"", query);
		rows = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
		if (isnull)
			rows = 0;
		SPI_finish();
	}
	PopActiveSnapshot();
	CommitTransactionCommand();
	/* what a trigger has locked */
	LockReleaseSession(USER_LOCKMETHOD);
	pgstat_report_stat(false);
	pgstat_report_activity(STATE_IDLE, NULL);
	return rows;
}

/* One call of sweep(); returns how many rows went. */
static int64
sweep(int64 done)
{
	char		activity[64];

	snprintf(activity, sizeof(activity), "sweeping: " INT64_FORMAT " rows deleted", done);
	return execute("SELECT pg_catalog.sum(deleted)::pg_catalog.int8 FROM sessmem.sweep(" BATCH ")", activity);
}

static void
save(void)
{
	(void) execute("SELECT sessmem.save_violations()", "saving violations");
}

/* Ends the worker, if it was told to; what was refused until now is not lost. */
static void
end_if_told(void)
{
	if (ProcDiePending && sessmem_violations_any())
	{
		ProcDiePending = false;
		save();
		ProcDiePending = true;
		InterruptPending = true;
	}
	CHECK_FOR_INTERRUPTS();
}

/* Waits, and takes in a changed configuration.  What is refused meanwhile is saved. */
static void
rest(long milliseconds)
{
	TimestampTz until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), milliseconds);
	long		left;

	while ((left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), until)) > 0)
	{
		int			events = WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
									   left, PG_WAIT_EXTENSION);

		ResetLatch(MyLatch);
		end_if_told();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
			/* the interval may be another one now */
			break;
		}
		if ((events & WL_LATCH_SET) != 0 && sessmem_violations_any())
		{
			(void) WaitLatch(NULL, WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, GATHER_MS, PG_WAIT_EXTENSION);
			end_if_told();
			save();
		}
	}
}

/* The entry point; the name of the database is in bgw_extra. */
void
sessmem_worker_main(Datum arg)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(MyBgworkerEntry->bgw_extra, NULL, 0);
	pgstat_report_appname("sessmem worker");
	sessmem_violations_wake_me();

	for (;;)
	{
		int64		done = 0;

		if (sessmem_violations_any())
			save();

		for (;;)
		{
			TimestampTz started = GetCurrentTimestamp();
			int64		rows = sweep(done);

			if (rows == 0)
				break;
			done += rows;
			rest(REST_FACTOR * (TimestampDifferenceMilliseconds(started, GetCurrentTimestamp()) + 1));
		}
		if (done > 0)
			elog(DEBUG1, "sessmem worker deleted " INT64_FORMAT " rows", done);
		rest(sessmem_guc_sweep_interval() * 1000L);
	}
}

/* Registers the workers; without preloading there are none. */
void
sessmem_worker_init(void)
{
	ListCell   *lc;

	if (!process_shared_preload_libraries_in_progress)
		return;
	foreach(lc, sessmem_guc_worker_databases())
	{
		BackgroundWorker worker = {0};

		worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
		worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
		worker.bgw_restart_time = RESTART_SECONDS;
		strlcpy(worker.bgw_library_name, "sessmem", sizeof(worker.bgw_library_name));
		strlcpy(worker.bgw_function_name, "sessmem_worker_main", sizeof(worker.bgw_function_name));
		strlcpy(worker.bgw_type, "sessmem worker", sizeof(worker.bgw_type));
		snprintf(worker.bgw_name, sizeof(worker.bgw_name), "sessmem worker for %s", (char *) lfirst(lc));
		strlcpy(worker.bgw_extra, lfirst(lc), sizeof(worker.bgw_extra));
		RegisterBackgroundWorker(&worker);
	}
}
