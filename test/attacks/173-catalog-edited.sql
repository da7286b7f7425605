-- vector: policies, flags and triggers are edited in the catalog itself, where no event trigger fires
-- class: drift
-- actor: honest bug
-- precondition: a superuser with allow_system_table_mods
-- expected with sessmem: BLOCKED
-- stopped by: the hook's restrictive floor; executor hook
-- severity: high
\i :adapter
\ir _sane.sql
\set via ''
\c - :su
create function public.look(out hit boolean) language plpgsql as $$
declare got text;
begin
  select string_agg(m::text, '|') into got from public.messages as m;
  hit := coalesce(got, '') like '%CANARY-B%';
exception when others then hit := false; end $$;
create table public.any(i int);
create policy p on public.any using (true) with check (true);
\set what 'polqual'
set allow_system_table_mods = on;
update pg_policy set (polqual, polwithcheck) = (select polqual, polwithcheck from pg_policy where polrelid = 'public.any'::regclass) where polrelid = 'public.messages'::regclass;
\ir _look_around.sql
\set what 'polpermissive'
set allow_system_table_mods = on;
update pg_policy set polpermissive = true where polrelid = 'public.messages'::regclass;
\ir _look_around.sql
\set what 'relforcerowsecurity'
set allow_system_table_mods = on;
update pg_class set relforcerowsecurity = false where oid = 'public.messages'::regclass;
\ir _look_around.sql
\set what 'pg_policy emptied'
set allow_system_table_mods = on;
delete from pg_policy where polrelid = 'public.messages'::regclass;
\ir _look_around.sql
\set what 'relrowsecurity'
set allow_system_table_mods = on;
update pg_class set relrowsecurity = false where oid = 'public.messages'::regclass;
\ir _look_around.sql
\set what 'tgenabled'
set allow_system_table_mods = on;
update pg_class set relrowsecurity = true, relforcerowsecurity = true where oid = 'public.messages'::regclass;
update pg_trigger set tgenabled = 'D' where tgrelid = 'public.messages'::regclass;
create policy p on public.messages using (true);
\ir _look_around.sql
\c - :su
select :'via' <> '' as leak \gset
\ir _verdict.sql
