-- vector: text of temporary views and functions that a session made, read by the next client before it binds
-- class: leftover
-- actor: honest bug
-- precondition: transaction-mode pooler; the application makes temporary views or functions with literals
-- expected with sessmem: LEAK
-- stopped by: nothing: definitions are made of what the client typed
-- severity: medium
\i :adapter
\ir _sane.sql
\set via ?
begin; select t_bind('sess-B'); create temp view mine as select * from public.messages where content = 'CANARY-B-literal'; commit;
begin; select t_bind('sess-B'); create view pg_temp.mine2 as select * from public.messages where content = 'CANARY-B-literal'; commit;
begin; select t_bind('sess-B'); create function pg_temp.mine3() returns text language sql as $$ select 'CANARY-B-literal' $$; commit;
begin; select t_bind('sess-B'); create domain pg_temp.mine4 as text default 'CANARY-B-literal'; commit;
begin; select t_bind('sess-B'); create temp sequence mine5; comment on sequence mine5 is 'CANARY-B-literal'; commit;
select concat_ws(', ',
  (select string_agg(relname, ', ') from pg_class where relnamespace = pg_my_temp_schema() and relkind = 'v' and pg_get_viewdef(oid) like '%CANARY-B-literal%'),
  (select string_agg(proname, ', ') from pg_proc where pronamespace = pg_my_temp_schema() and prosrc like '%CANARY-B-literal%'),
  (select string_agg(typname, ', ') from pg_type where typnamespace = pg_my_temp_schema() and typdefault like '%CANARY-B-literal%'),
  (select string_agg(relname, ', ') from pg_class where relnamespace = pg_my_temp_schema() and obj_description(oid) like '%CANARY-B-literal%')) as via \gset
\c - :su
select :'via' <> '' as leak, :'via' = '?' as norun \gset
\if :norun
\set other 'attack code did not run'
\endif
\ir _verdict.sql
