/*
 * token.c
 *		Tokens: JWTs in JWS compact form, and which of them are good.
 *
 * What is refused, and by which rule (sql/token.sql has a case for each row):
 *
 *	more than 8 kB, not three parts				length, shape
 *	padding, foreign characters, loose bits		base64url is canonical
 *	invalid UTF-8 or JSON, not an object		JSON
 *	a member that occurs twice					duplicates
 *	"crit" in the header						critical extensions
 *	no "kid", or no live key of that id			key
 *	"alg" other than the key's own				algorithm
 *	a signature that is not the key's			signature
 *	"aud" without this database's audience		audience
 *	"exp" missing or past						expiry
 *	"nbf" or "iat" in the future				not yet valid
 *	"sid" missing; "sid", "sub", "tid" empty	claims
 *	"role" that is not the current role			role
 *	issued before its session, user or tenant
 *	was revoked or forgotten (session.c)		revocation
 *
 * The order matters.  The header is untrusted, so it is used for nothing but
 * picking the key, and the payload is not looked at before the signature is
 * verified.  The key decides the algorithm; "none" is no key's algorithm.
 *
 * Members are read by the server's JSON parser through callbacks.  It reports
 * errors as codes, so nothing of the token gets into an error message, and the
 * callbacks see a member that occurs twice, which jsonb would hide.
 *
 * Verified tokens are remembered by their SHA-256, never themselves.  A memory
 * counts only while the keys and the audience are what they were; times and
 * role are compared at every use, revocations whenever there are new ones.
 *
 * This file reads no table and holds no lock; keyring.c and session.c do.
 */
#include "sessmem.h"


#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define CACHE_SLOTS 64			/* power of two */

/* A JOSE header, or the claims: the members that we know. */
enum
{
	/* header */
	M_ALG, M_KID, M_CRIT,
	/* claims */
	M_SID, M_SUB, M_TID, M_ROLE, M_JTI, M_ISS, M_AUD, M_EXP, M_NBF, M_IAT,
	M_COUNT
};

static const char *const member_names[M_COUNT] = {
	"alg", "kid", "crit",
	"sid", "sub", "tid", "role", "jti", "iss", "aud", "exp", "nbf", "iat"
};

typedef struct Members
{
	/* result */
	bool		present[M_COUNT];
	char	   *string[M_COUNT];	/* when it is a string */
	char	   *number[M_COUNT];	/* when it is a number */
	List	   *audiences;		/* of char *: "aud" as a list */
	bool		duplicate;
	/* state of the parse */
	JsonLexContext *lex;
	int			depth;
	bool		is_object;
	int			current;		/* member at depth 1, or -1 */
	List	   *seen;			/* names at depth 1 */
} Members;

typedef struct CachedToken
{
	unsigned char digest[PG_SHA256_DIGEST_LENGTH];
	uint64		generation;		/* of the keyring; 0: slot is free */
	MemoryContext cxt;			/* holds the strings */
	char	   *audience;		/* verified against this */
	char	   *role;
	TimestampTz not_before;
	SessmemClaims claims;
} CachedToken;

static CachedToken *cache = NULL;

/*
 * Refuses a token: one message and one SQLSTATE for all reasons, the rule in
 * the detail.  context.c keeps what called us out of the log.
 */
pg_noreturn static void refuse_as(SessmemEvent kind, const char *detail, const char *hint);

static void
refuse_as(SessmemEvent kind, const char *detail, const char *hint)
{
	sessmem_refuse_credential(kind, "session token refused", detail, hint);
}

/* Refuses one that nobody signed for this server. */
pg_noreturn static void refuse(const char *detail, const char *hint);

static void
refuse(const char *detail, const char *hint)
{
	refuse_as(SESSMEM_FORGED_TOKEN, detail, hint);
}

#define HINT_ISSUER "Ask the issuer for a token made for this database."
#define HINT_RENEW "Ask the issuer for a new token."
#define MALFORMED "The token is not a well-formed JWT in compact form."

/* ---------- base64url (RFC 4648, 5; RFC 7515, 2: without padding) ---------- */

/* The value of each digit plus one; 0 for what is none. */
static const unsigned char base64url_values[256] = {
	['A'] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26,
	['a'] = 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52,
	['0'] = 53, 54, 55, 56, 57, 58, 59, 60, 61, 62,
	['-'] = 63,
	['_'] = 64
};

/*
 * Decodes canonical base64url into palloc'd memory, NUL-terminated; NULL if it
 * is anything else.  Two spellings of one value would be two tokens for one
 * signature, hence no loose bits.
 */
static char *
base64url_decode(const char *src, size_t len, size_t *outlen)
{
	char	   *out = palloc(len / 4 * 3 + 4);
	size_t		n = 0;

	if (len % 4 == 1)
		return NULL;
	for (size_t i = 0; i < len; i += 4)
	{
		int			digits = Min(len - i, 4);
		uint32		v = 0;

		for (int k = 0; k < 4; k++)
		{
			unsigned char value = k < digits ? base64url_values[(unsigned char) src[i + k]] : 1;

			if (value == 0)
				return NULL;
			v = (v << 6) | (value - 1);
		}
		out[n] = (char) (v >> 16);
		out[n + 1] = (char) (v >> 8);
		out[n + 2] = (char) v;
		n += digits - 1;
		/* 2 digits are 1 byte, 3 are 2; the bits left over must be zero */
		if (digits < 4 && (v & (digits == 2 ? 0xffff : 0xff)) != 0)
			return NULL;
	}
	out[n] = '\0';
	*outlen = n;
	return out;
}

/* ---------- JSON ---------- */

static SessmemJsonResult
on_nest(void *state)
{
	((Members *) state)->depth++;
	SESSMEM_JSON_OK;
}

static SessmemJsonResult
on_unnest(void *state)
{
	((Members *) state)->depth--;
	SESSMEM_JSON_OK;
}

static SessmemJsonResult
on_object_start(void *state)
{
	Members    *m = state;

	if (m->depth++ == 0)
		m->is_object = true;
	else
		m->current = -1;		/* what is inside is nothing of ours */
	SESSMEM_JSON_OK;
}

static SessmemJsonResult
on_member(void *state, char *name, bool isnull)
{
	Members    *m = state;
	ListCell   *lc;

	if (m->depth != 1)
		SESSMEM_JSON_OK;

	foreach(lc, m->seen)
	{
		if (strcmp(lfirst(lc), name) == 0)
			m->duplicate = true;
	}
	m->seen = lappend(m->seen, name);

	m->current = -1;
	for (int i = 0; i < M_COUNT; i++)
	{
		if (strcmp(member_names[i], name) == 0)
		{
			m->current = i;
			m->present[i] = true;
		}
	}
	SESSMEM_JSON_OK;
}

static SessmemJsonResult
on_scalar(void *state, char *token, JsonTokenType type)
{
	Members    *m = state;

	if (m->current < 0)
		SESSMEM_JSON_OK;
	if (m->depth == 1 && type == JSON_TOKEN_STRING)
		m->string[m->current] = token;
	else if (m->depth == 1 && type == JSON_TOKEN_NUMBER)
		m->number[m->current] = token;
	if (m->current == M_AUD && m->depth <= 2 && type == JSON_TOKEN_STRING)
		m->audiences = lappend(m->audiences, token);
	SESSMEM_JSON_OK;
}

/* Reads a JSON object's members; false if it is not one, in valid UTF-8. */
static bool
parse_members(char *json, size_t len, Members *m)
{
	JsonSemAction sem = {0};

	memset(m, 0, sizeof(*m));
	m->current = -1;
	if (!pg_verify_mbstr(PG_UTF8, json, len, true))
		return false;
	if (GetDatabaseEncoding() != PG_UTF8 && GetDatabaseEncoding() != PG_SQL_ASCII)
	{
		/* without an error, which would quote the characters */
		Oid			conversion = FindDefaultConversionProc(PG_UTF8, GetDatabaseEncoding());
		size_t		size = len * MAX_CONVERSION_GROWTH + 1;
		char	   *converted = palloc(size);

		if (!OidIsValid(conversion) ||
			pg_do_encoding_conversion_buf(conversion, PG_UTF8, GetDatabaseEncoding(),
										  (unsigned char *) json, len,
										  (unsigned char *) converted, size, true) != (int) len)
			return false;
		json = converted;
	}

	m->lex = sessmem_compat_json_lexer(json, strlen(json), GetDatabaseEncoding());
	sem.semstate = m;
	sem.object_start = on_object_start;
	sem.object_end = on_unnest;
	sem.array_start = on_nest;
	sem.array_end = on_unnest;
	sem.object_field_start = on_member;
	sem.scalar = on_scalar;
	return sessmem_compat_parse_json(m->lex, &sem) && m->is_object;
}

/* The string claim, NULL if absent; refuses an empty one or another type. */
static const char *
string_claim(const Members *m, int member)
{
	if (!m->present[member])
		return NULL;
	if (m->string[member] == NULL || m->string[member][0] == '\0')
		refuse(psprintf("The claim \"%s\" must be a non-empty string.", member_names[member]),
			   HINT_ISSUER);
	return m->string[member];
}

/* The NumericDate claim as a timestamp, missing if absent; refuses other types. */
static TimestampTz
time_claim(const Members *m, int member, TimestampTz missing)
{
	double		secs;

	if (!m->present[member])
		return missing;
	secs = m->number[member] ? strtod(m->number[member], NULL) : -1;
	if (!(secs >= 0 && secs <= SESSMEM_NUMERIC_DATE_MAX))
		refuse(psprintf("The claim \"%s\" must be a number of seconds since 1970.",
						member_names[member]),
			   HINT_ISSUER);
	return (TimestampTz) ((secs - SESSMEM_UNIX_EPOCH) * USECS_PER_SEC);
}

/* ---------- verification ---------- */

static bool
audience_matches(const Members *m, const char *audience)
{
	ListCell   *lc;

	foreach(lc, m->audiences)
	{
		if (strcmp(lfirst(lc), audience) == 0)
			return true;
	}
	return false;
}

/* What depends on when and by whom the token is used, not on the token alone. */
static void
check_use(const CachedToken *t)
{
	TimestampTz now = sessmem_context_now();

	if (t->claims.expires <= now)
		refuse_as(SESSMEM_EXPIRED_TOKEN, "The token has expired.", HINT_RENEW);
	if (t->not_before > now + SESSMEM_CLOCK_SKEW)	/* none for exp */
		refuse_as(SESSMEM_EXPIRED_TOKEN, "The token is not valid yet.",
				  "Compare the clocks of the issuer and of this server.");
	/* the role that SET ROLE chose; a SECURITY DEFINER function does not count */
	if (t->role != NULL && strcmp(t->role, GetUserNameFromId(GetOuterUserId(), false)) != 0)
		refuse_as(SESSMEM_FOREIGN_TOKEN, "The token is for another database role.",
				  "Connect as the role that the token names.");
}

/*
 * Verifies everything that does not change while keys and audience stay, and
 * fills t, in the current memory context.
 */
static void
verify(const char *token, size_t len, CachedToken *t)
{
	const char *dot1;
	const char *dot2;
	const SessmemKey *key;
	Members		header;
	Members		claims;
	char	   *bytes;
	char	   *sig;
	size_t		n;
	size_t		siglen;

	if (len > SESSMEM_TOKEN_MAX_LEN)
		refuse("The token is longer than 8 kB.", HINT_ISSUER);
	dot1 = memchr(token, '.', len);
	dot2 = dot1 ? memchr(dot1 + 1, '.', token + len - dot1 - 1) : NULL;
	if (dot2 == NULL || memchr(dot2 + 1, '.', token + len - dot2 - 1) != NULL)
		refuse(MALFORMED, HINT_ISSUER);

	bytes = base64url_decode(token, dot1 - token, &n);
	sig = base64url_decode(dot2 + 1, token + len - dot2 - 1, &siglen);
	if (bytes == NULL || sig == NULL || !parse_members(bytes, n, &header))
		refuse(MALFORMED, HINT_ISSUER);
	if (header.duplicate)
		refuse("A member of the token occurs twice.", HINT_ISSUER);
	if (header.present[M_CRIT])
		refuse("The token requires an extension that is not supported.", HINT_ISSUER);
	if (header.string[M_KID] == NULL)
		refuse("The token names no key (\"kid\" in its header).", HINT_ISSUER);

	key = sessmem_keyring_find(header.string[M_KID]);
	/* what follows may take in a change of the keys, and is not of them */
	t->generation = sessmem_keyring_generation();
	if (key == NULL)
		refuse("The key that the token names is not known here.", HINT_ISSUER);
	if (header.string[M_ALG] == NULL ||
		strcmp(header.string[M_ALG], sessmem_keyring_algorithm(key)) != 0)
		refuse("The token's algorithm is not its key's.", HINT_ISSUER);
	if (!sessmem_keyring_verify(key, token, dot2 - token, (unsigned char *) sig, siglen))
		refuse("The token's signature does not match.", HINT_ISSUER);

	/* from here on the issuer's word is believed */
	bytes = base64url_decode(dot1 + 1, dot2 - dot1 - 1, &n);
	if (bytes == NULL || !parse_members(bytes, n, &claims))
		refuse(MALFORMED, HINT_ISSUER);
	if (claims.duplicate)
		refuse("A member of the token occurs twice.", HINT_ISSUER);
	t->audience = pstrdup(sessmem_guc_audience());
	if (!audience_matches(&claims, t->audience))
		refuse_as(SESSMEM_FOREIGN_TOKEN, "The token is for another audience.", HINT_ISSUER);
	if (!claims.present[M_EXP])
		refuse("The token has no expiry (\"exp\").", HINT_ISSUER);
	if (!claims.present[M_SID])
		refuse("The token names no session (\"sid\").", HINT_ISSUER);
	(void) string_claim(&claims, M_JTI);

	t->claims.who.session = string_claim(&claims, M_SID);
	t->claims.who.user = string_claim(&claims, M_SUB);
	t->claims.who.tenant = string_claim(&claims, M_TID);
	t->claims.expires = time_claim(&claims, M_EXP, DT_NOEND);
	t->claims.issued = time_claim(&claims, M_IAT, DT_NOBEGIN);
	t->claims.own = claims.string[M_ISS] != NULL && strcmp(claims.string[M_ISS], SESSMEM_ISSUER) == 0;
	t->claims.kid = header.string[M_KID];
	t->role = unconstify(char *, string_claim(&claims, M_ROLE));
	t->not_before = Max(time_claim(&claims, M_NBF, DT_NOBEGIN), t->claims.issued);
}

/* The slot in which a token of that digest is or would be remembered. */
static CachedToken *
cache_slot(const unsigned char *digest)
{
	if (cache == NULL)
		cache = MemoryContextAllocZero(TopMemoryContext, CACHE_SLOTS * sizeof(CachedToken));
	return &cache[digest[0] & (CACHE_SLOTS - 1)];
}

static char *
copy_claim(const char *claim)
{
	return claim ? pstrdup(claim) : NULL;
}

static void
remember(CachedToken *slot, const CachedToken *t)
{
	MemoryContext oldcxt;

	slot->generation = 0;		/* until it is whole */
	if (slot->cxt == NULL)
		slot->cxt = AllocSetContextCreate(TopMemoryContext, "sessmem token",
										  ALLOCSET_SMALL_SIZES);
	else
		MemoryContextReset(slot->cxt);
	oldcxt = MemoryContextSwitchTo(slot->cxt);
	memcpy(slot->digest, t->digest, sizeof(slot->digest));
	slot->audience = copy_claim(t->audience);
	slot->role = copy_claim(t->role);
	slot->not_before = t->not_before;
	slot->claims.who.session = copy_claim(t->claims.who.session);
	slot->claims.who.user = copy_claim(t->claims.who.user);
	slot->claims.who.tenant = copy_claim(t->claims.who.tenant);
	slot->claims.expires = t->claims.expires;
	slot->claims.issued = t->claims.issued;
	slot->claims.own = t->claims.own;
	slot->claims.cleared = 0;
	slot->claims.kid = copy_claim(t->claims.kid);
	MemoryContextSwitchTo(oldcxt);
	slot->generation = t->generation;
}

/*
 * Verifies a token and gives its claims, in the current memory context.
 * Raises 28000 for a token that is not good here and now.
 */
void
sessmem_token_verify(const char *token, size_t len, SessmemClaims *claims)
{
	CachedToken t = {0};
	CachedToken *slot;

	/* see keys that were retired since the last statement */
	AcceptInvalidationMessages();

	sessmem_keyring_digest(token, len, t.digest);
	slot = cache_slot(t.digest);
	if (slot->generation != sessmem_keyring_generation() ||
		memcmp(slot->digest, t.digest, sizeof(t.digest)) != 0 ||
		strcmp(slot->audience, sessmem_guc_audience()) != 0)
	{
		verify(token, len, &t);
		remember(slot, &t);
	}
	check_use(slot);
	if (slot->claims.cleared != sessmem_session_revocations())
	{
		uint64		as_of;

		if (sessmem_session_revoked(&slot->claims, &as_of))
			refuse_as(SESSMEM_REVOKED_TOKEN, "The token has been revoked.", HINT_RENEW);
		slot->claims.cleared = as_of;
	}

	claims->who.session = pstrdup(slot->claims.who.session);
	claims->who.user = copy_claim(slot->claims.who.user);
	claims->who.tenant = copy_claim(slot->claims.who.tenant);
	claims->expires = slot->claims.expires;
	claims->issued = slot->claims.issued;
	claims->own = slot->claims.own;
	claims->cleared = slot->claims.cleared;
	claims->kid = copy_claim(slot->claims.kid);
}
