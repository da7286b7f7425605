-- vector: pg_class.reltuples / pg_stat_user_tables / pg_relation_size give global volume
-- class: covert
-- actor: attacker
-- precondition: none
-- expected with sessmem: LEAK
-- stopped by: nothing: volume; REVOKE on the statistics functions
-- severity: low
\i :adapter
\ir _sane.sql
\set got 0
begin; select t_bind('sess-B'); insert into public.messages(session_id,role,content) select 'sess-B','u','b'||g from generate_series(1,5000) g; commit;
\c - :su
analyze public.messages;
\c - :app
begin; select t_bind('sess-A');
select reltuples::bigint as got from pg_class where oid='public.messages'::regclass \gset
rollback;
\c - :su
select (:got >= 5000) as leak \gset
\ir _verdict.sql
