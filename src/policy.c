/*
 * policy.c
 *		What protect() must not do in SQL as the owner of the extension.
 *
 * protect(), unprotect() and the event triggers run with the privileges of the
 * extension's owner, usually a superuser, on tables of other people.  Planning a
 * query over such a table, proving NOT NULL from its CHECK constraints, or just
 * building its partition key evaluates expressions that the table's owner wrote.
 * So every command that opens the table runs as the table's owner, in a
 * security-restricted operation, as VACUUM and CREATE INDEX do it; and rows
 * are counted and searched by a plain scan that evaluates nothing.  Erasing rows
 * goes the same way, with the session in force that they belong to.
 *
 * Such a command also reaches the table's partitions and children.  If they had
 * another owner, it would run his expressions as somebody else; so a tree of
 * several owners is refused.
 *
 * CREATE INDEX changes to each owner by itself.
 */
#include "sessmem.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/uuid.h"

PG_FUNCTION_INFO_V1(sessmem_as_owner);
PG_FUNCTION_INFO_V1(sessmem_deriving);
PG_FUNCTION_INFO_V1(sessmem_fire_pending);
PG_FUNCTION_INFO_V1(sessmem_as_session);
PG_FUNCTION_INFO_V1(sessmem_count_without_key);
PG_FUNCTION_INFO_V1(sessmem_has_rows);
PG_FUNCTION_INFO_V1(sessmem_keys_of);

/* The relations that as_owner() is working on. */
static List *deriving = NIL;

/* The owner of a relation. */
Oid
sessmem_policy_owner(Oid relid)
{
	HeapTuple	tup = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			owner;

	if (!HeapTupleIsValid(tup))
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_TABLE),
				errmsg("relation with OID %u does not exist", relid));
	owner = ((Form_pg_class) GETSTRUCT(tup))->relowner;
	ReleaseSysCache(tup);
	return owner;
}

/*
 * Executes a command as a relation's owner, with the search_path given, if any,
 * and returns how many rows it processed.  42501 if a partition or child has another owner.  An error leaves
 * the identity to the (sub)transaction's abort, which restores it.
 */
static uint64
run_as_owner(Oid relid, const char *command, const char *search_path)
{
	Oid			owner = sessmem_policy_owner(relid);
	List	   *members = find_all_inheritors(relid, NoLock, NULL);
	ListCell   *lc;
	Oid			save_user;
	int			save_sec_context;
	int			nest;
	uint64		processed;

	foreach(lc, members)
	{
		if (sessmem_policy_owner(lfirst_oid(lc)) != owner)
			ereport(ERROR,
					errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					errmsg("table \"%s\" and its part \"%s\" have different owners",
						   get_rel_name(relid), get_rel_name(lfirst_oid(lc))),
					errdetail("What the owner of one wrote into it would run as the owner of the other."),
					errhint("Give them one owner with ALTER TABLE ... OWNER TO."));
	}

	GetUserIdAndSecContext(&save_user, &save_sec_context);
	SetUserIdAndSecContext(owner, save_sec_context | SECURITY_RESTRICTED_OPERATION);
	/* what the owner's expressions set goes with them */
	nest = NewGUCNestLevel();
	/* his triggers expect the names that he wrote to be found */
	if (search_path != NULL)
		(void) set_config_option("search_path", search_path, PGC_USERSET,
								 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	/* workers do not know of an impersonated session, and none must know the caller's */
	(void) set_config_option("max_parallel_workers_per_gather", "0", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);

	(void) set_config_option("sessmem.context", "", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);

	SPI_connect();
	if (SPI_execute(command, false, 0) < 0)
		elog(ERROR, "could not execute \"%s\"", command);
	processed = SPI_processed;
	SPI_finish();

	AtEOXact_GUC(false, nest);
	SetUserIdAndSecContext(save_user, save_sec_context);
	return processed;
}

/*
 * fire_pending() RETURNS void
 *
 * Fires the triggers that the transaction has deferred, as whom they would run when
 * it commits: not as the owner of the extension, whose function calls this.
 */
Datum
sessmem_fire_pending(PG_FUNCTION_ARGS)
{
	Oid			save_user;
	int			save_sec_context;

	GetUserIdAndSecContext(&save_user, &save_sec_context);
	SetUserIdAndSecContext(GetOuterUserId(), save_sec_context | SECURITY_LOCAL_USERID_CHANGE);
	SPI_connect();
	if (SPI_execute("SET CONSTRAINTS ALL IMMEDIATE", false, 0) < 0)
		elog(ERROR, "could not fire deferred triggers");
	SPI_finish();
	SetUserIdAndSecContext(save_user, save_sec_context);
	PG_RETURN_VOID();
}

/*
 * as_owner(relation regclass, command text) RETURNS void
 *
 * Executes a command as the relation's owner; 42501 if a partition or child has
 * another one.
 */
Datum
sessmem_as_owner(PG_FUNCTION_ARGS)
{
	List	   *outer = deriving;

	deriving = find_all_inheritors(PG_GETARG_OID(0), NoLock, NULL);
	PG_TRY();
	{
		(void) run_as_owner(PG_GETARG_OID(0), text_to_cstring(PG_GETARG_TEXT_PP(1)), NULL);
	}
	PG_FINALLY();
	{
		deriving = outer;
	}
	PG_END_TRY();
	PG_RETURN_VOID();
}

/*
 * Whether a command of as_owner() is under way on this table, which is therefore
 * in between two states.
 */
bool
sessmem_policy_deriving(Oid relid)
{
	return list_member_oid(deriving, relid);
}

/* deriving(relation regclass) RETURNS boolean */
Datum
sessmem_deriving(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(sessmem_policy_deriving(PG_GETARG_OID(0)));
}

/*
 * as_session(relation regclass, command text, session_id text, user_id text,
 * tenant_id text) RETURNS bigint
 *
 * The same with a session in force, whatever its state; returns how many rows
 * were processed.  So whoever erases rows reaches that session's and no others:
 * policies and guard see to it, as ever.
 */
Datum
sessmem_as_session(PG_FUNCTION_ARGS)
{
	SessmemIdentity who = sessmem_claims_arguments(fcinfo, 2);
	volatile uint64 processed = 0;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		elog(ERROR, "relation and command must not be null");

	sessmem_context_impersonate(&who);
	PG_TRY();
	{
		processed = run_as_owner(PG_GETARG_OID(0), text_to_cstring(PG_GETARG_TEXT_PP(1)),
								 GetConfigOptionResetString("search_path"));
	}
	PG_FINALLY();
	{
		sessmem_context_impersonate(NULL);
	}
	PG_END_TRY();
	PG_RETURN_INT64((int64) processed);
}

static bool
lacks_key(TupleTableSlot *slot, const Datum *attnums, int n)
{
	for (int i = 0; i < n; i++)
	{
		AttrNumber	attnum = DatumGetInt16(attnums[i]);
		bool		isnull;
		Datum		value;
		Oid			type;

		if (attnum <= 0)
			continue;
		value = slot_getattr(slot, attnum, &isnull);
		if (isnull)
			return true;
		type = TupleDescAttr(slot->tts_tupleDescriptor, attnum - 1)->atttypid;
		if ((type == TEXTOID || type == VARCHAROID) &&
			VARSIZE_ANY_EXHDR(DatumGetTextPP(value)) == 0)
			return true;
	}
	return false;
}

/*
 * Scans one table, without its children and whatever row security says.  visit()
 * gets every row until it returns false, and must not evaluate what the table's
 * owner wrote.
 */
static void
scan_table(Relation rel, bool (*visit) (TupleTableSlot *slot, void *arg), void *arg)
{
	TupleTableSlot *slot;
	TableScanDesc scan;

	if (!RELKIND_HAS_TABLE_AM(rel->rd_rel->relkind))
		return;
	slot = table_slot_create(rel, NULL);
	scan = table_beginscan(rel, GetActiveSnapshot(), 0, NULL);
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		if (!visit(slot, arg))
			break;
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
}

/* The elements of an int2[]. */
static Datum *
numbers(ArrayType *array, int *n)
{
	Datum	   *elements;

	deconstruct_array(array, INT2OID, sizeof(int16), true, TYPALIGN_SHORT, &elements, NULL, n);
	return elements;
}

typedef struct Count
{
	Datum	   *attnums;
	int			n;
	int64		rows;
} Count;

static bool
count_row(TupleTableSlot *slot, void *arg)
{
	Count	   *count = arg;

	if (lacks_key(slot, count->attnums, count->n))
		count->rows++;
	return true;
}

/*
 * count_without_key(relation regclass, attnums int2[]) RETURNS bigint
 *
 * How many rows of one table, without its children, have a null or empty value
 * in one of these columns; whatever row security says.
 */
Datum
sessmem_count_without_key(PG_FUNCTION_ARGS)
{
	Relation	rel = table_open(PG_GETARG_OID(0), AccessShareLock);
	Count		count = {0};

	count.attnums = numbers(PG_GETARG_ARRAYTYPE_P(1), &count.n);
	scan_table(rel, count_row, &count);
	table_close(rel, AccessShareLock);
	PG_RETURN_INT64(count.rows);
}

static bool
note_row(TupleTableSlot *slot, void *arg)
{
	*(bool *) arg = true;
	return false;
}

/* has_rows(relation regclass) RETURNS boolean: whether one table, without its children, has any. */
Datum
sessmem_has_rows(PG_FUNCTION_ARGS)
{
	Relation	rel = table_open(PG_GETARG_OID(0), AccessShareLock);
	bool		any = false;

	scan_table(rel, note_row, &any);
	table_close(rel, AccessShareLock);
	PG_RETURN_BOOL(any);
}

typedef struct Search
{
	AttrNumber	attnum[SESSMEM_NKEYS];	/* 0: not mapped */
	Oid			type[SESSMEM_NKEYS];
	bool		wanted[SESSMEM_NKEYS];
	Datum		value[SESSMEM_NKEYS];
	ReturnSetInfo *result;
	MemoryContext cxt;			/* for one row */
} Search;

static bool
search_row(TupleTableSlot *slot, void *arg)
{
	Search	   *search = arg;
	MemoryContext oldcxt = MemoryContextSwitchTo(search->cxt);
	Datum		values[SESSMEM_NKEYS] = {0};
	bool		nulls[SESSMEM_NKEYS];
	bool		match = true;

	for (int i = 0; i < SESSMEM_NKEYS && match; i++)
	{
		bool		isnull = true;
		Datum		value = search->attnum[i] == 0 ? (Datum) 0 :
			slot_getattr(slot, search->attnum[i], &isnull);

		nulls[i] = isnull;
		if (search->wanted[i])
			match = !isnull && sessmem_claims_match(search->type[i], value, search->value[i]);
		if (match && !isnull)
			values[i] = search->type[i] == UUIDOID ?
				CStringGetTextDatum(DatumGetCString(DirectFunctionCall1(uuid_out, value))) :
				search->type[i] == INT8OID ?
				CStringGetTextDatum(DatumGetCString(DirectFunctionCall1(int8out, value))) : value;
	}
	if (match)
		tuplestore_putvalues(search->result->setResult, search->result->setDesc, values, nulls);
	MemoryContextSwitchTo(oldcxt);
	MemoryContextReset(search->cxt);
	return true;
}

/*
 * keys_of(relation regclass, attnums int2[], user_id text, tenant_id text)
 * RETURNS TABLE (session_id text, user_id text, tenant_id text)
 *
 * The keys of all rows of one table, without its children, that belong to a user
 * and tenant, if given; whatever row security says.  attnums are those of the
 * session, user and tenant column, 0 for one that is not mapped.
 */
Datum
sessmem_keys_of(PG_FUNCTION_ARGS)
{
	Relation	rel;
	Search		search = {0};
	Datum	   *attnums;
	int			n;
	bool		possible = true;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		elog(ERROR, "relation and attnums must not be null");
	rel = table_open(PG_GETARG_OID(0), AccessShareLock);
	InitMaterializedSRF(fcinfo, 0);
	search.result = (ReturnSetInfo *) fcinfo->resultinfo;
	search.cxt = AllocSetContextCreate(CurrentMemoryContext, "sessmem row", ALLOCSET_SMALL_SIZES);
	attnums = numbers(PG_GETARG_ARRAYTYPE_P(1), &n);
	for (int i = 0; i < SESSMEM_NKEYS && i < n; i++)
	{
		search.attnum[i] = DatumGetInt16(attnums[i]);
		if (search.attnum[i] == 0)
			continue;
		search.type[i] = TupleDescAttr(RelationGetDescr(rel), search.attnum[i] - 1)->atttypid;
		search.wanted[i] = i > 0 && !PG_ARGISNULL(i + 1);
		/* an id that has no value of this type has no rows */
		if (search.wanted[i] &&
			!sessmem_claims_key(text_to_cstring(PG_GETARG_TEXT_PP(i + 1)), search.type[i], &search.value[i]))
			possible = false;
	}
	if (possible)
		scan_table(rel, search_row, &search);
	MemoryContextDelete(search.cxt);
	table_close(rel, AccessShareLock);
	return (Datum) 0;
}
