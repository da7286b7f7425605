/*
 * sessmem.h
 *		The map of sessmem: one section per source file, and only what crosses
 *		files.  Everything else is static, but for the little that session.c and
 *		commit.c share (session.h).
 *
 * The words used here (session, token, context, guard) are those of
 * docs/architecture.md.
 */
#ifndef SESSMEM_H
#define SESSMEM_H

#include "postgres.h"

#include "catalog/objectaccess.h"
#include "datatype/timestamp.h"
#include "fmgr.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "utils/guc.h"
#include "utils/relcache.h"

#include "compat.h"

/* The schema of the extension; the control file pins it. */
#define SESSMEM_SCHEMA "sessmem"

/*
 * Who a context speaks for.  A claim that the token does not carry is NULL;
 * an empty string never gets this far.
 */
typedef struct SessmemIdentity
{
	const char *session;		/* never NULL in a valid identity */
	const char *user;
	const char *tenant;
} SessmemIdentity;

/* What a verified token (or assume()) grants. */
typedef struct SessmemClaims
{
	SessmemIdentity who;
	TimestampTz expires;		/* DT_NOEND: does not expire */
	TimestampTz issued;			/* DT_NOBEGIN: the token does not say */
	bool		own;			/* open_session() made the token */
	uint64		cleared;		/* revocations that it was compared with */
	const char *kid;			/* key that vouched for it; NULL for assume() */
} SessmemClaims;

/* ---------- guc.c: settings ---------- */

extern void sessmem_guc_init(void);
extern const char *sessmem_guc_audience(void);
extern bool sessmem_guc_allow_attach(void);
extern const char *sessmem_guc_maintenance(void);
extern bool sessmem_guc_explain_analyze(void);
extern int	sessmem_guc_retention(void);
extern int	sessmem_guc_sweep_interval(void);
extern List *sessmem_guc_worker_databases(void);

typedef enum SessmemUnscoped
{
	SESSMEM_UNSCOPED_COUNT,
	SESSMEM_UNSCOPED_NOTICE,
	SESSMEM_UNSCOPED_ERROR
} SessmemUnscoped;

extern SessmemUnscoped sessmem_guc_unscoped_reads(void);
extern int	sessmem_guc_violation_log_limit(void);
extern int	sessmem_guc_violation_retention(void);

/* ---------- shmem.c: shared memory ---------- */

extern void sessmem_shmem_init(void);

/* ---------- stat.c: counters ---------- */

/* The kinds of violations come first. */
typedef enum SessmemEvent
{
	SESSMEM_UNTAGGED_WRITE,		/* a row without a session */
	SESSMEM_FOREIGN_WRITE,		/* somebody else's row */
	SESSMEM_MOVED_ROW,			/* a row on its way to another session */
	SESSMEM_FORGED_TOKEN,		/* a token or context that nobody signed here */
	SESSMEM_EXPIRED_TOKEN,		/* outside of its time; or its session has ended */
	SESSMEM_REVOKED_TOKEN,		/* revoked, or its session is forgotten */
	SESSMEM_FOREIGN_TOKEN,		/* for another database, role, or owner of the session */
	SESSMEM_NO_SESSION,			/* what needs a session, without one */
	SESSMEM_SECOND_BIND,		/* a second session in a transaction */
	SESSMEM_BYPASS_ATTEMPT,		/* a way around row security, or out of the session */
	SESSMEM_WEAKENING_DDL,		/* DDL that opens a protected table */
	SESSMEM_UNSCOPED_READ,		/* a read without a session, which found nothing */
	SESSMEM_NKINDS,

	SESSMEM_GUARDED_WRITE = SESSMEM_NKINDS,	/* a row that the guard let pass */
	SESSMEM_BIND,
	SESSMEM_ATTACH,
	SESSMEM_EXPIRATION,			/* a session that ran out while it was bound */
	SESSMEM_DROPPED,			/* violations that are counted, and not kept */
	SESSMEM_NEVENTS
} SessmemEvent;

extern size_t sessmem_stat_size(void);
extern void sessmem_stat_attach(void *memory, bool fresh);
extern void sessmem_stat_init(void);
extern const char *sessmem_stat_name(SessmemEvent event);
extern SessmemEvent sessmem_stat_event(const char *name);
extern void sessmem_stat_count(SessmemEvent event, Oid relid);
extern void sessmem_stat_count_for(SessmemEvent event, Oid database, uint64 n);
extern void sessmem_stat_guarded(Oid relid);

/* ---------- violations.c: what is refused, and who is told ---------- */

extern size_t sessmem_violations_size(void);
extern void sessmem_violations_attach(void *memory, bool fresh);
extern void sessmem_violations_init(void);
extern void sessmem_violations_wake_me(void);
extern bool sessmem_violations_any(void);
extern void sessmem_violations_unscoped(Oid relid);
pg_noreturn extern void sessmem_refuse(SessmemEvent kind, Oid relid, const char *message,
									   const char *rule, const char *hint);
pg_noreturn extern void sessmem_refuse_credential(SessmemEvent kind, const char *message,
												  const char *rule, const char *hint);

/* ---------- keyring.c: secrets, and all that is computed with one ---------- */

#define SESSMEM_MAC_LEN 32		/* HMAC-SHA-256 */

typedef enum SessmemAlgorithm
{
	SESSMEM_HS256,
	SESSMEM_EDDSA,
	SESSMEM_ES256,
	SESSMEM_RS256
} SessmemAlgorithm;

typedef struct SessmemKey SessmemKey;

extern void sessmem_keyring_init(void);
extern uint64 sessmem_keyring_generation(void);
extern const SessmemKey *sessmem_keyring_find(const char *kid);
extern const SessmemKey *sessmem_keyring_signer(void);
extern const char *sessmem_keyring_kid(const SessmemKey *key);
extern const char *sessmem_keyring_algorithm(const SessmemKey *key);
extern bool sessmem_keyring_verify(const SessmemKey *key,
								   const char *data, size_t len,
								   const unsigned char *sig, size_t siglen);
extern void sessmem_keyring_sign(const SessmemKey *key,
								 const char *data, size_t len,
								 unsigned char *mac);
extern void sessmem_keyring_digest(const char *data, size_t len,
								   unsigned char *digest);
extern void sessmem_keyring_seal(const char *data, size_t len,
								 unsigned char *mac);
extern bool sessmem_keyring_unseal(const char *data, size_t len,
								   const unsigned char *mac);

/* ---------- token.c: which tokens are good ---------- */

#define SESSMEM_TOKEN_MAX_LEN 8192

/* The "iss" of our own tokens: their sessions must be in the registry. */
#define SESSMEM_ISSUER "sessmem"

/* How much the clock of another issuer may differ from ours. */
#define SESSMEM_CLOCK_SKEW (30 * USECS_PER_SEC)

/* A NumericDate counts seconds from 1970; beyond the year 9999 it is nonsense. */
#define SESSMEM_UNIX_EPOCH \
	((POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * (double) SECS_PER_DAY)
#define SESSMEM_NUMERIC_DATE_MAX 253402300799.0

extern void sessmem_token_verify(const char *token, size_t len,
								 SessmemClaims *claims);

/* ---------- session.c: which sessions exist, and whether they live ---------- */

/* What the registry answered when it was last asked about a session. */
typedef struct SessmemStanding
{
	uint64		asked;			/* the registry's generation then; 0: never */
	uint64		cleared;		/* generation in which the token was not revoked */
	TimestampTz asked_at;		/* start of the statement that asked */
	bool		recorded;
	bool		refused;		/* not recorded and ours, or somebody else's */
	bool		ended;
	bool		revoked;
	TimestampTz last_used;		/* as recorded */
	TimestampTz seen;			/* last use in this backend */
	TimestampTz expires;		/* by the registry */
	int64		idle;			/* idle timeout in microseconds; 0: none */
	int64		lifetime;		/* what the issuer gave it, likewise */
} SessmemStanding;

typedef enum SessmemStatus
{
	SESSMEM_NONE,				/* nobody bound anything */
	SESSMEM_BOUND,				/* a session is in force */
	SESSMEM_ENDED,				/* the same, but it has been closed: for reading */
	SESSMEM_EXPIRED,			/* it was, until it or its token ran out */
	SESSMEM_REVOKED,			/* it was, until it was revoked or forgotten */
	SESSMEM_INVALID				/* somebody set sessmem.context by hand */
} SessmemStatus;

extern void sessmem_session_init(void);
extern uint64 sessmem_session_generation(void);
extern uint64 sessmem_session_revocations(void);
extern bool sessmem_session_revoked(const SessmemClaims *claims, uint64 *as_of);
extern void sessmem_session_admit(const SessmemClaims *claims, SessmemStanding *standing);
extern SessmemStatus sessmem_session_status(const SessmemClaims *claims, SessmemStanding *standing,
											uint64 as_of, uint64 revocations_as_of);

/* ---------- commit.c: what a session may commit, and what is written of it ---------- */

extern void sessmem_commit_init(void);
extern void sessmem_commit_renew(TimestampTz expires);
extern bool sessmem_commit_closing(void);
extern void sessmem_commit_check(const SessmemClaims *claims, SessmemStanding *standing,
								 bool wrote);

/* ---------- seal.c: the sealed form of a context ---------- */

typedef enum SessmemVerdict
{
	SESSMEM_UNVERIFIED,
	SESSMEM_GENUINE,
	SESSMEM_BOGUS
} SessmemVerdict;

/* A parsed value of sessmem.context.  One chunk, owned by the setting. */
typedef struct SessmemSeal
{
	uint64		serial;			/* tells it from every other one */
	SessmemVerdict verdict;
	uint64		keyring;		/* generation of the keyring the verdict holds for */
	bool		connection_scope;
	int			pid;
	TimestampTz backend_start;
	TimestampTz xact_start;
	LocalTransactionId set_in;	/* transaction that set the value */
	LocalTransactionId used_in; /* transaction that may use it; context.c's */
	bool		expired;		/* counted as such; context.c's */
	SessmemClaims claims;		/* point into text */
	SessmemStanding standing;	/* context.c's */
	size_t		sealed_len;		/* what the MAC covers */
	unsigned char mac[SESSMEM_MAC_LEN];
	char	   *sealed;			/* the value itself, for the MAC */
	char	   *text;			/* a copy cut into NUL-terminated claims */
} SessmemSeal;

extern bool sessmem_seal_check(char **newval, void **extra, GucSource source);
extern char *sessmem_seal_make(const SessmemClaims *claims, bool connection_scope);
extern bool sessmem_seal_genuine(SessmemSeal *seal);
extern void sessmem_seal_vouch(SessmemSeal *seal, const char *value, uint64 keyring);

/* ---------- context.c: whose session is in force ---------- */

/* How long a context lasts. */
typedef enum SessmemScope
{
	SESSMEM_STATEMENT,			/* until the caller pops its GUC nest level */
	SESSMEM_TRANSACTION,		/* bind(), assume() */
	SESSMEM_CONNECTION			/* attach(), startup packet */
} SessmemScope;

extern void sessmem_context_init(void);
extern const SessmemIdentity *sessmem_context_current(void);
extern bool sessmem_context_attached(void);
extern uint64 sessmem_context_serial(void);
extern const SessmemIdentity *sessmem_context_used(void);
extern bool sessmem_context_in_force(void);
extern bool sessmem_context_ended(void);
extern const SessmemClaims *sessmem_context_claims(const SessmemStanding **standing);
extern void sessmem_context_wrote(void);
extern void sessmem_context_impersonate(const SessmemIdentity *who);
extern bool sessmem_context_impersonated(void);
extern TimestampTz sessmem_context_now(void);
extern char *sessmem_context_enter(text *token, SessmemScope scope, bool direct);
extern void sessmem_context_settle(void);
extern void sessmem_context_hand_over(void);
extern void sessmem_context_forget_startup(void);
extern const SessmemIdentity *sessmem_context_peek(void);
extern const char *sessmem_context_why(SessmemEvent *kind);
pg_noreturn extern void sessmem_context_required(SessmemEvent kind, Oid relid, const char *refused);
extern void sessmem_context_throw_away(const SessmemIdentity *who);
extern void sessmem_context_thrown_away(void);
extern bool sessmem_context_proving(void);

/* hooks of the settings that context.c owns */
extern void sessmem_context_assign(const char *newval, void *extra);
extern bool sessmem_context_token_check(char **newval, void **extra, GucSource source);
extern void sessmem_context_token_assign(const char *newval, void *extra);
extern const char *sessmem_context_show_masked(void);

/* ---------- claims.c: the claims in force, as SQL sees them ---------- */

#define SESSMEM_NKEYS 3			/* session, user, tenant; in this order */

extern const char *sessmem_claims_get(const SessmemIdentity *who, int key);
extern char *sessmem_claims_name(const SessmemIdentity *who, int first);
extern bool sessmem_claims_equal(const char *a, const char *b);
extern bool sessmem_claims_same(const SessmemIdentity *a, const SessmemIdentity *b);
extern SessmemIdentity sessmem_claims_arguments(FunctionCallInfo fcinfo, int first);
extern bool sessmem_claims_match(Oid type, Datum a, Datum b);
extern bool sessmem_claims_key(const char *claim, Oid type, Datum *key);
extern const char *sessmem_claims_show_session(void);
extern const char *sessmem_claims_show_user(void);
extern const char *sessmem_claims_show_tenant(void);

/* ---------- pooling.c: what a backend must forget between sessions ---------- */

extern void sessmem_pooling_init(void);
extern void sessmem_pooling_switch(const SessmemIdentity *who, bool direct);
extern void sessmem_pooling_own(const SessmemIdentity *who);
extern void sessmem_pooling_unbound(void);
extern void sessmem_pooling_path(GucAction action);
extern void sessmem_pooling_forget(bool direct);
extern void sessmem_pooling_dirty(void);
extern void sessmem_pooling_executing(int change);
extern void sessmem_pooling_check_prepare(const char *name);
extern List *sessmem_pooling_before_deallocate(const char *name);
extern void sessmem_pooling_after_deallocate(List *names);

/* ---------- registry.c: which tables are protected, and by which columns ---------- */

typedef struct SessmemTable
{
	Oid			relid;
	bool		current;		/* nothing was announced since this was read */
	bool		protected;
	bool		checked;		/* not while a dump is being restored */
	bool		exposed;		/* can be read through a parent that is not protected */
	bool		floored;		/* access.c's: the catalog has the policy that it must */
	AttrNumber	attnum[SESSMEM_NKEYS];	/* 0: not mapped */
} SessmemTable;

extern SessmemTable *sessmem_registry_find(Oid relid);
extern bool sessmem_registry_any(void);
extern Oid	sessmem_registry_relid(void);
extern Oid	sessmem_registry_table(const char *name);
extern Oid	sessmem_registry_function(char *name, int nargs, const Oid *argtypes);
extern bool sessmem_registry_may_execute(Oid role, char *name);
extern bool sessmem_registry_tells_apart(bool by_user, bool by_tenant);

/* ---------- maintenance.c: the way past, for administrators ---------- */

extern bool sessmem_maintenance_in_force(void);
extern bool sessmem_maintenance_pass(void);
extern bool sessmem_maintenance_pass_ddl(void);

/* ---------- policy.c: what protect() does as the owner of a table ---------- */

extern Oid	sessmem_policy_owner(Oid relid);
extern bool sessmem_policy_deriving(Oid relid);

/* ---------- ddl.c: what DDL may compute over the rows of a protected table ---------- */

extern void sessmem_ddl_written(ObjectAccessType access, Oid class, Oid object, int sub, Oid auxiliary);

/* ---------- access.c: which plans may reach a protected table ---------- */

extern void sessmem_access_init(void);
extern void sessmem_access_start(QueryDesc *queryDesc, int eflags, ExecutorStart_hook_type start);
extern void sessmem_access_finish(QueryDesc *queryDesc, ExecutorFinish_hook_type finish);
extern void sessmem_access_run(SESSMEM_EXECUTOR_RUN_PARAMS, ExecutorRun_hook_type run);

/* ---------- recall.c: retrieval ---------- */

extern void sessmem_recall_init(void);

/* ---------- worker.c: the background worker that sweeps, and saves violations ---------- */

extern void sessmem_worker_init(void);

/* ---------- enforce.c: hooks into the server ---------- */

extern void sessmem_enforce_init(void);
extern Node *sessmem_enforce_utility_command(void);
extern Oid	sessmem_enforce_utility_user(void);

#endif							/* SESSMEM_H */
