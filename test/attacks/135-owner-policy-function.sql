-- vector: a function in a policy of the owner's sees rows before, or beside, the session's policy
-- class: read
-- actor: attacker
-- precondition: the application's role owns the table
-- expected with sessmem: BLOCKED
-- stopped by: event trigger: a policy was added
-- severity: critical
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\ir _ways.sql
insert into plugin.way(w, q) values
  ('permissive',  $$create policy p on public.messages using (plugin.tells(content))$$),
  ('for select',  $$create policy p on public.messages for select using (plugin.tells(content))$$),
  ('restrictive, first by name', $$create policy "AAA" on public.messages as restrictive using (plugin.tells(content))$$),
  ('restrictive, last by name',  $$create policy zzzz on public.messages as restrictive using (plugin.tells(content))$$),
  ('to one role', $$create policy "AAA" on public.messages as restrictive for select to atk_app using (plugin.tells(content))$$);
-- the planner puts cheap leakproof conditions first, whichever policy they are of, unless nothing is cheap
insert into plugin.way(w, q)
select w || ', cost 0', q || '; set local cpu_operator_cost = 0' from plugin.way order by n;
insert into plugin.way(w, q, r) values
  ('for update',  $$create policy "AAA" on public.messages as restrictive for update using (plugin.tells(content))$$,
                  $$with u as (update public.messages set role = role returning content) select string_agg(content, '|') from u$$),
  ('for delete',  $$create policy "AAA" on public.messages as restrictive for delete using (plugin.tells(content))$$,
                  $$with u as (delete from public.messages returning content) select string_agg(content, '|') from u$$);
\ir _try_ways.sql
\ir _verdict.sql
