-- vector: ON UPDATE CASCADE, SET NULL and SET DEFAULT write into foreign rows, or into the key
-- class: write
-- actor: attacker
-- precondition: the table refers to tables that are not protected, and the application may write there
-- expected with sessmem: BLOCKED
-- stopped by: guard: fires for cascades
-- severity: critical
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\ir _ways.sql
create table public.users(id int primary key);
create table public.sessions(id text primary key);
create table public.bodies(content text primary key);
insert into public.users values (0), (1), (2);
insert into public.sessions values ('sess-A'), ('sess-B'), ('sess-C');
begin; select t_bind('sess-A'); insert into public.bodies select content from public.messages on conflict do nothing; commit;
begin; select t_bind('sess-B'); insert into public.bodies select content from public.messages on conflict do nothing; commit;
\c - :su
alter table public.messages add column user_id int default 0 references public.users on update cascade on delete set default;
alter table public.messages add foreign key (session_id) references public.sessions on update cascade on delete cascade;
alter table public.messages add foreign key (content) references public.bodies on update cascade on delete set null;
select count(*) <> 3 as norun from pg_constraint where conrelid = 'public.messages'::regclass and contype = 'f' \gset
\if :norun
\set other 'there are no cascades'
\endif
\c - :app
begin; select t_bind('sess-B'); update public.messages set user_id = 2; commit;
insert into plugin.way(w, q, r)
select w, q, 'select ''CANARY-B was written to'''
from (values
  ('a column, UPDATE',     'update public.users set id = 9 where id = 2'),
  ('a column, DELETE',     'delete from public.users where id = 2'),
  ('content, UPDATE',      $$update public.bodies set content = 'PWN' where content = 'CANARY-B-one'$$),
  ('content, DELETE',      $$delete from public.bodies where content = 'CANARY-B-one'$$),
  ('key, taken over',      $$delete from public.messages; delete from public.sessions where id = 'sess-A'; update public.sessions set id = 'sess-A' where id = 'sess-B'$$),
  ('key, handed over',     $$delete from public.sessions where id = 'sess-C'; update public.sessions set id = 'sess-C' where id = 'sess-A'$$),
  ('key, DELETE',          $$delete from public.sessions where id = 'sess-B'$$)
) as v(w, q);
\ir _try_ways.sql
\ir _verdict.sql
