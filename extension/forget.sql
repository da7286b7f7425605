-- forget: erasing the rows of sessions, users and tenants
--
-- Rows are deleted one session at a time, as the owner of their table, with that
-- session in force: policies and guard decide which rows those are, as they do for
-- everybody, so nothing else can go (src/policy.c).

CREATE FUNCTION sessmem.as_session(relation regclass, command text, session_id text, user_id text, tenant_id text) RETURNS bigint
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sessmem_as_session';
COMMENT ON FUNCTION sessmem.as_session(regclass, text, text, text, text) IS
	'Internal: executes a command as the owner of a table, with a session in force; returns how many rows it processed.';

CREATE FUNCTION sessmem.keys_of(relation regclass, attnums int2[], user_id text, tenant_id text,
		OUT session_id text, OUT user_id text, OUT tenant_id text)
	RETURNS SETOF record
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sessmem_keys_of';
COMMENT ON FUNCTION sessmem.keys_of(regclass, int2[], text, text) IS
	'Internal: the keys of all rows of one table that belong to a user and tenant, if given.';

-- Roots of the protected trees, in an order in which no foreign key is in the way:
-- what refers to another table comes before it.
CREATE FUNCTION sessmem.deletion_order() RETURNS SETOF sessmem.protected_table
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	SET jit = off		-- compiling it takes longer than all the rest of a sweep
AS $$
	WITH RECURSIVE root AS (
		SELECT p.relation FROM sessmem.protected_table AS p
		WHERE NOT EXISTS (SELECT FROM pg_inherits AS i JOIN sessmem.protected_table AS q ON q.relation = i.inhparent
			WHERE i.inhrelid = p.relation)
	), part AS (
		SELECT r.relation, m.member FROM root AS r CROSS JOIN LATERAL sessmem.members(r.relation) AS m
	), reference AS (
		SELECT DISTINCT a.relation AS source, b.relation AS target
		FROM pg_constraint AS c JOIN part AS a ON a.member = c.conrelid JOIN part AS b ON b.member = c.confrelid
		WHERE c.contype = 'f' AND a.relation <> b.relation
	), depth (relation, level) AS (
		SELECT root.relation, 0::bigint FROM root
		UNION
		-- tables that refer to each other in a circle stop there
		SELECT f.target, d.level + 1 FROM depth AS d JOIN reference AS f ON f.source = d.relation
		WHERE d.level < (SELECT count(*) FROM root)
	)
	SELECT p.* FROM (SELECT d.relation, max(d.level) AS level FROM depth AS d GROUP BY d.relation) AS o
	JOIN sessmem.protected_table AS p ON p.relation = o.relation
	ORDER BY o.level, p.relation
$$;
COMMENT ON FUNCTION sessmem.deletion_order() IS
	'Internal: the protected tables without their parts, those that refer to another one first.';

CREATE FUNCTION sessmem.erase(entry sessmem.protected_table, predicate text, session_id text, user_id text, tenant_id text, max_rows bigint)
	RETURNS bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	rel regclass := entry.relation;
	batch bigint := least(max_rows, 10000);
	n bigint;
	deleted bigint := 0;
BEGIN
	-- a key that the session has no value for is in no row of its
	IF (entry.session_column IS NOT NULL AND erase.session_id IS NULL)
		OR (entry.user_column IS NOT NULL AND erase.user_id IS NULL)
		OR (entry.tenant_column IS NOT NULL AND erase.tenant_id IS NULL)
	THEN
		RETURN 0;
	END IF;
	LOOP
		-- the parts of a table number their rows each by itself, so there all go at once
		n := sessmem.as_session(rel, CASE
			WHEN (SELECT c.relkind = 'r' AND NOT c.relhassubclass FROM pg_class AS c WHERE c.oid = rel)
			THEN format('DELETE FROM %s WHERE ctid OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT ctid FROM %1$s WHERE %s LIMIT %s))', rel, predicate, batch)
			ELSE format('DELETE FROM %s WHERE %s', rel, predicate) END,
			erase.session_id, erase.user_id, erase.tenant_id);
		deleted := deleted + n;
		EXIT WHEN n < batch OR deleted >= max_rows;
	END LOOP;
	-- triggers and rules of the table's owner may have kept them
	IF deleted < max_rows AND sessmem.as_session(rel, format('SELECT FROM %s WHERE %s LIMIT 1', rel, predicate),
		erase.session_id, erase.user_id, erase.tenant_id) > 0
	THEN
		RAISE EXCEPTION 'rows of table % were not deleted', rel
			USING ERRCODE = 'object_not_in_prerequisite_state',
				DETAIL = 'A trigger or rule of the table keeps them.',
				HINT = 'Let it pass deletions by the table''s owner, or drop it.';
	END IF;
	RETURN deleted;
END
$$;
COMMENT ON FUNCTION sessmem.erase(sessmem.protected_table, text, text, text, text, bigint) IS
	'Internal: deletes up to max_rows rows of one session from one table; predicate is its key_predicate(). 55000: something keeps them.';

CREATE FUNCTION sessmem.forget(session_id text, user_id text, tenant_id text, level text)
	RETURNS TABLE (relation regclass, deleted bigint)
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	entry sessmem.protected_table;
	predicate text;
	who record;
BEGIN
	PERFORM sessmem.check_read_committed('forget');
	-- as_session() cannot defer a trigger to a time when it is no longer the owner
	PERFORM sessmem.fire_pending();
	-- Whoever has written cannot commit any more, or has committed, and is seen.
	PERFORM sessmem.hold(forget.session_id, forget.user_id, forget.tenant_id, level, true, true);
	PERFORM sessmem.revoke(forget.session_id, forget.user_id, forget.tenant_id, level, NULL);

	FOR entry IN SELECT * FROM sessmem.deletion_order() LOOP
		relation := entry.relation;
		deleted := 0;
		predicate := sessmem.key_predicate(entry.relation, entry.session_column, entry.user_column, entry.tenant_column);
		FOR who IN
			-- by the columns of the table, if it has those of the user or tenant
			SELECT DISTINCT coalesce(k.session_id, forget.session_id) AS session_id,
				coalesce(k.user_id, forget.user_id) AS user_id,
				coalesce(k.tenant_id, forget.tenant_id) AS tenant_id
			FROM sessmem.members(entry.relation) AS m
			CROSS JOIN LATERAL sessmem.keys_of(m.member, ARRAY[
				sessmem.column_number(m.member, entry.session_column),
				sessmem.column_number(m.member, entry.user_column),
				sessmem.column_number(m.member, entry.tenant_column)], forget.user_id, forget.tenant_id) AS k
			WHERE (level = 'user' AND entry.user_column IS NOT NULL
					AND (entry.tenant_column IS NULL OR forget.tenant_id IS NOT NULL))
				OR (level = 'tenant' AND entry.tenant_column IS NOT NULL)
			UNION
			-- else by what the registry knows
			SELECT s.session_id, s.user_id, s.tenant_id
			FROM sessmem.session AS s
			WHERE entry.session_column IS NOT NULL
				AND ((level = 'user' AND entry.user_column IS NULL
						AND s.user_id = forget.user_id AND s.tenant_id IS NOT DISTINCT FROM forget.tenant_id)
					OR (level = 'tenant' AND entry.tenant_column IS NULL AND s.tenant_id = forget.tenant_id))
			UNION
			SELECT forget.session_id, forget.user_id, forget.tenant_id
			WHERE level = 'session' AND entry.session_column IS NOT NULL
		LOOP
			deleted := deleted + sessmem.erase(entry, predicate, who.session_id, who.user_id, who.tenant_id, 9223372036854775807);
		END LOOP;
		RETURN NEXT;
	END LOOP;

	DELETE FROM sessmem.session AS s
		WHERE CASE level
			WHEN 'session' THEN s.session_id = forget.session_id
				AND s.user_id IS NOT DISTINCT FROM forget.user_id AND s.tenant_id IS NOT DISTINCT FROM forget.tenant_id
			WHEN 'user' THEN s.user_id = forget.user_id AND s.tenant_id IS NOT DISTINCT FROM forget.tenant_id
			ELSE s.tenant_id = forget.tenant_id END;
	GET DIAGNOSTICS deleted = ROW_COUNT;
	relation := 'sessmem.session';
	RETURN NEXT;
END
$$;
COMMENT ON FUNCTION sessmem.forget(text, text, text, text) IS
	'Internal: forgets a session, user or tenant (level).';

CREATE FUNCTION sessmem.forget_session(session_id text, user_id text DEFAULT NULL, tenant_id text DEFAULT NULL)
	RETURNS TABLE (relation regclass, deleted bigint)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	who sessmem.session;
	total bigint := 0;
BEGIN
	IF forget_session.session_id IS NULL THEN
		RAISE EXCEPTION 'session_id must not be null' USING ERRCODE = '22004';
	END IF;
	who := sessmem.find_session(forget_session.session_id, forget_session.user_id, forget_session.tenant_id);
	IF who.session_id IS NOT NULL THEN
		forget_session.user_id := who.user_id;
		forget_session.tenant_id := who.tenant_id;
	END IF;
	FOR relation, deleted IN
		SELECT * FROM sessmem.forget(forget_session.session_id, forget_session.user_id, forget_session.tenant_id, 'session')
	LOOP
		total := total + deleted;
		RETURN NEXT;
	END LOOP;
	-- an id without its user must not look like a success
	IF total = 0 AND who.session_id IS NULL AND forget_session.user_id IS NULL AND forget_session.tenant_id IS NULL THEN
		RAISE EXCEPTION 'there is no such session'
			USING ERRCODE = 'undefined_object',
				DETAIL = 'None is recorded, and no table has rows of it.',
				HINT = 'If it had a user or tenant, name user_id and tenant_id, too.';
	END IF;
END
$$;
COMMENT ON FUNCTION sessmem.forget_session(text, text, text) IS
	'Deletes the rows that a session has in protected tables with a session column, and the session; its tokens are refused. Returns how many rows of each table. user_id and tenant_id tell sessions of one id apart. 22023: there are several. 42704: there is none, and no user or tenant is named. 22004: session_id is null. 55000, 23503: a trigger, or a foreign key of another table, keeps a row; then nothing is deleted. 0A000: not in READ COMMITTED. For administrators.';

CREATE FUNCTION sessmem.forget_user(user_id text, tenant_id text DEFAULT NULL)
	RETURNS TABLE (relation regclass, deleted bigint)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF forget_user.user_id IS NULL THEN
		RAISE EXCEPTION 'user_id must not be null' USING ERRCODE = '22004';
	END IF;
	PERFORM sessmem.check_tenant(forget_user.user_id, forget_user.tenant_id);
	RETURN QUERY SELECT * FROM sessmem.forget(NULL, forget_user.user_id, forget_user.tenant_id, 'user');
END
$$;
COMMENT ON FUNCTION sessmem.forget_user(text, text) IS
	'As forget_session(), for all sessions of a user of that tenant (null: of none), and all rows of tables with a user column. A table without a tenant column does not tell tenants apart, nor does this. 22023: the user has sessions in tenants only. For administrators.';

CREATE FUNCTION sessmem.forget_tenant(tenant_id text)
	RETURNS TABLE (relation regclass, deleted bigint)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF forget_tenant.tenant_id IS NULL THEN
		RAISE EXCEPTION 'tenant_id must not be null' USING ERRCODE = '22004';
	END IF;
	RETURN QUERY SELECT * FROM sessmem.forget(NULL, NULL, forget_tenant.tenant_id, 'tenant');
END
$$;
COMMENT ON FUNCTION sessmem.forget_tenant(text) IS
	'As forget_user(), for all users of a tenant. Rows of tables that have a user column only stay: they are the user''s. For administrators.';
