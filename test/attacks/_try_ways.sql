-- tries each way, bound to sess-A and unbound, and takes it back; those that showed something of B's are in :via
\set bound ?
\set unbound ?
\c - :app
-- an index on the key would keep foreign rows from what the owner planted
set enable_indexscan = off;
set enable_bitmapscan = off;
begin;
select t_bind('sess-A');
with o as materialized (select n, w, plugin.attempt(q, r) as o from plugin.way order by n)
select coalesce(string_agg(w, ', ' order by n) filter (where o like '%CANARY-B%'), '') as bound,
  string_agg(format('  %s: %s', w, o), E'\n' order by n) as outcome from o \gset
rollback;
\warn bound:
\warn :outcome
with o as materialized (select n, w, plugin.attempt(q, r) as o from plugin.way order by n)
select coalesce(string_agg(w || ' (unbound)', ', ' order by n) filter (where o like '%CANARY-B%'), '') as unbound,
  string_agg(format('  %s: %s', w, o), E'\n' order by n) as outcome from o \gset
\warn unbound:
\warn :outcome
select concat_ws(', ', nullif(:'bound', ''), nullif(:'unbound', '')) as via, :'bound' <> '' or :'unbound' <> '' as leak,
  '?' in (:'bound', :'unbound') as norun \gset
\if :norun
\set other 'attack code did not run'
\endif
-- whatever was tried is undone: a bound client still reads its own rows
\ir _sane.sql
\c - :su
