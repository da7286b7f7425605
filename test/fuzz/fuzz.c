/*
 * fuzz.c
 *		libFuzzer inside of a backend, on what a client can hand to the library.
 *
 *	token		what bind() and attach() are given.  Starts from good tokens; header,
 *				claims and signature are changed and put together again.  None may
 *				be accepted but those it started from.
 *	signed		header, NUL, claims: signed here with a good key, so that what comes
 *				after the signature is reached.  What is accepted must be what the
 *				server's own JSON functions read.
 *	context		values of sessmem.context.  Starts from some that were sealed in this
 *				very transaction.  No other may be genuine, nor in force.
 *
 * A token is refused with 28000 and one message, and a context without an error.
 * Anything else stops the run, as does what the sanitizers see; libFuzzer then
 * leaves the input in a file.
 *
 * test/fuzz/run links this into a library of its own; it is part of no other.
 * Each input has a subtransaction, which is rolled back.
 */
#include "sessmem.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "storage/fd.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#define INPUT_MAX 12288
#define MAX_SEEDS 64
#define MAX_REASONS 64

/* libFuzzer's and the sanitizer's */
extern int	LLVMFuzzerRunDriver(int *argc, char ***argv,
								int (*run) (const uint8_t *data, size_t size));
extern size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
extern size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
									  unsigned int seed);
extern size_t __sanitizer_get_current_allocated_bytes(void);

typedef struct Seed
{
	const char *data;
	size_t		len;
	uint64		accepted;
} Seed;

typedef struct Kind
{
	const char *name;
	void		(*seed) (ArrayType *tokens);
	bool		(*accepts) (const char *data, size_t len);	/* in a subtransaction */
	size_t		(*mutate) (uint8_t *data, size_t size, size_t max_size);
} Kind;

static const Kind *kind;
static Seed seeds[MAX_SEEDS];
static int	n_seeds = 0;

/* What became of the inputs. */
static uint64 planned;
static uint64 inputs = 0;
static uint64 accepted = 0;
static uint64 twins = 0;
static uint64 well_formed = 0;
static uint64 in_force = 0;
static uint64 compared = 0;
static struct
{
	char	   *detail;
	uint64		count;
}			reasons[MAX_REASONS];
static int	n_reasons = 0;
static size_t palloced;
static size_t malloced;

static MemoryContext seed_cxt;
static MemoryContext input_cxt;

PG_FUNCTION_INFO_V1(sessmem_fuzz);

/* Stops the run: libFuzzer's handler saves the input. */
pg_noreturn static void finding(const char *what, const char *detail);

static void
finding(const char *what, const char *detail)
{
	fprintf(stderr, "fuzz: FINDING: %s%s%s\n", what, detail ? ": " : "", detail ? detail : "");
	fflush(stderr);
	abort();
}

static Seed *
find_seed(const char *data, size_t len)
{
	for (int i = 0; i < n_seeds; i++)
	{
		if (seeds[i].len == len && memcmp(seeds[i].data, data, len) == 0)
			return &seeds[i];
	}
	return NULL;
}

static void
add_seed(const char *data, size_t len)
{
	MemoryContext oldcxt = MemoryContextSwitchTo(seed_cxt);

	if (find_seed(data, len) != NULL)
		return;
	if (n_seeds == MAX_SEEDS || len > INPUT_MAX)
		elog(ERROR, "too many seeds, or too long");
	seeds[n_seeds].data = memcpy(palloc(len + 1), data, len);
	seeds[n_seeds++].len = len;
	MemoryContextSwitchTo(oldcxt);
}

/* ---------- chance ---------- */

static uint64 chance;

static uint32
any(uint32 n)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return (uint32) (chance >> 11) % n;
}

/* ---------- pieces of bytes ---------- */

typedef struct Bytes
{
	size_t		len;
	uint8_t		data[INPUT_MAX];
} Bytes;

static void
take(Bytes *b, const void *data, size_t len)
{
	b->len = Min(len, sizeof(b->data));
	memcpy(b->data, data, b->len);
}

/* Replaces n bytes at that place, as far as there is room. */
static void
replace(Bytes *b, size_t at, size_t n, const void *data, size_t len)
{
	n = Min(n, b->len - at);
	if (b->len - n + len > sizeof(b->data))
		return;
	memmove(b->data + at + len, b->data + at + n, b->len - at - n);
	memcpy(b->data + at, data, len);
	b->len = b->len - n + len;
}

static void
replace_string(Bytes *b, size_t at, size_t n, const char *string)
{
	replace(b, at, n, string, strlen(string));
}

static void
mutate_bytes(Bytes *b)
{
	b->len = LLVMFuzzerMutate(b->data, b->len, sizeof(b->data));
}

static const char base64url_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void
encode(Bytes *out, const uint8_t *data, size_t len)
{
	out->len = 0;
	for (size_t i = 0; i < len && out->len + 4 <= sizeof(out->data); i += 3)
	{
		int			n = Min(len - i, 3);
		uint32		v = data[i] << 16 | (n > 1 ? data[i + 1] : 0) << 8 | (n > 2 ? data[i + 2] : 0);

		for (int k = 0; k <= n; k++)
			out->data[out->len++] = base64url_digits[(v >> (18 - 6 * k)) & 63];
	}
}

static bool
decode(Bytes *out, const uint8_t *data, size_t len)
{
	uint32		v = 0;
	int			bits = 0;

	out->len = 0;
	for (size_t i = 0; i < len && out->len < sizeof(out->data); i++)
	{
		const char *digit = data[i] ? strchr(base64url_digits, data[i]) : NULL;

		if (digit == NULL)
			return false;
		v = v << 6 | (digit - base64url_digits);
		bits += 6;
		if (bits >= 8)
		{
			bits -= 8;
			out->data[out->len++] = v >> bits;
		}
	}
	return true;
}

/* The three parts of a token; false if it has another number of them. */
static bool
split(const uint8_t *data, size_t len, Bytes part[3])
{
	const uint8_t *dot1 = memchr(data, '.', len);
	const uint8_t *dot2 = dot1 ? memchr(dot1 + 1, '.', data + len - dot1 - 1) : NULL;

	if (dot2 == NULL || memchr(dot2 + 1, '.', data + len - dot2 - 1) != NULL)
		return false;
	take(&part[0], data, dot1 - data);
	take(&part[1], dot1 + 1, dot2 - dot1 - 1);
	take(&part[2], dot2 + 1, data + len - dot2 - 1);
	return true;
}

/* ---------- mutation of JSON ---------- */

static const char *const members[] = {
	"\"alg\":\"none\"", "\"alg\":\"HS256\"", "\"alg\":\"RS256\"", "\"alg\":\"ES256\"", "\"alg\":\"EdDSA\"",
	"\"alg\":null", "\"alg\":[\"HS256\"]", "\"alg\":\"\"", "\"\\u0061lg\":\"HS256\"",
	"\"kid\":\"fuzz-HS256\"", "\"kid\":\"fuzz-RS256\"", "\"kid\":\"fuzz-ES256\"", "\"kid\":\"fuzz-EdDSA\"",
	"\"kid\":\"seal\"", "\"kid\":1", "\"kid\":{\"kid\":\"fuzz-HS256\"}",
	"\"crit\":[\"exp\"]", "\"crit\":null", "\"typ\":\"JWT\"", "\"jwk\":{\"kty\":\"oct\",\"k\":\"AAAA\"}",
	"\"sid\":\"s\"", "\"sid\":\"\"", "\"sid\":null", "\"sid\":[\"s\"]", "\"s\\u0069d\":\"t\"",
	"\"sid\":\"\\u0000\"", "\"sid\":\"\\ud83d\\ude00\"", "\"sid\":\"\\ud83d\"",
	"\"sub\":\"alice\"", "\"sub\":\"\"", "\"sub\":7", "\"tid\":\"acme\"", "\"tid\":false",
	"\"role\":\"postgres\"", "\"role\":\"nobody\"", "\"jti\":\"1\"", "\"jti\":1", "\"iss\":\"sessmem\"",
	"\"iss\":[\"sessmem\"]", "\"aud\":\"postgres\"", "\"aud\":[\"other\",\"postgres\"]", "\"aud\":[[\"postgres\"]]",
	"\"aud\":{\"postgres\":\"postgres\"}", "\"aud\":[{},\"postgres\"]", "\"aud\":[]",
	"\"exp\":4102444800", "\"exp\":4102444800.5", "\"exp\":1", "\"exp\":-1", "\"exp\":1e400", "\"exp\":1e-400",
	"\"exp\":253402300799", "\"exp\":253402300800", "\"exp\":0e0", "\"exp\":\"4102444800\"", "\"exp\":[4102444800]",
	"\"nbf\":1700000000", "\"nbf\":4102444800", "\"nbf\":null", "\"iat\":1700000000", "\"iat\":-0.0", "\"iat\":9e99",
	"\"x\":{\"sid\":\"y\",\"aud\":\"postgres\"}", "\"x\":[1,[2,{\"y\":null}],true]"
};

static const char *const words[] = {
	"HS256", "RS256", "ES256", "EdDSA", "none", "fuzz-HS256", "fuzz-RS256", "fuzz-ES256", "fuzz-EdDSA"
};

static const char *const scraps[] = {
	" ", "\t\n\r ", ",", ":", "{", "}", "[", "]", "\"", "\\", "\\u0000", "\\u00", "\\ud800", "\\udc00", "null",
	"true", "-", "0", "1e1", ".5", "//", "\xef\xbb\xbf", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff", "\xc3"
};

static size_t
find_word(const Bytes *b, const char *word)
{
	size_t		len = strlen(word);

	for (size_t i = 0; i + len <= b->len; i++)
	{
		if (memcmp(b->data + i, word, len) == 0)
			return i;
	}
	return b->len;
}

static void
mutate_json(Bytes *b)
{
	size_t		at = b->len ? any(b->len) : 0;
	const char *member = members[any(lengthof(members))];
	const char *word = words[any(lengthof(words))];
	int			what = any(100);

	if (b->len == 0 || what < 12)
		mutate_bytes(b);
	else if (what < 50)
	{
		/* another value for a member; one more where there is none */
		size_t		end;

		at = find_word(b, pnstrdup(member, strchr(member, ':') - member));
		for (end = at; end < b->len && b->data[end] != ',' && b->data[end] != '}';)
			end++;
		if (at < b->len)
			replace_string(b, at, end - at, member);
		else if ((at = find_word(b, "{")) < b->len)
			replace_string(b, at + 1, 0, psprintf("%s,", member));
	}
	else if (what < 60)
		replace_string(b, b->len - 1, 0, psprintf(",%s", member));	/* perhaps for the second time */
	else if (what < 75)
	{
		/* another algorithm or key */
		at = find_word(b, word);
		if (at < b->len)
			replace_string(b, at, strlen(word), words[any(lengthof(words))]);
	}
	else if (what < 83)
		replace_string(b, at, any(2), scraps[any(lengthof(scraps))]);
	else if (what < 90)
		replace_string(b, at, 1, psprintf("\\u%04x", b->data[at]));	/* spelled differently */
	else if (what < 93)
	{
		/* deep */
		char		nest[6000];
		int			n = 1 + any(any(8) ? 40 : sizeof(nest));

		memset(nest, any(2) ? '[' : '{', n);
		replace(b, at, 0, nest, n);
	}
	else
	{
		/* a part twice, or gone */
		Bytes		copy;

		take(&copy, b->data + at, 1 + any(b->len - at));
		if (any(2))
			replace(b, any(b->len), 0, copy.data, copy.len);
		else
			replace(b, at, copy.len, "", 0);
	}
}

/* ---------- tokens ---------- */

/* The order of P-256, and of Ed25519 with its bytes turned round. */
static const uint8_t p256_order[32] = {
	0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51
};
static const uint8_t ed25519_order[32] = {
	0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10
};

/* For every ECDSA signature (r, s) there is (r, order - s), which is as good. */
static void
make_twin(Bytes *sig)
{
	int			borrow = 0;

	if (sig->len != 64)
		return;
	for (int i = 31; i >= 0; i--)
	{
		int			d = p256_order[i] - sig->data[32 + i] - borrow;

		borrow = d < 0;
		sig->data[32 + i] = (uint8_t) d;
	}
}

/* The same for EdDSA would be S + order, which RFC 8032, 5.1.7 forbids. */
static void
add_order(Bytes *sig)
{
	int			carry = 0;

	if (sig->len != 64)
		return;
	for (int i = 0; i < 32; i++)
	{
		carry += sig->data[32 + i] + ed25519_order[i];
		sig->data[32 + i] = (uint8_t) carry;
		carry >>= 8;
	}
}

/* Whether a token is a good one with an ES256 signature's twin. */
static Seed *
find_twin(const char *data, size_t len)
{
	Bytes		part[3];
	Bytes		sig;
	Bytes		twin;

	if (!split((const uint8_t *) data, len, part) || !decode(&sig, part[2].data, part[2].len))
		return NULL;
	make_twin(&sig);
	encode(&twin, sig.data, sig.len);
	for (int i = 0; i < n_seeds; i++)
	{
		Bytes		good[3];

		if (split((const uint8_t *) seeds[i].data, seeds[i].len, good) &&
			good[0].len == part[0].len && memcmp(good[0].data, part[0].data, part[0].len) == 0 &&
			good[1].len == part[1].len && memcmp(good[1].data, part[1].data, part[1].len) == 0 &&
			good[2].len == twin.len && memcmp(good[2].data, twin.data, twin.len) == 0 &&
			decode(&sig, part[0].data, part[0].len) && find_word(&sig, "\"ES256\"") < sig.len)
			return &seeds[i];
	}
	return NULL;
}

static void
seed_tokens(ArrayType *tokens)
{
	Datum	   *elems;
	int			n;

	deconstruct_array(tokens, TEXTOID, -1, false, TYPALIGN_INT, &elems, NULL, &n);
	for (int i = 0; i < n; i++)
		add_seed(TextDatumGetCString(elems[i]), strlen(TextDatumGetCString(elems[i])));
}

static bool
token_accepts(const char *data, size_t len)
{
	SessmemClaims claims;
	Seed	   *seed = find_seed(data, len);
	bool		twin = seed == NULL && find_twin(data, len) != NULL;

	sessmem_token_verify(data, len, &claims);
	if (seed != NULL)
		seed->accepted++;
	else if (twin)
		twins++;
	else
		finding("a token was accepted that nobody has issued", NULL);
	return true;
}

static size_t
token_mutate(uint8_t *data, size_t size, size_t max_size)
{
	Bytes		part[3];
	Bytes		bytes;
	size_t		len = 0;

	if (any(10) == 0 || !split(data, size, part))
		return LLVMFuzzerMutate(data, size, max_size);

	for (int n = 1 + any(2); n > 0; n--)
	{
		const Seed *other = &seeds[any(n_seeds)];
		Bytes		others[3];
		int			p = any(8);

		p = p < 4 ? 0 : p < 6 ? 1 : 2;
		if (any(8) == 0 && split((const uint8_t *) other->data, other->len, others))
		{
			/* a part of another token */
			part[p] = others[p];
			continue;
		}
		if (!decode(&bytes, part[p].data, part[p].len))
		{
			mutate_bytes(&part[p]);
			continue;
		}
		if (p < 2)
			mutate_json(&bytes);
		else
		{
			switch (any(6))
			{
				case 0:
					make_twin(&bytes);
					break;
				case 1:
					add_order(&bytes);
					break;
				case 2:			/* of the right length for another algorithm */
					memset(bytes.data + bytes.len, any(2) ? 0 : 0xff, sizeof(bytes.data) - bytes.len);
					bytes.len = (const size_t[]) {0, 31, 32, 33, 63, 64, 65, 128, 255, 256, 257}[any(11)];
					break;
				default:
					mutate_bytes(&bytes);
					break;
			}
		}
		encode(&part[p], bytes.data, bytes.len);
	}

	/* another spelling of the same bytes */
	if (any(16) == 0)
	{
		static const char *const ends[] = {"=", "==", "\n", " ", "A", ".", "+", "/", "%3D"};
		Bytes	   *b = &part[any(3)];

		if (any(2) && b->len > 0)
			b->data[b->len - 1] = base64url_digits[any(64)];
		else
			replace_string(b, any(4) ? b->len : 0, 0, ends[any(lengthof(ends))]);
	}

	for (int i = 0; i < 3; i++)
	{
		size_t		n = Min(part[i].len, max_size - len);

		memcpy(data + len, part[i].data, n);
		len += n;
		if (i < 2 && len < max_size)
			data[len++] = '.';
	}
	return len;
}

/* ---------- claims behind a good signature ---------- */

static void
seed_signed(ArrayType *tokens)
{
	Datum	   *elems;
	int			n;
	char	   *header = psprintf("{\"alg\":\"HS256\",\"kid\":\"%s\"}",
								  sessmem_keyring_kid(sessmem_keyring_signer()));

	deconstruct_array(tokens, TEXTOID, -1, false, TYPALIGN_INT, &elems, NULL, &n);
	for (int i = 0; i < n; i++)
	{
		Bytes		part[3];
		Bytes		claims;
		StringInfoData buf;
		char	   *token = TextDatumGetCString(elems[i]);

		if (!split((uint8_t *) token, strlen(token), part) || !decode(&claims, part[1].data, part[1].len))
			elog(ERROR, "not a token");
		initStringInfo(&buf);
		appendBinaryStringInfo(&buf, header, strlen(header) + 1);
		appendBinaryStringInfo(&buf, (char *) claims.data, claims.len);
		add_seed(buf.data, buf.len);
	}
}

/*
 * Whether the server's own functions read the same from header and claims.  They
 * refuse some numbers that are of no interest to us; then there is no answer.
 */
static void
compare(const char *header, size_t header_len, const char *payload, size_t payload_len,
		const SessmemClaims *claims)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[] = {BYTEAOID, BYTEAOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID};
	const char *const texts[] = {
		sessmem_keyring_kid(sessmem_keyring_signer()),
		claims->who.session, claims->who.user, claims->who.tenant
	};
	Datum		values[7];
	char		nulls[7] = "       ";
	MemoryContext oldcxt = CurrentMemoryContext;
	ResourceOwner oldowner = CurrentResourceOwner;
	volatile bool same = true;

	if (plan == NULL)
	{
		SPI_connect();
		plan = SPI_prepare(
						   "SELECT h ->> 'alg' = 'HS256' AND h ->> 'kid' = $3 AND NOT h ? 'crit'"
						   " AND jsonb_typeof(c -> 'sid') = 'string' AND c ->> 'sid' = $4 AND $4 <> ''"
						   " AND coalesce(jsonb_typeof(c -> 'sub'), 'string') = 'string' AND c ->> 'sub' IS NOT DISTINCT FROM $5"
						   " AND coalesce(jsonb_typeof(c -> 'tid'), 'string') = 'string' AND c ->> 'tid' IS NOT DISTINCT FROM $6"
						   " AND jsonb_typeof(c -> 'aud') IN ('string', 'array') AND c -> 'aud' ? current_setting('sessmem.audience')"
						   " AND jsonb_typeof(c -> 'exp') = 'number' AND (c ->> 'exp')::numeric > extract(epoch FROM transaction_timestamp())"
						   " AND abs((c ->> 'exp')::numeric - extract(epoch FROM $7)) < 0.001"
						   " AND coalesce((c ->> 'nbf')::numeric, 0) <= extract(epoch FROM statement_timestamp()) + 31"
						   " AND coalesce((c ->> 'iat')::numeric, 0) <= extract(epoch FROM statement_timestamp()) + 31"
						   " AND coalesce(c ->> 'role', current_user) = current_user AND coalesce(c ->> 'jti', '-') <> ''"
						   " AND (SELECT count(*) = count(DISTINCT k) FROM json_object_keys(h::text::json) AS k)"
						   " AND (SELECT count(*) = count(DISTINCT k) FROM json_object_keys(convert_from($2, 'UTF8')::json) AS k)"
						   " AND (SELECT count(*) = count(DISTINCT k) FROM json_object_keys(convert_from($1, 'UTF8')::json) AS k)"
						   " FROM (SELECT convert_from($1, 'UTF8')::jsonb AS h, convert_from($2, 'UTF8')::jsonb AS c OFFSET 0) AS s",
						   7, types);
		if (plan == NULL || SPI_keepplan(plan) != 0)
			elog(ERROR, "cannot prepare the comparison");
		SPI_finish();
	}

	values[0] = PointerGetDatum(cstring_to_text_with_len(header, header_len));
	values[1] = PointerGetDatum(cstring_to_text_with_len(payload, payload_len));
	for (int i = 0; i < 4; i++)
	{
		values[2 + i] = texts[i] ? CStringGetTextDatum(texts[i]) : (Datum) 0;
		nulls[2 + i] = texts[i] ? ' ' : 'n';
	}
	values[6] = TimestampTzGetDatum(claims->expires);

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(oldcxt);
	PG_TRY();
	{
		bool		isnull;

		SPI_connect();
		if (SPI_execute_plan(plan, values, nulls, true, 0) != SPI_OK_SELECT || SPI_processed != 1)
			elog(ERROR, "cannot compare");
		same = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull)) && !isnull;
		SPI_finish();
		compared++;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(oldcxt);
		FlushErrorState();
	}
	PG_END_TRY();
	RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(oldcxt);
	CurrentResourceOwner = oldowner;
	if (!same)
		finding("claims were accepted that the server reads differently", NULL);
}

static bool
signed_accepts(const char *data, size_t len)
{
	const char *end = memchr(data, '\0', len);
	size_t		header_len = end ? end - data : len;
	const char *payload = end ? end + 1 : data + len;
	size_t		payload_len = data + len - payload;
	unsigned char mac[SESSMEM_MAC_LEN];
	StringInfoData token;
	Bytes		b;
	SessmemClaims claims;
	Seed	   *seed = find_seed(data, len);

	initStringInfo(&token);
	encode(&b, (const uint8_t *) data, header_len);
	appendBinaryStringInfo(&token, (char *) b.data, b.len);
	appendStringInfoChar(&token, '.');
	encode(&b, (const uint8_t *) payload, payload_len);
	appendBinaryStringInfo(&token, (char *) b.data, b.len);
	sessmem_keyring_sign(sessmem_keyring_signer(), token.data, token.len, mac);
	appendStringInfoChar(&token, '.');
	encode(&b, mac, sizeof(mac));
	appendBinaryStringInfo(&token, (char *) b.data, b.len);

	sessmem_token_verify(token.data, token.len, &claims);
	if (seed != NULL)
		seed->accepted++;
	compare(data, header_len, payload, payload_len, &claims);
	return true;
}

static size_t
signed_mutate(uint8_t *data, size_t size, size_t max_size)
{
	uint8_t    *end = memchr(data, '\0', size);
	size_t		header_len = end ? end - data : size;
	Bytes		header;
	Bytes		payload;

	if (end == NULL || any(10) == 0)
		return LLVMFuzzerMutate(data, size, max_size);
	take(&header, data, header_len);
	take(&payload, end + 1, size - header_len - 1);
	if (any(6) == 0)
		mutate_json(&header);
	else
	{
		for (int n = 1 + any(2); n > 0; n--)
			mutate_json(&payload);
	}
	replace(&header, header.len, 0, "", 1);
	replace(&header, header.len, 0, payload.data, payload.len);
	size = Min(header.len, max_size);
	memcpy(data, header.data, size);
	return size;
}

/* ---------- contexts ---------- */

static void
seed_contexts(ArrayType *tokens)
{
	static const SessmemIdentity who[] = {
		{"s", NULL, NULL},
		{"s", "alice", "acme"},
		{"a session, its id with | and : and 12:", NULL, "|"},
		{"\xc3\xa9t\xc3\xa9 \xf0\x9f\x98\x80", "-1:", "0"}
	};
	char		longer[2000];

	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	for (size_t i = 0; i < lengthof(who) * 2 + 1; i++)
	{
		SessmemClaims claims = {.expires = i % 3 ? DT_NOEND : GetCurrentTransactionStartTimestamp() + USECS_PER_HOUR,
			.issued = i % 3 ? DT_NOBEGIN : GetCurrentTransactionStartTimestamp(),
		.own = false};
		char	   *sealed;

		if (i < lengthof(who) * 2)
			claims.who = who[i / 2];
		else
			claims.who.session = longer;
		claims.kid = i % 2 ? sessmem_keyring_kid(sessmem_keyring_signer()) : NULL;
		sealed = sessmem_seal_make(&claims, i % 4 < 2);
		add_seed(sealed, strlen(sealed));
	}
}

static bool
context_accepts(const char *data, size_t len)
{
	char	   *value = pnstrdup(data, len);
	size_t		value_len = strlen(value);	/* a value ends at the first NUL */
	Seed	   *seed = find_seed(value, value_len);
	void	   *extra = NULL;
	bool		genuine = false;

	if (!sessmem_seal_check(&value, &extra, PGC_S_SESSION))
		finding("the check hook refused a value", NULL);
	if (extra != NULL)
	{
		SessmemSeal *seal = extra;

		if (seal->verdict == SESSMEM_GENUINE)
			finding("a context was genuine before it was verified", NULL);
		if (seal->verdict == SESSMEM_UNVERIFIED)
			well_formed++;
		genuine = sessmem_seal_genuine(seal);
		if (genuine && seed == NULL)
			finding("a context is genuine that nobody has sealed", NULL);
		/* twice: the verdict is kept */
		if (sessmem_seal_genuine(seal) != genuine)
			finding("a context was judged twice and differently", NULL);
		sessmem_compat_guc_free(extra);
	}
	if (genuine)
		seed->accepted++;

	(void) set_config_option("sessmem.context", value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_LOCAL, true, 0, false);
	if (sessmem_context_in_force())
	{
		if (seed == NULL)
			finding("a context is in force that nobody has sealed", NULL);
		in_force++;
	}
	return genuine;
}

static size_t
context_mutate(uint8_t *data, size_t size, size_t max_size)
{
	static const char *const numbers[] = {
		"0", "1", "-1", "-0", "+1", " 1", "00", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
		"-9223372036854775809", "2147483648", "4294967296", "99999999999999999999", "0x10", "1e3", "", "c", "t"
	};
	Bytes		b;

	if (any(5) == 0)
		return LLVMFuzzerMutate(data, size, max_size);
	take(&b, data, size);
	for (int n = 1 + any(3); n > 0; n--)
	{
		/* from one separator to the next */
		size_t		start = b.len ? any(b.len) : 0;
		size_t		end;
		size_t		colon;

		while (start > 0 && b.data[start - 1] != '|')
			start--;
		for (end = start; end < b.len && b.data[end] != '|';)
			end++;
		for (colon = start; colon < end && b.data[colon] != ':';)
			colon++;

		switch (any(7))
		{
			case 0:				/* a number, or the length of a claim */
			case 1:
				replace_string(&b, start, (colon < end ? colon : end) - start, numbers[any(lengthof(numbers))]);
				break;
			case 2:				/* the length alone, by a little, or so that it reaches the end */
				if (colon < end)
					replace_string(&b, start, colon - start,
								  psprintf("%d", any(2) ? (int) (end - colon) - 3 + (int) any(5) :
										   (int) (b.len - colon) - 3 + (int) any(5)));
				break;
			case 3:				/* what a claim is, of the same length */
				if (colon < end)
				{
					for (size_t i = colon + 1; i < end; i++)
						b.data[i] = any(4) ? b.data[i] : "|:-0a"[any(5)];
				}
				else if (end > start)
					b.data[start + any(end - start)] = '0' + any(10);
				break;
			case 4:				/* a field less, or one twice */
				{
					Bytes		field;
					bool		twice = any(2);

					take(&field, b.data + start, Min(end + 1, b.len) - start);
					replace(&b, start, twice ? 0 : field.len, field.data, twice ? field.len : 0);
					break;
				}
			case 5:				/* the MAC: cut, longer, another's, in capitals */
				{
					const Seed *other = &seeds[any(n_seeds)];
					size_t		mac = Min(b.len, SESSMEM_MAC_LEN * 2);

					switch (any(4))
					{
						case 0:
							b.len -= any(Min(b.len, 3) + 1);
							break;
						case 1:
							replace_string(&b, b.len, 0, any(2) ? "0" : "00");
							break;
						case 2:
							take(&b, b.data, b.len - mac);
							replace(&b, b.len, 0, other->data + other->len - SESSMEM_MAC_LEN * 2, SESSMEM_MAC_LEN * 2);
							break;
						case 3:
							for (size_t i = b.len - mac; i < b.len; i++)
								b.data[i] = pg_toupper(b.data[i]);
							break;
					}
					break;
				}
			case 6:				/* the rest of another */
				{
					const Seed *other = &seeds[any(n_seeds)];
					size_t		at = any(other->len);

					replace(&b, start, b.len, other->data + at, other->len - at);
					break;
				}
		}
	}
	size = Min(b.len, max_size);
	memcpy(data, b.data, size);
	return size;
}

/* ---------- the run ---------- */

static const Kind kinds[] = {
	{"token", seed_tokens, token_accepts, token_mutate},
	{"signed", seed_signed, signed_accepts, signed_mutate},
	{"context", seed_contexts, context_accepts, context_mutate}
};

/* The mutators' psprintf() has no other place to go to. */
size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	MemoryContext oldcxt = MemoryContextSwitchTo(input_cxt);

	chance = (uint64) seed * UINT64CONST(0x9E3779B97F4A7C15) + 1;
	/* most of what libFuzzer has found interesting is broken early on */
	if (any(5) < 2)
	{
		const Seed *start = &seeds[any(n_seeds)];

		size = Min(start->len, max_size);
		memcpy(data, start->data, size);
	}
	size = kind->mutate(data, size, max_size);
	MemoryContextSwitchTo(oldcxt);
	MemoryContextReset(input_cxt);
	return size;
}

static void
count_reason(const char *detail)
{
	int			i = 0;

	while (i < n_reasons && strcmp(reasons[i].detail, detail) != 0)
		i++;
	if (i == MAX_REASONS)
		finding("the details of refusals differ too much", detail);
	if (i == n_reasons)
	{
		reasons[i].detail = MemoryContextStrdup(seed_cxt, detail);
		n_reasons++;
	}
	reasons[i].count++;
}

static int
run_one(const uint8_t *data, size_t size)
{
	MemoryContext oldcxt = CurrentMemoryContext;
	ResourceOwner oldowner = CurrentResourceOwner;
	/* of just that size, so that the sanitizer sees whoever reads on */
	char	   *input = malloc(Max(size, 1));

	memcpy(input, data, size);
	inputs++;
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(input_cxt);
	PG_TRY();
	{
		if (kind->accepts(input, size))
			accepted++;
	}
	PG_CATCH();
	{
		ErrorData  *e;

		MemoryContextSwitchTo(input_cxt);
		e = CopyErrorData();
		FlushErrorState();
		if (e->sqlerrcode != ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION ||
			strcmp(e->message, "session token refused") != 0 || e->detail == NULL || e->hint == NULL)
			finding(psprintf("an error of another kind (%s)", unpack_sql_state(e->sqlerrcode)), e->message);
		if (find_seed(input, size) != NULL)
			finding("a good one was refused", e->detail);
		count_reason(e->detail);
	}
	PG_END_TRY();
	RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(oldcxt);
	CurrentResourceOwner = oldowner;
	MemoryContextReset(input_cxt);
	free(input);

	/* what grows in the second half goes on growing */
	if (inputs == planned / 2)
	{
		palloced = MemoryContextMemAllocated(TopMemoryContext, true);
		malloced = __sanitizer_get_current_allocated_bytes();
	}
	return 0;
}

/* libFuzzer ends the process when it is done. */
static void
report(void)
{
	int			good = 0;

	for (int i = 0; i < n_seeds; i++)
		good += seeds[i].accepted > 0;
	fprintf(stderr, "fuzz: inputs %lu\n", (unsigned long) inputs);
	fprintf(stderr, "fuzz: seeds %d\n", n_seeds);
	fprintf(stderr, "fuzz: seeds-accepted %d\n", good);
	fprintf(stderr, "fuzz: accepted %lu\n", (unsigned long) accepted);
	fprintf(stderr, "fuzz: twins %lu\n", (unsigned long) twins);
	fprintf(stderr, "fuzz: well-formed %lu\n", (unsigned long) well_formed);
	fprintf(stderr, "fuzz: in-force %lu\n", (unsigned long) in_force);
	fprintf(stderr, "fuzz: compared %lu\n", (unsigned long) compared);
	fprintf(stderr, "fuzz: palloced %ld\n",
			(long) (MemoryContextMemAllocated(TopMemoryContext, true) - palloced));
	fprintf(stderr, "fuzz: malloced %ld\n",
			(long) (__sanitizer_get_current_allocated_bytes() - malloced));
	for (int i = 0; i < n_reasons; i++)
		fprintf(stderr, "fuzz: refused %lu %s\n", (unsigned long) reasons[i].count, reasons[i].detail);
	fflush(stderr);
}

/* Writes the seeds where libFuzzer looks for them. */
static void
write_seeds(const char *directory)
{
	for (int i = 0; i < n_seeds; i++)
	{
		FILE	   *f = AllocateFile(psprintf("%s/%d", directory, i), PG_BINARY_W);

		if (f == NULL || fwrite(seeds[i].data, 1, seeds[i].len, f) != seeds[i].len || FreeFile(f) != 0)
			elog(ERROR, "cannot write a seed: %m");
	}
}

/*
 * fuzz(kind text, directory text, runs bigint, tokens text[], VARIADIC options text[])
 *
 * Does not return.  The directory is where the seeds are written to.
 */
Datum
sessmem_fuzz(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *directory = text_to_cstring(PG_GETARG_TEXT_PP(1));
	Datum	   *options;
	int			n;
	char	  **argv;
	int			argc = 0;

	planned = PG_GETARG_INT64(2);
	for (size_t i = 0; i < lengthof(kinds); i++)
	{
		if (strcmp(kinds[i].name, name) == 0)
			kind = &kinds[i];
	}
	if (kind == NULL)
		elog(ERROR, "there is no such kind of input");

	seed_cxt = AllocSetContextCreate(TopMemoryContext, "fuzz seeds", ALLOCSET_DEFAULT_SIZES);
	input_cxt = AllocSetContextCreate(TopMemoryContext, "fuzz input", ALLOCSET_DEFAULT_SIZES);
	kind->seed(PG_GETARG_ARRAYTYPE_P(3));
	write_seeds(directory);

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(4), TEXTOID, -1, false, TYPALIGN_INT, &options, NULL, &n);
	argv = palloc((n + 3) * sizeof(char *));
	argv[argc++] = pstrdup("fuzz");
	argv[argc++] = psprintf("-runs=" INT64_FORMAT, (int64) planned);
	for (int i = 0; i < n; i++)
		argv[argc++] = TextDatumGetCString(options[i]);
	argv[argc] = NULL;

	atexit(report);
	exit(LLVMFuzzerRunDriver(&argc, &argv, run_one));
}
