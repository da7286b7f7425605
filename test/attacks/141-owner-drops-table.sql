-- vector: the table goes, and everybody's memory with it
-- class: destroy
-- actor: attacker
-- precondition: the application's role owns the table, or only the schema it is in
-- expected with sessmem: BLOCKED
-- stopped by: event trigger: protected table dropped
-- severity: critical
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\ir _ways.sql
insert into plugin.way(w, q, r)
select w, q, 'select ''CANARY-B is gone'' where to_regclass(''public.messages'') is null'
from (values
  ('DROP TABLE',       'drop table public.messages'),
  ('CASCADE',          'drop table if exists public.messages cascade'),
  ('re-made',          'drop table public.messages; create table plugin.messages(i int)')
) as v(w, q);
\ir _try_ways.sql
-- and with what it is in, by whoever owns the schema, but not the table; or the role
\set gone f
begin;
alter table public.messages owner to :owner;
alter schema public owner to :app;
set local role :app;
drop schema public cascade;
reset role;
select to_regclass('public.messages') is null as gone \gset
rollback;
\if :gone
\set leak t
\set via :via ' DROP SCHEMA'
\endif

\c - :app
begin;
drop owned by :app;
select to_regclass('public.messages') is null as gone \gset
rollback;
\if :gone
\set leak t
\set via :via ' DROP OWNED'
\endif
\c - :su
\ir _verdict.sql
