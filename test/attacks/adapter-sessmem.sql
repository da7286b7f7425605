-- adapter-sessmem.sql: the vectors against sessmem; the contract is in adapter-baseline.sql.
-- Server: shared_preload_libraries = 'pg_stat_statements,sessmem', wal_level = logical, max_prepared_transactions > 0.
\set ON_ERROR_STOP on
\set QUIET on
\pset pager off
\o /dev/null
\set impl sessmem
\set app atk_app
\set app2 atk_app2
\set owner atk_owner
\set x atk_x
\set su :USER
\set ctx_guc sessmem.session_id
\setenv ATK_APP :app
\setenv ATK_OWNER :owner
\setenv ATK_SU :su
\setenv ATK_DB :DBNAME
\setenv ATK_CTX_GUC :ctx_guc
\setenv ATK_SUOPT ''
\setenv ATK_ORDINARY ''
set client_min_messages = warning;

create role :app   login nosuperuser nobypassrls;
create role :app2  login nosuperuser nobypassrls;
create role :owner login nosuperuser nobypassrls;
create role :x     login nosuperuser nobypassrls;
grant usage, create on schema public to :owner;
grant usage on schema public to :app, :app2, :x;

-- what the installation guide asks for behind a transaction pooler (docs/security.md)
alter role :app  set track_activities = off;
alter role :app2 set track_activities = off;
alter role :app  set sessmem.allow_attach = off;
alter role :app2 set sessmem.allow_attach = off;

create extension pgcrypto schema public;
create extension sessmem;
-- the set-up of a vector writes and reads as the superuser, which only maintenance allows
alter role :su in database :DBNAME set sessmem.maintenance = 'attack vectors';
set sessmem.maintenance = 'attack vectors';
select sessmem.grant_app('atk_app'), sessmem.grant_app('atk_app2');

-- The superuser sets things up and looks at the outcome; t_ordinary() makes his connection one of any other day.
select current_setting('sessmem.maintenance', true) is not null as has_maintenance \gset
\if :has_maintenance
\setenv ATK_SUOPT '-c sessmem.maintenance=attacks'
\setenv ATK_ORDINARY '-c sessmem.maintenance='
alter role :su in database :DBNAME set sessmem.maintenance = 'the attack suite sets itself up';
set sessmem.maintenance = 'the attack suite sets itself up';
create function public.t_ordinary() returns void language sql as $$ select pg_catalog.set_config('sessmem.maintenance', '', false) $$;
create function public.t_maintain() returns void language plpgsql as $$ begin perform sessmem.maintenance('an administrator at work'); end $$;
\else
create function public.t_ordinary() returns void language sql as '';
create function public.t_maintain() returns void language sql as '';
\endif

set role :owner;
create table public.messages (id bigserial primary key, session_id text, role text, content text);
create index messages_session_idx on public.messages (session_id);
grant select, insert, update, delete on public.messages to :app, :app2;
grant usage, select on sequence public.messages_id_seq to :app, :app2;
reset role;

select sessmem.protect('public.messages');
begin;
select sessmem.assume('sess-A', 'user of sess-A');
insert into public.messages (role, content) values ('user','CANARY-A-one'), ('assistant','CANARY-A-two');
commit;
begin;
select sessmem.assume('sess-B', 'user of sess-B');
insert into public.messages (role, content) values ('user','CANARY-B-one'), ('assistant','CANARY-B-two'), ('user','CANARY-B-three');
commit;

-- The issuer: a login service of its own, with a key that the database only
-- verifies with.  (open_session() mints no expired token, and an attack needs one.)
-- Each session has a user of its own, and closing it is revoking his tokens.
create function public.t_b64url(b bytea) returns text language sql as
  $$ select translate(encode(b, 'base64'), E'+/=\n', '-_') $$;
create function public.t_secret() returns bytea language sql as
  $$ select sha256(convert_to('the issuer''s secret', 'UTF8')) $$;
select sessmem.import_key(jsonb_build_object('kty', 'oct', 'kid', 'atk', 'k', public.t_b64url(public.t_secret())));
create function public.t_token(s text, ttl interval default '1 hour') returns text language plpgsql security definer as $$
declare
  head text; body text;
begin
  head := public.t_b64url(convert_to('{"alg": "HS256", "kid": "atk"}', 'UTF8'));
  body := public.t_b64url(convert_to(jsonb_build_object('sid', s, 'sub', 'user of ' || s, 'aud', current_database(), 'role', 'atk_app',
    'exp', floor(extract(epoch from clock_timestamp() + ttl)))::text, 'UTF8'));
  return head || '.' || body || '.' || public.t_b64url(public.hmac(convert_to(head || '.' || body, 'UTF8'), public.t_secret(), 'sha256'));
end $$;
create function public.t_bind(s text) returns void language plpgsql as $$
begin
  if (select rolsuper from pg_catalog.pg_roles where rolname = session_user) and current_user = session_user then return; end if;
  perform sessmem.bind(public.t_token(s));
end $$;
create function public.t_bind_token(tok text) returns void language sql as $$ select sessmem.bind(tok) $$;
create function public.t_bind_session(s text) returns void language sql as $$ select sessmem.attach(public.t_token(s)) $$;
create function public.t_session() returns text language sql stable as $$ select sessmem.session_id() $$;
create function public.t_tamper(tok text, f text, t text) returns text language sql as $$
  select split_part(tok, '.', 1) || '.' ||
    public.t_b64url(convert_to(replace(convert_from(decode(translate(p, '-_', '+/') || repeat('=', (4 - length(p) % 4) % 4), 'base64'), 'UTF8'), f, t), 'UTF8')) ||
    '.' || split_part(tok, '.', 3)
  from split_part(tok, '.', 2) as p $$;
create function public.t_close(s text) returns void language sql as $$ select sessmem.revoke_user('user of ' || s) $$;
create function public.t_administrator(role regrole) returns void language sql as $$ select sessmem.grant_admin(role) $$;
create function public.t_protect(rel regclass) returns void language sql as $$ select sessmem.protect(rel) $$;
create function public.t_told(s text) returns boolean language sql as $$
  select exists (select from sessmem.violations where kind = 'foreign_write' and session_id = s) $$;
create function public.t_protect_child(rel regclass, parent name) returns void language sql as $$ select sessmem.protect(rel, parent => parent) $$;
create function public.t_violations() returns bigint language sql as $$ select coalesce(sum(count), 0)::bigint from sessmem.stat where event not in ('guarded_write', 'bind', 'attach', 'expiration', 'dropped') $$;
select to_regprocedure('sessmem.weaknesses(regclass)') is not null as has_weaknesses \gset
\if :has_weaknesses
create function public.t_audit() returns bigint language sql as $$
  select count(*) from sessmem.protected_table as p, sessmem.weaknesses(p.relation) $$;
\else
create function public.t_audit() returns bigint language sql as $$ select 0::bigint $$;
\endif
revoke execute on function public.t_secret(), public.t_protect(regclass), public.t_protect_child(regclass, name), public.t_close(text) from public;
\set ON_ERROR_STOP off
