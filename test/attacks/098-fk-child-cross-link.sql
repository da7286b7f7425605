-- vector: insert a child row that references the victim row: existence oracle + cross-session link
-- class: covert
-- actor: attacker
-- precondition: protected child table with FK to messages(id)
-- expected with sessmem: LEAK
-- stopped by: nothing: integrity checks see everything; lead keys with the session
-- severity: medium
-- source: core rowsecurity.sql: can insert FK referencing invisible PK
\i :adapter
\ir _sane.sql
\set s1 ''
\set s2 ''
\c - :su
set role :owner;
create table public.notes(id bigserial, session_id text, message_id bigint references public.messages(id), body text);
grant select, insert on public.notes to :app; grant usage on sequence public.notes_id_seq to :app;
reset role;
select t_protect('public.notes');
\c - :app
begin; select t_bind('sess-A');
insert into public.notes(session_id,message_id,body) values ('sess-A',3,'linked');
\set s1 :SQLSTATE
commit;
begin; select t_bind('sess-A');
insert into public.notes(session_id,message_id,body) values ('sess-A',999999,'linked');
\set s2 :SQLSTATE
rollback;
\c - :su
select (:'s1' <> :'s2') as leak \gset
\ir _verdict.sql
