-- audit of weaknesses: protected tables that are not as protect() left them
--
-- What is wrong is told by diagnose() (ddl.sql), which DDL is refused by as well. What
-- an administrator has accepted is still a gap, and told.

INSERT INTO sessmem.audit_check VALUES
	('storage.not_enabled', 'critical', 'Row security is enabled on protected tables'),
	('storage.not_forced', 'high', 'Row security is forced on the owners of tables'),
	('storage.policy_changed', 'critical', 'Protected tables have the policies that protect() made'),
	('storage.policy_added', 'medium', 'Protected tables have no other policies'),
	('storage.unlogged', 'low', 'Protected tables survive a crash'),
	('storage.parent_unprotected', 'critical', 'The parents of protected tables are protected by the same columns'),
	('storage.owner_changed', 'medium', 'Protected tables belong to whom they belonged to'),
	('storage.renamed', 'medium', 'Protected tables have the names that the application uses'),
	('guard.missing', 'critical', 'Protected tables have their guard'),
	('guard.disabled', 'critical', 'No guard is disabled'),
	('guard.origin_only', 'high', 'Guards fire whatever session_replication_role is'),
	('guard.changed', 'critical', 'Guards compare the key columns on every write'),
	('guard.truncate_unguarded', 'high', 'Protected tables have their guard against TRUNCATE'),
	('guard.trigger_after', 'high', 'The guard is the last trigger that can change a row'),
	('guard.foreign_code', 'high', 'Code that runs in everybody''s sessions belongs to superusers'),
	('guard.rule', 'high', 'No rule changes what statements do to protected tables'),
	('guard.foreign_key_owner', 'medium', 'Tables of others do not refer to protected ones'),
	('guard.nullable_key', 'high', 'Key columns cannot be null'),
	('guard.empty_key', 'high', 'Key columns cannot be empty');

CREATE FUNCTION sessmem.audit_weakness(OUT check_id text, OUT object text, OUT finding text, OUT evidence text, OUT fix text) RETURNS SETOF record
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	SET jit = off
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	SELECT d.check_id, p.relation::text, format('Protected table %s: %s. %s', p.relation, d.weakness, v.allows),
		format('%s (%s)', d.weakness, CASE WHEN d.weakness = ANY (p.accepted) THEN 'accepted by an administrator' ELSE 'accepted by nobody' END),
		coalesce(d.fix, format('SELECT sessmem.protect(%L, %L, %L, %L);', p.relation, p.session_column, p.user_column, p.tenant_column))
	FROM sessmem.diagnose(ARRAY(SELECT relation::oid FROM sessmem.protected_table)) AS d JOIN sessmem.protected_table AS p ON p.relation = d.relation
	JOIN (VALUES
		('storage.not_enabled', 'Whoever may read the table reads every session''s rows.'),
		('storage.not_forced', 'Its owner reads every session''s rows.'),
		('storage.policy_changed', 'Storage alone no longer keeps sessions apart.'),
		('storage.policy_added', 'It may hide rows from their own session, run code in it, and takes over should the restrictive policy go.'),
		('storage.unlogged', 'Memory is lost, and a standby has none of it.'),
		('storage.parent_unprotected', 'Reading the parent passes by the policies of this table.'),
		('storage.owner_changed', 'The owner may change what the table is.'),
		('storage.renamed', 'The application goes on using the old name, and what is found there is not protected.'),
		('guard.missing', 'Nothing but the policies stops rows of other sessions from being written.'),
		('guard.disabled', 'Nothing but the policies stops rows of other sessions from being written.'),
		('guard.origin_only', 'It does not fire for replicated rows, nor after SET session_replication_role.'),
		('guard.changed', 'It does not compare what it should.'),
		('guard.truncate_unguarded', 'TRUNCATE looks at no policy, and takes the rows of every session.'),
		('guard.trigger_after', 'It can move a row to another session after the guard has seen it.'),
		('guard.foreign_code', 'Its owner can replace it by code that reads what sessions write.'),
		('guard.rule', 'What is written can be copied or sent elsewhere.'),
		('guard.foreign_key_owner', 'Its owner can ask whether another session has a row.'),
		('guard.nullable_key', 'Rows without a session can be stored, which belong to nobody.'),
		('guard.empty_key', 'Everybody who forgets to set a session could share the empty one.')
	) AS v (check_id, allows) ON v.check_id = d.check_id
	-- the server does not load policies that it does not apply
	WHERE d.check_id <> 'storage.policy_changed' OR (SELECT c.relrowsecurity FROM pg_class AS c WHERE c.oid = p.relation);
END
$$;
COMMENT ON FUNCTION sessmem.audit_weakness() IS
	'Internal: the findings of audit() on protected tables that are not as protect() left them.';
