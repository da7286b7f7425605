-- vector: the content's type is a domain, and a constraint that is added to the domain looks at every row of every table
-- class: read
-- actor: attacker
-- precondition: the application's role owns the domain; for some ways only the domain, not the table
-- expected with sessmem: BLOCKED
-- stopped by: refused before it runs: a domain that protected columns have
-- severity: critical
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\ir _ways.sql
create domain plugin.body as text;
create domain plugin.deeper as plugin.body;
grant usage on schema plugin to :owner;
\c - :su
set role :owner;
create table public.notes(id bigserial, session_id text, body plugin.body, deep plugin.deeper);
grant select, insert on public.notes to :app; grant usage on sequence public.notes_id_seq to :app;
reset role;
select t_protect('public.notes');
\c - :app
begin; select t_bind('sess-B'); insert into public.notes(session_id, body, deep) values ('sess-B', 'CANARY-B-body', 'CANARY-B-deep'); commit;
begin; select t_bind('sess-A'); insert into public.notes(session_id, body) values ('sess-A', 'CANARY-A-body');
select count(*) <> 1 as norun from public.notes \gset
commit;
\if :norun
\set other 'a table with a domain is not readable'
\endif
insert into plugin.way(w, q, r)
select w, q, 'select ''done'''
from (values
  ('ADD CHECK',   'alter domain plugin.body add check (plugin.tells(value))'),
  ('ADD CHECK, deeper', 'alter domain plugin.deeper add check (plugin.tells(value))'),
  ('VALIDATE',    'alter domain plugin.body add constraint c check (plugin.tells(value)) not valid; alter domain plugin.body validate constraint c'),
  ('builtin',     'alter domain plugin.body add check (value::int > 0)')
) as v(w, q);
\ir _try_ways.sql
\ir _verdict.sql
