-- Issuer: open_session() and the tokens it mints.
\set SHOW_CONTEXT never
SET sessmem.audience = 'sessmem.example';
SELECT c - 'exp' - 'iat' AS claims, (c ->> 'exp')::numeric - (c ->> 'iat')::numeric BETWEEN 7199 AND 7202 AS two_hours
	FROM jwt_part(sessmem.open_session('alice "the" cook', tenant_id => 'acme', session_id => 'thread-1'), 2) AS c;
SELECT c ->> 'sid' ~ '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$' AS uuid
	FROM jwt_part(sessmem.open_session('alice'), 2) AS c;
SELECT try_bind(sessmem.open_session('alice', session_id => 'mine', ttl => '10 s'));
SELECT try_bind(sessmem.open_session(NULL, session_id => 'nobody''s'));
-- fail
SELECT sessmem.open_session('');
SELECT sessmem.open_session('alice', session_id => '');
SELECT sessmem.open_session('alice', ttl => '0');
SELECT sessmem.open_session('alice', ttl => '-1 hour');
SELECT sessmem.open_session('alice', ttl => '9000 years');
SELECT sessmem.open_session('alice', ttl => NULL);
SELECT sessmem.open_session('alice', session_id => repeat('x', 9000));
