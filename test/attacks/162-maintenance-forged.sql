-- vector: the application puts itself into maintenance, or finds itself in it
-- class: forge
-- actor: attacker
-- precondition: superuser helpers, settings of the role or the database, connections that change roles
-- expected with sessmem: BLOCKED
-- stopped by: maintenance is in force only while the connection's role is a superuser or an administrator
-- severity: critical
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\ir _ways.sql
\c - :su
-- well meant: helpers that switch it on; one that does something in it, with code that the caller planted
create function public.helper() returns void language sql security definer as $$ select set_config('sessmem.maintenance', 'helper', false) $$;
create function public.helper_local() returns void language sql security definer set sessmem.maintenance = 'helper' as $$ select $$;
create function public.helper_calls(what regprocedure) returns text language plpgsql security definer set sessmem.maintenance = 'helper' as $$
declare r text; begin perform set_config('role', 'atk_app', true); execute format('select %s()', what::oid::regproc) into r; return r; end $$;
create function public.helper_function() returns void language plpgsql security definer as $$ begin perform sessmem.maintenance('helper'); exception when undefined_function then null; end $$;
grant execute on all functions in schema public to public;
alter role :app set sessmem.maintenance = 'for the role';
select format('alter database %I set sessmem.maintenance = %L', current_database(), 'for all') as sql \gset
:sql;
\c - :app
create function plugin.all_rows() returns text language plpgsql as $$ begin return (select string_agg(m::text, '|') from public.messages as m); end $$;
create function plugin.lift() returns text language plpgsql as $$ begin alter table public.messages no force row level security; return plugin.all_rows(); end $$;
insert into plugin.way(w, q, r)
select w || ', ' || n, q, r from (values
  ('SET',           $$set sessmem.maintenance = 'x'$$),
  ('SET LOCAL',     $$set local sessmem.maintenance = 'x'$$),
  ('set_config',    $$select set_config('sessmem.maintenance', 'x', false)$$),
  ('pg_settings',   $$update pg_settings set setting = 'x' where name = 'sessmem.maintenance'$$),
  ('function SET',  $$create function plugin.f() returns void language sql set sessmem.maintenance = 'x' as 'select'; select plugin.f()$$),
  ('maintenance()', $$select sessmem.maintenance('x')$$),
  ('ALTER ROLE',    $$select 1$$),
  ('helper',        $$select public.helper()$$),
  ('helper, local', $$select public.helper_local()$$),
  ('helper, function', $$select public.helper_function()$$)
) as v(w, q), (values
  ('reads',    'select plugin.all_rows()'),
  ('weakens',  'select plugin.lift()'),
  ('truncates', 'truncate public.messages; select ''CANARY-B is gone''')
) as u(n, r);
update plugin.way set q = q || '; truncate public.messages', r = 'select ''CANARY-B is gone''' where w like '%truncates';
insert into plugin.way(w, q, r) values
  ('called back', 'select 1', $$select public.helper_calls('plugin.all_rows()')$$),
  ('called back, weakens', 'select 1', $$select public.helper_calls('plugin.lift()')$$);
\ir _try_ways.sql
\set via1 :via
\set leak1 :leak
-- a superuser's connection that has become the application's; the startup packet
\c - :su
\set g1 ''
\set g2 ''
begin; set local role :app; select plugin.lift() as g1 \gset
rollback;
begin; set local session authorization :app; select plugin.lift() as g2 \gset
rollback;
\! PGOPTIONS="-c sessmem.maintenance=x" psql -XAtq -U $ATK_APP -c "select plugin.lift()" > $ATK_TMP/t_got 2>&1
\set g3 `grep -o CANARY-B $ATK_TMP/t_got | head -1`
select concat_ws(', ', nullif(:'via1', ''), case when :'g1' like '%CANARY-B%' then 'SET ROLE' end, case when :'g2' like '%CANARY-B%' then 'SET SESSION AUTHORIZATION' end,
  case when :'g3' <> '' then 'startup packet' end) as via \gset
select :'via' <> '' as leak \gset
\ir _verdict.sql
