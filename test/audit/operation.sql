-- Gaps of operation.  What needs a connection or a server of its own is in test/t/011_audit_server.pl.
INSERT INTO seed (check_id, object, setup, also, cleanup) VALUES
	('operation.foreign_object', 'sessmem.planted()', $$CREATE FUNCTION sessmem.planted() RETURNS integer LANGUAGE sql AS 'SELECT 1'; REVOKE ALL ON FUNCTION sessmem.planted() FROM PUBLIC$$, '{}', ''),
	('operation.key_rotation', 'o1', $$SELECT sessmem.create_key('o1'); UPDATE sessmem.keyring SET created_at = now() - CASE kid WHEN 'o1' THEN interval '200 days' ELSE interval '300 days' END$$, '{}', ''),
	('operation.old_key', 'o2', $$SELECT sessmem.create_key('o2'); UPDATE sessmem.keyring SET created_at = now() - interval '2 years' WHERE kid = 'o2'$$, '{}', ''),
	('operation.sweep_behind', 'sessmem.session', $$INSERT INTO sessmem.session (session_id, expires_at) VALUES ('o4', now() - interval '60 days')$$, '{}', ''),
	('operation.sweep_failed', 'sessmem.session', $$INSERT INTO sessmem.session (session_id, expires_at, sweep_failed_at) VALUES ('o5', now() - interval '60 days', now())$$, '{}', '');

-- what is as it should be
INSERT INTO sessmem.session (session_id, expires_at) VALUES ('o_good', now() + interval '1 day');
