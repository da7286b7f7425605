-- vector: EXPLAIN ANALYZE counts invisible rows: through EXECUTE, CREATE TABLE AS, a cursor, a view, a function, a partition, a write
-- class: covert
-- actor: attacker
-- precondition: none
-- expected with sessmem: BLOCKED
-- stopped by: EXPLAIN ANALYZE over a protected table is refused, however it is said
-- severity: low
\i :adapter
\ir _sane.sql
\c - :su
set role :owner; create view public.v with (security_invoker = true) as select * from public.messages; grant select on public.v to :app; reset role;
\c - :app
begin; select t_bind('sess-B'); insert into public.messages(session_id, role, content) select 'sess-B', 'u', 'b' || g from generate_series(1, 777) g; commit;
set enable_indexscan = off; set enable_bitmapscan = off; set enable_indexonlyscan = off;
\set via ?
begin; select t_bind('sess-A');
savepoint s;
prepare q as select 1 from public.messages;
\if :ERROR
rollback to s;
\endif
create function pg_temp.ea(q text) returns bigint language plpgsql as $$
declare r json; n text;
begin
  execute q into r;
  return (select max((x.m)[1]::bigint) from regexp_matches(r::text, 'Rows Removed by Filter": (\d+)', 'g') as x(m));
exception when others then raise warning '%: %', q, sqlerrm; return 0;
end $$;
create function pg_temp.f() returns setof int language sql stable as 'select 1 from public.messages';
select coalesce(string_agg(w, ', '), '') as via from (values
  ('SELECT',   'explain (analyze, format json) select 1 from public.messages'),
  ('EXECUTE',  'explain (analyze, format json) execute q'),
  ('CREATE TABLE AS', 'explain (analyze, format json) create temp table t on commit drop as select 1 from public.messages'),
  ('cursor',   'explain (analyze, format json) declare c cursor for select 1 from public.messages'),
  ('view',     'explain (analyze, format json) select 1 from public.v'),
  ('function', 'explain (analyze, format json) select * from pg_temp.f()'),
  ('UPDATE',   'explain (analyze, format json) update public.messages set role = role'),
  ('DELETE',   'explain (analyze, format json) delete from public.messages'),
  ('sub-select', 'explain (analyze, format json) select (select count(*) from public.messages)'),
  ('CTE',      'explain (analyze, format json) with x as materialized (select 1 from public.messages) select * from x'),
  ('boolean',  'explain (analyze true, format json) select 1 from public.messages'),
  ('twice',    'explain (analyze off, analyze on, format json) select 1 from public.messages')
) as v(w, q) where pg_temp.ea(q) >= 780 \gset
rollback;
\c - :su
select :'via' <> '' as leak, :'via' = '?' as norun \gset
\if :norun
\set other 'attack code did not run'
\endif
\ir _verdict.sql
