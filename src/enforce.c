/*
 * enforce.c
 *		Hooks into the server: what row security and triggers cannot see.
 *
 * The hooks are there from the moment the library is loaded: at server start
 * when it is preloaded, else from the first use of sessmem in a connection.
 * What depends on the former is marked (P).
 *
 *	statement										answer		case in sql/enforce.sql
 *	any												settle the context first
 *	resumed cursor, its session no longer in force	42501		resumed cursor
 *	DECLARE ... WITH HOLD while bound				42501		with hold
 *	a cursor WITH HOLD that reads in a transaction
 *	that has used a session							42501		held after all
 *	a loop of a procedure that goes on after COMMIT	42501		loop over a commit
 *	PREPARE under the name of a driver's statement
 *	that DEALLOCATE or DISCARD ALL took away		42501		(test/t)
 *	LOCK TABLE above ROW EXCLUSIVE, while bound		42501		lock while bound
 *	the same, on a protected table or a view, by
 *	a role that does not own it (P)					42501		lock unbound
 *	ALTER ROLE on itself by an application role (P)	42501		alter role
 *	a temporary table without ON COMMIT DROP,
 *	PREPARE, while bound							42501		leftovers
 *	LOAD while bound								42501		load
 *	pg_terminate_backend(), pg_cancel_backend()
 *	while bound, or by an application role (P)		42501		terminate
 *	EXPLAIN ANALYZE over a protected table, unless
 *	sessmem.explain_analyze allows it (P)			42501		explain analyze
 *	a plan past row security						42501		(access.c)
 *	DDL that computes over all rows (P)				42501		(ddl.c)
 *	PREPARE TRANSACTION while bound					42501		(context.c)
 *	RESET ALL, DISCARD ALL							end the startup token too
 *
 * Superusers are exempt from the rows of LOCK, ALTER ROLE, LOAD and termination:
 * they can do worse.
 *
 * Each hook calls the one that was there before it, and decides nothing that a
 * module function could decide.  No lock is held.
 */
#include "sessmem.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "commands/portalcmds.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/plannodes.h"
#include "tcop/pquery.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

static ProcessUtility_hook_type prev_ProcessUtility = NULL;
static ExecutorStart_hook_type prev_ExecutorStart = NULL;
static ExecutorRun_hook_type prev_ExecutorRun = NULL;
static ExecutorFinish_hook_type prev_ExecutorFinish = NULL;
static object_access_hook_type prev_object_access = NULL;

/* Whether an EXPLAIN ANALYZE is under way. */
static bool explaining = false;

/* The command that is under way, and who gave it. */
static Node *utility_command = NULL;
static Oid	utility_user = InvalidOid;

pg_noreturn static void refuse_statement(const char *what, const char *detail, const char *hint);

static void
refuse_statement(const char *what, const char *detail, const char *hint)
{
	sessmem_refuse(SESSMEM_BYPASS_ATTEMPT, InvalidOid, psprintf("cannot %s", what), detail, hint);
}

static bool
bound(void)
{
	return sessmem_context_in_force();
}

/* Whether the transaction has seen a session's rows, or may. */
static bool
sees_session(void)
{
	return bound() || sessmem_context_used();
}

/* Whether grant_app() made this role an application's. */
static bool
is_application_role(Oid role)
{
	return sessmem_registry_may_execute(role, "bind");
}

/* A lock that stops other sessions: a bound session has no business with it. */
static void
check_lock(LockStmt *stmt)
{
	ListCell   *lc;

	if (stmt->mode <= RowExclusiveLock || superuser() || !OidIsValid(sessmem_registry_relid()))
		return;
	if (bound())
		refuse_statement("lock a table while a session is bound",
						 "The lock would stop every other session.",
						 "SELECT ... FOR UPDATE locks your own rows; take table locks without a session.");
	foreach(lc, stmt->relations)
	{
		Oid			relid = RangeVarGetRelid(lfirst_node(RangeVar, lc), NoLock, true);

		if (!OidIsValid(relid) || sessmem_compat_owns_class(relid, GetUserId()))
			continue;
		if (get_rel_relkind(relid) == RELKIND_VIEW || sessmem_registry_find(relid))
			refuse_statement(psprintf("lock \"%s\"", get_rel_name(relid)),
							 "Only its owner may take a lock on a protected table, or on a view, that stops other sessions.",
							 "SELECT ... FOR UPDATE locks your own rows.");
	}
}

/*
 * The application role is shared by all users: its settings and password are
 * not for one of them to change.
 */
static void
check_alter_role(RoleSpec *target)
{
	Oid			role = target ? get_rolespec_oid(target, true) : InvalidOid;

	if (superuser() || has_createrole_privilege(GetUserId()) || role != GetUserId())
		return;
	if (bound() || is_application_role(role))
		refuse_statement("alter a role that all users of the application share",
						 "Its settings and password would change for every session.",
						 "Let an administrator do it, connected as another role.");
}

/*
 * What stays on the connection and holds what a session saw.  Without a session
 * it is dropped when one is bound, so there it can stay.
 */
static void
check_leftover(const char *what, const char *hint)
{
	if (sees_session())
		refuse_statement(psprintf("%s while a session is bound", what),
						 "It would outlive the session, on this connection.", hint);
}

static void
check_temporary(RangeVar *name, OnCommitAction on_commit)
{
	if (on_commit != ONCOMMIT_DROP && sees_session() &&
		(name->relpersistence == RELPERSISTENCE_TEMP ||
		 isAnyTempNamespace(RangeVarGetCreationNamespace(name))))
		check_leftover("create a temporary table", "Add ON COMMIT DROP.");
}

static void
check_utility(Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_CreateStmt:
			check_temporary(castNode(CreateStmt, stmt)->relation, castNode(CreateStmt, stmt)->oncommit);
			break;
		case T_CreateTableAsStmt:
			check_temporary(castNode(CreateTableAsStmt, stmt)->into->rel,
							castNode(CreateTableAsStmt, stmt)->into->onCommit);
			break;
		case T_LoadStmt:
			if (bound() && !superuser())
				refuse_statement("LOAD a library while a session is bound",
								 "It would stay in the connection.",
								 "Let an administrator preload it.");
			break;
		case T_DeclareCursorStmt:
			if ((castNode(DeclareCursorStmt, stmt)->options & CURSOR_OPT_HOLD) == 0)
				break;
			if (bound())
				refuse_statement("declare a cursor WITH HOLD while a session is bound",
								 "Its rows would outlive the session.",
								 "Leave WITH HOLD out and fetch within the transaction.");
			sessmem_pooling_dirty();
			break;
		case T_PrepareStmt:
			check_leftover("PREPARE a statement", "Let the driver prepare it, with the protocol.");
			sessmem_pooling_check_prepare(castNode(PrepareStmt, stmt)->name);
			break;
		case T_LockStmt:
			check_lock(castNode(LockStmt, stmt));
			break;
		case T_AlterRoleStmt:
			check_alter_role(castNode(AlterRoleStmt, stmt)->role);
			break;
		case T_AlterRoleSetStmt:
			check_alter_role(castNode(AlterRoleSetStmt, stmt)->role);
			break;
		default:
			break;
	}
}

/* EXECUTE, by itself or below EXPLAIN or CREATE TABLE AS. */
static bool
is_execute(Node *stmt)
{
	if (IsA(stmt, ExplainStmt))
		stmt = castNode(ExplainStmt, stmt)->query;
	if (IsA(stmt, Query))
		stmt = castNode(Query, stmt)->utilityStmt;
	if (stmt && IsA(stmt, CreateTableAsStmt))
		stmt = castNode(CreateTableAsStmt, stmt)->query;
	if (stmt && IsA(stmt, Query))
		stmt = castNode(Query, stmt)->utilityStmt;
	return stmt && IsA(stmt, ExecuteStmt);
}

static bool
is_explain_analyze(Node *stmt)
{
	bool		analyze = false;
	ListCell   *lc;

	if (!IsA(stmt, ExplainStmt))
		return false;
	foreach(lc, castNode(ExplainStmt, stmt)->options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, "analyze") == 0)
			analyze = defGetBoolean(option);
	}
	return analyze;
}

static void
call_utility(PlannedStmt *pstmt, const char *queryString, bool readOnlyTree,
			 ProcessUtilityContext context, ParamListInfo params,
			 QueryEnvironment *queryEnv, DestReceiver *dest, QueryCompletion *qc)
{
	volatile bool execute = is_execute(pstmt->utilityStmt);
	bool		outer = explaining;
	Oid			outer_user = utility_user;
	Node	   *outer_command = utility_command;

	if (execute)
		sessmem_pooling_executing(1);
	PG_TRY();
	{
		utility_command = pstmt->utilityStmt;
		utility_user = GetUserId();
		if (is_explain_analyze(pstmt->utilityStmt))
			explaining = true;
		if (prev_ProcessUtility)
			prev_ProcessUtility(pstmt, queryString, readOnlyTree, context, params, queryEnv, dest, qc);
		else
			standard_ProcessUtility(pstmt, queryString, readOnlyTree, context, params, queryEnv, dest, qc);
		/* no event trigger sees it */
		if (IsA(pstmt->utilityStmt, ReassignOwnedStmt) && OidIsValid(sessmem_registry_relid()))
			(void) OidFunctionCall0(sessmem_registry_function("check_all", 0, NULL));
	}
	PG_FINALLY();
	{
		explaining = outer;
		utility_command = outer_command;
		utility_user = outer_user;
		if (execute)
			sessmem_pooling_executing(-1);
	}
	PG_END_TRY();
}

static void
process_utility(PlannedStmt *pstmt, const char *queryString, bool readOnlyTree,
				ProcessUtilityContext context, ParamListInfo params,
				QueryEnvironment *queryEnv, DestReceiver *dest, QueryCompletion *qc)
{
	Node	   *stmt = pstmt->utilityStmt;
	bool		discards = IsA(stmt, DiscardStmt) && castNode(DiscardStmt, stmt)->target == DISCARD_ALL;
	bool		resets = discards ||
		(IsA(stmt, VariableSetStmt) && castNode(VariableSetStmt, stmt)->kind == VAR_RESET_ALL);
	List	   *deallocated = NIL;

	/* these leave nothing behind, and SET TRANSACTION must come first */
	if (!IsA(stmt, TransactionStmt) && !IsA(stmt, VariableSetStmt) && !IsA(stmt, VariableShowStmt))
		sessmem_context_settle();
	check_utility(stmt);
	if (discards || IsA(stmt, DeallocateStmt))
		deallocated = sessmem_pooling_before_deallocate(discards ? NULL :
														castNode(DeallocateStmt, stmt)->name);

	call_utility(pstmt, queryString, readOnlyTree, context, params, queryEnv, dest, qc);

	if (resets)
		sessmem_context_forget_startup();
	sessmem_pooling_after_deallocate(deallocated);
}

/* The command that is under way, or NULL. */
Node *
sessmem_enforce_utility_command(void)
{
	return utility_command;
}

/* Who gave the command that is under way, or InvalidOid if there is none. */
Oid
sessmem_enforce_utility_user(void)
{
	return utility_user;
}

/* What the plans that call a function are announced with. */
static uint32
plan_hash(char *function, int nargs, const Oid *argtypes)
{
	return GetSysCacheHashValue1(PROCOID, ObjectIdGetDatum(sessmem_registry_function(function, nargs, argtypes)));
}

/* Whether a plan reads a protected table, or calls recall() or recall_similar(). */
static bool
reads_protected(PlannedStmt *plan)
{
	Oid			recall_args[] = {ANYELEMENTOID, INT4OID, NAMEOID, TEXTOID};
	Oid			similar_args[] = {ANYELEMENTOID, ANYCOMPATIBLEOID, INT4OID, NAMEOID, TEXTOID, TEXTOID, TEXTOID, NAMEOID};
	uint32		recall = plan_hash("recall", lengthof(recall_args), recall_args);
	uint32		similar = plan_hash("recall_similar", lengthof(similar_args), similar_args);
	ListCell   *lc;

	foreach(lc, plan->invalItems)
	{
		PlanInvalItem *item = lfirst_node(PlanInvalItem, lc);

		if (item->cacheId == PROCOID && (item->hashValue == recall || item->hashValue == similar))
			return true;
	}

	foreach(lc, plan->relationOids)
	{
		if (sessmem_registry_find(lfirst_oid(lc)))
			return true;
	}
	return false;
}

static void
executor_start(QueryDesc *queryDesc, int eflags)
{
	sessmem_context_settle();
	if (explaining && queryDesc->instrument_options != 0 && reads_protected(queryDesc->plannedstmt) &&
		!sessmem_guc_explain_analyze() && !sessmem_maintenance_pass())
		refuse_statement("run EXPLAIN ANALYZE over a protected table",
						 "It counts rows of other sessions that were passed over.",
						 "EXPLAIN without ANALYZE shows the plan. An administrator may set sessmem.explain_analyze.");

	sessmem_access_start(queryDesc, eflags,
						 prev_ExecutorStart ? prev_ExecutorStart : standard_ExecutorStart);
}

/*
 * A cursor that outlives its transaction must not hold what a session may see:
 * one WITH HOLD, or, unless the session outlives it, too, the loop of a
 * procedure that commits (which the server holds when it does).
 */
static void
check_held(void)
{
	Portal		portal = ActivePortal;

	if (portal == NULL)
		return;
	if ((portal->cursorOptions & CURSOR_OPT_HOLD) != 0 && sees_session())
		refuse_statement("read with a cursor WITH HOLD while a session is bound",
						 "Its rows would outlive the session.",
						 "Leave WITH HOLD out and fetch within the transaction.");
	if (portal->portalPinned && portal->strategy == PORTAL_ONE_SELECT && portal->holdStore != NULL &&
		sessmem_context_used() && !sessmem_context_attached())
		refuse_statement("commit within a loop over a query while a session is bound",
						 "The rest of its rows would outlive the session.",
						 "Commit after the loop, or attach the session to the connection.");
}

/*
 * An index scan computes its key once, when it starts.  A cursor that goes on
 * after unbind() or after the token's expiry would therefore go on returning
 * rows.  (Statements that the server runs to their end at once, such as those
 * with RETURNING, do not come here again; their answer is complete.)
 */
static void
executor_run(SESSMEM_EXECUTOR_RUN_PARAMS)
{
	if (!IsParallelWorker())
	{
		if (queryDesc->plannedstmt->parallelModeNeeded)
			sessmem_context_hand_over();
		check_held();
		if (queryDesc->already_executed && sessmem_context_used() && !bound() &&
			reads_protected(queryDesc->plannedstmt))
			sessmem_context_required(SESSMEM_NO_SESSION, InvalidOid, "cannot continue a cursor of a protected table");
	}

	sessmem_access_run(SESSMEM_EXECUTOR_RUN_ARGS,
					   prev_ExecutorRun ? prev_ExecutorRun : standard_ExecutorRun);

	/* the query itself may have bound one */
	if (!IsParallelWorker())
		check_held();
}

static void
executor_finish(QueryDesc *queryDesc)
{
	sessmem_access_finish(queryDesc, prev_ExecutorFinish ? prev_ExecutorFinish : standard_ExecutorFinish);
}

/*
 * Terminating other connections is for administrators: all users of the
 * application are one role to the server.
 */
static void
check_function(Oid function)
{
	if ((function == F_PG_TERMINATE_BACKEND || function == F_PG_CANCEL_BACKEND) &&
		!superuser() && (bound() || is_application_role(GetUserId())))
		refuse_statement("terminate or cancel connections",
						 "They are those of other sessions, under the role that all users of the application share.",
						 "Drivers cancel their own queries by themselves; let an administrator do the rest.");
}

static void
object_access(ObjectAccessType access, Oid class, Oid object, int sub, void *arg)
{
	if (prev_object_access)
		prev_object_access(access, class, object, sub, arg);
	if (access == OAT_FUNCTION_EXECUTE)
		check_function(object);
	else
		sessmem_ddl_written(access, class, object, sub,
							access == OAT_POST_ALTER && arg != NULL ?
							((ObjectAccessPostAlter *) arg)->auxiliary_id : InvalidOid);
}

void
sessmem_enforce_init(void)
{
	prev_object_access = object_access_hook;
	object_access_hook = object_access;
	prev_ProcessUtility = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
	prev_ExecutorStart = ExecutorStart_hook;
	ExecutorStart_hook = executor_start;
	prev_ExecutorRun = ExecutorRun_hook;
	ExecutorRun_hook = executor_run;
	prev_ExecutorFinish = ExecutorFinish_hook;
	ExecutorFinish_hook = executor_finish;
}
