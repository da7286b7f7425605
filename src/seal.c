/*
 * seal.c
 *		The sealed form of a context, and who may have made it.
 *
 * A context travels as the value of a setting, which anyone may set.  So it is
 * sealed: a string with an HMAC under a key that no token is signed with.
 *
 *	scope|pid|backend start|transaction start|expires|issued|own|
 *	n:session|n:user|n:tenant|n:kid|<MAC of all that precedes, in hex>
 *
 * (lengths in bytes, -1 for absent).  It is not an interface.  It is genuine if
 *
 *	1. it is well formed and its MAC is ours
 *	2. it was sealed in this backend, or, in a parallel worker, by the leader
 *	5. the key that vouched for its token is still alive
 *
 * with the numbers of the rules in context.c, which asks for the rest.  The
 * verdict is kept with the value (the "extra" of the setting) until the keys
 * change.
 *
 * The check hook only parses: no catalog access, no error, no verification.  It
 * may run outside of a transaction, and in a worker before it has one.
 */
#include "sessmem.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

static uint64 serial = 0;

static void
append_number(StringInfo buf, int64 number, char end)
{
	char		digits[MAXINT8LEN + 1];
	int			len = pg_lltoa(number, digits);

	digits[len++] = end;
	appendBinaryStringInfo(buf, digits, len);
}

static void
append_claim(StringInfo buf, const char *claim)
{
	int			len = claim ? strlen(claim) : 0;

	append_number(buf, claim ? len : -1, ':');
	appendBinaryStringInfo(buf, claim ? claim : "", len);
	appendStringInfoChar(buf, '|');
}

/*
 * Seals claims for this backend and transaction; the result is palloc'd.
 */
char *
sessmem_seal_make(const SessmemClaims *claims, bool connection_scope)
{
	StringInfoData buf;
	unsigned char mac[SESSMEM_MAC_LEN];
	char		hex[SESSMEM_MAC_LEN * 2 + 1];

	initStringInfo(&buf);
	appendStringInfoString(&buf, connection_scope ? "c|" : "t|");
	append_number(&buf, MyProcPid, '|');
	append_number(&buf, MyStartTimestamp, '|');
	append_number(&buf, GetCurrentTransactionStartTimestamp(), '|');
	append_number(&buf, claims->expires, '|');
	append_number(&buf, claims->issued, '|');
	append_number(&buf, claims->own, '|');
	append_claim(&buf, claims->who.session);
	append_claim(&buf, claims->who.user);
	append_claim(&buf, claims->who.tenant);
	append_claim(&buf, claims->kid);

	sessmem_keyring_seal(buf.data, buf.len, mac);
	hex[hex_encode((char *) mac, sizeof(mac), hex)] = '\0';
	appendStringInfoString(&buf, hex);
	return buf.data;
}

/* Reads a number up to '|' and moves past it. */
static bool
parse_number(char **p, int64 *number)
{
	char	   *end;

	errno = 0;
	*number = strtoi64(*p, &end, 10);
	if (errno != 0 || end == *p || *end != '|')
		return false;
	*p = end + 1;
	return true;
}

/* Reads one length-prefixed claim, terminates it in place and moves past it. */
static bool
parse_claim(char **p, const char *limit, const char **claim)
{
	char	   *end;
	long		len;

	errno = 0;
	len = strtol(*p, &end, 10);
	if (errno != 0 || end == *p || *end != ':')
		return false;
	end++;
	if (len == -1)
		*claim = NULL;
	else if (len < 1 || len >= limit - end)
		return false;
	else
	{
		*claim = end;
		end += len;
	}
	if (*end != '|')
		return false;
	*end = '\0';
	*p = end + 1;
	return true;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* Fills c from c->text; false if it is not of the sealed form. */
static bool
parse_sealed(SessmemSeal *c, size_t len)
{
	char	   *p = c->text;
	char	   *limit = c->text + len;
	int64		pid;
	int64		own;

	if ((p[0] != 'c' && p[0] != 't') || p[1] != '|')
		return false;
	c->connection_scope = p[0] == 'c';
	p += 2;
	if (!parse_number(&p, &pid) ||
		!parse_number(&p, &c->backend_start) ||
		!parse_number(&p, &c->xact_start) ||
		!parse_number(&p, &c->claims.expires) ||
		!parse_number(&p, &c->claims.issued) ||
		!parse_number(&p, &own) ||
		!parse_claim(&p, limit, &c->claims.who.session) ||
		!parse_claim(&p, limit, &c->claims.who.user) ||
		!parse_claim(&p, limit, &c->claims.who.tenant) ||
		!parse_claim(&p, limit, &c->claims.kid) ||
		c->claims.who.session == NULL)
		return false;
	c->pid = (int) pid;
	c->claims.own = own != 0;
	c->sealed_len = p - c->text;
	if (limit - p != SESSMEM_MAC_LEN * 2)
		return false;
	for (int i = 0; i < SESSMEM_MAC_LEN; i++)
	{
		int			hi = hex_value(p[2 * i]);
		int			lo = hex_value(p[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		c->mac[i] = (hi << 4) | lo;
	}
	return true;
}

/*
 * Accepts any value from a session, and none from a file, the command line, the
 * startup packet, ALTER ROLE or ALTER DATABASE: a credential does not belong
 * there, and a value from there could outlive RESET ALL.
 */
bool
sessmem_seal_check(char **newval, void **extra, GucSource source)
{
	size_t		len = strlen(*newval);
	SessmemSeal *c;

	*extra = NULL;
	if (len == 0)
		return true;
	if (source != PGC_S_SESSION)
	{
		GUC_check_errcode(ERRCODE_INSUFFICIENT_PRIVILEGE);
		GUC_check_errmsg("\"sessmem.context\" cannot be set this way");
		GUC_check_errhint("Call sessmem.bind(token) or sessmem.attach(token).");
		return false;
	}

	c = sessmem_compat_guc_malloc(sizeof(SessmemSeal) + 2 * (len + 1));
	if (c == NULL)
		return false;
	memset(c, 0, sizeof(SessmemSeal));
	c->sealed = (char *) (c + 1);
	c->text = c->sealed + len + 1;
	memcpy(c->sealed, *newval, len + 1);
	memcpy(c->text, *newval, len + 1);
	c->serial = ++serial;
	c->set_in = MyProc ? sessmem_compat_lxid() : InvalidLocalTransactionId;
	c->verdict = parse_sealed(c, len) ? SESSMEM_UNVERIFIED : SESSMEM_BOGUS;
	*extra = c;
	return true;
}

/* Whether this value was sealed by this backend, or by this worker's leader. */
static bool
sealed_here(const SessmemSeal *c)
{
	if (!IsParallelWorker())
		return c->pid == MyProcPid && c->backend_start == MyStartTimestamp;
	return MyProc->lockGroupLeader != NULL && c->pid == MyProc->lockGroupLeader->pid;
}

/* Whether it is genuine; the verdict holds until the keys change. */
bool
sessmem_seal_genuine(SessmemSeal *c)
{
	if (c->verdict == SESSMEM_BOGUS)
		return false;
	if (c->verdict == SESSMEM_GENUINE && c->keyring == sessmem_keyring_generation())
		return true;

	/* no verdict survives an error in here */
	c->verdict = SESSMEM_UNVERIFIED;
	/* without the extension there are no sessions, and no reason to fail */
	if (!sealed_here(c) || !OidIsValid(sessmem_registry_relid()) ||
		!sessmem_keyring_unseal(c->sealed, c->sealed_len, c->mac))
	{
		c->verdict = SESSMEM_BOGUS;
		return false;
	}
	/* of the keys as they are now; a later change is seen as one */
	c->keyring = sessmem_keyring_generation();
	if (c->claims.kid != NULL && sessmem_keyring_find(c->claims.kid) == NULL)
	{
		/* the leader saw it alive; half of a result is worse than none */
		if (IsParallelWorker())
			ereport(ERROR,
					errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
					errmsg("the key of the session in force has been retired"));
		c->verdict = SESSMEM_BOGUS;
	}
	else
		c->verdict = SESSMEM_GENUINE;
	return c->verdict == SESSMEM_GENUINE;
}

/*
 * Accepts a value that this backend has just sealed, without a second look.
 * keyring is the generation of the keys at that time; if they have changed, it
 * will be looked at again.
 */
void
sessmem_seal_vouch(SessmemSeal *c, const char *value, uint64 keyring)
{
	if (strcmp(c->sealed, value) != 0)
		return;
	c->keyring = keyring;
	c->verdict = SESSMEM_GENUINE;
}
