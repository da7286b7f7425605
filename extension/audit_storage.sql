CREATE FUNCTION sessmem.audit_storage(OUT check_id text, OUT object text, OUT finding text, OUT evidence text, OUT fix text) RETURNS SETOF record
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$ BEGIN END $$;
COMMENT ON FUNCTION sessmem.audit_storage() IS 'Internal: stub.';
