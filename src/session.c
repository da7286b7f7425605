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
 * A session that is not recorded is looked up at every statement: if its id turns
 * out to be somebody else's, who has recorded it meanwhile, then whoever sees his
 * rows sees that, too.
 *
 * This file reads; what a bound session has to write is commit.c's.  The names that
 * it locks for others are held until their transaction ends.
 */
#include "session.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_collation.h"
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
#include "utils/timestamp.h"

/* Columns of sessmem.revocation */
enum
{
	Anum_revocation_subject = 1,
	Anum_revocation_revoked_at
};

/* A third of a page, less what else is in the entry of an index. */
#define MAX_IDS_LEN 2600

static uint64 generation = 1;	/* moves with every announced change */
static uint64 revocations = 1;	/* with every revocation */

/* What announces them: the view, which backends do not have open, and the table. */
static Oid	sessions_relid = InvalidOid;
static Oid	revocation_relid = InvalidOid;

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

void
sessmem_session_init(void)
{
	CacheRegisterRelcacheCallback(invalidate_registry, (Datum) 0);
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
name_of(const SessmemIdentity *who, SessmemLevel level)
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
subject_of(const SessmemIdentity *who, SessmemLevel level)
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
bool
sessmem_session_lock(const SessmemIdentity *who, SessmemLevel level, LOCKMODE mode, bool wait)
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
HeapTuple
sessmem_session_ask(Relation rel, const SessmemClaims *claims, SessmemStanding *standing)
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
	for (SessmemLevel level = LEVEL_SESSION; level <= LEVEL_TENANT && !revoked; level++)
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

		(void) sessmem_session_ask(rel, claims, standing);
		table_close(rel, AccessShareLock);
	}
	if (standing->cleared < revocations_as_of && !standing->revoked)
		standing->revoked = sessmem_session_revoked(claims, &standing->cleared);

	if (standing->revoked || standing->refused)
		return SESSMEM_REVOKED;
	if (has_expired(claims, standing, now))
		return SESSMEM_EXPIRED;
	standing->seen = now;
	return standing->ended || sessmem_commit_closing() ? SESSMEM_ENDED : SESSMEM_BOUND;
}

/* Raises the 28000 of a session that somebody else has. */
pg_noreturn static void refuse_owner(void);

static void
refuse_owner(void)
{
	sessmem_refuse_credential(SESSMEM_FOREIGN_TOKEN, "session refused",
							  "A session of this id belongs to another user or tenant.",
							  "Let the issuer choose session ids that nobody can guess, or protect every table by user and tenant, too.");
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
			sessmem_refuse_credential(SESSMEM_EXPIRED_TOKEN, "session refused",
									  "The session has expired.",
									  "Let the issuer open it again with sessmem.open_session().");
			break;
		default:
			if (!claims->own)
				refuse_owner();
			sessmem_refuse_credential(SESSMEM_REVOKED_TOKEN, "session refused",
									  "The session is not in the registry: it was never committed, or has been forgotten or swept.",
									  "Let the issuer open it again with sessmem.open_session().");
	}
}

/* ---------- SQL ---------- */

static SessmemLevel
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

	PG_RETURN_BOOL(sessmem_session_lock(&who, level_argument(fcinfo, 3),
										PG_GETARG_BOOL(4) ? ExclusiveLock : ShareLock,
										PG_GETARG_BOOL(5)));
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
