-- vector: a partition is detached, or exchanged, and read outside of its parent's protection
-- class: read
-- actor: attacker
-- precondition: the application's role owns the partitioned table
-- expected with sessmem: BLOCKED
-- stopped by: each partition has policies and a guard of its own; event trigger
-- severity: critical
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\ir _ways.sql
create table public.parts(id bigint not null, session_id text not null, content text) partition by range (id);
create table public.part1 partition of public.parts for values from (0) to (100);
create table public.kid() inherits (public.messages);
insert into public.parts values (1, 'sess-A', 'CANARY-A-part'), (2, 'sess-B', 'CANARY-B-part');
\c - :su
select t_protect('public.parts');
select t_protect('public.messages');
\c - :app
begin; select t_bind('sess-B'); insert into public.kid(session_id, role, content) values ('sess-B', 'user', 'CANARY-B-kid'); commit;
insert into plugin.way(w, q, r) values
  ('DETACH',  'alter table public.parts detach partition public.part1', 'select string_agg(content, ''|'') from public.part1'),
  ('DETACH, DISABLE', 'alter table public.parts detach partition public.part1; alter table public.part1 disable row level security', 'select string_agg(content, ''|'') from public.part1'),
  ('DISABLE on a partition', 'alter table public.part1 disable row level security', 'select string_agg(content, ''|'') from public.part1'),
  ('NO FORCE on a partition', 'alter table only public.part1 no force row level security', 'select string_agg(content, ''|'') from public.part1'),
  ('NO INHERIT, DISABLE', 'alter table public.kid no inherit public.messages; alter table public.kid disable row level security', 'select string_agg(content, ''|'') from public.kid'),
  ('exchanged', 'alter table public.parts detach partition public.part1; alter table public.part1 rename to old; create table public.part1(like public.old including constraints);
                 alter table public.old disable row level security; alter table public.parts attach partition public.part1 for values from (0) to (100)', 'select string_agg(content, ''|'') from public.old'),
  ('DROP PARTITION', 'drop table public.part1', 'select ''CANARY-B is gone''');
\ir _try_ways.sql
-- cannot be taken back
\c - :app
alter table public.parts detach partition public.part1 concurrently;
\set got ''
begin; select t_bind('sess-A');
select coalesce(string_agg(content, '|'), '') as got from public.part1 \gset
\set wrote f
insert into public.part1 values (3, 'sess-B', 'x') returning true as wrote \gset
rollback;
\c - :su
select :'leak' or :'got' like '%CANARY-B%' or :'wrote' as leak, concat_ws(', ', nullif(:'via', ''), case when :'got' like '%CANARY-B%' or :'wrote' then 'DETACH CONCURRENTLY' end) as via \gset
\ir _verdict.sql
