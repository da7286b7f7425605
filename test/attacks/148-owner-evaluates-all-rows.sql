-- vector: DDL computes an expression of the owner's over all rows, and the function in it tells what it saw
-- class: read
-- actor: attacker
-- precondition: the application's role owns the table
-- expected with sessmem: BLOCKED
-- stopped by: refused before it runs: expressions over all rows with functions that are not leakproof
-- severity: critical
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\ir _ways.sql
create function plugin.tell_row(m public.messages) returns text immutable language plpgsql as $$ begin return plugin.tell(m.content); end $$;
create type plugin.box as (t text);
create function plugin.to_box(t text) returns plugin.box immutable language plpgsql as $$ begin return row(plugin.tell(t)); end $$;
create cast (text as plugin.box) with function plugin.to_box(text) as assignment;
create domain plugin.checked as text check (plugin.tells(value));
create function plugin.same(a text, b text) returns boolean immutable language plpgsql as $$ begin return plugin.tells(a); end $$;
create operator plugin.<=> (leftarg = text, rightarg = text, procedure = plugin.same);
create function plugin.sql_tell(t text) returns text immutable language sql as 'select plugin.tell(t)';
create table plugin.by_content(id bigint, session_id text, role text, content text) partition by list (plugin.tell(content));
-- his own rows come after the others
begin; select t_bind('sess-A'); update public.messages set role = role; commit;
insert into plugin.way(w, q, r)
select w, q, 'select ''done'''
from (values
  ('CHECK',             'alter table public.messages add check (plugin.tells(content))'),
  ('CHECK, an operator', 'alter table public.messages add check (content operator(plugin.<=>) ''x'')'),
  ('VALIDATE',          'alter table public.messages add constraint c check (plugin.tells(content)) not valid; alter table public.messages validate constraint c'),
  ('CHECK of a new column', 'alter table public.messages add column x int check (plugin.tells(content))'),
  ('generated',         'alter table public.messages add column x text generated always as (plugin.tell(content)) stored'),
  ('generated, below SQL', 'alter table public.messages add column x text generated always as (plugin.sql_tell(content)) stored'),
  ('TYPE USING',        'alter table public.messages alter column role type text using plugin.tell(content)'),
  ('TYPE, another cast', 'alter table public.messages alter column content type plugin.box'),
  ('TYPE, a domain',    'alter table public.messages alter column content type plugin.checked'),
  ('index',             'create index on public.messages (plugin.tell(content))'),
  ('index, hash',       'create index on public.messages using hash (plugin.sql_tell(content))'),
  ('index predicate',   'create index on public.messages (id) where plugin.tells(content)'),
  ('unique index',      'create unique index on public.messages (id, plugin.tell(content))'),
  ('EXCLUDE',           'alter table public.messages add exclude using btree (plugin.tell(content) with =)'),
  ('EXCLUDE WHERE',     'alter table public.messages add exclude using btree (id with =) where (plugin.tells(content))'),
  ('statistics',        'create statistics plugin.st on plugin.tell(content), id from public.messages; analyze public.messages'),
  ('partition key',     'alter table public.messages drop constraint messages_pkey; alter table plugin.by_content attach partition public.messages for values in (''x'')'),
  ('CREATE SCHEMA',     'create schema s2 create table t(i int); create index on public.messages (plugin.tell(content))'),
  ('whole row',         'create index on public.messages (plugin.tell_row(messages))')
) as v(w, q);
\c - :su
-- for CREATE SCHEMA
select format('grant create on database %I to %I', current_database(), :'app') as sql \gset
:sql;
\ir _try_ways.sql
\ir _verdict.sql
