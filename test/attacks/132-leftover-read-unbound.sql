-- vector: held cursor / temp table of B read by an unbound client
-- class: leftover
-- actor: attacker
-- precondition: as 033/034, but the next client reads BEFORE any bind (or COMMITs first), so clean-up inside bind() comes too late
-- expected with sessmem: BLOCKED
-- stopped by: WITH HOLD, and temporary tables without ON COMMIT DROP, are refused while bound
-- severity: high
\i :adapter
\ir _sane.sql
\set content ''
\set got ''
begin;
select t_bind('sess-B');
savepoint s1;
create temp table cache as select * from public.messages;
\if :ERROR
rollback to s1;
\endif
savepoint s2;
declare c cursor with hold for select content from public.messages;
\if :ERROR
rollback to s2;
\endif
commit;
-- next client, same backend, not bound
select coalesce(string_agg(content,'|'),'') as got from pg_temp.cache \gset
fetch 1 from c \gset
\c - :su
select (:'got'||:'content' like '%CANARY-B%') as leak \gset
\ir _verdict.sql
