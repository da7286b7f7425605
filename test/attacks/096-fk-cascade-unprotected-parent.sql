-- vector: DELETE on an unprotected parent cascades into foreign rows (RI bypasses RLS)
-- class: destroy
-- actor: honest bug
-- precondition: messages.user_id REFERENCES users ON DELETE CASCADE; users not protected, app may DELETE
-- expected with sessmem: BLOCKED
-- stopped by: guard: fires for cascades
-- severity: critical
\i :adapter
\ir _sane.sql
\c - :su
set role :owner;
create table public.users(id int primary key);
grant select, delete on public.users to :app;
alter table public.messages add column user_id int references public.users on delete cascade;
reset role;
insert into public.users values (1),(2);
\c - :app
begin; select t_bind('sess-A'); update public.messages set user_id=2 where session_id='sess-A'; commit;
begin; select t_bind('sess-B'); update public.messages set user_id=1 where session_id='sess-B'; select count(*) <> 3 as unlinked from public.messages where user_id=1 \gset
commit;
\if :unlinked
\set other 'rows were not linked to the parent'
\endif
begin;
select t_bind('sess-A');
delete from public.users where id=1;
commit;
\c - :su
select (select count(*) from public.messages where session_id='sess-B' and content like 'CANARY-B-%') <> 3 as leak \gset
\ir _verdict.sql
