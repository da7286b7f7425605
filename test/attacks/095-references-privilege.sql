-- vector: FK from an attacker table: existence probe, and victim can no longer delete his rows
-- class: covert
-- actor: honest bug
-- precondition: GRANT ALL (includes REFERENCES) + CREATE in a schema
-- expected with sessmem: BLOCKED
-- stopped by: event trigger: a foreign key from somebody else's table
-- severity: high
\i :adapter
\ir _sane.sql
\c - :su
grant all on public.messages to :app;
create schema plugin authorization :app;
\c - :app
begin;
select t_bind('sess-A');
create table plugin.probe(mid bigint references public.messages(id));
insert into plugin.probe values (3);
commit;
\! psql -XAtq -U $ATK_APP -c "begin; select t_bind('sess-B'); delete from public.messages where id=3; commit" >/dev/null 2>&1
\c - :su
select exists(select 1 from public.messages where id=3) as leak \gset
\ir _verdict.sql
