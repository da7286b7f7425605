-- vector: no function of the owner's: builtin ones tell, by their error messages or by what they leave behind
-- class: read
-- actor: attacker
-- precondition: the application's role owns the table
-- expected with sessmem: BLOCKED
-- stopped by: refused before it runs: expressions over all rows with functions that are not leakproof, builtin or not
-- severity: critical
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\ir _ways.sql
create type plugin.mood as enum ('fine');
create domain plugin.short as text check (length(value) < 3);
-- his own rows come after the others
begin; select t_bind('sess-A'); update public.messages set role = role; commit;
insert into plugin.way(w, q, r)
select w, q, 'select current_setting(''atk.buf'', true)'
from (values
  ('CHECK, cast to int',     'alter table public.messages add check (content::int > 0)'),
  ('CHECK, cast to uuid',    'alter table public.messages add check (content::uuid is not null)'),
  ('CHECK, set_config',      $$alter table public.messages add check (set_config('atk.buf', concat(current_setting('atk.buf', true), '|', content), false) is not null)$$),
  ('CHECK, failing row',     $$alter table public.messages add check (content not like 'CANARY-B%')$$),
  ('CHECK, failing row, later', $$alter table public.messages add constraint c check (content not like 'CANARY-B%') not valid; alter table public.messages validate constraint c$$),
  ('USING, cast to int',     'alter table public.messages alter column role type int using content::int'),
  ('USING, an enum',         'alter table public.messages alter column content type plugin.mood using content::plugin.mood'),
  ('USING, set_config',      $$alter table public.messages alter column role type text using set_config('atk.buf', concat(current_setting('atk.buf', true), '|', content), false)$$),
  ('USING, a date',          'alter table public.messages alter column content type date using content::date'),
  ('TYPE, too short',        'alter table public.messages alter column content type varchar(3)'),
  ('TYPE, a domain',         'alter table public.messages alter column content type plugin.short'),
  ('generated, cast to int', 'alter table public.messages add column x int generated always as (content::int) stored'),
  ('index, cast to int',     'create index on public.messages ((content::int))'),
  ('index predicate, cast',  'create index on public.messages (id) where content::int > 0'),
  ('unique index, twice',    'alter table public.messages add unique (role)'),
  ('partition key',          'create table plugin.p(id bigint not null, session_id text not null, role text, content text) partition by range ((content::int));
                              alter table plugin.p attach partition public.messages for values from (0) to (9)'),
  ('statistics',             'create statistics plugin.st on (content::int), id from public.messages; analyze public.messages')
) as v(w, q);
\ir _try_ways.sql
\ir _verdict.sql
