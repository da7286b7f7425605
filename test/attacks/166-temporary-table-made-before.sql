-- vector: the driver makes its temporary table when it connects; the session fills it; the next client reads before it binds
-- class: leftover
-- actor: honest bug
-- precondition: transaction-mode pooler; temporary tables made while nothing is bound
-- expected with sessmem: BLOCKED
-- stopped by: bind() drops what it finds; nothing may be kept in temporary tables while bound
-- severity: high
\i :adapter
\ir _sane.sql
\set got ''
create temp table cache(content text);
begin; select t_bind('sess-B');
insert into cache select content from public.messages;
commit;
select coalesce(string_agg(content, '|'), '') as got from cache \gset
-- and made in a transaction of the same session, before it binds
begin;
create temp table cache2(content text);
select t_bind('sess-B');
insert into cache2 select content from public.messages;
commit;
select :'got' || coalesce(string_agg(content, '|'), '') as got from cache2 \gset
-- and between two transactions of one session: the second bind finds its own session, and leaves it
create temp table cache3(content text);
begin; select t_bind('sess-B');
insert into cache3 select content from public.messages;
commit;
select :'got' || coalesce(string_agg(content, '|'), '') as got from cache3 \gset
\c - :su
select :'got' like '%CANARY-B%' as leak \gset
\ir _verdict.sql
