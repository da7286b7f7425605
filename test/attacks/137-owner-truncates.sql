-- vector: the owner truncates: row security does not apply, everybody's rows go
-- class: destroy
-- actor: attacker
-- precondition: the application's role owns the table
-- expected with sessmem: BLOCKED
-- stopped by: guard: BEFORE TRUNCATE; event trigger: guard dropped or disabled
-- severity: critical
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\ir _ways.sql
create table public.users(id int primary key);
alter table public.messages add column user_id int references public.users;
create function plugin.each_guard(statement text) returns void language plpgsql as $$
declare t name;
begin
  for t in select tgname from pg_trigger where tgrelid = 'public.messages'::regclass and not tgisinternal loop
    execute format(statement, t);
  end loop;
end $$;
insert into plugin.way(w, q, r)
select w, q, 'select ''truncated, CANARY-B is gone'''
from (values
  ('TRUNCATE',          'truncate public.messages'),
  ('ONLY',              'truncate only public.messages restart identity'),
  ('CASCADE',           'truncate public.users cascade'),
  ('DISABLE TRIGGER',   $$alter table public.messages disable trigger user; truncate public.messages$$),
  ('DROP TRIGGER',      $$select plugin.each_guard('drop trigger %I on public.messages'); truncate public.messages$$)
) as v(w, q);
\ir _try_ways.sql
\ir _verdict.sql
