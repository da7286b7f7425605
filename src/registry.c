/*
 * registry.c
 *		The registry of protected tables, read from C.
 *
 * sessmem.protected_table is the desired state (design: protect() derives the
 * policies, triggers and defaults from it).  This file only reads it, takes no
 * lock beyond the read, and decides nothing.
 */
#include "sessmem.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "commands/trigger.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(sessmem_announce_change);

/* Columns of sessmem.protected_table; extension/registry.sql creates them in this order. */
enum
{
	Anum_protected_relation = 1,
	Anum_protected_session_column,
	Anum_protected_user_column,
	Anum_protected_tenant_column
};

/* The OID of one of sessmem's own tables, or InvalidOid without the extension. */
static Oid
own_table(const char *name)
{
	Oid			schema = get_namespace_oid(SESSMEM_SCHEMA, true);

	return OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;
}

/* The same; raises 55000 if it is not there. */
Oid
sessmem_registry_table(const char *name)
{
	Oid			relid = own_table(name);

	if (!OidIsValid(relid))
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("the extension sessmem is not installed in this database"),
				errhint("Run CREATE EXTENSION sessmem."));
	return relid;
}

/* The registry's OID, or InvalidOid in a database without the extension. */
Oid
sessmem_registry_relid(void)
{
	return own_table("protected_table");
}

/*
 * Whether a table is protected.  If result is given, fills in its key columns,
 * palloc'd.
 */
bool
sessmem_registry_find(Oid relid, SessmemProtected *result)
{
	Oid			registry = sessmem_registry_relid();
	Relation	rel;
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tup;
	bool		found;

	if (!OidIsValid(registry))
		return false;
	rel = table_open(registry, AccessShareLock);
	ScanKeyInit(&key, Anum_protected_relation, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, sessmem_compat_primary_key(rel), true, NULL, 1, &key);
	tup = systable_getnext(scan);
	found = HeapTupleIsValid(tup);
	if (found && result != NULL)
	{
		for (int i = 0; i < SESSMEM_NKEYS; i++)
		{
			bool		isnull;
			Datum		value = heap_getattr(tup, Anum_protected_session_column + i,
											 RelationGetDescr(rel), &isnull);

			result->column[i] = isnull ? NULL : pstrdup(NameStr(*DatumGetName(value)));
		}
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

/*
 * Whether all protected tables that have a session column tell two sessions of
 * one id apart: by user, if the users differ, or by tenant.
 */
bool
sessmem_registry_tells_apart(bool by_user, bool by_tenant)
{
	Relation	rel = table_open(sessmem_registry_table("protected_table"), AccessShareLock);
	SnapshotData dirty;
	SysScanDesc scan;
	bool		apart = true;
	HeapTuple	tup;

	/* with those that somebody is about to protect */
	InitDirtySnapshot(dirty);
	scan = systable_beginscan(rel, InvalidOid, false, &dirty, 0, NULL);
	while (HeapTupleIsValid(tup = systable_getnext(scan)))
	{
		if (heap_attisnull(tup, Anum_protected_session_column, RelationGetDescr(rel)))
			continue;
		if (!(by_user && !heap_attisnull(tup, Anum_protected_user_column, RelationGetDescr(rel))) &&
			!(by_tenant && !heap_attisnull(tup, Anum_protected_tenant_column, RelationGetDescr(rel))))
			apart = false;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return apart;
}

/*
 * announce_change('relation') RETURNS trigger
 *
 * Tells all backends, when the transaction commits, that this table changed, so
 * that their copies of it go.  With an argument the message is about that
 * relation of ours: one that backends do not have open, and need not build anew.
 */
Datum
sessmem_announce_change(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata;

	if (!CALLED_AS_TRIGGER(fcinfo))
		elog(ERROR, "announce_change() was not called as a trigger");
	trigdata = (TriggerData *) fcinfo->context;
	if (trigdata->tg_trigger->tgnargs > 0)
		CacheInvalidateRelcacheByRelid(sessmem_registry_table(trigdata->tg_trigger->tgargs[0]));
	else
		CacheInvalidateRelcache(trigdata->tg_relation);
	return PointerGetDatum(NULL);
}
