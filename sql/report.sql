-- audit_report(): everything an auditor asks, and nothing that anybody can write into it.
\set SHOW_CONTEXT never

-- escaping
SELECT sessmem.html_escape($$<a href="x" title='y'>&amp;</a>$$);
SELECT sessmem.html_escape(NULL) = '' AS nothing, sessmem.html_escape(E'a\x01b\x1f\x7f\tc\nd\re');
-- in any encoding the same; what hides or turns text is shown
SELECT sessmem.html_escape(U&'caf\00e9 \4e2d \+01f600'), sessmem.html_escape(U&'user\202egnp.exe\202c \200b \feff');
SELECT sessmem.report_html('<p class="%s">%s</p>', '"><script>', NULL);
\pset format unaligned
SELECT replace(sessmem.report_table('<', ARRAY['A>', 'B'], ARRAY[ARRAY['1<', '2&'], ARRAY[NULL, repeat('x', 1001)]], 'nothing', 7, '"t<'), repeat('x', 1000), '(1000 x)');
\pset format aligned
SELECT sessmem.report_table('', ARRAY['A'], '{}', 'nothing <here>', 0, '') = sessmem.report_table('', ARRAY['A'], NULL, 'nothing <here>', NULL, '') AS the_same,
	sessmem.report_table('', ARRAY['A'], '{}', 'nothing <here>', 0, '');

-- hostile names, and what a report usually has
CREATE ROLE "regress_sessmem_<b onclick='x'>" LOGIN IN ROLE pg_execute_server_program, regress_sessmem_admin;
CREATE TABLE "report_<script>alert(1)</script>" (session_id text);
CREATE POLICY "</pre><script>" ON "report_<script>alert(1)</script>" USING (session_id <> '</pre></td><script>alert("2")</script>&amp;');
CREATE TABLE report_events (tenant uuid, "user" bigint, session_id varchar(40), at int) PARTITION BY RANGE (at);
SELECT format('CREATE TABLE report_events_%s PARTITION OF report_events FOR VALUES FROM (%s) TO (%s)', i, i, i + 1) FROM generate_series(1, 4) AS i \gexec
CREATE TABLE report_plain (session_id text);
ALTER TABLE report_plain OWNER TO regress_sessmem_owner;
-- more findings of a kind than a page shows
SELECT format('CREATE TABLE report_many_%s (session_id text)', i), format('ALTER TABLE report_many_%s ENABLE ROW LEVEL SECURITY', i),
	format('CREATE POLICY by_setting ON report_many_%s USING (session_id = current_setting(''app.sid''))', i) FROM generate_series(1, 17) AS i
\set ECHO none
\gexec
\set ECHO all
GRANT INSERT ON "report_<script>alert(1)</script>" TO regress_sessmem_app;
SET client_min_messages = error;
SELECT sessmem.protect('"report_<script>alert(1)</script>"');
SELECT sessmem.protect('report_events', user_column => 'user', tenant_column => 'tenant');
SELECT sessmem.protect('report_plain');
RESET client_min_messages;
ALTER TABLE report_events_2 NO FORCE ROW LEVEL SECURITY;
ALTER TABLE report_events_3 DISABLE TRIGGER zzz_sessmem_guard;
SELECT sessmem.create_key('report-<k>') \gset key_
SELECT sessmem.retire_key('report-<k>');
BEGIN;
SELECT sessmem.maintenance('</td><img src=x onerror="alert(3)"> & a reason');
COMMIT;

-- refused, and recorded
SET SESSION AUTHORIZATION regress_sessmem_app;
SET application_name = 'report <script>alert(4)</script>';
INSERT INTO "report_<script>alert(1)</script>" VALUES ('s');
RESET application_name;

-- fail: not an administrator
SELECT sessmem.audit_report();

SET SESSION AUTHORIZATION regress_sessmem_admin;
SELECT sessmem.audit_report() AS page \gset
RESET SESSION AUTHORIZATION;
-- well-formed, so that what is hostile can be nothing but text
CREATE TABLE report (page xml);
INSERT INTO report VALUES (xmlparse(DOCUMENT :'page'));
SELECT x.* FROM report, XMLTABLE('/html/body/main/section' PASSING page COLUMNS id text PATH '@id', heading text PATH 'h2') AS x;
SELECT DISTINCT x.element AS unexpected FROM report, XMLTABLE('//*' PASSING page COLUMNS element text PATH 'name()') AS x
	WHERE x.element NOT IN ('html', 'head', 'meta', 'title', 'style', 'body', 'header', 'h1', 'span', 'p', 'b', 'dl', 'dt', 'dd', 'nav', 'ul', 'li', 'a', 'main', 'section', 'h2', 'h3', 'h4', 'h5',
		'article', 'pre', 'code', 'table', 'caption', 'thead', 'tbody', 'tr', 'th', 'td', 'details', 'summary', 'footer');
SELECT DISTINCT x.attribute AS unexpected FROM report, XMLTABLE('//@*' PASSING page COLUMNS attribute text PATH 'name()') AS x
	WHERE x.attribute NOT IN ('lang', 'charset', 'http-equiv', 'content', 'name', 'class', 'id', 'href', 'scope', 'tabindex', 'data-label', 'aria-label', 'aria-labelledby');
-- the style sheet is the one that the page allows
SELECT x.policy = format('default-src ''none''; style-src ''sha256-%s''; base-uri ''none''; form-action ''none''', encode(sha256(convert_to(x.style, 'UTF8')), 'base64')) AS allowed
	FROM report, XMLTABLE('/html/head' PASSING page COLUMNS policy text PATH 'meta[@http-equiv]/@content', style text PATH 'style') AS x;
SELECT :'page' ~ '^[\x01-\x7f]*$' AS ascii;

CREATE VIEW report_rows AS
	SELECT x.* FROM report, XMLTABLE('//section/table/tbody/tr' PASSING page COLUMNS section text PATH '../../../@id', caption text PATH '../../caption',
		a text PATH 'th', b text PATH 'td[1]', c text PATH 'td[2]', d text PATH 'td[3]', e text PATH 'td[4]', f text PATH 'td[5]', g text PATH 'td[6]') AS x;
\pset format unaligned
SELECT a AS name, b AS keys, c = current_user OR c = 'regress_sessmem_owner' AS owner, d AS partitions, e AS storage, f AS write, g AS accepted
	FROM report_rows WHERE section = 'protection' AND a LIKE 'public.%report\_%' ORDER BY a COLLATE "C";
\pset format aligned
SELECT a AS power, w.who FROM report_rows, string_to_table(b, E'\n') AS w (who)
	WHERE section = 'bypasses' AND w.who ~ '^"?regress_sessmem_(<b|admin|issuer|owner|dba)' ORDER BY 1, 2;
SELECT b AS kind, c AS "table", d AS who, f LIKE 'cannot insert into%' AS message FROM report_rows
	WHERE section = 'refusals' AND caption = 'The last ones' AND e = 'report <script>alert(4)</script>';
SELECT a AS kid, b AS alg, c AS age, split_part(d, ' ', 1) AS state FROM report_rows WHERE caption LIKE 'Keys%' AND a = 'report-<k>';
SELECT c AS reason FROM report_rows WHERE caption LIKE 'Uses of maintenance%' AND c LIKE '</td>%';

-- the findings are those of audit(), none more, and all but those that it says are left out
CREATE TABLE report_found AS SELECT x.* FROM report, XMLTABLE('//article' PASSING page
	COLUMNS check_id text PATH 'preceding-sibling::h4[1]/code', object text PATH 'h5', finding text PATH 'p[1]') AS x;
SET SESSION AUTHORIZATION regress_sessmem_admin;
CREATE TEMPORARY TABLE audited AS SELECT * FROM sessmem.audit();
GRANT SELECT ON audited TO PUBLIC;
RESET SESSION AUTHORIZATION;
SELECT check_id, object, finding FROM report_found EXCEPT SELECT check_id, object, finding FROM audited;
SELECT (SELECT count(*) FROM report_found) + (
	SELECT coalesce(sum(substring(x.note FROM 'Left out here: (\d+)')::int), 0)
	FROM report, XMLTABLE('//section[@id="findings"]/p' PASSING page COLUMNS note text PATH '.') AS x) = count(*) AS all_counted, (SELECT count(*) FROM report_found) < count(*) AS shortened FROM audited;
-- and every check has passed or has findings
(SELECT x.check_id FROM report, XMLTABLE('//details//code' PASSING page COLUMNS check_id text PATH '.') AS x UNION ALL SELECT DISTINCT check_id FROM audited)
EXCEPT ALL SELECT check_id FROM sessmem.audit_check;
SELECT check_id FROM sessmem.audit_check EXCEPT ALL
(SELECT x.check_id FROM report, XMLTABLE('//details//code' PASSING page COLUMNS check_id text PATH '.') AS x UNION ALL SELECT DISTINCT check_id FROM audited);

DROP TABLE "report_<script>alert(1)</script>", report_events, report_plain, report CASCADE;
SELECT format('DROP TABLE report_many_%s', i) FROM generate_series(1, 17) AS i
\set ECHO none
\gexec
\set ECHO all
DROP TABLE report_found, audited;
DROP ROLE "regress_sessmem_<b onclick='x'>";
