-- prove: an active proof of isolation, on the user's own table
--
-- The order: in a subtransaction that is always rolled back, throw-away sessions
-- (victims) insert a row each as the application's role, and then another one (the
-- actor) tries to get at them.  Each attempt has a subtransaction of its own; what
-- it did is judged by what it returned and by where the victims' rows are after it,
-- not by its error alone.

CREATE FUNCTION sessmem.prove_enter(session_id text, user_id text, tenant_id text) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sessmem_prove_enter';
COMMENT ON FUNCTION sessmem.prove_enter(text, text, text) IS
	'Internal: puts a throw-away session in force, or none if session_id is null. It cannot be committed.';

CREATE FUNCTION sessmem.prove_end() RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sessmem_prove_end';
COMMENT ON FUNCTION sessmem.prove_end() IS
	'Internal: forgets that the transaction has used throw-away sessions, which are rolled back.';

CREATE FUNCTION sessmem.proving() RETURNS boolean
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sessmem_proving';
COMMENT ON FUNCTION sessmem.proving() IS
	'Internal: whether what the transaction does now cannot be committed.';

CREATE FUNCTION sessmem.prove_as(role regrole, command text) RETURNS text
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sessmem_prove_as';
COMMENT ON FUNCTION sessmem.prove_as(regrole, text) IS
	'Internal: executes commands as a role that the caller may SET ROLE to; returns the first value, or how many rows were processed.';

-- The condition that a row has these keys, spelled out.
CREATE FUNCTION sessmem.prove_condition(relation regclass, session_id text, user_id text, tenant_id text, prefix text DEFAULT '') RETURNS text
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT string_agg(format('%s%I OPERATOR(pg_catalog.=) %L::%s', prefix, k.name,
		CASE k.claim WHEN 'session_id' THEN $2 WHEN 'user_id' THEN $3 ELSE $4 END, k.type), ' AND ')
	FROM sessmem.protected_table AS p
	CROSS JOIN LATERAL sessmem.key_columns(p.relation, p.session_column, p.user_column, p.tenant_column) AS k
	WHERE p.relation = $1
$$;
COMMENT ON FUNCTION sessmem.prove_condition(regclass, text, text, text, text) IS
	'Internal: the condition that a row belongs to a throw-away session.';

-- As the owner, in the victim's session, so that its index is used.
CREATE FUNCTION sessmem.prove_state(relation regclass, session_id text, user_id text, tenant_id text, place text) RETURNS text
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	command text := format('SELECT FROM %s WHERE %s', relation,
		sessmem.prove_condition(relation, session_id, user_id, tenant_id));
	total bigint := sessmem.as_session(relation, command, session_id, user_id, tenant_id);
BEGIN
	IF place IS NULL OR total <> 1 THEN
		RETURN CASE WHEN total = 0 THEN 'the victim''s row was deleted or moved'
			WHEN total > 1 THEN 'a row was forged with the victim''s key' END;
	END IF;
	IF sessmem.as_session(relation, command || format(' AND tableoid OPERATOR(pg_catalog.=) %L::pg_catalog.oid AND ctid OPERATOR(pg_catalog.=) %L::pg_catalog.tid',
		split_part(place, ' ', 1), split_part(place, ' ', 2)), session_id, user_id, tenant_id) <> 1
	THEN
		RETURN 'the victim''s row was changed';
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION sessmem.prove_state(regclass, text, text, text, text) IS
	'Internal: what has become of the row of a throw-away session; NULL if it is where it was.';

-- What must be in place whatever an administrator has accepted, and what nobody has.
CREATE FUNCTION sessmem.prove_missing(relation regclass, app_role regrole) RETURNS text[]
	LANGUAGE plpgsql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN ARRAY(
		SELECT CASE WHEN p.relation = prove_missing.relation THEN w ELSE format('%s: %s', p.relation, w) END
		FROM sessmem.members(prove_missing.relation) AS m JOIN sessmem.protected_table AS p ON p.relation = m.member
		CROSS JOIN LATERAL sessmem.weaknesses(p.relation) AS w
		WHERE w <> ALL (p.accepted) OR w ~ '^(row security|its|key column|it accepts|materialised view) '
			OR w ~ '^trigger .* fires after the guard'
		UNION ALL
		SELECT format('part %s is not protected', m.member) FROM sessmem.members(prove_missing.relation) AS m
		WHERE NOT EXISTS (SELECT FROM sessmem.protected_table AS p WHERE p.relation = m.member)
		UNION ALL
		SELECT format('role %s may become %s, which may get past it', app_role, r.oid::regrole)
		FROM pg_roles AS r
		WHERE pg_has_role(app_role, r.oid, CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END)
			AND (r.rolsuper OR r.rolbypassrls OR has_function_privilege(r.oid, 'sessmem.maintenance(text)', 'EXECUTE'))
		UNION ALL
		SELECT format('event trigger %s is missing or disabled', e)
		FROM unnest(ARRAY['sessmem_after_ddl', 'sessmem_after_drop']) AS e
		WHERE NOT EXISTS (SELECT FROM pg_event_trigger AS t WHERE t.evtname = e AND t.evtenabled = 'A'));
END
$$;
COMMENT ON FUNCTION sessmem.prove_missing(regclass, regrole) IS
	'Internal: which layers are not in place.';

-- The guard without row security, as an owner whom that does not apply to: deletes or
-- moves the victim's row in the actor's session, and returns how many rows.
CREATE FUNCTION sessmem.prove_guard(relation regclass, actor text[], victim text[], move boolean) RETURNS text
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	foreigner text := sessmem.prove_condition(relation, victim[1], victim[2], victim[3]);
BEGIN
	IF foreigner IS NULL OR actor IS NOT DISTINCT FROM victim THEN
		RAISE EXCEPTION 'not two sessions' USING ERRCODE = '22023';
	END IF;
	RETURN sessmem.as_session(relation, CASE WHEN move
		THEN format('UPDATE %s SET %s WHERE %s', relation,
			(SELECT string_agg(format('%I = %L::%s', k.name, actor[array_position(ARRAY['session_id', 'user_id', 'tenant_id'], k.claim)], k.type), ', ')
			FROM sessmem.protected_table AS p
			CROSS JOIN LATERAL sessmem.key_columns(p.relation, p.session_column, p.user_column, p.tenant_column) AS k
			WHERE p.relation = prove_guard.relation), foreigner)
		ELSE format('DELETE FROM %s WHERE %s', relation, foreigner) END, actor[1], actor[2], actor[3]);
END
$$;
COMMENT ON FUNCTION sessmem.prove_guard(regclass, text[], text[], boolean) IS
	'Internal: what the guard alone does not refuse.';

-- A token of a throw-away session, opened as by an issuer.  The id is random: nobody
-- else has that session, and it goes with the subtransaction.
CREATE FUNCTION sessmem.prove_token(session_id text, user_id text, tenant_id text) RETURNS text
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- a token that anybody could go on using would be an issuer's
	IF NOT sessmem.proving() OR EXISTS (SELECT FROM sessmem.session AS s WHERE s.session_id = prove_token.session_id) THEN
		RAISE EXCEPTION 'not a throw-away session' USING ERRCODE = 'insufficient_privilege';
	END IF;
	RETURN sessmem.open_session(user_id, tenant_id, session_id, '1 minute');
EXCEPTION
	WHEN object_not_in_prerequisite_state THEN
		RETURN NULL;
END
$$;
COMMENT ON FUNCTION sessmem.prove_token(text, text, text) IS
	'Internal: opens a throw-away session and returns its token; NULL if there is no key to sign with.';

-- A value that a column takes, as a literal; NULL if none is known.
CREATE FUNCTION sessmem.prove_value(relation regclass, attnum int2) RETURNS text
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	col pg_attribute;
	typ pg_type;
	typmod int;
	listed text;
	uid text := gen_random_uuid();
	-- different each time only where it must be, so that checks on ranges hold
	small text := CASE WHEN EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = relation AND i.indisunique
			AND prove_value.attnum = ANY (i.indkey::int2[]))
		THEN (1000 + floor(random() * 30000))::text ELSE '1' END;
BEGIN
	SELECT * INTO STRICT col FROM pg_attribute AS a WHERE a.attrelid = relation AND a.attnum = prove_value.attnum;
	SELECT * INTO STRICT typ FROM pg_type AS t WHERE t.oid = col.atttypid;
	typmod := col.atttypmod;
	WHILE typ.typtype = 'd' LOOP
		typmod := typ.typtypmod;
		SELECT * INTO STRICT typ FROM pg_type AS t WHERE t.oid = typ.typbasetype;
	END LOOP;

	-- CHECK (kind IN ('a', 'b')), of the column or of its domain
	SELECT substring(pg_get_constraintdef(k.oid) FROM '''((?:[^'']|'''')*)''') INTO listed
		FROM pg_constraint AS k
		WHERE k.contype = 'c' AND (k.conrelid = relation AND k.conkey = ARRAY[prove_value.attnum] OR k.contypid = col.atttypid)
			AND pg_get_constraintdef(k.oid) ~ '= ANY \(.*ARRAY\['''
		LIMIT 1;
	RETURN CASE
		WHEN listed IS NOT NULL THEN replace(listed, '''''', '''')
		WHEN typ.typtype = 'e' THEN (SELECT e.enumlabel FROM pg_enum AS e WHERE e.enumtypid = typ.oid ORDER BY e.enumsortorder LIMIT 1)
		WHEN typ.typtype = 'r' THEN 'empty'
		WHEN typ.typtype = 'm' OR typ.typcategory = 'A' AND typ.typsubscript = 'array_subscript_handler'::regproc THEN '{}'
		WHEN typ.typtype = 'c' THEN (SELECT '(' || repeat(',', count(*)::int - 1) || ')' FROM pg_attribute AS a
			WHERE a.attrelid = typ.typrelid AND a.attnum > 0)
		WHEN typ.oid IN ('int4'::regtype, 'int8'::regtype) AND small <> '1' THEN (floor(random() * 1e9) + 1e9)::int::text
		WHEN typ.oid = 'numeric'::regtype AND typmod > 0 AND small <> '1' THEN
			floor(random() * 10 ^ least(((typmod - 4) >> 16) - ((typmod - 4) & 2047), 15))::text
		WHEN typ.typcategory = 'N' THEN small
		WHEN typ.oid = 'uuid'::regtype THEN uid
		WHEN typ.oid = 'bool'::regtype THEN 'true'
		WHEN typ.oid IN ('json'::regtype, 'jsonb'::regtype) THEN '{}'
		WHEN typ.oid = 'bytea'::regtype THEN '\x' || replace(uid, '-', '')
		WHEN typ.oid IN ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype) THEN 'now'
		WHEN typ.oid IN ('time'::regtype, 'timetz'::regtype) THEN '12:00'
		WHEN typ.oid = 'interval'::regtype THEN '1 hour'
		WHEN typ.oid = 'bit'::regtype THEN repeat('0', greatest(typmod, 1))
		WHEN typ.oid = 'varbit'::regtype THEN '0'
		WHEN typ.oid IN ('inet'::regtype, 'cidr'::regtype) THEN '127.0.0.1'
		WHEN typ.oid IN ('macaddr'::regtype, 'macaddr8'::regtype) THEN '08:00:2b:01:02:03:04:05'
		WHEN typ.oid = 'xml'::regtype THEN '<a/>'
		WHEN typ.oid = 'point'::regtype THEN '(0,0)'
		WHEN typ.oid = 'pg_lsn'::regtype THEN '0/0'
		WHEN typ.oid IN ('tsvector'::regtype, 'tsquery'::regtype) OR typ.typname = 'hstore' THEN ''
		WHEN typ.oid = 'bpchar'::regtype THEN left(replace(uid, '-', ''), greatest(typmod - 4, 1))
		WHEN typ.oid = 'varchar'::regtype AND typmod > 0 THEN left(CASE WHEN typmod - 4 >= 36 THEN uid ELSE replace(uid, '-', '') END, typmod - 4)
		WHEN typ.typcategory = 'S' THEN uid
		WHEN typ.typname IN ('vector', 'halfvec') THEN '[1' || repeat(',1', typmod - 1) || ']'
	END;
END
$$;
COMMENT ON FUNCTION sessmem.prove_value(regclass, int2) IS
	'Internal: a value that a column probably takes.';

-- "(columns) VALUES (...)" for a row of these keys; a key that is null is left out
-- if the session is, too.  parents has where the rows are that foreign keys need.
CREATE FUNCTION sessmem.prove_row(relation regclass, session_id text, user_id text, tenant_id text, sample jsonb, parents jsonb) RETURNS text
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	entry sessmem.protected_table;
	col record;
	value text;
	names text;
	vals text;
BEGIN
	SELECT * INTO entry FROM sessmem.protected_table AS p WHERE p.relation = prove_row.relation;
	FOR col IN
		SELECT a.attnum, a.attname, format_type(a.atttypid, a.atttypmod) AS type, a.attidentity, a.atthasdef, a.attnotnull,
			array_position(entry.attnums, a.attnum) AS key
		FROM pg_attribute AS a
		WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
		ORDER BY a.attnum
	LOOP
		IF col.key IS NOT NULL THEN
			CONTINUE WHEN session_id IS NULL;
			value := (ARRAY[session_id, user_id, tenant_id])[col.key - array_lower(entry.attnums, 1) + 1];
			value := format('%L::%s', value, col.type);
		ELSIF sample ? col.attname THEN
			value := format('%L::%s', sample ->> col.attname, col.type);
		ELSIF parents ? col.attnum::text THEN
			value := parents ->> col.attnum::text;
		ELSIF col.attnotnull AND NOT col.atthasdef AND col.attidentity = ''
			OR col.attidentity = '' AND NOT col.atthasdef AND EXISTS (SELECT FROM pg_constraint AS k WHERE k.conrelid = relation
				AND k.contype = 'c' AND k.conkey = ARRAY[col.attnum] AND pg_get_constraintdef(k.oid) ~* 'is not null')
		THEN
			value := sessmem.prove_value(relation, col.attnum);
			IF value IS NULL THEN
				RAISE EXCEPTION 'no value is known for column "%" of table % of type %', col.attname, relation, col.type
					USING ERRCODE = 'feature_not_supported';
			END IF;
			value := format('%L::%s', value, col.type);
		ELSE
			CONTINUE;
		END IF;
		names := concat_ws(', ', names, quote_ident(col.attname));
		vals := concat_ws(', ', vals, value);
	END LOOP;
	RETURN CASE WHEN names IS NULL THEN 'DEFAULT VALUES' ELSE format('(%s) VALUES (%s)', names, vals) END;
END
$$;
COMMENT ON FUNCTION sessmem.prove_row(regclass, text, text, text, jsonb, jsonb) IS
	'Internal: a row that a table takes.';

-- Rows that the foreign keys of a new row refer to: of the same session where the
-- table is protected, any where it is not; made if there is none.
CREATE FUNCTION sessmem.prove_parents(relation regclass, role regrole, session_id text, user_id text, tenant_id text, sample jsonb, depth int DEFAULT 0) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	key record;
	parents jsonb := '{}';
	place text;
	sub text;
BEGIN
	IF depth > 5 THEN
		RAISE EXCEPTION 'foreign keys are nested too deep' USING ERRCODE = 'feature_not_supported';
	END IF;
	FOR key IN
		SELECT k.confrelid::regclass AS parent, k.conkey, k.confkey,
			EXISTS (SELECT FROM sessmem.protected_table AS p WHERE p.relation = k.confrelid) AS protected
		FROM pg_constraint AS k
		WHERE k.contype = 'f' AND k.conrelid = relation AND k.confrelid <> relation
			AND NOT EXISTS (SELECT FROM unnest(k.conkey) AS n JOIN pg_attribute AS a ON a.attrelid = relation AND a.attnum = n
				WHERE NOT a.attnotnull OR a.atthasdef AND n <> ALL (coalesce((SELECT p.attnums FROM sessmem.protected_table AS p WHERE p.relation = prove_parents.relation), '{}'))
					OR sample ? a.attname)
	LOOP
		place := NULL;
		IF NOT key.protected THEN
			place := sessmem.prove_as(role, format('SELECT tableoid || '' '' || ctid FROM %s LIMIT 1', key.parent));
		END IF;
		IF place IS NULL OR place = '0' THEN
			place := sessmem.prove_as(role, format('INSERT INTO %s %s RETURNING tableoid || '' '' || ctid', key.parent,
				sessmem.prove_row(key.parent, session_id, user_id, tenant_id, '{}',
					sessmem.prove_parents(key.parent, role, session_id, user_id, tenant_id, '{}', depth + 1))));
		END IF;
		FOR i IN 1 .. array_length(key.conkey, 1) LOOP
			sub := format('(SELECT parent.%I FROM %s AS parent WHERE parent.tableoid = %L::pg_catalog.oid AND parent.ctid = %L::pg_catalog.tid)',
				(SELECT a.attname FROM pg_attribute AS a WHERE a.attrelid = key.parent AND a.attnum = key.confkey[i]),
				key.parent, split_part(place, ' ', 1), split_part(place, ' ', 2));
			parents := parents || jsonb_build_object(key.conkey[i]::text, sub);
		END LOOP;
	END LOOP;
	RETURN parents;
END
$$;
COMMENT ON FUNCTION sessmem.prove_parents(regclass, regrole, text, text, text, jsonb, int) IS
	'Internal: expressions for the columns of foreign keys, by column number.';

-- What is tried.  "@victim", "@actor" and "@nobody" change session.  What the last
-- command answers is judged: 0 is held, as is a refusal; after "refused" anything else
-- is not, after "moved" the victim's row may be where it likes.
CREATE FUNCTION sessmem.prove_attempts(
		relation regclass, role regrole, actor text[], victim text[], place text, token text,
		actor_row text, forged_row text, victim_row jsonb)
	RETURNS TABLE (attempt text, obstacle text, commands text[])
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	own text := sessmem.prove_condition(relation, actor[1], actor[2], actor[3]);
	foreigner text := sessmem.prove_condition(relation, victim[1], victim[2], victim[3]);
	count_others text := format('SELECT pg_catalog.count(*) FROM %s WHERE (%s) IS NOT TRUE', relation, own);
	count_victim text := format('SELECT pg_catalog.count(*) FROM %s WHERE %s', relation, foreigner);
	there text := format('tableoid OPERATOR(pg_catalog.=) %L::pg_catalog.oid AND ctid OPERATOR(pg_catalog.=) %L::pg_catalog.tid',
		split_part(place, ' ', 1), split_part(place, ' ', 2));
	part regclass := split_part(place, ' ', 1)::oid::regclass;
	sets_victim text;
	sets_own text;
	nulls text;
	empties text;
	first_key name;
	schema text := (SELECT quote_ident(n.nspname) FROM pg_namespace AS n
		WHERE n.nspname !~ '^pg_' AND has_schema_privilege(role, n.oid, 'CREATE') ORDER BY n.nspname LIMIT 1);
	unique_columns text;
	differs int2;
	apart boolean;
	no_unique text;
	no_conflict text;
	all_columns text;
	own_sets jsonb;
	cannot_create text := CASE WHEN schema IS NULL THEN 'the role may create in no schema' END;
	cannot_read text := CASE WHEN NOT has_any_column_privilege(role, relation, 'SELECT') THEN 'the role may not SELECT' END;
	cannot_insert text := CASE WHEN NOT has_any_column_privilege(role, relation, 'INSERT') THEN 'the role may not INSERT' END;
	cannot_update text := CASE WHEN NOT has_any_column_privilege(role, relation, 'UPDATE') THEN 'the role may not UPDATE' END;
	cannot_delete text := CASE WHEN NOT has_table_privilege(role, relation, 'DELETE') THEN 'the role may not DELETE' END;
	not_owner text := CASE WHEN NOT pg_has_role(role, (SELECT c.relowner FROM pg_class AS c WHERE c.oid = relation), 'USAGE')
		THEN 'the role does not own the table' END;
	filtered text := CASE WHEN NOT (SELECT r.rolsuper OR r.rolbypassrls FROM pg_class AS c JOIN pg_roles AS r ON r.oid = c.relowner WHERE c.oid = relation)
		THEN 'row security applies to the owner, and comes first' END;
	keys_as_text text;
	key_values text;
BEGIN
	SELECT string_agg(format('%I = %L::%s', k.name, victim[k.i], k.type), ', '),
		string_agg(format('%I = %L::%s', k.name, actor[k.i], k.type), ', '),
		string_agg(format('%I = NULL', k.name), ', '),
		string_agg(format('%I = ''''', k.name), ', ') FILTER (WHERE k.type IN ('text'::regtype, 'varchar'::regtype)),
		string_agg(format('r.%I::pg_catalog.text', k.name), ', '),
		string_agg(quote_literal(victim[k.i]), ', '),
		jsonb_object_agg(k.name, actor[k.i]), min(k.name)
		INTO sets_victim, sets_own, nulls, empties, keys_as_text, key_values, own_sets, first_key
	FROM sessmem.protected_table AS p
	CROSS JOIN LATERAL (SELECT key.*, CASE claim WHEN 'session_id' THEN 1 WHEN 'user_id' THEN 2 ELSE 3 END AS i
		FROM sessmem.key_columns(p.relation, p.session_column, p.user_column, p.tenant_column) AS key) AS k
	WHERE p.relation = prove_attempts.relation;

	-- one without the column that tells the two apart first: with the actor's own key there is a conflict
	SELECT p.attnums[k] INTO differs FROM sessmem.protected_table AS p, generate_series(1, 3) AS k
	WHERE p.relation = prove_attempts.relation AND p.attnums[k] <> 0 AND actor[k] <> victim[k];
	SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum), bool_or(a.attnum = differs) INTO unique_columns, apart
	FROM (SELECT i.indkey FROM pg_index AS i
		WHERE i.indrelid = relation AND i.indisunique AND i.indimmediate AND i.indisvalid AND i.indexprs IS NULL AND i.indpred IS NULL
		ORDER BY differs = ANY (i.indkey::int2[]), i.indexrelid
		LIMIT 1) AS u
	JOIN pg_attribute AS a ON a.attrelid = relation AND a.attnum = ANY (u.indkey::int2[]);
	SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) INTO all_columns
	FROM pg_attribute AS a WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '';
	no_unique := CASE WHEN unique_columns IS NULL THEN 'there is no plain unique key' END;
	no_conflict := coalesce(no_unique, CASE WHEN apart THEN 'every unique key contains the session key' END);

	RETURN QUERY VALUES
		('read all rows', cannot_read, ARRAY[count_others]),
		('read by the victim''s key', cannot_read, ARRAY[count_victim]),
		('read by the row''s place', cannot_read, ARRAY[format('SELECT pg_catalog.count(*) FROM %s WHERE %s', relation, there)]),
		('read the partition itself', CASE WHEN part = relation THEN 'the table has no partitions' END,
			ARRAY[format('SELECT pg_catalog.count(*) FROM %s WHERE (%s) IS NOT TRUE', part, own)]),
		('read with row_security off', cannot_read, ARRAY['SET LOCAL row_security = off', count_others]),
		('read as another user of the pool, without a session', cannot_read, ARRAY['@nobody', format('SELECT pg_catalog.count(*) FROM %s', relation)]),
		('read by recall()', CASE WHEN NOT has_function_privilege(role, 'sessmem.recall(anyelement, integer, name, text)', 'EXECUTE') THEN 'the role may not call it' END,
			ARRAY[format('SELECT pg_catalog.count(*) FROM sessmem.recall(NULL::%s, 1000, %L) AS r WHERE (%s) IS NOT TRUE', relation, first_key,
				sessmem.prove_condition(relation, actor[1], actor[2], actor[3], 'r.'))]),
		('read and lock', coalesce(cannot_read, cannot_update), ARRAY[format('SELECT 1 FROM %s WHERE %s FOR UPDATE NOWAIT', relation, foreigner)]),
		('read by a cursor of the victim', coalesce(cannot_read, CASE WHEN NOT has_function_privilege(role, 'sessmem.unbind()', 'EXECUTE') THEN 'the role may not call unbind()' END), ARRAY['@victim',
			format('DECLARE sessmem_prove CURSOR FOR SELECT 1 FROM %s CROSS JOIN pg_catalog.generate_series(1, 2) WHERE %s', relation, foreigner),
			'FETCH FROM sessmem_prove', 'SELECT sessmem.unbind()', 'FETCH FROM sessmem_prove']),
		('read by a plan of the victim', coalesce(cannot_create, cannot_read), ARRAY[
			'@nobody', format('CREATE FUNCTION %s."sessmem prove"() RETURNS pg_catalog.int8 LANGUAGE plpgsql AS %L', schema,
				format('BEGIN RETURN (SELECT pg_catalog.count(*) FROM %s WHERE %s); END', relation, foreigner)),
			'@victim', format('SELECT %s."sessmem prove"()', schema), '@actor', format('SELECT %s."sessmem prove"()', schema)]),
		('read by a view of the role', coalesce(cannot_create, cannot_read), ARRAY[
			'@nobody', format('CREATE VIEW %s."sessmem prove" AS SELECT * FROM %s', schema, relation),
			'@actor', format('SELECT pg_catalog.count(*) FROM %s."sessmem prove" WHERE (%s) IS NOT TRUE', schema, own)]),
		('read by a SECURITY DEFINER function of the role', coalesce(cannot_create, cannot_read), ARRAY[
			'@nobody', format('CREATE FUNCTION %s."sessmem prove"() RETURNS pg_catalog.int8 LANGUAGE sql SECURITY DEFINER AS %L', schema, count_others),
			'@actor', format('SELECT %s."sessmem prove"()', schema)]),
		('infer by a function in WHERE', coalesce(cannot_create, cannot_read), ARRAY[
			'@nobody', format('CREATE FUNCTION %s."sessmem prove"(pg_catalog.text[]) RETURNS pg_catalog.bool LANGUAGE plpgsql COST 0.000001 AS %L', schema,
				format('BEGIN IF $1 = ARRAY[%s] THEN PERFORM pg_catalog.set_config(''prove.seen'', ''1'', true); END IF; RETURN true; END', key_values)),
			'@actor', 'SELECT pg_catalog.set_config(''prove.seen'', ''0'', true)',
			format('SELECT pg_catalog.count(*) FROM %s AS r WHERE %s."sessmem prove"(ARRAY[%s])', relation, schema, keys_as_text),
			'SELECT pg_catalog.current_setting(''prove.seen'')']),
		('infer by an error in WHERE', cannot_read, ARRAY[
			format('SELECT pg_catalog.count(*) FROM %s WHERE 1 / (CASE WHEN %s THEN 0 ELSE 1 END) = 1 AND (%s) IS NOT TRUE', relation, foreigner, own)]),
		('infer by statistics', cannot_read, ARRAY[
			format('SELECT pg_catalog.count(*) FROM pg_catalog.pg_stats AS s JOIN pg_catalog.pg_class AS c ON c.oid = %s AND c.relname = s.tablename AND c.relnamespace = s.schemaname::pg_catalog.text::pg_catalog.regnamespace', relation::oid)]),
		('infer by a unique key', coalesce(cannot_insert, no_conflict), ARRAY[
			format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %2$s FROM pg_catalog.jsonb_populate_record(NULL::%1$s, %3$L)',
				relation, all_columns, victim_row || own_sets)]),
		('insert or do nothing', coalesce(cannot_insert, no_conflict), ARRAY[
			format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %2$s FROM pg_catalog.jsonb_populate_record(NULL::%1$s, %3$L) ON CONFLICT DO NOTHING',
				relation, all_columns, victim_row || own_sets)]),

		('insert with the victim''s key', cannot_insert, ARRAY[format('INSERT INTO %s %s', relation, forged_row)]),
		('insert without a session', cannot_insert, ARRAY['@nobody', format('INSERT INTO %s %s', relation, actor_row)]),
		('update: move own row to the victim', cannot_update, ARRAY[format('UPDATE %s SET %s WHERE %s', relation, sets_victim, own)]),
		('update: take the victim''s row', cannot_update, ARRAY[format('UPDATE %s SET %s WHERE %s', relation, sets_own, foreigner)]),
		('update: the victim''s row', cannot_update, ARRAY[format('UPDATE %s SET %s WHERE %s', relation, sets_victim, foreigner)]),
		('update: the victim''s row by its place', cannot_update, ARRAY[format('UPDATE %s SET %s WHERE %s', relation, sets_victim, there)]),
		('update: no key', cannot_update, ARRAY[format('UPDATE %s SET %s WHERE %s', relation, nulls, own)]),
		('update: an empty key', coalesce(cannot_update, CASE WHEN empties IS NULL THEN 'no key is a text' END),
			ARRAY[format('UPDATE %s SET %s WHERE %s', relation, empties, own)]),
		('update without a session', cannot_update, ARRAY['@nobody', format('UPDATE %s SET %s WHERE %s', relation, sets_victim, foreigner)]),
		('update through the partition itself', coalesce(cannot_update, CASE WHEN part = relation THEN 'the table has no partitions' END),
			ARRAY[format('UPDATE %s SET %s WHERE %s', part, sets_victim, foreigner)]),
		('upsert onto the victim''s row', coalesce(cannot_insert, cannot_update, no_unique), ARRAY[
			format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %2$s FROM pg_catalog.jsonb_populate_record(NULL::%1$s, %3$L) ON CONFLICT (%4$s) DO UPDATE SET %5$s',
				relation, all_columns, victim_row, unique_columns, sets_own)]),
		('upsert own key onto the victim''s row', coalesce(cannot_insert, cannot_update, no_conflict), ARRAY[
			format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %2$s FROM pg_catalog.jsonb_populate_record(NULL::%1$s, %3$L) ON CONFLICT (%4$s) DO UPDATE SET %5$s',
				relation, all_columns, victim_row || own_sets, unique_columns, sets_own)]),
		('merge', coalesce(cannot_read, cannot_update, cannot_delete), ARRAY[
			format('MERGE INTO %s AS t USING (SELECT 1) AS one ON %s WHEN MATCHED THEN UPDATE SET %s', relation,
				sessmem.prove_condition(relation, victim[1], victim[2], victim[3], 't.'), sets_own)]),
		('delete the victim''s row', cannot_delete, ARRAY[format('DELETE FROM %s WHERE %s', relation, foreigner)]),
		('delete returning', coalesce(cannot_read, cannot_delete), ARRAY[format('DELETE FROM %s WHERE %s RETURNING 1', relation, foreigner)]),
		('delete by the row''s place', cannot_delete, ARRAY[format('DELETE FROM %s WHERE %s', relation, there)]),
		('delete without a session', cannot_delete, ARRAY['@nobody', format('DELETE FROM %s WHERE %s', relation, foreigner)]),
		('truncate', NULL, ARRAY['refused', format('TRUNCATE %s', relation)]),

		('guard alone: move the victim''s row', filtered, ARRAY['@guard move']),
		('guard alone: delete the victim''s row', filtered, ARRAY['@guard delete']),

		('reuse the victim''s context', cannot_read, ARRAY['@victim',
			'SELECT pg_catalog.set_config(''prove.sealed'', pg_catalog.current_setting(''sessmem.context''), true)', '@actor',
			'SELECT pg_catalog.set_config(''sessmem.context'', pg_catalog.current_setting(''prove.sealed''), true)', count_victim]),
		('forge a context', cannot_read, ARRAY[
			format('SELECT pg_catalog.set_config(''sessmem.context'', %L, true)', array_to_string(victim, '.', '')), count_victim]),
		('forge the session''s settings', cannot_read, ARRAY[
			format('SELECT pg_catalog.set_config(''sessmem.session_id'', %L, true)', victim[1]), count_victim]),
		('assume the victim''s session', CASE WHEN has_function_privilege(role, 'sessmem.assume(text, text, text)', 'EXECUTE') THEN 'the role was trusted to be anybody' END, ARRAY['@nobody', 'refused', format('SELECT sessmem.assume(%L, %L, %L)', victim[1], victim[2], victim[3])]),
		('bind the victim''s token in the actor''s transaction', CASE WHEN token IS NULL THEN 'there is no token for it'
			WHEN NOT has_function_privilege(role, 'sessmem.bind(text)', 'EXECUTE') THEN 'the role may not call bind()' END,
			ARRAY['refused', format('SELECT sessmem.bind(%L)', token)]),
		('begin maintenance', NULL, ARRAY['@nobody', 'refused', 'SELECT sessmem.maintenance(''prove'')']),
		('set maintenance', NULL, ARRAY['refused', 'SET LOCAL sessmem.maintenance = ''prove''']),

		('switch triggers off', NULL, ARRAY['refused', 'SET LOCAL session_replication_role = replica']),
		('get past row security', NULL, ARRAY['refused', format('ALTER ROLE %s BYPASSRLS', role)]),
		('disable row security', NULL, ARRAY['refused', format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', relation)]),
		('not force row security', NULL, ARRAY['refused', format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', relation)]),
		('add a policy', NULL, ARRAY['refused', format('CREATE POLICY sessmem_prove ON %s USING (true)', relation)]),
		('drop the policy', NULL, ARRAY['refused', format('DROP POLICY sessmem_restrictive ON %s', relation)]),
		('change the policy', NULL, ARRAY['refused', format('ALTER POLICY sessmem_restrictive ON %s USING (true)', relation)]),
		('disable the guard', NULL, ARRAY['refused', format('ALTER TABLE %s DISABLE TRIGGER zzz_sessmem_guard', part)]),
		('drop the guard', NULL, ARRAY['refused', format('DROP TRIGGER zzz_sessmem_guard ON %s', part)]),
		('drop NOT NULL', NULL, ARRAY['refused', format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL', relation, first_key)]),
		('copy the rows into a materialised view', coalesce(cannot_create, cannot_read), ARRAY['@nobody', 'refused',
			format('CREATE MATERIALIZED VIEW %s."sessmem prove" AS SELECT * FROM %s', schema, relation)]),
		('read the partition when it is detached', CASE WHEN part = relation THEN 'the table has no partitions'
				WHEN NOT (SELECT c.relispartition FROM pg_class AS c WHERE c.oid = part) THEN 'the row is in no partition' END,
			ARRAY['moved', format('ALTER TABLE %s DETACH PARTITION %s',
				(SELECT i.inhparent::regclass FROM pg_inherits AS i WHERE i.inhrelid = part LIMIT 1), part),
				format('SELECT pg_catalog.count(*) FROM %s WHERE (%s) IS NOT TRUE', part, own)]),
		('read by a new parent', coalesce(cannot_create, cannot_read, CASE WHEN part <> relation THEN 'partitioned tables get none' END), ARRAY[
			'@nobody', format('CREATE TABLE %s."sessmem prove" (LIKE %s)', schema, relation),
			format('ALTER TABLE %s INHERIT %s."sessmem prove"', relation, schema),
			'@actor', format('SELECT pg_catalog.count(*) FROM %s."sessmem prove"', schema)]),
		('rename the table', not_owner, ARRAY['refused', format('ALTER TABLE %s RENAME TO "sessmem prove"', relation)]);
END
$$;
COMMENT ON FUNCTION sessmem.prove_attempts(regclass, regrole, text[], text[], text, text, text, text, jsonb) IS
	'Internal: what prove() tries.';

-- Three sessions and more in one: whose keys differ from the actor's in one column each.
CREATE FUNCTION sessmem.prove_sessions(relation regclass, sample jsonb, OUT i int, OUT ids text[]) RETURNS SETOF record
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	entry sessmem.protected_table;
	names name[];
	digits boolean;
	len int;
	id text[];
	actor text[];
	other text[];
BEGIN
	SELECT * INTO STRICT entry FROM sessmem.protected_table AS p WHERE p.relation = prove_sessions.relation;
	names := ARRAY[entry.session_column, entry.user_column, entry.tenant_column];
	FOR n IN 1 .. 3 LOOP
		SELECT a.atttypid = 'int8'::regtype, CASE WHEN a.atttypmod > 0 THEN a.atttypmod - 4 ELSE 36 END INTO digits, len
			FROM pg_attribute AS a WHERE a.attrelid = relation AND a.attname = names[n];
		FOR k IN 1 .. 2 LOOP
			id[k] := CASE WHEN digits OR len < 36 THEN left(k || lpad(floor(random() * 1e15)::bigint::text, 15, '0'), len)
				ELSE gen_random_uuid()::text END;
		END LOOP;
		actor[n] := id[1];
		other[n] := id[2];
		-- what the caller fixes is the same for all
		IF sample ? names[n]::text THEN
			actor[n] := sample ->> names[n]::text;
			other[n] := NULL;
		END IF;
	END LOOP;
	i := 0;
	ids := actor;
	RETURN NEXT;
	FOR n IN 1 .. 3 LOOP
		CONTINUE WHEN names[n] IS NULL OR other[n] IS NULL;
		i := n;
		ids := actor;
		ids[n] := other[n];
		IF names[1] IS NULL THEN
			ids[1] := gen_random_uuid();
		END IF;
		RETURN NEXT;
	END LOOP;
	IF i = 0 THEN
		RAISE EXCEPTION 'sample fixes all key columns'
			USING ERRCODE = '22023', HINT = 'Leave one out, so that there can be two sessions.';
	END IF;
END
$$;
COMMENT ON FUNCTION sessmem.prove_sessions(regclass, jsonb) IS
	'Internal: the actor (0), and for each key column a victim that differs from it in this one.';

CREATE FUNCTION sessmem.prove_check(relation regclass, app_role regrole) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	kind "char" := (SELECT c.relkind FROM pg_class AS c WHERE c.oid = relation);
BEGIN
	IF relation IS NULL OR app_role IS NULL THEN
		RAISE EXCEPTION 'relation and app_role must not be null' USING ERRCODE = '22004';
	END IF;
	IF kind IS NULL THEN
		RAISE EXCEPTION 'relation % does not exist', relation USING ERRCODE = 'undefined_table';
	END IF;
	IF kind NOT IN ('r', 'p') THEN
		RAISE EXCEPTION 'cannot prove isolation of %', relation
			USING ERRCODE = 'wrong_object_type',
				DETAIL = 'It is not a table.',
				HINT = 'Prove the tables that hold the rows.';
	END IF;
	IF (SELECT c.relispartition FROM pg_class AS c WHERE c.oid = relation) THEN
		RAISE EXCEPTION 'cannot prove isolation of % alone', relation
			USING ERRCODE = 'wrong_object_type',
				DETAIL = 'It is a partition, which does not take every row.',
				HINT = format('Prove its parent, which tries the partitions, too: %s.',
					(SELECT i.inhparent::regclass FROM pg_inherits AS i WHERE i.inhrelid = relation));
	END IF;
	IF NOT EXISTS (SELECT FROM sessmem.protected_table AS p WHERE p.relation = prove_check.relation) THEN
		RAISE EXCEPTION 'table % is not protected', relation
			USING ERRCODE = 'object_not_in_prerequisite_state',
				DETAIL = 'Nothing isolates its rows, or nothing that sessmem knows.',
				HINT = format('Protect it: SELECT sessmem.protect(%L).', relation);
	END IF;
	IF EXISTS (SELECT FROM pg_roles AS r WHERE r.oid = app_role AND (r.rolsuper OR r.rolbypassrls)) THEN
		RAISE EXCEPTION 'role % bypasses row security', app_role
			USING ERRCODE = '22023',
				DETAIL = 'It is a superuser or has BYPASSRLS, so storage would not isolate its sessions.',
				HINT = 'Prove it for the role that the application uses.';
	END IF;
	IF NOT pg_has_role(app_role, CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END) THEN
		RAISE EXCEPTION 'permission denied to act as role %', app_role
			USING ERRCODE = 'insufficient_privilege',
				DETAIL = 'Whoever proves isolation for a role must be able to SET ROLE to it.',
				HINT = format('GRANT %s TO %I, or let a superuser do it.', app_role, current_user);
	END IF;
END
$$;
COMMENT ON FUNCTION sessmem.prove_check(regclass, regrole) IS
	'Internal: all errors of prove() about its arguments.';

-- Without a SET clause, below which nobody can bind; and as the caller, so that he
-- acts as nobody whom he may not be.  So search_path is set first, and comes back
-- when everything is rolled back.  What runs as the role never runs here.
CREATE FUNCTION sessmem.prove(relation regclass, app_role regrole, sample jsonb DEFAULT '{}')
	RETURNS TABLE (attempt text, outcome text, detail text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
#variable_conflict use_variable
DECLARE
	report pg_catalog.text[] := '{}';
	names pg_catalog.text[] := '{}';
	results pg_catalog.text[];
	details pg_catalog.text[];
	who pg_catalog.record;
	what pg_catalog.record;
	actor pg_catalog.text[];
	state pg_catalog.text;
	message pg_catalog.text;
	more pg_catalog.text;
	command pg_catalog.text;
	answer pg_catalog.text;
	place pg_catalog.text;
	row_of_victim pg_catalog.jsonb;
	parents pg_catalog.jsonb;
	actor_row pg_catalog.text;
	must_refuse pg_catalog.bool;
	may_move pg_catalog.bool;
	verdict pg_catalog.text;
	spot pg_catalog.int4;
	victims pg_catalog.text[] := '{}';
	places pg_catalog.text[] := '{}';
	rows_of pg_catalog.jsonb[] := '{}';
	forged pg_catalog.text;
	token pg_catalog.text;
	which pg_catalog.text;
	missing pg_catalog.text[];
	failed pg_catalog.text;
	unsure pg_catalog.text;
BEGIN
	PERFORM sessmem.prove_check(relation, app_role);
	BEGIN
		PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
		PERFORM set_config('application_name', 'sessmem prove', true), set_config('lock_timeout', '1s', true),
			set_config('client_min_messages', 'error', true);
		sample := coalesce(sample, '{}');
		PERFORM sessmem.prove_enter(NULL, NULL, NULL);

		missing := sessmem.prove_missing(relation, app_role);
		names := ARRAY['layers in place'];
		results := ARRAY[CASE WHEN missing = '{}' THEN 'held' ELSE 'got through' END];
		details := ARRAY[CASE WHEN missing = '{}' THEN 'row security, both policies, guards, constraints' ELSE array_to_string(missing, '; ') END];

		BEGIN
			-- controls: every session sees its own row, and nobody else's
			FOR who IN SELECT s.i, s.ids FROM sessmem.prove_sessions(relation, sample) AS s ORDER BY s.i DESC LOOP
				PERFORM sessmem.prove_enter(who.ids[1], who.ids[2], who.ids[3]);
				parents := sessmem.prove_parents(relation, app_role, who.ids[1], who.ids[2], who.ids[3], sample);
				place := sessmem.prove_as(app_role, format('INSERT INTO %s %s RETURNING tableoid || '' '' || ctid', relation,
					sessmem.prove_row(relation, who.ids[1], who.ids[2], who.ids[3], sample, parents)));
				IF place = '0' THEN
					RAISE EXCEPTION 'INSERT inserted no row' USING ERRCODE = 'ZZ001';
				END IF;
				answer := sessmem.prove_as(app_role, format('SELECT count(*) FROM %s WHERE %s', relation,
					sessmem.prove_condition(relation, who.ids[1], who.ids[2], who.ids[3])));
				IF answer <> '1' THEN
					RAISE EXCEPTION 'a session does not see its own row' USING ERRCODE = 'ZZ001';
				END IF;
				IF sessmem.prove_state(relation, who.ids[1], who.ids[2], who.ids[3], place) IS NOT NULL THEN
					RAISE EXCEPTION 'the row of a session is not where it was inserted' USING ERRCODE = 'ZZ001';
				END IF;
				IF who.i = 0 THEN
					actor := who.ids;
					actor_row := sessmem.prove_row(relation, actor[1], actor[2], actor[3], sample, parents);
				ELSE
					victims := victims || ARRAY[who.ids];
					places := places || place;
					rows_of := rows_of || sessmem.prove_as(app_role, format('SELECT pg_catalog.to_jsonb(r) FROM %s AS r WHERE %s', relation,
						sessmem.prove_condition(relation, who.ids[1], who.ids[2], who.ids[3], 'r.')))::jsonb;
				END IF;
			END LOOP;
			names := names || 'control: own rows'::text;
			results := results || 'held'::text;
			details := details || 'each session wrote its row, and sees it'::text;

			FOR n IN 1 .. cardinality(places) LOOP
				which := CASE WHEN victims[n][1] <> actor[1] THEN 'session' WHEN victims[n][2] <> actor[2] THEN 'user' ELSE 'tenant' END;
				-- two users' sessions of one id would be refused
				token := CASE WHEN victims[n][1] <> actor[1] THEN sessmem.prove_token(victims[n][1], victims[n][2], victims[n][3]) END;
				forged := sessmem.prove_row(relation, victims[n][1], victims[n][2], victims[n][3], sample, parents);
				FOR what IN SELECT * FROM sessmem.prove_attempts(relation, app_role, actor, ARRAY[victims[n][1], victims[n][2], victims[n][3]], places[n],
					token, actor_row, forged, rows_of[n])
				LOOP
					IF what.obstacle IS NOT NULL THEN
						verdict := 'not applicable';
						more := what.obstacle;
					ELSE
						verdict := NULL;
						must_refuse := false;
						may_move := false;
						BEGIN
							PERFORM sessmem.prove_enter(actor[1], actor[2], actor[3]);
							FOREACH command IN ARRAY what.commands LOOP
								IF command = '@victim' THEN
									PERFORM sessmem.prove_enter(victims[n][1], victims[n][2], victims[n][3]);
								ELSIF command = '@actor' THEN
									PERFORM sessmem.prove_enter(actor[1], actor[2], actor[3]);
								ELSIF command = '@nobody' THEN
									PERFORM sessmem.prove_enter(NULL, NULL, NULL);
								ELSIF command = 'refused' THEN
									must_refuse := true;
								ELSIF command = 'moved' THEN
									may_move := true;
								ELSIF command LIKE '@guard %' THEN
									answer := sessmem.prove_guard(relation, actor, ARRAY[victims[n][1], victims[n][2], victims[n][3]], command = '@guard move');
								ELSE
									answer := sessmem.prove_as(app_role, command);
								END IF;
							END LOOP;
							state := sessmem.prove_state(relation, victims[n][1], victims[n][2], victims[n][3], places[n]);
							IF state IS NOT NULL AND NOT may_move THEN
								verdict := 'got through';
								more := state;
							ELSIF must_refuse THEN
								verdict := 'got through';
								more := 'it was not refused';
							ELSIF answer = '0' THEN
								-- the server looks at everybody's rows, and protect() has said so
								verdict := CASE what.attempt WHEN 'insert or do nothing' THEN 'accepted' ELSE 'held' END;
								more := '0 rows';
							ELSE
								verdict := 'got through';
								more := format('it reached rows of another %s, or of nobody', which);
							END IF;
							RAISE EXCEPTION 'undo' USING ERRCODE = 'ZZ000';
						EXCEPTION
							WHEN SQLSTATE 'ZZ000' THEN NULL;
							WHEN OTHERS THEN
								GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, more = PG_EXCEPTION_DETAIL;
								verdict := CASE
									WHEN what.attempt = 'infer by an error in WHERE' AND state = '22012' THEN 'got through'
									WHEN what.attempt = 'infer by a unique key' AND state = '23505' AND more = '' THEN 'accepted'
									WHEN what.attempt = 'infer by a unique key' AND state = '23505' THEN 'got through'
									WHEN state IN ('42501', '28000', '22023', '55P02') THEN 'held'
									-- by whomever, but for a lock that was not to be had
									WHEN must_refuse AND state NOT IN ('55P03', '40P01') THEN 'held'
									WHEN what.attempt IN ('update: no key', 'update: an empty key') AND state LIKE '23%' THEN 'held'
									ELSE 'inconclusive' END;
								more := state || ' ' || message;
						END;
					END IF;
					-- the table's own code can raise our SQLSTATE, too
					IF verdict IS NULL THEN
						verdict := 'inconclusive';
						more := 'ZZ000';
					END IF;
					-- one line for each attempt, the worst of all victims
					spot := array_position(names, what.attempt);
					IF spot IS NULL THEN
						names := names || what.attempt;
						results := results || verdict;
						details := details || more;
					ELSIF array_position(ARRAY['got through', 'inconclusive', 'accepted', 'held', 'not applicable'], verdict)
						< array_position(ARRAY['got through', 'inconclusive', 'accepted', 'held', 'not applicable'], results[spot])
					THEN
						results[spot] := verdict;
						details[spot] := more;
					END IF;
				END LOOP;
			END LOOP;
		EXCEPTION
			WHEN OTHERS THEN
				names := names || 'control: own rows'::text;
				results := results || 'inconclusive'::text;
				details := details || (SQLSTATE || ' ' || SQLERRM);
		END;
		RAISE EXCEPTION 'undo' USING ERRCODE = 'ZZ000';
	EXCEPTION
		WHEN SQLSTATE 'ZZ000' THEN NULL;
	END;
	PERFORM sessmem.prove_end();

	failed := pg_catalog.string_agg(pg_catalog.format('%s: %s', u.n, u.d), E'\n' ORDER BY u.i)
		FROM ROWS FROM (pg_catalog.unnest(names), pg_catalog.unnest(results), pg_catalog.unnest(details)) WITH ORDINALITY AS u (n, r, d, i)
		WHERE u.r OPERATOR(pg_catalog.=) 'got through';
	unsure := pg_catalog.string_agg(pg_catalog.format('%s: %s', u.n, u.d), E'\n' ORDER BY u.i)
		FROM ROWS FROM (pg_catalog.unnest(names), pg_catalog.unnest(results), pg_catalog.unnest(details)) WITH ORDINALITY AS u (n, r, d, i)
		WHERE u.r OPERATOR(pg_catalog.=) 'inconclusive';
	IF failed IS NOT NULL THEN
		RAISE EXCEPTION 'table % is not isolated', relation
			USING ERRCODE = 'insufficient_privilege',
				DETAIL = pg_catalog.concat_ws(E'\n', failed, unsure),
				HINT = pg_catalog.format('Call SELECT sessmem.protect(%L) with the same columns again, which repairs, and look at what has changed.', relation);
	ELSIF unsure IS NOT NULL THEN
		RAISE EXCEPTION 'isolation of table % is not proven', relation
			USING ERRCODE = 'object_not_in_prerequisite_state',
				DETAIL = unsure,
				HINT = 'If the role cannot make a row, name values that it can: sample => ''{"column": "value"}''.';
	END IF;
	RETURN QUERY SELECT u.n, u.r, u.d
		FROM ROWS FROM (pg_catalog.unnest(names), pg_catalog.unnest(results), pg_catalog.unnest(details)) WITH ORDINALITY AS u (n, r, d, i) ORDER BY u.i;
END
$$;
COMMENT ON FUNCTION sessmem.prove(regclass, regrole, jsonb) IS
	'Tries to break isolation on a protected table: as that role, with throw-away sessions, it reads, writes, moves, deletes, forges and infers across them. One line for each attempt: outcome is held, accepted (of which protect() warned), not applicable, inconclusive or got through; detail is the refusal, or what got through. Everything is rolled back, values drawn from sequences aside. sample has values for columns of the rows that it makes. 42501: something got through, the detail says what; the caller may not SET ROLE to the role; or the transaction has used a session. 55000: isolation is not proven, or the table is not protected. 42809: not a table, or a partition. 22023: the role bypasses row security, or sample fixes all keys. For administrators.';
