/*
 * context.c
 *		The context: whose session is in force on this connection right now.
 *
 * bind(), attach() and assume() seal the claims they accepted into a string and
 * put it into the setting sessmem.context.  The server then does what it does
 * for every setting: it follows savepoints and rollback, ends SET LOCAL with
 * the transaction, hands it to parallel workers, clears it on RESET ALL and
 * DISCARD ALL.  Anyone may set sessmem.context to anything.  It counts only if
 *
 *	1. it is well formed and its MAC is ours		forged, edited
 *	2. it was sealed in this backend, or, in a
 *	   parallel worker, by the leader				copied from another connection
 *	3. transaction scope: it was sealed and set in
 *	   the transaction that is running; connection
 *	   scope: the administrator allows it			replayed, left behind
 *	4. its token has not expired, by the start of
 *	   the running statement, or transaction if
 *	   that is later								long transactions, procedures
 *	5. the key that vouched for it is still alive	retired keys
 *	6. the running transaction has not used another
 *	   session before								mixing two sessions
 *	7. connection scope: nobody else has entered the
 *	   connection since								an old session coming back
 *	8. its session is in the registry, is his, lives,
 *	   and has not been revoked since				logout, revocation, erasure
 *
 * and in every other case there is no session.  sql/context.sql has a case for
 * each.  Rules 1, 2 and 5 are seal.c's, checked once for each value; rule 8 is
 * session.c's, checked when something was announced; the others are decided here,
 * at every use, at the cost of a few comparisons.
 */
#include "sessmem.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "tcop/pquery.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define MASK "********"

static SessmemSeal *current = NULL;

/*
 * The one session that the running transaction has used (rule 6), and whether it
 * wrote.
 */
static LocalTransactionId used_in = InvalidLocalTransactionId;
static MemoryContext used_cxt = NULL;
static SessmemClaims used;
static SessmemStanding used_standing;
static bool wrote = false;

/*
 * Transaction in which prove() is at work, and the outermost subtransaction that has
 * entered a throw-away session and is not rolled back.
 */
static LocalTransactionId proving_in = InvalidLocalTransactionId;
static SubTransactionId thrown_in = InvalidSubTransactionId;

/* Who entered the connection last, and the number of his seal (rule 7). */
static MemoryContext entered_cxt = NULL;
static SessmemIdentity entered;
static uint64 entered_serial = 0;

/*
 * Statement at whose start announced changes were last taken in, and what the
 * registry's generations were then.
 */
static TimestampTz looked_at = 0;
static uint64 registry_as_of = 0;
static uint64 revocations_as_of = 0;

/* Why the context was taken away in the running transaction. */
static SessmemStatus lapsed = SESSMEM_NONE;
static LocalTransactionId lapsed_in = InvalidLocalTransactionId;

/* The session whose rows are being erased, and a number for it. */
static const SessmemIdentity *impersonated = NULL;
static uint64 impersonation = UINT64CONST(1) << 63;

/*
 * The token of the startup packet, until a transaction commits in which the
 * connection was attached with it, or detached.
 */
static char *startup_token = NULL;
static LocalTransactionId detached_in = InvalidLocalTransactionId;
static LocalTransactionId unbound_in = InvalidLocalTransactionId;
static bool started = false;	/* decided before the commit, done after it */

PG_FUNCTION_INFO_V1(sessmem_bind);
PG_FUNCTION_INFO_V1(sessmem_unbind);
PG_FUNCTION_INFO_V1(sessmem_attach);
PG_FUNCTION_INFO_V1(sessmem_detach);
PG_FUNCTION_INFO_V1(sessmem_assume);
PG_FUNCTION_INFO_V1(sessmem_status);

/* ---------- hooks of the settings ---------- */

void
sessmem_context_assign(const char *newval, void *extra)
{
	current = extra;
}

/*
 * Accepts a token from the startup packet only.  What the setting then holds is
 * a mask, so that neither pg_settings nor a dump of memory of another process
 * has the token; parallel workers are handed that mask.
 */
bool
sessmem_context_token_check(char **newval, void **extra, GucSource source)
{
	char	   *token;
	char	   *mask;

	*extra = NULL;
	if ((*newval)[0] == '\0' || strcmp(*newval, MASK) == 0)
		return true;
	if (source != PGC_S_CLIENT)
	{
		GUC_check_errcode(ERRCODE_INSUFFICIENT_PRIVILEGE);
		GUC_check_errmsg("\"sessmem.token\" is accepted from the startup packet only");
		GUC_check_errhint("Call sessmem.bind(token) or sessmem.attach(token).");
		return false;
	}

	mask = sessmem_compat_guc_malloc(sizeof(MASK));
	token = mask ? sessmem_compat_guc_malloc(strlen(*newval) + 1) : NULL;
	if (token == NULL)
		return false;
	strcpy(mask, MASK);
	strcpy(token, *newval);
	explicit_bzero(*newval, strlen(*newval));
	sessmem_compat_guc_free(*newval);
	*newval = mask;
	*extra = token;
	return true;
}

void
sessmem_context_token_assign(const char *newval, void *extra)
{
	startup_token = extra;
}

const char *
sessmem_context_show_masked(void)
{
	return MASK;
}

/* ---------- is it in force? ---------- */

static void start_up(void);

static void
keep_identity(MemoryContext *cxt, SessmemIdentity *kept, const SessmemIdentity *who)
{
	MemoryContext oldcxt;

	if (*cxt == NULL)
		*cxt = AllocSetContextCreate(TopMemoryContext, "sessmem identity",
									 ALLOCSET_SMALL_SIZES);
	else
		MemoryContextReset(*cxt);
	oldcxt = MemoryContextSwitchTo(*cxt);
	kept->session = pstrdup(who->session);
	kept->user = who->user ? pstrdup(who->user) : NULL;
	kept->tenant = who->tenant ? pstrdup(who->tenant) : NULL;
	MemoryContextSwitchTo(oldcxt);
}

/* Notes that the running transaction is this session's, from here to its end. */
static void
mark_used(const SessmemClaims *claims, const SessmemStanding *standing)
{
	wrote = sessmem_context_used() != NULL && wrote;
	used_in = InvalidLocalTransactionId;
	keep_identity(&used_cxt, &used.who, &claims->who);
	used.expires = claims->expires;
	used.issued = claims->issued;
	used.own = claims->own;
	used.kid = claims->kid ? MemoryContextStrdup(used_cxt, claims->kid) : NULL;
	used_standing = *standing;
	used_in = sessmem_compat_lxid();
}

/* Rule 3. */
static bool
in_scope(const SessmemSeal *c)
{
	if (c->connection_scope)
		return sessmem_guc_allow_attach();
	if (c->xact_start != GetCurrentTransactionStartTimestamp())
		return false;
	/* a worker has a transaction number of its own */
	return IsParallelWorker() || c->set_in == sessmem_compat_lxid();
}

/*
 * The time that expiry is compared with: when the statement began, or its
 * transaction, which in a procedure may be later.  Workers have the leader's.
 */
TimestampTz
sessmem_context_now(void)
{
	return Max(GetCurrentStatementStartTimestamp(), GetCurrentTransactionStartTimestamp());
}

/* Rule 6. */
static bool
is_second(const SessmemIdentity *who)
{
	return used_in != InvalidLocalTransactionId &&
		used_in == sessmem_compat_lxid() && !sessmem_claims_same(&used.who, who);
}

/* Rule 7.  A rollback must not bring back whom somebody else has replaced. */
static bool
is_replaced(const SessmemSeal *c)
{
	return c->connection_scope && c->serial < entered_serial &&
		!sessmem_claims_same(&entered, &c->claims.who);
}

/* Counts a session that has run out while it was bound, once. */
static SessmemStatus
note_expiration(SessmemSeal *c)
{
	if (!c->expired)
		sessmem_stat_count(SESSMEM_EXPIRATION, InvalidOid);
	c->expired = true;
	return SESSMEM_EXPIRED;
}

static SessmemStatus
judge(void)
{
	TimestampTz now;
	SessmemStatus status;

	if (impersonated != NULL)
		return SESSMEM_BOUND;
	if (current == NULL && lapsed_in != InvalidLocalTransactionId && lapsed_in == sessmem_compat_lxid())
		return lapsed;
	if (current == NULL || !IsTransactionState() || is_replaced(current))
		return SESSMEM_NONE;

	/* a running statement takes in nothing new; the next one must */
	now = sessmem_context_now();
	if (looked_at != now && !IsParallelWorker())
	{
		AcceptInvalidationMessages();
		looked_at = now;
		if (!current->standing.recorded)
			current->standing.asked = 0;
		registry_as_of = sessmem_session_generation();
		revocations_as_of = sessmem_session_revocations();
	}

	if (!sessmem_seal_genuine(current) || !in_scope(current))
		return SESSMEM_INVALID;
	if (current->claims.expires <= now)
		return note_expiration(current);
	if (current->used_in != sessmem_compat_lxid() && is_second(&current->claims.who))
		return SESSMEM_INVALID;
	/* the leader would have handed over nothing (sessmem_context_hand_over) */
	if (IsParallelWorker())
		return SESSMEM_BOUND;
	status = sessmem_session_status(&current->claims, &current->standing,
									registry_as_of, revocations_as_of);
	return status == SESSMEM_EXPIRED ? note_expiration(current) : status;
}

static bool
in_force(SessmemStatus status)
{
	return status == SESSMEM_BOUND || status == SESSMEM_ENDED;
}

/* Whether a session is in force; does not count as use. */
bool
sessmem_context_in_force(void)
{
	return in_force(judge());
}

/*
 * Who is in force, or NULL for nobody.  Counts as use: from here on, this
 * transaction can be no other session's.  The result is valid until the next
 * change of the context.
 */
const SessmemIdentity *
sessmem_context_current(void)
{
	if (impersonated != NULL)
		return impersonated;
	start_up();
	if (!in_force(judge()))
		return NULL;
	if (current->used_in != sessmem_compat_lxid())
	{
		if (!sessmem_context_used())
			mark_used(&current->claims, &current->standing);
		current->used_in = used_in;
	}
	return &current->claims.who;
}

/* The session that the running transaction has used, or NULL. */
const SessmemIdentity *
sessmem_context_used(void)
{
	if (used_in == InvalidLocalTransactionId || used_in != sessmem_compat_lxid())
		return NULL;
	return &used.who;
}

/* Whether the session in force has ended and is for reading only. */
bool
sessmem_context_ended(void)
{
	return impersonated == NULL && current != NULL &&
		(current->standing.ended || sessmem_commit_closing());
}

/* The claims of the session in force, with its standing in the registry, or NULL. */
const SessmemClaims *
sessmem_context_claims(const SessmemStanding **standing)
{
	if (impersonated != NULL || !in_force(judge()))
		return NULL;
	*standing = &current->standing;
	return &current->claims;
}

/* Notes that the session in force wrote rows in this transaction. */
void
sessmem_context_wrote(void)
{
	if (impersonated == NULL)
		wrote = true;
}

/*
 * Puts a session in force for the erasure of its rows, whatever its state, until
 * called with NULL.  The caller makes sure that this happens.
 */
void
sessmem_context_impersonate(const SessmemIdentity *who)
{
	impersonated = who;
	impersonation++;
}

bool
sessmem_context_impersonated(void)
{
	return impersonated != NULL;
}

/* Whether the session in force outlives the transaction. */
bool
sessmem_context_attached(void)
{
	return impersonated == NULL && in_force(judge()) && current->connection_scope;
}

/* A number that no other context has; what is computed from one may go by it. */
uint64
sessmem_context_serial(void)
{
	if (impersonated != NULL)
		return impersonation;
	return current ? current->serial : 0;
}

/* Whose session was put in force here, whatever became of it; for a report. */
const SessmemIdentity *
sessmem_context_peek(void)
{
	if (impersonated != NULL)
		return impersonated;
	if (current != NULL && current->verdict == SESSMEM_GENUINE && in_scope(current))
		return &current->claims.who;
	return sessmem_context_used();
}

/*
 * Why there is no session; and what kind of violation that is, if another one than
 * the caller's.
 */
const char *
sessmem_context_why(SessmemEvent *kind)
{
	switch (judge())
	{
		case SESSMEM_EXPIRED:
			*kind = SESSMEM_EXPIRED_TOKEN;
			return "The session or its token has expired.";
		case SESSMEM_REVOKED:
			*kind = SESSMEM_REVOKED_TOKEN;
			return "The session has been revoked or forgotten.";
		case SESSMEM_INVALID:
			*kind = SESSMEM_FORGED_TOKEN;
			return "The context of this connection is not valid.";
		default:
			return "No session is bound in this transaction.";
	}
}

/*
 * Raises the 42501 of an operation that needs a session when there is none.
 * The argument names the operation: "cannot insert into ...".
 */
void
sessmem_context_required(SessmemEvent kind, Oid relid, const char *refused)
{
	const char *why = sessmem_context_why(&kind);

	sessmem_refuse(kind, relid, refused, why,
				   kind == SESSMEM_EXPIRED_TOKEN || kind == SESSMEM_REVOKED_TOKEN ?
				   "Get a new token from the issuer and call sessmem.bind(token) in a new transaction." :
				   "Call sessmem.bind(token) in this transaction first.");
}

/* ---------- entering and leaving ---------- */

static GucAction
action_of(SessmemScope scope)
{
	return scope == SESSMEM_STATEMENT ? GUC_ACTION_SAVE :
		scope == SESSMEM_TRANSACTION ? GUC_ACTION_LOCAL : GUC_ACTION_SET;
}

static void
set_context(const char *value, SessmemScope scope)
{
	(void) set_config_option("sessmem.context", value, PGC_USERSET, PGC_S_SESSION,
							 action_of(scope), true, 0, false);
}

/* Seals claims, puts them in force, and replaces whoever was there. */
static void
set_claims(const SessmemClaims *claims, const SessmemStanding *standing, SessmemScope scope)
{
	char	   *value = sessmem_seal_make(claims, scope == SESSMEM_CONNECTION);
	uint64		keyring = sessmem_keyring_generation();

	set_context(value, scope);
	sessmem_stat_count(scope == SESSMEM_CONNECTION ? SESSMEM_ATTACH : SESSMEM_BIND, InvalidOid);
	if (current != NULL)
	{
		sessmem_seal_vouch(current, value, keyring);
		current->standing = *standing;
		entered_serial = 0;
		keep_identity(&entered_cxt, &entered, &claims->who);
		entered_serial = current->serial;
	}
}

/* Raises 42501 while rows are being erased: the triggers of their table are none of ours. */
static void
check_not_impersonated(void)
{
	if (impersonated != NULL)
		sessmem_refuse(SESSMEM_SECOND_BIND, InvalidOid,
					   "cannot change session while the rows of one are being erased",
					   "What the triggers of the table do is done for the session whose rows go.",
					   "Remove the call from the triggers of the table.");
}

/* Raises 42501 where the administrator has switched attaching off. */
static void
check_attach(const char *hint)
{
	if (!sessmem_guc_allow_attach())
		sessmem_refuse(SESSMEM_BYPASS_ATTEMPT, InvalidOid, "cannot attach a session to the connection",
					   "The administrator has switched off \"sessmem.allow_attach\".", hint);
}

/*
 * Puts claims in force.  They have been verified, or come from assume().
 *
 * Refuses with 42501 a second session in one transaction, whether or not the
 * first was unbound or rolled back: a cursor may still hold its rows.  Refuses
 * to work below a function with a SET clause, because what the switch of
 * sessions resets there, search_path above all, would come back at its end.
 *
 * A session that the connection is attached to gives way, for good: else one
 * forgotten attach() would make a pooled connection useless, or the target of
 * writes of whoever forgets to bind, or come back when his transaction fails.
 */
static void
enter(const SessmemClaims *claims, SessmemScope scope, bool direct)
{
	SessmemStanding standing;
	int			nest = NewGUCNestLevel();

	AtEOXact_GUC(true, nest);
	check_not_impersonated();
	if (scope != SESSMEM_STATEMENT && nest - 1 > GetCurrentTransactionNestLevel())
		sessmem_refuse(SESSMEM_BYPASS_ATTEMPT, InvalidOid,
					   "cannot bind a session inside a function that has a SET clause",
					   "Settings that the previous user of this connection planted would come back when the function ends.",
					   "Call it directly, or remove the SET clause from the calling function.");
	if (is_second(&claims->who))
		sessmem_refuse(SESSMEM_SECOND_BIND, InvalidOid,
					   "cannot bind a second session in one transaction",
					   "This transaction belongs to the session it used first, until it ends.",
					   "Commit or roll back, then bind the other session in a new transaction.");
	if (scope == SESSMEM_CONNECTION)
		check_attach("Call sessmem.bind(token) in every transaction instead.");

	sessmem_session_admit(claims, &standing);

	/* recall()'s own query meets none of what was left, and leaves nothing */
	if (scope != SESSMEM_STATEMENT)
		sessmem_pooling_switch(&claims->who, direct);
	sessmem_pooling_path(action_of(scope));
	if (current == NULL || !sessmem_claims_same(&current->claims.who, &claims->who))
		sessmem_context_forget_startup();
	set_claims(claims, &standing, scope);
	mark_used(claims, &standing);
}

/*
 * Puts a throw-away session of prove() in force, in the place of another one, or,
 * with NULL, none.  It is in the registry for nobody, and the connection goes on
 * being its user's: nothing is dropped.  So it must be rolled back (on_transaction).
 */
void
sessmem_context_throw_away(const SessmemIdentity *who)
{
	SessmemClaims claims = {.expires = DT_NOEND, .issued = sessmem_context_now()};
	SessmemStanding standing;

	check_not_impersonated();
	if ((sessmem_context_used() != NULL || in_force(judge())) && proving_in != sessmem_compat_lxid())
		sessmem_refuse(SESSMEM_SECOND_BIND, InvalidOid,
					   "cannot prove isolation in a transaction that has used a session",
					   "This transaction belongs to the session it used first, until it ends.",
					   "Call it in a transaction of its own, without a session.");
	if (proving_in != sessmem_compat_lxid())
		ereport(LOG_SERVER_ONLY,
				errmsg("isolation is being proven by role \"%s\", in sessions of no user",
					   GetUserNameFromId(GetOuterUserId(), true)),
				errhidestmt(true), errhidecontext(true));
	proving_in = sessmem_compat_lxid();
	if (thrown_in == InvalidSubTransactionId || thrown_in > GetCurrentSubTransactionId())
		thrown_in = GetCurrentSubTransactionId();
	used_in = InvalidLocalTransactionId;
	wrote = false;
	lapsed_in = InvalidLocalTransactionId;
	set_context("", SESSMEM_TRANSACTION);
	if (who == NULL)
		return;
	claims.who = *who;
	sessmem_session_admit(&claims, &standing);
	set_claims(&claims, &standing, SESSMEM_TRANSACTION);
	mark_used(&claims, &standing);
}

/* Whether what this transaction does now will be rolled back, or else all of it. */
bool
sessmem_context_proving(void)
{
	return thrown_in != InvalidSubTransactionId;
}

/* prove() is done: the transaction has used no session. */
void
sessmem_context_thrown_away(void)
{
	if (proving_in != sessmem_compat_lxid())
		return;
	proving_in = used_in = InvalidLocalTransactionId;
	wrote = false;
}

/*
 * Attaches the connection with the token of its startup packet, when it is first
 * needed.  A bad token is an error each time, which leaves the connection
 * useless, as it should be.  There is nothing to clean up, and no search_path to
 * reset: until now the connection had no other user.
 */
static void
start_up(void)
{
	SessmemClaims claims;
	SessmemStanding standing;

	if (startup_token == NULL || current != NULL || InSecurityRestrictedOperation() ||
		!IsTransactionState() || IsInParallelMode() ||
		detached_in == sessmem_compat_lxid() || unbound_in == sessmem_compat_lxid())
		return;
	check_attach("Connect without sessmem.token, and call sessmem.bind(token) in every transaction.");
	sessmem_token_verify(startup_token, strlen(startup_token), &claims);
	if (is_second(&claims.who))
		return;
	sessmem_session_admit(&claims, &standing);
	sessmem_pooling_own(&claims.who);
	set_claims(&claims, &standing, SESSMEM_CONNECTION);
}

/*
 * Brings the context into a state that holds for a whole statement, parallel
 * workers included.  Called before each one that could leave something behind.
 */
void
sessmem_context_settle(void)
{
	if (!IsTransactionState() || IsInParallelMode() || impersonated != NULL)
		return;
	looked_at = 0;				/* every statement looks, in a function, too */
	start_up();

	/*
	 * A savepoint or rollback may have brought back an attached session when
	 * another has been used.  Workers do not know what was used.
	 */
	if (current != NULL && current->connection_scope &&
		(is_second(&current->claims.who) || is_replaced(current)))
		set_context("", SESSMEM_TRANSACTION);

	if (sessmem_context_used() == NULL && !in_force(judge()))
		sessmem_pooling_unbound();
}

/*
 * Called before a statement that may have parallel workers.  They do not ask the
 * registry, so a context that it has ended must not reach them.
 */
void
sessmem_context_hand_over(void)
{
	SessmemStatus status;

	if (IsInParallelMode() || impersonated != NULL)
		return;
	sessmem_context_settle();
	/* what workers read, this transaction has used */
	if (sessmem_context_current() != NULL || current == NULL)
		return;
	status = judge();
	set_context("", SESSMEM_TRANSACTION);
	lapsed = status;
	lapsed_in = sessmem_compat_lxid();
}

/* DISCARD ALL and RESET ALL end what the startup packet began, too. */
void
sessmem_context_forget_startup(void)
{
	if (startup_token != NULL)
		explicit_bzero(startup_token, strlen(startup_token));
	startup_token = NULL;
}

static void
on_transaction(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_PREPARE:
			if (sessmem_context_used() || in_force(judge()))
				sessmem_refuse(SESSMEM_BYPASS_ATTEMPT, InvalidOid,
							   "cannot PREPARE a transaction that has used a session",
							   "A prepared transaction outlives its connection; a session does not.",
							   "Commit it instead.");
			break;
		case XACT_EVENT_PRE_COMMIT:
			/* nobody would ever find its rows */
			if (thrown_in != InvalidSubTransactionId)
				sessmem_refuse(SESSMEM_BYPASS_ATTEMPT, InvalidOid, "cannot commit a throw-away session of prove()",
							   "It is in no registry.", "Roll back.");
			if (sessmem_context_used())
			{
				/* when it was last used, its context knows */
				if (current != NULL && sessmem_claims_same(&used.who, &current->claims.who) &&
					in_force(judge()))
					used_standing = current->standing;
				sessmem_commit_check(&used, &used_standing, wrote);
			}
			started = startup_token != NULL &&
				((current != NULL && current->connection_scope) ||
				 detached_in == sessmem_compat_lxid());
			break;
		case XACT_EVENT_COMMIT:
			thrown_in = InvalidSubTransactionId;
			if (started)
				sessmem_context_forget_startup();
			started = false;
			break;
		case XACT_EVENT_ABORT:
			impersonated = NULL;
			thrown_in = InvalidSubTransactionId;
			break;
		default:
			break;
	}
}

static void
on_subtransaction(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	if (thrown_in != mine)
		return;
	if (event == SUBXACT_EVENT_ABORT_SUB)
	{
		thrown_in = InvalidSubTransactionId;
		sessmem_context_thrown_away();
	}
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
		thrown_in = parent;
}

void
sessmem_context_init(void)
{
	RegisterXactCallback(on_transaction, NULL);
	RegisterSubXactCallback(on_subtransaction, NULL);
}

/* ---------- SQL ---------- */

static text *
token_argument(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		sessmem_refuse_credential(SESSMEM_FORGED_TOKEN, "session token refused", "The token is null.",
								  "Pass the token that sessmem.open_session() or your login service returned.");
	return PG_GETARG_TEXT_PP(0);
}

/* Keeps a statement or parameter that may be a token out of the log, whatever fails. */
static void
hide_statement(void *arg)
{
	errhidestmt(true);
	errhidecontext(true);
}

/*
 * Verifies a token and puts its session in force; returns the session id,
 * palloc'd.
 */
char *
sessmem_context_enter(text *token, SessmemScope scope, bool direct)
{
	SessmemClaims claims;
	ErrorContextCallback callback = {.callback = hide_statement, .previous = error_context_stack};

	error_context_stack = &callback;
	sessmem_token_verify(VARDATA_ANY(token), VARSIZE_ANY_EXHDR(token), &claims);
	enter(&claims, scope, direct);
	error_context_stack = callback.previous;
	return unconstify(char *, claims.who.session);
}

static bool
contains_node(Node *node, void *wanted)
{
	return node == wanted || expression_tree_walker(node, contains_node, wanted);
}

/*
 * Whether the client's own query makes the call, in its select list: there is no
 * function, DO block or EXECUTE around it.
 */
static bool
is_direct(FunctionCallInfo fcinfo)
{
	ListCell   *lc;

	if (ActivePortal == NULL || ActivePortal->queryDesc == NULL || fcinfo->flinfo->fn_expr == NULL)
		return false;
	foreach(lc, ActivePortal->queryDesc->plannedstmt->planTree->targetlist)
	{
		if (contains_node((Node *) lfirst_node(TargetEntry, lc)->expr, fcinfo->flinfo->fn_expr))
			return true;
	}
	return false;
}

/*
 * Warns, as SET LOCAL does, that the context is about to end: outside of a
 * transaction block, and nothing around the call could use the session.
 */
static void
warn_if_no_effect(bool direct, const char *function)
{
	if (direct && !IsTransactionBlock())
		ereport(WARNING,
				errcode(ERRCODE_NO_ACTIVE_SQL_TRANSACTION),
				errmsg("%s lasts until the end of the transaction, and there is no transaction block", function),
				errhint("Use BEGIN first, or sessmem.attach(token) to bind the connection, or pass the token to sessmem.recall()."));
}

/*
 * bind(token text) RETURNS text
 *
 * Puts the token's session in force until the transaction ends; returns the
 * session id.  28000: the token is not good.  42501: another session was used.
 */
Datum
sessmem_bind(PG_FUNCTION_ARGS)
{
	bool		direct = is_direct(fcinfo);
	char	   *session = sessmem_context_enter(token_argument(fcinfo), SESSMEM_TRANSACTION, direct);

	warn_if_no_effect(direct, "bind()");
	PG_RETURN_TEXT_P(cstring_to_text(session));
}

/* unbind() RETURNS void: no session for the rest of the transaction. */
Datum
sessmem_unbind(PG_FUNCTION_ARGS)
{
	check_not_impersonated();
	lapsed_in = InvalidLocalTransactionId;
	/* what has not begun yet does not, in this transaction */
	unbound_in = sessmem_compat_lxid();
	set_context("", SESSMEM_TRANSACTION);
	PG_RETURN_VOID();
}

/*
 * attach(token text) RETURNS text
 *
 * As bind(), but until detach(), RESET ALL, DISCARD ALL or the end of the
 * connection; undone by rollback.  42501 also where the administrator has
 * switched this off.
 */
Datum
sessmem_attach(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(sessmem_context_enter(token_argument(fcinfo), SESSMEM_CONNECTION,
															is_direct(fcinfo))));
}

/* detach() RETURNS void: ends attach(), and a bind() too. */
Datum
sessmem_detach(PG_FUNCTION_ARGS)
{
	check_not_impersonated();
	lapsed_in = InvalidLocalTransactionId;
	detached_in = sessmem_compat_lxid();
	sessmem_pooling_forget(is_direct(fcinfo));
	set_context("", SESSMEM_CONNECTION);
	PG_RETURN_VOID();
}

/*
 * assume(session_id text, user_id text, tenant_id text) RETURNS text
 *
 * As bind(), on the caller's word alone.  22023 for an empty id, 22004 for a
 * null session_id.
 */
Datum
sessmem_assume(PG_FUNCTION_ARGS)
{
	SessmemClaims claims = {
		.who = sessmem_claims_arguments(fcinfo, 0),
		.expires = DT_NOEND,
		.issued = sessmem_context_now()
	};
	bool		direct = is_direct(fcinfo);

	for (int i = 0; i < SESSMEM_NKEYS; i++)
	{
		const char *claim = sessmem_claims_get(&claims.who, i);

		if (claim != NULL && claim[0] == '\0')
			ereport(ERROR,
					errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("an id must not be empty"),
					errhint("Pass NULL for a user or tenant that there is not."));
	}
	if (claims.who.session == NULL)
		ereport(ERROR,
				errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("session_id must not be null"));
	enter(&claims, SESSMEM_TRANSACTION, direct);
	warn_if_no_effect(direct, "assume()");
	PG_RETURN_TEXT_P(cstring_to_text(claims.who.session));
}

/* status() RETURNS text: none, bound, ended, expired, revoked or invalid. */
Datum
sessmem_status(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"none", "bound", "ended", "expired", "revoked", "invalid"};

	start_up();
	PG_RETURN_TEXT_P(cstring_to_text(names[judge()]));
}
