-- vector: large objects are readable by the shared role
-- class: read
-- actor: attacker
-- precondition: application stores blobs as large objects
-- expected with sessmem: LEAK
-- stopped by: nothing: large objects have no row security
-- severity: high
\i :adapter
\ir _sane.sql
\set got ''
begin;
select t_bind('sess-B');
select lo_from_bytea(0, 'CANARY-B-lo'::bytea);
commit;
begin;
select t_bind('sess-A');
select coalesce(string_agg(convert_from(lo_get(oid),'utf8'),'|'),'') as got from pg_largeobject_metadata \gset
rollback;
\c - :su
select (:'got' like '%CANARY-B%') as leak \gset
\ir _verdict.sql
