-- vector: ON CONFLICT DO NOTHING: 0 vs 1 rows, no error, no log line
-- class: covert
-- actor: attacker
-- precondition: PK not led by session_id
-- expected with sessmem: LEAK
-- stopped by: nothing: integrity checks see everything; lead keys with the session
-- severity: low
\i :adapter
\ir _sane.sql
\set c1 -1
\set c2 -1
begin; select t_bind('sess-A');
insert into public.messages(id,session_id,role,content) values (3,'sess-A','u','x') on conflict do nothing;
\set c1 :ROW_COUNT
insert into public.messages(id,session_id,role,content) values (999999,'sess-A','u','x') on conflict do nothing;
\set c2 :ROW_COUNT
rollback;
\c - :su
select (:c1 <> :c2) as leak \gset
\ir _verdict.sql
