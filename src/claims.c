/*
 * claims.c
 *		The claims of the session in force, as SQL sees them: getters, settings, and
 *		values of a key column's type.
 *
 * Without a session every one of them is NULL, or an empty setting.  The getters
 * are STABLE and never IMMUTABLE: a plan outlives a session.
 */
#include "sessmem.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/uuid.h"

#define UUID_TEXT_LEN 36

PG_FUNCTION_INFO_V1(sessmem_session_id);
PG_FUNCTION_INFO_V1(sessmem_user_id);
PG_FUNCTION_INFO_V1(sessmem_tenant_id);
PG_FUNCTION_INFO_V1(sessmem_session_id_as);
PG_FUNCTION_INFO_V1(sessmem_user_id_as);
PG_FUNCTION_INFO_V1(sessmem_tenant_id_as);

/* The claim that a key column is compared with: 0 session, 1 user, 2 tenant. */
const char *
sessmem_claims_get(const SessmemIdentity *who, int key)
{
	return key == 0 ? who->session : key == 1 ? who->user : who->tenant;
}

/*
 * A palloc'd string that no other identity has: the claims from the given one on,
 * as the later ones name the user or the tenant by themselves.
 */
char *
sessmem_claims_name(const SessmemIdentity *who, int first)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = first; i < SESSMEM_NKEYS; i++)
	{
		const char *claim = sessmem_claims_get(who, i);
		char		len[12];

		/* by hand: this runs in every transaction, and appendStringInfo() is slow */
		pg_ltoa(claim ? (int32) strlen(claim) : -1, len);
		appendStringInfoString(&buf, len);
		appendStringInfoChar(&buf, ':');
		if (claim != NULL)
			appendStringInfoString(&buf, claim);
	}
	return buf.data;
}

/* Whether two claims are the same; NULL, for none, is the same as NULL. */
bool
sessmem_claims_equal(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool
sessmem_claims_same(const SessmemIdentity *a, const SessmemIdentity *b)
{
	for (int i = 0; i < SESSMEM_NKEYS; i++)
	{
		if (!sessmem_claims_equal(sessmem_claims_get(a, i), sessmem_claims_get(b, i)))
			return false;
	}
	return true;
}

/*
 * The identity that three arguments of type text name, the given one and the next
 * two: session, user and tenant.  Palloc'd; what is null is NULL, the session too.
 */
SessmemIdentity
sessmem_claims_arguments(FunctionCallInfo fcinfo, int first)
{
	const char *claim[SESSMEM_NKEYS];

	for (int i = 0; i < SESSMEM_NKEYS; i++)
		claim[i] = PG_ARGISNULL(first + i) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(first + i));
	return (SessmemIdentity) {.session = claim[0], .user = claim[1], .tenant = claim[2]};
}

/* The claim as text, NULL without a session. */
static Datum
get_claim(FunctionCallInfo fcinfo, int key)
{
	const SessmemIdentity *who = sessmem_context_current();
	const char *claim = who ? sessmem_claims_get(who, key) : NULL;

	if (claim == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(claim));
}

Datum
sessmem_session_id(PG_FUNCTION_ARGS)
{
	return get_claim(fcinfo, 0);
}

Datum
sessmem_user_id(PG_FUNCTION_ARGS)
{
	return get_claim(fcinfo, 1);
}

Datum
sessmem_tenant_id(PG_FUNCTION_ARGS)
{
	return get_claim(fcinfo, 2);
}

static bool
canonical_uuid(const char *s)
{
	for (int i = 0; i < UUID_TEXT_LEN; i++)
	{
		if (i == 8 || i == 13 || i == 18 || i == 23)
		{
			if (s[i] != '-')
				return false;
		}
		else if (strchr("0123456789abcdef", s[i]) == NULL || s[i] == '\0')
			return false;
	}
	return s[UUID_TEXT_LEN] == '\0';
}

static bool
canonical_bigint(const char *s, int64 *value)
{
	const char *digits = s[0] == '-' ? s + 1 : s;

	if (strspn(digits, "0123456789") != strlen(digits) ||
		digits[0] == '\0' ||
		(digits[0] == '0' && (digits[1] != '\0' || digits != s)))
		return false;
	errno = 0;
	*value = strtoi64(s, NULL, 10);
	return errno == 0;
}

/*
 * The claim as a value of a key column's type; false when it has no such value.
 *
 * Only the canonical spelling counts.  '7', '07' and ' 7' are three sessions,
 * and would be one bigint.
 */
bool
sessmem_claims_key(const char *claim, Oid type, Datum *key)
{
	int64		number;

	if (claim == NULL)
		return false;
	switch (type)
	{
		case TEXTOID:
		case VARCHAROID:
			*key = PointerGetDatum(cstring_to_text(claim));
			return true;
		case UUIDOID:
			if (!canonical_uuid(claim))
				return false;
			*key = DirectFunctionCall1(uuid_in, CStringGetDatum(claim));
			return true;
		case INT8OID:
			if (!canonical_bigint(claim, &number))
				return false;
			*key = Int64GetDatum(number);
			return true;
		default:
			ereport(ERROR,
					errcode(ERRCODE_WRONG_OBJECT_TYPE),
					errmsg("a session key cannot have this type"),
					errhint("Use text, varchar, uuid or bigint."));
	}
	return false;
}

/* Whether two values of a key column's type are the same. */
bool
sessmem_claims_match(Oid type, Datum a, Datum b)
{
	switch (type)
	{
		case TEXTOID:
		case VARCHAROID:
			{
				/* deterministic collations: equal means equal bytes */
				text	   *x = DatumGetTextPP(a);
				text	   *y = DatumGetTextPP(b);
				bool		same = VARSIZE_ANY_EXHDR(x) == VARSIZE_ANY_EXHDR(y) &&
					memcmp(VARDATA_ANY(x), VARDATA_ANY(y), VARSIZE_ANY_EXHDR(x)) == 0;

				if ((Pointer) x != DatumGetPointer(a))
					pfree(x);
				return same;
			}
		case UUIDOID:
			return memcmp(DatumGetUUIDP(a), DatumGetUUIDP(b), UUID_LEN) == 0;
		case INT8OID:
			return DatumGetInt64(a) == DatumGetInt64(b);
		default:
			return false;
	}
}

/* The claim in the type of the argument, which is NULL and only names a type. */
static Datum
get_claim_as(FunctionCallInfo fcinfo, int key)
{
	const SessmemIdentity *who = sessmem_context_current();
	Datum		value;

	if (who == NULL ||
		!sessmem_claims_key(sessmem_claims_get(who, key),
							 get_fn_expr_argtype(fcinfo->flinfo, 0), &value))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(value);
}

Datum
sessmem_session_id_as(PG_FUNCTION_ARGS)
{
	return get_claim_as(fcinfo, 0);
}

Datum
sessmem_user_id_as(PG_FUNCTION_ARGS)
{
	return get_claim_as(fcinfo, 1);
}

Datum
sessmem_tenant_id_as(PG_FUNCTION_ARGS)
{
	return get_claim_as(fcinfo, 2);
}

/* ---------- sessmem.session_id and its like, as settings ---------- */

/*
 * Answers with a copy, because SHOW may keep the pointer longer than the
 * context lasts.
 */
static const char *
show_claim(int key)
{
	static char *answer[SESSMEM_NKEYS];
	const SessmemIdentity *who;
	const char *claim;

	who = IsTransactionState() ? sessmem_context_current() : NULL;
	claim = who ? sessmem_claims_get(who, key) : NULL;
	if (answer[key])
		pfree(answer[key]);
	answer[key] = NULL;
	answer[key] = MemoryContextStrdup(TopMemoryContext, claim ? claim : "");
	return answer[key];
}

const char *
sessmem_claims_show_session(void)
{
	return show_claim(0);
}

const char *
sessmem_claims_show_user(void)
{
	return show_claim(1);
}

const char *
sessmem_claims_show_tenant(void)
{
	return show_claim(2);
}
