-- public.look() by the application, bound to sess-A and unbound, and by the owner; adds :what to :via
\set b f
\set u f
\set o f
\set wrote f
\c - :app
begin; select t_bind('sess-A');
select hit as b from public.look() \gset
rollback;
select hit as u from public.look() \gset
begin; select t_bind('sess-A');
insert into public.messages(session_id, role, content) values ('sess-B', 'user', 'POISON') returning true as wrote \gset
rollback;
\c - :owner
select hit as o from public.look() \gset
select concat_ws(', ', nullif(:'via', ''), case when :'b' then :'what' || ' (bound)' end, case when :'u' then :'what' || ' (unbound)' end,
  case when :'o' then :'what' || ' (owner)' end, case when :'wrote' then :'what' || ' (write)' end) as via \gset
\c - :su
