/*
 * recall.c
 *		Retrieval: the newest rows of the session in force.
 *
 * recall() holds alone: it compares the key columns itself, so it returns
 * nothing without a session, whoever calls it, and nothing foreign to a role
 * that row security does not apply to.  Row security applies on top, and so do
 * the caller's privileges.  The comparison is spelled as in the policies, so
 * that the planner sees one condition where both apply, not two to reconcile.
 *
 * Called with a token it puts the token's session in force for its own query
 * only: one round trip for clients in autocommit.
 *
 * The plan of each (table, order) is kept for the life of the backend and thrown
 * away when the table or the registry changes.
 */
#include "sessmem.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tstoreReceiver.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "tcop/dest.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

typedef struct RecallKey
{
	Oid			relid;
	NameData	order_by;		/* zero-padded; empty for the default */
} RecallKey;

typedef struct RecallPlan
{
	RecallKey	key;
	bool		valid;
	int			busy;			/* calls that are running the plan */
	SPIPlanPtr	plan;			/* $1: n */
} RecallPlan;

static HTAB *plans = NULL;
static Oid	registry_relid = InvalidOid;

PG_FUNCTION_INFO_V1(sessmem_recall);

/* ---------- the kept plans ---------- */

static void
invalidate_plans(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS status;
	RecallPlan *entry;

	if (plans == NULL)
		return;
	hash_seq_init(&status, plans);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		if (relid == InvalidOid || relid == registry_relid || relid == entry->key.relid)
			entry->valid = false;
	}
}

/* The queries name schemas, and a schema can be renamed. */
static void
invalidate_all_plans(Datum arg, int cacheid, uint32 hashvalue)
{
	invalidate_plans(arg, InvalidOid);
}

void
sessmem_recall_init(void)
{
	CacheRegisterRelcacheCallback(invalidate_plans, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, invalidate_all_plans, (Datum) 0);
}

/*
 * The column that says what is newest: the one given, or the one column of the
 * primary key that is an integer and not part of the session key.
 */
static AttrNumber
order_column(Relation rel, const SessmemTable *table, const char *order_by)
{
	TupleDesc	desc = RelationGetDescr(rel);
	Bitmapset  *pk;
	AttrNumber	found = InvalidAttrNumber;
	int			i = -1;

	if (order_by[0] != '\0')
	{
		found = get_attnum(RelationGetRelid(rel), order_by);
		if (found <= 0)
			ereport(ERROR,
					errcode(ERRCODE_UNDEFINED_COLUMN),
					errmsg("column \"%s\" of relation \"%s\" does not exist",
						   order_by, RelationGetRelationName(rel)),
					errhint("Pass the name of the column that orders rows by age as order_by."));
		return found;
	}

	pk = RelationGetIndexAttrBitmap(rel, INDEX_ATTR_BITMAP_PRIMARY_KEY);
	while ((i = bms_next_member(pk, i)) >= 0)
	{
		AttrNumber	attnum = i + FirstLowInvalidHeapAttributeNumber;
		Form_pg_attribute att = TupleDescAttr(desc, attnum - 1);
		bool		mapped = false;

		for (int k = 0; k < SESSMEM_NKEYS; k++)
			mapped |= table->attnum[k] == attnum;
		if (mapped)
			continue;
		if (found != InvalidAttrNumber ||
			(att->atttypid != INT2OID && att->atttypid != INT4OID && att->atttypid != INT8OID))
		{
			found = InvalidAttrNumber;
			break;
		}
		found = attnum;
	}
	if (found == InvalidAttrNumber)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("cannot tell which rows of \"%s\" are the newest",
					   RelationGetRelationName(rel)),
				errdetail("Its primary key has no single integer column besides the session key."),
				errhint("Pass the name of the column that orders rows by age, such as order_by => 'created_at'."));
	return found;
}

static void
make_plan(RecallPlan *entry)
{
	Oid			relid = entry->key.relid;
	Relation	rel = table_open(relid, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(rel);
	static const char *const getter[] = {"session_id", "user_id", "tenant_id"};
	SessmemTable *table = sessmem_registry_find(relid);
	AttrNumber	order;
	StringInfoData sql;
	Oid			argtypes[] = {INT8OID};
	int			nkeys = 0;
	SPIPlanPtr	plan;
	bool		notnull;

	if (table == NULL)
		ereport(ERROR,
				errcode(ERRCODE_WRONG_OBJECT_TYPE),
				errmsg("\"%s\" is not a protected table", RelationGetRelationName(rel)),
				errhint("An administrator protects it with SELECT sessmem.protect('%s').",
						quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
												   RelationGetRelationName(rel))));
	registry_relid = sessmem_registry_relid();

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT * FROM %s AS m WHERE ",
					 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
												RelationGetRelationName(rel)));
	for (int i = 0; i < SESSMEM_NKEYS; i++)
	{
		Form_pg_attribute att;

		if (table->attnum[i] == 0)
			continue;
		att = TupleDescAttr(desc, table->attnum[i] - 1);
		if (att->attisdropped)
			ereport(ERROR,
					errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("a key column of protected table \"%s\" does not exist",
						   RelationGetRelationName(rel)),
					errhint("Call sessmem.unprotect() on the table, and protect() it by another column."));
		appendStringInfo(&sql, "%sm.%s OPERATOR(pg_catalog.=) " SESSMEM_SCHEMA ".%s(%s)",
						 nkeys > 0 ? " AND " : "",
						 quote_identifier(NameStr(att->attname)), getter[i],
						 att->atttypid == TEXTOID || att->atttypid == VARCHAROID ? "" :
						 psprintf("NULL::%s", format_type_be_qualified(att->atttypid)));
		nkeys++;
	}

	order = order_column(rel, table, NameStr(entry->key.order_by));
	notnull = TupleDescAttr(desc, order - 1)->attnotnull;
	/* NULLS LAST would keep the planner from reading an index backwards */
	appendStringInfo(&sql, " ORDER BY m.%s DESC%s LIMIT $1",
					 quote_identifier(NameStr(TupleDescAttr(desc, order - 1)->attname)),
					 notnull ? "" : " NULLS LAST");

	plan = SPI_prepare(sql.data, lengthof(argtypes), argtypes);
	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "could not prepare a plan: %s", SPI_result_code_string(SPI_result));
	entry->plan = plan;
	table_close(rel, NoLock);
}

/* The plan for a table and order; raises errors as make_plan() does. */
static RecallPlan *
get_plan(Oid relid, const char *order_by)
{
	RecallKey	key = {0};
	RecallPlan *entry;
	bool		found;

	if (plans == NULL)
	{
		HASHCTL		ctl = {.keysize = sizeof(RecallKey), .entrysize = sizeof(RecallPlan)};

		plans = hash_create("sessmem recall plans", 16, &ctl, HASH_ELEM | HASH_BLOBS);
	}

	/* takes in changes of the table, and keeps others from changing it now */
	LockRelationOid(relid, AccessShareLock);

	key.relid = relid;
	if (order_by)
		namestrcpy(&key.order_by, order_by);
	entry = hash_search(plans, &key, HASH_ENTER, &found);
	if (!found)
	{
		entry->valid = false;
		entry->busy = 0;
		entry->plan = NULL;
	}
	if (!entry->valid)
	{
		SPIPlanPtr	old = entry->plan;

		/* one that a function below the running query came back for is kept */
		entry->plan = NULL;
		if (old && entry->busy == 0)
			SPI_freeplan(old);
		/* a change that arrives while the plan is made must not be lost */
		entry->valid = true;
		PG_TRY();
		{
			make_plan(entry);
		}
		PG_CATCH();
		{
			entry->valid = false;
			PG_RE_THROW();
		}
		PG_END_TRY();
	}
	return entry;
}

/* ---------- the query ---------- */

static void
run(RecallPlan *entry, int64 n, ReturnSetInfo *rsinfo)
{
	ParamListInfo params = makeParamList(1);
	SPIExecuteOptions options = {0};
	DestReceiver *dest = CreateDestReceiver(DestTuplestore);

	params->params[0].value = Int64GetDatum(n);
	params->params[0].isnull = false;
	params->params[0].pflags = PARAM_FLAG_CONST;
	params->params[0].ptype = INT8OID;

	SetTuplestoreDestReceiverParams(dest, rsinfo->setResult,
									rsinfo->econtext->ecxt_per_query_memory, false,
									rsinfo->setDesc, "recall() found another row type than the table's");
	options.params = params;
	options.read_only = true;
	options.dest = dest;

	entry->busy++;
	PG_TRY();
	{
		if (SPI_execute_plan_extended(entry->plan, &options) != SPI_OK_SELECT)
			elog(ERROR, "recall() could not run its query");
	}
	PG_FINALLY();
	{
		entry->busy--;
	}
	PG_END_TRY();
}

/*
 * recall(relation anyelement, n integer, order_by name, token text)
 * RETURNS SETOF anyelement
 *
 * The newest n rows of the session in force, newest first; none without a
 * session.  42809: not a protected table's row type.  22023: n is negative, or
 * the order cannot be told.  22004: n is null.  42703: no such order_by.
 * 28000: the token is not good.  42501: no privilege, or another session.
 */
Datum
sessmem_recall(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 0);
	Oid			relid = get_typ_typrelid(type);
	int			nest = 0;
	int32		n;
	MemoryContext oldcxt;

	if (!OidIsValid(relid) || get_rel_relkind(relid) == RELKIND_COMPOSITE_TYPE)
		ereport(ERROR,
				errcode(ERRCODE_WRONG_OBJECT_TYPE),
				errmsg("recall() needs the row type of a protected table"),
				errhint("Write SELECT * FROM sessmem.recall(NULL::messages), with the name of your table."));
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("n must not be null"));
	n = PG_GETARG_INT32(1);
	if (n < 0)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("n must not be negative"));
	if (rsinfo == NULL || !IsA(rsinfo, ReturnSetInfo) ||
		(rsinfo->allowedModes & SFRM_Materialize) == 0)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("set-valued function called in context that cannot accept a set"));

	if (!PG_ARGISNULL(3))
	{
		nest = NewGUCNestLevel();
		(void) sessmem_context_enter(PG_GETARG_TEXT_PP(3), SESSMEM_STATEMENT, false);
	}

	oldcxt = MemoryContextSwitchTo(rsinfo->econtext->ecxt_per_query_memory);
	rsinfo->returnMode = SFRM_Materialize;
	rsinfo->setDesc = lookup_rowtype_tupdesc_copy(type, -1);
	rsinfo->setResult = tuplestore_begin_heap((rsinfo->allowedModes & SFRM_Materialize_Random) != 0,
											  false, work_mem);
	MemoryContextSwitchTo(oldcxt);

	SPI_connect();
	{
		RecallPlan *entry = get_plan(relid, PG_ARGISNULL(2) ? NULL : NameStr(*PG_GETARG_NAME(2)));

		if (sessmem_context_current() != NULL)
			run(entry, n, rsinfo);
		else
		{
			SessmemEvent kind = SESSMEM_UNSCOPED_READ;
			const char *why = sessmem_context_why(&kind);

			sessmem_violations_unscoped(kind, relid, why);
		}
	}
	SPI_finish();

	if (nest != 0)
		AtEOXact_GUC(true, nest);
	return (Datum) 0;
}
