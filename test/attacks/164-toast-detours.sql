-- vector: TOAST tables of a protected table, of a partition, by the owner, by a bypassing role, by COPY and by ctid
-- class: read
-- actor: honest bug
-- precondition: USAGE on pg_toast (pg_read_all_data has it); long contents
-- expected with sessmem: BLOCKED
-- stopped by: executor hook: TOAST tables of protected tables
-- severity: critical
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
create table public.parts(id bigint not null, session_id text not null, content text) partition by range (id);
create table public.part1 partition of public.parts for values from (0) to (100);
alter table public.messages alter column content set storage external;
alter table public.part1 alter column content set storage external;
\c - :su
select t_protect('public.parts');
grant usage on schema pg_toast to :app;
grant pg_read_all_data to :x;
alter role :x bypassrls;
select reltoastrelid::regclass as toast from pg_class where oid = 'public.messages'::regclass \gset
select reltoastrelid::regclass as toast1 from pg_class where oid = 'public.part1'::regclass \gset
\c - :app
begin; select t_bind('sess-B');
insert into public.messages(session_id, role, content) values ('sess-B', 'user', repeat('CANARY-B-toast ', 500));
insert into public.parts(id, session_id, content) values (1, 'sess-B', repeat('CANARY-B-part ', 500));
commit;
\set g1 ''
\set g2 ''
\set g3 ''
\set g4 ''
\set g5 ''
begin; select t_bind('sess-A'); select coalesce(string_agg(encode(chunk_data, 'escape'), '|'), '') as g1 from :toast \gset
rollback;
begin; select t_bind('sess-A'); select coalesce(string_agg(encode(chunk_data, 'escape'), '|'), '') as g2 from :toast1 \gset
rollback;
begin; select t_bind('sess-A'); select coalesce(string_agg(encode(chunk_data, 'escape'), '|'), '') as g3 from :toast where ctid = '(0,1)' \gset
rollback;
begin; select t_bind('sess-A'); select coalesce(string_agg(query_to_xml(format('select encode(chunk_data, ''escape'') from %s', :'toast'), false, true, '')::text, '|'), '') as g4 \gset
rollback;
\setenv ATK_TOAST :toast
\! psql -XAtq -U $ATK_APP -c "copy (select encode(chunk_data, 'escape') from $ATK_TOAST) to stdout" > $ATK_TMP/t_1 2>&1
\! psql -XAtq -U atk_x -c "select encode(chunk_data, 'escape') from $ATK_TOAST" > $ATK_TMP/t_2 2>&1
\set g5 `grep -o CANARY-B $ATK_TMP/t_1 | head -1`
\set g6 `grep -o CANARY-B $ATK_TMP/t_2 | head -1`
\c - :su
select pg_relation_size(:'toast') = 0 or pg_relation_size(:'toast1') = 0 as norows \gset
\if :norows
\set other 'nothing was toasted'
\endif
select concat_ws(', ', case when :'g1' like '%CANARY-B%' then 'owner' end, case when :'g2' like '%CANARY-B%' then 'partition' end, case when :'g3' like '%CANARY-B%' then 'ctid' end,
  case when :'g4' like '%CANARY-B%' then 'query_to_xml' end, case when :'g5' <> '' then 'COPY' end, case when :'g6' <> '' then 'bypassing role' end) as via \gset
select :'via' <> '' as leak \gset
\ir _verdict.sql
