-- tries each way of plugin.way with a right guess and a wrong one: a way leaks if the two answers differ
\set ways ?
\c - :app
begin; select t_bind('sess-A');
with o as materialized (
  select n, w, plugin.attempt(replace(q, '{guess}', 'CANARY-B-two'), r) as hit, plugin.attempt(replace(q, '{guess}', 'CANARY-B-tw0'), r) as miss from plugin.way)
select coalesce(string_agg(w, ', ' order by n) filter (where replace(hit, 'CANARY-B-two', '') <> replace(miss, 'CANARY-B-tw0', '')), '') as ways,
  string_agg(format('  %s: %s - %s', w, hit, miss), E'\n' order by n) as outcome from o \gset
rollback;
\warn :outcome
\ir _sane.sql
\c - :su
select :'ways' <> '' as leak, :'ways' as via, :'ways' = '?' as norun \gset
\if :norun
\set other 'attack code did not run'
\endif
