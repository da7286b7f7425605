-- vector: pg_stats shows the values of columns to roles that bypass row security; the table's owner analyses at will
-- class: read
-- actor: honest bug
-- precondition: ANALYZEd table; application or reporting role with BYPASSRLS, or the table's owner
-- expected with sessmem: BLOCKED
-- stopped by: executor hook: statistics of protected tables
-- severity: high
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
create statistics plugin.st (mcv) on session_id, content from public.messages;
create index by_upper on public.messages (lower(content), session_id);
begin; select t_bind('sess-B'); insert into public.messages(session_id, role, content) select 'sess-B', 'user', 'CANARY-B-' || g % 3 from generate_series(1, 50) g; commit;
analyze public.messages;
\c - :su
analyze public.messages;
alter role :x bypassrls;
grant select on public.messages to :x;
grant pg_read_all_data to :x;
\set g1 ''
\set g2 ''
\set g3 ''
\set g4 ''
\set g5 ''
\c - :app
begin; select t_bind('sess-A');
select coalesce(string_agg(concat(most_common_vals::text, histogram_bounds::text), '|'), '') as g1 from pg_stats where tablename in ('messages', 'by_upper') \gset
rollback;
begin; select t_bind('sess-A');
select coalesce(string_agg(most_common_vals::text, '|'), '') as g2 from pg_stats_ext where tablename = 'messages' \gset
rollback;
\c - :x
select coalesce(string_agg(concat(most_common_vals::text, histogram_bounds::text), '|'), '') as g3 from pg_stats where tablename in ('messages', 'by_upper') \gset
select coalesce(string_agg(most_common_vals::text, '|'), '') as g4 from pg_stats_ext where tablename = 'messages' \gset
select coalesce(string_agg(concat(stavalues1::text, stavalues2::text), '|'), '') as g5 from pg_statistic where starelid = 'public.messages'::regclass \gset
\c - :su
select concat_ws(', ', case when :'g1' ilike '%CANARY-B%' then 'owner, pg_stats' end, case when :'g2' ilike '%CANARY-B%' then 'owner, pg_stats_ext' end,
  case when :'g3' ilike '%CANARY-B%' then 'bypassing, pg_stats' end, case when :'g4' ilike '%CANARY-B%' then 'bypassing, pg_stats_ext' end, case when :'g5' ilike '%CANARY-B%' then 'pg_statistic' end) as via \gset
select :'via' <> '' as leak \gset
\ir _verdict.sql
