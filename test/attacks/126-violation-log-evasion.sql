-- vector: attack followed by ROLLBACK leaves no trace
-- class: drift
-- actor: attacker
-- precondition: attacker rolls back
-- expected with sessmem: BLOCKED
-- stopped by: violations in shared memory, which a rollback does not reach
-- severity: medium
\i :adapter
\ir _sane.sql
\c - :su
select t_violations() as v0 \gset
\c - :app
begin; select t_bind('sess-A');
insert into public.messages(session_id,role,content) values ('sess-B','u','POISON');
rollback;
\c - :su
select t_violations() as v1 \gset
select (:v1 <= :v0) as leak \gset
\ir _verdict.sql
