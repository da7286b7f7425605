-- vector: attacker adds a trigger: every later write of every session is copied to him
-- class: read
-- actor: honest bug
-- precondition: GRANT ALL (includes TRIGGER)
-- expected with sessmem: BLOCKED
-- stopped by: event trigger: a trigger whose function is not the owner's
-- severity: critical
\i :adapter
\ir _sane.sql
\set got ''
\c - :su
grant all on public.messages to :app;
\c - :app
begin;
select t_bind('sess-A');
create function pg_temp.spy() returns trigger language plpgsql as $$ begin perform lo_from_bytea(0, convert_to(new.content,'utf8')); return new; end $$;
create trigger zz_spy before insert on public.messages for each row execute function pg_temp.spy();
commit;
\! psql -XAtq -U $ATK_APP -c "begin; select t_bind('sess-B'); insert into public.messages(session_id,role,content) values ('sess-B','user','CANARY-B-spied'); commit" >/dev/null 2>&1
begin;
select t_bind('sess-A');
select coalesce(string_agg(convert_from(lo_get(oid),'utf8'),'|'),'') as got from pg_largeobject_metadata \gset
rollback;
\c - :su
select (:'got' like '%CANARY-B%') as leak \gset
\ir _verdict.sql
