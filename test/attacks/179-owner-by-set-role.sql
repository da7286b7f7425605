-- vector: the application's role is a member of the table's owner, and is the owner for a moment
-- class: priv
-- actor: attacker
-- precondition: GRANT of the owner's role to the application's, inherited or not
-- expected with sessmem: BLOCKED
-- stopped by: event trigger, executor hook: whoever does it
-- severity: critical
\i :adapter
\ir _sane.sql
\c - :su
create schema plugin authorization :app;
grant usage on schema plugin to public;
grant :owner to :app;
\c - :app
\ir _ways.sql
insert into plugin.way(w, q) values
  ('SET ROLE',   'set local role atk_owner; alter table public.messages no force row level security'),
  ('SET ROLE, and back', 'set local role atk_owner; alter table public.messages disable row level security; set local role none'),
  ('inherited',  'alter table public.messages disable row level security'),
  ('reads',      'set local role atk_owner; set local row_security = off');
insert into plugin.way(w, q, r) values
  ('drops',      'drop table public.messages', 'select ''CANARY-B is gone'''),
  ('TRUNCATE',   'set local role atk_owner; truncate public.messages; set local role none', 'select ''CANARY-B is gone''');
grant all on all functions in schema plugin to public;
grant all on plugin.way to public;
\ir _try_ways.sql
\ir _verdict.sql
