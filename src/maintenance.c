/*
 * maintenance.c
 *		Maintenance: the one way past what sessmem refuses.
 *
 * It is in force while the setting sessmem.maintenance holds a reason and the
 * role of the connection (the one that SET ROLE chose) is an administrator: a
 * superuser, or somebody who may execute maintenance().  So a setting that an
 * administrator left behind, or made for a whole database, is of no use to the
 * application.
 *
 * Superusers may set it, also with ALTER ROLE, for a role that makes backups;
 * maintenance() sets it for the transaction.  What lets somebody pass because of
 * it calls sessmem_maintenance_pass(), and so each transaction that used it is
 * in the server's log, even if it rolled back.
 */
#include "sessmem.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* Transaction that the log has a line for. */
static LocalTransactionId recorded_in = InvalidLocalTransactionId;

PG_FUNCTION_INFO_V1(sessmem_maintenance);
PG_FUNCTION_INFO_V1(sessmem_in_maintenance);

static bool
is_administrator(Oid role)
{
	return superuser_arg(role) || sessmem_registry_may_execute(role, "maintenance");
}

static bool
in_force_for(Oid user)
{
	return sessmem_guc_maintenance() != NULL && is_administrator(GetOuterUserId()) &&
		is_administrator(user);
}

/* The log has a line for each transaction that used it. */
static void
record_use(void)
{
	if (recorded_in == sessmem_compat_lxid() || IsInParallelMode())
		return;
	recorded_in = sessmem_compat_lxid();
	ereport(LOG_SERVER_ONLY,
			errmsg("maintenance of protected tables by role \"%s\"",
				   GetUserNameFromId(GetOuterUserId(), true)),
			errdetail("Reason: %s", sessmem_guc_maintenance()),
			errhidestmt(true), errhidecontext(true));
}

/*
 * Whether maintenance is in force; does not count as use.
 *
 * What the administrator calls that is SECURITY DEFINER has no part in it.  The
 * server runs the queries of foreign keys as the owner of a table; those have.
 */
bool
sessmem_maintenance_in_force(void)
{
	return in_force_for(InNoForceRLSOperation() ? GetOuterUserId() : GetUserId());
}

/* Whether rows may be reached that would be refused. */
bool
sessmem_maintenance_pass(void)
{
	if (!sessmem_maintenance_in_force())
		return false;
	record_use();
	return true;
}

/*
 * Whether a command may be given that would be refused.  While it is under way
 * the current user may be the owner of a table, or of the extension; what counts
 * is who gave it.
 */
bool
sessmem_maintenance_pass_ddl(void)
{
	Oid			user = sessmem_enforce_utility_user();

	if (!in_force_for(OidIsValid(user) ? user : GetOuterUserId()))
		return false;
	record_use();
	return true;
}

/* Adds a row to sessmem.maintenance_log, as its owner. */
static void
record(const char *reason)
{
	Oid			argtypes[] = {NAMEOID, TEXTOID};
	Datum		args[2];
	Oid			save_user;
	int			save_sec_context;

	args[0] = DirectFunctionCall1(namein, CStringGetDatum(GetUserNameFromId(GetOuterUserId(), false)));
	args[1] = CStringGetTextDatum(reason);
	GetUserIdAndSecContext(&save_user, &save_sec_context);
	SetUserIdAndSecContext(sessmem_policy_owner(sessmem_registry_table("maintenance_log")),
						   save_sec_context | SECURITY_LOCAL_USERID_CHANGE);
	SPI_connect();
	SPI_execute_with_args("INSERT INTO " SESSMEM_SCHEMA ".maintenance_log (role, reason) VALUES ($1, $2)",
						  lengthof(argtypes), argtypes, args, NULL, false, 0);
	SPI_finish();
	SetUserIdAndSecContext(save_user, save_sec_context);
}

/*
 * maintenance(reason text) RETURNS void
 *
 * Puts maintenance in force for the rest of the transaction.  22023: no reason.
 * 42501: called where it would reach further than its caller knows.
 */
Datum
sessmem_maintenance(PG_FUNCTION_ARGS)
{
	char	   *reason;
	int			nest = NewGUCNestLevel();

	AtEOXact_GUC(true, nest);
	if (PG_ARGISNULL(0) || VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(0)) == 0)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("maintenance needs a reason"),
				errhint("Say why, for the log: SELECT sessmem.maintenance('remove duplicates, ticket 4711')."));
	if (GetUserId() != GetOuterUserId() || nest - 1 > GetCurrentTransactionNestLevel())
		sessmem_refuse(SESSMEM_BYPASS_ATTEMPT, InvalidOid,
					   "cannot begin maintenance inside a function that is SECURITY DEFINER or has a SET clause",
					   "It would hold for the whole transaction of whoever calls the function, or end with it.",
					   "Call it directly, connected as an administrator.");
	if (sessmem_context_in_force())
		sessmem_refuse(SESSMEM_BYPASS_ATTEMPT, InvalidOid, "cannot begin maintenance while a session is bound",
					   "What is done in maintenance is no session's.",
					   "Call it in a transaction of its own, without a session.");

	reason = text_to_cstring(PG_GETARG_TEXT_PP(0));
	(void) set_config_option("sessmem.maintenance", reason, PGC_SUSET, PGC_S_SESSION,
							 GUC_ACTION_LOCAL, true, 0, false);
	record_use();
	if (!XactReadOnly)
		record(reason);
	if (!IsTransactionBlock())
		ereport(WARNING,
				errcode(ERRCODE_NO_ACTIVE_SQL_TRANSACTION),
				errmsg("maintenance() has no lasting effect outside a transaction block"),
				errhint("Use BEGIN; SELECT sessmem.maintenance('...'); ... COMMIT."));
	PG_RETURN_VOID();
}

/* in_maintenance() RETURNS boolean: whether the command under way may be given. */
Datum
sessmem_in_maintenance(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(sessmem_maintenance_pass_ddl());
}
