-- vector: unique violation 23505 reveals that an id exists in another session
-- class: covert
-- actor: attacker
-- precondition: PK not led by session_id
-- expected with sessmem: LEAK
-- stopped by: nothing: integrity checks see everything; lead keys with the session
-- severity: low
-- source: docs ddl-rowsecurity covert channels; core rowsecurity.sql
\i :adapter
\ir _sane.sql
\set s1 ''
\set s2 ''
begin; select t_bind('sess-A');
insert into public.messages(id,session_id,role,content) values (3,'sess-A','u','x');
\set s1 :SQLSTATE
rollback;
begin; select t_bind('sess-A');
insert into public.messages(id,session_id,role,content) values (999999,'sess-A','u','x');
\set s2 :SQLSTATE
rollback;
\c - :su
select (:'s1' <> :'s2') as leak \gset
\ir _verdict.sql
