-- vector: thousands of harmless refusals push the one that matters out of the record
-- class: drift
-- actor: attacker
-- precondition: any SQL
-- expected with sessmem: BLOCKED
-- stopped by: violations: each kind has a ring of its own, and counters that are exact
-- severity: medium
\i :adapter
\ir _sane.sql
\c - :su
select t_violations() as v0 \gset
\c - :app
begin; select t_bind('sess-A');
insert into public.messages(session_id,role,content) values ('sess-B','u','POISON');
rollback;
do $$
begin
  for i in 1 .. 3000 loop
    begin insert into public.messages(role,content) values ('u','POISON'); exception when others then null; end;
  end loop;
end $$;
\c - :su
select t_violations() - :v0 < 3001 or not t_told('sess-A') as leak \gset
\ir _verdict.sql
