-- Gaps of roles.  What needs another database, or pg_hba.conf, is in test/t/011_audit_server.pl.
INSERT INTO seed (check_id, object, setup, also, cleanup) VALUES
	('role.app_bypasses', 'regress_sessmem_audit_bypasser', app_for('bypasser', 'ALTER ROLE @ BYPASSRLS'), '{}', ''),
	('role.app_bypasses', 'regress_sessmem_audit_super', app_for('super', 'ALTER ROLE @ SUPERUSER LOGIN'), '{}', ''),
	('role.app_can_become', 'regress_sessmem_audit_climber', app_for('climber', 'CREATE ROLE @_group; CREATE ROLE @_dba BYPASSRLS; GRANT @_dba TO @_group; GRANT @_group TO @'), '{role.bypassrls}', ''),
	('role.registry_readable', 'sessmem.session', app_for('watcher', 'GRANT SELECT ON sessmem.session TO @'), '{}', ''),
	('role.app_owns_table', 'public.r1', memory('r1') || app_for('owner1', 'ALTER TABLE r1 OWNER TO @'), '{}', ''),
	('role.app_owns_table', 'public.r2', memory('r2') || app_for('owner2', 'CREATE ROLE @_migrate; ALTER TABLE r2 OWNER TO @_migrate; GRANT @_migrate TO @'), '{}', ''),
	('role.app_owns_database', 'database', app_for('dbowner', format('ALTER DATABASE %I OWNER TO @', current_database())), '{table.born_unprotected}', ''),
	('role.app_attributes', 'regress_sessmem_audit_attributes', app_for('attributes', 'ALTER ROLE @ CREATEROLE'), '{}', ''),
	('role.superuser', 'regress_sessmem_audit_dba', role_for('dba', 'ALTER ROLE @ SUPERUSER LOGIN'), '{}', ''),
	('role.bypassrls', 'regress_sessmem_audit_dumper', role_for('dumper', 'ALTER ROLE @ BYPASSRLS'), '{}', ''),
	('role.createrole', 'regress_sessmem_audit_hr', role_for('hr', 'ALTER ROLE @ CREATEROLE'), '{}', ''),
	('role.admin_option', 'regress_sessmem_audit_granter', app_for('granter', 'CREATE ROLE @_group; GRANT @_group TO @ WITH ADMIN OPTION'), '{}', ''),
	('role.shared', 'regress_sessmem_audit_shared', app_for('shared', 'ALTER ROLE @ LOGIN; CREATE ROLE @_human LOGIN; GRANT @ TO @_human'), '{}', ''),
	('role.public_create', 'r3', 'CREATE SCHEMA r3; GRANT CREATE ON SCHEMA r3 TO PUBLIC', '{}', ''),
	('role.app_create', 'r4', 'CREATE SCHEMA r4; ' || memory('r4.memory') || app_for('creator4', 'GRANT CREATE ON SCHEMA r4 TO @'), '{}', ''),
	('role.database_create', 'database', app_for('creator5', format('GRANT CREATE ON DATABASE %I TO @', current_database())), '{}', ''),
	('role.temporary', 'database', app_for('temporary', format('GRANT TEMPORARY ON DATABASE %I TO @', current_database())), '{}', ''),
	('role.default_privileges', 'regress_sessmem_audit_generous', role_for('generous', 'ALTER DEFAULT PRIVILEGES FOR ROLE @ GRANT SELECT ON TABLES TO PUBLIC; CREATE SCHEMA r6; ALTER DEFAULT PRIVILEGES FOR ROLE @ IN SCHEMA r6 GRANT INSERT ON TABLES TO PUBLIC'), '{}', '');

-- what looks like a gap and is none: a group whose members log in, and administrators beside it
DO $$ BEGIN EXECUTE memory('r_good') || app_for('good_app', 'GRANT SELECT, INSERT ON r_good TO @; CREATE ROLE @_login LOGIN; GRANT @ TO @_login; ALTER ROLE @_login SET track_activities = off;
	CREATE ROLE @_owner; ALTER TABLE r_good OWNER TO @_owner; CREATE ROLE @_issuer LOGIN; SELECT sessmem.grant_issuer(''@_issuer''); CREATE ROLE @_admin LOGIN; SELECT sessmem.grant_admin(''@_admin'');
	GRANT @_owner TO @_admin; ALTER DEFAULT PRIVILEGES FOR ROLE @_owner GRANT SELECT ON TABLES TO @; CREATE ROLE @_scram LOGIN PASSWORD ''x'''); END $$;
