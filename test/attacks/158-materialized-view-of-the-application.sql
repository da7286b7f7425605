-- vector: a materialised view of the application's, refreshed in one session, is read in another
-- class: leftover
-- actor: honest bug
-- precondition: the application's role may create tables; for one way it owns the protected one
-- expected with sessmem: BLOCKED
-- stopped by: event trigger: a materialised view over a protected table, whoever owns it
-- severity: high
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\set got ''
-- the framework makes it at start, empty, or as somebody who sees nothing
create materialized view plugin.mv as select session_id, content from public.messages;
create view plugin.v as select * from public.messages;
create materialized view plugin.mv2 as select session_id, content from plugin.v with no data;
begin; select t_bind('sess-B'); refresh materialized view plugin.mv; commit;
begin; select t_bind('sess-B'); refresh materialized view plugin.mv2; commit;
begin; select t_bind('sess-A');
select coalesce(string_agg(content, '|'), '') as got from plugin.mv \gset
rollback;
begin; select t_bind('sess-A');
select :'got' || coalesce(string_agg(content, '|'), '') as got from plugin.mv2 \gset
rollback;
\c - :su
select :'got' like '%CANARY-B%' as leak \gset
\ir _verdict.sql
