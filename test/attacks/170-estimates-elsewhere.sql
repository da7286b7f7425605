-- vector: row estimates again: partitions, joins, grouping, expression indexes, extended statistics, statements that are prepared
-- class: covert
-- actor: attacker
-- precondition: ANALYZEd (autovacuum does it)
-- expected with sessmem: BLOCKED
-- stopped by: planner hooks: no statistics of protected tables, theirs or their indexes', extended or not
-- severity: high
\i :adapter
\ir _sane.sql
\c - :su
set role :owner;
create table public.pmsg(id bigint, session_id text not null, role text, content text) partition by range (id);
create table public.pmsg_p1 partition of public.pmsg for values from (0) to (100000);
create index on public.messages (upper(content));
create statistics public.st (mcv, ndistinct, dependencies) on session_id, role, content from public.messages;
create statistics public.st2 on (length(content) % 7) from public.messages;
reset role;
select t_protect('public.pmsg');
grant select, insert on public.pmsg, public.pmsg_p1 to :app;
\c - :app
begin; select t_bind('sess-B');
insert into public.messages(session_id, role, content) select 'sess-B', 'user', 'PIN=4821' from generate_series(1, 4000) g;
insert into public.pmsg select g, 'sess-B', 'user', 'PIN=4821' from generate_series(1, 4000) g;
commit;
begin; select t_bind('sess-C');
insert into public.messages(session_id, role, content) select 'sess-C', 'x' || g % 30, 'hello ' || g from generate_series(1, 2000) g;
insert into public.pmsg select g, 'sess-C', 'x' || g % 30, 'hello ' || g from generate_series(5000, 7000) g;
commit;
begin; select t_bind('sess-A');
insert into public.messages(session_id, role, content) select 'sess-A', 'user', 'mine ' || g from generate_series(1, 3000) g;
insert into public.pmsg select g, 'sess-A', 'user', 'mine ' || g from generate_series(10001, 13000) g;
commit;
\c - :su
analyze public.messages; analyze public.pmsg; analyze public.pmsg_p1;
\c - :app
begin; select t_bind('sess-A');
create function pg_temp.est(q text) returns bigint language plpgsql as $$
declare r json;
begin
  execute 'explain (format json) ' || q into r; return (r->0->'Plan'->>'Plan Rows')::bigint;
end $$;
-- what there is, and what there is not: is there a difference?
\set via ?
with o as materialized (
  select w, pg_temp.est(replace(q, '{x}', hit)) as hit, pg_temp.est(replace(q, '{x}', miss)) as miss
  from (values
    ('content',        $$select 1 from public.messages where content = '{x}'$$, 'PIN=4821', 'PIN=0000'),
    ('content, a range', $$select 1 from public.messages where content >= '{x}'$$, 'PIN=4', 'PIN=5'),
    ('another session', $$select 1 from public.messages where session_id = '{x}'$$, 'sess-B', 'sess-nobody'),
    ('partitioned',    $$select 1 from public.pmsg where content = '{x}'$$, 'PIN=4821', 'PIN=0000'),
    ('partition',      $$select 1 from public.pmsg_p1 where content = '{x}'$$, 'PIN=4821', 'PIN=0000'),
    ('join',           $$select 1 from public.messages m join (values ('{x}')) v(c) on m.content = v.c$$, 'PIN=4821', 'PIN=0000'),
    ('join, itself',   $$select 1 from public.messages m join public.messages n using ({x})$$, 'role', 'content'),
    ('semi-join',      $$select 1 from public.messages m where content in (select c from (values ('{x}')) v(c))$$, 'PIN=4821', 'PIN=0000'),
    ('grouping',       $$select {x} from public.messages group by 1$$, 'role', 'content'),
    ('distinct',       $$select distinct {x} from public.pmsg$$, 'role', 'content'),
    ('expression index', $$select 1 from public.messages where upper(content) = '{x}'$$, 'PIN=4821', 'PIN=0000'),
    ('extended, MCV',  $$select 1 from public.messages where session_id = 'sess-B' and role = 'user' and content = '{x}'$$, 'PIN=4821', 'PIN=0000'),
    ('extended, ndistinct', $$select 1 from public.messages group by {x}$$, 'session_id, role', 'session_id, content'),
    ('extended, expression', $$select 1 from public.messages where (length(content) % 7) = {x}$$, '1', '5'),
    ('any array',      $$select 1 from public.messages where content = any (array['{x}', 'b'])$$, 'PIN=4821', 'PIN=0000'),
    ('like',           $$select 1 from public.messages where content like '{x}%'$$, 'PIN=', 'QIN=')
  ) as v(w, q, hit, miss))
select coalesce(string_agg(w, ', ') filter (where hit <> miss), '') as via, string_agg(format('  %s: %s %s', w, hit, miss), E'\n') as outcome from o \gset
rollback;
\warn :outcome
\c - :su
select :'via' <> '' as leak, :'via' = '?' as norun \gset
\if :norun
\set other 'attack code did not run'
\endif
\ir _verdict.sql
