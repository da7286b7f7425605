-- vector: pg_stat_statements shows literals of utility statements (SET, CALL, DO, PREPARE) of other sessions
-- class: observ
-- actor: attacker
-- precondition: pg_stat_statements, shared role; utility statements are not normalised in PG15
-- expected with sessmem: LEAK
-- stopped by: nothing: REVOKE pg_stat_statements, pass parameters
-- severity: medium
\i :adapter
\ir _sane.sql
\set got ''
\c - :su
create extension pg_stat_statements; select pg_stat_statements_reset();
\! psql -XAtq -U $ATK_APP -c "begin" -c "select t_bind('sess-B')" -c "do \$\$ begin perform 'CANARY-B-in-do'; end \$\$" -c "commit" >/dev/null 2>&1
\c - :app
begin; select t_bind('sess-A');
select coalesce(string_agg(query,'|'),'') as got from pg_stat_statements \gset
rollback;
\c - :su
select (:'got' like '%CANARY-B%') as leak \gset
\ir _verdict.sql
