-- vector: planning the query of a cascade computes constants in an index predicate of the child, as the owner with FORCE ROW SECURITY lifted
-- class: read
-- actor: attacker
-- precondition: the application's role owns the table
-- expected with sessmem: BLOCKED
-- stopped by: executor hook: below referential integrity as anywhere else
-- severity: critical
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\ir _ways.sql
create table plugin.p(id int primary key);
create table plugin.c(id int references plugin.p on delete cascade on update cascade);
create table plugin.f(id int references plugin.p);
insert into plugin.p values (1);
insert into plugin.c values (1);
-- evaluated when the table's description is loaded: nothing to see then, unless row security is lifted
create function plugin.look(t text) returns boolean immutable language plpgsql as $$
declare got text;
begin
  -- planned anew each time
  execute 'select string_agg(m::text, ''|'') from public.messages as m' into got;
  perform plugin.tell(got);
  return true;
end $$;
create function plugin.look_at(t int) returns int immutable language plpgsql as $$ begin perform plugin.look(''); return t; end $$;
create index on plugin.c (id) where plugin.look('x');
create index on plugin.p ((plugin.look_at(1) + id));
insert into plugin.way(w, q, r) values
  ('DELETE, in a new connection', 'select 1', 'with x as (delete from plugin.p) select ''done'''),
  ('INSERT of a child', 'insert into plugin.f values (1)', 'select ''done'''),
  ('DELETE, after a change', 'alter table plugin.c set (fillfactor = 50); alter table plugin.p set (fillfactor = 50)', 'with x as (delete from plugin.p) select ''done'''),
  ('UPDATE, after a change', 'alter table plugin.c set (fillfactor = 60); alter table plugin.p set (fillfactor = 60)', 'with x as (update plugin.p set id = 2) select ''done''');
\ir _try_ways.sql
\ir _verdict.sql
