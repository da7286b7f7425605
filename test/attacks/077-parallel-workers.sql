-- vector: policy evaluated in parallel workers: no foreign rows and all own rows
-- class: read
-- actor: attacker
-- precondition: parallel plan
-- expected with sessmem: BLOCKED
-- stopped by: the sealed context goes to the workers
-- severity: high
\i :adapter
\ir _sane.sql
\set na -1
\set nb -1
begin; select t_bind('sess-A'); insert into public.messages(session_id,role,content) select 'sess-A','u','bulk-A' from generate_series(1,3000); commit;
begin; select t_bind('sess-B'); insert into public.messages(session_id,role,content) select 'sess-B','u','bulk-B' from generate_series(1,60000); commit;
\c - :su
analyze public.messages;
\c - :app
begin;
select t_bind('sess-A');
select set_config(name, 'on', true) from pg_settings where name in ('force_parallel_mode', 'debug_parallel_query');
set local parallel_setup_cost = 0; set local parallel_tuple_cost = 0;
set local min_parallel_table_scan_size = 0; set local enable_indexscan = off; set local enable_bitmapscan = off;
select count(*) filter (where content='bulk-A') as na, count(*) filter (where content like '%-B%') as nb from public.messages \gset
rollback;
\c - :su
select (:na <> 3000) as lost \gset
\if :lost
\set other 'own rows missing under a parallel plan'
\endif
select (:nb > 0) as leak \gset
\ir _verdict.sql
