-- recall: retrieval

CREATE FUNCTION sessmem.recall(
		relation anyelement,
		n integer DEFAULT 100,
		order_by name DEFAULT NULL,
		token text DEFAULT NULL
	) RETURNS SETOF anyelement
	LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 100
	AS 'MODULE_PATHNAME', 'sessmem_recall';
COMMENT ON FUNCTION sessmem.recall(anyelement, integer, name, text) IS
	'The newest n rows of the session in force, newest first, as in SELECT * FROM sessmem.recall(NULL::messages, n => 20). Newest by order_by, by default the one integer column of the primary key besides the session key. No rows without a session, whoever calls. With a token it binds its session for this one call. 42809: not the row type of a protected table. 22023: n is negative, or order_by is needed. 22004: n is null. 42703: no such column. 28000: bad token. 42501: no privilege, or another session in the transaction.';
