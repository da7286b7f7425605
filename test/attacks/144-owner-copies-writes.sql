-- vector: code of the owner's, planted in one session, sees what others write later, and keeps it for him
-- class: read
-- actor: attacker
-- precondition: the application's role owns the table
-- expected with sessmem: BLOCKED
-- stopped by: refused DDL: an application's role does not plant code on a protected table
-- severity: critical
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
create table plugin.spy(how text, what text);
create function plugin.keep(how text, what text) returns boolean language plpgsql as $$ begin insert into plugin.spy values (how, what); return true; end $$;
create function plugin.keep_quietly(how text, what text) returns text immutable language plpgsql as $$ begin perform lo_from_bytea(0, convert_to(how || ': ' || what, 'utf8')); return what; end $$;
create function plugin.keep_row() returns trigger language plpgsql as $$ begin perform plugin.keep(tg_name, new.content); return new; end $$;
create function plugin.keep_statement() returns trigger language plpgsql as $$ begin perform plugin.keep(tg_name, content) from fresh; return null; end $$;
create domain plugin.kept as text;
alter domain plugin.kept add constraint c check (plugin.keep('domain', value)) not valid;
-- each in a transaction of its own, bound to sess-A
begin; select t_bind('sess-A'); alter table public.messages alter column content type plugin.kept; commit;
begin; select t_bind('sess-A'); create trigger before_row before insert on public.messages for each row execute function plugin.keep_row(); commit;
begin; select t_bind('sess-A'); create trigger after_row after insert on public.messages for each row execute function plugin.keep_row(); commit;
begin; select t_bind('sess-A'); create constraint trigger at_commit after insert on public.messages deferrable initially deferred for each row execute function plugin.keep_row(); commit;
begin; select t_bind('sess-A'); create trigger transition_table after insert on public.messages referencing new table as fresh for each statement execute function plugin.keep_statement(); commit;
begin; select t_bind('sess-A'); create trigger by_when after insert on public.messages for each row when (plugin.keep('WHEN', new.content)) execute function plugin.keep_row(); commit;
begin; select t_bind('sess-A'); alter table public.messages add constraint c check (plugin.keep('CHECK', content)) not valid; commit;
begin; select t_bind('sess-A'); alter table public.messages add column g text generated always as (plugin.keep_quietly('generated', content)) stored; commit;
begin; select t_bind('sess-A'); create index on public.messages (plugin.keep_quietly('index', content)); commit;
begin; select t_bind('sess-A'); create index on public.messages (id) where plugin.keep_quietly('predicate', content) is not null; commit;
begin; select t_bind('sess-A'); create policy p on public.messages as restrictive for insert with check (plugin.keep('policy', content)); commit;
begin; select t_bind('sess-A'); alter table public.messages add column d plugin.kept; commit;
begin; select t_bind('sess-A'); create statistics plugin.st on plugin.keep_quietly('statistics', content), id from public.messages; commit;
truncate plugin.spy; select lo_unlink(oid) from pg_largeobject_metadata;
\! psql -XAtq -U $ATK_APP -c "begin; select t_bind('sess-B'); insert into public.messages(session_id,role,content) values ('sess-B','user','CANARY-B-planted'); commit" >/dev/null 2>&1
\set via ''
begin; select t_bind('sess-A');
select coalesce(string_agg(distinct how, ', '), '') as via from (
  select how from plugin.spy where what like '%CANARY-B%'
  union select split_part(convert_from(lo_get(oid), 'utf8'), ':', 1) from pg_largeobject_metadata) as s \gset
commit;
\c - :su
select not exists (select from public.messages where content = 'CANARY-B-planted') as unwritten \gset
\if :unwritten
\set other 'the victim could not write'
\endif
select :'via' <> '' as leak \gset
\ir _verdict.sql
