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

-- anycompatible: a driver that knows pgvector sends its type, another one text, and an array is as good
CREATE FUNCTION sessmem.recall_similar(
		relation anyelement,
		query anycompatible,
		k integer DEFAULT 10,
		"column" name DEFAULT 'embedding',
		metric text DEFAULT 'cosine',
		token text DEFAULT NULL,
		text_query text DEFAULT NULL,
		text_column name DEFAULT NULL
	) RETURNS SETOF anyelement
	LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 10
	AS 'MODULE_PATHNAME', 'sessmem_recall_similar';
COMMENT ON FUNCTION sessmem.recall_similar(anyelement, anycompatible, integer, name, text, text, text, name) IS
	'The k rows of the session in force whose vectors are nearest to the query, nearest first, as in SELECT * FROM sessmem.recall_similar(NULL::memories, $1, k => 5); exact, without an approximate index. The query is text such as [1,2,3], an array, or a vector. Metrics: cosine, l2, inner_product, l1. With text_query, rows are ranked by its words in text_column (by default the one tsvector), too, and the ranks fused. No rows without a session, whoever calls. With a token it binds its session for this one call. Needs pgvector. 0A000: it is not installed, or lacks the metric. 42809: not the row type of a protected table; a column of another type. 42703: no such column. 22023: k is negative, the metric unknown, or text_column needed. 22004: query, k, "column" or metric is null. 28000: bad token. 42501: no privilege, or another session in the transaction.';
