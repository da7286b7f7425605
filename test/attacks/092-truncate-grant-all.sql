-- vector: TRUNCATE after GRANT ALL destroys every session (RLS does not apply)
-- class: destroy
-- actor: honest bug
-- precondition: GRANT ALL ON TABLE to the app role
-- expected with sessmem: BLOCKED
-- stopped by: guard: BEFORE TRUNCATE, ENABLE ALWAYS
-- severity: critical
-- source: docs ddl-rowsecurity: TRUNCATE and REFERENCES not subject to row security
\i :adapter
\ir _sane.sql
\c - :su
grant all on public.messages to :app;
\c - :app
begin;
select t_bind('sess-A');
truncate public.messages;
commit;
\c - :su
select (select count(*) from public.messages where session_id='sess-B' and content like 'CANARY-B-%') <> 3 as leak \gset
\ir _verdict.sql
