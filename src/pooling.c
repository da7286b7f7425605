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
 * Who used it last is known only from a transaction that used a session and
 * committed.  After an abort, or a transaction without a session, it is nobody:
 * such a transaction may have left things too, and dropping temporary tables is
 * undone by an abort.
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

/*
 * Sessions as one comparable string, NULL for nobody: the last user of the
 * backend, and the one who will be if the transaction commits.
 */
static char *last = NULL;
static char *pending = NULL;

/* Where the running transaction last dropped leftovers, and whether that was undone. */
static SubTransactionId dropped_in = InvalidSubTransactionId;
static bool undone = false;

/*
 * Whether there may be cursors or prepared statements to drop.  True at first:
 * they may be older than the library.
 */
static bool dirty = true;

static char *
name_session(const SessmemIdentity *who)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < SESSMEM_NKEYS; i++)
	{
		const char *claim = sessmem_registry_claim(who, i);

		if (claim == NULL)
			appendStringInfoString(&buf, "-1:");
		else
			appendStringInfo(&buf, "%d:%s", (int) strlen(claim), claim);
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

	SPI_connect();

	names = list_names("SELECT name FROM pg_catalog.pg_cursors WHERE is_holdable");
	foreach(lc, names)
	{
		Portal		portal = GetPortalByName(lfirst(lc));

		/* one that is running is the caller's own */
		if (PortalIsValid(portal) && portal->status != PORTAL_ACTIVE && portal->portalPinned == 0)
			PortalDrop(portal, false);
	}

	/* those of the wire protocol belong to the driver, and carry no literals */
	names = list_names("SELECT name FROM pg_catalog.pg_prepared_statements WHERE from_sql");
	foreach(lc, names)
		DropPreparedStatement(lfirst(lc), false);

	SPI_finish();
}

/* Drops what the previous user of this backend left. */
static void
drop_leftovers(void)
{
	if (dirty)
	{
		drop_cursors_and_statements();
		dirty = false;
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
sessmem_pooling_switch(const SessmemIdentity *who, SessmemScope scope)
{
	char	   *name = name_session(who);
	const char *path = GetConfigOptionResetString("search_path");

	if (undone || strcmp(pending ? pending : last ? last : "", name) != 0)
	{
		drop_leftovers();
		dropped_in = GetCurrentSubTransactionId();
		undone = false;
	}
	keep(&pending, name);
	pfree(name);

	if (strcmp(namespace_search_path, path) != 0)
		(void) set_config_option("search_path", path, PGC_USERSET, PGC_S_SESSION,
								 scope == SESSMEM_STATEMENT ? GUC_ACTION_SAVE :
								 scope == SESSMEM_TRANSACTION ? GUC_ACTION_LOCAL : GUC_ACTION_SET,
								 true, 0, false);
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
on_transaction(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			/* an attached session need not have bound in this transaction */
			if (pending == NULL && sessmem_context_used() && last != NULL)
				keep(&pending, last);
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PREPARE:
		case XACT_EVENT_ABORT:
			/* this far into a commit nothing may fail: no allocation */
			keep(&last, NULL);
			if (event == XACT_EVENT_COMMIT && !undone)
			{
				last = pending;
				pending = NULL;
			}
			keep(&pending, NULL);
			undone = false;
			break;
		default:
			break;
	}
}

static void
on_subtransaction(SubXactEvent event, SubTransactionId mine,
				  SubTransactionId parent, void *arg)
{
	if (pending == NULL || dropped_in != mine)
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
