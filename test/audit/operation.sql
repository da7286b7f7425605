-- Gaps of operation.  What needs a connection or a server of its own is in test/t/011_audit_server.pl.
INSERT INTO seed (check_id, object, setup, also, cleanup) VALUES
	('operation.foreign_object', 'sessmem.planted()', $$CREATE FUNCTION sessmem.planted() RETURNS integer LANGUAGE sql AS 'SELECT 1'; REVOKE ALL ON FUNCTION sessmem.planted() FROM PUBLIC$$, '{}', ''),
	('operation.key_rotation', 'o1', $$SELECT sessmem.create_key('o1'); UPDATE sessmem.keyring SET created_at = now() - CASE kid WHEN 'o1' THEN interval '200 days' ELSE interval '300 days' END$$, '{}', ''),
	('operation.old_key', 'o2', $$SELECT sessmem.create_key('o2'); UPDATE sessmem.keyring SET created_at = now() - interval '2 years' WHERE kid = 'o2'$$, '{}', ''),
	('operation.database_mints', 'database', $$SELECT sessmem.import_key('{"kty": "OKP", "crv": "Ed25519", "kid": "o3", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}')$$, '{}', $$SELECT sessmem.retire_key('o3'), sessmem.create_key()$$),
	('operation.sweep_behind', 'sessmem.session', $$INSERT INTO sessmem.session (session_id, expires_at) VALUES ('o4', now() - interval '60 days')$$, '{}', ''),
	('operation.sweep_failed', 'sessmem.session', $$INSERT INTO sessmem.session (session_id, expires_at, sweep_failed_at) VALUES ('o5', now() - interval '60 days', now())$$, '{}', ''),
	('operation.no_expiry', 'sessmem.session', $$INSERT INTO sessmem.session (session_id) VALUES ('o6')$$, '{}', ''),
	('operation.long_lifetime', 'sessmem.session', $$INSERT INTO sessmem.session (session_id, expires_at) VALUES ('o7', now() + interval '90 days')$$, '{}', '');

-- what is as it should be
INSERT INTO sessmem.session (session_id, expires_at) VALUES ('o_good', now() + interval '1 day');
