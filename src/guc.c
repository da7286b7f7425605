/*
 * guc.c
 *		The settings of sessmem.  No other file defines one.
 *
 * sessmem.context and sessmem.token carry credentials: they are masked when
 * shown, never listed, and never accepted from a file or from ALTER ROLE or
 * ALTER DATABASE (their check hooks see to that).  sessmem.session_id, .user_id
 * and .tenant_id are answers, not inputs: PGC_INTERNAL, so nobody can set them,
 * and computed by their show hooks from the verified context.
 */
#include "sessmem.h"

#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "utils/varlena.h"

#define SECRET_FLAGS (GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE | \
					  GUC_DISALLOW_IN_FILE | GUC_DISALLOW_IN_AUTO_FILE)
#define ANSWER_FLAGS (GUC_NOT_IN_SAMPLE | \
					  GUC_DISALLOW_IN_FILE | GUC_DISALLOW_IN_AUTO_FILE)

static char *audience = NULL;
static bool allow_attach = true;
static int	retention = 0;
static int	sweep_interval = 0;
static char *worker_databases = NULL;
static char *maintenance = NULL;
static bool explain_analyze = false;
static int	unscoped_reads = SESSMEM_UNSCOPED_COUNT;
static int	violation_retention = 0;
static int	violation_log_limit = 0;

static const struct config_enum_entry unscoped_options[] = {
	{"count", SESSMEM_UNSCOPED_COUNT, false},
	{"notice", SESSMEM_UNSCOPED_NOTICE, false},
	{"error", SESSMEM_UNSCOPED_ERROR, false},
	{NULL, 0, false}
};

/* What the administrator decided is not known, so the strictest applies. */
static bool audience_hidden = false;
static bool attach_hidden = false;

/* The show hooks answer; these only give the settings something to point at. */
static char *context_value = NULL;
static char *token_value = NULL;
static char *session_value = NULL;
static char *user_value = NULL;
static char *tenant_value = NULL;

/*
 * Whether the startup packet named a setting of the administrator's, and the
 * library was not loaded yet.  The server kept the client's value and forgot the
 * administrator's; now it refuses the former and falls back to our default.
 */
static bool
named_by_client(const char *name)
{
	struct config_generic *setting = sessmem_compat_find_setting(name);

	return setting != NULL && setting->reset_source >= PGC_S_CLIENT &&
		setting->reset_scontext != PGC_SUSET && setting->reset_scontext != PGC_SU_BACKEND;
}

void
sessmem_guc_init(void)
{
	attach_hidden = named_by_client("sessmem.allow_attach");
	audience_hidden = named_by_client("sessmem.audience");

	DefineCustomStringVariable("sessmem.context",
							   "The sealed context that bind() and attach() put in force.",
							   "Only a value sealed by this server for this connection counts; any other means no session.",
							   &context_value, "", PGC_USERSET, SECRET_FLAGS,
							   sessmem_seal_check,
							   sessmem_context_assign,
							   sessmem_context_show_masked);

	DefineCustomStringVariable("sessmem.token",
							   "Token to attach this connection with, given in the startup packet.",
							   NULL,
							   &token_value, "", PGC_BACKEND, SECRET_FLAGS,
							   sessmem_context_token_check,
							   sessmem_context_token_assign,
							   sessmem_context_show_masked);

	DefineCustomStringVariable("sessmem.session_id",
							   "The session in force, empty if none.",
							   NULL,
							   &session_value, "", PGC_INTERNAL, ANSWER_FLAGS,
							   NULL, NULL, sessmem_claims_show_session);

	DefineCustomStringVariable("sessmem.user_id",
							   "The user of the session in force, empty if none.",
							   NULL,
							   &user_value, "", PGC_INTERNAL, ANSWER_FLAGS,
							   NULL, NULL, sessmem_claims_show_user);

	DefineCustomStringVariable("sessmem.tenant_id",
							   "The tenant of the session in force, empty if none.",
							   NULL,
							   &tenant_value, "", PGC_INTERNAL, ANSWER_FLAGS,
							   NULL, NULL, sessmem_claims_show_tenant);

	DefineCustomStringVariable("sessmem.audience",
							   "The \"aud\" claim that tokens for this database must carry.",
							   "Empty means the name of the database.",
							   &audience, "", PGC_SUSET, 0,
							   NULL, NULL, NULL);

	DefineCustomBoolVariable("sessmem.allow_attach",
							 "Whether a context may outlive its transaction.",
							 "When off, attach() and sessmem.token are refused and contexts already attached are no longer in force.",
							 &allow_attach, true, PGC_SUSET, 0,
							 NULL, NULL, NULL);

	DefineCustomStringVariable("sessmem.maintenance",
							   "Why this connection may get past what sessmem refuses.",
							   "Counts only while the role of the connection is an administrator of sessmem.",
							   &maintenance, "", PGC_SUSET, GUC_DISALLOW_IN_FILE | GUC_DISALLOW_IN_AUTO_FILE,
							   NULL, NULL, NULL);

	DefineCustomBoolVariable("sessmem.explain_analyze",
							 "Whether EXPLAIN ANALYZE may run over protected tables.",
							 "It tells how many rows of other sessions were passed over.",
							 &explain_analyze, false, PGC_SUSET, 0,
							 NULL, NULL, NULL);

	DefineCustomEnumVariable("sessmem.unscoped_reads",
							 "What happens when a protected table is read without a session.",
							 "There are no rows in any case. \"notice\" says why, \"error\" refuses the statement.",
							 &unscoped_reads, SESSMEM_UNSCOPED_COUNT, unscoped_options, PGC_USERSET, 0,
							 NULL, NULL, NULL);

	DefineCustomIntVariable("sessmem.retention",
							"How long the rows of a session are kept after it has ended or expired.",
							"-1 keeps them for ever. They are deleted by sweep(), and by the worker.",
							&retention, 30 * SECS_PER_DAY, -1, INT_MAX, PGC_SUSET, GUC_UNIT_S,
							NULL, NULL, NULL);

	DefineCustomIntVariable("sessmem.violation_retention",
							"How long violations are kept in the database.",
							"-1 keeps them for ever. They are deleted by sweep(), and by the worker.",
							&violation_retention, 90 * SECS_PER_DAY, -1, INT_MAX, PGC_SUSET, GUC_UNIT_S,
							NULL, NULL, NULL);

	DefineCustomIntVariable("sessmem.violation_log_limit",
							"How many violations of a kind, by one session on one table, the server's log has in a minute.",
							"-1 logs all.  What is left out is counted in the next line.",
							&violation_log_limit, 10, -1, INT_MAX, PGC_SIGHUP, 0,
							NULL, NULL, NULL);

	DefineCustomIntVariable("sessmem.sweep_interval",
							"Time between two runs of the background worker.",
							NULL,
							&sweep_interval, 60, 1, SECS_PER_DAY, PGC_SIGHUP, GUC_UNIT_S,
							NULL, NULL, NULL);

	/* nothing else may be defined for the postmaster once it has started */
	DefineCustomStringVariable("sessmem.worker_databases",
							   "Databases in which a background worker sweeps and saves violations, separated by commas.",
							   "Without effect unless the library is preloaded.",
							   &worker_databases, "",
							   process_shared_preload_libraries_in_progress ? PGC_POSTMASTER : PGC_SIGHUP,
							   GUC_LIST_INPUT,
							   NULL, NULL, NULL);

	MarkGUCPrefixReserved("sessmem");
}

/*
 * The audience that a token must name: the setting, or this database's name.
 * The result is valid until the setting or the database name changes.  Raises
 * 28000 if the client has hidden the setting.
 */
const char *
sessmem_guc_audience(void)
{
	if (audience_hidden)
		sessmem_refuse_credential(SESSMEM_FOREIGN_TOKEN, "session token refused",
								  "The client has set \"sessmem.audience\", which hides what the administrator set.",
								  "Connect again without setting it.");
	if (audience != NULL && audience[0] != '\0')
		return audience;
	return get_database_name(MyDatabaseId);
}

/* The reason given, or NULL. */
const char *
sessmem_guc_maintenance(void)
{
	return maintenance != NULL && maintenance[0] != '\0' ? maintenance : NULL;
}

bool
sessmem_guc_explain_analyze(void)
{
	return explain_analyze;
}

SessmemUnscoped
sessmem_guc_unscoped_reads(void)
{
	return unscoped_reads;
}

/* In a minute, or -1 for all. */
int
sessmem_guc_violation_log_limit(void)
{
	return violation_log_limit;
}

/* Seconds, or -1 for ever. */
int
sessmem_guc_violation_retention(void)
{
	return violation_retention;
}

/* Seconds, or -1 for ever. */
int
sessmem_guc_retention(void)
{
	return retention;
}

/* Seconds. */
int
sessmem_guc_sweep_interval(void)
{
	return sweep_interval;
}

/* Names of databases (char *).  A list that cannot be read is FATAL. */
List *
sessmem_guc_worker_databases(void)
{
	List	   *names;

	if (!SplitGUCList(pstrdup(worker_databases), ',', &names))
		ereport(FATAL,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("invalid list syntax in parameter \"%s\"", "sessmem.worker_databases"));
	return names;
}

bool
sessmem_guc_allow_attach(void)
{
	return allow_attach && !attach_hidden;
}
