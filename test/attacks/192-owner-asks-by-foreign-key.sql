-- vector: a foreign key from the protected table to one of the owner's own: whether a row there can be deleted says whether some row of another session has its value
-- class: covert
-- actor: attacker
-- precondition: the application's role owns the table
-- expected with sessmem: LEAK
-- stopped by: nothing: integrity checks see everything; a foreign key of such a kind is an everyday thing
-- severity: high
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\ir _ways.sql
create table plugin.g(content text primary key);
insert into plugin.g values ('{guess}'), ('CANARY-B-two'), ('CANARY-B-tw0');
insert into plugin.way(w, q, r)
select w, q, 'select ''done'''
from (values
  ('foreign key to his own table', $$alter table public.messages add foreign key (content) references plugin.g not valid; delete from plugin.g where content = '{guess}'$$)
) as v(w, q);
\ir _ask_ways.sql
\ir _verdict.sql
