-- vector: scan time depends on the volume of invisible rows
-- class: covert
-- actor: attacker
-- precondition: none
-- expected with sessmem: LEAK
-- stopped by: nothing: time
-- severity: low
\i :adapter
\ir _sane.sql
\set t1 0
\set t2 0
set enable_indexscan=off; set enable_bitmapscan=off; set enable_indexonlyscan=off; set max_parallel_workers_per_gather=0;
begin; select t_bind('sess-A');
create or replace function pg_temp.t() returns double precision language plpgsql as $$ declare a timestamptz; begin a := clock_timestamp(); for i in 1..5 loop perform count(*) from public.messages; end loop; return extract(epoch from clock_timestamp()-a)*1000; end $$;
select pg_temp.t(); select pg_temp.t() as t1 \gset
commit;
\! psql -XAtq -U $ATK_APP -c "begin; select t_bind('sess-B'); insert into public.messages(session_id,role,content) select 'sess-B','u','b'||g from generate_series(1,150000) g; commit" >/dev/null
begin; select t_bind('sess-A');
create or replace function pg_temp.t() returns double precision language plpgsql as $$ declare a timestamptz; begin a := clock_timestamp(); for i in 1..5 loop perform count(*) from public.messages; end loop; return extract(epoch from clock_timestamp()-a)*1000; end $$;
select pg_temp.t(); select pg_temp.t() as t2 \gset
commit;
\c - :su
select (:t1 > 0 and :t2 > 10*:t1) as leak, (:t2 = 0) as norun \gset
\if :norun
\set other 'attack code did not run'
\endif
\ir _verdict.sql
