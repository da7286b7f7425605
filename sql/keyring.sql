-- Keys: create, import, retire; nobody reads one.
\set SHOW_CONTEXT never

-- one exists from the start, and another makes the next tokens
SELECT count(*), min(alg) FROM sessmem.keys WHERE kid <> 'test';
SELECT sessmem.create_key('second');
SELECT sessmem.create_key() IS NOT NULL AS generated;
SELECT kid, alg, retired_at FROM sessmem.keys WHERE kid IN ('second', 'test') ORDER BY kid;
SELECT jwt_part(sessmem.open_session('alice'), 1) ->> 'kid'
	= (SELECT kid FROM sessmem.keys ORDER BY created_at DESC LIMIT 1) AS newest_signs;

-- fail: taken, empty
SELECT sessmem.create_key('second');
SELECT sessmem.create_key('');
SELECT sessmem.create_key(repeat('k', 201));

-- several live at once; a retired one verifies nothing any more
SELECT token('s') AS t \gset
BEGIN;
SELECT sessmem.bind(:'t');
ROLLBACK;
SELECT sessmem.retire_key('second');
SELECT kid, alg, retired_at IS NOT NULL AS retired FROM sessmem.keys WHERE kid = 'second';

-- fail: unknown, retired already, the seal
SELECT sessmem.retire_key('no such key');
SELECT sessmem.retire_key('second');
SELECT sessmem.retire_key('seal');
-- fail: the kid of a retired key is not used again
SELECT sessmem.create_key('second');
SELECT sessmem.import_key(jsonb_build_object('kty', 'oct', 'kid', 'second', 'k', b64url(test_secret())));

-- public keys
SELECT sessmem.import_key('{"crv":"Ed25519","x":"Fldr9x8VwrsDRPHqEvtFxTuIlD0LK6fCRdW4gCTS6RI","kty":"OKP","kid":"test-EdDSA"}');
SELECT sessmem.import_key('{"kty":"EC","x":"-2l1C6099Ytg4kYyvi999VhpuLj2d2xsLID4HH1dnnU","y":"6CHp1sizCYVPhWWmKEBerdyrBXLATQ9lXEkys9JfM7I","crv":"P-256","kid":"test-ES256"}');
SELECT sessmem.import_key('{"kty":"RSA","n":"qR4r58ApMXOfUgQlftmwct4m4d71DGN117pmht4i_2tovi1LH-mG4d8Q-Zq4AWsaT60hZ9bfAniNzNtMSEBaPi7Aa-JQpBKNZ5tZNt-8h41cGMXElVbLU98fFxACkR0BzOK9swSfva3_vCu1iYOOBKx6mdikdDJtuw12lxZ3UiZsfkwfzoF64RFwug5OeTjkO36GXlE82-zgZ9yA_08lDQebaZUQV9ONH_YtB6gnm4AToqLrZvK1_dXm3ciVX8cIrT-s3Akuf1ah0zdAyNDp2YJ0aZar7hMRTuOVHy3-KkUJkLYrQkBNZm8h3mr0K0R7Ek43npcoj_3ywg0IO8IMnQ","e":"AQAB","kid":"test-RS256"}');
-- the same again is harmless, as when a JWKS is read anew; keys for other purposes are left out
SELECT sessmem.import_key(jsonb_build_object('keys', jsonb_build_array(
	'{"kty":"OKP","crv":"Ed25519","kid":"test-EdDSA","x":"Fldr9x8VwrsDRPHqEvtFxTuIlD0LK6fCRdW4gCTS6RI"}'::jsonb,
	'{"kty":"RSA","use":"enc","kid":"enc","n":"AQAB","e":"AQAB"}'::jsonb,
	'{"kty":"EC","crv":"P-521","kid":"p521","x":"AQAB","y":"AQAB"}'::jsonb)));
-- without a kid: its thumbprint (the example of RFC 8037, A.3)
SELECT sessmem.import_key('{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}');

-- fail: each for its own reason
SELECT sessmem.import_key('{"kty":"EC","x":"-2l1C6099Ytg4kYyvi999VhpuLj2d2xsLID4HH1dnnU","y":"6CHp1sizCYVPhWWmKEBerdyrBXLATQ9lXEkys9JfM7I","crv":"P-256","d":"0KGuuSbfliJ20ILl24RoRGPLW2Nop919_uyIc3csb_s","kid":"private"}');
SELECT sessmem.import_key('{"kty":"RSA","n":"xiPto9xSBPQaxbV6MJJrZpJCFim3p4ltfwk9hjsjIN2hX9PINY-y9qV1eSBoq9TKFo3PBm8PsCrqkAx3umh5CNwaxXUG0XhDMQzKALGhpUDbVLJ4hKlnA_tbdzutyUZIOGz0wkXyve-d1fxUkoFIIelawxiaiK9NgpYBsAQMxUc","e":"AQAB"}');
SELECT sessmem.import_key(NULL);
SELECT sessmem.import_key('[]');
SELECT sessmem.import_key('{}');
SELECT sessmem.import_key('{"keys":{}}');
SELECT sessmem.import_key('{"keys":[]}');
SELECT sessmem.import_key('{"kty":"oct","k":"c2hvcnQ"}');
SELECT sessmem.import_key('{"kty":"oct"}');
SELECT sessmem.import_key('{"kty":"oct","alg":"RS256","k":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"}');
SELECT sessmem.import_key('{"kty":"oct","k":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}');
SELECT sessmem.import_key('{"kty":"OKP","crv":"Ed448","x":"AAAA"}');
SELECT sessmem.import_key('{"kty":"OKP","crv":"Ed25519","x":"AAAA"}');
SELECT sessmem.import_key('{"kty":"OKP","crv":"Ed25519"}');
SELECT sessmem.import_key('{"kty":"EC","crv":"P-256","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE","y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"}');
SELECT sessmem.import_key('{"kty":"RSA","use":"enc","n":"AQAB","e":"AQAB"}');
SELECT sessmem.import_key('{"kty":"OKP","crv":"Ed25519","key_ops":["sign"],"x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}');
SELECT sessmem.import_key('{"kty":"OKP","crv":"Ed25519","kid":"","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}');
-- fail: another key under the same id
SELECT sessmem.import_key('{"kty":"OKP","crv":"Ed25519","kid":"test-EdDSA","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}');

-- the material is a mask for superusers, too, in whatever way it is asked for
SELECT material, material::text AS as_text, to_json(material) AS as_json, format('%s', material) AS formatted
	FROM sessmem.keyring WHERE material IS NOT NULL LIMIT 1;
COPY (SELECT material FROM sessmem.keyring WHERE kid = 'test') TO STDOUT;
-- fail: no way in, no binary way out, no cast, no order to search by
COPY (SELECT material FROM sessmem.keyring) TO '/dev/null' (FORMAT binary);
SELECT material::bytea FROM sessmem.keyring;
SELECT 'abc'::sessmem.secret;
SELECT min(material) FROM sessmem.keyring;
SELECT material = material FROM sessmem.keyring;

-- a database that knows public keys only cannot mint
BEGIN;
SELECT count(sessmem.retire_key(kid)) > 0 AS retired FROM sessmem.keys WHERE alg = 'HS256' AND retired_at IS NULL;
SELECT sessmem.open_session('alice');
ROLLBACK;
SELECT sessmem.open_session('alice') IS NOT NULL AS minted;

-- without the seal nobody is bound
BEGIN;
DELETE FROM sessmem.keyring WHERE purpose = 'seal';
SELECT sessmem.bind(:'t');
ROLLBACK;
