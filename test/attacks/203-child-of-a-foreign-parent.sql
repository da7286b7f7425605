-- vector: a row that knows its session by its parent is hung below somebody else's parent, by every form of write
-- class: write
-- actor: attacker
-- precondition: any SQL; a table of children without a key column of their own
-- expected with sessmem: BLOCKED
-- stopped by: a key column that protect() keeps, and a policy: the parent must be the session's own
-- severity: high
\i :adapter
\c - :su
create table public.chats(id int primary key, session_id text);
create table public.replies(id int, kind int, chat int references public.chats, body text, primary key (kind, id)) partition by list (kind);
create table public.replies_1 partition of public.replies for values in (1);
create table public.replies_2 partition of public.replies for values in (2);
insert into public.chats values (1, 'sess-A'), (2, 'sess-B');
insert into public.replies values (1, 1, 1, 'of A'), (2, 1, 2, 'CANARY-B reply');
select t_protect_child('public.replies', 'chat');
select t_protect('public.chats');
grant select, insert, update, delete on public.chats, public.replies, public.replies_1, public.replies_2 to :app;
create schema plugin authorization :app;
\c - :app
\ir _ways.sql
alter table plugin.way alter r set default $$select string_agg('CANARY-B: ' || body, '|') from public.replies where chat = 2 or body like 'CANARY%'$$;
insert into plugin.way(w, q) values
  ('read',               'select 1'),
  ('insert',             $$insert into public.replies values (3, 1, 2, 'POISON')$$),
  ('several rows',       $$insert into public.replies values (3, 1, 1, 'x'), (4, 1, 2, 'POISON')$$),
  ('insert select',      $$insert into public.replies select 3, 1, 2, 'POISON'$$),
  ('partition',          $$insert into public.replies_2 values (3, 2, 2, 'POISON')$$),
  ('update',             'update public.replies set chat = 2'),
  ('move and update',    'update public.replies set kind = 2, chat = 2'),
  ('update from',        'update public.replies r set chat = v.c from (values (2)) v(c)'),
  ('on conflict',        $$insert into public.replies values (1, 1, 1, 'x') on conflict (kind, id) do update set chat = 2$$),
  ('on conflict, his',   $$insert into public.replies values (2, 1, 1, 'POISON') on conflict (kind, id) do update set body = 'POISON'$$),
  ('merge insert',       $$merge into public.replies r using (values (9)) v(i) on r.id = v.i when not matched then insert values (9, 1, 2, 'POISON')$$),
  ('merge update',       'merge into public.replies r using (values (1)) v(i) on r.id = v.i when matched then update set chat = 2'),
  ('cte',                $$with w as (insert into public.replies values (3, 1, 2, 'POISON') returning 1) select * from w$$),
  ('no parent, then his', $$insert into public.replies values (3, 1, null, 'x'); update public.replies set chat = 2 where id = 3$$),
  ('his parent becomes mine', $$update public.chats set session_id = 'sess-A' where id = 2; insert into public.replies values (3, 1, 2, 'POISON')$$),
  ('my parent becomes his',   $$update public.chats set id = 3; update public.chats set session_id = 'sess-B' where id = 3$$),
  ('delete his parent',  'delete from public.chats where id = 2'),
  ('a parent of my own', $$create temp table chats(id int) on commit drop; insert into chats values (2); set local search_path = pg_temp, public; insert into public.replies values (3, 1, 2, 'POISON')$$);
\ir _try_ways.sql
\ir _verdict.sql
