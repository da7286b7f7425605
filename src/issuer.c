/*
 * issuer.c
 *		Minting tokens: the database as its own issuer.
 *
 * Signs with the newest HS256 key.  With only public keys it cannot mint, and an
 * issuer outside of the database is the only one.  Reads no table and holds no
 * lock; keyring.c does.
 */
#include "sessmem.h"

#include <math.h>

#include "access/xact.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/json.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(sessmem_mint);

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

static char *
nonempty_argument(FunctionCallInfo fcinfo, int arg, const char *name)
{
	char	   *value;

	if (PG_ARGISNULL(arg))
		return NULL;
	value = text_to_cstring(PG_GETARG_TEXT_PP(arg));
	if (value[0] == '\0')
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("%s must not be empty", name),
				errhint("Leave it out, or pass NULL, if there is none."));
	return value;
}

/*
 * mint(user_id text, tenant_id text, session_id text, ttl interval) RETURNS text
 *
 * The token of open_session() and renew_session(), signed with the newest HS256
 * key.  Raises 22023 for an empty id or a lifetime that is not positive, 55000
 * when this database has no key to sign with.
 */
Datum
sessmem_mint(PG_FUNCTION_ARGS)
{
	char	   *user = nonempty_argument(fcinfo, 0, "user_id");
	char	   *tenant = nonempty_argument(fcinfo, 1, "tenant_id");
	char	   *session = nonempty_argument(fcinfo, 2, "session_id");
	TimestampTz now = GetCurrentStatementStartTimestamp();
	TimestampTz expires;
	const SessmemKey *key;
	StringInfoData json;
	StringInfoData token;
	unsigned char mac[SESSMEM_MAC_LEN];

	if (PG_ARGISNULL(3))
		ereport(ERROR,
				errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("ttl must not be null"));
	expires = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval,
													  TimestampTzGetDatum(now),
													  PG_GETARG_DATUM(3)));
	if (expires <= now ||
		expires / (double) USECS_PER_SEC + SESSMEM_UNIX_EPOCH > SESSMEM_NUMERIC_DATE_MAX - 1)
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
					 now / (double) USECS_PER_SEC + SESSMEM_UNIX_EPOCH,
					 (int64) ceil(expires / (double) USECS_PER_SEC + SESSMEM_UNIX_EPOCH));
	append_json_claim(&json, "aud", sessmem_guc_audience());
	append_json_claim(&json, "sid", session);
	append_json_claim(&json, "sub", user);
	append_json_claim(&json, "tid", tenant);
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
	PG_RETURN_TEXT_P(cstring_to_text_with_len(token.data, token.len));
}
