-- vector: an index, a check or statistics with a harmless function are there already; its body is replaced, and the table rebuilt
-- class: read
-- actor: attacker
-- precondition: the application's role owns the table and the function; a superuser let the index, the check and the statistics be made
-- expected with sessmem: BLOCKED
-- stopped by: refused: rebuilding with functions that are not leakproof; or the index itself, whoever makes it
-- severity: critical
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\ir _ways.sql
create function plugin.norm(t text) returns text immutable language plpgsql as $$ begin return lower(t); end $$;
create function plugin.fine(t text) returns boolean immutable language plpgsql as $$ begin return true; end $$;
create domain plugin.checked as text;
\c - :su
create index norm_idx on public.messages (plugin.norm(content));
create index fine_idx on public.messages (id) where plugin.fine(content);
create statistics plugin.st on plugin.norm(content), id from public.messages;
alter table public.messages add constraint c check (plugin.fine(content)) not valid;
alter table public.messages alter column content type plugin.checked;
\c - :app
create function plugin.swap() returns void language plpgsql as $$
begin
  create or replace function plugin.norm(t text) returns text immutable language plpgsql as 'begin return plugin.tell(t); end';
  create or replace function plugin.fine(t text) returns boolean immutable language plpgsql as 'begin return plugin.tells(t); end';
end $$;
insert into plugin.way(w, q, r)
select w, 'select plugin.swap(); ' || q, 'select ''done'''
from (values
  ('REINDEX INDEX', 'reindex index public.norm_idx'),
  ('REINDEX INDEX, predicate', 'reindex index public.fine_idx'),
  ('REINDEX TABLE', 'reindex table public.messages'),
  ('CLUSTER',       'cluster public.messages using messages_pkey'),
  ('ANALYZE',       'analyze public.messages'),
  ('VALIDATE',      'alter table public.messages validate constraint c'),
  ('rewrite',       'alter table public.messages add column x double precision default random()'),
  ('ALTER DOMAIN',  'alter domain plugin.checked add check (plugin.fine(value))'),
  ('ALTER DOMAIN, VALIDATE', 'alter domain plugin.checked add constraint d check (plugin.fine(value)) not valid; alter domain plugin.checked validate constraint d'),
  ('ALTER DOMAIN, builtin', 'alter domain plugin.checked add check (value::int > 0)')
) as v(w, q);
\ir _try_ways.sql
\set via1 :via
\set leak1 :leak
-- outside of a transaction; and by the writes of others (in the error that they get, and in what a function keeps)
\c - :app
select plugin.swap();
\! psql -XAt -U $ATK_APP -c "vacuum full public.messages" > $ATK_TMP/t_vacuum_full 2>&1
\! psql -XAt -U $ATK_APP -c "reindex index concurrently public.norm_idx" > $ATK_TMP/t_reindex_concurrently 2>&1
\! psql -XAt -U $ATK_APP -c "analyze public.messages" > $ATK_TMP/t_analyze 2>&1
\set via `cd $ATK_TMP; grep -l 'told of CANARY-B' t_vacuum_full t_reindex_concurrently t_analyze | tr '\n' ' '`
\c - :su
select concat_ws(', ', nullif(:'via1', ''), nullif(:'via', '')) as via, :'leak1' or :'via' <> '' as leak \gset
\ir _verdict.sql
