/*
 * prove.c
 *		What prove() cannot do in SQL: to act as the application, in a session of its
 *		own, and to act in another one later in the same transaction.
 *
 * SET ROLE would be no wall: the triggers and defaults of the table under proof
 * could RESET it, and be the administrator.  So commands run as they would in a
 * SECURITY DEFINER function.  Nor would bind() do, which drops what the connection
 * holds, and is for one session in a transaction.
 *
 * Whoever calls these functions gets by them nowhere where he could not get with
 * SET ROLE and assume(), both of which an administrator can have; and what a
 * throw-away session writes cannot be committed (context.c).
 */
#include "sessmem.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"

PG_FUNCTION_INFO_V1(sessmem_prove_enter);
PG_FUNCTION_INFO_V1(sessmem_prove_end);
PG_FUNCTION_INFO_V1(sessmem_proving);
PG_FUNCTION_INFO_V1(sessmem_prove_as);

/*
 * prove_enter(session_id text, user_id text, tenant_id text) RETURNS void
 *
 * Puts a throw-away session in force, or none if session_id is null, until the
 * subtransaction is rolled back.  42501: the transaction has used another session.
 */
Datum
sessmem_prove_enter(PG_FUNCTION_ARGS)
{
	SessmemIdentity who = sessmem_claims_arguments(fcinfo, 0);

	sessmem_context_throw_away(who.session ? &who : NULL);
	PG_RETURN_VOID();
}

/* proving() RETURNS boolean: whether what is done now cannot be committed. */
Datum
sessmem_proving(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(sessmem_context_proving());
}

/* prove_end() RETURNS void: the transaction has used no session. */
Datum
sessmem_prove_end(PG_FUNCTION_ARGS)
{
	sessmem_context_thrown_away();
	PG_RETURN_VOID();
}

static void
set_local(const char *name, const char *value, GucContext context)
{
	(void) set_config_option(name, value, context, PGC_S_SESSION,
							 GUC_ACTION_LOCAL, true, 0, false);
}

/*
 * prove_as(role regrole, command text) RETURNS text
 *
 * Executes commands as a role that the caller may SET ROLE to, with the
 * connection's own search_path and out of maintenance; returns the first column of
 * the first row of the last one, or how many rows it processed.  42501: the caller
 * may not.  Errors leave the identity to the subtransaction's abort.
 */
Datum
sessmem_prove_as(PG_FUNCTION_ARGS)
{
	Oid			role = PG_GETARG_OID(0);
	char	   *command = text_to_cstring(PG_GETARG_TEXT_PP(1));
	char	   *path = pstrdup(GetConfigOption("search_path", false, false));
	Oid			save_user;
	int			save_sec_context;
	text	   *result;

	if (!sessmem_compat_may_become(GetUserId(), role))
		ereport(ERROR,
				errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("permission denied to act as role \"%s\"", GetUserNameFromId(role, false)),
				errdetail("Whoever proves isolation for a role must be able to SET ROLE to it."),
				errhint("GRANT it to yourself, or let a superuser do it."));

	set_local("search_path", GetConfigOptionResetString("search_path"), PGC_USERSET);
	set_local("sessmem.maintenance", "", PGC_SUSET);
	GetUserIdAndSecContext(&save_user, &save_sec_context);
	SetUserIdAndSecContext(role, save_sec_context | SECURITY_LOCAL_USERID_CHANGE);

	SPI_connect();
	if (SPI_execute(command, false, 0) < 0)
		elog(ERROR, "could not execute \"%s\"", command);
	if (SPI_tuptable != NULL && SPI_processed > 0)
	{
		char	   *value = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
		MemoryContext oldcxt = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);

		result = cstring_to_text(value ? value : "");
		MemoryContextSwitchTo(oldcxt);
	}
	else
	{
		char		processed[32];
		MemoryContext oldcxt = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);

		snprintf(processed, sizeof(processed), UINT64_FORMAT, SPI_processed);
		result = cstring_to_text(processed);
		MemoryContextSwitchTo(oldcxt);
	}
	SPI_finish();

	SetUserIdAndSecContext(save_user, save_sec_context);
	set_local("search_path", path, PGC_USERSET);
	PG_RETURN_TEXT_P(result);
}
