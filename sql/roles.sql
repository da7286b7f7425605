-- grant_app, grant_issuer, grant_admin: each gives what its role needs, and not more.
\set SHOW_CONTEXT never
CREATE ROLE regress_sessmem_super SUPERUSER;
CREATE ROLE regress_sessmem_bypass BYPASSRLS;
CREATE ROLE "regress_sessmem Odd""Role";

-- fail: roles that storage does not hold for
SELECT sessmem.grant_app('regress_sessmem_super');
SELECT sessmem.grant_app('regress_sessmem_bypass');
SELECT sessmem.grant_app('no_such_role');

CREATE FUNCTION may_execute(role name) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT p.oid::regprocedure::text FROM pg_proc AS p
	WHERE p.pronamespace = 'sessmem'::regnamespace AND has_function_privilege(role, p.oid, 'EXECUTE')
	ORDER BY p.oid::regprocedure::text COLLATE "C" $$;
SELECT sessmem.grant_app('"regress_sessmem Odd""Role"');
SELECT * FROM may_execute('regress_sessmem Odd"Role') EXCEPT SELECT * FROM may_execute('regress_sessmem_nobody') ORDER BY 1;
SELECT * FROM may_execute('regress_sessmem_issuer') EXCEPT SELECT * FROM may_execute('regress_sessmem_nobody') ORDER BY 1;
SELECT * FROM may_execute('regress_sessmem_admin') EXCEPT SELECT * FROM may_execute('regress_sessmem_nobody') ORDER BY 1;

-- an administrator manages the others, but makes no administrators
SET SESSION AUTHORIZATION regress_sessmem_admin;
SELECT sessmem.grant_app('regress_sessmem_nobody');
SELECT sessmem.grant_issuer('regress_sessmem_nobody');
SELECT sessmem.grant_admin('regress_sessmem_nobody');
SELECT count(*) > 0 AS sees_keys FROM sessmem.keys;
SELECT count(*) FROM sessmem.protected_table;
SELECT * FROM sessmem.keyring;
SELECT sessmem.assume('s');
RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_sessmem_nobody;

-- an issuer opens sessions, and reads nothing
SET SESSION AUTHORIZATION regress_sessmem_issuer;
SELECT sessmem.open_session('alice') IS NOT NULL AS opened;
SELECT * FROM sessmem.keys;
SELECT sessmem.create_key();
RESET SESSION AUTHORIZATION;

-- an application may none of this
SET SESSION AUTHORIZATION regress_sessmem_app;
SELECT sessmem.open_session('alice');
SELECT sessmem.assume('s');
SELECT sessmem.create_key();
SELECT sessmem.import_key('{}');
SELECT sessmem.retire_key('test');
SELECT sessmem.protect('pg_class');
SELECT sessmem.unprotect('pg_class');
SELECT sessmem.grant_app('regress_sessmem_app');
SELECT sessmem.key_material('HS256', NULL, NULL);
SELECT * FROM sessmem.keyring;
SELECT * FROM sessmem.keys;
INSERT INTO sessmem.protected_table VALUES ('pg_class', 'relname');
CREATE TABLE sessmem.mine (a int);
RESET SESSION AUTHORIZATION;

DROP OWNED BY "regress_sessmem Odd""Role";
DROP ROLE regress_sessmem_super, regress_sessmem_bypass, "regress_sessmem Odd""Role";
