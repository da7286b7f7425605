/*
 * registry.c
 *		The registry of protected tables, read from C.
 *
 * sessmem.protected_table is the desired state (design: protect() derives the
 * policies, triggers and defaults from it).  This file only reads it, takes no
 * lock beyond the read, and decides nothing.
 *
 * Every statement asks about each of its tables, so the answers are kept until
 * the server announces a change of the table or of the registry.
 */
#include "sessmem.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "parser/parse_func.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(sessmem_announce_change);

/* Columns of sessmem.protected_table; extension/registry.sql creates them in this order. */
enum
{
	Anum_protected_relation = 1,
	Anum_protected_session_column,
	Anum_protected_user_column,
	Anum_protected_tenant_column,
	Anum_protected_attnums,
	Anum_protected_checked = 9
};

/* What is known of tables, and the registry that it was read from. */
static HTAB *tables = NULL;
static Oid	read_from = InvalidOid;

/* Whether a table is the extension's: anybody may make a schema of its name elsewhere. */
static bool
is_genuine(Oid registry)
{
	static Oid	known = InvalidOid;
	Oid			extension;

	if (registry == known || creating_extension)
		return true;
	extension = get_extension_oid(SESSMEM_SCHEMA, true);
	if (!OidIsValid(extension) || getExtensionOfObject(RelationRelationId, registry) != extension)
		return false;
	known = registry;
	return true;
}

/* The OID of one of sessmem's own tables, or InvalidOid without the extension. */
static Oid
own_table(const char *name)
{
	Oid			schema = get_namespace_oid(SESSMEM_SCHEMA, true);
	Oid			registry = OidIsValid(schema) ? get_relname_relid("protected_table", schema) : InvalidOid;

	if (!OidIsValid(registry) || !is_genuine(registry))
		return InvalidOid;
	return get_relname_relid(name, schema);
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

/* One of sessmem's own functions, or InvalidOid in a database without the extension. */
Oid
sessmem_registry_function(char *name, int nargs, const Oid *argtypes)
{
	return LookupFuncName(list_make2(makeString(SESSMEM_SCHEMA), makeString(name)),
						  nargs, argtypes, true);
}

/* Whether a role may execute one of them, which takes a text; that is what makes it what it is. */
bool
sessmem_registry_may_execute(Oid role, char *name)
{
	Oid			argtype = TEXTOID;
	Oid			function;

	if (!OidIsValid(sessmem_registry_relid()))
		return false;
	function = sessmem_registry_function(name, 1, &argtype);
	return OidIsValid(function) && sessmem_compat_may_execute(function, role);
}

static void
forget_tables(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS scan;
	SessmemTable *table;

	if (OidIsValid(relid) && relid != read_from)
	{
		table = hash_search(tables, &relid, HASH_FIND, NULL);
		if (table != NULL)
			table->current = false;
		return;
	}
	read_from = InvalidOid;
	hash_seq_init(&scan, tables);
	while ((table = hash_seq_search(&scan)) != NULL)
		table->current = false;
}

/* Reads the registry's row of a table. */
static void
read_entry(SessmemTable *table)
{
	Relation	rel = table_open(read_from, AccessShareLock);
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tup;

	ScanKeyInit(&key, Anum_protected_relation, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(table->relid));
	scan = systable_beginscan(rel, sessmem_compat_primary_key(rel), true, NULL, 1, &key);
	tup = systable_getnext(scan);
	table->protected = HeapTupleIsValid(tup);
	if (table->protected)
	{
		bool		isnull;
		Datum		value = heap_getattr(tup, Anum_protected_attnums, RelationGetDescr(rel), &isnull);
		Datum	   *numbers;
		int			n;

		deconstruct_array(DatumGetArrayTypeP(value), INT2OID, sizeof(int16), true, TYPALIGN_SHORT,
						  &numbers, NULL, &n);
		for (int i = 0; i < SESSMEM_NKEYS; i++)
			table->attnum[i] = i < n ? DatumGetInt16(numbers[i]) : 0;
		table->checked = DatumGetBool(heap_getattr(tup, Anum_protected_checked, RelationGetDescr(rel), &isnull));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

/* Whether the policies of a parent, through which it can be read, are not its own. */
static bool
is_exposed(const SessmemTable *table)
{
	Relation	rel;
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tup;
	List	   *parents = NIL;
	ListCell   *lc;

	rel = table_open(InheritsRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(table->relid));
	scan = systable_beginscan(rel, InheritsRelidSeqnoIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tup = systable_getnext(scan)))
		parents = lappend_oid(parents, ((Form_pg_inherits) GETSTRUCT(tup))->inhparent);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);

	foreach(lc, parents)
	{
		SessmemTable *parent = sessmem_registry_find(lfirst_oid(lc));

		if (parent == NULL)
			return true;
		for (int i = 0; i < SESSMEM_NKEYS; i++)
		{
			char	   *name = get_attname(table->relid, table->attnum[i], true);
			char	   *theirs = get_attname(parent->relid, parent->attnum[i], true);

			if (name != NULL && (theirs == NULL || strcmp(name, theirs) != 0))
				return true;
		}
	}
	return false;
}

/*
 * What the registry says of a table, or NULL if it is not protected.  Valid until
 * the next change is announced.
 */
SessmemTable *
sessmem_registry_find(Oid relid)
{
	SessmemTable *table;
	bool		found;

	if (relid < FirstNormalObjectId)
		return NULL;
	if (tables == NULL)
	{
		HASHCTL		ctl = {.keysize = sizeof(Oid), .entrysize = sizeof(SessmemTable)};

		tables = hash_create("sessmem tables", 64, &ctl, HASH_ELEM | HASH_BLOBS);
		CacheRegisterRelcacheCallback(forget_tables, (Datum) 0);
	}
	if (!OidIsValid(read_from))
		read_from = sessmem_registry_relid();
	/* the registry itself may not be complete yet */
	if (!OidIsValid(read_from) || relid == read_from)
		return NULL;

	table = hash_search(tables, &relid, HASH_ENTER, &found);
	if (!found || !table->current)
	{
		memset((char *) table + sizeof(Oid), 0, sizeof(SessmemTable) - sizeof(Oid));
		/* announced while it is being read, a change makes it out of date again */
		table->current = true;
		PG_TRY();
		{
			read_entry(table);
			if (table->protected)
				table->exposed = is_exposed(table);
		}
		PG_CATCH();
		{
			table->current = false;
			PG_RE_THROW();
		}
		PG_END_TRY();
	}
	return table->protected ? table : NULL;
}

/* Whether any table is protected. */
bool
sessmem_registry_any(void)
{
	Oid			registry = sessmem_registry_relid();
	Relation	rel;
	SysScanDesc scan;
	bool		any;

	if (!OidIsValid(registry))
		return false;
	rel = table_open(registry, AccessShareLock);
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	any = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return any;
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
