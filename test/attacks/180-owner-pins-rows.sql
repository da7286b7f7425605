-- vector: a foreign key from a table of the owner's own keeps another session from deleting its row
-- class: dos
-- actor: attacker
-- precondition: the application's role owns the table
-- expected with sessmem: LEAK
-- stopped by: nothing: integrity checks see everything; its owner may refer to it
-- severity: high
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
begin; select t_bind('sess-A');
create table plugin.pin(id bigint references public.messages(id));
insert into plugin.pin values (3);
commit;
\! psql -XAtq -U $ATK_APP -c "begin; select t_bind('sess-B'); delete from public.messages where id = 3; commit" >/dev/null 2>&1
\c - :su
select exists (select from public.messages where id = 3) as leak \gset
\ir _verdict.sql
