-- vector: the owner drops, replaces and alters policies
-- class: priv
-- actor: attacker
-- precondition: the application's role owns the table
-- expected with sessmem: BLOCKED
-- stopped by: event trigger: policies added, altered or dropped; the hook's restrictive floor
-- severity: critical
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\ir _ways.sql
create function plugin.each_policy(statement text) returns void language plpgsql as $$
declare p name;
begin
  for p in select polname from pg_policy where polrelid = 'public.messages'::regclass loop
    execute format(statement, p);
  end loop;
end $$;
insert into plugin.way(w, q) values
  ('ALTER POLICY',    $$select plugin.each_policy('alter policy %I on public.messages using (true)')$$),
  ('DROP and CREATE', $$select plugin.each_policy('drop policy %I on public.messages'); create policy p on public.messages using (true)$$),
  ('CREATE POLICY',   $$create policy p on public.messages for select using (true)$$),
  ('narrowed to a role', $$select plugin.each_policy('alter policy %I on public.messages to atk_x'); create policy p on public.messages using (true)$$),
  ('renamed',         $$select plugin.each_policy('alter policy %I on public.messages rename to p'); create policy q on public.messages using (true)$$),
  ('own rows only by name', $$select plugin.each_policy('drop policy %I on public.messages');
     create policy sessmem_permissive on public.messages using (true); create policy sessmem_restrictive on public.messages as restrictive using (true)$$);
\ir _try_ways.sql
\ir _verdict.sql
