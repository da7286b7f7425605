-- vector: rows made in an unprotected table under another session's id come in with it as a child: they are that session's memory now
-- class: write
-- actor: attacker
-- precondition: the application's role owns the tables
-- expected with sessmem: BLOCKED
-- stopped by: refused DDL: a table with rows that becomes a child of a protected one
-- severity: critical
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
create table public.parts(id bigint not null, session_id text not null, role text, content text) partition by range (id);
\c - :su
select t_protect('public.parts');
\c - :app
create table plugin.kid(id bigint not null, session_id text not null, role text, content text);
create table plugin.part(id bigint not null, session_id text not null, role text, content text);
insert into plugin.kid values (77, 'sess-B', 'user', 'POISON');
insert into plugin.part values (78, 'sess-B', 'user', 'POISON');
begin; select t_bind('sess-A'); alter table plugin.kid add constraint sessmem_key_not_empty check (session_id <> ''); alter table plugin.kid inherit public.messages; commit;
begin; select t_bind('sess-A'); alter table plugin.part add constraint sessmem_key_not_empty check (session_id <> ''); alter table public.parts attach partition plugin.part default; commit;
-- the victim
\set n1 -1
\set n2 -1
begin; select t_bind('sess-B');
select count(*) as n1 from public.messages where content = 'POISON' \gset
select count(*) as n2 from public.parts where content = 'POISON' \gset
commit;
\c - :su
select concat_ws(', ', case when :n1 > 0 then 'INHERIT' end, case when :n2 > 0 then 'ATTACH PARTITION' end) as via, :n1 > 0 or :n2 > 0 as leak, -1 in (:n1, :n2) as norun \gset
\if :norun
\set other 'the victim could not read'
\endif
\ir _verdict.sql
