-- vector: text of statements that a session prepared, read by the next client before it binds
-- class: leftover
-- actor: attacker
-- precondition: transaction-mode pooler; the victim used SQL PREPARE with literals
-- expected with sessmem: BLOCKED
-- stopped by: SQL PREPARE is refused while bound
-- severity: medium
\i :adapter
\ir _sane.sql
\set got ''
begin; select t_bind('sess-B'); prepare p1 as select * from public.messages where content = 'CANARY-B-literal'; commit;
begin; select t_bind('sess-B'); do $$ begin execute 'prepare p2 as select * from public.messages where content = ''CANARY-B-literal2'''; end $$; commit;
select coalesce(string_agg(statement, '|'), '') as got from pg_prepared_statements \gset
\c - :su
select :'got' like '%CANARY-B-literal%' as leak \gset
\ir _verdict.sql
