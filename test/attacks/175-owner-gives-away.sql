-- vector: the owner gives the table, or dangerous privileges on it, to somebody else, who does the rest
-- class: priv
-- actor: attacker
-- precondition: the application's role owns the table, and is a member of another role
-- expected with sessmem: BLOCKED
-- stopped by: event trigger: owner changed; a trigger or a foreign key of somebody else's
-- severity: high
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\c - :su
grant :x to :app;
grant usage, create on schema public, plugin to :x;
select format('grant create on database %I to %I', current_database(), :'x') as sql \gset
:sql;
\c - :app
\ir _ways.sql
insert into plugin.way(w, q, r)
select w, q, 'select ''given away, CANARY-B and all'' from pg_class where oid = ''public.messages''::regclass and relowner <> ''atk_app''::regrole'
from (values
  ('OWNER TO', 'alter table public.messages owner to atk_x'),
  ('REASSIGN OWNED', 'reassign owned by atk_app to atk_x')
) as v(w, q);
insert into plugin.way(w, q, r) values
  ('GRANT TRIGGER', 'grant trigger on public.messages to atk_x; set local role atk_x; create function public.spy() returns trigger language plpgsql as ''begin return new; end'';
                     create trigger spy after insert on public.messages for each row execute function public.spy(); set local role atk_app',
                    'select ''CANARY-B is watched'' from pg_trigger where tgrelid = ''public.messages''::regclass and tgname = ''spy'''),
  ('GRANT REFERENCES', 'grant references on public.messages to atk_x; set local role atk_x; create table public.probe(id bigint references public.messages); set local role atk_app',
                    'select ''CANARY-B is held'' from pg_constraint where confrelid = ''public.messages''::regclass'),
  ('GRANT TRUNCATE', 'grant truncate on public.messages to atk_x; set local role atk_x; truncate public.messages; set local role atk_app', 'select ''CANARY-B is gone''');
\ir _try_ways.sql
\ir _verdict.sql
