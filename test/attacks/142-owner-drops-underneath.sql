-- vector: what is dropped is a type, a collation or an attribute, and the key column or the guard goes with it
-- class: priv
-- actor: attacker
-- precondition: the application's role owns the table, and the collation or type that the key column has
-- expected with sessmem: BLOCKED
-- stopped by: event triggers: they look at the resulting state, whatever the command was
-- severity: critical
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\ir _ways.sql
create collation plugin.c (locale = 'C');
create type plugin.row_of_notes as (id bigint, session_id text, body text);
create table plugin.notes(id bigint, session_id text collate plugin.c not null, body text);
create table plugin.typed of plugin.row_of_notes;
insert into plugin.notes values (1, 'sess-A', 'CANARY-A-note'), (2, 'sess-B', 'CANARY-B-note');
insert into plugin.typed values (1, 'sess-A', 'CANARY-A-typed'), (2, 'sess-B', 'CANARY-B-typed');
\c - :su
select t_protect('plugin.notes');
select t_protect('plugin.typed');
\c - :app
\set own 0
begin; select t_bind('sess-A');
select count(*) as own from (select body from plugin.notes union all select body from plugin.typed) as b where body like 'CANARY-A%' \gset
commit;
select :own <> 2 as norun \gset
\if :norun
\set other 'the tables could not be protected, or are not readable'
\endif
insert into plugin.way(w, q, r) values
  ('DROP COLLATION',  'drop collation plugin.c cascade; create policy p on plugin.notes using (true)',
                      'select string_agg(n::text, ''|'') from plugin.notes as n'),
  ('DROP ATTRIBUTE',  'alter type plugin.row_of_notes drop attribute session_id cascade; create policy p on plugin.typed using (true)',
                      'select string_agg(n::text, ''|'') from plugin.typed as n'),
  ('RENAME ATTRIBUTE', 'alter type plugin.row_of_notes rename attribute session_id to old_id cascade; alter type plugin.row_of_notes add attribute session_id text cascade',
                      'select string_agg(n::text, ''|'') from plugin.typed as n'),
  ('DROP TYPE',       'drop type plugin.row_of_notes cascade; create table plugin.typed(session_id text, body text)',
                      'insert into plugin.typed values (''sess-B'', ''CANARY-B-caught'') returning body'),
  ('DROP FUNCTION',   'drop function if exists sessmem.guard() cascade; drop function if exists public.messages_guard() cascade; create policy p on public.messages using (true)',
                      'select string_agg(m::text, ''|'') from public.messages as m'),
  ('DROP EXTENSION',  'drop extension sessmem cascade; create policy p on public.messages using (true)',
                      'select string_agg(m::text, ''|'') from public.messages as m');
\ir _try_ways.sql
\ir _verdict.sql
