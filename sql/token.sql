-- Tokens: the table at the top of token.c, row by row.
TRUNCATE sessmem.session;
SET sessmem.audience = 'sessmem.example';
\set aud '"aud":"sessmem.example","exp":4102444800'

-- good ones
SELECT try_bind(mint('{"sid":"s",' || :'aud' || '}'));
SELECT try_bind(mint('{"sid":"s","sub":"alice","tid":"acme","jti":"1","iat":1700000000,"nbf":1700000000.5,"extra":{"sid":["x"]},' || :'aud' || '}'));
SELECT try_bind(mint('{"sid":"s","aud":["other","sessmem.example"],"exp":4102444800.25}'));
SELECT try_bind(mint(E'{"s\\u0069d":"\\u00e9t\\u00e9 \U0001F600",' || :'aud' || '}'));
SELECT try_bind(mint('{"sid":"' || repeat('x', 2500) || '",' || :'aud' || '}')) = 'bound: ' || repeat('x', 2500) AS long_id;
SELECT try_bind(mint('{"sid":"s","role":"' || current_user || '",' || :'aud' || '}'));
-- the issuer's clock is a little ahead
SELECT try_bind(mint(format('{"sid":"s","iat":%s,%s}', extract(epoch FROM clock_timestamp() + '10 s')::bigint, :'aud')));

-- other algorithms
SELECT try_bind('eyJhbGciOiJFZERTQSIsImtpZCI6InRlc3QtRWREU0EifQ.eyJzaWQiOiJmcm9tIEVkRFNBIiwic3ViIjoiYWxpY2UiLCJhdWQiOlsib3RoZXIiLCJzZXNzbWVtLmV4YW1wbGUiXSwiZXhwIjo0MTAyNDQ0ODAwfQ.nfDi_99BRyWnNuT6hjQkZ_4b_oZ7j_3my1piWUPhy3fsTVGHNW7On5VRNtv-WvsMR76kQztwGwdl1_z-vxNfAQ');
SELECT try_bind('eyJhbGciOiJFUzI1NiIsImtpZCI6InRlc3QtRVMyNTYifQ.eyJzaWQiOiJmcm9tIEVTMjU2Iiwic3ViIjoiYWxpY2UiLCJhdWQiOlsib3RoZXIiLCJzZXNzbWVtLmV4YW1wbGUiXSwiZXhwIjo0MTAyNDQ0ODAwfQ.2Sw683g-3kqOebqVR9ZybJoAEkSNWG-2sH8Koql9qDhp_WAhf5gRv8wegvZ0T1erjkU5y8lggnU6MLcenNu-EQ');
SELECT try_bind('eyJhbGciOiJSUzI1NiIsImtpZCI6InRlc3QtUlMyNTYifQ.eyJzaWQiOiJmcm9tIFJTMjU2Iiwic3ViIjoiYWxpY2UiLCJhdWQiOlsib3RoZXIiLCJzZXNzbWVtLmV4YW1wbGUiXSwiZXhwIjo0MTAyNDQ0ODAwfQ.nFdptEvmGIHFyOH_VpFQ8cii4sZs37PW7tgkTSVi31D2mwJr1eaSCh9S-cBJ9zyMVr791tFcafNmkwdtJPeAU8XePEC1wFWWUlphtmISNkMYDDl_4Ec93BjicXA1xO9r6ivGqEch-nJWH-Qd_ggHgdghgHYIuVRYh4McIMi5paP5hkB64kYtJiGcs_37gN5ioTfrpeBEqfCOn0_OJhYk17wGOCzkMFOfCMKD8EQ2Ipd5kuDs47aOpAQSFI0UW5vquSYP91qu8wzon_PvOsDsAsZACyHUSyp0TQ-6hLEjdcsgFEY6w1vMVXUN7ZAjtxJt3RKXcwtViL0Ynp4o7tLIRA');

-- fail: length, shape
SELECT try_bind(mint('{"sid":"' || repeat('x', 8000) || '",' || :'aud' || '}'));
SELECT try_bind(NULL);
SELECT try_bind('');
SELECT try_bind('a.b');
SELECT try_bind('..');
SELECT try_bind(mint('{"sid":"s",' || :'aud' || '}') || '.x');

-- fail: base64url is canonical: padding, the other alphabet, white space, loose bits
SELECT mint('{"sid":"????>>>>~~~~",' || :'aud' || '}') AS t \gset
SELECT try_bind(:'t');
SELECT try_bind(:'t' || '=');
SELECT try_bind(translate(:'t', '-_', '+/'));
SELECT try_bind(:'t' || E'\n');
SELECT try_bind(' ' || :'t');
SELECT try_bind(left(:'t', -1) || chr(ascii(right(:'t', 1)) + 1)) IN (
	'28000 session token refused: The token is not a well-formed JWT in compact form.',
	'28000 session token refused: The token''s signature does not match.') AS loose_bits;

-- fail: JSON
SELECT try_bind(mint('{"sid":"s"'));
SELECT try_bind(mint('["sid"]'));
SELECT try_bind(mint('"sid"'));
SELECT try_bind(mint(''));
SELECT try_bind(mint('{"sid":"s",' || :'aud' || '} trailing'));
SELECT try_bind(mint(E'{"sid":"a\\u0000b",' || :'aud' || '}'));
SELECT try_bind(mint('{"sid":"s",' || :'aud' || '}', 'header'));
SELECT try_bind(d || '.' || b64url(hmac(convert_to(d, 'UTF8'), test_secret(), 'sha256')))
	FROM (SELECT b64url('{"alg":"HS256","kid":"test"}') || '.' || b64url('{"sid":"' || '\xff00'::bytea || '","aud":"sessmem.example","exp":4102444800}') AS d) AS s;
SELECT try_bind(d || '.' || b64url(hmac(convert_to(d, 'UTF8'), test_secret(), 'sha256')))
	FROM (SELECT b64url('{"alg":"HS256","kid":"test"}') || '.' || b64url('{"sid":"' || '\xff'::bytea || '","aud":"sessmem.example","exp":4102444800}') AS d) AS s;
SELECT try_bind(mint(repeat('[', 5000)));

-- fail: a member twice, in the header or the claims, also when spelled differently
SELECT try_bind(mint('{"sid":"s","sid":"t",' || :'aud' || '}'));
SELECT try_bind(mint(E'{"sid":"s","s\\u0069d":"t",' || :'aud' || '}'));
SELECT try_bind(mint('{"sid":"s",' || :'aud' || '}', '{"alg":"HS256","kid":"test","kid":"test"}'));
SELECT try_bind(mint('{"sid":"s","x":1,"x":2,' || :'aud' || '}'));

-- fail: critical extensions
SELECT try_bind(mint('{"sid":"s",' || :'aud' || '}', '{"alg":"HS256","kid":"test","crit":["exp"]}'));

-- fail: key
SELECT try_bind(mint('{"sid":"s",' || :'aud' || '}', '{"alg":"HS256"}'));
SELECT try_bind(mint('{"sid":"s",' || :'aud' || '}', '{"alg":"HS256","kid":"unknown"}'));
SELECT try_bind(mint('{"sid":"s",' || :'aud' || '}', '{"alg":"HS256","kid":"seal"}'));
SELECT try_bind(mint('{"sid":"s",' || :'aud' || '}', '{"alg":"HS256","kid":7}'));
SELECT try_bind(mint('{"sid":"s",' || :'aud' || '}', '{"alg":"HS256","kid":"second"}'));

-- fail: algorithm; "none", another one, and the RSA public key taken for a secret
SELECT try_bind(b64url('{"alg":"none","kid":"test"}') || '.' || b64url(convert_to('{"sid":"s",' || :'aud' || '}', 'UTF8')) || '.');
SELECT try_bind(mint('{"sid":"s",' || :'aud' || '}', '{"alg":"none","kid":"test"}'));
SELECT try_bind(mint('{"sid":"s",' || :'aud' || '}', '{"alg":"RS256","kid":"test"}'));
SELECT try_bind(mint('{"sid":"s",' || :'aud' || '}', '{"alg":"hs256","kid":"test"}'));
SELECT try_bind(mint('{"sid":"s",' || :'aud' || '}', '{"kid":"test"}'));
SELECT try_bind('eyJhbGciOiJIUzI1NiIsImtpZCI6InRlc3QtUlMyNTYifQ.eyJzaWQiOiJmcm9tIFJTMjU2Iiwic3ViIjoiYWxpY2UiLCJhdWQiOlsib3RoZXIiLCJzZXNzbWVtLmV4YW1wbGUiXSwiZXhwIjo0MTAyNDQ0ODAwfQ.6XqoM3Ck8YXQsnGKtD745XDiBJOr-XnxnVRkl_JgQMQ');
SELECT try_bind('eyJhbGciOiJIUzI1NiIsImtpZCI6InRlc3QtUlMyNTYifQ.eyJzaWQiOiJmcm9tIFJTMjU2Iiwic3ViIjoiYWxpY2UiLCJhdWQiOlsib3RoZXIiLCJzZXNzbWVtLmV4YW1wbGUiXSwiZXhwIjo0MTAyNDQ0ODAwfQ.PI-ugtexGFplbZqIsbUiZZfnyJ22rIutvAwPMQ3KWTE');

-- fail: signature; none, another's, a changed claim, ES256 in DER or cut short
SELECT try_bind(regexp_replace(mint('{"sid":"s",' || :'aud' || '}'), '[^.]*$', ''));
SELECT try_bind(mint('{"sid":"s",' || :'aud' || '}', '{"alg":"EdDSA","kid":"test-EdDSA"}'));
SELECT try_bind(regexp_replace(mint('{"sid":"s",' || :'aud' || '}'), '\..*\.', '.' || b64url(convert_to('{"sid":"t",' || :'aud' || '}', 'UTF8')) || '.'));
SELECT try_bind('eyJhbGciOiJFUzI1NiIsImtpZCI6InRlc3QtRVMyNTYifQ.eyJzaWQiOiJmcm9tIEVTMjU2Iiwic3ViIjoiYWxpY2UiLCJhdWQiOlsib3RoZXIiLCJzZXNzbWVtLmV4YW1wbGUiXSwiZXhwIjo0MTAyNDQ0ODAwfQ.MEUCIQDMPSrQ8M314yx4uNZaKBrBvMaUjJjVycjd1bCRsNkMPwIgDRZTnstNwSNncjh5tT4tJFtrsT-oJWnfFD_dnVXTVrA');
SELECT try_bind(left('eyJhbGciOiJFUzI1NiIsImtpZCI6InRlc3QtRVMyNTYifQ.eyJzaWQiOiJmcm9tIEVTMjU2Iiwic3ViIjoiYWxpY2UiLCJhdWQiOlsib3RoZXIiLCJzZXNzbWVtLmV4YW1wbGUiXSwiZXhwIjo0MTAyNDQ0ODAwfQ.2Sw683g-3kqOebqVR9ZybJoAEkSNWG-2sH8Koql9qDhp_WAhf5gRv8wegvZ0T1erjkU5y8lggnU6MLcenNu-EQ', -2));
SELECT try_bind(split_part(t, '.', 1) || '.' || split_part(t, '.', 2) || '.' || b64url(decode(translate(split_part(t, '.', 3), '-_', '+/') || '==', 'base64') || '\x00'))
	FROM (VALUES ('eyJhbGciOiJFUzI1NiIsImtpZCI6InRlc3QtRVMyNTYifQ.eyJzaWQiOiJmcm9tIEVTMjU2Iiwic3ViIjoiYWxpY2UiLCJhdWQiOlsib3RoZXIiLCJzZXNzbWVtLmV4YW1wbGUiXSwiZXhwIjo0MTAyNDQ0ODAwfQ.2Sw683g-3kqOebqVR9ZybJoAEkSNWG-2sH8Koql9qDhp_WAhf5gRv8wegvZ0T1erjkU5y8lggnU6MLcenNu-EQ')) AS v (t);

-- fail: audience
SELECT try_bind(mint('{"sid":"s","exp":4102444800}'));
SELECT try_bind(mint('{"sid":"s","aud":"other","exp":4102444800}'));
SELECT try_bind(mint('{"sid":"s","aud":[],"exp":4102444800}'));
SELECT try_bind(mint('{"sid":"s","aud":{"x":"sessmem.example"},"exp":4102444800}'));
SELECT try_bind(mint('{"sid":"s","aud":[["sessmem.example"]],"exp":4102444800}'));
SELECT try_bind(mint('{"sid":"s","aud":"sessmem.example2","exp":4102444800}'));

-- fail: expiry
SELECT try_bind(mint('{"sid":"s","aud":"sessmem.example"}'));
SELECT try_bind(mint('{"sid":"s","aud":"sessmem.example","exp":1700000000}'));
SELECT try_bind(mint('{"sid":"s","aud":"sessmem.example","exp":0}'));
SELECT try_bind(mint('{"sid":"s","aud":"sessmem.example","exp":"4102444800"}'));
SELECT try_bind(mint('{"sid":"s","aud":"sessmem.example","exp":-1}'));
SELECT try_bind(mint('{"sid":"s","aud":"sessmem.example","exp":1e400}'));
SELECT try_bind(mint('{"sid":"s","aud":"sessmem.example","exp":null}'));
SELECT try_bind(mint('{"sid":"s","aud":"sessmem.example","exp":[4102444800]}'));

-- fail: not valid yet
SELECT try_bind(mint('{"sid":"s","nbf":4102444000,' || :'aud' || '}'));
SELECT try_bind(mint('{"sid":"s","iat":4102444000,' || :'aud' || '}'));
SELECT try_bind(mint('{"sid":"s","nbf":"soon",' || :'aud' || '}'));

-- fail: claims
SELECT try_bind(mint('{' || :'aud' || '}'));
SELECT try_bind(mint('{"sid":"",' || :'aud' || '}'));
SELECT try_bind(mint('{"sid":7,' || :'aud' || '}'));
SELECT try_bind(mint('{"sid":null,' || :'aud' || '}'));
SELECT try_bind(mint('{"sid":"s","sub":"",' || :'aud' || '}'));
SELECT try_bind(mint('{"sid":"s","tid":false,' || :'aud' || '}'));

-- fail: role; it is the one that SET ROLE chose
SELECT try_bind(mint('{"sid":"s","role":"regress_sessmem_nobody",' || :'aud' || '}'));
SELECT mint('{"sid":"s","role":"regress_sessmem_app",' || :'aud' || '}') AS t \gset
SELECT try_bind(:'t');
SET ROLE regress_sessmem_app;
SELECT try_bind(:'t');
RESET ROLE;

-- a verified token is remembered, but not beyond a change of what made it good
SELECT mint('{"sid":"s",' || :'aud' || '}') AS t \gset
SELECT try_bind(:'t');
SET sessmem.audience = 'elsewhere';
SELECT try_bind(:'t');
SET sessmem.audience = 'sessmem.example';
SELECT try_bind(:'t');
BEGIN;
SELECT sessmem.retire_key('test');
SELECT try_bind(:'t');
ROLLBACK;
SELECT try_bind(:'t');
RESET sessmem.audience;

-- no part of a token, and no line of where it came from, is in what a client sees
\set SHOW_CONTEXT always
DO $$ BEGIN PERFORM sessmem.bind('eyJhbGciOiJIUzI1NiJ9.c2VjcmV0.c2VjcmV0'); END $$;
SELECT sessmem.bind('eyJhbGciOiJIUzI1NiJ9.c2VjcmV0.c2VjcmV0');
