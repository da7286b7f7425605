/*
 * access.c
 *		The second enforcement: which plans may reach a protected table.
 *
 * Row security is decided while a query is rewritten, by what the catalog says
 * and by whom the query runs as.  Here both are looked at again, when a plan is
 * about to run, whatever made it: a view, a SECURITY DEFINER function, COPY.
 *
 *	the plan names							as						answer		case in sql/access.sql
 *	a protected table						a role that row security
 *											applies to				runs
 *	a protected table						a superuser, BYPASSRLS	42501		bypassing role, view, function
 *	a protected table, row security off
 *	or not forced							its owner, anybody		42501		disabled, not forced
 *	a protected table, by way of a parent
 *	that is not protected					anybody					42501		exposed
 *	the TOAST table of one					anybody					42501		toast
 *	pg_statistic, pg_statistic_ext_data		anybody					42501		statistics
 *	pg_stats and the like					a superuser, BYPASSRLS	42501		statistics
 *	the same, while a protected table has
 *	an index on an expression				anybody					42501		expression
 *
 * except in maintenance (maintenance.c); for the owner of a table whose rows are
 * being erased, with their session in force (policy.c); and for the queries of
 * foreign keys.  The server runs those as the owner with a flag that lifts FORCE
 * ROW SECURITY.  The flag is up in everything that they call, too: functions in
 * indexes while they are planned and started, triggers while they run.  So it
 * counts only for the outermost query that it is up for; and nothing that was
 * rewritten or planned below that query is kept.
 *
 * The policies themselves: if the catalog does not have the restrictive one that
 * protect() made, whoever took it away, its condition is added all the same.
 *
 * And what the planner knows of the values in a protected table stays out of its
 * estimates, which EXPLAIN shows to everybody; but for the number of different
 * keys, without which each session would seem to have a two-hundredth of the table.
 */
#include "sessmem.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/parallel.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/index.h"
#include "catalog/indexing.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_index.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_statistic_ext_data.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/plancat.h"
#include "optimizer/planner.h"
#include "parser/parse_collate.h"
#include "parser/parse_node.h"
#include "parser/parse_oper.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "rewrite/rowsecurity.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/selfuncs.h"
#include "utils/syscache.h"

static ExecutorCheckPerms_hook_type prev_ExecutorCheckPerms = NULL;
static row_security_policy_hook_type prev_restrictive = NULL;
static get_relation_stats_hook_type prev_relation_stats = NULL;
static get_index_stats_hook_type prev_index_stats = NULL;
static get_relation_info_hook_type prev_relation_info = NULL;
static get_attavgwidth_hook_type prev_attavgwidth = NULL;
static planner_hook_type prev_planner = NULL;

/* How many queries are under way that began with FORCE lifted. */
static int	lifted = 0;

/* The range table of the plan that is being started, which has been checked. */
static List *checked = NIL;

static Node *expected_condition(Relation rel, const SessmemTable *table);

PG_FUNCTION_INFO_V1(sessmem_has_policy);

/* ---------- which plans may run ---------- */

pg_noreturn static void refuse(Oid relid, const char *detail);

static void
refuse(Oid relid, const char *detail)
{
	/* what was rewritten with FORCE lifted must not be used again */
	ResetPlanCache();
	sessmem_refuse(SESSMEM_BYPASS_ATTEMPT, relid,
				   psprintf("cannot use table \"%s\" without row security", get_rel_name(relid)), detail,
				   "Let a role do it that row security applies to. An administrator can call sessmem.maintenance('why') first.");
}

/* The table that a TOAST table belongs to. */
static Oid
toast_parent(Oid relid)
{
	Relation	rel = table_open(DependRelationId, AccessShareLock);
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tup;
	Oid			parent = InvalidOid;

	ScanKeyInit(&key[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(RelationRelationId));
	ScanKeyInit(&key[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, DependDependerIndexId, true, NULL, 2, key);
	while (HeapTupleIsValid(tup = systable_getnext(scan)))
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tup);

		if (depend->refclassid == RelationRelationId && depend->deptype == DEPENDENCY_INTERNAL)
			parent = depend->refobjid;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return parent;
}

/*
 * Whether there are statistics of an expression over a protected table.  The
 * server shows them to the owner of the index, which has no row security.
 */
static bool
any_expression_statistics(void)
{
	Relation	rel = table_open(IndexRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tup;
	bool		any = false;

	while (!any && HeapTupleIsValid(tup = systable_getnext(scan)))
	{
		any = !heap_attisnull(tup, Anum_pg_index_indexprs, RelationGetDescr(rel)) &&
			sessmem_registry_find(((Form_pg_index) GETSTRUCT(tup))->indrelid) != NULL;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return any;
}

/* Why row security is not in force on a protected table for a user, or NULL if it is. */
static const char *
why_not_in_force(Oid relid, Oid user)
{
	HeapTuple	tup;
	bool		enabled;

	if (check_enable_rls(relid, user, true) == RLS_ENABLED)
		return NULL;
	tup = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	enabled = HeapTupleIsValid(tup) && ((Form_pg_class) GETSTRUCT(tup))->relrowsecurity;
	if (HeapTupleIsValid(tup))
		ReleaseSysCache(tup);
	if (!enabled)
		return "Row security is not enabled on it.";
	if (has_bypassrls_privilege(user))
		return psprintf("The query, view or function runs as role \"%s\", which row security does not apply to.",
						GetUserNameFromId(user, true));
	return "Row security is not forced on its owner.";
}

/*
 * Why a relation of a plan must not be used, or NULL if it may.  asked: the query
 * names it, and does not just come to it by its parent; as_user: whom it is read
 * as, if not as the current user.
 */
static const char *
objection(RangeTblEntry *rte, bool asked, Oid as_user, Oid *relid)
{
	SessmemTable *table;
	Oid			user = OidIsValid(as_user) ? as_user : GetUserId();
	const char *why;

	*relid = rte->relid;
	if (rte->relid == StatisticRelationId || rte->relid == StatisticExtDataRelationId)
	{
		/* views leave out what row security applies to, and is in force for */
		if (!asked || !sessmem_registry_any() ||
			(OidIsValid(as_user) && !InNoForceRLSOperation() &&
			 !has_bypassrls_privilege(GetUserId()) && !any_expression_statistics()))
			return NULL;
		return "It has values out of protected tables.";
	}
	if (rte->relid < FirstNormalObjectId)
		return NULL;
	if (rte->relkind == RELKIND_TOASTVALUE)
	{
		*relid = toast_parent(rte->relid);
		return sessmem_registry_find(*relid) ? "Its TOAST table has values of all sessions." : NULL;
	}

	table = sessmem_registry_find(rte->relid);
	if (table == NULL)
		return NULL;
	if (table->exposed)
		return "It has a parent that is not protected, or by other columns.";
	/* else its parent in the plan, which is protected, was asked for */
	why = asked ? why_not_in_force(rte->relid, user) : NULL;
	if (why != NULL && sessmem_context_impersonated() && user == sessmem_policy_owner(rte->relid))
		return NULL;
	return why;
}

/* Whether all relations may be used; raises 42501 for one that may not, or returns false. */
static bool
check_relations(List *range_table, List *permissions, bool report)
{
	ListCell   *lc;

	foreach(lc, range_table)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);
		Oid			as_user = InvalidOid;
		Oid			relid;
		bool		asked;
		const char *why;

		if (rte->rtekind != RTE_RELATION)
			continue;
		asked = sessmem_compat_asks_for(rte, permissions, &as_user) != ACL_NO_RIGHTS;
		why = objection(rte, asked, as_user, &relid);
		/* an administrator has no part in what is called below a foreign key; its plans would be kept */
		if (why == NULL || (InNoForceRLSOperation() ? lifted == 0 : sessmem_maintenance_pass()))
			continue;
		if (!report)
			return false;
		refuse(relid, why);
	}
	return true;
}

/*
 * Records the protected tables that a plan reads without a session, which finds
 * nothing; or raises 42501, if sessmem.unscoped_reads says so.  A write is the
 * guard's.
 */
static void
note_unscoped_reads(PlannedStmt *plan)
{
	static bool began = false;
	ListCell   *lc;
	Oid			last = InvalidOid;

	/* a parallel worker begins with a part of its leader's plan */
	if (IsParallelWorker() && !began)
	{
		began = true;
		return;
	}
	if (InNoForceRLSOperation())
		return;
	foreach(lc, plan->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);
		AclMode		asked;
		Oid			as_user;

		if (rte->rtekind != RTE_RELATION || rte->relid == last || sessmem_registry_find(rte->relid) == NULL)
			continue;
		asked = sessmem_compat_asks_for(rte, SESSMEM_PLAN_PERMISSIONS(plan), &as_user);
		if (asked == ACL_NO_RIGHTS || (asked & ACL_INSERT) != 0)
			continue;
		if (sessmem_context_in_force() || sessmem_maintenance_in_force())
			return;
		last = rte->relid;
		sessmem_violations_unscoped(rte->relid);
	}
}

/* COPY and the check of a new foreign key have no plan. */
static bool
check_permissions(SESSMEM_CHECK_PERMS_PARAMS)
{
	if (rangeTable != checked && !check_relations(rangeTable, SESSMEM_PERMISSIONS, ereport_on_violation))
		return false;
	return prev_ExecutorCheckPerms == NULL || prev_ExecutorCheckPerms(SESSMEM_CHECK_PERMS_ARGS);
}

/*
 * Starts a plan, unless it must not run: then 42501.
 *
 * FORCE ROW SECURITY may be lifted for this query; then it is for nothing that is
 * called on the way.
 */
void
sessmem_access_start(QueryDesc *queryDesc, int eflags, ExecutorStart_hook_type start)
{
	List	   *outer = checked;
	int			level = lifted;

	(void) check_relations(queryDesc->plannedstmt->rtable,
						   SESSMEM_PLAN_PERMISSIONS(queryDesc->plannedstmt), true);
	PG_TRY();
	{
		checked = queryDesc->plannedstmt->rtable;
		if (InNoForceRLSOperation())
			lifted++;
		start(queryDesc, eflags);
	}
	PG_FINALLY();
	{
		checked = outer;
		lifted = level;
	}
	PG_END_TRY();
	/* it may be read */
	if ((eflags & EXEC_FLAG_EXPLAIN_ONLY) == 0)
		note_unscoped_reads(queryDesc->plannedstmt);
}

/* Runs a plan, likewise. */
void
sessmem_access_run(SESSMEM_EXECUTOR_RUN_PARAMS, ExecutorRun_hook_type run)
{
	int			level = lifted;

	if (!InNoForceRLSOperation())
	{
		run(SESSMEM_EXECUTOR_RUN_ARGS);
		return;
	}
	PG_TRY();
	{
		lifted++;
		run(SESSMEM_EXECUTOR_RUN_ARGS);
	}
	PG_FINALLY();
	{
		lifted = level;
	}
	PG_END_TRY();
}

/* Runs what is left of a plan, likewise. */
void
sessmem_access_finish(QueryDesc *queryDesc, ExecutorFinish_hook_type finish)
{
	int			level = lifted;

	if (!InNoForceRLSOperation())
	{
		finish(queryDesc);
		return;
	}
	PG_TRY();
	{
		lifted++;
		finish(queryDesc);
	}
	PG_FINALLY();
	{
		lifted = level;
	}
	PG_END_TRY();
}

/*
 * Whether a rewritten query has what row security adds for one of its relations.
 * The target of an UPDATE or DELETE may have the conditions of views besides, or
 * those alone.
 */
static bool
has_row_security(Query *query, RangeTblEntry *rte)
{
	ListCell   *lc;
	bool		target = query->resultRelation != 0 &&
		rt_fetch(query->resultRelation, query->rtable) == rte;

	if (rte->securityQuals != NIL && !target)
		return true;
	if (rte->securityQuals != NIL)
	{
		Relation	rel = table_open(rte->relid, AccessShareLock);
		SessmemTable *table = sessmem_registry_find(rte->relid);
		Node	   *condition = table ? expected_condition(rel, table) : makeBoolConst(false, false);

		table_close(rel, NoLock);
		ChangeVarNodes(condition, 1, query->resultRelation, 0);
		return list_member(rte->securityQuals, condition);
	}
	if (query->commandType != CMD_INSERT || !target)
		return false;
	foreach(lc, query->withCheckOptions)
	{
		if (lfirst_node(WithCheckOption, lc)->kind == WCO_RLS_INSERT_CHECK)
			return true;
	}
	return false;
}

/*
 * A query that was rewritten while FORCE ROW SECURITY was lifted lacks row
 * security.  The server keeps such a query with a prepared statement, or a
 * statement of a function, and would use it again when it is in force.
 */
static bool
check_rewritten(Node *node, void *context)
{
	Query	   *query;
	ListCell   *lc;

	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, check_rewritten, context);

	query = castNode(Query, node);
	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);
		Oid			as_user = InvalidOid;

		/* EXCLUDED is of a composite type */
		if (rte->rtekind == RTE_RELATION && rte->relkind != RELKIND_COMPOSITE_TYPE &&
			sessmem_registry_find(rte->relid) != NULL &&
			sessmem_compat_asks_for(rte, SESSMEM_QUERY_PERMISSIONS(query), &as_user) != ACL_NO_RIGHTS &&
			!has_row_security(query, rte) &&
			check_enable_rls(rte->relid, as_user, true) == RLS_ENABLED)
			refuse(rte->relid, "The statement was prepared where row security was not in force.");
	}
	return query_tree_walker(query, check_rewritten, context, 0);
}

static PlannedStmt *
call_planner(Query *parse, const char *query_string, int cursorOptions, ParamListInfo boundParams)
{
	return prev_planner ? prev_planner(parse, query_string, cursorOptions, boundParams) :
		standard_planner(parse, query_string, cursorOptions, boundParams);
}

/* Plans a query, likewise. */
static PlannedStmt *
plan_query(Query *parse, const char *query_string, int cursorOptions, ParamListInfo boundParams)
{
	PlannedStmt *volatile result = NULL;
	int			level = lifted;

	if (!InNoForceRLSOperation())
	{
		(void) check_rewritten((Node *) parse, NULL);
		return call_planner(parse, query_string, cursorOptions, boundParams);
	}
	PG_TRY();
	{
		/* else a rule has made more of it, or has added a condition */
		volatile bool by_server = parse->querySource == QSRC_ORIGINAL && !parse->hasSubLinks && parse->cteList == NIL;

		lifted++;
		result = call_planner(parse, query_string, cursorOptions, boundParams);
		/* what must not run must not be planned: the plan would be kept */
		if (by_server)
			lifted = level;
		(void) check_relations(result->rtable, SESSMEM_PLAN_PERMISSIONS(result), true);
	}
	PG_FINALLY();
	{
		lifted = level;
	}
	PG_END_TRY();
	return result;
}

/* ---------- the policy that must be there ---------- */

/* key = sessmem.session_id(), as the parser makes it of what protect() writes. */
static Node *
key_condition(Relation rel, AttrNumber attnum, int claim)
{
	static char *const getter[] = {"session_id", "user_id", "tenant_id"};
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), attnum - 1);
	bool		is_text = att->atttypid == TEXTOID || att->atttypid == VARCHAROID;
	Oid			argtype = ANYELEMENTOID;
	Oid			function = sessmem_registry_function(getter[claim], is_text ? 0 : 1, &argtype);
	List	   *args = NIL;
	Node	   *call;
	ParseState *pstate = make_parsestate(NULL);
	Node	   *condition;

	if (!is_text)
		args = list_make1(makeConst(att->atttypid, -1, InvalidOid, att->attlen, (Datum) 0, true, att->attbyval));
	call = (Node *) makeFuncExpr(function, is_text ? TEXTOID : att->atttypid, args,
								 InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
	condition = (Node *) make_op(pstate, list_make2(makeString("pg_catalog"), makeString("=")),
								 (Node *) makeVar(1, attnum, att->atttypid, att->atttypmod, att->attcollation, 0),
								 call, NULL, -1);
	assign_expr_collations(pstate, condition);
	free_parsestate(pstate);
	return condition;
}

/* What both of protect()'s policies say. */
static Node *
expected_condition(Relation rel, const SessmemTable *table)
{
	List	   *conditions = NIL;

	for (int i = 0; i < SESSMEM_NKEYS; i++)
	{
		if (table->attnum[i] == 0)
			continue;
		if (table->attnum[i] > RelationGetNumberOfAttributes(rel) ||
			TupleDescAttr(RelationGetDescr(rel), table->attnum[i] - 1)->attisdropped)
			return makeBoolConst(false, false);
		conditions = lappend(conditions, key_condition(rel, table->attnum[i], i));
	}
	if (list_length(conditions) == 1)
		return linitial(conditions);
	return conditions == NIL ? makeBoolConst(false, false) :
		(Node *) makeBoolExpr(AND_EXPR, conditions, -1);
}

/* Whether the catalog has a policy with that condition, for all roles and commands. */
static bool
has_policy(Relation rel, bool permissive, Node *condition)
{
	ListCell   *lc;

	if (rel->rd_rsdesc == NULL)
		return false;
	foreach(lc, rel->rd_rsdesc->policies)
	{
		RowSecurityPolicy *policy = lfirst(lc);
		Datum	   *roles;
		int			n;

		deconstruct_array(policy->roles, OIDOID, sizeof(Oid), true, TYPALIGN_INT, &roles, NULL, &n);
		if (policy->permissive == permissive && policy->polcmd == '*' &&
			n == 1 && DatumGetObjectId(roles[0]) == ACL_ID_PUBLIC &&
			equal(policy->qual, condition) && equal(policy->with_check_qual, condition))
			return true;
	}
	return false;
}

/* Adds the condition for a protected table that lacks the policy. */
static List *
add_floor(CmdType cmdtype, Relation relation)
{
	List	   *policies = prev_restrictive ? prev_restrictive(cmdtype, relation) : NIL;
	SessmemTable *table = sessmem_registry_find(RelationGetRelid(relation));
	RowSecurityPolicy *policy;
	Node	   *condition;
	Datum		everybody = ObjectIdGetDatum(ACL_ID_PUBLIC);

	if (table == NULL || table->floored)
		return policies;
	condition = expected_condition(relation, table);
	if (has_policy(relation, false, condition))
	{
		table->floored = true;
		return policies;
	}

	policy = palloc0(sizeof(RowSecurityPolicy));
	policy->policy_name = "sessmem";
	policy->polcmd = '*';
	policy->roles = construct_array(&everybody, 1, OIDOID, sizeof(Oid), true, TYPALIGN_INT);
	policy->permissive = false;
	policy->qual = (Expr *) condition;
	policy->with_check_qual = copyObject(policy->qual);
	return lappend(policies, policy);
}

/*
 * has_policy(relation regclass, permissive boolean) RETURNS boolean
 *
 * Whether a protected table has the policy that protect() made, unchanged.
 */
Datum
sessmem_has_policy(PG_FUNCTION_ARGS)
{
	Relation	rel = table_open(PG_GETARG_OID(0), AccessShareLock);
	SessmemTable *table = sessmem_registry_find(PG_GETARG_OID(0));
	bool		has = table != NULL && has_policy(rel, PG_GETARG_BOOL(1), expected_condition(rel, table));

	table_close(rel, AccessShareLock);
	PG_RETURN_BOOL(has);
}

/* ---------- what the planner may know ---------- */

/* The number of different values, and nothing else of a statistics row. */
static HeapTuple
only_ndistinct(Oid relid, AttrNumber attnum, bool inherited)
{
	HeapTuple	whole = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(relid),
										Int16GetDatum(attnum), BoolGetDatum(inherited));
	HeapTuple	rest;
	Form_pg_statistic form;

	if (!HeapTupleIsValid(whole))
		return NULL;
	rest = heap_copytuple(whole);
	ReleaseSysCache(whole);
	form = (Form_pg_statistic) GETSTRUCT(rest);
	form->stanullfrac = 0;
	form->stakind1 = form->stakind2 = form->stakind3 = form->stakind4 = form->stakind5 = 0;
	return rest;
}

static bool
hide_relation_stats(PlannerInfo *root, RangeTblEntry *rte, AttrNumber attnum, VariableStatData *vardata)
{
	SessmemTable *table = sessmem_registry_find(rte->relid);

	if (table == NULL || sessmem_maintenance_in_force())
		return prev_relation_stats != NULL && prev_relation_stats(root, rte, attnum, vardata);
	vardata->statsTuple = NULL;
	vardata->freefunc = NULL;
	for (int i = 0; i < SESSMEM_NKEYS; i++)
	{
		if (table->attnum[i] != 0 && table->attnum[i] == attnum)
		{
			vardata->statsTuple = only_ndistinct(rte->relid, attnum, rte->inh);
			vardata->freefunc = heap_freetuple;
		}
	}
	return true;
}

static bool
hide_index_stats(PlannerInfo *root, Oid indexOid, AttrNumber indexattnum, VariableStatData *vardata)
{
	Oid			relid = indexOid < FirstNormalObjectId ? InvalidOid : IndexGetRelation(indexOid, true);

	if (sessmem_registry_find(relid) == NULL || sessmem_maintenance_in_force())
		return prev_index_stats != NULL && prev_index_stats(root, indexOid, indexattnum, vardata);
	vardata->statsTuple = NULL;
	vardata->freefunc = NULL;
	return true;
}

static void
hide_extended_stats(PlannerInfo *root, Oid relationObjectId, bool inhparent, RelOptInfo *rel)
{
	if (prev_relation_info)
		prev_relation_info(root, relationObjectId, inhparent, rel);
	if (sessmem_registry_find(relationObjectId) != NULL && !sessmem_maintenance_in_force())
		rel->statlist = NIL;
}

static int32
hide_width(Oid relid, AttrNumber attnum)
{
	if (sessmem_registry_find(relid) != NULL && !sessmem_maintenance_in_force())
		return get_typavgwidth(get_atttype(relid, attnum), -1);
	return prev_attavgwidth ? prev_attavgwidth(relid, attnum) : 0;
}

void
sessmem_access_init(void)
{
	prev_ExecutorCheckPerms = ExecutorCheckPerms_hook;
	ExecutorCheckPerms_hook = check_permissions;
	prev_restrictive = row_security_policy_hook_restrictive;
	row_security_policy_hook_restrictive = add_floor;
	prev_planner = planner_hook;
	planner_hook = plan_query;
	prev_relation_stats = get_relation_stats_hook;
	get_relation_stats_hook = hide_relation_stats;
	prev_index_stats = get_index_stats_hook;
	get_index_stats_hook = hide_index_stats;
	prev_relation_info = get_relation_info_hook;
	get_relation_info_hook = hide_extended_stats;
	prev_attavgwidth = get_attavgwidth_hook;
	get_attavgwidth_hook = hide_width;
}
