-- vector: the owner publishes the table: every row goes to every subscriber, row security does not apply
-- class: read
-- actor: attacker
-- precondition: the application's role owns the table, and may CREATE in the database
-- expected with sessmem: LEAK
-- stopped by: nothing in this database: publishing is the owner's, receiving takes REPLICATION
-- severity: high
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\c - :su
select format('grant create on database %I to %I', current_database(), :'app') as sql \gset
:sql;
create publication by_superuser for tables in schema plugin;
\c - :app
\ir _ways.sql
insert into plugin.way(w, q, r)
select w, q, 'select ''CANARY-B goes to subscribers'' from pg_publication_tables where tablename = ''messages'''
from (values
  ('CREATE',  'create publication p for table public.messages'),
  ('ADD',     'create publication p; alter publication p add table public.messages'),
  ('SET',     'create table plugin.t(i int primary key); create publication p for table plugin.t; alter publication p set table public.messages'),
  ('a parent', 'create table plugin.parent(content text); create publication p for table plugin.parent; alter table public.messages inherit plugin.parent; alter publication p set table plugin.parent'),
  ('SET SCHEMA', 'alter table public.messages set schema plugin')
) as v(w, q);
\ir _try_ways.sql
\ir _verdict.sql
