-- Presets: the tables of frameworks, as their own migrations make them (test/clients runs those).
\set SHOW_CONTEXT never
SET client_min_messages = error;
TRUNCATE sessmem.session;
CREATE SCHEMA "Frame""works";
SET search_path = "Frame""works";

-- nothing is there
SELECT * FROM sessmem.preset('langgraph', 'Frame"works');
-- fail
SELECT * FROM sessmem.preset('no such framework');
SELECT * FROM sessmem.preset(NULL);

-- LangGraph, with a store of Python's
CREATE TABLE checkpoint_migrations (v int PRIMARY KEY);
CREATE TABLE checkpoints (thread_id text NOT NULL, checkpoint_ns text NOT NULL DEFAULT '', checkpoint_id text NOT NULL, checkpoint jsonb, PRIMARY KEY (thread_id, checkpoint_ns, checkpoint_id));
CREATE TABLE store (prefix text NOT NULL, key text NOT NULL, value jsonb NOT NULL, PRIMARY KEY (prefix, key));
SELECT relation, action, detail FROM sessmem.preset('langgraph', 'Frame"works', dry_run => true) WHERE action <> 'missing';
SELECT count(*) FROM sessmem.protected_table WHERE name ~ 'Frame';
SELECT relation, action FROM sessmem.preset('langgraph', 'Frame"works');
SELECT name, session_column, user_column, agreement FROM sessmem.protected_table WHERE name ~ 'Frame' ORDER BY name;
-- again, when the framework has made the rest
CREATE TABLE checkpoint_blobs (thread_id text NOT NULL, checkpoint_ns text NOT NULL DEFAULT '', channel text NOT NULL, version text NOT NULL, blob bytea, PRIMARY KEY (thread_id, checkpoint_ns, channel, version));
SELECT relation, action FROM sessmem.preset('langgraph', 'Frame"works') WHERE action <> 'missing';
DROP TABLE checkpoints, store, checkpoint_blobs;
-- the store of JavaScript
CREATE TABLE store (namespace_path text NOT NULL, key text NOT NULL, value jsonb NOT NULL, PRIMARY KEY (namespace_path, key));
SELECT detail FROM sessmem.preset('langgraph', 'Frame"works') WHERE action = 'protected';

-- a shape that has drifted: nothing is done at all
CREATE TABLE checkpoints (thread_id text, checkpoint_id text);
SELECT sessmem.unprotect('store');
SELECT relation, action, detail FROM sessmem.preset('langgraph', 'Frame"works', dry_run => true) WHERE action = 'drifted';
SELECT * FROM sessmem.preset('langgraph', 'Frame"works');
SELECT count(*) FROM sessmem.protected_table WHERE name ~ 'Frame';

-- children before their parents, with rows
CREATE TABLE "User" (id uuid PRIMARY KEY, email text);
CREATE TABLE "Chat" (id uuid PRIMARY KEY, "userId" uuid NOT NULL REFERENCES "User", title text);
CREATE TABLE "Message_v2" (id uuid PRIMARY KEY, "chatId" uuid NOT NULL REFERENCES "Chat", parts json);
INSERT INTO "User" VALUES ('00000000-0000-4000-8000-000000000001', 'alice@example.com');
INSERT INTO "Chat" VALUES ('00000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000001', 'of alice');
INSERT INTO "Message_v2" VALUES ('00000000-0000-4000-8000-000000000003', '00000000-0000-4000-8000-000000000002', '[]');
SELECT relation, action, detail FROM sessmem.preset('ai_chatbot', 'Frame"works') WHERE action <> 'missing';
SELECT "userId" FROM "Message_v2";

-- mem0, OpenAI's agents, LangChain
CREATE TABLE memories (id uuid PRIMARY KEY, vector real[], payload jsonb);
CREATE TABLE memory_migrations (id serial, user_id text UNIQUE);
CREATE TABLE agent_sessions (session_id varchar PRIMARY KEY);
CREATE TABLE agent_messages (id serial PRIMARY KEY, session_id varchar NOT NULL REFERENCES agent_sessions, message_data text);
CREATE TABLE langchain_chat_histories (id serial PRIMARY KEY, session_id varchar(255) NOT NULL, message jsonb NOT NULL);
CREATE TABLE mastra_threads (id text PRIMARY KEY, "resourceId" text NOT NULL);
CREATE TABLE mastra_thread_state ("threadId" text, type text, value jsonb, PRIMARY KEY ("threadId", type));
CREATE TABLE memory_messages_3 (vector_id text PRIMARY KEY, metadata jsonb, embedding real[]);
SELECT p.* FROM unnest(ARRAY['mem0', 'openai_agents', 'langchain', 'mastra']) AS n, sessmem.preset(n, 'Frame"works') AS p WHERE p.action <> 'missing';

-- for administrators
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT * FROM sessmem.preset('langgraph');
SET SESSION AUTHORIZATION regress_sessmem_admin;
SELECT count(*) FROM sessmem.preset('langgraph') WHERE action = 'missing';
RESET SESSION AUTHORIZATION;
-- every call that is made can be copied
SELECT DISTINCT preset FROM sessmem.preset_tables('public') ORDER BY 1;

SELECT set_config('sessmem.maintenance', 'drop', false) IS NOT NULL AS maintained;
DROP SCHEMA "Frame""works" CASCADE;
RESET search_path;
RESET sessmem.maintenance;
