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
 *	a planted search_path					shadowing the real names
 *
 * bind(), attach() and assume() come here before the new context is in force;
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
 * another under that name: DEALLOCATE of such a statement is refused, and after
 * DEALLOCATE ALL or DISCARD ALL took one away, so is PREPARE.
 *
 * What a PL keeps in its interpreter (GD in PL/Python, %_SHARED in PL/Perl)
 * cannot be reached from here; docs/security.md says so.
 */
#include "sessmem.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "commands/prepare.h"
#include "commands/sequence.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
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

/* Whether the running transaction executed something without a session. */
static bool unbound = false;

/*
 * Whether there may be cursors or prepared statements to drop.  True at first:
 * they may be older than the library.
 */
static bool dirty = true;

/* Whether SQL has taken prepared statements away from the driver. */
static bool driver_bereft = false;

static char *
name_session(const SessmemIdentity *who)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < SESSMEM_NKEYS; i++)
	{
		const char *claim = sessmem_claims_get(who, i);
		char		len[12];

		/* by hand: this runs in every transaction, and appendStringInfo() is slow */
		pg_ltoa(claim ? (int32) strlen(claim) : -1, len);
		appendStringInfoString(&buf, len);
		appendStringInfoChar(&buf, ':');
		if (claim != NULL)
			appendStringInfoString(&buf, claim);
	}
	return buf.data;
}

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

static void
drop_cursors_and_statements(void)
{
	List	   *names;
	ListCell   *lc;

	PushActiveSnapshot(GetTransactionSnapshot());
	SPI_connect();

	names = list_names("SELECT name FROM pg_catalog.pg_cursors WHERE is_holdable");
	foreach(lc, names)
	{
		Portal		portal = GetPortalByName(lfirst(lc));

		if (!PortalIsValid(portal))
			continue;
		/* one that is running cannot go; it is looked at again */
		if (portal->status == PORTAL_READY || portal->status == PORTAL_DONE ||
			portal->status == PORTAL_FAILED)
			PortalDrop(portal, false);
		else
			dirty = true;
	}

	/* those of the wire protocol belong to the driver, and carry no literals */
	names = list_names("SELECT name FROM pg_catalog.pg_prepared_statements WHERE from_sql");
	foreach(lc, names)
		DropPreparedStatement(lfirst(lc), false);

	SPI_finish();
	PopActiveSnapshot();
}

/* Drops what the previous user of this backend left. */
static void
drop_leftovers(void)
{
	if (dirty)
	{
		dirty = false;
		drop_cursors_and_statements();
	}
	ResetTempTableNamespace();
	LockReleaseSession(USER_LOCKMETHOD);
	ResetSequenceCaches();
}

/*
 * Prepares the backend for a session.  Raises an error if something that must
 * go is in use, and then the session is not bound.
 */
void
sessmem_pooling_switch(const SessmemIdentity *who)
{
	char	   *name = name_session(who);

	if (undone || strcmp(pending ? pending : last ? last : "", name) != 0)
	{
		drop_leftovers();
		dropped_in = GetCurrentSubTransactionId();
		undone = false;
	}
	keep(&pending, name);
	pfree(name);
}

/* Notes that the backend is this session's, as it was all along. */
void
sessmem_pooling_own(const SessmemIdentity *who)
{
	char	   *name = name_session(who);

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
sessmem_pooling_forget(void)
{
	drop_leftovers();
	undone = true;				/* what comes until the next bind is nobody's */
}

/* Notes that a cursor or prepared statement may have been made. */
void
sessmem_pooling_dirty(void)
{
	dirty = true;
}

static void
refuse_name(const char *message)
{
	ereport(ERROR,
			errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			errmsg_internal("%s", message),
			errdetail("The driver would execute another statement under the name of its own."),
			errhint("Let the driver manage its prepared statements."));
}

/* Raises 42501 for a PREPARE that could replace a statement of the driver. */
void
sessmem_pooling_check_prepare(void)
{
	if (driver_bereft)
		refuse_name("cannot PREPARE after the driver's statements were deallocated");
	dirty = true;
}

/* Raises 42501 for a DEALLOCATE of a statement of the driver; NULL is ALL. */
void
sessmem_pooling_check_deallocate(const char *name)
{
	if (name != NULL)
	{
		PreparedStatement *statement = FetchPreparedStatement(name, false);

		if (statement != NULL && !statement->from_sql)
			refuse_name("cannot deallocate a prepared statement of the driver");
		return;
	}
	PushActiveSnapshot(GetTransactionSnapshot());
	SPI_connect();
	if (list_names("SELECT name FROM pg_catalog.pg_prepared_statements WHERE NOT from_sql") != NIL)
		driver_bereft = true;
	SPI_finish();
	PopActiveSnapshot();
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
	RegisterXactCallback(on_transaction, NULL);
	RegisterSubXactCallback(on_subtransaction, NULL);
}
