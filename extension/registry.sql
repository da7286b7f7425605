-- registry: which tables are protected, and by which columns
--
-- The desired state.  protect() writes it and derives everything else from it;
-- pg_dump saves it.  Names are what a dump can carry and what people read;
-- the column numbers beside them are what survives a rename.

-- registry.c reads this table by column number.
CREATE TABLE sessmem.protected_table (
	relation regclass PRIMARY KEY,
	session_column name,
	user_column name,
	tenant_column name,
	attnums int2[] NOT NULL,
	owner oid NOT NULL,
	name text NOT NULL,
	accepted text[] NOT NULL DEFAULT '{}',
	checked boolean NOT NULL,
	agreement text,
	CHECK (pg_catalog.num_nonnulls(session_column, user_column, tenant_column) > 0)
);
COMMENT ON TABLE sessmem.protected_table IS
	'Protected tables, their partitions and inheritance children, with the key columns of each. Written by protect() and unprotect() only.';
COMMENT ON COLUMN sessmem.protected_table.attnums IS
	'Numbers of the session, user and tenant column (0: not mapped); found anew from the names when a dump is restored.';
COMMENT ON COLUMN sessmem.protected_table.owner IS
	'Its owner; another one is a weakness.';
COMMENT ON COLUMN sessmem.protected_table.name IS
	'Its qualified name; another one is a weakness, because the application would go on using this.';
COMMENT ON COLUMN sessmem.protected_table.accepted IS
	'Weaknesses that it had when an administrator protected it, or that he brought about in maintenance.';
COMMENT ON COLUMN sessmem.protected_table.checked IS
	'Whether every command is checked for new weaknesses: not until a dump has been restored.';
COMMENT ON COLUMN sessmem.protected_table.agreement IS
	'Where protect() keeps key columns of its own: what else of a row must agree with them.';
SELECT pg_catalog.pg_extension_config_dump('sessmem.protected_table', '');

CREATE TRIGGER announce_change
	AFTER INSERT OR UPDATE OR DELETE ON sessmem.protected_table
	FOR EACH ROW EXECUTE FUNCTION sessmem.announce_change();
CREATE TRIGGER announce_truncate
	AFTER TRUNCATE ON sessmem.protected_table
	FOR EACH STATEMENT EXECUTE FUNCTION sessmem.announce_change();
ALTER TABLE sessmem.protected_table ENABLE ALWAYS TRIGGER announce_change, ENABLE ALWAYS TRIGGER announce_truncate;

CREATE FUNCTION sessmem.column_number(relation regclass, name name) RETURNS int2
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT coalesce((SELECT a.attnum FROM pg_attribute AS a
		WHERE a.attrelid = $1 AND a.attname = $2 AND a.attnum > 0 AND NOT a.attisdropped), 0::int2)
$$;
COMMENT ON FUNCTION sessmem.column_number(regclass, name) IS
	'Internal: the number of a column, 0 if there is none of that name.';

CREATE FUNCTION sessmem.qualified_name(relation oid) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('%s.%I', c.relnamespace::regnamespace, c.relname) FROM pg_class AS c WHERE c.oid = $1
$$;
COMMENT ON FUNCTION sessmem.qualified_name(oid) IS
	'Internal: the name of a table with its schema.';

CREATE FUNCTION sessmem.look_up_relation() RETURNS trigger
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	NEW.attnums := ARRAY[
		sessmem.column_number(NEW.relation, NEW.session_column),
		sessmem.column_number(NEW.relation, NEW.user_column),
		sessmem.column_number(NEW.relation, NEW.tenant_column)];
	NEW.owner := (SELECT c.relowner FROM pg_class AS c WHERE c.oid = NEW.relation);
	NEW.name := sessmem.qualified_name(NEW.relation);
	NEW.checked := false;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION sessmem.look_up_relation() IS
	'Trigger: looks up what a restored table may have changed.';

CREATE TRIGGER look_up_relation
	BEFORE INSERT ON sessmem.protected_table
	FOR EACH ROW EXECUTE FUNCTION sessmem.look_up_relation();
ALTER TABLE sessmem.protected_table ENABLE ALWAYS TRIGGER look_up_relation;

CREATE TABLE sessmem.auto_protection (
	schema name,
	pattern text,
	session_column name,
	user_column name,
	tenant_column name,
	PRIMARY KEY (schema, pattern),
	CHECK (pg_catalog.num_nonnulls(session_column, user_column, tenant_column) > 0)
);
COMMENT ON TABLE sessmem.auto_protection IS
	'Tables that are protected as they appear: in this schema, with a name LIKE pattern, if they have these columns. Written by auto_protect() only.';
SELECT pg_catalog.pg_extension_config_dump('sessmem.auto_protection', '');
