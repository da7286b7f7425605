-- vector: no function at all: whether DDL, or a write of his own, succeeds says whether some row of another session has a value
-- class: covert
-- actor: attacker
-- precondition: the application's role owns the table
-- expected with sessmem: BLOCKED
-- stopped by: refused DDL: whatever compares with rows that are not his
-- severity: high
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\ir _ways.sql
\c - :su
create extension btree_gist;
\c - :app
insert into plugin.way(w, q, r)
select w, q, 'select ''done'''
from (values
  ('EXCLUDE of others', $$alter table public.messages add exclude using gist (session_id with <>, content with =); insert into public.messages(session_id, content) values ('sess-A', '{guess}')$$)
) as v(w, q);
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
\ir _verdict.sql
