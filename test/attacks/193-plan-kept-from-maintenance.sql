-- vector: a function that ran below referential integrity while an administrator was in maintenance keeps the plan, and uses it afterwards on that connection
-- class: read
-- actor: honest bug
-- precondition: the application's role owns a table that an administrator tidies in maintenance; the connection is used with SET ROLE afterwards
-- expected with sessmem: BLOCKED
-- stopped by: executor hook: what runs below the query of a foreign key has no part in maintenance
-- severity: high
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
create table plugin.p(id int primary key);
create table plugin.c(id int references plugin.p on delete cascade);
insert into plugin.p values (1);
insert into plugin.c values (1);
create function plugin.look() returns text language plpgsql as $$ begin return (select string_agg(content, '|') from public.messages); end $$;
create function plugin.by_trigger() returns trigger language plpgsql as $$ begin perform plugin.look(); return old; end $$;
create trigger t before delete on plugin.c for each row execute function plugin.by_trigger();
\c - :su
select t_ordinary();
begin;
select t_maintain();
delete from plugin.p;
commit;
set role :app;
\set got ''
select coalesce(plugin.look(), '') as got \gset
\c - :su
select :'got' like '%CANARY-B%' as leak \gset
\ir _verdict.sql
