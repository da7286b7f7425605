-- vector: a rewrite rule copies every write to a table that anybody reads, or lets it vanish
-- class: read
-- actor: attacker
-- precondition: the application's role owns the table
-- expected with sessmem: BLOCKED
-- stopped by: event trigger: a rule on a protected table
-- severity: critical
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\set got ''
create table plugin.spy(what text);
create rule copy as on insert to public.messages do also insert into plugin.spy values (new.content);
create rule lose as on delete to public.messages do instead nothing;
\! psql -XAtq -U $ATK_APP -c "begin; select t_bind('sess-B'); insert into public.messages(session_id,role,content) values ('sess-B','user','CANARY-B-ruled'); delete from public.messages where id = 3; commit" >/dev/null 2>&1
begin; select t_bind('sess-A');
select coalesce(string_agg(what, '|'), '') as got from plugin.spy \gset
rollback;
\c - :su
select :'got' like '%CANARY-B%' as copied, exists (select from public.messages where id = 3) as lost \gset
select concat_ws(', ', case when :'copied' then 'copied' end, case when :'lost' then 'DELETE lost' end) as via, :'copied' or :'lost' as leak \gset
\ir _verdict.sql
