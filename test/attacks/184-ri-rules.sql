-- vector: a rule makes the query of a foreign key do more, and that runs as the owner with FORCE ROW SECURITY lifted
-- class: read
-- actor: attacker
-- precondition: the application's role owns the table
-- expected with sessmem: BLOCKED
-- stopped by: executor and planner hooks: the exemption of foreign keys is for their own queries, not for what rules make of them
-- severity: critical
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\ir _ways.sql
create table plugin.p(id int primary key);
create table plugin.c(id int references plugin.p on delete cascade on update cascade);
create table plugin.d(id int);
create table plugin.z(id int);
create table plugin.loot(t text);
insert into plugin.p values (1);
insert into plugin.c values (1);
insert into plugin.d values (1);
create function plugin.by_trigger() returns trigger language plpgsql as $$ begin insert into plugin.loot select m::text from public.messages as m; return old; end $$;
create trigger t before delete on plugin.d for each row execute function plugin.by_trigger();
insert into plugin.way(w, q, r)
select w, q || '; ' || go, 'select string_agg(t, ''|'') from plugin.loot'
from (values
  ('DO ALSO',          'create rule r as on delete to plugin.c do also insert into plugin.loot select m::text from public.messages as m', 'delete from plugin.p'),
  ('DO ALSO, UPDATE',  'create rule r as on update to plugin.c do also insert into plugin.loot select m::text from public.messages as m', 'update plugin.p set id = 2'),
  ('DO INSTEAD',       'create rule r as on delete to plugin.c do instead insert into plugin.loot select m::text from public.messages as m', 'delete from plugin.p'),
  ('its condition',    'create rule r as on delete to plugin.c where exists (select from public.messages as m where not plugin.tells(m.content)) do instead nothing', 'delete from plugin.p'),
  ('a WITH nobody reads', 'create rule r as on delete to plugin.c do also with w as (delete from plugin.d returning 1) insert into plugin.z values (1)', 'delete from plugin.p')
) as v(w, q, go);
\ir _try_ways.sql
\ir _verdict.sql
