/*
 * session.h
 *		What session.c, which reads sessmem.session, and commit.c, which writes there,
 *		have in common.
 */
#ifndef SESSMEM_SESSION_H
#define SESSMEM_SESSION_H

#include "sessmem.h"

#include "access/htup.h"
#include "storage/lockdefs.h"

/* Columns of sessmem.session; extension/session.sql creates them in this order. */
enum
{
	Anum_session_tenant_id = 1,
	Anum_session_user_id,
	Anum_session_session_id,
	Anum_session_agent_id,
	Anum_session_metadata,
	Anum_session_created_at,
	Anum_session_last_used_at,
	Anum_session_expires_at,
	Anum_session_idle_timeout,
	Anum_session_ended_at,
	Anum_session_lifetime,
	Anum_session_lapses_at,
	Anum_session_sweep_failed_at,
	Natts_session = Anum_session_sweep_failed_at
};

/* What can be revoked, forgotten and locked; the first three name an identity. */
typedef enum SessmemLevel
{
	LEVEL_SESSION,
	LEVEL_USER,
	LEVEL_TENANT,
	LEVEL_ID					/* a session id, whoever has it */
} SessmemLevel;

extern bool sessmem_session_lock(const SessmemIdentity *who, SessmemLevel level,
								 LOCKMODE mode, bool wait);
extern HeapTuple sessmem_session_ask(Relation rel, const SessmemClaims *claims,
									 SessmemStanding *standing);

/* Whether another issuer's token names the session: not ours, nor assume(). */
static inline bool
is_foreign(const SessmemClaims *claims)
{
	return !claims->own && claims->kid != NULL;
}

#endif							/* SESSMEM_SESSION_H */
