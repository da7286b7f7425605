-- vector: the owner drops, replaces or rewrites the key column, so that all rows are his session's
-- class: priv
-- actor: attacker
-- precondition: the application's role owns the table
-- expected with sessmem: BLOCKED
-- stopped by: event trigger: key column dropped, policies dropped; the type of a column in a policy cannot change
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
  ('DROP COLUMN',      $$alter table public.messages drop column session_id cascade; create policy p on public.messages using (true)$$),
  ('dropped and new',  $$alter table public.messages drop column session_id cascade; alter table public.messages add column session_id text default 'sess-A';
                         create policy p on public.messages using (session_id = t_session())$$),
  ('renamed and new',  $$alter table public.messages rename column session_id to old_id; alter table public.messages add column session_id text default 'sess-A'$$),
  ('swapped',          $$alter table public.messages rename column session_id to old_id; alter table public.messages rename column role to session_id$$),
  ('TYPE USING',       $$alter table public.messages alter column session_id type varchar using 'sess-A'$$),
  ('TYPE USING, without policies', $$select plugin.each_policy('drop policy %I on public.messages');
                         alter table public.messages alter column session_id type varchar using 'sess-A';
                         create policy p on public.messages using (session_id = t_session())$$),
  ('COLLATE',          $$select plugin.each_policy('drop policy %I on public.messages');
                         create collation plugin.any (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
                         alter table public.messages alter column session_id type text collate plugin.any;
                         create policy p on public.messages using (true)$$);
insert into plugin.way(w, q, r) values
  ('DROP NOT NULL',    $$alter table public.messages alter column session_id drop not null; insert into public.messages(session_id, role, content) values (null, 'user', 'x')$$,
                       $$select 'a row of nobody''s, CANARY-B included'$$),
  ('recall by another column', $$alter table public.messages rename column session_id to old_id; alter table public.messages add column session_id text default 'sess-A'$$,
                       $$select string_agg(m::text, '|') from public.messages as m where session_id = 'sess-A'$$);
\ir _try_ways.sql
\ir _verdict.sql
