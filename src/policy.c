/*
 * policy.c
 *		What protect() must not do in SQL as the owner of the extension.
 *
 * protect(), unprotect() and the event triggers run with the privileges of the
 * extension's owner, usually a superuser, on tables of other people.  Planning a
 * query over such a table, proving NOT NULL from its CHECK constraints, or just
 * building its partition key evaluates expressions that the table's owner wrote.
 * So every command that opens the table runs as the table's owner, in a
 * security-restricted operation, as VACUUM and CREATE INDEX do it; and rows
 * without a key are counted by a plain scan that evaluates nothing.
 *
 * Such a command also reaches the table's partitions and children.  If they had
 * another owner, it would run his expressions as somebody else; so a tree of
 * several owners is refused.
 *
 * CREATE INDEX changes to each owner by itself.
 */
#include "sessmem.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(sessmem_as_owner);
PG_FUNCTION_INFO_V1(sessmem_count_without_key);

static Oid
owner_of(Oid relid)
{
	HeapTuple	tup = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			owner;

	if (!HeapTupleIsValid(tup))
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_TABLE),
				errmsg("relation with OID %u does not exist", relid));
	owner = ((Form_pg_class) GETSTRUCT(tup))->relowner;
	ReleaseSysCache(tup);
	return owner;
}

/*
 * as_owner(relation regclass, command text) RETURNS void
 *
 * Executes a command as the relation's owner; 42501 if a partition or child has
 * another one.  An error leaves the identity to the (sub)transaction's abort,
 * which restores it.
 */
Datum
sessmem_as_owner(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	char	   *command = text_to_cstring(PG_GETARG_TEXT_PP(1));
	Oid			owner = owner_of(relid);
	List	   *members = find_all_inheritors(relid, NoLock, NULL);
	ListCell   *lc;
	Oid			save_user;
	int			save_sec_context;
	int			nest;

	foreach(lc, members)
	{
		if (owner_of(lfirst_oid(lc)) != owner)
			ereport(ERROR,
					errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					errmsg("table \"%s\" and its part \"%s\" have different owners",
						   get_rel_name(relid), get_rel_name(lfirst_oid(lc))),
					errdetail("What the owner of one wrote into it would run as the owner of the other."),
					errhint("Give them one owner with ALTER TABLE ... OWNER TO."));
	}

	GetUserIdAndSecContext(&save_user, &save_sec_context);
	SetUserIdAndSecContext(owner, save_sec_context | SECURITY_RESTRICTED_OPERATION);
	/* what the owner's expressions set goes with them */
	nest = NewGUCNestLevel();

	SPI_connect();
	if (SPI_execute(command, false, 0) < 0)
		elog(ERROR, "could not execute \"%s\"", command);
	SPI_finish();

	AtEOXact_GUC(false, nest);
	SetUserIdAndSecContext(save_user, save_sec_context);
	PG_RETURN_VOID();
}

static bool
lacks_key(TupleTableSlot *slot, const Datum *attnums, int n)
{
	for (int i = 0; i < n; i++)
	{
		AttrNumber	attnum = DatumGetInt16(attnums[i]);
		bool		isnull;
		Datum		value;
		Oid			type;

		if (attnum <= 0)
			continue;
		value = slot_getattr(slot, attnum, &isnull);
		if (isnull)
			return true;
		type = TupleDescAttr(slot->tts_tupleDescriptor, attnum - 1)->atttypid;
		if ((type == TEXTOID || type == VARCHAROID) &&
			VARSIZE_ANY_EXHDR(DatumGetTextPP(value)) == 0)
			return true;
	}
	return false;
}

/*
 * count_without_key(relation regclass, attnums int2[]) RETURNS bigint
 *
 * How many rows of one table, without its children, have a null or empty value
 * in one of these columns; whatever row security says.
 */
Datum
sessmem_count_without_key(PG_FUNCTION_ARGS)
{
	Relation	rel = table_open(PG_GETARG_OID(0), AccessShareLock);
	Datum	   *attnums;
	int			n;
	int64		count = 0;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), INT2OID, sizeof(int16), true,
					  TYPALIGN_SHORT, &attnums, NULL, &n);

	if (RELKIND_HAS_TABLE_AM(rel->rd_rel->relkind))
	{
		TupleTableSlot *slot = table_slot_create(rel, NULL);
		TableScanDesc scan = table_beginscan(rel, GetActiveSnapshot(), 0, NULL);

		while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
		{
			CHECK_FOR_INTERRUPTS();
			if (lacks_key(slot, attnums, n))
				count++;
		}
		table_endscan(scan);
		ExecDropSingleTupleTableSlot(slot);
	}
	table_close(rel, AccessShareLock);
	PG_RETURN_INT64(count);
}
