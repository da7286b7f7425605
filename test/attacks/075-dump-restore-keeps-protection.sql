-- vector: pg_dump | psql into another database must keep RLS, FORCE, policy and trigger
-- class: drift
-- actor: honest bug
-- precondition: logical backup restored into a new database
-- expected with sessmem: BLOCKED
-- stopped by: policies and guard are plain catalog objects, the registry is dumped
-- severity: high
\i :adapter
\ir _sane.sql
\! createdb -U $ATK_SU atk2 && PGOPTIONS="$ATK_SUOPT" pg_dump -U $ATK_SU $ATK_DB 2>/dev/null | PGOPTIONS="$ATK_SUOPT" psql -XAtq -U $ATK_SU -d atk2 >/dev/null 2>&1
\! psql -XAtq -U $ATK_APP -d atk2 -c "select content from public.messages" > $ATK_TMP/t_got 2>/dev/null; psql -XAtq -U $ATK_APP -d atk2 -c "insert into public.messages(session_id,role,content) values (null,'u','CANARY-B-null') returning content" >> $ATK_TMP/t_got 2>/dev/null
\! PGOPTIONS="$ATK_SUOPT" psql -XAtq -U $ATK_SU -d atk2 -c "select count(*) from public.messages where content like 'CANARY-B%'" > $ATK_TMP/t_n 2>/dev/null
\set got `cat $ATK_TMP/t_got`
\set n `cat $ATK_TMP/t_n`
\c - :su
select coalesce(nullif(:'n','')::int,0) < 3 as norestore \gset
\if :norestore
\set other 'restore did not work'
\endif
select (:'got' like '%CANARY%') as leak \gset
\ir _verdict.sql
