-- vector: an administrator in maintenance touches what the owner has made: its code, which runs as the owner, uses the moment
-- class: priv
-- actor: attacker
-- precondition: the application's role owns the table; an administrator, no superuser, works in the same database
-- expected with sessmem: BLOCKED
-- stopped by: maintenance is for statements of the administrator's own, not for functions that run as somebody else
-- severity: critical
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
create table plugin.loot(what text);
create function plugin.weaken() returns text language plpgsql security definer as $$
begin
  alter table public.messages no force row level security;
  insert into plugin.loot select content from public.messages;
  return 'harmless';
exception when others then
  raise warning '%', sqlerrm;
  return 'harmless';
end $$;
create function plugin.by_trigger() returns trigger language plpgsql security definer as $$ begin perform plugin.weaken(); return new; end $$;
create table plugin.todo(t text);
create trigger t before insert on plugin.todo for each row execute function plugin.by_trigger();
create view plugin.status as select plugin.weaken() as status;
grant all on plugin.todo, plugin.status to public;
\c - :su
alter role :x nosuperuser;
select t_administrator(:'x');
\c - :x
begin;
select t_maintain();
select * from plugin.status;
insert into plugin.todo values ('look at the tables');
commit;
-- what is left of it
\c - :app
\set got ''
\set loot ''
begin; select t_bind('sess-A');
select coalesce(string_agg(content, '|'), '') as got from public.messages \gset
select coalesce(string_agg(what, '|'), '') as loot from plugin.loot \gset
rollback;
\c - :su
select concat_ws(', ', case when :'loot' like '%CANARY-B%' then 'read in maintenance' end, case when :'got' like '%CANARY-B%' then 'weakened' end) as via, concat(:'got', :'loot') like '%CANARY-B%' as leak \gset
\ir _verdict.sql
