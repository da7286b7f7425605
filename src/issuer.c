/*
 * issuer.c
 *		Minting tokens: the database as its own issuer.
 *
 * Signs with the newest HS256 key.  With only public keys it cannot mint, and an
 * issuer outside of the database is the only one.  Reads no table and holds no
 * lock; keyring.c and session.c do.
 */
#include "sessmem.h"

#include <math.h>

#include "access/xact.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/json.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(sessmem_mint);
PG_FUNCTION_INFO_V1(sessmem_renew_session);

static const char base64url_digits[] =
"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void
base64url_append(StringInfo out, const unsigned char *data, size_t len)
{
	for (size_t i = 0; i < len; i += 3)
	{
		uint32		v = data[i] << 16;

		if (i + 1 < len)
			v |= data[i + 1] << 8;
		if (i + 2 < len)
			v |= data[i + 2];
		appendStringInfoChar(out, base64url_digits[v >> 18]);
		appendStringInfoChar(out, base64url_digits[(v >> 12) & 63]);
		if (i + 1 < len)
			appendStringInfoChar(out, base64url_digits[(v >> 6) & 63]);
		if (i + 2 < len)
			appendStringInfoChar(out, base64url_digits[v & 63]);
	}
}

/* Appends JSON as a part of a JWT: in UTF-8, as base64url. */
static void
append_part(StringInfo token, const StringInfo json)
{
	char	   *utf8 = pg_server_to_any(json->data, json->len, PG_UTF8);

	base64url_append(token, (unsigned char *) utf8, strlen(utf8));
}

static void
append_json_claim(StringInfo json, const char *name, const char *value)
{
	if (value == NULL)
		return;
	appendStringInfo(json, ",\"%s\":", name);
	escape_json(json, value);
}

/*
 * The token of a session, signed with the newest HS256 key; it is good for ttl from
 * the time given on.  Raises 22023 for an empty id or a lifetime that is not
 * positive, 55000 when this database has no key to sign with.
 */
static text *
mint(const SessmemIdentity *who, TimestampTz issued, TimestampTz from, Datum ttl, TimestampTz *expires)
{
	const SessmemKey *key;
	StringInfoData json;
	StringInfoData token;
	unsigned char mac[SESSMEM_MAC_LEN];

	for (int i = 0; i < SESSMEM_NKEYS; i++)
	{
		const char *claim = sessmem_claims_get(who, i);

		if (claim != NULL && claim[0] == '\0')
			ereport(ERROR,
					errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("%s must not be empty",
						   i == 0 ? "session_id" : i == 1 ? "user_id" : "tenant_id"),
					errhint("Leave it out, or pass NULL, if there is none."));
	}
	*expires = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval,
													   TimestampTzGetDatum(from), ttl));
	if (*expires <= from ||
		*expires / (double) USECS_PER_SEC + SESSMEM_UNIX_EPOCH > SESSMEM_NUMERIC_DATE_MAX - 1)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("ttl must be positive, and end before the year 10000"));

	AcceptInvalidationMessages();
	key = sessmem_keyring_signer();
	if (key == NULL)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("this database has no key to sign tokens with"),
				errdetail("It knows public keys only, or none; those verify tokens and cannot make them."),
				errhint("Mint the token where the private key is, or call sessmem.create_key()."));

	initStringInfo(&json);
	initStringInfo(&token);
	appendStringInfoString(&json, "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":");
	escape_json(&json, sessmem_keyring_kid(key));
	appendStringInfoChar(&json, '}');
	append_part(&token, &json);

	resetStringInfo(&json);
	/* to the microsecond, so that a revocation knows which came first */
	appendStringInfo(&json, "{\"iss\":\"" SESSMEM_ISSUER "\",\"iat\":%.6f,\"exp\":" INT64_FORMAT,
					 issued / (double) USECS_PER_SEC + SESSMEM_UNIX_EPOCH,
					 (int64) ceil(*expires / (double) USECS_PER_SEC + SESSMEM_UNIX_EPOCH));
	append_json_claim(&json, "aud", sessmem_guc_audience());
	append_json_claim(&json, "sid", who->session);
	append_json_claim(&json, "sub", who->user);
	append_json_claim(&json, "tid", who->tenant);
	appendStringInfoChar(&json, '}');
	appendStringInfoChar(&token, '.');
	append_part(&token, &json);

	sessmem_keyring_sign(key, token.data, token.len, mac);
	appendStringInfoChar(&token, '.');
	base64url_append(&token, mac, sizeof(mac));
	if (token.len > SESSMEM_TOKEN_MAX_LEN)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("the token would be longer than 8 kB"),
				errhint("Use shorter ids."));
	return cstring_to_text_with_len(token.data, token.len);
}

/*
 * mint(session_id text, user_id text, tenant_id text, ttl interval) RETURNS text
 *
 * The token of open_session().  It is issued now, and not when the statement
 * began: a revocation earlier in the same statement does not concern it.
 */
Datum
sessmem_mint(PG_FUNCTION_ARGS)
{
	SessmemIdentity who = sessmem_claims_arguments(fcinfo, 0);
	TimestampTz issued;
	TimestampTz expires;

	if (who.session == NULL)
		who.session = "";
	if (PG_ARGISNULL(3))
		ereport(ERROR,
				errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("ttl must not be null"));
	issued = GetCurrentTimestamp();
	PG_RETURN_TEXT_P(mint(&who, issued, issued, PG_GETARG_DATUM(3), &expires));
}

/*
 * renew_session(ttl interval) RETURNS text
 *
 * A new token for the session in force, which lives on accordingly when the
 * transaction commits.  It counts as issued when the one was issued that bound the
 * session: whatever revokes that one revokes it, too.  42501: there is no session, it
 * has ended, or another issuer's token has bound it.  22023: longer than what the
 * issuer gave.
 */
Datum
sessmem_renew_session(PG_FUNCTION_ARGS)
{
	const char *refused = "cannot renew the session";
	const SessmemStanding *standing;
	const SessmemClaims *claims;
	TimestampTz now = sessmem_context_now();
	TimestampTz expires;
	Interval   *lifetime;
	text	   *token;

	PreventCommandIfReadOnly("renew_session()");
	if (sessmem_context_current() == NULL)
		sessmem_context_required(SESSMEM_NO_SESSION, InvalidOid, refused);
	if (sessmem_context_ended())
		sessmem_refuse(SESSMEM_EXPIRED_TOKEN, InvalidOid, refused, "It has ended.",
					   "Let the issuer open it again with sessmem.open_session().");
	claims = sessmem_context_claims(&standing);
	if (claims == NULL || !claims->own || standing->lifetime <= 0)
		sessmem_refuse(SESSMEM_FOREIGN_TOKEN, InvalidOid, refused, "Its token was not issued by this database.",
					   "Ask its issuer for a new one.");

	lifetime = palloc0(sizeof(Interval));
	lifetime->time = standing->lifetime;
	token = mint(&claims->who, claims->issued, now, PG_ARGISNULL(0) ? IntervalPGetDatum(lifetime) : PG_GETARG_DATUM(0), &expires);
	if (expires - now > standing->lifetime)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("ttl must not exceed the lifetime that the issuer gave the session"),
				errhint("Leave it out, and renew again later."));
	sessmem_commit_renew(expires);
	PG_RETURN_TEXT_P(token);
}
