/*
 * stat.c
 *		Counters: how often something was refused, guarded or bound, for each table.
 *
 * They are in shared memory, if the library is preloaded, and nowhere else: a
 * restart or a crash of the server resets them.  An event is counted at once, so it
 * is counted even if its transaction fails; only the writes that the guard let pass
 * are added up until the end of the transaction, as there may be a million.
 *
 * There is a fixed number of entries, in an open hash table that only grows, so
 * that nobody takes a lock: an entry is claimed by putting its key there with one
 * atomic instruction, and its counters are added to with others.  When the table is
 * full, what happens to further tables counts for their database.
 */
#include "sessmem.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define NENTRIES 4096
#define NDATABASES 256			/* of them, for databases */

/* So often are the writes of a long transaction added. */
#define MAX_PENDING 1000

typedef struct StatEntry
{
	pg_atomic_uint64 key;		/* database and table; 0: free */
	pg_atomic_uint64 since;		/* TimestampTz of the last reset */
	pg_atomic_uint64 count[SESSMEM_NEVENTS];
} StatEntry;

struct SessmemStatArea
{
	pg_atomic_uint32 used;		/* entries that have a key */
	StatEntry	entry[NENTRIES];
};

static struct SessmemStatArea *area = NULL;

/* This database's own entry, and the one that was asked for last. */
static StatEntry *database_entry = NULL;
static StatEntry *last_entry = NULL;
static Oid	last_relid = InvalidOid;

/* Writes that are not added yet. */
static Oid	pending_relid = InvalidOid;
static uint64 pending = 0;

static const char *const names[SESSMEM_NEVENTS] = {
	[SESSMEM_UNTAGGED_WRITE] = "untagged_write",
	[SESSMEM_FOREIGN_WRITE] = "foreign_write",
	[SESSMEM_MOVED_ROW] = "moved_row",
	[SESSMEM_FORGED_TOKEN] = "forged_token",
	[SESSMEM_EXPIRED_TOKEN] = "expired_token",
	[SESSMEM_REVOKED_TOKEN] = "revoked_token",
	[SESSMEM_FOREIGN_TOKEN] = "foreign_token",
	[SESSMEM_NO_SESSION] = "no_session",
	[SESSMEM_SECOND_BIND] = "second_bind",
	[SESSMEM_BYPASS_ATTEMPT] = "bypass_attempt",
	[SESSMEM_WEAKENING_DDL] = "weakening_ddl",
	[SESSMEM_UNSCOPED_READ] = "unscoped_read",
	[SESSMEM_GUARDED_WRITE] = "guarded_write",
	[SESSMEM_BIND] = "bind",
	[SESSMEM_ATTACH] = "attach",
	[SESSMEM_EXPIRATION] = "expiration",
	[SESSMEM_DROPPED] = "dropped",
};

PG_FUNCTION_INFO_V1(sessmem_stat_events);
PG_FUNCTION_INFO_V1(sessmem_stat_reset);

const char *
sessmem_stat_name(SessmemEvent event)
{
	return names[event];
}

/* The event of a name; 22023 if there is none. */
SessmemEvent
sessmem_stat_event(const char *name)
{
	for (int i = 0; i < SESSMEM_NEVENTS; i++)
	{
		if (strcmp(names[i], name) == 0)
			return i;
	}
	ereport(ERROR,
			errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("unknown event \"%s\"", name));
}

/* ---------- shared memory ---------- */

size_t
sessmem_stat_size(void)
{
	return sizeof(struct SessmemStatArea);
}

void
sessmem_stat_attach(void *memory, bool fresh)
{
	area = memory;
	if (!fresh)
		return;
	pg_atomic_init_u32(&area->used, 0);
	for (int i = 0; i < NENTRIES; i++)
	{
		pg_atomic_init_u64(&area->entry[i].key, 0);
		pg_atomic_init_u64(&area->entry[i].since, (uint64) GetCurrentTimestamp());
		for (int j = 0; j < SESSMEM_NEVENTS; j++)
			pg_atomic_init_u64(&area->entry[i].count[j], 0);
	}
}

/* The entry of a table, or of a database as a whole (InvalidOid); NULL if all are taken. */
static StatEntry *
find_entry(Oid database, Oid relid)
{
	uint64		key = (uint64) database << 32 | relid;
	uint32		start = murmurhash32(database ^ murmurhash32(relid));
	uint32		limit = OidIsValid(relid) ? NENTRIES - NDATABASES : NENTRIES;

	for (uint32 i = 0; i < NENTRIES; i++)
	{
		StatEntry  *entry = &area->entry[(start + i) % NENTRIES];
		uint64		found = pg_atomic_read_u64(&entry->key);

		if (found == 0)
		{
			if (pg_atomic_fetch_add_u32(&area->used, 1) >= limit)
			{
				pg_atomic_fetch_sub_u32(&area->used, 1);
				return NULL;
			}
			if (pg_atomic_compare_exchange_u64(&entry->key, &found, key))
				return entry;
			/* somebody else was faster, maybe with the same key */
			pg_atomic_fetch_sub_u32(&area->used, 1);
		}
		if (found == key)
			return entry;
	}
	return NULL;
}

static StatEntry *
own_entry(Oid relid)
{
	if (database_entry == NULL)
		database_entry = find_entry(MyDatabaseId, InvalidOid);
	if (!OidIsValid(relid))
		return database_entry;
	if (last_relid != relid)
	{
		StatEntry  *entry = find_entry(MyDatabaseId, relid);

		last_entry = entry ? entry : database_entry;
		last_relid = relid;
	}
	return last_entry;
}

/* ---------- counting ---------- */

static void
add(StatEntry *entry, SessmemEvent event, uint64 n)
{
	if (entry != NULL)
		pg_atomic_fetch_add_u64(&entry->count[event], n);
}

/* Counts an event of a table, or of the database (InvalidOid). */
void
sessmem_stat_count(SessmemEvent event, Oid relid)
{
	if (area != NULL)
		add(own_entry(relid), event, 1);
}

/* Counts events of another database, or takes them back. */
void
sessmem_stat_count_for(SessmemEvent event, Oid database, uint64 n)
{
	if (area != NULL)
		add(find_entry(database, InvalidOid), event, n);
}

static void
flush(void)
{
	if (pending > 0)
		add(own_entry(pending_relid), SESSMEM_GUARDED_WRITE, pending);
	pending = 0;
}

/* Counts a row that the guard let pass. */
void
sessmem_stat_guarded(Oid relid)
{
	if (area == NULL)
		return;
	if (relid != pending_relid || pending >= MAX_PENDING)
		flush();
	pending_relid = relid;
	pending++;
}

static void
on_transaction(XactEvent event, void *arg)
{
	if (pending > 0 && event != XACT_EVENT_PRE_COMMIT && event != XACT_EVENT_PRE_PREPARE)
		flush();
}

void
sessmem_stat_init(void)
{
	RegisterXactCallback(on_transaction, NULL);
}

/* ---------- SQL ---------- */

/*
 * stat_events() RETURNS SETOF record (relation oid, event text, count bigint, since timestamptz)
 *
 * The counters of this database that are not zero.
 */
Datum
sessmem_stat_events(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; area != NULL && i < NENTRIES; i++)
	{
		StatEntry  *entry = &area->entry[i];
		uint64		key = pg_atomic_read_u64(&entry->key);

		if (key >> 32 != MyDatabaseId)
			continue;
		for (int event = 0; event < SESSMEM_NEVENTS; event++)
		{
			uint64		count = pg_atomic_read_u64(&entry->count[event]);
			Datum		values[4];
			bool		nulls[4] = {false};

			/* negative: a reset came between a count and its correction */
			if ((int64) count <= 0)
				continue;
			values[0] = ObjectIdGetDatum((Oid) key);
			nulls[0] = (Oid) key == InvalidOid;
			values[1] = CStringGetTextDatum(names[event]);
			values[2] = Int64GetDatum((int64) count);
			values[3] = TimestampTzGetDatum((TimestampTz) pg_atomic_read_u64(&entry->since));
			tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		}
	}
	return (Datum) 0;
}

/* stat_reset() RETURNS void: the counters of this database go back to zero. */
Datum
sessmem_stat_reset(PG_FUNCTION_ARGS)
{
	for (int i = 0; area != NULL && i < NENTRIES; i++)
	{
		StatEntry  *entry = &area->entry[i];

		if (pg_atomic_read_u64(&entry->key) >> 32 != MyDatabaseId)
			continue;
		for (int event = 0; event < SESSMEM_NEVENTS; event++)
			pg_atomic_write_u64(&entry->count[event], 0);
		pg_atomic_write_u64(&entry->since, (uint64) GetCurrentTimestamp());
	}
	PG_RETURN_VOID();
}
