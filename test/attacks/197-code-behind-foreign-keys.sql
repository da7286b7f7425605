-- vector: code in tables that a foreign key ties to the protected one runs in the sessions of others
-- class: read
-- actor: attacker
-- precondition: the application's role owns the table
-- expected with sessmem: BLOCKED
-- stopped by: triggers, rules and index functions of tied tables are the table's own weaknesses
-- severity: critical
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\set got ''
\c - :su
grant create on schema public to :app;
\c - :app
create table public.loot(t text);
grant all on public.loot to public;
create table public.c(mid bigint references public.messages(id) on delete cascade);
create function public.look() returns trigger language plpgsql as $$
begin insert into public.loot select content from public.messages; return null; end $$;
create trigger look after delete on public.c for each row execute function public.look();
create table public.d(i int);
create constraint trigger later after insert on public.d deferrable initially deferred for each row execute function public.look();
create function public.write() returns int language plpgsql as $$ begin insert into public.d values (1); return 1; end $$;
create function public.spy(int) returns int language plpgsql immutable as $$ begin perform public.write(); return 1; exception when others then return 1; end $$;
create table public.x(id int primary key);
insert into public.x values (1);
create index on public.x(id) where public.spy(1) = 1;
alter table public.messages add column k int default 1 references public.x;
create index on public.x((public.spy(id)));
insert into public.c values (3);
\c - :app
begin; select t_bind('sess-B');
insert into public.messages(session_id, content) values ('sess-B', 'CANARY-B-later');
delete from public.messages where id = 3;
commit;
\c - :su
select coalesce(string_agg(t, '|'), '') as got from public.loot \gset
select (:'got' like '%CANARY-B%') as leak \gset
\ir _verdict.sql
