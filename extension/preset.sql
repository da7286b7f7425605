-- preset: the tables of frameworks
--
-- What their own migrations make, read from a run of each (docs/clients has the
-- versions).  Names are regular expressions, {schema} is the schema.  A table may have
-- several shapes; the one counts whose columns are there.
-- Children come before their parents, because they are filled from them.

CREATE FUNCTION sessmem.preset_tables(
		schema name, OUT preset text, OUT relation text, OUT shape name[], OUT keys jsonb, OUT shared text)
	RETURNS SETOF record
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT p.preset, p.relation, p.shape::name[], replace(p.keys, '{schema}', replace(quote_ident(schema), '"', '\"'))::jsonb, p.shared
	FROM (VALUES
		('langgraph', 'checkpoints', '{thread_id,checkpoint_ns,checkpoint_id}', '{"session_column": "thread_id"}', NULL),
		('langgraph', 'checkpoint_blobs', '{thread_id,checkpoint_ns,channel}', '{"session_column": "thread_id"}', NULL),
		('langgraph', 'checkpoint_writes', '{thread_id,checkpoint_ns,checkpoint_id}', '{"session_column": "thread_id"}', NULL),
		-- JavaScript, then Python
		('langgraph', 'store_vectors', '{namespace_path,key,embedding}', '{"user_column": "sessmem_user", "prefix_column": "namespace_path", "separator": ":"}', NULL),
		('langgraph', 'store_vectors', '{prefix,key,embedding}', '{"user_column": "sessmem_user", "prefix_column": "prefix", "separator": "."}', NULL),
		('langgraph', 'store', '{namespace_path,key,value}', '{"user_column": "sessmem_user", "prefix_column": "namespace_path", "separator": ":"}', NULL),
		('langgraph', 'store', '{prefix,key,value}', '{"user_column": "sessmem_user", "prefix_column": "prefix", "separator": "."}', NULL),
		('langgraph', 'checkpoint_migrations', '{v}', NULL, 'the version of the tables'),
		('langgraph', 'store_migrations', '{v}', NULL, 'the version of the tables'),
		('langgraph', 'vector_migrations', '{v}', NULL, 'the version of the tables'),

		('langchain', 'langchain_chat_histories', '{session_id,message}', '{"session_column": "session_id"}', NULL),
		('langchain', 'n8n_chat_histories', '{session_id,message}', '{"session_column": "session_id"}', NULL),
		('langchain', 'chat_history', '{session_id,message}', '{"session_column": "session_id"}', NULL),
		('langchain', 'message_store', '{session_id,message}', '{"session_column": "session_id"}', NULL),

		-- rows name their thread only
		('mastra', 'mastra_thread_state', '{threadId,value}', '{"user_column": "sessmem_user", "user_key": "(SELECT t.\"resourceId\" FROM {schema}.mastra_threads AS t WHERE t.id = \"threadId\")"}', NULL),
		('mastra', 'mastra_threads', '{id,resourceId}', '{"user_column": "resourceId"}', NULL),
		('mastra', 'mastra_messages', '{id,thread_id,resourceId}', '{"user_column": "resourceId"}', NULL),
		('mastra', 'mastra_resources', '{id,workingMemory}', '{"user_column": "id"}', NULL),
		('mastra', 'mastra_observational_memory', '{id,resourceId}', '{"user_column": "resourceId"}', NULL),
		('mastra', 'mastra_favorites', '{userId,entityId}', '{"user_column": "userId"}', NULL),
		-- one for each length of a vector
		('mastra', 'memory_messages(_\d+)?', '{vector_id,metadata,embedding}', '{"user_column": "sessmem_user", "user_key": "metadata->>''resource_id''"}', NULL),
		-- the resource may be NULL: then a row is of whoever wrote it
		('mastra', 'mastra_workflow_snapshot', '{workflow_name,run_id,resourceId,snapshot}', '{"user_column": "sessmem_user", "user_key": "\"resourceId\""}', NULL),
		('mastra', 'mastra_notifications', '{id,threadId,resourceId}', '{"user_column": "sessmem_user", "user_key": "\"resourceId\""}', NULL),
		('mastra', 'mastra_background_tasks', '{id,resource_id}', '{"user_column": "sessmem_user", "user_key": "resource_id"}', NULL),
		('mastra', 'mastra_scorers', '{id,resourceId,input,output}', '{"user_column": "sessmem_user", "user_key": "\"resourceId\""}', NULL),
		-- written in batches of all users: refused, rather than read by all
		('mastra', 'mastra_ai_spans', '{traceId,spanId,resourceId}', '{"user_column": "sessmem_user", "user_key": "\"resourceId\""}', NULL),
		-- a scope is org:x, resource:y and thread:z, with 0x1f in between
		('mastra', 'mastra_knowledge_nodes', '{id,scopeKey}', '{"user_column": "sessmem_user", "user_key": "substring(\"scopeKey\", ''(?:^|\\x1f)resource:([^\\x1f]+)'')"}', NULL),
		('mastra', 'mastra_knowledge_records', '{id,scopeKey}', '{"user_column": "sessmem_user", "user_key": "substring(\"scopeKey\", ''(?:^|\\x1f)resource:([^\\x1f]+)'')"}', NULL),
		('mastra', 'mastra_knowledge_activity', '{id,scopeKey}', '{"user_column": "sessmem_user", "user_key": "substring(\"scopeKey\", ''(?:^|\\x1f)resource:([^\\x1f]+)'')"}', NULL),
		('mastra', 'mastra_knowledge_semantic_outbox', '{idempotencyKey,scopeKey}', '{"user_column": "sessmem_user", "user_key": "substring(\"scopeKey\", ''(?:^|\\x1f)resource:([^\\x1f]+)'')"}', NULL),
		('mastra', 'mastra_knowledge_mentions', '{sourceType,sourceId,recordId}', '{"user_column": "sessmem_user", "add_columns": true}', NULL),
		('mastra', 'mastra_knowledge_cursors', '{sourceThreadId,agent}', '{"user_column": "sessmem_user", "add_columns": true}', NULL),

		('mem0', 'memories', '{id,vector,payload}', '{"user_column": "sessmem_user", "user_key": "payload->>''user_id''"}', NULL),
		('mem0', 'memories_entities', '{id,vector,payload}', '{"user_column": "sessmem_user", "user_key": "payload->>''user_id''"}', NULL),
		('mem0', 'memory_migrations', '{user_id}', NULL, 'the id of the installation'),

		('openai_agents', 'agent_sessions', '{session_id}', '{"session_column": "session_id"}', NULL),
		('openai_agents', 'agent_messages', '{session_id,message_data}', '{"session_column": "session_id"}', NULL),

		('ai_chatbot', 'Vote_v2', '{chatId,messageId}', '{"user_column": "userId", "parent": "chatId"}', NULL),
		('ai_chatbot', 'Vote', '{chatId,messageId}', '{"user_column": "userId", "parent": "chatId"}', NULL),
		('ai_chatbot', 'Message_v2', '{id,chatId,parts}', '{"user_column": "userId", "parent": "chatId"}', NULL),
		('ai_chatbot', 'Message', '{id,chatId,content}', '{"user_column": "userId", "parent": "chatId"}', NULL),
		('ai_chatbot', 'Stream', '{id,chatId}', '{"user_column": "userId", "parent": "chatId"}', NULL),
		('ai_chatbot', 'Chat', '{id,userId,title}', '{"user_column": "userId"}', NULL),
		('ai_chatbot', 'Suggestion', '{documentId,userId}', '{"user_column": "userId"}', NULL),
		('ai_chatbot', 'Document', '{id,userId,content}', '{"user_column": "userId"}', NULL),
		('ai_chatbot', 'User', '{id,email}', NULL, 'who logs in has no session yet; it has password hashes: let the issuer''s role read it, and nobody else')
	) AS p (preset, relation, shape, keys, shared)
$$;
COMMENT ON FUNCTION sessmem.preset_tables(name) IS
	'Internal: tables of frameworks, the columns that they are known by, and what protect() is to be called with.';

CREATE FUNCTION sessmem.preset(name text, schema text DEFAULT 'public', dry_run boolean DEFAULT false)
	RETURNS TABLE (relation text, action text, detail text)
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	SET client_min_messages = warning
AS $$
#variable_conflict use_column
DECLARE
	found record;
	lacking text;
BEGIN
	IF NOT EXISTS (SELECT FROM sessmem.preset_tables(preset.schema) AS t WHERE t.preset = preset.name) THEN
		RAISE EXCEPTION 'there is no preset "%"', preset.name
			USING ERRCODE = '22023',
				HINT = format('There is %s.', (SELECT string_agg(DISTINCT t.preset, ', ') FROM sessmem.preset_tables(preset.schema) AS t));
	END IF;
	FOR found IN
		-- of several shapes the one that fits, or the first
		SELECT DISTINCT ON (t.i, t.relname) t.* FROM (
			SELECT p.*, c.oid, c.relname, min(p.ord) OVER (PARTITION BY p.relation) AS i,
				ARRAY(SELECT n FROM unnest(p.shape) AS n WHERE sessmem.column_number(c.oid, n) = 0) AS missing
			FROM sessmem.preset_tables(preset.schema) WITH ORDINALITY AS p (preset, relation, shape, keys, shared, ord)
				LEFT JOIN pg_class AS c ON c.relname ~ ('^' || p.relation || '$') AND c.relkind IN ('r', 'p')
					AND c.relnamespace = (SELECT n.oid FROM pg_namespace AS n WHERE n.nspname = preset.schema)
			WHERE p.preset = preset.name) AS t
		ORDER BY t.i, t.relname, cardinality(t.missing), t.ord
	LOOP
		relation := format('%I.%I', preset.schema, coalesce(found.relname, regexp_replace(found.relation, '\(.*', '')));
		detail := found.shared;
		IF found.oid IS NULL THEN
			action := 'missing';
		ELSIF found.missing <> '{}' THEN
			lacking := array_to_string(ARRAY(SELECT quote_ident(n) FROM unnest(found.missing) AS n), ', ');
			IF NOT dry_run THEN
				RAISE EXCEPTION 'table % does not have the shape that % gives it', relation, preset.name
					USING ERRCODE = 'undefined_column',
						DETAIL = format('It lacks %s.', lacking),
						HINT = 'Protect it with sessmem.protect() by its own columns, and tell the maintainers of sessmem which version made it.';
			END IF;
			action := 'drifted';
			detail := format('It lacks %s.', lacking);
		ELSIF found.keys IS NULL THEN
			action := 'shared';
		ELSE
			detail := format('SELECT sessmem.protect(%s);', concat_ws(', ', quote_literal(relation),
				CASE WHEN NOT found.keys ? 'session_column' THEN 'session_column => NULL' END,
				(SELECT string_agg(format('%s => %s', k.key, CASE jsonb_typeof(found.keys->k.key) WHEN 'boolean' THEN k.value ELSE quote_literal(k.value) END), ', ' ORDER BY k.key <> 'session_column', k.key <> 'user_column', k.key)
				FROM jsonb_each_text(found.keys) AS k)));
			action := CASE WHEN dry_run THEN 'protect' ELSE 'protected' END;
			IF NOT dry_run THEN
				PERFORM sessmem.protect(found.oid::regclass, (found.keys->>'session_column')::name, (found.keys->>'user_column')::name, NULL, false,
					found.keys->>'session_key', found.keys->>'user_key', NULL, (found.keys->>'prefix_column')::name, coalesce(found.keys->>'separator', '.'),
					(found.keys->>'parent')::name, coalesce((found.keys->>'add_columns')::boolean, false));
			END IF;
		END IF;
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION sessmem.preset(text, text, boolean) IS
	'Protects all tables of a framework: langgraph, langchain (n8n, too), mastra, mem0, openai_agents or ai_chatbot; in a schema. Returns for each what was done: protected (detail: the protect() call), missing, or shared (left alone, with the reason); with dry_run what would be: protect, drifted. 22023: no such preset. 42703: a table has another shape. Errors of protect(). For administrators.';
