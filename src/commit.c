/*
 * commit.c
 *		The end of a transaction: whether what its session wrote may be committed, and
 *		what is written of the session itself.
 *
 * What a bound session has to write is written when its transaction commits, so
 * that no row of the registry is locked for longer than a commit, and nobody can
 * stand in the way of others by leaving a transaction open: the first use of a
 * session that is not recorded, the time of the last use, at most once in a tenth
 * of its timeout, and what close_session() and renew_session() asked for.  Nothing
 * is noted of READ ONLY transactions, of SERIALIZABLE ones that only read, and on
 * standbys.
 *
 * A transaction that wrote rows asks once more when it commits, under shared locks
 * on the names of its session, user and tenant, one of which forget_*() and sweep()
 * take exclusively: either they see its rows, or it sees that its session is gone,
 * or going, and fails.  It does not wait for them, because they may be waiting for
 * its rows.
 */
#include "session.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/indexing.h"
#include "commands/tablecmds.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* Without an idle timeout the last use is noted at most this often. */
#define TOUCH_DEFAULT (USECS_PER_HOUR)

/*
 * What the bound session asked for in the running transaction, and will get when
 * it commits, unless the subtransaction is rolled back in which it asked first.
 */
typedef struct Request
{
	LocalTransactionId in;
	SubTransactionId subid;
	TimestampTz time;
} Request;

static Request close_request;	/* time: when it ended */
static Request renew_request;	/* time: when it will expire */

PG_FUNCTION_INFO_V1(sessmem_close_own);

/* ---------- what the bound session asks for ---------- */

static bool
requested(const Request *request)
{
	return request->in != InvalidLocalTransactionId && request->in == sessmem_compat_lxid();
}

static void
note(Request *request, TimestampTz time)
{
	if (requested(request))
		time = Max(time, request->time);
	else
	{
		request->in = sessmem_compat_lxid();
		request->subid = GetCurrentSubTransactionId();
	}
	request->time = time;
}

static bool
has_requests(void)
{
	return requested(&close_request) || requested(&renew_request);
}

/* Notes that the session in force is to expire later. */
void
sessmem_commit_renew(TimestampTz expires)
{
	note(&renew_request, expires);
}

/* Whether the running transaction closes its session. */
bool
sessmem_commit_closing(void)
{
	return requested(&close_request);
}

static void
on_subtransaction(SubXactEvent event, SubTransactionId mine,
				  SubTransactionId parent, void *arg)
{
	Request    *requests[] = {&close_request, &renew_request};

	for (size_t i = 0; i < lengthof(requests); i++)
	{
		if (requests[i]->subid != mine)
			continue;
		if (event == SUBXACT_EVENT_COMMIT_SUB)
			requests[i]->subid = parent;
		else if (event == SUBXACT_EVENT_ABORT_SUB)
			requests[i]->in = InvalidLocalTransactionId;
	}
}

void
sessmem_commit_init(void)
{
	RegisterSubXactCallback(on_subtransaction, NULL);
}

/* ---------- writing, when a transaction commits ---------- */

#define NCHECKS_SESSION 2		/* constraints that we made */

static bool
is_as_we_made_it(Relation rel, CatalogIndexState indexes)
{
	TupleDesc	desc = RelationGetDescr(rel);

	if (desc->natts != Natts_session || RelationGetFKeyList(rel) != NIL ||
		(desc->constr != NULL && desc->constr->num_check > NCHECKS_SESSION))
		return false;
	for (AttrNumber attnum = 1; attnum <= desc->natts; attnum++)
	{
		if (TupleDescAttr(desc, attnum - 1)->attnotnull &&
			attnum != Anum_session_session_id && attnum != Anum_session_metadata &&
			attnum != Anum_session_created_at && attnum != Anum_session_last_used_at)
			return false;
	}
	for (int i = 0; i < indexes->ri_NumIndices; i++)
	{
		IndexInfo  *info = indexes->ri_IndexRelationInfo[i];

		if (info->ii_Expressions != NIL || info->ii_Predicate != NIL || info->ii_ExclusionOps != NULL ||
			!indexes->ri_IndexRelationDescs[i]->rd_index->indimmediate)
			return false;
	}
	return true;
}

/*
 * What is written here is written past the executor, which at this time could
 * only fail: it knows no table but the one that we made.
 */
static CatalogIndexState
open_indexes(Relation rel)
{
	CatalogIndexState indexes = CatalogOpenIndexes(rel);

	if (!is_as_we_made_it(rel, indexes))
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("cannot write to sessmem.session"),
				errdetail("Somebody has added columns, constraints, or an index on expressions or on a part of it."),
				errhint("Drop them."));
	return indexes;
}

static void
set_column(Datum *values, bool *nulls, bool *replace, int attnum, Datum value)
{
	values[attnum - 1] = value;
	nulls[attnum - 1] = false;
	if (replace != NULL)
		replace[attnum - 1] = true;
}

/* Records a session that has no row.  Its name and id are locked. */
static void
record(Relation rel, const SessmemClaims *claims)
{
	TimestampTz now = sessmem_context_now();
	TimestampTz lapses = claims->expires;
	Datum		values[Natts_session] = {0};
	bool		nulls[Natts_session];
	CatalogIndexState indexes = open_indexes(rel);

	memset(nulls, true, sizeof(nulls));
	if (claims->who.tenant)
		set_column(values, nulls, NULL, Anum_session_tenant_id, CStringGetTextDatum(claims->who.tenant));
	if (claims->who.user)
		set_column(values, nulls, NULL, Anum_session_user_id, CStringGetTextDatum(claims->who.user));
	set_column(values, nulls, NULL, Anum_session_session_id, CStringGetTextDatum(claims->who.session));
	set_column(values, nulls, NULL, Anum_session_metadata, DirectFunctionCall1(jsonb_in, CStringGetDatum("{}")));
	set_column(values, nulls, NULL, Anum_session_created_at, TimestampTzGetDatum(now));
	set_column(values, nulls, NULL, Anum_session_last_used_at, TimestampTzGetDatum(now));
	if (claims->expires != DT_NOEND)
	{
		Interval   *lifetime = palloc0(sizeof(Interval));

		lifetime->time = claims->expires - now;
		set_column(values, nulls, NULL, Anum_session_lifetime, IntervalPGetDatum(lifetime));
		set_column(values, nulls, NULL, Anum_session_expires_at, TimestampTzGetDatum(claims->expires));
	}
	if (requested(&close_request))
	{
		set_column(values, nulls, NULL, Anum_session_ended_at, TimestampTzGetDatum(close_request.time));
		lapses = Min(lapses, close_request.time);
	}
	if (lapses != DT_NOEND)
		set_column(values, nulls, NULL, Anum_session_lapses_at, TimestampTzGetDatum(lapses));

	CatalogTupleInsertWithInfo(rel, heap_form_tuple(RelationGetDescr(rel), values, nulls), indexes);
	CatalogCloseIndexes(indexes);
}

/*
 * Locks the row of a session.  If the session asked for nothing, and somebody else
 * has its row just now, that is left for another time: false.
 */
static bool
lock_row(Relation rel, HeapTuple tup)
{
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TM_FailureData failure;
	bool		locked = table_tuple_lock(rel, &tup->t_self, GetLatestSnapshot(), slot,
										  GetCurrentCommandId(true), LockTupleNoKeyExclusive,
										  has_requests() ? LockWaitBlock : LockWaitSkip,
										  TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &failure) == TM_Ok;

	ExecDropSingleTupleTableSlot(slot);
	return locked;
}

/* Notes the use of a session, and what it asked for.  Its row is locked. */
static void
update(Relation rel, HeapTuple tup, const SessmemClaims *claims, const SessmemStanding *standing)
{
	TupleDesc	desc = RelationGetDescr(rel);
	TimestampTz now = Max(sessmem_context_now(), standing->last_used);
	Datum		values[Natts_session] = {0};
	bool		nulls[Natts_session] = {false};
	bool		replace[Natts_session] = {false};
	TimestampTz expires = standing->expires;
	bool		isnull;
	Datum		ended_at = heap_getattr(tup, Anum_session_ended_at, desc, &isnull);
	TimestampTz ended = isnull ? DT_NOEND : DatumGetTimestampTz(ended_at);
	TimestampTz lapses;
	bool		closes = requested(&close_request) && ended == DT_NOEND;
	bool		renews = requested(&renew_request) && expires < renew_request.time;
	CatalogIndexState indexes = open_indexes(rel);

	if (closes)
	{
		ended = close_request.time;
		set_column(values, nulls, replace, Anum_session_ended_at, TimestampTzGetDatum(ended));
	}
	if (renews)
		expires = renew_request.time;
	if (closes || renews)
		CacheInvalidateRelcacheByRelid(sessmem_registry_table("sessions"));
	/* another issuer may have issued a newer token */
	if (is_foreign(claims) && expires < claims->expires)
		expires = claims->expires;
	lapses = Min(ended, expires);
	if (standing->idle > 0)
		lapses = Min(lapses, now + standing->idle);

	set_column(values, nulls, replace, Anum_session_last_used_at, TimestampTzGetDatum(now));
	if (expires != DT_NOEND)
		set_column(values, nulls, replace, Anum_session_expires_at, TimestampTzGetDatum(expires));
	if (lapses != DT_NOEND)
		set_column(values, nulls, replace, Anum_session_lapses_at, TimestampTzGetDatum(lapses));
	CatalogTupleUpdateWithInfo(rel, &tup->t_self,
							   heap_modify_tuple(tup, desc, values, nulls, replace), indexes);
	CatalogCloseIndexes(indexes);
}

/* Whether the last use is long enough ago to be noted again. */
static bool
is_touch_due(const SessmemClaims *claims, const SessmemStanding *standing)
{
	int64		span = standing->idle > 0 ? standing->idle :
		standing->lifetime > 0 ? standing->lifetime : 10 * TOUCH_DEFAULT;

	/* sweep() must not take a session for lapsed that has newer tokens */
	if (is_foreign(claims) && standing->expires < claims->expires &&
		claims->expires - standing->expires >= span / 10)
		return true;
	return sessmem_context_now() - standing->last_used >= span / 10;
}

/* Raises 42501, if there is anything to commit. */
static void
refuse_commit(bool anything, const char *detail)
{
	if (anything)
		sessmem_refuse(SESSMEM_REVOKED_TOKEN, InvalidOid, "cannot commit the transaction of the session", detail,
					   "Get a new token from the issuer and repeat the transaction.");
}

/*
 * The end of a transaction that used a session: makes sure that what it wrote may
 * be committed, and notes the use.  Raises 42501 if it wrote or asked for something,
 * and the session has been revoked or forgotten since, or turns out to be somebody
 * else's.
 */
void
sessmem_commit_check(const SessmemClaims *claims, SessmemStanding *standing, bool wrote)
{
	bool		may_note = !RecoveryInProgress() && (wrote || has_requests() || !XactReadOnly);
	bool		due;
	Relation	rel;
	HeapTuple	tup;
	SessmemStatus status;

	/* reading is not worth a serialization failure */
	if (!standing->recorded)
		due = may_note && (wrote || has_requests() || !IsolationIsSerializable());
	else
		due = may_note && (has_requests() ||
						   ((wrote || !IsolationIsSerializable()) && is_touch_due(claims, standing)));
	if (!wrote && !due)
		return;
	/* this very transaction may drop the extension */
	if (!OidIsValid(sessmem_registry_relid()))
		return;
	/* these may wait for others, and must do so before we hold locks and have asked */
	PreCommit_on_commit_actions();

	/* what is noted must not bring back whom somebody is forgetting */
	if (!sessmem_session_lock(&claims->who, LEVEL_TENANT, ShareLock, false) ||
		!sessmem_session_lock(&claims->who, LEVEL_USER, ShareLock, false) ||
		!sessmem_session_lock(&claims->who, LEVEL_SESSION, ShareLock, false))
	{
		refuse_commit(wrote || has_requests(), "The session is being forgotten or swept.");
		return;
	}
	AcceptInvalidationMessages();
	if (!due && standing->asked == sessmem_session_generation() &&
		standing->cleared == sessmem_session_revocations())
		return;

	PushActiveSnapshot(GetTransactionSnapshot());
	/* protect() waits for whoever may add a session */
	rel = table_open(sessmem_registry_table("session"), may_note ? RowExclusiveLock : AccessShareLock);
	tup = sessmem_session_ask(rel, claims, standing);
	if (tup == NULL && due)
	{
		(void) sessmem_session_lock(&claims->who, LEVEL_ID, ExclusiveLock, true);
		tup = sessmem_session_ask(rel, claims, standing);
	}
	else if (tup != NULL && due)
	{
		due = lock_row(rel, tup);
		/* it may have waited */
		AcceptInvalidationMessages();
		tup = sessmem_session_ask(rel, claims, standing);
	}
	status = sessmem_session_status(claims, standing, 0, sessmem_session_revocations());
	if (status == SESSMEM_REVOKED)
		refuse_commit(wrote || has_requests(), "The session has been revoked or forgotten in the meantime, or its id belongs to somebody else.");
	else if (tup == NULL && due)
		record(rel, claims);
	else if (tup != NULL && due && (status == SESSMEM_BOUND || has_requests() ||
									(status == SESSMEM_ENDED && is_foreign(claims) && standing->expires < claims->expires)))
		update(rel, tup, claims, standing);
	table_close(rel, NoLock);
	PopActiveSnapshot();
}

/* ---------- SQL ---------- */

/*
 * close_own() RETURNS boolean
 *
 * Closes the session in force when the transaction commits, and for this
 * transaction now; false if it has ended before.  42501: there is none.
 */
Datum
sessmem_close_own(PG_FUNCTION_ARGS)
{
	const SessmemStanding *standing;

	PreventCommandIfReadOnly("close_session()");
	/* not in a trigger of a table whose rows are being erased, either */
	if (sessmem_context_current() == NULL || sessmem_context_claims(&standing) == NULL)
		sessmem_context_required(SESSMEM_NO_SESSION, InvalidOid, "cannot close a session");
	if (sessmem_context_ended())
		PG_RETURN_BOOL(false);
	note(&close_request, sessmem_context_now());
	PG_RETURN_BOOL(true);
}
