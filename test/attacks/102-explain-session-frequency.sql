-- vector: EXPLAIN row estimate gives the number of rows of any session id
-- class: covert
-- actor: attacker
-- precondition: ANALYZEd (autovacuum does it); leakproof operators may use statistics under RLS
-- expected with sessmem: BLOCKED
-- stopped by: planner hooks: no statistics of protected tables
-- severity: medium
\i :adapter
\ir _sane.sql
\set e1 0
\set e2 0
begin; select t_bind('sess-B'); insert into public.messages(session_id,role,content) select 'sess-B','u','b'||g from generate_series(1,4000) g; commit;
begin; select t_bind('sess-C'); insert into public.messages(session_id,role,content) select 'sess-C','u','c'||g from generate_series(1,500) g; commit;
\c - :su
analyze public.messages;
\c - :app
begin;
select t_bind('sess-A');
create function pg_temp.est(q text) returns bigint language plpgsql as $$ declare r json; begin execute 'explain (format json) '||q into r; return (r->0->'Plan'->>'Plan Rows')::bigint; end $$;
select pg_temp.est($$select 1 from public.messages where session_id='sess-B'$$) as e1,
       pg_temp.est($$select 1 from public.messages where session_id='sess-nobody'$$) as e2 \gset
rollback;
\c - :su
select (:e1 > 20 * greatest(:e2,1)) as leak \gset
\set ran :e1
-- the oracle must have produced a number, otherwise the attack code itself did not run
select (:ran = 0) as norun \gset
\if :norun
\set other 'attack code did not run'
\endif
\ir _verdict.sql
