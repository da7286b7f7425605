-- vector: EXPLAIN ANALYZE "Rows Removed by Filter" counts the invisible rows
-- class: covert
-- actor: attacker
-- precondition: none
-- expected with sessmem: BLOCKED
-- stopped by: EXPLAIN ANALYZE over a protected table is refused
-- severity: low
\i :adapter
\ir _sane.sql
\set got ''
begin; select t_bind('sess-B'); insert into public.messages(session_id,role,content) select 'sess-B','u','b'||g from generate_series(1,777) g; commit;
begin;
select t_bind('sess-A');
create function pg_temp.ea() returns text language plpgsql as $$ declare r json; begin execute 'explain (analyze, format json) select 1 from public.messages' into r; return r::text; end $$;
set local enable_indexscan=off; set local enable_bitmapscan=off;
select coalesce(substring(pg_temp.ea() from 'Rows Removed by Filter": (\d+)'),'0') as got \gset
rollback;
\c - :su
select coalesce(nullif(:'got','')::int,0) >= 780 as leak \gset
\ir _verdict.sql
