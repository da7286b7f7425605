/*
 * session.c
 *		The registry of sessions: which exist, whose they are, whether they live.
 *
 * A token says who may act; sessmem.session says whether there is such a session
 * and in which state it is, and sessmem.revocation which tokens no longer count.
 * Each bind asks both.  A context that is in force asks again when something was
 * announced: every change that ends or renews a session, and every revocation,
 * sends an invalidation message with its commit (extension/session.sql), so it
 * reaches all backends at their next statement, standbys too, preloaded or not.
 *
 *	what the registry has				own token	other issuer's	assume()	sql/session.sql
 *	nothing								refused		recorded		recorded	unknown
 *	the same id of somebody else, which
 *	the protected tables do not tell apart	refused	refused			refused		wrong user
 *	past expires_at						expired		the token's exp	expired		expiry
 *	not used for idle_timeout			expired		expired			expired		idle
 *	ended								for reading	for reading		for reading	close
 *	revoked since the token was issued	refused		refused			-			revoke
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
 *
 * A session that is not recorded is looked up at every statement: if its id turns
 * out to be somebody else's, who has recorded it meanwhile, then whoever sees his
 * rows sees that, too.
 */
#include "sessmem.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/index.h"
#include "catalog/indexing.h"
#include "catalog/pg_collation.h"
#include "commands/tablecmds.h"
#include "common/hashfn.h"
#include "common/sha2.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* Columns of sessmem.session; extension/session.sql creates them in this order. */
enum
{
	Anum_session_tenant_id = 1,
	Anum_session_user_id,
	Anum_session_session_id,
	Anum_session_agent_id,
	Anum_session_metadata,
	Anum_session_created_at,
	Anum_session_last_used_at,
	Anum_session_expires_at,
	Anum_session_idle_timeout,
	Anum_session_ended_at,
	Anum_session_lifetime,
	Anum_session_lapses_at,
	Anum_session_sweep_failed_at,
	Natts_session = Anum_session_sweep_failed_at
};

/* Columns of sessmem.revocation */
enum
{
	Anum_revocation_subject = 1,
	Anum_revocation_revoked_at
};

/* What can be revoked, forgotten and locked; the first three name an identity. */
typedef enum Level
{
	LEVEL_SESSION,
	LEVEL_USER,
	LEVEL_TENANT,
	LEVEL_ID					/* a session id, whoever has it */
} Level;

/* A third of a page, less what else is in the entry of an index. */
#define MAX_IDS_LEN 2600

/* Without an idle timeout the last use is noted at most this often. */
#define TOUCH_DEFAULT (USECS_PER_HOUR)

static uint64 generation = 1;	/* moves with every announced change */
static uint64 revocations = 1;	/* with every revocation */

/* What announces them: the view, which backends do not have open, and the table. */
static Oid	sessions_relid = InvalidOid;
static Oid	revocation_relid = InvalidOid;

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
PG_FUNCTION_INFO_V1(sessmem_subject);
PG_FUNCTION_INFO_V1(sessmem_hold);
PG_FUNCTION_INFO_V1(sessmem_check_owner);
PG_FUNCTION_INFO_V1(sessmem_await_openers);

static void
invalidate_registry(Datum arg, Oid relid)
{
	if (relid == InvalidOid || relid == sessions_relid || relid == revocation_relid)
		generation++;
	if (relid == InvalidOid || relid == revocation_relid)
		revocations++;
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
sessmem_session_init(void)
{
	CacheRegisterRelcacheCallback(invalidate_registry, (Datum) 0);
	RegisterSubXactCallback(on_subtransaction, NULL);
}

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

/* Notes that the session in force is to expire later. */
void
sessmem_session_renew(TimestampTz expires)
{
	note(&renew_request, expires);
}

/* Whether the running transaction closes its session. */
bool
sessmem_session_closing(void)
{
	return requested(&close_request);
}

/* Moves whenever a session may have ended, changed its owner or been revoked. */
uint64
sessmem_session_generation(void)
{
	return generation;
}

/* Moves whenever something may have been revoked. */
uint64
sessmem_session_revocations(void)
{
	return revocations;
}

/* ---------- names of what can be revoked and locked ---------- */

/* NULL if there is no such thing: a session without a user or tenant. */
static char *
name_of(const SessmemIdentity *who, Level level)
{
	SessmemIdentity id = {.session = who->session};

	if (level == LEVEL_ID)
		return sessmem_claims_name(&id, 0);
	if (sessmem_claims_get(who, level) == NULL)
		return NULL;
	return sessmem_claims_name(who, level);
}

/*
 * The palloc'd SHA-256 of a name, which is all that sessmem.revocation has: who was
 * forgotten is forgotten there, too.  NULL if there is no such thing.
 */
static bytea *
subject_of(const SessmemIdentity *who, Level level)
{
	char	   *name = name_of(who, level);
	bytea	   *subject;

	if (name == NULL)
		return NULL;
	subject = palloc(VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	SET_VARSIZE(subject, VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	sessmem_keyring_digest(name, strlen(name), (unsigned char *) VARDATA(subject));
	return subject;
}

/* Locks a name until the transaction ends; false if it would have to wait. */
static bool
lock_name(const SessmemIdentity *who, Level level, LOCKMODE mode, bool wait)
{
	char	   *name = name_of(who, level);
	uint64		hash;
	LOCKTAG		tag;

	if (name == NULL)
		return true;
	hash = hash_bytes_extended((unsigned char *) name, strlen(name), level);
	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, sessmem_registry_table("session"),
					   (uint32) hash, (uint16) (hash >> 32));
	pfree(name);
	return LockAcquire(&tag, mode, false, !wait) != LOCKACQUIRE_NOT_AVAIL;
}

/* ---------- asking ---------- */

/* A comparison with a column whose collation is "C". */
static void
match_text(ScanKeyData *key, AttrNumber attnum, const char *value)
{
	if (value != NULL)
		ScanKeyEntryInitialize(key, 0, attnum, BTEqualStrategyNumber, InvalidOid,
							   C_COLLATION_OID, F_TEXTEQ, CStringGetTextDatum(value));
	else
		ScanKeyEntryInitialize(key, SK_ISNULL | SK_SEARCHNULL, attnum, InvalidStrategy,
							   InvalidOid, InvalidOid, InvalidOid, (Datum) 0);
}

/* The row of a session, palloc'd, or NULL. */
static HeapTuple
find_session(Relation rel, const SessmemIdentity *who)
{
	ScanKeyData key[SESSMEM_NKEYS];
	SysScanDesc scan;
	HeapTuple	tup;

	match_text(&key[0], Anum_session_session_id, who->session);
	match_text(&key[1], Anum_session_user_id, who->user);
	match_text(&key[2], Anum_session_tenant_id, who->tenant);
	scan = systable_beginscan(rel, sessmem_registry_table("session_identity"), true, NULL,
							  SESSMEM_NKEYS, key);
	tup = systable_getnext(scan);
	if (HeapTupleIsValid(tup))
		tup = heap_copytuple(tup);
	systable_endscan(scan);
	return tup;
}

/* Whether a text column has a claim, or null for none. */
static bool
has_claim(HeapTuple tup, AttrNumber attnum, TupleDesc desc, const char *claim)
{
	bool		isnull;
	Datum		value = heap_getattr(tup, attnum, desc, &isnull);

	return sessmem_claims_equal(isnull ? NULL : TextDatumGetCString(value), claim);
}

/*
 * Whether somebody else has a session of that id, and a protected table would
 * take the two for one.
 */
static bool
is_taken(Relation rel, const SessmemIdentity *who)
{
	bool		by_user = sessmem_registry_tells_apart(true, false);
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tup;
	bool		taken = false;

	if (by_user && sessmem_registry_tells_apart(false, true))
		return false;
	/* then other users do not matter, and there may be many */
	match_text(&key[0], Anum_session_session_id, who->session);
	match_text(&key[1], Anum_session_user_id, who->user);
	scan = systable_beginscan(rel, sessmem_registry_table("session_identity"), true, NULL,
							  by_user ? 2 : 1, key);
	while (!taken && HeapTupleIsValid(tup = systable_getnext(scan)))
	{
		bool		same_user = has_claim(tup, Anum_session_user_id, RelationGetDescr(rel), who->user);
		bool		same_tenant = has_claim(tup, Anum_session_tenant_id, RelationGetDescr(rel), who->tenant);

		if (!same_user || !same_tenant)
			taken = !sessmem_registry_tells_apart(!same_user, !same_tenant);
	}
	systable_endscan(scan);
	return taken;
}

/* A timestamp column; missing if it is null. */
static TimestampTz
time_attribute(HeapTuple tup, AttrNumber attnum, TupleDesc desc, TimestampTz missing)
{
	bool		isnull;
	Datum		value = heap_getattr(tup, attnum, desc, &isnull);

	return isnull ? missing : DatumGetTimestampTz(value);
}

/* An interval column as the microseconds that it takes from a time on; 0 if it is null. */
static int64
span_attribute(HeapTuple tup, AttrNumber attnum, TupleDesc desc, TimestampTz from)
{
	bool		isnull;
	Datum		value = heap_getattr(tup, attnum, desc, &isnull);

	if (isnull || TIMESTAMP_NOT_FINITE(from))
		return 0;
	return DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval,
												   TimestampTzGetDatum(from), value)) - from;
}

/* Reads what the registry has about a session; returns its row, or NULL. */
static HeapTuple
ask(Relation rel, const SessmemClaims *claims, SessmemStanding *standing)
{
	TupleDesc	desc = RelationGetDescr(rel);
	HeapTuple	tup;

	sessions_relid = sessmem_registry_table("sessions");
	/* opening the table took in what was announced so far */
	standing->asked = generation;
	standing->asked_at = sessmem_context_now();
	tup = find_session(rel, &claims->who);
	standing->recorded = HeapTupleIsValid(tup);
	if (!standing->recorded)
	{
		standing->refused = claims->own || is_taken(rel, &claims->who);
		standing->ended = false;
		standing->idle = 0;
		standing->lifetime = 0;
		standing->expires = DT_NOEND;
		return NULL;
	}
	standing->refused = false;
	standing->ended = time_attribute(tup, Anum_session_ended_at, desc, DT_NOEND) != DT_NOEND;
	standing->last_used = time_attribute(tup, Anum_session_last_used_at, desc, DT_NOBEGIN);
	standing->expires = time_attribute(tup, Anum_session_expires_at, desc, DT_NOEND);
	standing->idle = span_attribute(tup, Anum_session_idle_timeout, desc, standing->last_used);
	standing->lifetime = span_attribute(tup, Anum_session_lifetime, desc, standing->last_used);
	return tup;
}

/* Whether another issuer's token names the session: not ours, nor assume(). */
static bool
is_foreign(const SessmemClaims *claims)
{
	return !claims->own && claims->kid != NULL;
}

/* Whether it is past its expiry, or was not used for too long. */
static bool
has_expired(const SessmemClaims *claims, const SessmemStanding *standing, TimestampTz now)
{
	/* how long another issuer's token is good is in the token */
	if (!is_foreign(claims) && standing->expires <= now)
		return true;
	return standing->idle > 0 &&
		Max(standing->last_used, standing->seen) + standing->idle <= now;
}

/*
 * Whether a token was revoked after it was issued.  as_of is the generation of
 * the revocations that the answer is about.  A token that does not say when it
 * was issued counts as issued before any revocation.
 */
bool
sessmem_session_revoked(const SessmemClaims *claims, uint64 *as_of)
{
	Relation	rel;
	TimestampTz issued = claims->issued;
	bool		revoked = false;

	if (is_foreign(claims) && issued != DT_NOBEGIN)
		issued -= SESSMEM_CLOCK_SKEW;
	revocation_relid = sessmem_registry_table("revocation");
	rel = table_open(revocation_relid, AccessShareLock);
	*as_of = revocations;
	for (Level level = LEVEL_SESSION; level <= LEVEL_TENANT && !revoked; level++)
	{
		bytea	   *subject;
		ScanKeyData key;
		SysScanDesc scan;
		HeapTuple	tup;

		/* usually there are none */
		if (RelationGetNumberOfBlocks(rel) == 0)
			break;
		subject = subject_of(&claims->who, level);
		if (subject == NULL)
			continue;
		ScanKeyInit(&key, Anum_revocation_subject, BTEqualStrategyNumber, F_BYTEAEQ,
					PointerGetDatum(subject));
		scan = systable_beginscan(rel, sessmem_compat_primary_key(rel), true, NULL, 1, &key);
		tup = systable_getnext(scan);
		revoked = HeapTupleIsValid(tup) &&
			issued <= time_attribute(tup, Anum_revocation_revoked_at, RelationGetDescr(rel), DT_NOEND);
		systable_endscan(scan);
	}
	table_close(rel, AccessShareLock);
	return revoked;
}

/*
 * The state of a session whose token is good.  Asks the registry if something was
 * announced up to the generations given, or if it seems to have expired: another
 * connection may have used or renewed it.
 */
SessmemStatus
sessmem_session_status(const SessmemClaims *claims, SessmemStanding *standing,
					   uint64 as_of, uint64 revocations_as_of)
{
	TimestampTz now = sessmem_context_now();

	if (standing->asked < as_of ||
		(has_expired(claims, standing, now) && standing->asked_at != now))
	{
		Relation	rel = table_open(sessmem_registry_table("session"), AccessShareLock);

		(void) ask(rel, claims, standing);
		table_close(rel, AccessShareLock);
	}
	if (standing->cleared < revocations_as_of && !standing->revoked)
		standing->revoked = sessmem_session_revoked(claims, &standing->cleared);

	if (standing->revoked || standing->refused)
		return SESSMEM_REVOKED;
	if (has_expired(claims, standing, now))
		return SESSMEM_EXPIRED;
	standing->seen = now;
	return standing->ended || sessmem_session_closing() ? SESSMEM_ENDED : SESSMEM_BOUND;
}

/* Raises the 28000 of a session that somebody else has. */
pg_noreturn static void refuse_owner(void);

static void
refuse_owner(void)
{
	ereport(ERROR,
			errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
			errmsg("session refused"),
			errdetail("A session of this id belongs to another user or tenant."),
			errdetail_log("Violation: a token, or a call of open_session() or assume(), names the session id of another user or tenant."),
			errhint("Let the issuer choose session ids that nobody can guess, or protect every table by user and tenant, too."));
	pg_unreachable();
}

/* Raises 28000 for ids that do not fit into an index, and could never be recorded. */
static void
check_length(const SessmemIdentity *who)
{
	size_t		len = 0;

	for (int i = 0; i < SESSMEM_NKEYS; i++)
	{
		const char *claim = sessmem_claims_get(who, i);

		len += claim ? strlen(claim) : 0;
	}
	if (len > MAX_IDS_LEN)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				errmsg("session refused"),
				errdetail("Its ids have more than %d bytes.", MAX_IDS_LEN),
				errhint("Use shorter ids."));
}

/*
 * Lets a session in, whose token is good and not revoked.  Raises 28000 if it is
 * not in the registry and should be, belongs to somebody else, or has expired.
 */
void
sessmem_session_admit(const SessmemClaims *claims, SessmemStanding *standing)
{
	check_length(&claims->who);
	memset(standing, 0, sizeof(*standing));
	standing->cleared = claims->cleared;
	switch (sessmem_session_status(claims, standing, generation, revocations))
	{
		case SESSMEM_BOUND:
		case SESSMEM_ENDED:
			return;
		case SESSMEM_EXPIRED:
			ereport(ERROR,
					errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
					errmsg("session refused"),
					errdetail("The session has expired."),
					errhint("Let the issuer open it again with sessmem.open_session()."));
			break;
		default:
			if (!claims->own)
				refuse_owner();
			ereport(ERROR,
					errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
					errmsg("session refused"),
					errdetail("The session is not in the registry: it was never committed, or has been forgotten or swept."),
					errhint("Let the issuer open it again with sessmem.open_session()."));
	}
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

static bool
has_requests(void)
{
	return requested(&close_request) || requested(&renew_request);
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
	TimestampTz ended = time_attribute(tup, Anum_session_ended_at, desc, DT_NOEND);
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
		CacheInvalidateRelcacheByRelid(sessions_relid);
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
		ereport(ERROR,
				errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("cannot commit the transaction of the session"),
				errdetail_internal("%s", detail),
				errhint("Get a new token from the issuer and repeat the transaction."));
}

/*
 * The end of a transaction that used a session: makes sure that what it wrote may
 * be committed, and notes the use.  Raises 42501 if it wrote or asked for something,
 * and the session has been revoked or forgotten since, or turns out to be somebody
 * else's.
 */
void
sessmem_session_commit(const SessmemClaims *claims, SessmemStanding *standing, bool wrote)
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
	if (!lock_name(&claims->who, LEVEL_TENANT, ShareLock, false) ||
		!lock_name(&claims->who, LEVEL_USER, ShareLock, false) ||
		!lock_name(&claims->who, LEVEL_SESSION, ShareLock, false))
	{
		refuse_commit(wrote || has_requests(), "The session is being forgotten or swept.");
		return;
	}
	AcceptInvalidationMessages();
	if (!due && standing->asked == generation && standing->cleared == revocations)
		return;

	PushActiveSnapshot(GetTransactionSnapshot());
	/* protect() waits for whoever may add a session */
	rel = table_open(sessmem_registry_table("session"), may_note ? RowExclusiveLock : AccessShareLock);
	tup = ask(rel, claims, standing);
	if (tup == NULL && due)
	{
		(void) lock_name(&claims->who, LEVEL_ID, ExclusiveLock, true);
		tup = ask(rel, claims, standing);
	}
	else if (tup != NULL && due)
	{
		due = lock_row(rel, tup);
		/* it may have waited */
		AcceptInvalidationMessages();
		tup = ask(rel, claims, standing);
	}
	status = sessmem_session_status(claims, standing, 0, revocations);
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

static Level
level_argument(FunctionCallInfo fcinfo, int arg)
{
	const char *name = PG_ARGISNULL(arg) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(arg));

	if (strcmp(name, "session") == 0)
		return LEVEL_SESSION;
	if (strcmp(name, "user") == 0)
		return LEVEL_USER;
	if (strcmp(name, "tenant") == 0)
		return LEVEL_TENANT;
	if (strcmp(name, "id") == 0)
		return LEVEL_ID;
	ereport(ERROR,
			errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("level must be session, user, tenant or id"));
}

/*
 * subject(session_id text, user_id text, tenant_id text, level text) RETURNS bytea
 *
 * What sessmem.revocation has for a session, a user or a tenant.
 */
Datum
sessmem_subject(PG_FUNCTION_ARGS)
{
	SessmemIdentity who = sessmem_claims_arguments(fcinfo, 0);
	bytea	   *subject = subject_of(&who, level_argument(fcinfo, 3));

	if (subject == NULL)
		PG_RETURN_NULL();
	PG_RETURN_BYTEA_P(subject);
}

/*
 * hold(session_id text, user_id text, tenant_id text, level text, exclusive boolean,
 * wait boolean) RETURNS boolean
 *
 * Locks a name until the end of the transaction; false if it would have to wait.
 */
Datum
sessmem_hold(PG_FUNCTION_ARGS)
{
	SessmemIdentity who = sessmem_claims_arguments(fcinfo, 0);

	PG_RETURN_BOOL(lock_name(&who, level_argument(fcinfo, 3),
							 PG_GETARG_BOOL(4) ? ExclusiveLock : ShareLock, PG_GETARG_BOOL(5)));
}

/*
 * check_owner(session_id text, user_id text, tenant_id text) RETURNS void
 *
 * 28000 if somebody else has a session of that id, and a protected table would
 * take the two for one.
 */
Datum
sessmem_check_owner(PG_FUNCTION_ARGS)
{
	SessmemIdentity who = sessmem_claims_arguments(fcinfo, 0);
	/* kept until the session is there: protect() waits for it */
	Relation	rel = table_open(sessmem_registry_table("session"), RowExclusiveLock);

	if (who.session == NULL)
		elog(ERROR, "session_id must not be null");
	check_length(&who);
	if (is_taken(rel, &who))
		refuse_owner();
	table_close(rel, NoLock);
	PG_RETURN_VOID();
}

/*
 * await_openers() RETURNS void
 *
 * Waits for all transactions that may have added a session without knowing of a
 * table that the caller has just entered into the registry of protected tables.
 */
Datum
sessmem_await_openers(PG_FUNCTION_ARGS)
{
	LOCKTAG		tag;

	SET_LOCKTAG_RELATION(tag, MyDatabaseId, sessmem_registry_table("session"));
	WaitForLockers(tag, ShareLock, false);
	PG_RETURN_VOID();
}

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
		sessmem_context_required("cannot close a session");
	if (sessmem_context_ended())
		PG_RETURN_BOOL(false);
	note(&close_request, sessmem_context_now());
	PG_RETURN_BOOL(true);
}
