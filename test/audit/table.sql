-- Memory that nobody protects.
INSERT INTO seed (check_id, object, setup, also, cleanup) VALUES
	('table.framework', 'public.checkpoints', 'CREATE TABLE checkpoints (thread_id text NOT NULL, checkpoint_ns text NOT NULL, checkpoint_id text NOT NULL, checkpoint jsonb, PRIMARY KEY (thread_id, checkpoint_ns, checkpoint_id))', '{}', ''),
	('table.framework', 'public.mastra_threads', 'CREATE TABLE mastra_threads (id text, "resourceId" text, title text, PRIMARY KEY (id, "resourceId"))', '{}', ''),
	('table.framework', 'public."Chat"', 'CREATE TABLE "Chat" (id uuid, "userId" uuid, title text, PRIMARY KEY (id, "userId"))', '{}', ''),
	('table.framework', 'public.store', 'CREATE TABLE store (prefix text, key text, value jsonb, PRIMARY KEY (prefix, key))', '{}', ''),
	('table.looks_like_memory', 'public.t1', 'CREATE TABLE t1 (session_id varchar(255), content text)', '{}', ''),
	('table.looks_like_memory', 'public.t2', 'CREATE TABLE t2 (user_id bigint, tenant_id uuid, embedding float4[])', '{}', ''),
	('table.looks_like_memory', 'public.t3', 'CREATE TABLE t3 (id bigint, "threadId" uuid, body text) PARTITION BY LIST ("threadId"); CREATE TABLE t3_rest PARTITION OF t3 DEFAULT', '{}', ''),
	-- by a name that a protected table uses
	('table.looks_like_memory', 'public.t4_old', $$CREATE TABLE t4 (dialogue text, content text); SELECT sessmem.protect('t4', 'dialogue'); CREATE TABLE t4_old AS SELECT * FROM t4$$, '{}', ''),
	('table.child', 'public.t5_file', $$CREATE TABLE t5 (session_id text, id bigint, PRIMARY KEY (session_id, id)); SELECT sessmem.protect('t5');
		CREATE TABLE t5_file (session_id text, message bigint, name text, FOREIGN KEY (session_id, message) REFERENCES t5)$$, '{}', ''),
	('table.embedding', 'public.t6', 'CREATE SCHEMA t6; CREATE DOMAIN t6.vector AS float4[]; CREATE TABLE t6 (id bigint, title text, v t6.vector)', '{}', ''),
	('table.born_unprotected', 't9', $$CREATE SCHEMA t9; CREATE TABLE t9.memory (session_id text); SELECT sessmem.protect('t9.memory'); $$ || app_for('founder', 'GRANT CREATE ON SCHEMA t9 TO @'), '{role.app_create}', '');

-- what looks like memory and is none
CREATE TABLE t_good_product (id bigint PRIMARY KEY, text text, price numeric);
CREATE TABLE t_good_post (id bigint PRIMARY KEY, user_id bigint, title text, content text);
CREATE TABLE t_good_job (run_id integer, data jsonb);
CREATE TABLE t_good_order (id bigint PRIMARY KEY, user_id bigint, data jsonb);
CREATE TABLE store_item (id bigint PRIMARY KEY, value numeric);
CREATE TABLE events (id bigint PRIMARY KEY, starts date);
CREATE TEMPORARY TABLE t_good_temporary (session_id text, content text);
CREATE VIEW t_good_view AS SELECT 'x'::text AS session_id, 'y'::text AS content;
