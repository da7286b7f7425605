-- vector: a custom setting keeps what a session put there, for whoever has the connection next
-- class: leftover
-- actor: honest bug
-- precondition: transaction-mode pooler; the application keeps state in settings of its own
-- expected with sessmem: LEAK
-- stopped by: nothing: settings of names of their own are for everybody, and cannot be told from those of a pooler
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
