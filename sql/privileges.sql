-- Exactly what PUBLIC may do.  A new function that shows up here has forgotten its REVOKE.
SELECT p.oid::regprocedure AS public_may_execute FROM pg_proc AS p
	WHERE p.pronamespace = 'sessmem'::regnamespace AND EXISTS (
		SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a WHERE a.grantee = 0)
	ORDER BY p.oid::regprocedure::text COLLATE "C";
SELECT c.oid::regclass, a.privilege_type FROM pg_class AS c
	CROSS JOIN LATERAL aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) AS a
	WHERE c.relnamespace = 'sessmem'::regnamespace AND a.grantee = 0;
SELECT a.privilege_type FROM pg_namespace AS n CROSS JOIN LATERAL aclexplode(n.nspacl) AS a
	WHERE n.nspname = 'sessmem' AND a.grantee = 0;
SELECT t.typname FROM pg_type AS t
	CROSS JOIN LATERAL aclexplode(coalesce(t.typacl, acldefault('T', t.typowner))) AS a
	WHERE t.typnamespace = 'sessmem'::regnamespace AND t.typtype = 'b' AND t.typelem = 0 AND a.grantee = 0;

-- SECURITY DEFINER only with a pinned search_path, pg_temp last
SELECT p.oid::regprocedure, p.proconfig FROM pg_proc AS p
	WHERE p.pronamespace = 'sessmem'::regnamespace AND p.prosecdef
		AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (p.proconfig), false);
-- and so has every function that is not C (a procedure with one could not commit; below prove() nobody could bind)
SELECT p.oid::regprocedure, p.proconfig FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang
	WHERE p.pronamespace = 'sessmem'::regnamespace AND l.lanname <> 'c' AND p.prokind <> 'p'
		AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (p.proconfig), false);
-- everything belongs to whoever made the extension, and is part of it
SELECT c.oid::regclass FROM pg_class AS c
	WHERE c.relnamespace = 'sessmem'::regnamespace AND c.relkind IN ('r', 'v') AND NOT EXISTS (
		SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e');
-- what pg_dump saves: the registries, never the keys
SELECT unnest(extconfig)::regclass FROM pg_extension WHERE extname = 'sessmem';
