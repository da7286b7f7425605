-- vector: every way to make a temporary table that stays, with a session's rows in it; the next client reads before it binds
-- class: leftover
-- actor: honest bug
-- precondition: transaction-mode pooler; the application caches in temporary tables
-- expected with sessmem: BLOCKED
-- stopped by: temporary tables without ON COMMIT DROP are refused while bound
-- severity: high
\i :adapter
\ir _sane.sql
begin; select t_bind('sess-B'); create temp table a1 as select content from public.messages; commit;
begin; select t_bind('sess-B'); create table pg_temp.a2 as select content from public.messages; commit;
begin; select t_bind('sess-B'); select content into temporary a3 from public.messages; commit;
begin; select t_bind('sess-B'); select content into pg_temp.a4 from public.messages; commit;
begin; select t_bind('sess-B'); set local search_path = pg_temp, public; create table a5 as select content from public.messages; commit;
begin; select t_bind('sess-B'); create local temp table a6(content text) on commit preserve rows; insert into a6 select content from public.messages; commit;
begin; select t_bind('sess-B'); do $$ begin create temp table a7 as select content from public.messages; end $$; commit;
begin; select t_bind('sess-B'); explain (analyze, costs off) create temp table a8 as select content from public.messages; commit;
begin; select t_bind('sess-B'); create unlogged table if not exists pg_temp.a9 as select content from public.messages; commit;
begin; select t_bind('sess-B'); select format('create table %I.a10 as select content from public.messages', nspname) as sql from pg_namespace where oid = pg_my_temp_schema() \gset
:sql; commit;
begin; select t_bind('sess-B'); create temp table if not exists a11 as select content from public.messages; commit;
begin; select t_bind('sess-B'); create temp table b12(content text) on commit drop; create temp table a12() inherits (b12); insert into a12 select content from public.messages; commit;
begin; select t_bind('sess-B'); create temp table b13(content text) partition by list (content) on commit preserve rows; create temp table a13 partition of b13 default; insert into b13 select content from public.messages; commit;
-- the next client, the same connection, nothing bound
create function pg_temp.look(t text) returns boolean language plpgsql as $$
declare got text;
begin
  execute format('select string_agg(t::text, ''|'') from pg_temp.%I as t', t) into got;
  return got like '%CANARY-B%';
exception when undefined_table then return false; end $$;
\set via ?
select coalesce(string_agg(t, ', '), '') as via from (select format('a%s', g) as t from generate_series(1, 13) g) as a where pg_temp.look(t) \gset
\c - :su
select :'via' <> '' as leak, :'via' = '?' as norun \gset
\if :norun
\set other 'attack code did not run'
\endif
\ir _verdict.sql
