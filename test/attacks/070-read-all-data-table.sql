-- vector: pg_read_all_data does not bypass RLS on the table
-- class: read
-- actor: honest bug
-- precondition: app/analyst role got pg_read_all_data
-- expected with sessmem: BLOCKED
-- stopped by: policy
-- severity: high
\i :adapter
\ir _sane.sql
\set got ''
\set own f
\c - :su
grant pg_read_all_data to :app;
\c - :app
begin;
select t_bind('sess-A');
select coalesce(string_agg(content,'|'),'') as got from public.messages \gset
select (:'got' like '%CANARY-A%') as own \gset
rollback;
\if :own
\else
\set other 'own rows unreadable this way'
\endif
\c - :su
select (:'got' like '%CANARY-B%') as leak \gset
\ir _verdict.sql
