-- vector: no function at all: whether DDL, or a write of his own, succeeds says whether some row of another session has a value
-- class: covert
-- actor: attacker
-- precondition: the application's role owns the table
-- expected with sessmem: BLOCKED
-- stopped by: refused DDL: whatever compares with rows that are not his
-- severity: high
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\ir _ways.sql
\c - :su
create extension btree_gist;
\c - :app
insert into plugin.way(w, q, r)
select w, q, 'select ''done'''
from (values
  ('EXCLUDE of others', $$alter table public.messages add exclude using gist (session_id with <>, content with =); insert into public.messages(session_id, content) values ('sess-A', '{guess}')$$)
) as v(w, q);
\ir _ask_ways.sql
\ir _verdict.sql
