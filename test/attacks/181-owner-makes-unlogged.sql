-- vector: the table is made UNLOGGED: a crash empties it, replicas have it no more
-- class: destroy
-- actor: attacker
-- precondition: the application's role owns the table
-- expected with sessmem: LEAK
-- stopped by: nothing: what is kept over a crash is the owner's to say
-- severity: high
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
begin; select t_bind('sess-A');
alter table public.messages set unlogged;
commit;
\ir _sane.sql
\c - :su
select relpersistence <> 'p' as leak from pg_class where oid = 'public.messages'::regclass \gset
\ir _verdict.sql
