-- vector: statistics of an index on an expression, which was there before the table was protected, are shown by pg_stats
-- class: read
-- actor: attacker
-- precondition: the application's role owns the table, and had the index already
-- expected with sessmem: BLOCKED
-- stopped by: protect() refuses or empties them; pg_stats looks at the row security of the index, which has none
-- severity: high
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
create table public.notes(session_id text not null, content text);
create index notes_idx on public.notes (lower(content));
\c - :su
select t_protect('public.notes');
\c - :app
begin; select t_bind('sess-B'); insert into public.notes(session_id, content) select 'sess-B', 'CANARY-B-' || i / 2 from generate_series(1, 100) as i; commit;
analyze public.notes;
\set got ''
begin; select t_bind('sess-A');
select coalesce(string_agg(concat_ws(',', most_common_vals, histogram_bounds), '|'), '') as got from pg_stats where tablename = 'notes_idx' \gset
commit;
\c - :su
select :'got' ilike '%CANARY-B%' as leak \gset
\ir _verdict.sql
