-- vector: the record of violations, or what announces it, tells one session of another; or it lets itself be changed
-- class: read
-- actor: attacker
-- precondition: any SQL
-- expected with sessmem: BLOCKED
-- stopped by: the record is for administrators; a notification has an id and a kind
-- severity: medium
\i :adapter
\c - :su
create schema plugin authorization :app;
\c - :app
\ir _ways.sql
begin; select t_bind('sess-B');
insert into public.messages(session_id,role,content) values ('sess-A','u','POISON');
rollback;
insert into plugin.way(w, q, r) values
  ('view', 'select 1', $$select 'CANARY-B' || string_agg(v::text, '') from sessmem.violations as v$$),
  ('table', 'select 1', $$select 'CANARY-B' || string_agg(v::text, '') from sessmem.violation as v$$),
  ('shared memory', 'select 1', $$select 'CANARY-B' || string_agg(v::text, '') from sessmem.recorded_violations() as v$$),
  ('taking', 'select 1', $$select 'CANARY-B' || string_agg(v::text, '') from sessmem.take_violations() as v$$),
  ('counters', 'select 1', $$select 'CANARY-B' || string_agg(v::text, '') from sessmem.stat as v$$),
  ('reset', 'select sessmem.stat_reset()', $$select 'CANARY-B: done'$$),
  ('deleting', 'delete from sessmem.violation', $$select 'CANARY-B: done'$$),
  ('planting', $$select sessmem.refuse('unscoped_read', 0, 'CANARY-B: planted', '', '')$$, 'select 1'),
  ('saving', 'select sessmem.save_violations()', $$select 'CANARY-B: done'$$);
\ir _try_ways.sql
\ir _verdict.sql
