-- audit_table: memory that nobody protects
--
-- Candidates are found by the names of their columns, by what the tables of known
-- frameworks look like, and by foreign keys; the fix names the columns found.

INSERT INTO sessmem.audit_check (check_id, severity, title) VALUES
	('table.framework', 'high', 'Tables of known agent frameworks are protected'),
	('table.looks_like_memory', 'medium', 'Tables that look like memory are protected'),
	('table.child', 'high', 'Tables that hang on memory by a foreign key are protected'),
	('table.embedding', 'low', 'Tables with embeddings have row security'),
	('table.born_unprotected', 'low', 'Where applications create tables, auto_protect() is on');

CREATE FUNCTION sessmem.audit_table() RETURNS TABLE (check_id text, object text, finding text, evidence text, fix text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	apps CONSTANT oid[] := ARRAY(SELECT a.oid FROM sessmem.audit_apps() AS a);
BEGIN
	RETURN QUERY
	WITH scope AS MATERIALIZED (
		SELECT * FROM sessmem.audit_scope()
	), key_word (claim, rank, word) AS (
		VALUES ('session', 1, 'session_id'), ('session', 2, 'thread_id'), ('session', 3, 'conversation_id'), ('session', 4, 'chat_id'),
			('session', 5, 'chat_session_id'), ('session', 6, 'dialog_id'), ('session', 7, 'run_id'),
			('user', 1, 'user_id'), ('user', 2, 'resource_id'), ('user', 3, 'end_user_id'), ('user', 4, 'actor_id'),
			('tenant', 1, 'tenant_id'), ('tenant', 2, 'organization_id'), ('tenant', 3, 'org_id'), ('tenant', 4, 'workspace_id'), ('tenant', 5, 'app_name')
	), key_name (claim, rank, name) AS (
		SELECT k.claim, k.rank, k.word::name FROM key_word AS k
		UNION ALL
		SELECT k.claim, k.rank, (left(k.word, 1) || substr(replace(initcap(replace(k.word, '_', ' ')), ' ', ''), 2))::name FROM key_word AS k
		UNION ALL
		SELECT k.claim, k.rank, replace(k.word, '_', '')::name FROM key_word AS k
		UNION		-- what the tables that are protected use
		SELECT x.claim, 0, x.name FROM sessmem.protected_table AS p
			CROSS JOIN LATERAL (VALUES ('session', p.session_column), ('user', p.user_column), ('tenant', p.tenant_column)) AS x (claim, name)
		WHERE x.name <> 'id'
	), content_name (name, strong) AS (
		VALUES ('message'::name, true), ('messages', true), ('embedding', true), ('embeddings', true), ('memory', true), ('memories', true), ('prompt', true),
			('response', true), ('completion', true), ('transcript', true), ('history', true), ('conversation', true), ('fact', true), ('facts', true),
			('content', false), ('text', false), ('body', false), ('payload', false), ('checkpoint', false), ('state', false), ('data', false), ('value', false),
			('blob', false), ('summary', false), ('document', false), ('answer', false), ('question', false), ('output', false), ('input', false)
	), candidate AS MATERIALIZED (		-- roots of users without row security
		SELECT c.oid, c.relname
		FROM pg_class AS c
		WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND NOT c.relrowsecurity AND c.relpersistence <> 't' AND c.oid >= 16384
			AND c.relnamespace NOT IN ('sessmem'::regnamespace, 'information_schema'::regnamespace)
			AND NOT EXISTS (SELECT FROM sessmem.protected_table AS p WHERE p.relation = c.oid)
			AND NOT EXISTS (SELECT FROM pg_inherits AS i WHERE i.inhrelid = c.oid)
			AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
	), keyed AS MATERIALIZED (
		SELECT a.attrelid AS oid,
			(array_agg(a.attname ORDER BY k.rank, a.attnum) FILTER (WHERE k.claim = 'session'))[1] AS session_column,
			(array_agg(a.attname ORDER BY k.rank, a.attnum) FILTER (WHERE k.claim = 'user'))[1] AS user_column,
			(array_agg(a.attname ORDER BY k.rank, a.attnum) FILTER (WHERE k.claim = 'tenant'))[1] AS tenant_column
		FROM key_name AS k JOIN pg_attribute AS a ON a.attname = k.name
		WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity = ''
			AND a.atttypid IN ('text'::regtype, 'varchar'::regtype, 'uuid'::regtype, 'int8'::regtype)
		GROUP BY a.attrelid
	), content AS MATERIALIZED (
		SELECT a.attrelid AS oid, min(a.attname::text) AS name, bool_or(n.strong) AS strong
		FROM content_name AS n JOIN pg_attribute AS a ON a.attname = n.name
		WHERE a.attnum > 0 AND NOT a.attisdropped
		GROUP BY a.attrelid
	), shape (relname, framework, session_column, user_column, tenant_column, others) AS (
		VALUES ('checkpoints'::name, 'LangGraph', 'thread_id'::name, NULL::name, NULL::name, '{checkpoint_ns}'::name[]),
			('checkpoint_blobs', 'LangGraph', 'thread_id', NULL, NULL, '{checkpoint_ns}'),
			('checkpoint_writes', 'LangGraph', 'thread_id', NULL, NULL, '{checkpoint_ns}'),
			('store', 'LangGraph', NULL, NULL, NULL, '{prefix,key,value}'),
			('message_store', 'LangChain', 'session_id', NULL, NULL, '{message}'),
			('chat_history', 'LangChain', 'session_id', NULL, NULL, '{message}'),
			('n8n_chat_histories', 'n8n', 'session_id', NULL, NULL, '{message}'),
			('mastra_threads', 'Mastra', 'id', 'resourceId', NULL, '{}'),
			('mastra_messages', 'Mastra', 'thread_id', 'resourceId', NULL, '{}'),
			('mastra_resources', 'Mastra', NULL, 'id', NULL, '{}'),
			('mastra_workflow_snapshot', 'Mastra', 'run_id', NULL, NULL, '{}'),
			('memories', 'mem0', NULL, NULL, NULL, '{vector,payload}'),
			('mem0', 'mem0', NULL, NULL, NULL, '{vector,payload}'),
			('agent_sessions', 'OpenAI Agents SDK', 'session_id', NULL, NULL, '{}'),
			('agent_messages', 'OpenAI Agents SDK', 'session_id', NULL, NULL, '{}'),
			('sessions', 'Google ADK', 'id', 'user_id', 'app_name', '{}'),
			('events', 'Google ADK', 'session_id', 'user_id', 'app_name', '{}'),
			('user_states', 'Google ADK', NULL, 'user_id', 'app_name', '{}'),
			('Chat', 'Vercel AI chatbot', 'id', 'userId', NULL, '{}'),
			('Message', 'Vercel AI chatbot', 'chatId', NULL, NULL, '{}'),
			('Message_v2', 'Vercel AI chatbot', 'chatId', NULL, NULL, '{}')
	), known AS (
		SELECT c.oid, s.framework, s.session_column, s.user_column, s.tenant_column
		FROM candidate AS c JOIN shape AS s ON s.relname = c.relname
		WHERE NOT EXISTS (
			SELECT FROM unnest(s.others || array_remove(ARRAY[s.session_column, s.user_column, s.tenant_column], NULL)) AS n
			WHERE NOT EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = n AND NOT a.attisdropped
				AND (n = ANY (s.others) OR a.atttypid IN ('text'::regtype, 'varchar'::regtype, 'uuid'::regtype, 'int8'::regtype))))
	), child AS (		-- of what is protected, or is keyed by a session
		SELECT c.oid, k.conname, k.confrelid, y.session_column, y.user_column, y.tenant_column
		FROM candidate AS c JOIN pg_constraint AS k ON k.conrelid = c.oid AND k.contype = 'f'
			JOIN scope AS s ON s.oid = k.confrelid LEFT JOIN keyed AS y ON y.oid = c.oid
		WHERE (s.protected OR EXISTS (SELECT FROM keyed AS p WHERE p.oid = s.oid AND p.session_column IS NOT NULL))
			AND NOT EXISTS (SELECT FROM known AS n WHERE n.oid = c.oid)
	), found (oid, check_id, finding, evidence, session_column, user_column, tenant_column) AS (
		SELECT n.oid, 'table.framework', format('%s keeps memory here, and every user of the application''s role reads all of it.', n.framework),
			format('shape of %s''s table', n.framework), n.session_column, n.user_column, n.tenant_column
		FROM known AS n
		UNION ALL
		SELECT DISTINCT ON (c.oid) c.oid, 'table.child', format('Its rows belong to rows of %s, and are seen by all.', c.confrelid::regclass),
			format('foreign key %I, no row security', c.conname), c.session_column, c.user_column, c.tenant_column
		FROM child AS c
		UNION ALL
		SELECT c.oid, 'table.looks_like_memory', 'It looks like memory of sessions or users, and every user of the application''s role reads all of it.',
			format('columns %s, %I; no row security', concat_ws(', ', quote_ident(y.session_column), quote_ident(y.user_column), quote_ident(y.tenant_column)), t.name),
			y.session_column, y.user_column, y.tenant_column
		FROM candidate AS c JOIN keyed AS y ON y.oid = c.oid JOIN content AS t ON t.oid = c.oid
		WHERE (y.session_column IS NOT NULL OR (y.user_column IS NOT NULL AND t.strong))
			AND NOT EXISTS (SELECT FROM known AS n WHERE n.oid = c.oid) AND NOT EXISTS (SELECT FROM child AS d WHERE d.oid = c.oid)
		UNION ALL
		SELECT DISTINCT ON (c.oid) c.oid, 'table.embedding', 'It has embeddings, and nothing says whose they are.',
			format('column %I of type %s, no key column, no row security', a.attname, t.typname), NULL, NULL, NULL
		FROM candidate AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND NOT a.attisdropped
			JOIN pg_type AS t ON t.oid = a.atttypid AND t.typname IN ('vector', 'halfvec', 'sparsevec')
		WHERE NOT EXISTS (SELECT FROM keyed AS y WHERE y.oid = c.oid)
			AND NOT EXISTS (SELECT FROM known AS n WHERE n.oid = c.oid) AND NOT EXISTS (SELECT FROM child AS d WHERE d.oid = c.oid)
	)
	-- without a key column nothing but refusing everybody is safe
	SELECT f.check_id, f.oid::regclass::text, f.finding, f.evidence,
		CASE WHEN num_nonnulls(f.session_column, f.user_column, f.tenant_column) = 0
			THEN format(E'ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;\nCREATE POLICY nobody ON %1$s USING (false);', f.oid::regclass)
			ELSE format('SELECT sessmem.protect(%s);', concat_ws(', ', quote_literal(f.oid::regclass), 'session_column => ' || coalesce(quote_literal(f.session_column), 'NULL'),
				'user_column => ' || quote_literal(f.user_column), 'tenant_column => ' || quote_literal(f.tenant_column))) END
	FROM found AS f

	UNION ALL
	SELECT 'table.born_unprotected', n.oid::regnamespace::text, 'Tables that the application creates here, beside protected ones, are not protected.',
		format('%s may create, no auto_protect()', (SELECT string_agg(a::regrole::text, ', ' ORDER BY a::regrole::text) FROM unnest(apps) AS a WHERE has_schema_privilege(a, n.oid, 'CREATE'))),
		format('SELECT sessmem.auto_protect(%s);', concat_ws(', ', quote_literal(n.nspname), 'session_column => ' || coalesce(quote_literal(k.session_column), 'NULL'),
			'user_column => ' || quote_literal(k.user_column), 'tenant_column => ' || quote_literal(k.tenant_column)))
	FROM pg_namespace AS n
	CROSS JOIN LATERAL (
		SELECT p.session_column, p.user_column, p.tenant_column FROM sessmem.protected_table AS p JOIN pg_class AS c ON c.oid = p.relation
		WHERE c.relnamespace = n.oid ORDER BY p.session_column IS NULL, p.name LIMIT 1
	) AS k
	WHERE EXISTS (SELECT FROM unnest(apps) AS a WHERE has_schema_privilege(a, n.oid, 'CREATE'))
		AND NOT EXISTS (SELECT FROM sessmem.auto_protection AS r WHERE r.schema = n.nspname);
END
$$;
COMMENT ON FUNCTION sessmem.audit_table() IS
	'Internal: findings of the audit on memory that nobody protects.';
