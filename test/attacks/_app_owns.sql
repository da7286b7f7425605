-- from here on the application's role owns the table (one role for migrations and runtime) and a schema;
-- the positive control once more, as the owner
\c - :su
alter table public.messages owner to :app;
grant create on schema public to :app;
create schema plugin authorization :app;
grant usage on schema plugin to public;
\ir _sane.sql
