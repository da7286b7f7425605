-- vector: steal the live credential from pg_stat_activity and replay it on another connection
-- class: keep
-- actor: attacker
-- precondition: shared DB role; client sends the credential as a SQL literal
-- expected with sessmem: BLOCKED
-- stopped by: track_activities = off for the role
-- severity: critical
\i :adapter
\ir _sane.sql
\set got ''
\c - :su
select t_token('sess-B') as tokb \gset
\setenv ATK_TOKB :tokb
\! (psql -XAtq -U $ATK_APP -c "begin" -c "select t_bind_token('$ATK_TOKB'), pg_sleep(2)" -c "commit" >/dev/null 2>&1 &)
\c - :app
\set stolen none
select pg_sleep(0.8);
select split_part(split_part(query, 't_bind_token(''', 2), '''', 1) as stolen from pg_stat_activity where pid <> pg_backend_pid() and query like '%t_bind_token(%' limit 1 \gset
begin;
select t_bind_token(:'stolen');
select coalesce(string_agg(content,'|'),'') as got from public.messages \gset
commit;
\c - :su
select (:'got' like '%CANARY-B%') as leak \gset
\ir _verdict.sql
