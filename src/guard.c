/*
 * guard.c
 *		The guard: write triggers of a protected table.
 *
 * The guard holds alone.  It trusts neither the policies nor the defaults nor
 * the constraints, and makes no exception for owners, superusers or roles with
 * BYPASSRLS: whoever writes a row needs its session, or, without any, to be in
 * maintenance (maintenance.c).  It fires for foreign-key cascades and under
 * session_replication_role, too (ENABLE ALWAYS).
 *
 *	operation	old key		new key			answer			case in sql/guard.sql
 *	any			any			any, no session	42501			no session
 *	any			any			the same, in
 *							maintenance		accepted		maintenance
 *	any			any			no value of the
 *							context fits	42501			unsuitable context
 *	any			any			any, the session
 *							has ended		42501			(session.sql)
 *	INSERT		-			left out		filled in (*)	left out
 *	INSERT		-			own				accepted		own key
 *	INSERT		-			NULL or ''		42501			null key, empty key
 *	INSERT		-			another's		42501			foreign key
 *	UPDATE		own			own				accepted		own row
 *	UPDATE		own			another's, NULL	42501			moving a row
 *	UPDATE		another's	any				42501			foreign row
 *	DELETE		own			-				accepted		own row
 *	DELETE		another's	-				42501			foreign row
 *	TRUNCATE	-			-				42501			truncate
 *	the same, in maintenance				accepted		truncate
 *
 * (*) by the column's default, before the guard sees the row; without the
 * default the key is NULL and the row is refused.
 *
 * With several key columns each must match.  The trigger's arguments name the
 * key columns in the order session, user, tenant, '' for one that is not
 * mapped.  If a name is not a column any more, every write is refused.
 *
 * The guard is named so that it fires after other BEFORE triggers and has the
 * last word on the key.  For one that is named to come later still, the
 * policies' check is what is left.
 */
#include "sessmem.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* What the guard knows for the length of one statement. */
typedef struct GuardKey
{
	AttrNumber	attnum;			/* 0: not mapped */
	Oid			type;
	Datum		value;			/* what the context demands */
} GuardKey;

typedef struct Guard
{
	uint64		context;		/* serial of the context the values are of */
	MemoryContext cxt;			/* holds the values */
	GuardKey	key[SESSMEM_NKEYS];
} Guard;

PG_FUNCTION_INFO_V1(sessmem_guard);
PG_FUNCTION_INFO_V1(sessmem_guard_truncate);
PG_FUNCTION_INFO_V1(sessmem_agrees);

static const char *
operation(TriggerEvent event)
{
	if (TRIGGER_FIRED_BY_INSERT(event))
		return "insert into";
	if (TRIGGER_FIRED_BY_UPDATE(event))
		return "update";
	if (TRIGGER_FIRED_BY_DELETE(event))
		return "delete from";
	return "truncate";
}

/* What is refused. */
static char *
the_write(TriggerData *trigdata)
{
	return psprintf("cannot %s protected table \"%s\"", operation(trigdata->tg_event),
					RelationGetRelationName(trigdata->tg_relation));
}

/* Raises 42501 for a write; the detail is the rule, never a value. */
pg_noreturn static void refuse_write(TriggerData *trigdata, SessmemEvent kind, const char *detail, const char *hint);

static void
refuse_write(TriggerData *trigdata, SessmemEvent kind, const char *detail, const char *hint)
{
	sessmem_refuse(kind, RelationGetRelid(trigdata->tg_relation), the_write(trigdata), detail, hint);
}

static Guard *
make_guard(TriggerData *trigdata, FmgrInfo *flinfo)
{
	Guard	   *guard = MemoryContextAllocZero(flinfo->fn_mcxt, sizeof(Guard));
	Trigger    *trigger = trigdata->tg_trigger;
	TupleDesc	desc = RelationGetDescr(trigdata->tg_relation);
	bool		any = false;

	for (int i = 0; i < SESSMEM_NKEYS && i < trigger->tgnargs; i++)
	{
		int			attnum;

		if (trigger->tgargs[i][0] == '\0')
			continue;
		attnum = SPI_fnumber(desc, trigger->tgargs[i]);
		if (attnum <= 0)
			refuse_write(trigdata, SESSMEM_BYPASS_ATTEMPT, "The guard names a key column that does not exist.",
						 "Call sessmem.protect() on the table again.");
		guard->key[i].attnum = attnum;
		guard->key[i].type = TupleDescAttr(desc, attnum - 1)->atttypid;
		any = true;
	}
	if (!any)
		refuse_write(trigdata, SESSMEM_BYPASS_ATTEMPT, "The guard names no key column.",
					 "Call sessmem.protect() on the table again.");
	guard->cxt = AllocSetContextCreate(flinfo->fn_mcxt, "sessmem guard",
									   ALLOCSET_SMALL_SIZES);
	return guard;
}

/* Computes what the context demands of each key column. */
static void
demand_keys(Guard *guard, TriggerData *trigdata, const SessmemIdentity *who)
{
	static const char *const what[] = {"session", "user", "tenant"};
	MemoryContext oldcxt;

	guard->context = 0;
	MemoryContextReset(guard->cxt);
	oldcxt = MemoryContextSwitchTo(guard->cxt);
	for (int i = 0; i < SESSMEM_NKEYS; i++)
	{
		const char *claim = sessmem_claims_get(who, i);

		if (guard->key[i].attnum == 0)
			continue;
		if (claim == NULL)
			refuse_write(trigdata, SESSMEM_UNTAGGED_WRITE,
						 psprintf("The table has a %s key, and the session in force names no %s.",
								  what[i], what[i]),
						 "Use a token that names it.");
		if (!sessmem_claims_key(claim, guard->key[i].type, &guard->key[i].value))
			refuse_write(trigdata, SESSMEM_UNTAGGED_WRITE,
						 psprintf("The %s id in force has no canonical form in the key column's type.",
								  what[i]),
						 "Use ids in the form that the type prints, such as lower-case UUIDs.");
	}
	MemoryContextSwitchTo(oldcxt);
	guard->context = sessmem_context_serial();
}

static bool
key_empty(const GuardKey *key, Datum value)
{
	return (key->type == TEXTOID || key->type == VARCHAROID) &&
		VARSIZE_ANY_EXHDR(DatumGetTextPP(value)) == 0;
}

/* Refuses a row version that is not the session's. */
static void
check_row(const Guard *guard, TriggerData *trigdata, HeapTuple tup, bool is_new)
{
	TupleDesc	desc = RelationGetDescr(trigdata->tg_relation);

	for (int i = 0; i < SESSMEM_NKEYS; i++)
	{
		const GuardKey *key = &guard->key[i];
		bool		isnull;
		Datum		value;

		if (key->attnum == 0)
			continue;
		value = heap_getattr(tup, key->attnum, desc, &isnull);
		if (is_new && (isnull || key_empty(key, value)))
			refuse_write(trigdata, SESSMEM_UNTAGGED_WRITE,
						 psprintf("The key column \"%s\" is null or empty.",
								  NameStr(TupleDescAttr(desc, key->attnum - 1)->attname)),
						 "Leave the column out, and the session in force fills it in.");
		if (isnull || !sessmem_claims_match(key->type, value, key->value))
			refuse_write(trigdata,
						 is_new && TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) ? SESSMEM_MOVED_ROW : SESSMEM_FOREIGN_WRITE,
						 is_new && TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) ?
						 "A row cannot be moved to another session." :
						 is_new ? "The row's key is not that of the session in force." :
						 "The row belongs to another session.",
						 is_new ? "Leave the key columns out, and the session in force fills them in." :
						 "Bind the session that the row belongs to.");
	}
}

/*
 * guard('session column', 'user column', 'tenant column') RETURNS trigger
 *
 * BEFORE INSERT OR UPDATE OR DELETE, FOR EACH ROW.  42501 as the table above
 * says.
 */
Datum
sessmem_guard(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	const SessmemIdentity *who;
	Guard	   *guard;
	HeapTuple	result;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_BEFORE(trigdata->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigdata->tg_event))
		ereport(ERROR,
				errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				errmsg("guard() must be called as a BEFORE ROW trigger"));

	who = sessmem_context_current();
	if (who == NULL && sessmem_maintenance_pass())
		return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) ?
							   trigdata->tg_newtuple : trigdata->tg_trigtuple);
	if (who == NULL)
		sessmem_context_required(SESSMEM_UNTAGGED_WRITE, RelationGetRelid(trigdata->tg_relation), the_write(trigdata));
	if (sessmem_context_ended())
		refuse_write(trigdata, SESSMEM_EXPIRED_TOKEN, "The session has ended; it can still be read.",
					 "Let the issuer open it again with sessmem.open_session().");

	guard = fcinfo->flinfo->fn_extra;
	if (guard == NULL)
		fcinfo->flinfo->fn_extra = guard = make_guard(trigdata, fcinfo->flinfo);
	if (guard->context != sessmem_context_serial())
	{
		demand_keys(guard, trigdata, who);
		sessmem_context_wrote();
	}

	result = trigdata->tg_trigtuple;
	check_row(guard, trigdata, result, TRIGGER_FIRED_BY_INSERT(trigdata->tg_event));
	if (TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
	{
		result = trigdata->tg_newtuple;
		check_row(guard, trigdata, result, true);
	}
	sessmem_stat_guarded(RelationGetRelid(trigdata->tg_relation));
	return PointerGetDatum(result);
}

/*
 * guard_truncate() RETURNS trigger
 *
 * BEFORE TRUNCATE, FOR EACH STATEMENT: 42501 outside of maintenance.  TRUNCATE
 * looks at no row, so no session can be entitled to it.
 */
Datum
sessmem_guard_truncate(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				errmsg("guard_truncate() must be called as a trigger"));
	if (sessmem_maintenance_pass())
		return PointerGetDatum(NULL);
	refuse_write((TriggerData *) fcinfo->context, SESSMEM_BYPASS_ATTEMPT,
				 "TRUNCATE would remove the rows of every session.",
				 "DELETE removes your own rows; an administrator can call sessmem.maintenance('why') first.");
}

/*
 * agrees(condition boolean, relation regclass) RETURNS boolean
 *
 * True, or 42501: in the policy of a table whose key columns protect() keeps, for what
 * a row says by itself of whose it is.
 */
Datum
sessmem_agrees(PG_FUNCTION_ARGS)
{
	if (!PG_ARGISNULL(0) && PG_GETARG_BOOL(0))
		PG_RETURN_BOOL(true);
	/* anybody may call it: nothing is recorded of what is no table of ours */
	if (PG_ARGISNULL(1) || sessmem_registry_find(PG_GETARG_OID(1)) == NULL || sessmem_context_current() == NULL)
		PG_RETURN_BOOL(false);
	sessmem_refuse(SESSMEM_FOREIGN_WRITE, PG_GETARG_OID(1),
				   psprintf("cannot write to protected table \"%s\"", get_rel_name(PG_GETARG_OID(1))),
				   "The row says, or its parent does, that it is another session's.",
				   "Use the ids of the session that is bound.");
}
