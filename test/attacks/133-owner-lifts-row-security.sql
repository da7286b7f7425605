-- vector: the owner takes row security off, in every way that DDL can be said
-- class: priv
-- actor: attacker
-- precondition: the application's role owns the table
-- expected with sessmem: BLOCKED
-- stopped by: event trigger: row security off or not forced; executor hook, before that has come to look
-- severity: critical
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\ir _ways.sql
create function plugin.lift() returns text language plpgsql as $$
begin
  alter table public.messages no force row level security;
  return (select string_agg(m::text, '|') from public.messages as m);
end $$;
-- what it finds it raises
create function plugin.look() returns text language plpgsql as $$
begin
  return plugin.tell((select string_agg(m::text, '|') from public.messages as m));
end $$;
create table plugin.scratch(i int);
insert into plugin.scratch values (1);
insert into plugin.way(w, q) values
  ('NO FORCE',     'alter table public.messages no force row level security'),
  ('DISABLE',      'alter table public.messages disable row level security'),
  ('both',         'alter table public.messages no force row level security, disable row level security'),
  ('IF EXISTS',    'alter table if exists only public.messages no force row level security'),
  ('DO',           'do $d$ begin execute ''alter table public.messages disable row level security''; end $d$'),
  ('row_security', 'alter table public.messages no force row level security; set local row_security = off'),
  ('in DDL',       'alter table public.messages disable row level security, add column x text default plugin.look()'),
  ('in USING',     'alter table public.messages no force row level security, alter column role type varchar using role || plugin.look()'),
  ('below DDL',    'alter table plugin.scratch add column x text default plugin.tell(plugin.lift())');
insert into plugin.way(w, q, r) values
  ('in a function', 'select 1', 'select plugin.lift()'),
  ('COPY',          'alter table public.messages no force row level security; create temp table t on commit drop as table public.messages',
                    'select string_agg(t::text, ''|'') from t');
\ir _try_ways.sql
\ir _verdict.sql
