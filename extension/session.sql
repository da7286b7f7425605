-- session: the registry of sessions, and how they end
--
-- session.c reads this table by column number, and commit.c writes it.

CREATE TABLE sessmem.session (
	tenant_id text COLLATE "C",
	user_id text COLLATE "C",
	session_id text COLLATE "C" NOT NULL,
	agent_id text,
	metadata jsonb NOT NULL DEFAULT '{}' CHECK (pg_catalog.jsonb_typeof(metadata) = 'object'),
	created_at timestamptz NOT NULL DEFAULT pg_catalog.statement_timestamp(),
	last_used_at timestamptz NOT NULL DEFAULT pg_catalog.statement_timestamp(),
	expires_at timestamptz,
	idle_timeout interval CHECK (idle_timeout > '0' AND idle_timeout <= '100 years'),
	ended_at timestamptz,
	lifetime interval,
	lapses_at timestamptz,
	sweep_failed_at timestamptz,
	CONSTRAINT session_identity UNIQUE NULLS NOT DISTINCT (session_id, user_id, tenant_id)
);
CREATE INDEX session_by_user ON sessmem.session (user_id, tenant_id);
CREATE INDEX session_by_lapse ON sessmem.session (lapses_at);
-- without it, a publication of all tables would stop every session
ALTER TABLE sessmem.session REPLICA IDENTITY FULL;
COMMENT ON TABLE sessmem.session IS
	'Sessions. Written by open_session(), by the first use of a session of another issuer, and by what ends them. Use the view sessmem.sessions.';
COMMENT ON COLUMN sessmem.session.last_used_at IS
	'To within a tenth of the idle timeout, or of the lifetime if there is none.';
COMMENT ON COLUMN sessmem.session.expires_at IS
	'When the session cannot be read any more, NULL: never. For a token of another issuer the token itself decides, and this is the latest one seen.';
COMMENT ON COLUMN sessmem.session.lifetime IS
	'What the issuer gave it; renew_session() gives no more.';
COMMENT ON COLUMN sessmem.session.sweep_failed_at IS
	'When sweep() could not delete it; it tries again an hour later. The server log has the SQLSTATE.';
COMMENT ON COLUMN sessmem.session.lapses_at IS
	'When it ended or expired, or will; the rows are swept sessmem.retention later.';
SELECT pg_catalog.pg_extension_config_dump('sessmem.session', '');

-- Identities by their SHA-256: who was forgotten is forgotten here, too.
CREATE TABLE sessmem.revocation (
	subject bytea PRIMARY KEY,
	revoked_at timestamptz NOT NULL,
	expires_at timestamptz
);
COMMENT ON TABLE sessmem.revocation IS
	'Tokens of these sessions, users and tenants that were issued up to revoked_at are refused.';
COMMENT ON COLUMN sessmem.revocation.expires_at IS
	'When the last such token has expired, NULL: not known.';
SELECT pg_catalog.pg_extension_config_dump('sessmem.revocation', '');

CREATE FUNCTION sessmem.set_lapse() RETURNS trigger
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	NEW.lapses_at := least(NEW.ended_at, NEW.expires_at, NEW.last_used_at + NEW.idle_timeout);
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION sessmem.set_lapse() IS
	'Trigger: computes lapses_at.';

CREATE TRIGGER set_lapse
	BEFORE INSERT OR UPDATE ON sessmem.session
	FOR EACH ROW EXECUTE FUNCTION sessmem.set_lapse();

CREATE FUNCTION sessmem.subject(session_id text, user_id text, tenant_id text, level text) RETURNS bytea
	LANGUAGE c STABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'sessmem_subject';
COMMENT ON FUNCTION sessmem.subject(text, text, text, text) IS
	'Internal: what sessmem.revocation has for a session, user or tenant (level); NULL if the level''s id is null.';

-- A context asks again when this view is announced as changed.  Why the view:
-- backends have no copy of it that they would have to build anew.
CREATE VIEW sessmem.sessions WITH (security_barrier) AS
	SELECT s.tenant_id, s.user_id, s.session_id, s.agent_id, s.metadata,
		s.created_at, s.last_used_at, s.expires_at, s.idle_timeout, s.ended_at,
		CASE
			WHEN EXISTS (SELECT FROM sessmem.revocation AS r WHERE r.revoked_at >= s.last_used_at AND r.subject IN (
				sessmem.subject(s.session_id, s.user_id, s.tenant_id, 'session'),
				sessmem.subject(s.session_id, s.user_id, s.tenant_id, 'user'),
				sessmem.subject(s.session_id, s.user_id, s.tenant_id, 'tenant'))) THEN 'revoked'
			WHEN least(s.expires_at, s.last_used_at + s.idle_timeout) <= pg_catalog.statement_timestamp() THEN 'expired'
			WHEN s.ended_at IS NOT NULL THEN 'ended'
			ELSE 'active'
		END AS state
	FROM (
		SELECT * FROM sessmem.session
			WHERE pg_catalog.has_table_privilege('sessmem.session', 'SELECT')
		UNION ALL
		-- not OR, which would keep it from the index
		SELECT * FROM sessmem.session AS own
			WHERE NOT pg_catalog.has_table_privilege('sessmem.session', 'SELECT')
				AND own.session_id = sessmem.session_id()
				AND own.user_id IS NOT DISTINCT FROM sessmem.user_id()
				AND own.tenant_id IS NOT DISTINCT FROM sessmem.tenant_id()
	) AS s;
COMMENT ON VIEW sessmem.sessions IS
	'Sessions with their state: active, ended (can be read), expired or revoked (cannot). An application sees the one that is bound, an administrator all.';

CREATE TRIGGER announce_change
	AFTER DELETE OR UPDATE OF tenant_id, user_id, session_id, expires_at, idle_timeout, ended_at ON sessmem.session
	FOR EACH ROW EXECUTE FUNCTION sessmem.announce_change('sessions');
CREATE TRIGGER announce_truncate
	AFTER TRUNCATE ON sessmem.session
	FOR EACH STATEMENT EXECUTE FUNCTION sessmem.announce_change('sessions');
ALTER TABLE sessmem.session ENABLE ALWAYS TRIGGER set_lapse,
	ENABLE ALWAYS TRIGGER announce_change, ENABLE ALWAYS TRIGGER announce_truncate;
CREATE TRIGGER announce_change
	AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON sessmem.revocation
	FOR EACH STATEMENT EXECUTE FUNCTION sessmem.announce_change();
ALTER TABLE sessmem.revocation ENABLE ALWAYS TRIGGER announce_change;

CREATE FUNCTION sessmem.hold(session_id text, user_id text, tenant_id text, level text, exclusive boolean, wait boolean)
	RETURNS boolean
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sessmem_hold';
COMMENT ON FUNCTION sessmem.hold(text, text, text, text, boolean, boolean) IS
	'Internal: locks a session, user, tenant or session id (level) until the transaction ends; false if it would have to wait and must not.';

CREATE FUNCTION sessmem.check_owner(session_id text, user_id text, tenant_id text) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sessmem_check_owner';
COMMENT ON FUNCTION sessmem.check_owner(text, text, text) IS
	'Internal: 28000 if another user or tenant has a session of that id, and a protected table would take the two for one.';

CREATE FUNCTION sessmem.await_openers() RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sessmem_await_openers';
COMMENT ON FUNCTION sessmem.await_openers() IS
	'Internal: waits for all transactions that may have added a session.';

-- ---------- beginning ----------

CREATE FUNCTION sessmem.open_session(
		user_id text,
		tenant_id text DEFAULT NULL,
		session_id text DEFAULT NULL,
		ttl interval DEFAULT '2 hours',
		agent_id text DEFAULT NULL,
		idle_timeout interval DEFAULT NULL,
		metadata jsonb DEFAULT NULL
	) RETURNS text
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	sid text := coalesce(open_session.session_id, gen_random_uuid()::text);
BEGIN
	-- the ids and ttl, before anything waits
	PERFORM sessmem.mint(sid, open_session.user_id, open_session.tenant_id, ttl);
	IF open_session.idle_timeout NOT BETWEEN '1 ms' AND '100 years' THEN
		RAISE EXCEPTION 'idle_timeout must be positive, and at most 100 years' USING ERRCODE = '22023';
	END IF;
	IF jsonb_typeof(open_session.metadata) <> 'object' THEN
		RAISE EXCEPTION 'metadata must be a JSON object' USING ERRCODE = '22023';
	END IF;

	PERFORM sessmem.hold(sid, open_session.user_id, open_session.tenant_id, 'tenant', false, true);
	PERFORM sessmem.hold(sid, open_session.user_id, open_session.tenant_id, 'user', false, true);
	-- nobody else has an id that was made just now
	IF open_session.session_id IS NOT NULL THEN
		PERFORM sessmem.hold(sid, open_session.user_id, open_session.tenant_id, 'id', true, true);
	END IF;
	PERFORM sessmem.check_owner(sid, open_session.user_id, open_session.tenant_id);

	INSERT INTO sessmem.session AS s (tenant_id, user_id, session_id, agent_id, metadata, expires_at, idle_timeout, lifetime)
		VALUES (open_session.tenant_id, open_session.user_id, sid, open_session.agent_id,
			coalesce(open_session.metadata, '{}'), clock_timestamp() + ttl, open_session.idle_timeout, ttl)
		ON CONFLICT ON CONSTRAINT session_identity DO UPDATE SET
			agent_id = coalesce(EXCLUDED.agent_id, s.agent_id),
			metadata = s.metadata || EXCLUDED.metadata,
			last_used_at = EXCLUDED.last_used_at,
			expires_at = CASE WHEN s.expires_at IS NOT NULL THEN greatest(s.expires_at, EXCLUDED.expires_at) END,
			idle_timeout = coalesce(EXCLUDED.idle_timeout, s.idle_timeout),
			lifetime = EXCLUDED.lifetime,
			ended_at = NULL,
			sweep_failed_at = NULL;
	-- last, for whoever has waited for sweep() must not get a token that it has revoked
	RETURN sessmem.mint(sid, open_session.user_id, open_session.tenant_id, ttl);
END
$$;
COMMENT ON FUNCTION sessmem.open_session(text, text, text, interval, text, interval, jsonb) IS
	'Opens a session of that user and tenant, or opens it again, and returns a token for it (JWT, HS256). session_id defaults to a new UUID; ttl is the lifetime; after idle_timeout without use the session expires, too; agent_id and metadata (an object) are kept in sessmem.sessions. 22023: an id is empty, a time is not positive, metadata is no object, or the token would exceed 8 kB. 22004: ttl is null. 28000: another user or tenant has a session of that id. 55000: no key to sign with. For issuers.';

CREATE FUNCTION sessmem.renew_session(ttl interval DEFAULT NULL) RETURNS text
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sessmem_renew_session';
COMMENT ON FUNCTION sessmem.renew_session(interval) IS
	'A new token for the session that is bound, good for ttl from now, by default and at most the lifetime that the issuer gave it. The old token goes on until it expires. 42501: no session is bound, it has ended, or its token is another issuer''s. 22023: ttl is not positive, or too long. 55000: no key to sign with. For applications.';

-- ---------- ending ----------

CREATE FUNCTION sessmem.close_own() RETURNS boolean
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sessmem_close_own';
COMMENT ON FUNCTION sessmem.close_own() IS
	'Internal: close_session() of the session that is bound.';

CREATE FUNCTION sessmem.find_session(session_id text, user_id text, tenant_id text) RETURNS sessmem.session
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	sessions sessmem.session[] := ARRAY(SELECT s FROM sessmem.session AS s
		WHERE s.session_id = find_session.session_id
			AND (find_session.user_id IS NULL OR s.user_id = find_session.user_id)
			AND (find_session.tenant_id IS NULL OR s.tenant_id = find_session.tenant_id)
		LIMIT 2);
BEGIN
	IF cardinality(sessions) > 1 THEN
		RAISE EXCEPTION 'several users or tenants have a session of that id'
			USING ERRCODE = '22023', HINT = 'Name user_id and tenant_id, too.';
	END IF;
	RETURN sessions[1];
END
$$;
COMMENT ON FUNCTION sessmem.find_session(text, text, text) IS
	'Internal: the session of that id, NULL if there is none; any user''s or tenant''s where user_id or tenant_id is null. 22023: there are several.';

CREATE FUNCTION sessmem.close_any(session_id text, user_id text, tenant_id text) RETURNS boolean
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	who sessmem.session := sessmem.find_session(close_any.session_id, close_any.user_id, close_any.tenant_id);
BEGIN
	IF who.session_id IS NULL THEN
		RAISE EXCEPTION 'there is no such session'
			USING ERRCODE = 'undefined_object', HINT = 'It was never opened, or has been forgotten or swept.';
	END IF;
	UPDATE sessmem.session AS s SET ended_at = clock_timestamp()
		WHERE s.session_id = who.session_id AND s.user_id IS NOT DISTINCT FROM who.user_id
			AND s.tenant_id IS NOT DISTINCT FROM who.tenant_id AND s.ended_at IS NULL;
	RETURN FOUND;
END
$$;
COMMENT ON FUNCTION sessmem.close_any(text, text, text) IS
	'Internal: close_session() of any session.';

CREATE FUNCTION sessmem.close_session(
		session_id text DEFAULT NULL,
		user_id text DEFAULT NULL,
		tenant_id text DEFAULT NULL
	) RETURNS boolean
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF close_session.session_id IS NULL AND (close_session.user_id IS NOT NULL OR close_session.tenant_id IS NOT NULL) THEN
		RAISE EXCEPTION 'session_id must not be null' USING ERRCODE = '22004',
			DETAIL = 'A user or tenant is named.';
	END IF;
	IF close_session.session_id IS NULL OR (
		close_session.session_id = sessmem.session_id()
		AND (close_session.user_id IS NULL OR close_session.user_id = sessmem.user_id())
		AND (close_session.tenant_id IS NULL OR close_session.tenant_id = sessmem.tenant_id()))
	THEN
		RETURN sessmem.close_own();
	END IF;
	IF NOT has_function_privilege('sessmem.close_any(text, text, text)', 'EXECUTE') THEN
		RAISE EXCEPTION 'cannot close a session that is not bound'
			USING ERRCODE = 'insufficient_privilege',
				DETAIL = 'Only issuers and administrators close any session.',
				HINT = 'Bind it first, and call sessmem.close_session() without arguments.';
	END IF;
	RETURN sessmem.close_any(close_session.session_id, close_session.user_id, close_session.tenant_id);
END
$$;
COMMENT ON FUNCTION sessmem.close_session(text, text, text) IS
	'Ends a session, by default the one that is bound: it can be read until it expires, and not written, from the next statement of every connection on. False if it had ended before. user_id and tenant_id tell sessions of one id apart. 42501: no session is bound, or it is another one and the caller is no issuer or administrator. 42704: there is no such session. 22023: there are several. 22004: a user or tenant is named, and no session. 25006: the transaction is READ ONLY.';

CREATE FUNCTION sessmem.revoke(session_id text, user_id text, tenant_id text, level text, expires_at timestamptz) RETURNS void
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO sessmem.revocation AS r (subject, revoked_at, expires_at)
		VALUES (sessmem.subject($1, $2, $3, $4), clock_timestamp(), $5)
		ON CONFLICT (subject) DO UPDATE SET
			revoked_at = greatest(r.revoked_at, EXCLUDED.revoked_at),
			-- not known stays not known
			expires_at = CASE WHEN r.expires_at IS NOT NULL AND EXCLUDED.expires_at IS NOT NULL
				THEN greatest(r.expires_at, EXCLUDED.expires_at) END
$$;
COMMENT ON FUNCTION sessmem.revoke(text, text, text, text, timestamptz) IS
	'Internal: revokes the tokens of a session, user or tenant (level).';

CREATE FUNCTION sessmem.revoke_user(user_id text, tenant_id text DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF revoke_user.user_id IS NULL THEN
		RAISE EXCEPTION 'user_id must not be null' USING ERRCODE = '22004';
	ELSIF revoke_user.user_id = '' OR revoke_user.tenant_id = '' THEN
		RAISE EXCEPTION 'an id must not be empty' USING ERRCODE = '22023';
	END IF;
	PERFORM sessmem.check_tenant(revoke_user.user_id, revoke_user.tenant_id);
	PERFORM sessmem.revoke(NULL, revoke_user.user_id, revoke_user.tenant_id, 'user', NULL);
END
$$;
COMMENT ON FUNCTION sessmem.revoke_user(text, text) IS
	'Refuses all tokens that a user of that tenant (null: of none) has been issued so far, also in transactions that are open, from their next statement on; what they wrote cannot be committed. open_session() gives new ones. Of other issuers'' tokens those are refused whose "iat" is not at least 30 seconds later. 22004: user_id is null. 22023: the user has sessions in tenants only. For issuers and administrators.';

-- A tenant left out by mistake must not look like a success.
CREATE FUNCTION sessmem.check_tenant(user_id text, tenant_id text) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF check_tenant.tenant_id IS NULL
		AND EXISTS (SELECT FROM sessmem.session AS s WHERE s.user_id = check_tenant.user_id AND s.tenant_id IS NOT NULL)
		AND NOT EXISTS (SELECT FROM sessmem.session AS s WHERE s.user_id = check_tenant.user_id AND s.tenant_id IS NULL)
	THEN
		RAISE EXCEPTION 'the user has sessions in tenants only'
			USING ERRCODE = '22023', HINT = 'Name the tenant: tenant_id => ''...''.';
	END IF;
END
$$;
COMMENT ON FUNCTION sessmem.check_tenant(text, text) IS
	'Internal: 22023 if no tenant is given, and the user has sessions in tenants only.';
