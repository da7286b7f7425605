-- vector: whether a partition can be added beside the default one says whether it has rows of that key
-- class: covert
-- actor: attacker
-- precondition: the application's role owns the table
-- expected with sessmem: LEAK (docs/security.md: volume and time)
-- stopped by: refused DDL: whatever compares with rows that are not his
-- severity: high
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\ir _ways.sql
create table public.parts(id bigint not null, session_id text not null, content text) partition by list (content);
create table public.rest partition of public.parts default;
insert into public.parts values (1, 'sess-B', 'CANARY-B-two');
\c - :su
select t_protect('public.parts');
\c - :app
insert into plugin.way(w, q, r)
select w, q, 'select ''done'''
from (values
  ('partition beside the default one', $$create table plugin.p partition of public.parts for values in ('{guess}')$$),
  ('ATTACH beside the default one', $$create table plugin.p(like public.parts including all); alter table public.parts attach partition plugin.p for values in ('{guess}')$$)
) as v(w, q);
\ir _ask_ways.sql
\ir _verdict.sql
