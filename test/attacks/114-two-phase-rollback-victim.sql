-- vector: ROLLBACK PREPARED of the victim transaction (same role owns it)
-- class: destroy
-- actor: attacker
-- precondition: max_prepared_transactions > 0, shared role
-- expected with sessmem: BLOCKED
-- stopped by: PREPARE TRANSACTION while bound is refused
-- severity: high
\i :adapter
\ir _sane.sql
\! psql -XAtq -U $ATK_APP -c "begin" -c "select t_bind('sess-B')" -c "insert into public.messages(session_id,role,content) values ('sess-B','user','CANARY-B-2pc')" -c "prepare transaction 'b1'" > $ATK_TMP/t_got 2>&1
\set msg `cat $ATK_TMP/t_got`
select (:'msg' like '%ERROR%') as refused \gset
\if :refused
-- PREPARE TRANSACTION was refused for a bound transaction: nothing to destroy
\set leak f
\else
begin; select t_bind('sess-A'); select count(*) from pg_prepared_xacts; commit;
-- gids are visible in pg_prepared_xacts and usually guessable
rollback prepared 'b1';
\! psql -XAtq -U $ATK_APP -c "commit prepared 'b1'" >/dev/null 2>&1
\c - :su
select not exists(select 1 from public.messages where content='CANARY-B-2pc') as leak \gset
\endif
\ir _verdict.sql
