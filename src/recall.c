/*
 * recall.c
 *		Retrieval: the newest rows of the session in force, or the most similar.
 *
 * Both hold alone: they compare the key columns themselves, so they return
 * nothing without a session, whoever calls, and nothing foreign to a role
 * that row security does not apply to.  Row security applies on top, and so do
 * the caller's privileges.  The comparison is spelled as in the policies, so
 * that the planner sees one condition where both apply, not two to reconcile.
 *
 * Called with a token they put the token's session in force for their own query
 * only: one round trip for clients in autocommit.
 *
 * recall_similar() is exact.  An approximate index (HNSW, IVFFlat) looks for the
 * nearest rows of everybody, and the session's are what is left of them: often
 * none.  So the distance is spelled in a way that no such index can serve, and all
 * rows of the session are compared.  pgvector is needed to call it, not to build
 * or install this: its types and operators are looked up when there is a query.
 *
 * The plan of each (table, order) is kept for the life of the backend and thrown
 * away when the table or the registry changes.
 */
#include "sessmem.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
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

/* What recall_similar() calls a distance, and pgvector its operator. */
typedef struct Metric
{
	const char *name;
	char	   *operator;
} Metric;

static const Metric metrics[] = {
	{"cosine", "<=>"},
	{"l2", "<->"},
	{"inner_product", "<#>"},
	{"l1", "<+>"},
};

#define RRF_K "60"				/* the constant of reciprocal rank fusion, as published */

/* Names are zero-padded; empty for the default. */
typedef struct RecallKey
{
	Oid			relid;
	NameData	order_by;		/* recall() */
	const Metric *metric;		/* NULL: recall() */
	NameData	column;			/* the vectors */
	Oid			query_type;
	bool		hybrid;			/* by words, too */
	NameData	text_column;
} RecallKey;

typedef struct RecallPlan
{
	RecallKey	key;
	bool		valid;
	int			busy;			/* calls that are running the plan */
	SPIPlanPtr	plan;			/* $1: n; $2: query vector; $3: words */
} RecallPlan;

static HTAB *plans = NULL;
static Oid	registry_relid = InvalidOid;

PG_FUNCTION_INFO_V1(sessmem_recall);
PG_FUNCTION_INFO_V1(sessmem_recall_similar);

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

/* The queries name schemas, and a schema can be renamed; pgvector can move to another. */
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
	CacheRegisterSyscacheCallback(OPEROID, invalidate_all_plans, (Datum) 0);
}

/* The user column of that name; the hint is for when there is none. */
static Form_pg_attribute
find_column(Relation rel, const char *name, const char *hint)
{
	AttrNumber	attnum = get_attnum(RelationGetRelid(rel), name);

	if (attnum <= 0)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_COLUMN),
				errmsg("column \"%s\" of relation \"%s\" does not exist", name, RelationGetRelationName(rel)),
				errhint("%s", hint));
	return TupleDescAttr(RelationGetDescr(rel), attnum - 1);
}

static bool
is_key(const SessmemTable *table, AttrNumber attnum)
{
	for (int i = 0; i < SESSMEM_NKEYS; i++)
	{
		if (table->attnum[i] == attnum)
			return true;
	}
	return false;
}

/* m.NAME */
static const char *
quote_column(Form_pg_attribute att)
{
	return psprintf("m.%s", quote_identifier(NameStr(att->attname)));
}

/*
 * The column that says what is newest: the one given, or the one column of the
 * primary key that is an integer and not part of the session key.
 */
static Form_pg_attribute
order_column(Relation rel, const SessmemTable *table, const char *order_by)
{
	TupleDesc	desc = RelationGetDescr(rel);
	Bitmapset  *pk;
	Form_pg_attribute found = NULL;
	int			i = -1;

	if (order_by[0] != '\0')
		return find_column(rel, order_by, "Pass the name of the column that orders rows by age as order_by.");

	pk = RelationGetIndexAttrBitmap(rel, INDEX_ATTR_BITMAP_PRIMARY_KEY);
	while ((i = bms_next_member(pk, i)) >= 0)
	{
		AttrNumber	attnum = i + FirstLowInvalidHeapAttributeNumber;
		Form_pg_attribute att = TupleDescAttr(desc, attnum - 1);

		if (is_key(table, attnum))
			continue;
		if (found != NULL ||
			(att->atttypid != INT2OID && att->atttypid != INT4OID && att->atttypid != INT8OID))
		{
			found = NULL;
			break;
		}
		found = att;
	}
	if (found == NULL)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("cannot tell which rows of \"%s\" are the newest",
					   RelationGetRelationName(rel)),
				errdetail("Its primary key has no single integer column besides the session key."),
				errhint("Pass the name of the column that orders rows by age, such as order_by => 'created_at'."));
	return found;
}

/* "ORDER BY" of recall() */
static void
order_by_age(StringInfo sql, Relation rel, const SessmemTable *table, const RecallKey *key)
{
	Form_pg_attribute att = order_column(rel, table, NameStr(key->order_by));

	/* NULLS LAST would keep the planner from reading an index backwards */
	appendStringInfo(sql, " ORDER BY %s DESC%s", quote_column(att), att->attnotnull ? "" : " NULLS LAST");
}

/*
 * The distance of a column of vectors to the query, as SQL.  Raises what is
 * in the way of one.
 *
 * All names are taken from what belongs to the extension "vector", wherever it is: so no
 * operator that somebody put into a search_path, or into the extension's
 * schema, is ever called.  The query is a subselect, which is computed once.  What is
 * added at the end changes nothing but that no index on the distance matches.
 */
static const char *
distance(Relation rel, Form_pg_attribute att, const Metric *metric)
{
	Oid			extension = get_extension_oid("vector", true);
	int32		typmod = att->atttypmod;
	Oid			type = getBaseTypeAndTypmod(att->atttypid, &typmod);
	Oid			operator;
	HeapTuple	tup;
	const char *schema;

	if (!OidIsValid(extension))
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("cannot compare vectors without the extension \"vector\""),
				errdetail("pgvector is not installed in this database."),
				errhint("Install pgvector on the server, then call CREATE EXTENSION vector."));
	if (getExtensionOfObject(TypeRelationId, type) != extension)
		ereport(ERROR,
				errcode(ERRCODE_WRONG_OBJECT_TYPE),
				errmsg("column \"%s\" of relation \"%s\" does not contain vectors",
					   NameStr(att->attname), RelationGetRelationName(rel)),
				errdetail("Its type is %s.", format_type_be(att->atttypid)),
				errhint("Pass the name of a column of type vector, halfvec or sparsevec as \"column\"."));

	tup = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	if (!HeapTupleIsValid(tup))
		elog(ERROR, "cache lookup failed for type %u", type);
	schema = get_namespace_name(((Form_pg_type) GETSTRUCT(tup))->typnamespace);
	ReleaseSysCache(tup);

	operator = OpernameGetOprid(list_make2(makeString(pstrdup(schema)), makeString(metric->operator)), type, type);
	if (!OidIsValid(operator) || getExtensionOfObject(OperatorRelationId, operator) != extension)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("cannot compare values of type %s by metric \"%s\"", format_type_be(type), metric->name),
				errdetail("The version of pgvector that is installed has no such operator."),
				errhint("Update it, or use another metric."));

	return psprintf("(%s%s OPERATOR(%s.%s) (SELECT $2::%s) OPERATOR(pg_catalog.+) 0::pg_catalog.float8)",
					quote_column(att),
					type == att->atttypid ? "" : psprintf("::%s", format_type_be_qualified(type)),
					quote_identifier(schema), metric->operator,
					format_type_extended(type, typmod, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY));
}

/* The column of words: the one given, or the one of type tsvector. */
static Form_pg_attribute
words_column(Relation rel, const char *name)
{
	const char *hint = "Pass the name of a column of type tsvector as text_column.";
	TupleDesc	desc = RelationGetDescr(rel);
	Form_pg_attribute found = NULL;
	int			n = 0;

	if (name[0] != '\0')
	{
		found = find_column(rel, name, hint);
		if (getBaseType(found->atttypid) != TSVECTOROID)
			ereport(ERROR,
					errcode(ERRCODE_WRONG_OBJECT_TYPE),
					errmsg("column \"%s\" of relation \"%s\" cannot be searched for words",
						   name, RelationGetRelationName(rel)),
					errdetail("Its type is %s.", format_type_be(found->atttypid)),
					errhint("%s", hint));
		return found;
	}
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (att->attisdropped || getBaseType(att->atttypid) != TSVECTOROID)
			continue;
		found = att;
		n++;
	}
	if (n != 1)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("cannot tell which column of \"%s\" to search for words", RelationGetRelationName(rel)),
				errdetail("It has %d columns of type tsvector.", n),
				errhint("%s", hint));
	return found;
}

/* The share of one ranking in the fused score: none for a row that is not in it. */
static const char *
reciprocal_rank(const char *ranked, const char *order)
{
	return psprintf("coalesce(1 OPERATOR(pg_catalog./) (" RRF_K " OPERATOR(pg_catalog.+)"
					" CASE WHEN %s THEN pg_catalog.rank() OVER (ORDER BY %s) END)::pg_catalog.float8, 0)",
					ranked, order);
}

/*
 * The rest of "WHERE", and "ORDER BY", of recall_similar(): by distance, or by the
 * ranks that a row has by distance and by words among the rows of its session.
 * Equals go by primary key.
 */
static void
order_by_similarity(StringInfo sql, Relation rel, const SessmemTable *table, const RecallKey *key)
{
	Form_pg_attribute vectors = find_column(rel, NameStr(key->column),
											"Pass the name of the column that contains the vectors as \"column\".");
	const char *near = distance(rel, vectors, key->metric);
	const char *has_vector = psprintf("%s IS NOT NULL", quote_column(vectors));
	Bitmapset  *pk = RelationGetIndexAttrBitmap(rel, INDEX_ATTR_BITMAP_PRIMARY_KEY);
	int			i = -1;

	if (key->hybrid)
	{
		const char *words = quote_column(words_column(rel, NameStr(key->text_column)));
		const char *wanted = "(SELECT pg_catalog.websearch_to_tsquery($3))";
		const char *matches = psprintf("%s OPERATOR(pg_catalog.@@) %s", words, wanted);

		appendStringInfo(sql, " AND (%s OR %s) ORDER BY %s OPERATOR(pg_catalog.+) %s DESC, ", has_vector, matches,
						 reciprocal_rank(has_vector, near),
						 reciprocal_rank(matches,
										 psprintf("CASE WHEN %s THEN pg_catalog.ts_rank_cd(%s, %s) END DESC NULLS LAST",
												  matches, words, wanted)));
	}
	else
		appendStringInfo(sql, " AND %s ORDER BY ", has_vector);
	appendStringInfoString(sql, near);

	while ((i = bms_next_member(pk, i)) >= 0)
	{
		AttrNumber	attnum = i + FirstLowInvalidHeapAttributeNumber;

		if (!is_key(table, attnum))
			appendStringInfo(sql, ", %s", quote_column(TupleDescAttr(RelationGetDescr(rel), attnum - 1)));
	}
}

static void
make_plan(RecallPlan *entry)
{
	Oid			relid = entry->key.relid;
	Relation	rel = table_open(relid, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(rel);
	static const char *const getter[] = {"session_id", "user_id", "tenant_id"};
	SessmemTable *table = sessmem_registry_find(relid);
	StringInfoData sql;
	Oid			argtypes[] = {INT8OID, entry->key.query_type, TEXTOID};
	int			nkeys = 0;
	SPIPlanPtr	plan;

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

	if (entry->key.metric)
		order_by_similarity(&sql, rel, table, &entry->key);
	else
		order_by_age(&sql, rel, table, &entry->key);
	appendStringInfoString(&sql, " LIMIT $1");

	plan = SPI_prepare(sql.data, entry->key.metric == NULL ? 1 : entry->key.hybrid ? 3 : 2, argtypes);
	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "could not prepare a plan: %s", SPI_result_code_string(SPI_result));
	entry->plan = plan;
	table_close(rel, NoLock);
}

/* The plan for a table and order; raises errors as make_plan() does. */
static RecallPlan *
get_plan(const RecallKey *key)
{
	RecallPlan *entry;
	bool		found;

	if (plans == NULL)
	{
		HASHCTL		ctl = {.keysize = sizeof(RecallKey), .entrysize = sizeof(RecallPlan)};

		plans = hash_create("sessmem recall plans", 16, &ctl, HASH_ELEM | HASH_BLOBS);
	}

	/* takes in changes of the table, and keeps others from changing it now */
	LockRelationOid(key->relid, AccessShareLock);

	entry = hash_search(plans, key, HASH_ENTER, &found);
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
run(RecallPlan *entry, ParamListInfo params, ReturnSetInfo *rsinfo)
{
	SPIExecuteOptions options = {0};
	DestReceiver *dest = CreateDestReceiver(DestTuplestore);

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

/* Puts the token's session in force if there is a token, and returns the rows. */
static void
recall(FunctionCallInfo fcinfo, const RecallKey *key, ParamListInfo params, int token)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	int			nest = 0;
	MemoryContext oldcxt;

	if (rsinfo == NULL || !IsA(rsinfo, ReturnSetInfo) ||
		(rsinfo->allowedModes & SFRM_Materialize) == 0)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("set-valued function called in context that cannot accept a set"));

	if (!PG_ARGISNULL(token))
	{
		nest = NewGUCNestLevel();
		(void) sessmem_context_enter(PG_GETARG_TEXT_PP(token), SESSMEM_STATEMENT, false);
	}

	oldcxt = MemoryContextSwitchTo(rsinfo->econtext->ecxt_per_query_memory);
	rsinfo->returnMode = SFRM_Materialize;
	rsinfo->setDesc = lookup_rowtype_tupdesc_copy(get_fn_expr_argtype(fcinfo->flinfo, 0), -1);
	rsinfo->setResult = tuplestore_begin_heap((rsinfo->allowedModes & SFRM_Materialize_Random) != 0,
											  false, work_mem);
	MemoryContextSwitchTo(oldcxt);

	SPI_connect();
	{
		RecallPlan *entry = get_plan(key);

		if (sessmem_context_current() != NULL)
			run(entry, params, rsinfo);
		else
			sessmem_violations_unscoped(key->relid);
	}
	SPI_finish();

	if (nest != 0)
		AtEOXact_GUC(true, nest);
}

/* ---------- arguments ---------- */

/* The table whose row type the first argument has. */
static Oid
table_argument(FunctionCallInfo fcinfo, const char *example)
{
	Oid			relid = get_typ_typrelid(get_fn_expr_argtype(fcinfo->flinfo, 0));

	if (!OidIsValid(relid) || get_rel_relkind(relid) == RELKIND_COMPOSITE_TYPE)
		ereport(ERROR,
				errcode(ERRCODE_WRONG_OBJECT_TYPE),
				errmsg("%s() needs the row type of a protected table", get_func_name(fcinfo->flinfo->fn_oid)),
				errhint("Write SELECT * FROM sessmem.%s, with the name of your table.", example));
	return relid;
}

static void
check_not_null(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("%s must not be null", name));
}

/* A number of rows */
static int64
limit_argument(FunctionCallInfo fcinfo, int arg, const char *name)
{
	int32		n;

	check_not_null(fcinfo, arg, name);
	n = PG_GETARG_INT32(arg);
	if (n < 0)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("%s must not be negative", name));
	return n;
}

static const Metric *
metric_argument(FunctionCallInfo fcinfo, int arg)
{
	char	   *name;

	check_not_null(fcinfo, arg, "metric");
	name = text_to_cstring(PG_GETARG_TEXT_PP(arg));
	for (size_t i = 0; i < lengthof(metrics); i++)
	{
		if (strcmp(metrics[i].name, name) == 0)
			return &metrics[i];
	}
	ereport(ERROR,
			errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("unknown metric \"%s\"", name),
			errhint("Metrics are cosine, l2, inner_product and l1."));
}

static void
set_param(ParamListInfo params, int i, Oid type, Datum value)
{
	params->params[i].value = value;
	params->params[i].isnull = false;
	params->params[i].pflags = PARAM_FLAG_CONST;
	params->params[i].ptype = type;
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
	RecallKey	key = {0};
	ParamListInfo params = makeParamList(1);

	key.relid = table_argument(fcinfo, "recall(NULL::messages)");
	set_param(params, 0, INT8OID, Int64GetDatum(limit_argument(fcinfo, 1, "n")));
	if (!PG_ARGISNULL(2))
		namestrcpy(&key.order_by, NameStr(*PG_GETARG_NAME(2)));
	recall(fcinfo, &key, params, 3);
	return (Datum) 0;
}

/*
 * recall_similar(relation anyelement, query anycompatible, k integer,
 *		"column" name, metric text, token text, text_query text, text_column name)
 * RETURNS SETOF anyelement
 *
 * The k rows of the session in force that are nearest to the query, nearest
 * first; with text_query, by rank among the nearest and among those with these words.
 * The query is of any type that can be cast to the column's.  Errors as of recall(), and
 * 0A000: no pgvector, or no such operator in it.  42809, 42703: the columns are
 * not of vectors or words, or do not exist.  22004, 22023: of other arguments.
 */
Datum
sessmem_recall_similar(PG_FUNCTION_ARGS)
{
	RecallKey	key = {0};
	ParamListInfo params = makeParamList(PG_ARGISNULL(6) ? 2 : 3);

	key.relid = table_argument(fcinfo, "recall_similar(NULL::memories, '[1,2,3]')");
	key.query_type = get_fn_expr_argtype(fcinfo->flinfo, 1);
	check_not_null(fcinfo, 1, "query");
	set_param(params, 0, INT8OID, Int64GetDatum(limit_argument(fcinfo, 2, "k")));
	check_not_null(fcinfo, 3, "\"column\"");
	namestrcpy(&key.column, NameStr(*PG_GETARG_NAME(3)));
	key.metric = metric_argument(fcinfo, 4);
	set_param(params, 1, key.query_type, PG_GETARG_DATUM(1));
	key.hybrid = !PG_ARGISNULL(6);
	if (key.hybrid)
	{
		set_param(params, 2, TEXTOID, PG_GETARG_DATUM(6));
		if (!PG_ARGISNULL(7))
			namestrcpy(&key.text_column, NameStr(*PG_GETARG_NAME(7)));
	}
	recall(fcinfo, &key, params, 5);
	return (Datum) 0;
}
