-- vector: a role with BYPASSRLS, reached by SET ROLE, by a SECURITY DEFINER function or procedure, or by its own login
-- class: priv
-- actor: honest bug
-- precondition: a reporting role with BYPASSRLS
-- expected with sessmem: BLOCKED
-- stopped by: executor hook: no row security in force for the user it runs as
-- severity: critical
\i :adapter
\ir _sane.sql
\c - :su
alter role :x bypassrls;
grant :x to :app;
grant usage, create on schema public to :x;
grant select, insert, update, delete on public.messages to :x;
set role :x;
create function public.report() returns text language plpgsql security definer set search_path = pg_catalog, public as $$ begin return (select string_agg(content, '|') from public.messages); end $$;
create function public.report_sql() returns text language sql security definer set search_path = pg_catalog, public as $$ select string_agg(content, '|') from public.messages $$;
create function public.report_dynamic() returns text language plpgsql security definer set search_path = pg_catalog, public as $$ declare r text; begin execute 'select string_agg(content, ''|'') from public.messages' into r; return r; end $$;
create procedure public.report_into(inout r text) language plpgsql security definer set search_path = pg_catalog, public as $$ begin r := (select string_agg(content, '|') from public.messages); end $$;
create function public.report_off() returns text language sql security definer set row_security = off set search_path = pg_catalog, public as $$ select string_agg(content, '|') from public.messages $$;
create function public.report_xml() returns text language sql security definer set search_path = pg_catalog, public as $$ select query_to_xml('select content from public.messages', false, true, '')::text $$;
create function public.purge() returns bigint language sql security definer set search_path = pg_catalog, public as $$ with d as (delete from public.messages where session_id = 'sess-B' returning 1) select count(*) from d $$;
\c - :app
\set g1 ''
\set g2 ''
\set g3 ''
\set g4 ''
\set g5 ''
\set g6 ''
\set g7 ''
\set g8 ''
\set r ''
begin; select t_bind('sess-A'); select public.report() as g1 \gset
rollback;
begin; select t_bind('sess-A'); select public.report_sql() as g2 \gset
rollback;
begin; select t_bind('sess-A'); select public.report_dynamic() as g3 \gset
rollback;
begin; select t_bind('sess-A'); call public.report_into('') \gset
rollback;
begin; select t_bind('sess-A'); select public.report_off() as g4 \gset
rollback;
begin; select t_bind('sess-A'); select public.report_xml() as g5 \gset
rollback;
begin; select t_bind('sess-A'); set local role :x; select string_agg(content, '|') as g6 from public.messages \gset
rollback;
set role :x; select string_agg(content, '|') as g7 from public.messages \gset
reset role;
begin; select t_bind('sess-A'); select public.purge(); commit;
\! psql -XAtq -U atk_x -c "copy public.messages to stdout" > $ATK_TMP/t_copy 2>&1; pg_dump -U atk_x -a -t public.messages > $ATK_TMP/t_dump 2>&1
\set g8 `cat $ATK_TMP/t_copy $ATK_TMP/t_dump | grep -o CANARY-B | head -1`
\c - :su
select (select count(*) from public.messages where session_id = 'sess-B') <> 3 as purged \gset
select concat_ws(', ',
  case when :'g1' like '%CANARY-B%' then 'function' end, case when :'g2' like '%CANARY-B%' then 'SQL function' end, case when :'g3' like '%CANARY-B%' then 'EXECUTE' end,
  case when :'r' like '%CANARY-B%' then 'procedure' end, case when :'g4' like '%CANARY-B%' then 'row_security' end, case when :'g5' like '%CANARY-B%' then 'query_to_xml' end,
  case when :'g6' like '%CANARY-B%' then 'SET LOCAL ROLE' end, case when :'g7' like '%CANARY-B%' then 'SET ROLE' end, case when :'g8' <> '' then 'its login' end,
  case when :'purged' then 'DELETE' end) as via \gset
select :'via' <> '' as leak \gset
\ir _verdict.sql
