-- vector: the owner drops a column, and everybody's content is gone
-- class: destroy
-- actor: attacker
-- precondition: the application's role owns the table
-- expected with sessmem: LEAK (docs/security.md: the owner's own columns)
-- stopped by: another role as owner
-- severity: high
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\c - :app
begin; select t_bind('sess-A');
alter table public.messages drop column content;
commit;
\c - :su
select not exists (select from information_schema.columns where table_name = 'messages' and column_name = 'content') as leak \gset
\ir _verdict.sql
