-- vector: pg_stat_activity shows other sessions SQL text (content literals, session ids, tokens) to the same role
-- class: observ
-- actor: attacker
-- precondition: all sessions share one DB role (normal with a pooler); literals or bind calls in SQL text
-- expected with sessmem: BLOCKED
-- stopped by: track_activities = off for the role
-- severity: critical
\i :adapter
\ir _sane.sql
\set got ''
\! (psql -XAtq -U $ATK_APP -c "begin" -c "select t_bind('sess-B')" -c "insert into public.messages(session_id,role,content) select 'sess-B','user','CANARY-B-in-sql-text' from pg_sleep(2)" -c "rollback" >/dev/null 2>&1 &)
select pg_sleep(0.8);
begin; select t_bind('sess-A');
select coalesce(string_agg(query,'|'),'') as got from pg_stat_activity where pid <> pg_backend_pid() \gset
rollback;
\c - :su
select (:'got' like '%CANARY-B%') as leak \gset
\ir _verdict.sql
