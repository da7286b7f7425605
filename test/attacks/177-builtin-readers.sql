-- vector: builtin functions that run queries or read tables by themselves
-- class: read
-- actor: attacker
-- precondition: none
-- expected with sessmem: BLOCKED
-- stopped by: policy: they plan as anybody
-- severity: high
\i :adapter
\ir _sane.sql
begin; select t_bind('sess-A');
create function pg_temp.look(q text) returns boolean language plpgsql as $$
declare got text;
begin
  execute q into got;
  return got ~ 'CANARY-B' or got ~ '\mthree';
exception when others then raise warning '%', sqlerrm; return false; end $$;
\set via ?
declare c cursor for select * from public.messages;
select coalesce(string_agg(q, ', '), '') as via from unnest(array[
  $$select table_to_xml('public.messages', true, false, '')::text$$,
  $$select schema_to_xml('public', true, false, '')::text$$,
  $$select database_to_xml(true, false, '')::text$$,
  $$select query_to_xml('table public.messages', true, false, '')::text$$,
  $$select string_agg(word, '|') from ts_stat('select to_tsvector(''simple'', content) from public.messages')$$,
  $$select ts_rewrite('a'::tsquery, 'select to_tsquery(''simple'', ''a''), to_tsquery(''simple'', string_agg(replace(content, ''-'', ''&''), ''|'')) from public.messages')::text$$,
  $$select cursor_to_xml('c', 10, false, true, '')::text$$,
  $$select pg_read_file(pg_relation_filepath('public.messages'))$$,
  $$select string_agg(s::text, '|') from (select * from public.messages m where m.ctid in ('(0,3)', '(0,4)', '(0,5)') for no key update) as s$$
]) as q where pg_temp.look(q) \gset
rollback;
\c - :su
select :'via' <> '' as leak, :'via' = '?' as norun \gset
\if :norun
\set other 'attack code did not run'
\endif
\ir _verdict.sql
