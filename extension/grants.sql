-- grants: all that PUBLIC may do with sessmem, on one page

REVOKE ALL ON SCHEMA sessmem FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA sessmem FROM PUBLIC;
REVOKE ALL ON ALL ROUTINES IN SCHEMA sessmem FROM PUBLIC;
REVOKE ALL ON TYPE sessmem.secret FROM PUBLIC;

-- Policies and defaults call the getters as whoever runs the query.
GRANT USAGE ON SCHEMA sessmem TO PUBLIC;
GRANT EXECUTE ON FUNCTION
	sessmem.session_id(), sessmem.user_id(), sessmem.tenant_id(),
	sessmem.session_id(anyelement), sessmem.user_id(anyelement), sessmem.tenant_id(anyelement),
	sessmem.status(), sessmem.agrees(boolean, regclass)
	TO PUBLIC;
