-- vector: cancel or terminate the victim's connection: bound, unbound, in a function, by a helper
-- class: dos
-- actor: attacker
-- precondition: sessions share one database role
-- expected with sessmem: BLOCKED
-- stopped by: pg_terminate_backend() and pg_cancel_backend() are refused to the application's role
-- severity: medium
\i :adapter
\ir _sane.sql
\set via ''
\c - :su
create table public.attempts(w text, bound bool, q text);
insert into public.attempts values
  ('cancel',             true,  'select pg_cancel_backend(%s)'),
  ('cancel, unbound',    false, 'select pg_cancel_backend(%s)'),
  ('terminate',          true,  'select pg_terminate_backend(%s)'),
  ('terminate, unbound', false, 'select pg_terminate_backend(%s)'),
  ('in DO',              true,  'do $d$ begin perform pg_terminate_backend(%s); end $d$'),
  ('in DO, unbound',     false, 'do $d$ begin perform pg_terminate_backend(%s, 0); end $d$'),
  ('as a default',       true,  'create temp table t(i int, b bool default pg_terminate_backend(%s)) on commit drop; insert into t values (1)'),
  ('by name',            true,  'select query_to_xml(''select pg_catalog.pg_terminate_backend(%s)'', false, false, '''')');
grant select on public.attempts to :app;
\c - :app
-- one victim for each
\! for i in 1 2 3 4 5 6 7 8; do (PGAPPNAME=victim$i psql -XAtq -U $ATK_APP -c "begin" -c "select t_bind('sess-B')" -c "insert into public.messages(session_id,role,content) values ('sess-B','user','CANARY-B-long-$i')" -c "select pg_sleep(4)" -c "commit" >/dev/null 2>&1 &) ; done
select pg_sleep(1.5);
do $$
declare a record; victim int; n int := 0;
begin
  for a in select * from public.attempts loop
    n := n + 1;
    select pid into victim from pg_stat_activity where application_name = 'victim' || n;
    begin
      if a.bound then perform t_bind('sess-A'); end if;
      execute format(a.q, victim);
      if a.bound then raise exception 'done'; end if;
    exception when others then raise warning '% % %', a.w, victim, sqlerrm;
    end;
  end loop;
end $$;
select pg_sleep(5);
\c - :su
select coalesce(string_agg(w, ', '), '') as via from (select w, row_number() over () as n from public.attempts) as a
where not exists (select from public.messages where content = 'CANARY-B-long-' || n) \gset
select :'via' <> '' as leak \gset
\ir _verdict.sql
