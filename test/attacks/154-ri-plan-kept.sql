-- vector: a function plans its query below referential integrity, where FORCE ROW SECURITY is lifted, and uses the plan when it is in force again
-- class: read
-- actor: attacker
-- precondition: the application's role owns the table
-- expected with sessmem: BLOCKED
-- stopped by: executor hook: it looks at the plan, not at what a plan made now would be
-- severity: critical
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\ir _ways.sql
create function plugin.all_rows() returns text language plpgsql as $$ begin return (select string_agg(m::text, '|') from public.messages as m); end $$;
-- the error, if there is one, is caught: the plan stays
create function plugin.plan_it() returns trigger language plpgsql as $$ begin perform plugin.all_rows(); return old; exception when others then return old; end $$;
create function plugin.plan_sql() returns trigger language plpgsql as $$
begin
  begin execute 'deallocate kept'; exception when others then null; end;
  execute 'prepare kept as select string_agg(m::text, ''|'') from public.messages as m';
  return old;
end $$;
create function plugin.run_sql() returns text language plpgsql as $$ declare r text; begin execute 'execute kept' into r; return r; end $$;
create table plugin.p(id int primary key);
create table plugin.c(id int references plugin.p on delete cascade);
insert into plugin.p values (1);
insert into plugin.c values (1);
insert into plugin.way(w, q, r) values
  ('a function', 'create trigger t before delete on plugin.c for each row execute function plugin.plan_it(); delete from plugin.p', 'select plugin.all_rows()'),
  ('a function, generic', 'set local plan_cache_mode = force_generic_plan; create trigger t before delete on plugin.c for each row execute function plugin.plan_it(); delete from plugin.p', 'select plugin.all_rows()'),
  ('PREPARE',    'create trigger t before delete on plugin.c for each row execute function plugin.plan_sql(); delete from plugin.p', 'select plugin.run_sql()');
\ir _try_ways.sql
\set via1 :via
\set leak1 :leak
-- committed, and bound afterwards
\c - :app
create trigger t before delete on plugin.c for each row execute function plugin.plan_it();
delete from plugin.p;
\set got ''
begin; select t_bind('sess-A');
select coalesce(plugin.all_rows(), '') as got \gset
rollback;
\c - :su
select concat_ws(', ', nullif(:'via1', ''), case when :'got' like '%CANARY-B%' then 'bound afterwards' end) as via, :'leak1' or :'got' like '%CANARY-B%' as leak \gset
\ir _verdict.sql
