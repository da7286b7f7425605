-- vector: no function that tells: whether DDL succeeds says whether some row of another session has a value, and comparing is enough to read it
-- class: covert
-- actor: attacker
-- precondition: the application's role owns the table
-- expected with sessmem: BLOCKED
-- stopped by: refused before it runs: whatever looks at rows that are not his, leakproof functions or none
-- severity: critical
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\ir _ways.sql
create table plugin.p(id bigint not null, session_id text not null, role text, content text) partition by range (content);
insert into plugin.way(w, q, r)
select w, q, 'select ''done'''
from (values
  ('CHECK',           $$alter table public.messages add check (content <> '{guess}')$$),
  ('CHECK, a range',  $$alter table public.messages add check (session_id <> 'sess-B' or content < '{guess}' or content > '{guess}')$$),
  ('VALIDATE',        $$alter table public.messages add constraint c check (content <> '{guess}') not valid; alter table public.messages validate constraint c$$),
  ('unique index',    $$create unique index on public.messages (session_id) where content in ('CANARY-B-one', '{guess}')$$),
  ('EXCLUDE',         $$alter table public.messages add exclude using btree (session_id with =) where (content in ('CANARY-B-one', '{guess}'))$$),
  ('ATTACH PARTITION', $$alter table public.messages drop constraint messages_pkey; alter table plugin.p attach partition public.messages for values from ('A') to ('{guess}')$$),
  ('USING, unique',   $$alter table public.messages add unique (role, content); alter table public.messages alter column content type text using case when content in ('CANARY-B-one', '{guess}') then 'x' end$$),
  ('USING, not null', $$alter table public.messages alter column role set not null; alter table public.messages alter column role type text using nullif(content, '{guess}')$$),
  ('generated, not null', $$alter table public.messages add column x text not null generated always as (nullif(content, '{guess}')) stored$$)
) as v(w, q);
\set ways ?
\c - :app
begin; select t_bind('sess-A');
with o as materialized (
  select n, w, plugin.attempt(replace(q, '{guess}', 'CANARY-B-two'), r) as hit, plugin.attempt(replace(q, '{guess}', 'CANARY-B-tw0'), r) as miss from plugin.way)
select coalesce(string_agg(w, ', ' order by n) filter (where hit <> miss), '') as ways,
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
