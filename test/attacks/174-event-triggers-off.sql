-- vector: DDL with event triggers silenced
-- class: priv
-- actor: attacker
-- precondition: the application's role owns the table, and has been granted session_replication_role (loading and replication tools ask for it)
-- expected with sessmem: BLOCKED
-- stopped by: event triggers and guard are ENABLE ALWAYS; executor hook
-- severity: critical
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\c - :su
grant set on parameter session_replication_role to :app;
\c - :app
set session_replication_role = replica;
select current_setting('session_replication_role') <> 'replica' as norun \gset
\if :norun
\set other 'the setting could not be granted'
\endif
reset session_replication_role;
\ir _ways.sql
insert into plugin.way(w, q) values
  ('NO FORCE',        'set local session_replication_role = replica; alter table public.messages no force row level security'),
  ('in local mode',   'set local session_replication_role = local; alter table public.messages disable row level security'),
  ('event_triggers',  'set local event_triggers = off; alter table public.messages disable row level security'),
  ('CREATE EVENT TRIGGER', 'create function plugin.e() returns event_trigger language plpgsql as ''begin end''; create event trigger aaa on ddl_command_end execute function plugin.e();
                       alter table public.messages disable row level security'),
  ('dropped',         $$do $d$ declare e name; begin for e in select evtname from pg_event_trigger loop execute format('drop event trigger %I', e); end loop; end $d$;
                       alter table public.messages disable row level security$$);
insert into plugin.way(w, q, r) values
  ('a foreign row', 'set local session_replication_role = replica', 'insert into public.messages(session_id, role, content) values (''sess-B'', ''user'', ''CANARY-B-planted'') returning content'),
  ('TRUNCATE',        'set local session_replication_role = replica; truncate public.messages', 'select ''CANARY-B is gone'''),
  ('new child',       'set local session_replication_role = replica; create table plugin.kid() inherits (public.messages)',
                      'insert into plugin.kid(session_id, role, content) values (''sess-B'', ''user'', ''CANARY-B-planted'') returning content');
\ir _try_ways.sql
\c - :su
revoke set on parameter session_replication_role from :app;
\ir _verdict.sql
