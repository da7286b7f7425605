-- vector: referential integrity runs as the owner with FORCE ROW SECURITY lifted, and so does what it sets off on the child
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
create function plugin.all_rows() returns text language plpgsql as $$ begin return (select string_agg(m::text, '|') from public.messages as m); end $$;
create function plugin.look() returns text language plpgsql as $$ begin return plugin.tell(plugin.all_rows()); end $$;
create function plugin.looked(t text) returns boolean language plpgsql as $$ begin perform plugin.look(); return true; end $$;
create function plugin.look_quietly(t text) returns text immutable language plpgsql as $$ begin return plugin.look(); end $$;
create function plugin.by_trigger() returns trigger language plpgsql as $$ begin perform plugin.look(); return coalesce(new, old); end $$;
create function plugin.by_cursor() returns trigger language plpgsql as $$
declare c refcursor := 'kept';
begin
  open c for select string_agg(m::text, '|') from public.messages as m;
  return coalesce(new, old);
end $$;
create table plugin.p(id int primary key);
create table plugin.c(id int references plugin.p on delete cascade on update cascade, t text);
create table plugin.d(id int references plugin.p on delete set default on update cascade, t text);
insert into plugin.p values (0), (1), (2);
insert into plugin.c values (1);
insert into plugin.d values (2);
insert into plugin.way(w, q, r) values
  ('BEFORE DELETE',    'create trigger t before delete on plugin.c for each row execute function plugin.by_trigger()', 'with x as (delete from plugin.p where id = 1) select ''done'''),
  ('BEFORE UPDATE',    'create trigger t before update on plugin.c for each row execute function plugin.by_trigger()', 'with x as (update plugin.p set id = 9 where id = 1) select ''done'''),
  ('statement trigger', 'create trigger t before delete on plugin.c for each statement execute function plugin.by_trigger()', 'with x as (delete from plugin.p where id = 1) select ''done'''),
  ('AFTER DELETE',     'create trigger t after delete on plugin.c for each row execute function plugin.by_trigger()', 'with x as (delete from plugin.p where id = 1) select ''done'''),
  ('CHECK',            'alter table plugin.c add check (plugin.looked(t)) not valid', 'with x as (update plugin.p set id = 9 where id = 1) select ''done'''),
  ('DEFAULT',          'create function plugin.zero() returns int language plpgsql as ''begin perform plugin.look(); return 0; end''; alter table plugin.d alter id set default plugin.zero()',
                       'with x as (delete from plugin.p where id = 2) select ''done'''),
  ('generated',        'create function plugin.g(i int) returns text immutable language plpgsql as ''begin if i = 9 then return plugin.look(); end if; return null; end'';
                        alter table plugin.c add g text generated always as (plugin.g(id)) stored', 'with x as (update plugin.p set id = 9 where id = 1) select ''done'''),
  ('index',            'create function plugin.g(i int) returns text immutable language plpgsql as ''begin if i = 9 then return plugin.look(); end if; return null; end'';
                        create index on plugin.c (plugin.g(id))', 'with x as (update plugin.p set id = 9 where id = 1) select ''done'''),
  ('WHEN',             'create trigger t before delete on plugin.c for each row when (plugin.looked(old.t)) execute function plugin.by_trigger()', 'with x as (delete from plugin.p where id = 1) select ''done'''),
  ('a cursor, fetched later', 'create trigger t before delete on plugin.c for each row execute function plugin.by_cursor(); delete from plugin.p where id = 1',
                       'select cursor_to_xml(''kept'', 10, false, false, '''')::text');
\ir _try_ways.sql
\ir _verdict.sql
