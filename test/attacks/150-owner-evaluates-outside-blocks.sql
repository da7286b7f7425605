-- vector: the same by commands that run outside of a transaction, and whose messages the client keeps
-- class: read
-- actor: attacker
-- precondition: the application's role owns the table
-- expected with sessmem: BLOCKED
-- stopped by: refused before it runs: expressions over all rows with functions that are not leakproof
-- severity: critical
\i :adapter
\ir _sane.sql
\ir _app_owns.sql
\ir _ways.sql
\! psql -XAt -U $ATK_APP -c "create index concurrently on public.messages (plugin.tell(content))" > $ATK_TMP/t_cic 2>&1
\! psql -XAt -U $ATK_APP -c "alter table public.messages add constraint c check (plugin.tells(content)) not valid" -c "alter table public.messages validate constraint c" > $ATK_TMP/t_validate 2>&1
\! psql -XAt -U $ATK_APP -c "create statistics plugin.st on plugin.tell(content), id from public.messages" -c "vacuum analyze public.messages" > $ATK_TMP/t_analyze 2>&1
\set via `cd $ATK_TMP; grep -l 'told of CANARY-B' t_cic t_validate t_analyze | tr '\n' ' '`
select :'via' <> '' as leak \gset
\ir _sane.sql
\c - :su
\ir _verdict.sql
