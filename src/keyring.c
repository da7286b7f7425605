/*
 * keyring.c
 *		Keys: where secrets live, and all that is computed with one.
 *
 * Keys are rows of sessmem.keyring.  The column that holds the material has
 * type sessmem.secret, which no SQL can read: it has no input, no binary form,
 * no cast, and its output is a mask, for superusers and pg_dump too.  Only this
 * file looks inside.  Material leaves it in no form: other files ask for a MAC
 * or a verdict, never for a key.
 *
 * Each backend keeps the live keys parsed in its own memory, because with
 * OpenSSL 3.0 parsing a public key costs many times the verification.  A
 * trigger on the table sends a relcache invalidation with every change, so all
 * backends reload before their next use of a key.  The copy is a child of
 * TopMemoryContext whose reset callback frees the OpenSSL objects, secrets with
 * them.
 *
 * No lock is held beyond the read of the table.  Between creating and freeing
 * an OpenSSL object nothing may raise an error: OpenSSL's memory is not ours.
 */
#include "sessmem.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "common/sha2.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

/* Columns of sessmem.keyring; extension/keyring.sql creates them in this order. */
enum
{
	Anum_keyring_kid = 1,
	Anum_keyring_alg,
	Anum_keyring_purpose,
	Anum_keyring_material,
	Anum_keyring_created_at,
	Anum_keyring_retired_at
};

#define HS256_SECRET_LEN 32		/* RFC 7518, 3.2: at least the hash's size */
#define ES256_COORD_LEN 32
#define ED25519_KEY_LEN 32
#define RSA_MIN_BITS 2048
#define RSA_MAX_BITS 8192		/* bounds what one verification costs */

struct SessmemKey
{
	char	   *kid;
	SessmemAlgorithm alg;
	TimestampTz created;
	EVP_MAC_CTX *mac;			/* HS256 only: holds the secret */
	EVP_PKEY   *pkey;			/* the others */
};

static const char *const algorithm_names[] = {"HS256", "EdDSA", "ES256", "RS256"};

/* The copy of the live keys in this backend. */
static MemoryContext keyring_cxt = NULL;
static List *token_keys = NIL;	/* of SessmemKey */
static SessmemKey *seal_key = NULL;
static Oid	keyring_relid = InvalidOid;
static uint64 generation = 1;	/* moves with every change seen */
static uint64 loaded_generation = 0;

/* One of each per backend, never freed: to make them takes longer than to hash. */
static EVP_MD_CTX *md_cxt = NULL;
static EVP_MD *sha256 = NULL;
static EVP_MAC *hmac = NULL;

PG_FUNCTION_INFO_V1(sessmem_secret_in);
PG_FUNCTION_INFO_V1(sessmem_secret_out);
PG_FUNCTION_INFO_V1(sessmem_key_material);

/* ---------- reading the table ---------- */

static bool
parse_algorithm(const char *name, SessmemAlgorithm *alg)
{
	for (size_t i = 0; i < lengthof(algorithm_names); i++)
	{
		if (strcmp(name, algorithm_names[i]) == 0)
		{
			*alg = (SessmemAlgorithm) i;
			return true;
		}
	}
	return false;
}

/* Frees and wipes what a key holds outside of palloc's care. */
static void
release_key(void *arg)
{
	SessmemKey *key = arg;

	EVP_PKEY_free(key->pkey);
	key->pkey = NULL;
	EVP_MAC_CTX_free(key->mac);	/* wipes the secret */
	key->mac = NULL;
}

static void
invalidate_keyring(Datum arg, Oid relid)
{
	if (relid == InvalidOid || relid == keyring_relid)
		generation++;
}

static SessmemKey *
load_key(HeapTuple tup, TupleDesc desc)
{
	SessmemKey *key = palloc0(sizeof(SessmemKey));
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));
	bool		isnull;
	bytea	   *material;
	Datum		value;

	key->kid = TextDatumGetCString(heap_getattr(tup, Anum_keyring_kid, desc, &isnull));
	if (!parse_algorithm(TextDatumGetCString(heap_getattr(tup, Anum_keyring_alg, desc, &isnull)),
						 &key->alg))
		elog(ERROR, "unknown algorithm in sessmem.keyring");
	key->created = DatumGetTimestampTz(heap_getattr(tup, Anum_keyring_created_at, desc, &isnull));

	value = heap_getattr(tup, Anum_keyring_material, desc, &isnull);
	if (isnull)
		return NULL;
	material = DatumGetByteaPP(value);

	callback->func = release_key;
	callback->arg = key;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);

	if (key->alg == SESSMEM_HS256)
	{
		OSSL_PARAM	params[2];

		params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, "SHA256", 0);
		params[1] = OSSL_PARAM_construct_end();
		if (hmac == NULL)
			hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
		key->mac = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
		if (key->mac == NULL ||
			EVP_MAC_init(key->mac, (unsigned char *) VARDATA_ANY(material),
						 VARSIZE_ANY_EXHDR(material), params) != 1)
		{
			ERR_clear_error();
			return NULL;		/* a key that cannot be used verifies nothing */
		}
	}
	else
	{
		const unsigned char *der = (const unsigned char *) VARDATA_ANY(material);

		key->pkey = d2i_PUBKEY(NULL, &der, VARSIZE_ANY_EXHDR(material));
		ERR_clear_error();
		if (key->pkey == NULL)
			return NULL;		/* an unreadable key verifies nothing */
	}
	return key;
}

/*
 * Makes the copy current.  Raises an error when the extension is not there:
 * without keys there is no session.
 */
static void
load_keyring(void)
{
	Relation	rel;
	SysScanDesc scan;
	HeapTuple	tup;
	MemoryContext oldcxt;
	uint64		started;

	if (loaded_generation == generation)
		return;

	token_keys = NIL;
	seal_key = NULL;
	loaded_generation = 0;
	if (keyring_cxt == NULL)
		keyring_cxt = AllocSetContextCreate(TopMemoryContext, "sessmem keyring",
											ALLOCSET_SMALL_SIZES);
	else
		MemoryContextReset(keyring_cxt);

	keyring_relid = sessmem_registry_table("keyring");
	rel = table_open(keyring_relid, AccessShareLock);
	/* opening it took in what was announced so far */
	started = generation;
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	oldcxt = MemoryContextSwitchTo(keyring_cxt);
	while (HeapTupleIsValid(tup = systable_getnext(scan)))
	{
		TupleDesc	desc = RelationGetDescr(rel);
		SessmemKey *key;
		char	   *purpose;
		bool		isnull;

		(void) heap_getattr(tup, Anum_keyring_retired_at, desc, &isnull);
		if (!isnull)
			continue;
		purpose = TextDatumGetCString(heap_getattr(tup, Anum_keyring_purpose, desc, &isnull));
		key = load_key(tup, desc);
		if (key == NULL)
			continue;
		if (strcmp(purpose, "seal") == 0)
			seal_key = key;
		else
			token_keys = lappend(token_keys, key);
	}
	MemoryContextSwitchTo(oldcxt);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	loaded_generation = started;
}

/* ---------- what the other files may ask ---------- */

void
sessmem_keyring_init(void)
{
	CacheRegisterRelcacheCallback(invalidate_keyring, (Datum) 0);
}

/* Moves whenever a key may have been added, retired or replaced. */
uint64
sessmem_keyring_generation(void)
{
	return generation;
}

/* The live key of that id, or NULL.  Valid until the next call that looks for a key. */
const SessmemKey *
sessmem_keyring_find(const char *kid)
{
	ListCell   *lc;

	load_keyring();
	foreach(lc, token_keys)
	{
		SessmemKey *key = lfirst(lc);

		if (strcmp(key->kid, kid) == 0)
			return key;
	}
	return NULL;
}

/* The newest key that this database can sign with, or NULL. */
const SessmemKey *
sessmem_keyring_signer(void)
{
	SessmemKey *newest = NULL;
	ListCell   *lc;

	load_keyring();
	foreach(lc, token_keys)
	{
		SessmemKey *key = lfirst(lc);

		if (key->alg == SESSMEM_HS256 &&
			(newest == NULL || key->created > newest->created))
			newest = key;
	}
	return newest;
}

const char *
sessmem_keyring_kid(const SessmemKey *key)
{
	return key->kid;
}

const char *
sessmem_keyring_algorithm(const SessmemKey *key)
{
	return algorithm_names[key->alg];
}

static void
hmac_sha256(const SessmemKey *key, const char *data, size_t len, unsigned char *mac)
{
	size_t		maclen = 0;

	/* without a key: starts anew with the one that the context holds */
	if (EVP_MAC_init(key->mac, NULL, 0, NULL) != 1 ||
		EVP_MAC_update(key->mac, (const unsigned char *) data, len) != 1 ||
		EVP_MAC_final(key->mac, mac, &maclen, SESSMEM_MAC_LEN) != 1 ||
		maclen != SESSMEM_MAC_LEN)
	{
		ERR_clear_error();
		elog(ERROR, "could not compute an HMAC");
	}
}

/* JWS carries r and s side by side (RFC 7518, 3.4); OpenSSL wants DER. */
static int
es256_to_der(const unsigned char *sig, unsigned char **der)
{
	ECDSA_SIG  *parsed = ECDSA_SIG_new();
	BIGNUM	   *r = BN_bin2bn(sig, ES256_COORD_LEN, NULL);
	BIGNUM	   *s = BN_bin2bn(sig + ES256_COORD_LEN, ES256_COORD_LEN, NULL);
	int			len = -1;

	if (parsed && r && s && ECDSA_SIG_set0(parsed, r, s))
	{
		r = s = NULL;			/* owned by parsed now */
		len = i2d_ECDSA_SIG(parsed, der);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(parsed);
	return len;
}

static bool
verify_public(const SessmemKey *key, const char *data, size_t len,
			  const unsigned char *sig, size_t siglen)
{
	const EVP_MD *md = key->alg == SESSMEM_EDDSA ? NULL : EVP_sha256();
	unsigned char *der = NULL;
	bool		ok = false;

	if (key->alg == SESSMEM_ES256)
	{
		int			derlen;

		if (siglen != 2 * ES256_COORD_LEN)
			return false;
		derlen = es256_to_der(sig, &der);
		if (derlen < 0)
			return false;
		sig = der;
		siglen = derlen;
	}

	if (md_cxt == NULL)
		md_cxt = EVP_MD_CTX_new();
	if (md_cxt != NULL)
	{
		ok = EVP_DigestVerifyInit(md_cxt, NULL, md, NULL, key->pkey) == 1 &&
			EVP_DigestVerify(md_cxt, sig, siglen, (const unsigned char *) data, len) == 1;
		EVP_MD_CTX_reset(md_cxt);
	}
	OPENSSL_free(der);
	ERR_clear_error();
	return ok;
}

/*
 * Whether sig is the key's signature of data.  The key decides the algorithm;
 * nothing in data or sig does.
 */
bool
sessmem_keyring_verify(const SessmemKey *key, const char *data, size_t len,
					   const unsigned char *sig, size_t siglen)
{
	unsigned char mac[SESSMEM_MAC_LEN];

	if (key->alg != SESSMEM_HS256)
		return verify_public(key, data, len, sig, siglen);

	if (siglen != SESSMEM_MAC_LEN)
		return false;
	hmac_sha256(key, data, len, mac);
	return CRYPTO_memcmp(mac, sig, SESSMEM_MAC_LEN) == 0;
}

/* Signs data with an HS256 key, as sessmem_keyring_signer() returns it. */
void
sessmem_keyring_sign(const SessmemKey *key, const char *data, size_t len,
					 unsigned char *mac)
{
	Assert(key->alg == SESSMEM_HS256);
	hmac_sha256(key, data, len, mac);
}

/* The SHA-256 of data.  It needs no key; it is here with the rest of OpenSSL. */
void
sessmem_keyring_digest(const char *data, size_t len, unsigned char *digest)
{
	if (md_cxt == NULL)
		md_cxt = EVP_MD_CTX_new();
	if (sha256 == NULL)
		sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (md_cxt == NULL || sha256 == NULL ||
		EVP_DigestInit_ex(md_cxt, sha256, NULL) != 1 ||
		EVP_DigestUpdate(md_cxt, data, len) != 1 ||
		EVP_DigestFinal_ex(md_cxt, digest, NULL) != 1)
	{
		ERR_clear_error();
		elog(ERROR, "could not compute a SHA-256");
	}
}

static const SessmemKey *
find_seal_key(void)
{
	load_keyring();
	if (seal_key == NULL)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				errmsg("no session can be bound in this database"),
				errdetail("The key that seals contexts is missing from sessmem.keyring."),
				errhint("Recreate the extension, or restore the row whose purpose is \"seal\"."));
	return seal_key;
}

/* MACs data with the key that no token is ever signed with. */
void
sessmem_keyring_seal(const char *data, size_t len, unsigned char *mac)
{
	hmac_sha256(find_seal_key(), data, len, mac);
}

bool
sessmem_keyring_unseal(const char *data, size_t len, const unsigned char *mac)
{
	unsigned char expected[SESSMEM_MAC_LEN];

	hmac_sha256(find_seal_key(), data, len, expected);
	return CRYPTO_memcmp(mac, expected, SESSMEM_MAC_LEN) == 0;
}

/* ---------- SQL ---------- */

/* secret_in(cstring): always fails; secrets are made by create_key() and import_key(). */
Datum
sessmem_secret_in(PG_FUNCTION_ARGS)
{
	ereport(ERROR,
			errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("a value of type sessmem.secret cannot be entered"),
			errhint("Use sessmem.create_key() or sessmem.import_key()."));
	PG_RETURN_NULL();
}

/* secret_out(secret): a mask, whoever asks. */
Datum
sessmem_secret_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(pstrdup("********"));
}

/* Public keys are kept as DER, whatever they came as. */
static EVP_PKEY *
rsa_from_numbers(bytea *n, bytea *e)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	BIGNUM	   *bn_n = BN_bin2bn((unsigned char *) VARDATA_ANY(n), VARSIZE_ANY_EXHDR(n), NULL);
	BIGNUM	   *bn_e = BN_bin2bn((unsigned char *) VARDATA_ANY(e), VARSIZE_ANY_EXHDR(e), NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY   *pkey = NULL;

	if (bld && bn_n && bn_e && ctx &&
		BN_num_bits(bn_n) >= RSA_MIN_BITS && BN_num_bits(bn_n) <= RSA_MAX_BITS &&
		BN_is_odd(bn_n) && BN_is_odd(bn_e) && BN_num_bits(bn_e) >= 2 && BN_num_bits(bn_e) <= 64 &&
		OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, bn_n) &&
		OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, bn_e) &&
		(params = OSSL_PARAM_BLD_to_param(bld)) != NULL &&
		EVP_PKEY_fromdata_init(ctx) == 1)
		(void) EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params);

	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(ctx);
	BN_free(bn_n);
	BN_free(bn_e);
	return pkey;
}

static EVP_PKEY *
p256_from_coordinates(bytea *x, bytea *y)
{
	unsigned char point[1 + 2 * ES256_COORD_LEN];
	OSSL_PARAM	params[3];
	EVP_PKEY_CTX *ctx;
	EVP_PKEY   *pkey = NULL;

	if (VARSIZE_ANY_EXHDR(x) != ES256_COORD_LEN || VARSIZE_ANY_EXHDR(y) != ES256_COORD_LEN)
		return NULL;
	point[0] = POINT_CONVERSION_UNCOMPRESSED;
	memcpy(point + 1, VARDATA_ANY(x), ES256_COORD_LEN);
	memcpy(point + 1 + ES256_COORD_LEN, VARDATA_ANY(y), ES256_COORD_LEN);
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0);
	params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point));
	params[2] = OSSL_PARAM_construct_end();

	/* decoding the point checks that it is on the curve */
	ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	if (ctx && EVP_PKEY_fromdata_init(ctx) == 1)
		(void) EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

/*
 * key_material(alg text, a bytea, b bytea) RETURNS secret
 *
 * Makes the stored form of a key: HS256 from the secret a, or from 32 random
 * bytes when a is NULL; EdDSA from the point a; ES256 from x = a and y = b;
 * RS256 from n = a and e = b.  22023 for anything that is not such a key.
 */
Datum
sessmem_key_material(PG_FUNCTION_ARGS)
{
	SessmemAlgorithm alg;
	bytea	   *a = PG_ARGISNULL(1) ? NULL : PG_GETARG_BYTEA_PP(1);
	bytea	   *b = PG_ARGISNULL(2) ? NULL : PG_GETARG_BYTEA_PP(2);
	bytea	   *result = NULL;

	if (PG_ARGISNULL(0) ||
		!parse_algorithm(text_to_cstring(PG_GETARG_TEXT_PP(0)), &alg))
		elog(ERROR, "unknown key algorithm");

	if (alg == SESSMEM_HS256)
	{
		size_t		len = a ? VARSIZE_ANY_EXHDR(a) : HS256_SECRET_LEN;

		if (len < HS256_SECRET_LEN)
			ereport(ERROR,
					errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("HS256 secret is too short"),
					errdetail("It must have at least %d bytes.", HS256_SECRET_LEN),
					errhint("Use sessmem.create_key(), or a secret from a random generator."));
		result = palloc(VARHDRSZ + len);
		SET_VARSIZE(result, VARHDRSZ + len);
		if (a)
			memcpy(VARDATA(result), VARDATA_ANY(a), len);
		else if (!pg_strong_random(VARDATA(result), len))
			ereport(ERROR,
					errcode(ERRCODE_INTERNAL_ERROR),
					errmsg("could not generate a random key"));
	}
	else
	{
		EVP_PKEY   *pkey = NULL;
		unsigned char *der = NULL;
		int			len = -1;

		if (a && alg == SESSMEM_EDDSA && VARSIZE_ANY_EXHDR(a) == ED25519_KEY_LEN)
			pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
											   (unsigned char *) VARDATA_ANY(a), ED25519_KEY_LEN);
		else if (a && b && alg == SESSMEM_ES256)
			pkey = p256_from_coordinates(a, b);
		else if (a && b && alg == SESSMEM_RS256)
			pkey = rsa_from_numbers(a, b);

		if (pkey)
			len = i2d_PUBKEY(pkey, &der);
		EVP_PKEY_free(pkey);
		ERR_clear_error();
		if (len > 0)
		{
			result = MemoryContextAllocExtended(CurrentMemoryContext, VARHDRSZ + len,
												MCXT_ALLOC_NO_OOM);
			if (result)
			{
				SET_VARSIZE(result, VARHDRSZ + len);
				memcpy(VARDATA(result), der, len);
			}
		}
		OPENSSL_free(der);
		if (result == NULL)
			ereport(ERROR,
					errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("not a valid %s public key", algorithm_names[alg]),
					alg == SESSMEM_RS256 ?
					errdetail("RSA keys must have %d to %d bits.", RSA_MIN_BITS, RSA_MAX_BITS) : 0);
	}
	PG_RETURN_BYTEA_P(result);
}
