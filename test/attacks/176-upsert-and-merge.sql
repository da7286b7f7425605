-- vector: ON CONFLICT DO UPDATE and MERGE reach foreign rows by their key
-- class: write
-- actor: attacker
-- precondition: none
-- expected with sessmem: BLOCKED
-- stopped by: policy (core checks the row in conflict), guard
-- severity: critical
\i :adapter
\ir _sane.sql
\set g1 ''
\set g2 ''
\set g3 ''
begin; select t_bind('sess-A');
insert into public.messages(id, session_id, role, content) values (3, 'sess-A', 'user', 'PWN') on conflict (id) do update set content = 'PWN' returning (select string_agg(content, '|') from public.messages) as g1 \gset
commit;
begin; select t_bind('sess-A');
insert into public.messages as m (id, session_id, role, content) values (3, 'sess-A', 'user', 'PWN') on conflict (id) do update set session_id = 'sess-A', role = m.content returning m.role as g2 \gset
commit;
begin; select t_bind('sess-A');
merge into public.messages m using (values (3), (4)) v(i) on m.id = v.i when matched and v.i = 3 then update set content = 'PWN' when matched then delete;
commit;
begin; select t_bind('sess-A');
with u as (insert into public.messages(id, session_id, role, content) select id, 'sess-A', 'user', 'PWN' from generate_series(3, 5) id on conflict (id) do update set content = excluded.content returning *) select coalesce(string_agg(u::text, '|'), '') as g3 from u \gset
commit;
\c - :su
select concat(:'g1', :'g2', :'g3') like '%CANARY-B%' or (select count(*) from public.messages where session_id = 'sess-B' and content like 'CANARY-B-%') <> 3 as leak \gset
\ir _verdict.sql
