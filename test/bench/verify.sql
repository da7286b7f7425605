-- What the verification of an HS256 token costs: microseconds per bind() of a
-- token that this backend has not seen lately, minus those of one that it has.
-- Prints one number per pair of blocks.
--
-- A transaction has one session, so each bind() gets a transaction of its own,
-- and the loop is a procedure that commits.  Both kinds of call run the same
-- statements, change session each time, and take turns in blocks of 500, so that
-- nothing but the verification differs.  The procedure is not a temporary
-- one: bind() drops those.
CREATE PROCEDURE measure(pairs integer, INOUT cost float8[] DEFAULT '{}')
LANGUAGE plpgsql AS $$
DECLARE
	two text[] := (SELECT array_agg(s.token) FROM sessions AS s WHERE s.n <= 2);
	blocks bigint := (SELECT count(*) / 500 FROM sessions);
	first text[];
	again text[];
	t text;
	took float8[];
	started timestamptz;
BEGIN
	FOR pair IN 1 .. pairs LOOP
		SELECT array_agg(s.token), array_agg(two[1 + s.n / blocks % 2]) INTO first, again
			FROM sessions AS s WHERE s.n > 2 AND s.n % blocks = pair % blocks;
		COMMIT;
		took := '{}';
		FOR kind IN 1 .. 2 LOOP
			started := clock_timestamp();
			FOREACH t IN ARRAY CASE kind WHEN 1 THEN first ELSE again END LOOP
				PERFORM sessmem.bind(t);
				COMMIT;
			END LOOP;
			took := took || extract(epoch FROM clock_timestamp() - started)::float8 * 1e6 / cardinality(first);
		END LOOP;
		cost := cost || (took[1] - took[2]);
	END LOOP;
END
$$;

\set QUIET 1
\pset format unaligned
\pset tuples_only on
CALL measure(5) \gset warm_
CALL measure(40) \gset
SELECT unnest(:'cost'::float8[]);
