-- vector: a view that is checked as its caller, below or above one that is not; one that stops being so; one made in maintenance
-- class: read
-- actor: honest bug
-- precondition: views of a superuser or of a role that bypasses row security
-- expected with sessmem: BLOCKED
-- stopped by: event trigger, executor hook: a view whose owner bypasses row security
-- severity: critical
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\set via ''
create view plugin.invoker with (security_invoker = true) as select * from public.messages;
create view plugin.turncoat with (security_invoker = true) as select * from public.messages;
create view plugin.given as select * from public.messages;
\c - :su
alter role :x bypassrls;
grant create, usage on schema plugin to :x;
grant select on public.messages, plugin.invoker to :x;
create view public.in_maintenance as select * from public.messages;
create function public.rows_of_all() returns setof public.messages language sql security definer as 'select * from public.messages';
grant select on public.in_maintenance to public;
select t_ordinary();
create view public.over_invoker as select * from plugin.invoker;
create view public.definer as select * from public.messages;
create view public.over_function as select * from public.rows_of_all();
grant select on public.over_invoker, public.definer, public.over_function to public;
alter view plugin.turncoat owner to :x;
alter view plugin.given owner to :x;
set role :x;
alter view plugin.turncoat set (security_invoker = false);
create view plugin.bypassing as select * from public.messages;
create view plugin.bypassing_deeper as select * from plugin.given;
grant select on all tables in schema plugin to public;
\c - :app
create view plugin.invoker_over_definer with (security_invoker = true) as select * from public.definer;
create view plugin.over_maintenance with (security_invoker = true, security_barrier) as select * from public.in_maintenance;
create function plugin.look(v text) returns boolean language plpgsql as $$
declare got text;
begin
  execute format('select string_agg(v::text, ''|'') from %s as v', v) into got;
  return got like '%CANARY-B%';
exception when others then raise warning '% %', v, sqlerrm; return false;
end $$;
\set via ?
begin; select t_bind('sess-A');
select coalesce(string_agg(v, ', '), '') as via
from unnest(array['plugin.invoker', 'plugin.turncoat', 'plugin.given', 'public.in_maintenance', 'public.over_invoker', 'public.definer', 'public.over_function',
  'plugin.bypassing', 'plugin.bypassing_deeper', 'plugin.invoker_over_definer', 'plugin.over_maintenance']) as v
where plugin.look(v) \gset
commit;
\c - :su
select :'via' <> '' as leak, :'via' = '?' as norun \gset
\if :norun
\set other 'attack code did not run'
\endif
\ir _verdict.sql
