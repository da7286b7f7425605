-- vector: ids that share the first 63 bytes must not be conflated
-- class: read
-- actor: attacker
-- precondition: ids longer than 63 bytes
-- expected with sessmem: BLOCKED
-- stopped by: ids are never names
-- severity: high
\i :adapter
\ir _sane.sql
\set got ''
begin; select t_bind('s'||repeat('x',80)||'1'); insert into public.messages(session_id,role,content) values ('s'||repeat('x',80)||'1','u','CANARY-B-long');
select count(*) <> 1 as lost from public.messages where content = 'CANARY-B-long' \gset
commit;
\if :lost
\set other 'a long id does not read its own row'
\endif
begin; select t_bind('s'||repeat('x',80)||'2');
select coalesce(string_agg(content,'|'),'') as got from public.messages \gset
rollback;
\c - :su
select (:'got' like '%CANARY-B%') as leak \gset
\ir _verdict.sql
