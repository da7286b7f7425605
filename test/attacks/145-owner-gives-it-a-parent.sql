-- vector: the table is made a child of one that has no policies, and read through that; or a new child is
-- class: read
-- actor: attacker
-- precondition: the application's role owns the table
-- expected with sessmem: BLOCKED
-- stopped by: event trigger: an unprotected inheritance parent; children are protected as they appear
-- severity: critical
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\ir _ways.sql
create table plugin.parent(content text);
create table plugin.parts(id bigint not null, session_id text not null, role text, content text) partition by list (session_id);
insert into plugin.way(w, q, r) values
  ('INHERIT', 'alter table public.messages inherit plugin.parent', 'select string_agg(content, ''|'') from plugin.parent'),
  ('INHERIT, whole row', 'alter table public.messages inherit plugin.parent', 'select string_agg(p::text, ''|'') from plugin.parent as p'),
  ('INHERIT, COPY', 'alter table public.messages inherit plugin.parent; create temp table t on commit drop as table plugin.parent', 'select string_agg(t::text, ''|'') from t'),
  ('INHERIT, a grandparent', 'create table plugin.grandparent(content text); alter table plugin.parent inherit plugin.grandparent; alter table public.messages inherit plugin.parent',
    'select string_agg(content, ''|'') from plugin.grandparent'),
  ('ATTACH PARTITION', 'alter table public.messages alter column session_id set not null; alter table plugin.parts attach partition public.messages default', 'select string_agg(content, ''|'') from plugin.parts'),
  ('DELETE through it', 'alter table public.messages inherit plugin.parent', 'with d as (delete from plugin.parent returning content) select string_agg(content, ''|'') from d'),
  ('new child, CREATE TABLE', 'create table plugin.kid() inherits (public.messages)', 'insert into plugin.kid(id, session_id, role, content) values (99, ''sess-B'', ''user'', ''CANARY-B-planted'') returning content'),
  ('new child, CREATE SCHEMA', 'create schema s2 create table kid() inherits (public.messages)', 'insert into s2.kid(id, session_id, role, content) values (99, ''sess-B'', ''user'', ''CANARY-B-planted'') returning content');
\c - :su
-- for CREATE SCHEMA
select format('grant create on database %I to %I', current_database(), :'app') as sql \gset
:sql;
\ir _try_ways.sql
\ir _verdict.sql
