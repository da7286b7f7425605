-- vector: whether a partition can be added beside the default one says whether it has rows of that key
-- class: covert
-- actor: attacker
-- precondition: the application's role owns the table
-- expected with sessmem: LEAK (docs/security.md: volume and time)
-- stopped by: refused DDL: whatever compares with rows that are not his
-- severity: high
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\ir _ways.sql
create table public.parts(id bigint not null, session_id text not null, content text) partition by list (content);
create table public.rest partition of public.parts default;
insert into public.parts values (1, 'sess-B', 'CANARY-B-two');
\c - :su
select t_protect('public.parts');
\c - :app
insert into plugin.way(w, q, r)
select w, q, 'select ''done'''
from (values
  ('partition beside the default one', $$create table plugin.p partition of public.parts for values in ('{guess}')$$),
  ('ATTACH beside the default one', $$create table plugin.p(like public.parts including all); alter table public.parts attach partition plugin.p for values in ('{guess}')$$)
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
