/*
 * pooling.c
 *		What a backend must forget when it changes session.
 *
 * A pooler hands one backend to many users, and a backend remembers.  Whatever
 * one session left on it, the next could read, or fall into:
 *
 *	temporary tables, functions, types		read, or shadowing the real ones
 *	cursors WITH HOLD						read
 *	prepared statements made in SQL			read their text, or run under them
 *	session-level advisory locks			held against others
 *	sequence caches							lastval()
 *	channels listened to					hear what the next one is told
 *	a planted search_path					shadowing the real names
 *
 * bind(), attach(), detach() and assume() come here before the new context is in force;
 * sql/pooling.sql has a case for each line.  The search_path goes back to the
 * connection's own every time, for as long as the context lasts.  The rest is
 * dropped when the session is not the one that used the backend last.
 *
 * Who used it last is known from the last transaction in which a statement ran.
 * It is nobody if that had no session, for it may have left things, too, or if
 * an abort undid the dropping of temporary tables.
 *
 * A statement of the wire protocol belongs to the driver, which executes it by
 * name, and often it is the one that carries the token.  So SQL must not put
 * another under that name: when DEALLOCATE or DISCARD ALL has taken one away,
 * PREPARE of that name is refused.
 *
 * What a PL keeps in its interpreter (GD in PL/Python, %_SHARED in PL/Perl)
 * cannot be reached from here; docs/security.md says so.
 */
#include "sessmem.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "commands/async.h"
#include "commands/prepare.h"
#include "commands/sequence.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/snapmgr.h"

/*
 * Sessions as one comparable string, NULL for nobody: the last user of the
 * backend, and the one who will be if the transaction commits.
 */
static char *last = NULL;
static char *pending = NULL;

/* Where the running transaction last dropped leftovers, and whether that was undone. */
static SubTransactionId dropped_in = InvalidSubTransactionId;
static bool undone = false;

/* Whether the next bind() must look again, whoever it is for. */
static bool again = false;

/* Whether the running transaction executed something without a session. */
static bool unbound = false;

/*
 * Whether there may be cursors or prepared statements to drop.  True at first:
 * they may be older than the library.
 */
static bool dirty = true;

/*
 * Names of prepared statements that SQL has taken away from the driver.  Some
 * drivers do that themselves, with ever new names; past the limit it is all.
 */
#define MAX_TAKEN 256
static List *taken = NIL;

/* Whether a session has used this backend. */
static bool had_user = false;

/* EXECUTE statements that are running; when the library was loaded. */
static int	executes = 0;
static TimestampTz loaded_in = 0;

static void
keep(char **slot, const char *value)
{
	char	   *copy = value ? MemoryContextStrdup(TopMemoryContext, value) : NULL;

	if (*slot)
		pfree(*slot);
	*slot = copy;
}

/* Names in the first column of a query's result. */
static List *
list_names(const char *query)
{
	List	   *names = NIL;

	if (SPI_execute(query, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not list what the connection holds");
	for (uint64 i = 0; i < SPI_processed; i++)
		names = lappend(names, SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1));
	return names;
}

/*
 * Whether an EXECUTE may have looked a prepared statement up, and be about to go
 * on with it.  In the statement that loaded the library nobody has counted.
 */
static bool
executing(bool direct)
{
	return executes > 0 ||
		(!direct && loaded_in == GetCurrentStatementStartTimestamp());
}

/*
 * Drops held cursors and statements made in SQL; returns whether something could
 * not go yet.
 */
static bool
drop_cursors_and_statements(bool direct)
{
	List	   *names;
	ListCell   *lc;
	bool		left = false;

	SPI_connect();

	/* those of the wire protocol belong to the driver, and carry no literals */
	names = list_names("SELECT name FROM pg_catalog.pg_prepared_statements WHERE from_sql");
	if (names != NIL && executing(direct))
		sessmem_refuse(SESSMEM_BYPASS_ATTEMPT, InvalidOid, "cannot change session inside EXECUTE",
					   "The prepared statements of the connection's last user cannot be dropped now.",
					   "Call the function in a SELECT of its own.");
	foreach(lc, names)
		DropPreparedStatement(lfirst(lc), false);

	names = list_names("SELECT name FROM pg_catalog.pg_cursors WHERE is_holdable");
	foreach(lc, names)
	{
		Portal		portal = GetPortalByName(lfirst(lc));

		if (!PortalIsValid(portal))
			continue;
		/*
		 * One that is running, or that a function may have looked up, cannot go.
		 * It is made useless, and looked at again.
		 */
		if (direct && portal->status != PORTAL_ACTIVE && portal->portalPinned == 0)
			PortalDrop(portal, false);
		else
		{
			if (portal->status == PORTAL_READY)
				MarkPortalFailed(portal);
			left = true;
		}
	}

	SPI_finish();
	return left;
}

/* Drops what the previous user of this backend left. */
static void
drop_leftovers(bool direct)
{
	PushActiveSnapshot(GetTransactionSnapshot());
	if (dirty)
	{
		/* our own queries come by here; and what fails is to be done again */
		dirty = false;
		PG_TRY();
		{
			if (drop_cursors_and_statements(direct))
				dirty = again = true;
		}
		PG_CATCH();
		{
			dirty = true;
			PG_RE_THROW();
		}
		PG_END_TRY();
	}
	ResetTempTableNamespace();
	LockReleaseSession(USER_LOCKMETHOD);
	ResetSequenceCaches();
	Async_UnlistenAll();
	PopActiveSnapshot();
}

/*
 * Prepares the backend for a session.  Raises an error if something that must
 * go is in use, and then the session is not bound.  direct: nothing is running
 * but the client's own query.
 */
void
sessmem_pooling_switch(const SessmemIdentity *who, bool direct)
{
	char	   *name = sessmem_claims_name(who, 0);

	if (undone || again || strcmp(pending ? pending : last ? last : "", name) != 0)
	{
		again = false;
		drop_leftovers(direct);
		dropped_in = GetCurrentSubTransactionId();
		undone = false;
	}
	keep(&pending, name);
	had_user = true;
	pfree(name);
}

/* Notes that the backend is this session's, as it was all along, if it was. */
void
sessmem_pooling_own(const SessmemIdentity *who)
{
	char	   *name = sessmem_claims_name(who, 0);

	if (!had_user)
		keep(&pending, name);
	pfree(name);
}

/* Notes that something runs without a session, and may leave something. */
void
sessmem_pooling_unbound(void)
{
	unbound = true;
}

/* Sets search_path to the connection's own, for as long as the context lasts. */
void
sessmem_pooling_path(GucAction action)
{
	const char *path = GetConfigOptionResetString("search_path");

	if (strcmp(namespace_search_path, path) != 0)
		(void) set_config_option("search_path", path, PGC_USERSET, PGC_S_SESSION,
								 action, true, 0, false);
}

/* Drops the session's leftovers now that it lets go of the backend. */
void
sessmem_pooling_forget(bool direct)
{
	drop_leftovers(direct);
	undone = true;				/* what comes until the next bind is nobody's */
}

/* Notes that a cursor or prepared statement may have been made. */
void
sessmem_pooling_dirty(void)
{
	dirty = true;
}

/* Counts the EXECUTE statements that are running: +1 and -1. */
void
sessmem_pooling_executing(int change)
{
	executes += change;
}

/* Raises 42501 for a PREPARE under a name that is the driver's. */
void
sessmem_pooling_check_prepare(const char *name)
{
	ListCell   *lc;

	dirty = true;
	foreach(lc, taken)
	{
		if (strcmp(lfirst(lc), name) == 0 || list_length(taken) >= MAX_TAKEN)
			sessmem_refuse(SESSMEM_BYPASS_ATTEMPT, InvalidOid,
						   "cannot PREPARE a statement under a name of the driver's",
						   "It was deallocated behind the driver's back, which would execute this one instead.",
						   "Choose another name.");
	}
}

/*
 * Names of the driver's statements that a DEALLOCATE will take away, to be given
 * to sessmem_pooling_after_deallocate() when it has.  NULL is ALL.
 */
List *
sessmem_pooling_before_deallocate(const char *name)
{
	MemoryContext cxt = CurrentMemoryContext;
	List	   *names = NIL;
	ListCell   *lc;

	if (name != NULL)
	{
		PreparedStatement *statement = FetchPreparedStatement(name, false);

		return statement && !statement->from_sql ? list_make1(pstrdup(name)) : NIL;
	}
	PushActiveSnapshot(GetTransactionSnapshot());
	SPI_connect();
	foreach(lc, list_names("SELECT name FROM pg_catalog.pg_prepared_statements WHERE NOT from_sql"))
	{
		MemoryContext oldcxt = MemoryContextSwitchTo(cxt);

		names = lappend(names, pstrdup(lfirst(lc)));
		MemoryContextSwitchTo(oldcxt);
	}
	SPI_finish();
	PopActiveSnapshot();
	return names;
}

void
sessmem_pooling_after_deallocate(List *names)
{
	MemoryContext oldcxt = MemoryContextSwitchTo(TopMemoryContext);
	ListCell   *lc;

	foreach(lc, names)
	{
		if (list_length(taken) < MAX_TAKEN)
			taken = lappend(taken, pstrdup(lfirst(lc)));
	}
	MemoryContextSwitchTo(oldcxt);
}

static void
on_transaction(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_PREPARE && event != XACT_EVENT_ABORT)
		return;

	/* this far into a commit nothing may fail: no allocation */
	if (event == XACT_EVENT_ABORT && dropped_in != InvalidSubTransactionId)
		undone = true;
	if (undone || (pending == NULL && unbound))
		keep(&last, NULL);
	else if (pending != NULL)
	{
		keep(&last, NULL);
		last = pending;
		pending = NULL;
	}
	keep(&pending, NULL);
	dropped_in = InvalidSubTransactionId;
	undone = false;
	unbound = false;
}

static void
on_subtransaction(SubXactEvent event, SubTransactionId mine,
				  SubTransactionId parent, void *arg)
{
	if (dropped_in != mine)
		return;
	if (event == SUBXACT_EVENT_COMMIT_SUB)
		dropped_in = parent;
	else if (event == SUBXACT_EVENT_ABORT_SUB)
		undone = true;
}

void
sessmem_pooling_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		loaded_in = GetCurrentStatementStartTimestamp();
	RegisterXactCallback(on_transaction, NULL);
	RegisterSubXactCallback(on_subtransaction, NULL);
}
