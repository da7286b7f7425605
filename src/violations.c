/*
 * violations.c
 *		Violations: what sessmem refused, and reads without a session.
 *
 * Every refusal is raised here, so that none is forgotten: it is counted (stat.c),
 * kept in shared memory, and written to the server's log before the error, which
 * rolls back all else.  save_violations() (extension/violations.sql), which the
 * worker calls, moves what is kept to a table.
 *
 * What is kept says who did what, to which table, and which rule refused it: never
 * a token, a row, or another session's id.
 *
 *	- Each kind has a ring of its own, so that a flood of one does not push out
 *	  another.  What one session does to one table again and again is counted in one
 *	  slot, on whatever connections, so that it does not push out what others did, and
 *	  does not use up their lines of the log.  Else a violation takes the place of the
 *	  oldest; what nobody has saved of that counts as dropped.
 *	- Nobody takes a lock.  A slot's state is odd while somebody writes to it; another
 *	  writer that cannot have it soon drops his own, or takes another one.  A reader
 *	  copies the slot and looks whether its state is still the same.
 *	- What a transaction has brought to the table is taken off a slot's count when it
 *	  commits.  One at a time does that in a database.
 *	- The log has so many lines of a slot in a minute (guc.c); the next line after that
 *	  says how many were left out.  The server's own line of the error is left out with
 *	  it, and never has the statement, which may hold a row or a token.
 *
 * Without preloading there is no shared memory, and the log is all there is.
 */
#include "sessmem.h"

#include "access/xact.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/s_lock.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define NSLOTS 64				/* kept of each kind */
#define NWORKERS 64
#define NSAVERS 1024
#define MAX_SPINS 1000

#define ID_LEN 128				/* what is kept of an id */
#define TEXT_LEN 256			/* and of a message */

typedef struct Violation
{
	/* whose, of what: the same for all that it counts; empty: none */
	Oid			database;
	char		relation[2 * NAMEDATALEN + 8];
	char		role[NAMEDATALEN];
	char		tenant[ID_LEN];
	char		user[ID_LEN];
	char		session[ID_LEN];
	/* from here on, of the last one */
	TimestampTz first_at;
	TimestampTz at;
	int64		count;			/* not saved yet */
	int			pid;
	char		application[NAMEDATALEN];
	char		message[TEXT_LEN];
	char		rule[TEXT_LEN];
} Violation;

/* How much of something is in the log. */
typedef struct LogRate
{
	uint64		minute;
	uint64		lines;			/* wanted in this minute */
	uint64		left_out;		/* since the last line */
} LogRate;

typedef struct Slot
{
	pg_atomic_uint64 state;		/* odd: being written; even: how often it was */
	uint64		occupant;		/* a new number when it is taken by another violation; 0: nobody */
	LogRate		rate;
	Violation	violation;
} Slot;

typedef struct Ring
{
	pg_atomic_uint64 next;
	Slot		slot[NSLOTS];
} Ring;

/* Whom to wake for a database. */
typedef struct WorkerEntry
{
	pg_atomic_uint32 database;
	pg_atomic_uint64 latch;		/* address, 0 for nobody yet; processes share it */
} WorkerEntry;

typedef struct ViolationsArea
{
	Ring		ring[SESSMEM_NKINDS];
	WorkerEntry worker[NWORKERS];
	pg_atomic_uint32 saver[NSAVERS];	/* process that saves, by database */
} ViolationsArea;

static ViolationsArea *area = NULL;

/* Without shared memory, each backend has its own. */
static LogRate own_rate[SESSMEM_NKINDS];

/* The error that is about to be reported must not be in the log. */
static bool quiet = false;
static emit_log_hook_type prev_emit_log = NULL;

/* What the running transaction has brought to the table. */
typedef struct Taken
{
	Slot	   *slot;
	uint64		occupant;
	int64		count;
	SubTransactionId subid;
} Taken;

static List *taken = NIL;		/* in TopTransactionContext */
static bool saving = false;

PG_FUNCTION_INFO_V1(sessmem_recorded_violations);
PG_FUNCTION_INFO_V1(sessmem_take_violations);
PG_FUNCTION_INFO_V1(sessmem_refuse_sql);

/* ---------- shared memory ---------- */

size_t
sessmem_violations_size(void)
{
	return sizeof(ViolationsArea);
}

void
sessmem_violations_attach(void *memory, bool fresh)
{
	area = memory;
	if (!fresh)
		return;
	memset(area, 0, sizeof(ViolationsArea));
	for (int kind = 0; kind < SESSMEM_NKINDS; kind++)
	{
		pg_atomic_init_u64(&area->ring[kind].next, 0);
		for (int i = 0; i < NSLOTS; i++)
			pg_atomic_init_u64(&area->ring[kind].slot[i].state, 0);
	}
	for (int i = 0; i < NSAVERS; i++)
		pg_atomic_init_u32(&area->saver[i], 0);
	for (int i = 0; i < NWORKERS; i++)
	{
		pg_atomic_init_u32(&area->worker[i].database, InvalidOid);
		pg_atomic_init_u64(&area->worker[i].latch, 0);
	}
}

/*
 * Has the calling worker woken for violations in its database.  When it ends, its
 * latch is some other process's, which does not mind.
 */
void
sessmem_violations_wake_me(void)
{
	for (int i = 0; area != NULL && i < NWORKERS; i++)
	{
		WorkerEntry *entry = &area->worker[i];
		uint32		database = InvalidOid;

		if (pg_atomic_compare_exchange_u32(&entry->database, &database, MyDatabaseId) || database == MyDatabaseId)
		{
			pg_atomic_write_u64(&entry->latch, (uint64) (uintptr_t) MyLatch);
			return;
		}
	}
}

static void
wake_worker(void)
{
	for (int i = 0; i < NWORKERS; i++)
	{
		Latch	   *latch;

		if (pg_atomic_read_u32(&area->worker[i].database) != MyDatabaseId)
			continue;
		latch = (Latch *) (uintptr_t) pg_atomic_read_u64(&area->worker[i].latch);
		if (latch != NULL)
			SetLatch(latch);
	}
}

/* ---------- recording ---------- */

static void
clip(char *to, size_t size, const char *from)
{
	int			len = from ? pg_mbcliplen(from, strlen(from), size - 1) : 0;

	if (len > 0)
		memcpy(to, from, len);
	to[len] = '\0';
}

static void
describe(Violation *v, Oid relid, const char *message, const char *rule)
{
	const SessmemIdentity *who = sessmem_context_peek();

	memset(v, 0, sizeof(*v));
	v->first_at = v->at = GetCurrentTimestamp();
	v->count = 1;
	v->database = MyDatabaseId;
	v->pid = MyProcPid;
	if (OidIsValid(relid) && IsTransactionState())
	{
		char	   *name = get_rel_name(relid);

		if (name != NULL)
			clip(v->relation, sizeof(v->relation),
				 quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)), name));
	}
	if (IsTransactionState())
		clip(v->role, sizeof(v->role), GetUserNameFromId(GetOuterUserId(), true));
	if (who != NULL)
	{
		clip(v->tenant, sizeof(v->tenant), who->tenant);
		clip(v->user, sizeof(v->user), who->user);
		clip(v->session, sizeof(v->session), who->session);
	}
	clip(v->application, sizeof(v->application), application_name);
	clip(v->message, sizeof(v->message), message);
	clip(v->rule, sizeof(v->rule), rule);
}

/* Whether the log may have another line, which then says how many it has not. */
static bool
may_log(LogRate *rate, uint64 *left_out)
{
	uint64		minute = (uint64) (GetCurrentTimestamp() / USECS_PER_MINUTE);
	int			limit = sessmem_guc_violation_log_limit();

	if (rate->minute != minute)
		rate->lines = 0;
	rate->minute = minute;
	if (limit < 0 || rate->lines++ < (uint64) limit)
	{
		*left_out = rate->left_out;
		rate->left_out = 0;
		return true;
	}
	rate->left_out++;
	return false;
}

static bool
same_violation(const Violation *a, const Violation *b)
{
	return memcmp(a, b, offsetof(Violation, first_at)) == 0;
}

/* Begins to write to a slot, unless others keep at it. */
static bool
open_slot(Slot *slot, uint64 *state)
{
	for (int i = 0; i < MAX_SPINS; i++)
	{
		*state = pg_atomic_read_u64(&slot->state);
		if (*state % 2 == 0 && pg_atomic_compare_exchange_u64(&slot->state, state, *state + 1))
			return true;
		pg_spin_delay();
	}
	return false;
}

static void
close_slot(Slot *slot, uint64 state)
{
	pg_write_barrier();
	pg_atomic_write_u64(&slot->state, state + 2);
}

/* Opens the slot that counts such violations, the newest first; NULL if there is none. */
static Slot *
open_same(Ring *ring, const Violation *v, uint64 *state)
{
	uint64		next = pg_atomic_read_u64(&ring->next);

	for (uint64 i = 1; i <= NSLOTS && i <= next; i++)
	{
		Slot	   *slot = &ring->slot[(next - i) % NSLOTS];

		if (!same_violation(&slot->violation, v) || !open_slot(slot, state))
			continue;
		if (slot->occupant != 0 && same_violation(&slot->violation, v))
			return slot;
		close_slot(slot, *state);
	}
	return NULL;
}

/* Keeps a violation in shared memory, if it can, and says whether the log may have it. */
static bool
keep(SessmemEvent kind, Violation *v, bool *log, uint64 *left_out)
{
	Ring	   *ring = &area->ring[kind];
	uint64		state;
	Slot	   *slot = open_same(ring, v, &state);

	if (slot != NULL)
	{
		if (slot->violation.count > 0)
			v->first_at = slot->violation.first_at;
		v->count += slot->violation.count;
	}
	else
	{
		uint64		number = pg_atomic_fetch_add_u64(&ring->next, 1);

		slot = &ring->slot[number % NSLOTS];
		if (!open_slot(slot, &state))
		{
			sessmem_stat_count(SESSMEM_DROPPED, InvalidOid);
			return false;
		}
		if (slot->violation.count > 0)
			sessmem_stat_count_for(SESSMEM_DROPPED, slot->violation.database, slot->violation.count);
		slot->occupant = number + 1;
		memset(&slot->rate, 0, sizeof(slot->rate));
	}
	slot->violation = *v;
	*log = may_log(&slot->rate, left_out);
	close_slot(slot, state);
	wake_worker();
	return true;
}

static void
add_member(StringInfo json, const char *name, const char *value)
{
	if (value[0] == '\0')
		return;
	appendStringInfo(json, ", \"%s\": ", name);
	escape_json(json, value);
}

static void
log_violation(SessmemEvent kind, const Violation *v, uint64 left_out)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfo(&json, "{\"kind\": \"%s\"", sessmem_stat_name(kind));
	add_member(&json, "relation", v->relation);
	add_member(&json, "role", v->role);
	add_member(&json, "tenant", v->tenant);
	add_member(&json, "user", v->user);
	add_member(&json, "session", v->session);
	add_member(&json, "application", v->application);
	add_member(&json, "message", v->message);
	add_member(&json, "rule", v->rule);
	if (left_out > 0)
		appendStringInfo(&json, ", \"suppressed\": " UINT64_FORMAT, left_out);
	appendStringInfoChar(&json, '}');

	ereport(LOG_SERVER_ONLY,
			errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			errmsg("sessmem violation: %s", sessmem_stat_name(kind)),
			errdetail_internal("%s", json.data),
			errhidestmt(true), errhidecontext(true));
	pfree(json.data);
}

/* Counts, keeps and logs a violation; returns whether the log has it. */
static bool
record(SessmemEvent kind, Oid relid, const char *message, const char *rule)
{
	Violation	v;
	bool		log;
	uint64		left_out;

	sessmem_stat_count(kind, relid);
	describe(&v, relid, message, rule);
	/* what is kept nowhere else is at least logged, as this connection may */
	if (area == NULL || !keep(kind, &v, &log, &left_out))
		log = may_log(&own_rate[kind], &left_out);
	if (log)
		log_violation(kind, &v, left_out);
	return log;
}

/* ---------- refusing ---------- */

/*
 * Leaves the lines of refusals out that the log has enough of, also when they come
 * from a parallel worker; and from all lines, of whatever error, the statement, if it
 * holds what looks like a JWT.
 */
static void
emit_log(ErrorData *edata)
{
	if (edata->elevel == ERROR && edata->funcname != NULL && strcmp(edata->funcname, "raise_refusal") == 0 &&
		edata->filename != NULL && strcmp(edata->filename, "violations.c") == 0)
	{
		edata->hide_stmt = edata->hide_ctx = true;
		if (quiet)
			edata->output_to_server = false;
	}
	if (debug_query_string != NULL && strstr(debug_query_string, "eyJ") != NULL)
		edata->hide_stmt = edata->hide_ctx = true;
	if (prev_emit_log)
		prev_emit_log(edata);
}

pg_noreturn static void raise_refusal(int sqlstate, const char *message, const char *rule, const char *hint);

static void
raise_refusal(int sqlstate, const char *message, const char *rule, const char *hint)
{
	ereport(ERROR,
			errcode(sqlstate),
			errmsg_internal("%s", message),
			errdetail_internal("%s", rule),
			errhint("%s", hint),
			errhidestmt(true), errhidecontext(true));
	pg_unreachable();
}

/*
 * Refuses something, with 42501: message says what, of which table (or InvalidOid),
 * rule why, hint what to do.
 */
void
sessmem_refuse(SessmemEvent kind, Oid relid, const char *message, const char *rule, const char *hint)
{
	quiet = !record(kind, relid, message, rule);
	raise_refusal(ERRCODE_INSUFFICIENT_PRIVILEGE, message, rule, hint);
}

/* Refuses a credential, with 28000. */
void
sessmem_refuse_credential(SessmemEvent kind, const char *message, const char *rule, const char *hint)
{
	quiet = !record(kind, InvalidOid, message, rule);
	raise_refusal(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, message, rule, hint);
}

/* Records that a protected table was read without a session, and raises 42501 if that is wanted. */
void
sessmem_violations_unscoped(Oid relid)
{
	SessmemEvent kind = SESSMEM_UNSCOPED_READ;
	const char *why = sessmem_context_why(&kind);
	char	   *message = psprintf("no rows of protected table \"%s\" without a session", get_rel_name(relid));

	switch (sessmem_guc_unscoped_reads())
	{
		case SESSMEM_UNSCOPED_ERROR:
			sessmem_refuse(kind, relid, message, why,
						   "Call sessmem.bind(token) in this transaction first. sessmem.unscoped_reads = 'count' returns no rows instead.");
			break;
		case SESSMEM_UNSCOPED_NOTICE:
			(void) record(kind, relid, message, why);
			ereport(NOTICE,
					errmsg_internal("%s", message),
					errdetail_internal("%s", why),
					errhint("Call sessmem.bind(token) in this transaction first."));
			break;
		default:
			(void) record(kind, relid, message, why);
			break;
	}
	pfree(message);
}

/* What is in the table now is taken off the slot. */
static void
give_back(Taken *t)
{
	uint64		state;

	/* better twice in the table than not at all */
	if (!open_slot(t->slot, &state))
		return;
	if (t->slot->occupant == t->occupant)
	{
		t->slot->violation.count -= t->count;
		t->slot->violation.first_at = t->slot->violation.at;
	}
	else
		/* whoever took its place counted it as dropped */
		sessmem_stat_count_for(SESSMEM_DROPPED, MyDatabaseId, (uint64) -t->count);
	close_slot(t->slot, state);
}

static void
on_transaction(XactEvent event, void *arg)
{
	ListCell   *lc;

	if (saving && event == XACT_EVENT_PRE_PREPARE)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("cannot PREPARE a transaction that has saved violations"));
	if (!saving || (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT))
		return;
	if (event == XACT_EVENT_COMMIT)
	{
		foreach(lc, taken)
			give_back(lfirst(lc));
	}
	taken = NIL;
	saving = false;
	pg_atomic_write_u32(&area->saver[MyDatabaseId % NSAVERS], 0);
}

static void
on_subtransaction(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	ListCell   *lc;

	foreach(lc, taken)
	{
		Taken	   *t = lfirst(lc);

		if (t->subid != mine)
			continue;
		if (event == SUBXACT_EVENT_COMMIT_SUB)
			t->subid = parent;
		else if (event == SUBXACT_EVENT_ABORT_SUB)
			taken = foreach_delete_current(taken, lc);
	}
}

void
sessmem_violations_init(void)
{
	RegisterXactCallback(on_transaction, NULL);
	RegisterSubXactCallback(on_subtransaction, NULL);
	prev_emit_log = emit_log_hook;
	emit_log_hook = emit_log;
}

/* ---------- SQL ---------- */

/* A text of the result, NULL if it is empty. */
static void
put_text(Datum *value, bool *isnull, const char *text)
{
	*isnull = text[0] == '\0';
	*value = *isnull ? (Datum) 0 : CStringGetTextDatum(text);
}

/* Copies a violation of this database that is not saved; false if there is none. */
static bool
read_slot(Slot *slot, Violation *v, uint64 *occupant)
{
	uint64		state = pg_atomic_read_u64(&slot->state);

	pg_read_barrier();
	*v = slot->violation;
	*occupant = slot->occupant;
	pg_read_barrier();
	return state % 2 == 0 && pg_atomic_read_u64(&slot->state) == state &&
		v->database == MyDatabaseId && v->count > 0;
}

/* Whether shared memory has violations of this database. */
bool
sessmem_violations_any(void)
{
	Violation	v;
	uint64		occupant;

	for (int i = 0; area != NULL && i < SESSMEM_NKINDS * NSLOTS; i++)
	{
		if (read_slot(&area->ring[i / NSLOTS].slot[i % NSLOTS], &v, &occupant))
			return true;
	}
	return false;
}

/* Whether this transaction is the one that saves. */
static bool
may_save(void)
{
	uint32		nobody = 0;

	if (!saving && area != NULL)
		saving = pg_atomic_compare_exchange_u32(&area->saver[MyDatabaseId % NSAVERS], &nobody, MyProcPid);
	return saving;
}

static bool
is_taken(Slot *slot, uint64 occupant)
{
	ListCell   *lc;

	foreach(lc, taken)
	{
		Taken	   *t = lfirst(lc);

		if (t->slot == slot && t->occupant == occupant)
			return true;
	}
	return false;
}

static void
take(Slot *slot, uint64 occupant, int64 count)
{
	MemoryContext oldcxt = MemoryContextSwitchTo(TopTransactionContext);
	Taken	   *t = palloc(sizeof(Taken));

	t->slot = slot;
	t->occupant = occupant;
	t->count = count;
	t->subid = GetCurrentSubTransactionId();
	taken = lappend(taken, t);
	MemoryContextSwitchTo(oldcxt);
}

static Datum
list_violations(FunctionCallInfo fcinfo, bool taking)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	if (taking && !may_save())
		return (Datum) 0;
	for (int i = 0; area != NULL && i < SESSMEM_NKINDS * NSLOTS; i++)
	{
		SessmemEvent kind = i / NSLOTS;
		Slot	   *slot = &area->ring[kind].slot[i % NSLOTS];
		uint64		occupant;
		Violation	v;
		Datum		values[13];
		bool		nulls[13] = {false};

		if (!read_slot(slot, &v, &occupant) || (taking && is_taken(slot, occupant)))
			continue;
		values[0] = TimestampTzGetDatum(v.first_at);
		values[1] = TimestampTzGetDatum(v.at);
		values[2] = CStringGetTextDatum(sessmem_stat_name(kind));
		put_text(&values[3], &nulls[3], v.relation);
		put_text(&values[4], &nulls[4], v.role);
		put_text(&values[5], &nulls[5], v.tenant);
		put_text(&values[6], &nulls[6], v.user);
		put_text(&values[7], &nulls[7], v.session);
		put_text(&values[8], &nulls[8], v.application);
		values[9] = Int32GetDatum(v.pid);
		put_text(&values[10], &nulls[10], v.message);
		put_text(&values[11], &nulls[11], v.rule);
		values[12] = Int64GetDatum(v.count);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		if (taking)
			take(slot, occupant, v.count);
	}
	return (Datum) 0;
}

/*
 * recorded_violations() RETURNS SETOF record (first_at, at timestamptz, kind, relation,
 * role, tenant_id, user_id, session_id, application_name text, pid integer, message, rule
 * text, count bigint)
 *
 * Violations in this database that are only in shared memory.
 */
Datum
sessmem_recorded_violations(PG_FUNCTION_ARGS)
{
	return list_violations(fcinfo, false);
}

/* take_violations(): the same, which are forgotten when the transaction commits. */
Datum
sessmem_take_violations(PG_FUNCTION_ARGS)
{
	return list_violations(fcinfo, true);
}

/*
 * refuse(kind text, relation oid, message text, rule text, hint text) RETURNS void
 *
 * Refuses something, with 42501.
 */
Datum
sessmem_refuse_sql(PG_FUNCTION_ARGS)
{
	sessmem_refuse(sessmem_stat_event(text_to_cstring(PG_GETARG_TEXT_PP(0))),
				   PG_GETARG_OID(1),
				   text_to_cstring(PG_GETARG_TEXT_PP(2)),
				   text_to_cstring(PG_GETARG_TEXT_PP(3)),
				   text_to_cstring(PG_GETARG_TEXT_PP(4)));
}
