-- vector: pg_terminate_backend of the victim connection (same role)
-- class: dos
-- actor: attacker
-- precondition: shared role
-- expected with sessmem: BLOCKED
-- stopped by: pg_terminate_backend() and pg_cancel_backend() are refused while bound
-- severity: medium
\i :adapter
\ir _sane.sql
\! (psql -XAtq -U $ATK_APP -c "begin" -c "select t_bind('sess-B')" -c "insert into public.messages(session_id,role,content) values ('sess-B','user','CANARY-B-long')" -c "select pg_sleep(2.5) as victim_sleeps" -c "commit" >/dev/null 2>&1 &)
select pg_sleep(0.8);
begin; select t_bind('sess-A');
select pg_terminate_backend(pid) from pg_stat_activity where usename = current_user and pid <> pg_backend_pid();
commit;
select pg_sleep(2.5);
\c - :su
select not exists(select 1 from public.messages where content='CANARY-B-long') as leak \gset
\ir _verdict.sql
