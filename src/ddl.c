/*
 * ddl.c
 *		What DDL may compute over the rows of a protected table, now or later.
 *
 * Event triggers look at the state that a command leaves behind (extension/ddl.sql).
 * By then a command that evaluates expressions over all rows has done so, and what
 * its owner wrote there has seen everybody's: in a message, or in whether it
 * failed, or in the size of an index.  So these are refused before they begin
 * (the server tells of an object as soon as its catalog row is there), whoever
 * gives the command, outside of maintenance:
 *
 *	a CHECK, of the table or a domain, that is validated	case "check"
 *	an expression, in an index, statistics or a stored
 *	generated column; a predicate of more than IS NULL		index, statistics, generated, predicate
 *	a unique index that lacks a key column, an exclusion
 *	constraint												unique
 *	ALTER COLUMN TYPE										type
 *	a parent, whose partition constraint is computed		parent
 *
 * and so is what would run in the sessions of others, when they write:
 *
 *	a CHECK that is not validated, or a default, with
 *	functions that are not the server's or a superuser's	not valid, default
 *	a column of a domain of such a role's					domain
 *
 * The cases are in sql/ddl.sql.
 */
#include "sessmem.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/heap.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

static void
refuse(const char *what, Oid relid, const char *detail)
{
	sessmem_refuse(SESSMEM_WEAKENING_DDL, relid,
				   psprintf("cannot add %s table \"%s\"", what, get_rel_name(relid)), detail,
				   "An administrator can do it after SELECT sessmem.maintenance('why').");
}

/* Refuses what would compute something over the rows of a protected table. */
static void
check_scan(Oid relid, const char *what)
{
	SessmemTable *table = sessmem_registry_find(relid);

	if (table == NULL || !table->checked || sessmem_policy_deriving(relid) ||
		sessmem_maintenance_pass_ddl())
		return;
	refuse(psprintf("%s to protected", what), relid, "It would see rows of every session.");
}

/*
 * Whether the ALTER TABLE under way has such a part.  It is asked about a table
 * that the server has found and locked, not about a name.
 */
static bool
altering(AlterTableType part, bool concurrently)
{
	Node	   *command = sessmem_enforce_utility_command();
	ListCell   *lc;

	if (command == NULL || !IsA(command, AlterTableStmt))
		return false;
	foreach(lc, castNode(AlterTableStmt, command)->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype == part &&
			(!concurrently || castNode(PartitionCmd, cmd->def)->concurrent))
			return true;
	}
	return false;
}

/* The row of a catalog that has just been written, or NULL; a copy. */
static HeapTuple
new_row(Oid catalog, Oid index, AttrNumber column1, Datum value1, AttrNumber column2, Datum value2,
		TupleDesc *desc)
{
	Relation	rel = table_open(catalog, AccessShareLock);
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tup;

	ScanKeyInit(&key[0], column1, BTEqualStrategyNumber, F_OIDEQ, value1);
	if (column2 != 0)
		ScanKeyInit(&key[1], column2, BTEqualStrategyNumber, F_INT2EQ, value2);
	scan = systable_beginscan(rel, index, true, SnapshotSelf, column2 == 0 ? 1 : 2, key);
	tup = systable_getnext(scan);
	if (HeapTupleIsValid(tup))
		tup = heap_copytuple(tup);
	systable_endscan(scan);
	*desc = CreateTupleDescCopy(RelationGetDescr(rel));
	table_close(rel, AccessShareLock);
	return tup;
}

/* An expression column of such a row, or NULL. */
static Node *
expression(HeapTuple tup, TupleDesc desc, AttrNumber column)
{
	bool		isnull;
	Datum		value = heap_getattr(tup, column, desc, &isnull);

	return isnull ? NULL : stringToNode(TextDatumGetCString(value));
}

/* Whether something but columns, constants, IS [NOT] NULL, AND, OR and NOT is in it. */
static bool
tells_values(Node *node, void *context)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_List:
		case T_BoolExpr:
		case T_NullTest:
		case T_Const:
			return expression_tree_walker(node, tells_values, context);
		case T_Var:
			return false;
		default:
			return true;
	}
}

/*
 * Whether a type has a domain in it, of a role that is no superuser: whatever
 * makes a value of it runs the domain's checks.
 */
static bool
type_is_untrusted(Oid type)
{
	HeapTuple	tup;
	Form_pg_type form;
	bool		untrusted = false;

	if (type < FirstNormalObjectId)
		return false;
	check_stack_depth();
	tup = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	if (!HeapTupleIsValid(tup))
		return false;
	form = (Form_pg_type) GETSTRUCT(tup);
	if (form->typtype == TYPTYPE_DOMAIN)
		untrusted = !superuser_arg(form->typowner) || type_is_untrusted(form->typbasetype);
	else if (form->typtype == TYPTYPE_RANGE)
		untrusted = type_is_untrusted(get_range_subtype(type));
	else if (form->typtype == TYPTYPE_MULTIRANGE)
		untrusted = type_is_untrusted(get_multirange_range(type));
	else if (form->typtype == TYPTYPE_COMPOSITE)
	{
		TupleDesc	desc = lookup_rowtype_tupdesc(type, -1);

		for (int i = 0; i < desc->natts && !untrusted; i++)
			untrusted = !TupleDescAttr(desc, i)->attisdropped &&
				type_is_untrusted(TupleDescAttr(desc, i)->atttypid);
		ReleaseTupleDesc(desc);
	}
	else if (OidIsValid(form->typelem))
		untrusted = type_is_untrusted(form->typelem);
	ReleaseSysCache(tup);
	return untrusted;
}

/*
 * Whether a function of the server's runs text that it is given, or tells others.
 * Of those that are volatile only these do neither.
 */
static bool
runs_its_arguments(Oid function)
{
	static const char *const harmless[] = {
		"nextval", "currval", "lastval", "random", "gen_random_uuid", "uuidv4", "uuidv7",
		"clock_timestamp", "timeofday"
	};
	char	   *name = get_func_name(function);
	Oid		   *argtypes;
	int			nargs;

	if (name == NULL)
		return true;
	if (func_volatile(function) == PROVOLATILE_VOLATILE)
	{
		for (size_t i = 0; i < lengthof(harmless); i++)
		{
			if (strcmp(name, harmless[i]) == 0)
				return false;
		}
		return true;
	}
	(void) get_func_signature(function, &argtypes, &nargs);
	return strstr(name, "_to_xml") != NULL || strncmp(name, "pg_input_", 9) == 0 ||
		(nargs > 0 && (argtypes[0] == CSTRINGOID || argtypes[0] == INTERNALOID));
}

/*
 * Whether a function may do what somebody who is not a superuser wants.  Of the
 * server's own a check may call those that are immutable, a default (context) all
 * but those that could be told to.
 */
static bool
is_untrusted(Oid function, void *context)
{
	HeapTuple	tup;
	bool		untrusted;

	if (function < FirstNormalObjectId)
		return func_volatile(function) != PROVOLATILE_IMMUTABLE &&
			(context == NULL || runs_its_arguments(function));
	tup = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	untrusted = !HeapTupleIsValid(tup) || !superuser_arg(((Form_pg_proc) GETSTRUCT(tup))->proowner);
	if (HeapTupleIsValid(tup))
		ReleaseSysCache(tup);
	return untrusted;
}

static bool
runs_untrusted(Node *node, void *context)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Const:
		case T_FuncExpr:
		case T_RelabelType:
		case T_CoerceToDomain:
		case T_ConvertRowtypeExpr:
		case T_ArrayExpr:
		case T_RowExpr:
		case T_SubscriptingRef:
		SESSMEM_CASE_JSON_EXPR
			if (type_is_untrusted(exprType(node)))
				return true;
			break;
		case T_ArrayCoerceExpr:
		case T_CoerceViaIO:
			/* an input function does what its type says */
			return type_is_untrusted(exprType(node)) || expression_tree_walker(node, runs_untrusted, context);
		default:
			break;
	}
	return check_functions_in_node(node, is_untrusted, context) ||
		expression_tree_walker(node, runs_untrusted, context);
}

/*
 * An expression in an index of a table that a foreign key ties to a protected one
 * is computed when the server plans the queries of that key, in any session.
 */
static void
check_tied(Oid relid, Node *value)
{
	if (!runs_untrusted(value, NULL) || !sessmem_registry_any() || sessmem_registry_find(relid) != NULL ||
		!DatumGetBool(OidFunctionCall1(sessmem_registry_function("is_tied", 1, &(Oid) {OIDOID}),
									   ObjectIdGetDatum(relid))) ||
		sessmem_maintenance_pass_ddl())
		return;
	refuse("an index on an expression to", relid,
		   "A foreign key ties it to a protected table, so the expression would be computed in the sessions of others.");
}

/* Whether a column of an index tells all values apart. */
static bool
is_deterministic(HeapTuple tup, TupleDesc desc, int column)
{
	bool		isnull;
	oidvector  *collations = (oidvector *) DatumGetPointer(heap_getattr(tup, Anum_pg_index_indcollation, desc, &isnull));
	Oid			collation = collations->values[column];

	return !OidIsValid(collation) || get_collation_isdeterministic(collation);
}

static void
check_index(Oid index)
{
	TupleDesc	desc;
	HeapTuple	tup = new_row(IndexRelationId, IndexRelidIndexId,
							  Anum_pg_index_indexrelid, ObjectIdGetDatum(index), 0, 0, &desc);
	Node	   *command = sessmem_enforce_utility_command();
	Form_pg_index form;
	Node	   *expressions;
	Node	   *predicate;
	SessmemTable *table;

	if (!HeapTupleIsValid(tup))
		return;					/* another kind of relation */
	/* a copy of what there is */
	if (command != NULL && IsA(command, ReindexStmt))
		return;
	form = (Form_pg_index) GETSTRUCT(tup);
	expressions = expression(tup, desc, Anum_pg_index_indexprs);
	predicate = expression(tup, desc, Anum_pg_index_indpred);
	check_tied(form->indrelid, expressions);
	check_tied(form->indrelid, predicate);
	if (tells_values(expressions, NULL))
		check_scan(form->indrelid, "an index on an expression");
	if (tells_values(predicate, NULL))
		check_scan(form->indrelid, "an index with a predicate");

	/* it may compare in any way */
	if (form->indisexclusion)
		check_scan(form->indrelid, "an exclusion constraint");
	table = sessmem_registry_find(form->indrelid);
	if (table == NULL || !form->indisunique)
		return;
	for (int i = 0; i < SESSMEM_NKEYS; i++)
	{
		bool		has = table->attnum[i] == 0;

		for (int j = 0; j < form->indnkeyatts; j++)
			has |= form->indkey.values[j] == table->attnum[i] && is_deterministic(tup, desc, j);
		if (!has)
			check_scan(form->indrelid, "a unique index without its key columns");
	}
}

/* Protected tables with a column of this type. */
static void
check_domain(Oid type)
{
	Relation	rel = table_open(DependRelationId, AccessShareLock);
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tup;
	List	   *relids = NIL;
	ListCell   *lc;

	ScanKeyInit(&key[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(TypeRelationId));
	ScanKeyInit(&key[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(type));
	scan = systable_beginscan(rel, DependReferenceIndexId, true, NULL, 2, key);
	while (HeapTupleIsValid(tup = systable_getnext(scan)))
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tup);

		if (depend->classid == RelationRelationId)
		{
			Oid			row = get_rel_type_id(depend->objid);

			relids = lappend_oid(relids, depend->objid);
			/* a column of that row type has it inside */
			if (OidIsValid(row) && row != type)
				check_domain(row);
		}
		else if (depend->classid == TypeRelationId && depend->objid != type)
			check_domain(depend->objid);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	foreach(lc, relids)
		check_scan(lfirst_oid(lc), "a check of a domain");
}

static bool
was_validated(Oid constraint)
{
	HeapTuple	old = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	bool		validated = HeapTupleIsValid(old) && ((Form_pg_constraint) GETSTRUCT(old))->convalidated;

	if (HeapTupleIsValid(old))
		ReleaseSysCache(old);
	return validated;
}

/* A default of a domain, for columns that have none. */
static void
check_domain_default(Oid type)
{
	TupleDesc	desc;
	HeapTuple	tup = new_row(TypeRelationId, TypeOidIndexId,
							  Anum_pg_type_oid, ObjectIdGetDatum(type), 0, 0, &desc);
	bool		is_default = true;

	if (HeapTupleIsValid(tup) && ((Form_pg_type) GETSTRUCT(tup))->typtype == TYPTYPE_DOMAIN &&
		runs_untrusted(expression(tup, desc, Anum_pg_type_typdefaultbin), &is_default))
		check_domain(type);
}

static void
check_constraint(Oid constraint)
{
	TupleDesc	desc;
	HeapTuple	tup = new_row(ConstraintRelationId, ConstraintOidIndexId,
							  Anum_pg_constraint_oid, ObjectIdGetDatum(constraint), 0, 0, &desc);
	Form_pg_constraint form;

	if (!HeapTupleIsValid(tup))
		return;
	form = (Form_pg_constraint) GETSTRUCT(tup);
	if (form->contype != CONSTRAINT_CHECK || was_validated(constraint))
		return;
	if (OidIsValid(form->contypid))
		check_domain(form->contypid);
	else if (form->convalidated && altering(AT_DetachPartition, true))
		return;					/* the server's own, which holds anyway */
	else if (form->convalidated)
		check_scan(form->conrelid, "a check that is validated");
	else if (runs_untrusted(expression(tup, desc, Anum_pg_constraint_conbin), NULL))
		check_scan(form->conrelid, "a check that runs code in the sessions of others");
}

static void
check_default(Oid relid, AttrNumber attnum)
{
	TupleDesc	desc;
	HeapTuple	tup;
	bool		generated;
	Node	   *value;

	if (sessmem_registry_find(relid) == NULL)
		return;
	tup = new_row(AttributeRelationId, AttributeRelidNumIndexId,
				  Anum_pg_attribute_attrelid, ObjectIdGetDatum(relid),
				  Anum_pg_attribute_attnum, Int16GetDatum(attnum), &desc);
	if (!HeapTupleIsValid(tup))
		return;
	generated = ((Form_pg_attribute) GETSTRUCT(tup))->attgenerated != '\0';
	tup = new_row(AttrDefaultRelationId, AttrDefaultIndexId,
				  Anum_pg_attrdef_adrelid, ObjectIdGetDatum(relid),
				  Anum_pg_attrdef_adnum, Int16GetDatum(attnum), &desc);
	value = HeapTupleIsValid(tup) ? expression(tup, desc, Anum_pg_attrdef_adbin) : NULL;
	if (generated && tells_values(value, NULL))
		check_scan(relid, "a generated column");
	if (runs_untrusted(value, &generated))
		check_scan(relid, "a default that runs code in the sessions of others");
}

static void
check_statistics(Oid statistics)
{
	TupleDesc	desc;
	HeapTuple	tup = new_row(StatisticExtRelationId, StatisticExtOidIndexId,
							  Anum_pg_statistic_ext_oid, ObjectIdGetDatum(statistics), 0, 0, &desc);

	if (HeapTupleIsValid(tup) && tells_values(expression(tup, desc, Anum_pg_statistic_ext_stxexprs), NULL))
		check_scan(((Form_pg_statistic_ext) GETSTRUCT(tup))->stxrelid, "statistics on an expression");
}

/* A column that is new, or of another type than it had. */
static void
check_column(Oid relid, AttrNumber attnum, bool is_new)
{
	TupleDesc	desc;
	HeapTuple	tup;
	Form_pg_attribute form;
	Oid			type = InvalidOid;
	int32		typmod = -1;
	Oid			collation;

	if (sessmem_registry_find(relid) == NULL)
		return;
	tup = new_row(AttributeRelationId, AttributeRelidNumIndexId,
				  Anum_pg_attribute_attrelid, ObjectIdGetDatum(relid),
				  Anum_pg_attribute_attnum, Int16GetDatum(attnum), &desc);
	if (!HeapTupleIsValid(tup))
		return;
	form = (Form_pg_attribute) GETSTRUCT(tup);
	if (form->attisdropped)
		return;
	if (is_new)
	{
		if (type_is_untrusted(form->atttypid))
			check_scan(relid, "a column of a domain that may run code in the sessions of others");
		return;
	}
	get_atttypetypmodcoll(relid, attnum, &type, &typmod, &collation);
	/* to the type that it has there may be a USING, too */
	if (form->atttypid != type || form->atttypmod != typmod || altering(AT_AlterColumnType, false))
		check_scan(relid, "a column of another type");
}

/* A parent that is new, and not one that goes. */
static void
check_parent(Oid relid, Oid parent)
{
	Relation	rel = table_open(InheritsRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tup;
	bool		has = false;

	ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, InheritsRelidSeqnoIndexId, true, SnapshotSelf, 1, &key);
	while (HeapTupleIsValid(tup = systable_getnext(scan)))
	{
		Form_pg_inherits form = (Form_pg_inherits) GETSTRUCT(tup);

		has |= form->inhparent == parent && !form->inhdetachpending;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	if (has)
		check_scan(relid, "a parent");
}

/* The server has written a row of a catalog. */
void
sessmem_ddl_written(ObjectAccessType access, Oid class, Oid object, int sub, Oid auxiliary)
{
	if (access != OAT_POST_CREATE && access != OAT_POST_ALTER)
		return;
	if (!OidIsValid(sessmem_registry_relid()))
		return;
	if (class == RelationRelationId && sub == 0 && access == OAT_POST_CREATE)
		check_index(object);
	else if (class == RelationRelationId && sub > 0)
		check_column(object, sub, access == OAT_POST_CREATE);
	else if (class == ConstraintRelationId)
		check_constraint(object);
	else if (class == AttrDefaultRelationId)
		check_default(object, sub);
	else if (class == StatisticExtRelationId)
		check_statistics(object);
	else if (class == InheritsRelationId)
		check_parent(object, auxiliary);
	else if (class == TypeRelationId && access == OAT_POST_ALTER)
		check_domain_default(object);
}
