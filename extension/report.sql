-- report: the audit as one page for whoever has to be shown that isolation is on
--
-- audit_report() joins the sections below.  Names, policies, reasons and messages are
-- other people's text: report_html() and report_table() are the two ways into the page,
-- and both escape.  What is not a literal in this file goes through one of them.

-- ---------- escaping ----------

CREATE FUNCTION sessmem.html_escape(value text) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	value := replace(replace(replace(replace(replace(coalesce(value, ''),
		'&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'), '''', '&#39;');
	-- what no document may have
	IF value ~ E'[\\x01-\\x08\\x0b-\\x1f\\x7f]' THEN
		value := regexp_replace(value, E'[\\x01-\\x08\\x0b-\\x1f\\x7f]', '&#65533;', 'g');
	END IF;
	-- As references the page is the same in every encoding.  What turns the direction of
	-- text, or cannot be seen, is spelled out: it would make one name look like another.
	IF value ~ '[^\x01-\x7f]' AND getdatabaseencoding() = 'UTF8' THEN
		value := string_agg(CASE
				WHEN n < 128 THEN c
				WHEN n < 160 OR n IN (173, 1564, 6158, 65279, 65534, 65535)
					OR n BETWEEN 8203 AND 8207 OR n BETWEEN 8232 AND 8238 OR n BETWEEN 8288 AND 8303 OR n >= 917504
				THEN format('[U+%s]', lpad(upper(to_hex(n)), 4, '0'))
				ELSE format('&#%s;', n) END, '' ORDER BY i)
			FROM regexp_split_to_table(value, '') WITH ORDINALITY AS s (c, i), ascii(s.c) AS n;
	END IF;
	RETURN value;
END
$$;
COMMENT ON FUNCTION sessmem.html_escape(text) IS
	'Internal: text that is only text, in an HTML or XML element or in a quoted attribute; NULL is empty.';

CREATE FUNCTION sessmem.report_html(template text, VARIADIC vals text[]) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN format(template, VARIADIC ARRAY(
		SELECT sessmem.html_escape(v) FROM unnest(vals) WITH ORDINALITY AS u (v, i) ORDER BY i));
END
$$;
COMMENT ON FUNCTION sessmem.report_html(text, text[]) IS
	'Internal: format() of HTML, with every value escaped.';

CREATE FUNCTION sessmem.report_left_out(n bigint, source text) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN CASE WHEN n > 0 THEN sessmem.report_html(
		E'<p class="note">Left out here: %s. All of them: <code>SELECT * FROM %s</code></p>\n', n::text, source) END;
END
$$;
COMMENT ON FUNCTION sessmem.report_left_out(bigint, text) IS
	'Internal: says how much a list is shortened by, if it is.';

CREATE FUNCTION sessmem.report_table(caption text, labels text[], cells text[], nothing text, total bigint, source text) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	cell text;
	line text[];
	page text;
BEGIN
	IF cardinality(cells) IS NOT DISTINCT FROM 0 OR cells IS NULL THEN
		RETURN sessmem.report_html(E'<p class="note">%s</p>\n', nothing);
	END IF;
	page := sessmem.report_html(E'<table>\n<caption>%s</caption>\n<thead><tr>', caption);
	FOREACH cell IN ARRAY labels LOOP
		page := page || sessmem.report_html('<th scope="col">%s</th>', cell);
	END LOOP;
	page := page || E'</tr></thead>\n<tbody>\n';
	FOREACH line SLICE 1 IN ARRAY cells LOOP
		page := page || '<tr>';
		FOR i IN 1 .. cardinality(line) LOOP
			cell := CASE WHEN length(line[i]) > 1000 THEN left(line[i], 1000) || ' (cut)' ELSE line[i] END;
			page := page || sessmem.report_html(CASE i WHEN 1 THEN '<th scope="row" data-label="%s">%s</th>' ELSE '<td data-label="%s">%s</td>' END,
				labels[i], cell);
		END LOOP;
		page := page || E'</tr>\n';
	END LOOP;
	RETURN concat(page, E'</tbody>\n</table>\n', sessmem.report_left_out(total - array_length(cells, 1), source));
END
$$;
COMMENT ON FUNCTION sessmem.report_table(text, text[], text[], text, bigint, text) IS
	'Internal: a table of text cells, one row for each row of the array, or what to say if there is none.';

CREATE FUNCTION sessmem.report_time(at timestamptz) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"');
END
$$;
COMMENT ON FUNCTION sessmem.report_time(timestamptz) IS
	'Internal: a time that reads the same everywhere.';

-- ---------- sections ----------

CREATE FUNCTION sessmem.report_protection() RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	cells text[];
	total bigint;
BEGIN
	WITH RECURSIVE tree (root, relation) AS (
		SELECT p.relation, p.relation FROM sessmem.protected_table AS p
		WHERE NOT EXISTS (SELECT FROM pg_inherits AS i JOIN sessmem.protected_table AS q ON q.relation = i.inhparent
			WHERE i.inhrelid = p.relation)
		UNION
		SELECT t.root, i.inhrelid FROM tree AS t JOIN pg_inherits AS i ON i.inhparent = t.relation
	), member AS (
		SELECT t.root, p.name, p.accepted,
			c.relrowsecurity AND c.relforcerowsecurity
				AND sessmem.has_policy(p.relation, true) AND sessmem.has_policy(p.relation, false) AS stored,
			coalesce(g.truncate AND (g.row OR c.relkind = 'p'), false) AS guarded
		FROM tree AS t
			JOIN sessmem.protected_table AS p ON p.relation = t.relation
			JOIN pg_class AS c ON c.oid = p.relation
			LEFT JOIN (SELECT r.tgrelid,
					bool_or(r.tgfoid = 'sessmem.guard()'::regprocedure) AS row,
					bool_or(r.tgfoid = 'sessmem.guard_truncate()'::regprocedure) AS truncate
				FROM pg_trigger AS r
				WHERE r.tgenabled = 'A' AND r.tgname IN ('zzz_sessmem_guard', 'zzz_sessmem_truncate')
				GROUP BY r.tgrelid) AS g ON g.tgrelid = p.relation
	), line AS (
		SELECT m.root, count(*) AS members,
			count(*) FILTER (WHERE NOT m.stored) AS unstored, (array_agg(m.name ORDER BY m.name) FILTER (WHERE NOT m.stored))[1:3] AS unstored_names,
			count(*) FILTER (WHERE NOT m.guarded) AS unguarded, (array_agg(m.name ORDER BY m.name) FILTER (WHERE NOT m.guarded))[1:3] AS unguarded_names,
			(SELECT string_agg(w || CASE WHEN n > 1 THEN format(' (%s tables)', n) ELSE '' END, E'\n' ORDER BY w)
				FROM (SELECT w, count(*) AS n FROM member AS o, unnest(o.accepted) AS w WHERE o.root = m.root GROUP BY w) AS a) AS accepted
		FROM member AS m GROUP BY m.root
	), numbered AS (
		-- what needs to be looked at first
		SELECT row_number() OVER (ORDER BY l.unstored + l.unguarded = 0, l.accepted IS NULL, p.name COLLATE "C") AS i, count(*) OVER () AS n, l.*, p.name, c.relowner,
			concat_ws(E'\n', 'session: ' || quote_ident(p.session_column), 'user: ' || quote_ident(p.user_column), 'tenant: ' || quote_ident(p.tenant_column)) AS keys
		FROM line AS l JOIN sessmem.protected_table AS p ON p.relation = l.root JOIN pg_class AS c ON c.oid = l.root
	)
	SELECT array_agg(ARRAY[l.name, l.keys, l.relowner::regrole::text, (l.members - 1)::text,
			CASE l.unstored WHEN 0 THEN 'in force' ELSE format(E'NOT in force on %s of %s:\n%s', l.unstored, l.members, array_to_string(l.unstored_names, E'\n')) END,
			CASE l.unguarded WHEN 0 THEN 'in force' ELSE format(E'NOT in force on %s of %s:\n%s', l.unguarded, l.members, array_to_string(l.unguarded_names, E'\n')) END,
			coalesce(l.accepted, 'none')] ORDER BY l.i) FILTER (WHERE l.i <= 300), max(l.n)
		INTO cells, total FROM numbered AS l;

	RETURN concat(
		E'<p>Every row of a protected table belongs to the session, user and tenant that its key columns name. ',
		E'Three layers hold that, each without the others:</p>\n<ul>\n',
		E'<li><b>Storage</b>: row security that applies to the owner of the table, too, with a policy that later ones cannot widen.</li>\n',
		E'<li><b>Retrieval</b>: a read without a session returns nothing.</li>\n',
		E'<li><b>Write</b>: a trigger that cannot be switched off refuses rows without a session, or with somebody else&#39;s.</li>\n</ul>\n',
		sessmem.report_table('Protected tables, each with its partitions and children; those with gaps, or with weaknesses that an administrator accepted, first',
			ARRAY['Table', 'Keys', 'Owner', 'Partitions', 'Storage', 'Write', 'Accepted weaknesses'],
			cells, 'No table is protected.', total, 'sessmem.protected_table'),
		sessmem.report_table('Tables that are protected as they appear',
			ARRAY['Schema', 'Names LIKE', 'Keys'],
			(SELECT array_agg(ARRAY[quote_ident(a.schema), a.pattern,
					concat_ws(', ', 'session: ' || quote_ident(a.session_column), 'user: ' || quote_ident(a.user_column), 'tenant: ' || quote_ident(a.tenant_column))]
					ORDER BY a.schema, a.pattern)
				FROM (SELECT * FROM sessmem.auto_protection ORDER BY schema, pattern LIMIT 50) AS a),
			'No rule protects tables as they appear.', (SELECT count(*) FROM sessmem.auto_protection), 'sessmem.auto_protection'));
END
$$;
COMMENT ON FUNCTION sessmem.report_protection() IS
	'Internal: section of audit_report(): what is protected, and how.';

CREATE FUNCTION sessmem.report_findings(findings jsonb) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	f record;
	page text := '';
BEGIN
	IF findings = '[]' THEN
		RETURN E'<p class="note">There are none.</p>\n';
	END IF;
	FOR f IN
		WITH found AS (
			SELECT a.*, i, coalesce(c.title, '') AS title,
				row_number() OVER (PARTITION BY a.check_id ORDER BY i) AS nth, count(*) OVER (PARTITION BY a.check_id) AS of_check,
				row_number() OVER (PARTITION BY a.severity ORDER BY i) AS nth_severity, count(*) OVER (PARTITION BY a.severity) AS of_severity
			FROM jsonb_array_elements(findings) WITH ORDINALITY AS e (value, i)
				CROSS JOIN LATERAL jsonb_to_record(e.value) AS a (check_id text, severity text, object text, finding text, evidence text, fix text)
				LEFT JOIN sessmem.audit_check AS c USING (check_id)
		)
		-- the first of every check, so that none is left out, then as many as a page bears
		SELECT *, max(nth) OVER (PARTITION BY check_id) AS shown
		FROM (SELECT * FROM found WHERE nth <= 15 ORDER BY nth > 1, i LIMIT 250) AS s
		ORDER BY i
	LOOP
		IF f.nth_severity = 1 THEN
			page := page || sessmem.report_html(E'<h3><span class="severity %s">%s</span> %s</h3>\n', f.severity, f.severity,
				f.of_severity || CASE f.of_severity WHEN 1 THEN ' finding' ELSE ' findings' END);
		END IF;
		IF f.nth = 1 THEN
			page := page || sessmem.report_html(E'<h4><code>%s</code> <span>%s</span></h4>\n', f.check_id, 'required: ' || f.title);
		END IF;
		page := page || sessmem.report_html(
			E'<article class="finding %s">\n<h5>%s</h5>\n<p>%s</p>\n<p class="label">Evidence</p>\n<pre>%s</pre>\n<p class="label">Fix</p>\n<pre class="fix" tabindex="0">%s</pre>\n</article>\n',
			f.severity, f.object, f.finding,
			CASE WHEN length(f.evidence) > 1000 THEN left(f.evidence, 1000) || ' (cut)' ELSE f.evidence END,
			-- half a statement would be worse than none
			CASE WHEN length(f.fix) > 2000 THEN format('SELECT fix FROM sessmem.audit() WHERE check_id = %L AND object = %L;', f.check_id, f.object) ELSE f.fix END);
		IF f.nth = f.shown THEN
			page := concat(page, sessmem.report_left_out(f.of_check - f.shown, format('sessmem.audit() WHERE check_id = %L', f.check_id)));
		END IF;
	END LOOP;
	RETURN page;
END
$$;
COMMENT ON FUNCTION sessmem.report_findings(jsonb) IS
	'Internal: section of audit_report(): the findings of audit(), as an array of its rows.';

CREATE FUNCTION sessmem.report_checks(findings jsonb) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN coalesce((
		WITH checked AS (
			SELECT c.check_id, c.title, split_part(c.check_id, '.', 1) AS area,
				c.check_id NOT IN (SELECT e ->> 'check_id' FROM jsonb_array_elements(findings) AS e) AS passed
			FROM sessmem.audit_check AS c
		)
		SELECT string_agg(concat(
			sessmem.report_html(E'<details>\n<summary>%s: %s of %s passed</summary>\n<ul>\n', a.area, a.passed::text, a.n::text),
			a.items, E'</ul>\n</details>\n'), '' ORDER BY a.area)
		FROM (
			SELECT c.area, count(*) AS n, count(*) FILTER (WHERE c.passed) AS passed,
				string_agg(sessmem.report_html(E'<li>%s <code>%s</code></li>\n', c.title, c.check_id), '' ORDER BY c.check_id) FILTER (WHERE c.passed) AS items
			FROM checked AS c GROUP BY c.area
		) AS a WHERE a.passed > 0), E'<p class="note">None passed.</p>\n');
END
$$;
COMMENT ON FUNCTION sessmem.report_checks(jsonb) IS
	'Internal: section of audit_report(): the checks without findings, by area.';

CREATE FUNCTION sessmem.report_bypasses(preloaded boolean) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	cells text[];
BEGIN
	-- A power, who has it, and who can become those.  A superuser has them all, and is shown once.
	WITH RECURSIVE power (i, power, what) AS (VALUES
		(1, 'Superuser', 'Everything: rows, files, memory, key material. '
			|| CASE WHEN preloaded THEN 'Plans on protected tables are refused until he sets sessmem.maintenance, which the server log records.'
				ELSE 'Not refused, for the library is not preloaded.' END),
		(2, 'Owner of the extension', 'Replaces sessmem''s functions, and changes its tables.'),
		(3, 'BYPASSRLS', 'Row security does not apply. '
			|| CASE WHEN preloaded THEN 'Plans on protected tables are refused outside of maintenance.'
				ELSE 'Reads every session where granted SELECT, for the library is not preloaded.' END),
		(4, 'sessmem.maintenance set for good', 'Every connection of the role, or to the database, is in maintenance: changes of protection are not refused, writes of any session neither.'),
		(5, 'Administrator (may call maintenance())', 'Protects and unprotects, manages keys, sees sessions and violations, erases; in maintenance, with a reason that is recorded, changes what protects a table.'),
		(6, 'Issuer (may call assume())', 'Opens a session as any user, and so reads and writes whatever that user''s session may.'),
		(7, 'Reads or writes server files, runs programs', 'The files of every table, and the rights of the server''s own account.'),
		(8, 'REPLICATION', 'Copies the whole cluster, and decodes all changes.'),
		(9, 'CREATEROLE', CASE WHEN current_setting('server_version_num')::int < 160000
			THEN 'Grants itself any role that is no superuser, those with server files included.'
			ELSE 'Makes roles, and grants those that it administers.' END),
		(10, 'Owner of a protected table', 'Sees no other session. May drop columns that are no key, add constraints, and replace functions of its own that triggers already call.'),
		(11, 'Reads or writes all data', 'Every table without a grant. Row security applies, so other sessions stay out of reach; tables that are not protected do not.'),
		(12, 'Reads all statistics', 'Texts of all statements: what is not passed as a parameter is there to read.'),
		(13, 'Maintains all tables', 'VACUUM, REINDEX, LOCK TABLE: no rows, but everybody waits.'),
		(14, 'Signals connections', 'Cancels statements and ends connections.')
	), grant_of (i, holder) AS (
		SELECT 1, r.oid FROM pg_roles AS r WHERE r.rolsuper
		UNION SELECT 2, e.extowner FROM pg_extension AS e WHERE e.extname = 'sessmem'
		UNION SELECT 3, r.oid FROM pg_roles AS r WHERE r.rolbypassrls
		UNION SELECT 4, s.setrole FROM pg_db_role_setting AS s, unnest(s.setconfig) AS c
			WHERE c LIKE 'sessmem.maintenance=_%' AND s.setdatabase IN (0, (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database()))
		UNION SELECT CASE f.proname WHEN 'maintenance' THEN 5 ELSE 6 END, a.grantee
			FROM pg_proc AS f, aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) AS a
			WHERE f.oid IN ('sessmem.maintenance(text)'::regprocedure, 'sessmem.assume(text, text, text)'::regprocedure)
				AND a.privilege_type = 'EXECUTE' AND a.grantee <> f.proowner
		UNION SELECT 8, r.oid FROM pg_roles AS r WHERE r.rolreplication
		UNION SELECT 9, r.oid FROM pg_roles AS r WHERE r.rolcreaterole
		UNION SELECT 10, c.relowner FROM sessmem.protected_table AS p JOIN pg_class AS c ON c.oid = p.relation
		-- not all of them exist on every major
		UNION SELECT CASE WHEN r.rolname IN ('pg_read_all_data', 'pg_write_all_data') THEN 11 WHEN r.rolname = 'pg_read_all_stats' THEN 12
				WHEN r.rolname = 'pg_maintain' THEN 13 WHEN r.rolname = 'pg_signal_backend' THEN 14 ELSE 7 END, r.oid
			FROM pg_roles AS r WHERE r.rolname IN ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program',
				'pg_read_all_data', 'pg_write_all_data', 'pg_read_all_stats', 'pg_maintain', 'pg_signal_backend')
	), holds (i, holder, role) AS (
		SELECT g.i, g.holder, g.holder FROM grant_of AS g
		UNION
		SELECT h.i, h.holder, m.member FROM holds AS h JOIN pg_auth_members AS m ON m.roleid = h.role
	), who AS (
		SELECT DISTINCT ON (h.i, h.role) h.i, h.role,
			CASE WHEN h.role <> 0 THEN quote_ident(r.rolname) WHEN h.i = 4 THEN 'every role' ELSE 'PUBLIC' END
				|| CASE WHEN h.holder <> h.role THEN ' through ' || h.holder::regrole::text ELSE '' END
				|| CASE WHEN NOT r.rolcanlogin THEN ' (no login)' ELSE '' END AS name
		FROM holds AS h LEFT JOIN pg_roles AS r ON r.oid = h.role
		WHERE (h.role = 0 OR (r.rolname !~ '^pg_' AND (h.i IN (1, 2, 4) OR NOT r.rolsuper)))
		ORDER BY h.i, h.role, h.holder <> h.role, h.holder::regrole::text COLLATE "C"
	), line AS (
		SELECT w.i, count(*) AS n, (array_agg(w.name ORDER BY w.name COLLATE "C"))[1:25] AS names FROM who AS w GROUP BY w.i
	)
	SELECT array_agg(ARRAY[p.power,
			coalesce(array_to_string(l.names, E'\n') || CASE WHEN l.n > 25 THEN format(E'\nand %s more', l.n - 25) ELSE '' END, 'nobody'),
			p.what] ORDER BY p.i)
		INTO cells FROM power AS p LEFT JOIN line AS l USING (i);

	RETURN sessmem.report_table('Powers that reach beyond one session; members of a role that has one are named with it, superusers once',
		ARRAY['Power', 'Who has it', 'What it allows'], cells, '', NULL, '');
END
$$;
COMMENT ON FUNCTION sessmem.report_bypasses(boolean) IS
	'Internal: section of audit_report(): who can do more than one session may.';

CREATE FUNCTION sessmem.report_refusals() RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN concat(
		sessmem.report_table('By kind and table, the most recent first',
			ARRAY['Kind', 'Table', 'Times', 'Last', 'Roles'],
			(SELECT array_agg(ARRAY[v.kind, v.relation, v.n::text, sessmem.report_time(v.at), v.roles] ORDER BY v.at DESC, v.kind, v.relation)
				FROM (SELECT v.kind, v.relation, sum(v.count) AS n, max(v.at) AS at,
						string_agg(DISTINCT quote_ident(v.role), E'\n') AS roles
					FROM sessmem.violations AS v GROUP BY v.kind, v.relation ORDER BY max(v.at) DESC LIMIT 50) AS v),
			'Nothing was refused.', (SELECT count(*) FROM (SELECT DISTINCT v.kind, v.relation FROM sessmem.violations AS v) AS k), 'sessmem.violations'),
		sessmem.report_table('The last ones',
			ARRAY['At', 'Kind', 'Table', 'Who', 'Application', 'Message', 'Times'],
			(SELECT array_agg(ARRAY[sessmem.report_time(v.at), v.kind, v.relation,
					concat_ws(E'\n', 'role: ' || quote_ident(v.role), 'tenant: ' || v.tenant_id, 'user: ' || v.user_id, 'session: ' || v.session_id),
					v.application_name, v.message, v.count::text] ORDER BY v.at DESC, v.id DESC)
				FROM (SELECT * FROM sessmem.violations AS v ORDER BY v.at DESC, v.id DESC LIMIT 20) AS v),
			'', NULL, ''),
		sessmem.report_table('Reads without a session, which returned nothing',
			ARRAY['Table', 'Times', 'Counted since'],
			(SELECT array_agg(ARRAY[coalesce(s.relation::text, 'other tables'), s.count::text, sessmem.report_time(s.stats_reset)] ORDER BY s.count DESC, s.relation::text)
				FROM (SELECT * FROM sessmem.stat AS s WHERE s.event = 'unscoped_read' AND s.count > 0
					ORDER BY s.count DESC, s.relation::text LIMIT 50) AS s),
			'There were none.', (SELECT count(*) FROM sessmem.stat AS s WHERE s.event = 'unscoped_read' AND s.count > 0), 'sessmem.stat'));
END
$$;
COMMENT ON FUNCTION sessmem.report_refusals() IS
	'Internal: section of audit_report(): what was refused lately, and to whom.';

CREATE FUNCTION sessmem.report_operation() RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	window_start timestamptz := now() - interval '30 days';
BEGIN
	RETURN concat(
		sessmem.report_table('Sessions',
			ARRAY['State', 'Number'],
			(SELECT ARRAY[
				ARRAY['live', count(*) FILTER (WHERE s.lapses_at IS NULL OR s.lapses_at > now())::text],
				ARRAY['ended', count(*) FILTER (WHERE s.lapses_at <= now() AND s.ended_at IS NOT NULL)::text],
				ARRAY['expired', count(*) FILTER (WHERE s.lapses_at <= now() AND s.ended_at IS NULL)::text],
				ARRAY['revocations in force', (SELECT count(*) FROM sessmem.revocation AS r WHERE r.expires_at IS NULL OR r.expires_at > now())::text]]
				FROM sessmem.session AS s), '', NULL, ''),
		sessmem.report_table('Keys that verify tokens',
			ARRAY['Key id', 'Algorithm', 'Age in days', 'State'],
			(SELECT array_agg(ARRAY[k.kid, k.alg, floor(extract(epoch FROM now() - k.created_at) / 86400)::text,
					coalesce('retired ' || sessmem.report_time(k.retired_at), 'live')] ORDER BY k.retired_at IS NOT NULL, k.created_at DESC, k.kid)
				FROM (SELECT * FROM sessmem.keys AS k ORDER BY k.retired_at IS NOT NULL, k.created_at DESC, k.kid LIMIT 50) AS k),
			'There are none: no token is accepted.', (SELECT count(*) FROM sessmem.keys), 'sessmem.keys'),
		sessmem.report_table('Uses of maintenance in the last 30 days',
			ARRAY['At', 'Role', 'Reason'],
			(SELECT array_agg(ARRAY[sessmem.report_time(m.at), quote_ident(m.role), m.reason] ORDER BY m.at DESC)
				FROM (SELECT * FROM sessmem.maintenance_log AS m WHERE m.at > window_start ORDER BY m.at DESC LIMIT 100) AS m),
			'Maintenance was not used in the last 30 days.', (SELECT count(*) FROM sessmem.maintenance_log AS m WHERE m.at > window_start), 'sessmem.maintenance_log'));
END
$$;
COMMENT ON FUNCTION sessmem.report_operation() IS
	'Internal: section of audit_report(): sessions, keys and uses of maintenance.';

-- ---------- the page ----------

CREATE FUNCTION sessmem.report_style() RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $style$
BEGIN
	-- no "<" and "&" in here: the page is HTML and XML at once
	RETURN $$
:root { color-scheme: light dark; --page: #fff; --text: #1b1f24; --soft: #57606a; --line: #d4d8dd; --box: #f5f6f8; --link: #0b57a4;
	--critical: #a40e26; --high: #9a3b00; --medium: #755500; --low: #1f5f8b; --passed: #1a6b35; }
@media (prefers-color-scheme: dark) { :root { --page: #14171b; --text: #e4e7eb; --soft: #a3acb6; --line: #363c44; --box: #1e2228; --link: #7ab8f5;
	--critical: #ff8f9a; --high: #ffa266; --medium: #e3bd55; --low: #85c1ee; --passed: #7fd09a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2.5rem 1.25rem 4rem; max-width: 66rem; background: var(--page); color: var(--text);
	font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; overflow-wrap: anywhere; }
h1, h2, h3, h4, h5 { line-height: 1.25; font-weight: 600; }
h1 { margin: 0 0 1.25rem; font-size: 1.9rem; letter-spacing: -.01em; }
h1 span { display: block; color: var(--soft); font-size: 1rem; font-weight: 400; letter-spacing: 0; }
h2 { margin: 3rem 0 .75rem; padding-top: 1rem; border-top: 1px solid var(--line); font-size: 1.3rem; }
h3 { margin: 2rem 0 .5rem; font-size: 1.05rem; }
h4 { margin: 1.75rem 0 .6rem; font-size: 1rem; }
h4 span { color: var(--soft); font-weight: 400; }
h5 { margin: 0 0 .35rem; }
p, ul, dl { margin: .5rem 0; max-width: 46rem; }
ul { padding-left: 1.25rem; }
a { color: var(--link); }
a:focus-visible, summary:focus-visible, pre:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
code, pre, h5, tbody th { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .875rem; }
#bypasses tbody th { font: inherit; }
code, pre, h5, th, td, dd { unicode-bidi: isolate; }
pre { margin: .2rem 0 0; padding: .6rem .75rem; background: var(--box); border-radius: 4px; white-space: pre-wrap; tab-size: 4; }
.fix { user-select: all; -webkit-user-select: all; }
.label { margin: .75rem 0 0; color: var(--soft); font-size: .8125rem; }
.note, caption { color: var(--soft); font-size: .9375rem; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.25rem; margin: 0 0 1.5rem; }
.facts dt { color: var(--soft); }
.facts dd { margin: 0; }
.critical { --tone: var(--critical); } .high { --tone: var(--high); } .medium { --tone: var(--medium); } .low { --tone: var(--low); } .passed { --tone: var(--passed); }
.verdict, .finding { border: 1px solid var(--line); border-left: 5px solid var(--tone); border-radius: 4px; }
.verdict { max-width: none; margin: 1.5rem 0; padding: .9rem 1.1rem; font-size: 1.1rem; }
.finding { margin: 0 0 .75rem; padding: .8rem 1rem .9rem; }
.severity { display: inline-block; margin-right: .4rem; padding: 0 .5rem; border: 1.5px solid; border-radius: 4px; color: var(--tone);
	font-size: .8125rem; line-height: 1.6; text-transform: uppercase; letter-spacing: .05em; }
table { width: 100%; margin: 1.25rem 0 .5rem; border-collapse: collapse; font-size: .9375rem; }
caption { padding: 0 0 .4rem; text-align: left; }
th, td { min-width: 6.5em; padding: .45rem .75rem .45rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; font-weight: 400; white-space: pre-line; }
tbody th { min-width: 9.5em; }
thead th { border-bottom-width: 2px; color: var(--soft); font-size: .8125rem; overflow-wrap: normal; }
details { border-bottom: 1px solid var(--line); }
summary { padding: .5rem 0; cursor: pointer; }
details ul { margin: 0 0 .75rem; max-width: none; }
li code { color: var(--soft); }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; padding: 0; margin: 0; max-width: none; list-style: none; }
footer { margin-top: 3rem; color: var(--soft); font-size: .875rem; }
@media screen and (max-width: 56rem) {
	body { padding-top: 1.5rem; }
	.facts { grid-template-columns: 1fr; gap: 0; }
	.facts dd { margin-bottom: .5rem; }
	table, tbody, tr, caption { display: block; }
	thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
	tr { padding: .5rem 0; border-bottom: 1px solid var(--line); }
	tbody th, tbody td { display: grid; grid-template-columns: 7rem minmax(0, 1fr); gap: .75rem; padding: .15rem 0; border: 0; }
	tbody th::before, tbody td::before { content: attr(data-label); color: var(--soft); font: .8125rem/1.7 system-ui, sans-serif; }
}
@page { size: A4; margin: 18mm 16mm; }
@media print {
	:root { color-scheme: light; --page: #fff; --text: #000; --soft: #444; --line: #bbb; --box: #f3f3f3; --link: #000;
		--critical: #a40e26; --high: #9a3b00; --medium: #755500; --low: #1f5f8b; --passed: #1a6b35; }
	html { font-size: 10pt; }
	body { max-width: none; padding: 0; }
	nav { display: none; }
	h2, h3, h4, h5, caption, thead, summary { break-after: avoid; }
	tbody tr:first-child { break-before: avoid; }
	h2 { margin-top: 2rem; }
	tr, .finding, .verdict, li { break-inside: avoid; }
	thead { display: table-header-group; }
	table { font-size: .85rem; }
	code, pre, h5, tbody th { font-size: .8rem; }
	details::details-content { content-visibility: visible; display: block; height: auto; }
	summary { list-style: none; font-weight: 600; }
}
$$;
END
$style$;
COMMENT ON FUNCTION sessmem.report_style() IS
	'Internal: the style sheet of audit_report().';

CREATE FUNCTION sessmem.audit_report() RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	SET jit = off
AS $$
DECLARE
	preloaded boolean := current_setting('shared_preload_libraries') ~ '(^|[,/" ])sessmem(\.so)?($|[," ])';
	style text := sessmem.report_style();
	findings jsonb := (SELECT coalesce(jsonb_agg(to_jsonb(a) ORDER BY i), '[]')
		FROM sessmem.audit() WITH ORDINALITY AS a (check_id, severity, object, finding, evidence, fix, i));
	n integer := jsonb_array_length(findings);
	checks bigint := (SELECT count(*) FROM sessmem.audit_check);
	failed bigint := (SELECT count(DISTINCT e ->> 'check_id') FROM jsonb_array_elements(findings) AS e);
	worst text;
	counts text;
BEGIN
	SELECT (array_agg(s.severity ORDER BY s.i) FILTER (WHERE s.n > 0))[1], string_agg(s.n || ' ' || s.severity, ', ' ORDER BY s.i)
		INTO worst, counts
		FROM (SELECT u.severity, u.i, (SELECT count(*) FROM jsonb_array_elements(findings) AS e WHERE e ->> 'severity' = u.severity) AS n
			FROM unnest(ARRAY['critical', 'high', 'medium', 'low']) WITH ORDINALITY AS u (severity, i)) AS s;

	RETURN concat(
		E'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>\n',
		-- whatever slipped in: no script, no other style, nothing fetched or sent
		sessmem.report_html(E'<meta http-equiv="Content-Security-Policy" content="%s"/>\n',
			format('default-src ''none''; style-src ''sha256-%s''; base-uri ''none''; form-action ''none''', encode(sha256(convert_to(style, 'UTF8')), 'base64'))),
		E'<meta name="viewport" content="width=device-width, initial-scale=1"/>\n<meta name="referrer" content="no-referrer"/>\n',
		sessmem.report_html(E'<title>Isolation of agent memory in %s</title>\n', current_database()),
		'<style>', style, E'</style>\n</head>\n<body>\n<header>\n',
		sessmem.report_html(E'<h1><span>sessmem audit report</span>Isolation of agent memory in database %s</h1>\n', current_database()),
		sessmem.report_html(E'<p class="verdict %s"><b>%s</b> %s</p>\n', coalesce(worst, 'passed'),
			CASE n WHEN 0 THEN 'No findings.' WHEN 1 THEN format('1 finding: %s.', counts) ELSE format('%s findings: %s.', n, counts) END,
			format('Of %s checks, %s passed.', checks, checks - failed)),
		sessmem.report_html(E'<dl class="facts">\n<dt>Made</dt><dd>%s, by %s</dd>\n<dt>Server</dt><dd>PostgreSQL %s</dd>\n<dt>Extension</dt><dd>sessmem %s</dd>\n<dt>Second enforcement</dt><dd>%s</dd>\n</dl>\n',
			sessmem.report_time(now()), session_user::text, current_setting('server_version'),
			(SELECT e.extversion FROM pg_extension AS e WHERE e.extname = 'sessmem'),
			CASE WHEN preloaded THEN 'on: the library is preloaded, and refuses plans without row security in force'
				ELSE 'OFF: the library is not preloaded, so plans that row security does not apply to are not refused' END),
		E'<nav aria-label="Sections"><ul>\n<li><a href="#protection">What is protected</a></li><li><a href="#findings">Findings</a></li>',
		E'<li><a href="#checks">Checks that passed</a></li><li><a href="#bypasses">Who can get around it</a></li>',
		E'<li><a href="#refusals">What was refused</a></li><li><a href="#operation">Sessions, keys, maintenance</a></li>\n</ul></nav>\n</header>\n<main>\n',
		E'<section id="protection" aria-labelledby="protection-h">\n<h2 id="protection-h">What is protected, and how</h2>\n', sessmem.report_protection(), E'</section>\n',
		E'<section id="findings" aria-labelledby="findings-h">\n<h2 id="findings-h">Findings</h2>\n', sessmem.report_findings(findings), E'</section>\n',
		E'<section id="checks" aria-labelledby="checks-h">\n<h2 id="checks-h">Checks that passed</h2>\n', sessmem.report_checks(findings), E'</section>\n',
		E'<section id="bypasses" aria-labelledby="bypasses-h">\n<h2 id="bypasses-h">Who can get around it</h2>\n', sessmem.report_bypasses(preloaded), E'</section>\n',
		E'<section id="refusals" aria-labelledby="refusals-h">\n<h2 id="refusals-h">What was refused</h2>\n', sessmem.report_refusals(), E'</section>\n',
		E'<section id="operation" aria-labelledby="operation-h">\n<h2 id="operation-h">Sessions, keys, maintenance</h2>\n', sessmem.report_operation(), E'</section>\n',
		E'</main>\n<footer><p>Made by <code>SELECT sessmem.audit_report()</code> from the catalogs of the database as they were at that time. ',
		E'It has no row of any session, no token and no key material.</p></footer>\n</body>\n</html>');
END
$$;
COMMENT ON FUNCTION sessmem.audit_report() IS
	'The audit as one HTML page for an auditor: what is protected and how, findings with evidence and fix, checks that passed, who can get around it, what was refused, keys, uses of maintenance. No script, nothing fetched, every value escaped; long lists are shortened, and say so. psql -Atc ''SELECT sessmem.audit_report()'' > report.html. For administrators.';
