-- vector: a custom setting keeps what a session put there, for whoever has the connection next
-- class: leftover
-- actor: honest bug
-- precondition: transaction-mode pooler; the application keeps state in settings of its own
-- expected with sessmem: BLOCKED
-- stopped by: bind() resets custom settings that the session before has set
-- severity: medium
\i :adapter
\ir _sane.sql
\set got ''
begin; select t_bind('sess-B');
select set_config('app.summary', (select string_agg(content, '|') from public.messages), false);
commit;
begin; select t_bind('sess-A');
select coalesce(current_setting('app.summary', true), '') as got \gset
rollback;
\c - :su
select :'got' like '%CANARY-B%' as leak \gset
\ir _verdict.sql
