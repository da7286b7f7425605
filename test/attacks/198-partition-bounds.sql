-- vector: attaching a partition with rows computes its bounds over everybody's rows
-- class: covert
-- actor: attacker
-- precondition: the application's role owns the table
-- expected with sessmem: BLOCKED
-- stopped by: a protected table gets no new parent
-- severity: high
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\ir _ways.sql
create table public.par(id bigint not null, session_id text not null, content text) partition by range (id);
create table public.par1 partition of public.par for values from (0) to (10);
insert into public.par values (1, 'sess-B', 'CANARY-B-two');
\c - :su
select t_protect('public.par');
\c - :app
insert into plugin.way(w, q, r)
select w, q, 'select ''done'''
from (values
  ('bounds on the content', $$alter table public.par detach partition public.par1; create table public.mid partition of public.par for values from (0) to (10) partition by list (content); alter table public.mid attach partition public.par1 for values in ('{guess}')$$)
) as v(w, q);
\ir _ask_ways.sql
\ir _verdict.sql
