-- vector: an UPDATE of a security_barrier view is rewritten below referential integrity, fails there, and is planned later with the view's condition in the place of row security's
-- class: read
-- actor: attacker
-- precondition: the application's role owns the table
-- expected with sessmem: BLOCKED
-- stopped by: planner hook: it is row security's condition that must be there
-- severity: critical
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\ir _ways.sql
create view plugin.barrier with (security_barrier) as select * from public.messages where content is not null;
create table plugin.p(id int primary key);
create table plugin.c(id int references plugin.p on delete cascade);
create function plugin.fails() returns boolean immutable language plpgsql as $$
begin
  if current_setting('plugin.fail', true) = 'yes' then raise exception 'not now'; end if;
  return true;
end $$;
create function plugin.updates() returns text language plpgsql as $$ begin update plugin.barrier set role = role where plugin.tells(content) and plugin.fails(); return 'done'; end $$;
create function plugin.deletes() returns text language plpgsql as $$ begin delete from plugin.barrier where plugin.tells(content) and plugin.fails(); return 'done'; end $$;
create function plugin.rewrites() returns trigger language plpgsql as $$
begin
  perform set_config('plugin.fail', 'yes', true);
  begin perform plugin.updates(); exception when others then null; end;
  begin perform plugin.deletes(); exception when others then null; end;
  perform set_config('plugin.fail', '', true);
  return old;
end $$;
create trigger t before delete on plugin.c for each row execute function plugin.rewrites();
insert into plugin.way(w, q, r) values
  ('UPDATE', 'insert into plugin.p values (1); insert into plugin.c values (1); delete from plugin.p', 'select plugin.updates()'),
  ('DELETE', 'insert into plugin.p values (1); insert into plugin.c values (1); delete from plugin.p', 'select plugin.deletes()');
\ir _try_ways.sql
\ir _verdict.sql
