-- vector: a default with a function of the server's tells others what statement it is called in
-- class: observ
-- actor: attacker
-- precondition: the application's role owns the table
-- expected with sessmem: BLOCKED
-- stopped by: defaults call only functions that tell nobody
-- severity: high
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\c - :app
alter table public.messages add column x bool default (set_config('my.loot', current_query(), false) is null);
alter table public.messages add column y bool default (pg_notify('loot', current_query()) is null);
alter table public.messages add column z oid default lo_from_bytea(0, convert_to(current_query(), 'UTF8'));
begin; select t_bind('sess-B');
insert into public.messages(session_id, content) values ('sess-B', 'CANARY-B-told');
commit;
\c - :su
select exists (select from information_schema.columns where table_name = 'messages' and column_name in ('x', 'y', 'z')) as leak \gset
\ir _verdict.sql
