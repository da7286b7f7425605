-- vector: a trigger that fires after the guard moves a row into another session, below a cascade that no policy checks
-- class: write
-- actor: attacker
-- precondition: the application's role owns the table and its parent
-- expected with sessmem: BLOCKED
-- stopped by: event trigger: a BEFORE ROW trigger whose name sorts after the guard's
-- severity: critical
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\ir _ways.sql
create table public.users(id int primary key);
insert into public.users values (1);
alter table public.messages add column user_id int references public.users on update cascade on delete set null;
begin; select t_bind('sess-A'); update public.messages set user_id = 1 where content like 'CANARY-A%'; commit;
create function plugin.move() returns trigger language plpgsql as $$ begin new.session_id := 'sess-B'; return new; end $$;
-- a row that is gone from A's is B's now
insert into plugin.way(w, q, r) values
  ('INSERT', 'create trigger zzzzz before insert or update on public.messages for each row execute function plugin.move()',
             'insert into public.messages(session_id, role, content) values (''sess-A'', ''user'', ''x'') returning ''moved to CANARY-B''');
insert into plugin.way(w, q, r)
select w, q, 'select case when count(*) < 2 then ''moved to CANARY-B'' end from public.messages where content like ''CANARY-A%'' having t_session() is not null'
from (values
  ('ON UPDATE CASCADE', 'create trigger zzzzz before insert or update on public.messages for each row execute function plugin.move(); update public.users set id = 9'),
  ('ON DELETE SET NULL', 'create trigger zzzzz before insert or update on public.messages for each row execute function plugin.move(); delete from public.users'),
  ('renamed later', 'create trigger aaa before update on public.messages for each row execute function plugin.move();
                     alter trigger aaa on public.messages rename to zzzzz; update public.users set id = 9')
) as v(w, q);
\ir _try_ways.sql
\ir _verdict.sql
