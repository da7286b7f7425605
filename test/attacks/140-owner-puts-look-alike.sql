-- vector: the table is renamed away, and what stands in its name has no protection: everybody's next write is there to read
-- class: shadow
-- actor: attacker
-- precondition: the application's role owns the table, and for some ways its schema
-- expected with sessmem: BLOCKED
-- stopped by: event trigger: table or schema renamed, table moved
-- severity: critical
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\c - :su
alter schema public owner to :app;
select format('grant create on database %I to %I', current_database(), :'app') as sql \gset
:sql;
\c - :app
\ir _ways.sql
-- what is called public.messages now takes a row of B's, from whomever
insert into plugin.way(w, q, r)
select w, q, 'insert into public.messages(session_id, role, content) values (''sess-B'', ''user'', ''CANARY-B-caught'') returning content'
from (values
  ('RENAME',        'alter table public.messages rename to m2; create table public.messages(session_id text, role text, content text)'),
  ('ALTER INDEX RENAME', 'alter index public.messages rename to m2; create table public.messages(session_id text, role text, content text)'),
  ('SET SCHEMA',    'alter table public.messages set schema plugin; create table public.messages(session_id text, role text, content text)'),
  ('RENAME SCHEMA', 'alter schema public rename to old; create schema public; create table public.messages(session_id text, role text, content text)'),
  ('swapped in DO', 'do $d$ begin create table public.m2(session_id text, role text, content text); alter table public.messages rename to m3;
                       alter table public.m2 rename to messages; end $d$'),
  ('a view',        'create table plugin.m2(session_id text, role text, content text); alter table public.messages rename to m3;
                     create view public.messages as select * from plugin.m2')
) as v(w, q);
\ir _try_ways.sql
\ir _verdict.sql
