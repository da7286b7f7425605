-- vector: a superuser in maintenance has replaced the policies, or row security, or the guard; the application reads and writes on
-- class: drift
-- actor: honest bug
-- precondition: a migration in maintenance
-- expected with sessmem: BLOCKED
-- stopped by: the hook's restrictive floor; executor hook; policy and guard hold each for the other
-- severity: critical
\i :adapter
\ir _sane.sql
\set via ''
\c - :su
-- as the application, bound and unbound; as the owner
create function public.look(out hit boolean) language plpgsql as $$
declare got text;
begin
  select string_agg(m::text, '|') into got from public.messages as m;
  hit := coalesce(got, '') like '%CANARY-B%';
exception when others then hit := false; end $$;
create procedure public.each_policy(statement text) language plpgsql as $$
declare p name;
begin
  for p in select polname from pg_policy where polrelid = 'public.messages'::regclass loop
    execute format(statement, p);
  end loop;
end $$;
\set what 'policies replaced'
call public.each_policy('drop policy %I on public.messages');
create policy p on public.messages using (true);
\ir _look_around.sql
\set what 'a restrictive one beside it'
create policy q on public.messages as restrictive using (true);
\ir _look_around.sql
\set what 'NO FORCE'
alter table public.messages no force row level security;
\ir _look_around.sql
\set what 'DISABLE'
alter table public.messages disable row level security;
\ir _look_around.sql
\set what 'no policies'
call public.each_policy('drop policy %I on public.messages');
\ir _look_around.sql
\c - :su
select :'via' <> '' as leak \gset
\ir _verdict.sql
