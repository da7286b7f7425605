-- vector: in a database of the same server that sessmem is not installed in, somebody makes a schema of its name with tables and functions of its names
-- class: priv
-- actor: attacker
-- precondition: the library is preloaded; he may create schemas in some other database
-- expected with sessmem: BLOCKED
-- stopped by: the library looks for the extension, not for names
-- severity: critical
\i :adapter
\ir _sane.sql
\c - :su
create database atk2;
grant create on database atk2 to :app;
\c atk2 :app
create schema sessmem;
create table sessmem.ran(as_user text);
create function sessmem.check_all() returns void language plpgsql as $$ begin insert into sessmem.ran values (current_user); end $$;
create table sessmem.protected_table(relation regclass primary key, s text, u text, t text, attnums int2[]);
\c atk2 :su
reassign owned by :app2 to :owner;
\set leak t
select exists (select from sessmem.ran where as_user <> :'app') as leak \gset
\c atk2 :app
drop table sessmem.protected_table;
create table sessmem.t(i int);
create table sessmem.protected_table(relation regclass primary key, s text, u text, t text, attnums int8);
insert into sessmem.protected_table values ('sessmem.t', '', '', '', 1);
\! psql -XAtq -d atk2 -U $ATK_SU -c "select count(*) from sessmem.t" > $ATK_TMP/t_count 2>&1
\! sleep 3
\set counted `cat $ATK_TMP/t_count`
\c atk :su
select :'leak' or :'counted' <> '0' as leak, concat_ws(', ', case when :'leak' then 'runs as a superuser' end, case when :'counted' <> '0' then 'crashes the server' end) as via \gset
\ir _verdict.sql
