-- vector: control: ALTER TABLE, CREATE/DROP POLICY, DROP TRIGGER, CREATE RULE, INHERIT, replace helper functions
-- class: priv
-- actor: attacker
-- precondition: none
-- expected with sessmem: BLOCKED
-- stopped by: ownership
-- severity: critical
\i :adapter
\ir _sane.sql
\set got ''
alter table public.messages disable row level security;
alter table public.messages no force row level security;
drop policy sess_iso on public.messages;
create policy p2 on public.messages using (true);
alter table public.messages disable trigger all;
drop trigger messages_guard on public.messages;
create rule r as on insert to public.messages do instead nothing;
create temp table kid() inherits (public.messages);
create or replace function public.t_session() returns text language sql as $$ select 'sess-B' $$;
set session_replication_role = replica;
begin; select t_bind('sess-A');
select coalesce(string_agg(content,'|'),'') as got from public.messages \gset
commit;
\c - :su
select (:'got' like '%CANARY-B%') as leak \gset
\ir _verdict.sql
