-- vector: reads without a session look like reads that find nothing, so a forgotten bind goes unnoticed for months
-- class: drift
-- actor: honest bug
-- precondition: application forgets to bind
-- expected with sessmem: BLOCKED
-- stopped by: violations: unscoped reads are counted
-- severity: medium
\i :adapter
\ir _sane.sql
\c - :su
select t_violations() as v0 \gset
\c - :app
select count(*) from public.messages;
\c - :su
select t_violations() as v1 \gset
\c - :app
begin; select t_bind('sess-A');
select count(*) from public.messages where false;
commit;
\c - :su
select :v1 - :v0 <> 1 or t_violations() <> :v1 as leak \gset
\ir _verdict.sql
