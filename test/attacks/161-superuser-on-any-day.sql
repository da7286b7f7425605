-- vector: a superuser's everyday query, copy or dump takes everybody's rows
-- class: priv
-- actor: honest bug
-- precondition: jobs and tools that connect as a superuser
-- expected with sessmem: BLOCKED
-- stopped by: executor hook: outside of maintenance a superuser is nobody special
-- severity: high
\i :adapter
\ir _sane.sql
\c - :su
select t_ordinary();
\set g1 ''
\set g2 ''
\set g3 ''
\set g4 ''
\set wrote f
select string_agg(content, '|') as g1 from public.messages \gset
create table public.copied as select * from public.messages;
select string_agg(content, '|') as g2 from public.copied \gset
do $$ begin perform set_config('atk.g3', (select string_agg(content, '|') from public.messages), false); end $$;
select coalesce(current_setting('atk.g3', true), '') as g3 \gset
with u as (update public.messages set content = 'PWN' where session_id = 'sess-B' returning 1) select count(*) > 0 as wrote from u \gset
\! PGOPTIONS="$ATK_ORDINARY" pg_dump -U $ATK_SU -t public.messages > $ATK_TMP/t_dump 2>/dev/null
\set g4 `grep -o CANARY-B $ATK_TMP/t_dump | head -1`
select concat_ws(', ', case when :'g1' like '%CANARY-B%' then 'SELECT' end, case when :'g2' like '%CANARY-B%' then 'CREATE TABLE AS' end,
  case when :'g3' like '%CANARY-B%' then 'DO' end, case when :'wrote' then 'UPDATE' end, case when :'g4' <> '' then 'pg_dump' end) as via \gset
select :'via' <> '' as leak \gset
\ir _verdict.sql
