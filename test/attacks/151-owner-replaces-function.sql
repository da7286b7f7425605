-- vector: a check or a domain with a harmless function are there already; its body is replaced, and all rows are checked
-- class: read
-- actor: attacker
-- precondition: the application's role owns the table and the function; a superuser let the check and the domain be made
-- expected with sessmem: BLOCKED
-- stopped by: refused: a check over all rows, whatever its function does
-- severity: critical
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\ir _ways.sql
create function plugin.fine(t text) returns boolean immutable language plpgsql as $$ begin return true; end $$;
create domain plugin.checked as text;
\c - :su
alter table public.messages add constraint c check (plugin.fine(content)) not valid;
alter table public.messages alter column content type plugin.checked;
\c - :app
create function plugin.swap() returns void language plpgsql as $$
begin
  create or replace function plugin.fine(t text) returns boolean immutable language plpgsql as 'begin return plugin.tells(t); end';
end $$;
insert into plugin.way(w, q, r)
select w, 'select plugin.swap(); ' || q, 'select ''done'''
from (values
  ('VALIDATE',      'alter table public.messages validate constraint c'),
  ('ALTER DOMAIN',  'alter domain plugin.checked add check (plugin.fine(value))'),
  ('ALTER DOMAIN, VALIDATE', 'alter domain plugin.checked add constraint d check (plugin.fine(value)) not valid; alter domain plugin.checked validate constraint d'),
  ('ALTER DOMAIN, builtin', 'alter domain plugin.checked add check (value::int > 0)')
) as v(w, q);
\ir _try_ways.sql
\ir _verdict.sql
