-- vector: confirm that another session stored a given value (jsonb key, content hash)
-- class: covert
-- actor: attacker
-- precondition: global UNIQUE on a natural key, here (meta->>email)
-- expected with sessmem: BLOCKED
-- stopped by: refused DDL: such an index (one that was there before is 099)
-- severity: high
\i :adapter
\ir _sane.sql
\c - :su
set role :owner;
alter table public.messages add column meta jsonb;
create unique index on public.messages ((meta->>'email'));
reset role;
\c - :app
begin; select t_bind('sess-B'); update public.messages set meta='{"email":"bob@victim.example"}' where id=3; commit;
\set s1 ''
\set s2 ''
begin; select t_bind('sess-A');
insert into public.messages(session_id,role,content,meta) values ('sess-A','u','x','{"email":"bob@victim.example"}');
\set s1 :SQLSTATE
rollback;
begin; select t_bind('sess-A');
insert into public.messages(session_id,role,content,meta) values ('sess-A','u','x','{"email":"nobody@x.example"}');
\set s2 :SQLSTATE
rollback;
\c - :su
select (:'s1' <> :'s2') as leak \gset
\ir _verdict.sql
