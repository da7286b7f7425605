-- vector: is drift detected at all
-- class: drift
-- actor: honest bug
-- precondition: a superuser's migration changed one thing, and nobody notices
-- expected with sessmem: BLOCKED
-- stopped by: weaknesses()
-- severity: high
\i :adapter
\ir _sane.sql
\set leak f
\set via ''
\c - :su
-- the change is made, the findings are counted, and it is taken back
create function pg_temp.findings(change text) returns bigint language plpgsql as $$
declare n bigint; trig name; pol name;
begin
  select min(tgname) into trig from pg_trigger where tgrelid = 'public.messages'::regclass and not tgisinternal;
  select min(polname) into pol from pg_policy where polrelid = 'public.messages'::regclass;
  if change <> '' then execute format(change, trig, pol); end if;
  select t_audit() into n;
  raise exception using errcode = 'ATK01', message = n::text;
exception when sqlstate 'ATK01' then return sqlerrm::bigint;
end $$;
select string_agg(w, ', ') as via, count(*) > 0 as leak
from (values
  ('NO FORCE',         'alter table public.messages no force row level security'),
  ('DISABLE RLS',      'alter table public.messages disable row level security'),
  ('DROP POLICY',      'drop policy %2$I on public.messages'),
  ('ALTER POLICY',     'alter policy %2$I on public.messages using (true)'),
  ('DROP TRIGGER',     'drop trigger %1$I on public.messages'),
  ('DISABLE TRIGGER',  'alter table public.messages disable trigger %1$I'),
  ('ENABLE TRIGGER',   'alter table public.messages enable replica trigger %1$I'),
  ('DROP NOT NULL',    'alter table public.messages alter column session_id drop not null'),
  ('view of a superuser', 'create view public.v125 as select * from public.messages')
) as v(w, q)
where pg_temp.findings(q) <= pg_temp.findings('') \gset
\ir _verdict.sql
