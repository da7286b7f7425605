-- vector: id and ctid gaps between two own inserts reveal other sessions activity
-- class: covert
-- actor: attacker
-- precondition: bigserial shared by all sessions
-- expected with sessmem: LEAK
-- stopped by: nothing: sequences are shared; random ids
-- severity: low
\i :adapter
\ir _sane.sql
\set a 0
\set b 0
begin; select t_bind('sess-A'); insert into public.messages(session_id,role,content) values ('sess-A','u','x') returning id as a \gset
commit;
\! psql -XAtq -U $ATK_APP -c "begin; select t_bind('sess-B'); insert into public.messages(session_id,role,content) select 'sess-B','u','y' from generate_series(1,17); commit" >/dev/null 2>&1
begin; select t_bind('sess-A'); insert into public.messages(session_id,role,content) values ('sess-A','u','x') returning id as b \gset
commit;
\c - :su
select (:b - :a = 18) as leak \gset
\ir _verdict.sql
