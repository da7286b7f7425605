-- vector: the owner switches the guard off; a cascade, which row security does not see, then deletes foreign rows
-- class: destroy
-- actor: attacker
-- precondition: the application's role owns the table and its parent
-- expected with sessmem: BLOCKED
-- stopped by: event trigger: guard dropped, disabled or renamed
-- severity: critical
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\ir _ways.sql
create table public.users(id int primary key);
insert into public.users values (1), (2);
alter table public.messages add column user_id int references public.users on delete cascade;
begin; select t_bind('sess-A'); update public.messages set user_id = 2; commit;
begin; select t_bind('sess-B'); update public.messages set user_id = 1; select count(*) <> 3 as unlinked from public.messages where user_id = 1 \gset
commit;
\if :unlinked
\set other 'rows were not linked to the parent'
\endif
create function plugin.each_guard(statement text) returns void language plpgsql as $$
declare t name;
begin
  for t in select tgname from pg_trigger where tgrelid = 'public.messages'::regclass and not tgisinternal loop
    execute format(statement, t);
  end loop;
end $$;
-- the deletion itself is what must fail
insert into plugin.way(w, q, r)
select w, q, 'with d as (delete from public.users where id = 1 returning id) select ''deleted what CANARY-B hung on'' from d'
from (values
  ('as it is',        'select 1'),
  ('DISABLE',         $$select plugin.each_guard('alter table public.messages disable trigger %I')$$),
  ('DISABLE USER',    $$alter table public.messages disable trigger user$$),
  ('DISABLE ALL',     $$alter table public.messages disable trigger all$$),
  ('ENABLE REPLICA',  $$select plugin.each_guard('alter table public.messages enable replica trigger %I')$$),
  ('DROP',            $$select plugin.each_guard('drop trigger %I on public.messages')$$),
  ('replaced',        $$create function plugin.nothing() returns trigger language plpgsql as 'begin return coalesce(new, old); end';
                        select plugin.each_guard('create or replace trigger %I before insert or update or delete on public.messages for each row execute function plugin.nothing()')$$)
) as v(w, q);
\ir _try_ways.sql
\ir _verdict.sql
