/*
 * compat.h
 *		The only file with version tests.  Each shim names the release and the
 *		change in PostgreSQL that forced it.
 */
#ifndef SESSMEM_COMPAT_H
#define SESSMEM_COMPAT_H

#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "common/jsonapi.h"
#include "executor/executor.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"
#include "utils/relcache.h"

#if PG_VERSION_NUM < 150000
#error "sessmem needs PostgreSQL 15 or later"
#endif

/* 18: pg_attribute_noreturn() became a prefix, as in C11 */
#if PG_VERSION_NUM < 180000
#define pg_noreturn __attribute__((noreturn))
#endif

/* 16: the varlena macros moved out of postgres.h */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* 16: JSON semantic actions report errors instead of returning void */
#if PG_VERSION_NUM >= 160000
typedef JsonParseErrorType SessmemJsonResult;
#define SESSMEM_JSON_OK return JSON_SUCCESS
#else
typedef void SessmemJsonResult;
#define SESSMEM_JSON_OK return
#endif

/* 17: the lexer may live on the caller's stack */
static inline JsonLexContext *
sessmem_compat_json_lexer(char *json, size_t len, int encoding)
{
#if PG_VERSION_NUM >= 170000
	return makeJsonLexContextCstringLen(NULL, json, len, encoding, true);
#else
	return makeJsonLexContextCstringLen(json, (int) len, encoding, true);
#endif
}

/*
 * 16: an escape of what the database's encoding does not have is a code, no
 * longer an error that quotes it.  Nothing is open where that one is raised.
 */
static inline bool
sessmem_compat_parse_json(JsonLexContext *lex, JsonSemAction *sem)
{
#if PG_VERSION_NUM >= 160000
	return pg_parse_json(lex, sem) == JSON_SUCCESS;
#else
	MemoryContext oldcxt = CurrentMemoryContext;
	volatile bool ok = false;

	PG_TRY();
	{
		ok = pg_parse_json(lex, sem) == JSON_SUCCESS;
	}
	PG_CATCH();
	{
		if (geterrcode() != ERRCODE_UNTRANSLATABLE_CHARACTER &&
			geterrcode() != ERRCODE_FEATURE_NOT_SUPPORTED)
			PG_RE_THROW();
		MemoryContextSwitchTo(oldcxt);
		FlushErrorState();
	}
	PG_END_TRY();
	return ok;
#endif
}

/* 17: PGPROC keeps its virtual transaction id in one struct */
static inline LocalTransactionId
sessmem_compat_lxid(void)
{
#if PG_VERSION_NUM >= 170000
	return MyProc->vxid.lxid;
#else
	return MyProc->lxid;
#endif
}

/* 16: one ownership and one ACL check for all kinds of objects */
static inline bool
sessmem_compat_owns_class(Oid relid, Oid role)
{
#if PG_VERSION_NUM >= 160000
	return object_ownercheck(RelationRelationId, relid, role);
#else
	return pg_class_ownercheck(relid, role);
#endif
}

static inline bool
sessmem_compat_may_execute(Oid function, Oid role)
{
#if PG_VERSION_NUM >= 160000
	return object_aclcheck(ProcedureRelationId, function, role, ACL_EXECUTE) == ACLCHECK_OK;
#else
	return pg_proc_aclcheck(function, role, ACL_EXECUTE) == ACLCHECK_OK;
#endif
}

/* 16: being a member and being allowed to SET ROLE became two things */
static inline bool
sessmem_compat_may_become(Oid member, Oid role)
{
#if PG_VERSION_NUM >= 160000
	return member_can_set_role(member, role);
#else
	return is_member_of_role(member, role);
#endif
}

/* 16: values of settings live in a memory context of their own */
static inline void *
sessmem_compat_guc_malloc(size_t size)
{
#if PG_VERSION_NUM >= 160000
	return guc_malloc(LOG, size);
#else
	return malloc(size);
#endif
}

static inline void
sessmem_compat_guc_free(void *value)
{
#if PG_VERSION_NUM >= 160000
	guc_free(value);
#else
	free(value);
#endif
}

/* 18: the caller says whether a deferrable primary key will do */
static inline Oid
sessmem_compat_primary_key(Relation rel)
{
#if PG_VERSION_NUM >= 180000
	return RelationGetPrimaryKeyIndex(rel, false);
#else
	return RelationGetPrimaryKeyIndex(rel);
#endif
}

/* 16: settings are found in a hash table, no longer in an array */
static inline struct config_generic *
sessmem_compat_find_setting(const char *name)
{
#if PG_VERSION_NUM >= 160000
	return find_option(name, false, true, ERROR);
#else
	struct config_generic **all = get_guc_variables();

	for (int i = 0; i < GetNumConfigOptions(); i++)
	{
		if (strcmp(all[i]->name, name) == 0)
			return all[i];
	}
	return NULL;
#endif
}

/* 16: who a relation is read as, and with which privileges, moved out of the range table */
#if PG_VERSION_NUM >= 160000
#include "parser/parse_relation.h"
#define SESSMEM_CHECK_PERMS_PARAMS List *rangeTable, List *permissions, bool ereport_on_violation
#define SESSMEM_CHECK_PERMS_ARGS rangeTable, permissions, ereport_on_violation
#define SESSMEM_PERMISSIONS permissions
#define SESSMEM_PLAN_PERMISSIONS(plan) ((plan)->permInfos)
#define SESSMEM_QUERY_PERMISSIONS(query) ((query)->rteperminfos)
#else
#define SESSMEM_CHECK_PERMS_PARAMS List *rangeTable, bool ereport_on_violation
#define SESSMEM_CHECK_PERMS_ARGS rangeTable, ereport_on_violation
#define SESSMEM_PERMISSIONS NIL
#define SESSMEM_PLAN_PERMISSIONS(plan) NIL
#define SESSMEM_QUERY_PERMISSIONS(query) NIL
#endif

/* What the query itself asks of the relation, and as whom (InvalidOid: the current user). */
static inline AclMode
sessmem_compat_asks_for(RangeTblEntry *rte, List *permissions, Oid *as_user)
{
#if PG_VERSION_NUM >= 160000
	RTEPermissionInfo *info;

	if (rte->perminfoindex == 0)
		return ACL_NO_RIGHTS;
	info = getRTEPermissionInfo(permissions, rte);
	*as_user = info->checkAsUser;
	return info->requiredPerms;
#else
	*as_user = rte->checkAsUser;
	return rte->requiredPerms;
#endif
}

/* 17: JSON_VALUE() and its like make a value of any type */
#if PG_VERSION_NUM >= 170000
#define SESSMEM_CASE_JSON_EXPR case T_JsonExpr:
#else
#define SESSMEM_CASE_JSON_EXPR
#endif

/* 18: ExecutorRun lost its "execute once" argument */
#if PG_VERSION_NUM >= 180000
#define SESSMEM_EXECUTOR_RUN_PARAMS \
	QueryDesc *queryDesc, ScanDirection direction, uint64 count
#define SESSMEM_EXECUTOR_RUN_ARGS queryDesc, direction, count
#else
#define SESSMEM_EXECUTOR_RUN_PARAMS \
	QueryDesc *queryDesc, ScanDirection direction, uint64 count, bool execute_once
#define SESSMEM_EXECUTOR_RUN_ARGS queryDesc, direction, count, execute_once
#endif

#endif							/* SESSMEM_COMPAT_H */
