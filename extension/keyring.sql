-- keyring: the keys that tokens are verified with, and the one that seals contexts

CREATE TYPE sessmem.secret;

CREATE FUNCTION sessmem.secret_in(cstring) RETURNS sessmem.secret
	LANGUAGE c STABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'sessmem_secret_in';
COMMENT ON FUNCTION sessmem.secret_in(cstring) IS
	'Input of type secret. Always fails (0A000): keys come from create_key() and import_key().';

CREATE FUNCTION sessmem.secret_out(sessmem.secret) RETURNS cstring
	LANGUAGE c STABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'sessmem_secret_out';
COMMENT ON FUNCTION sessmem.secret_out(sessmem.secret) IS
	'Output of type secret: always a mask.';

-- No binary form, no cast and no operator: what goes in comes out in no way.
CREATE TYPE sessmem.secret (
	INPUT = sessmem.secret_in,
	OUTPUT = sessmem.secret_out,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = int4,
	STORAGE = main
);
COMMENT ON TYPE sessmem.secret IS
	'Key material. Cannot be read through SQL, by superusers neither; pg_dump does not save it.';

-- keyring.c reads this table by column number.
CREATE TABLE sessmem.keyring (
	kid text PRIMARY KEY CHECK (pg_catalog.length(kid) BETWEEN 1 AND 200),
	alg text NOT NULL CHECK (alg IN ('HS256', 'EdDSA', 'ES256', 'RS256')),
	purpose text NOT NULL CHECK (purpose IN ('token', 'seal')),
	material sessmem.secret,
	created_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	retired_at timestamptz,
	CHECK ((material IS NULL) = (retired_at IS NOT NULL))
);
CREATE UNIQUE INDEX keyring_one_seal ON sessmem.keyring (purpose) WHERE purpose = 'seal';
COMMENT ON TABLE sessmem.keyring IS
	'Keys. Not dumped: a restored database makes new ones. Use the functions and the view sessmem.keys.';

CREATE FUNCTION sessmem.announce_change() RETURNS trigger
	LANGUAGE c VOLATILE
	AS 'MODULE_PATHNAME', 'sessmem_announce_change';
COMMENT ON FUNCTION sessmem.announce_change() IS
	'Trigger: makes every backend forget its copy of the table.';

CREATE TRIGGER announce_change
	AFTER INSERT OR UPDATE OR DELETE ON sessmem.keyring
	FOR EACH ROW EXECUTE FUNCTION sessmem.announce_change();
CREATE TRIGGER announce_truncate
	AFTER TRUNCATE ON sessmem.keyring
	FOR EACH STATEMENT EXECUTE FUNCTION sessmem.announce_change();
ALTER TABLE sessmem.keyring ENABLE ALWAYS TRIGGER announce_change, ENABLE ALWAYS TRIGGER announce_truncate;

CREATE FUNCTION sessmem.key_material(alg text, a bytea, b bytea) RETURNS sessmem.secret
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sessmem_key_material';
COMMENT ON FUNCTION sessmem.key_material(text, bytea, bytea) IS
	'Internal: the stored form of a key. 22023 for what is not a valid key.';

CREATE FUNCTION sessmem.create_key(kid text DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF length(kid) NOT BETWEEN 1 AND 200 THEN
		RAISE EXCEPTION 'kid must have 1 to 200 characters' USING ERRCODE = '22023';
	END IF;
	kid := coalesce(kid, gen_random_uuid()::text);
	BEGIN
		INSERT INTO sessmem.keyring (kid, alg, purpose, material)
			VALUES (create_key.kid, 'HS256', 'token', sessmem.key_material('HS256', NULL, NULL));
	EXCEPTION WHEN unique_violation THEN
		RAISE EXCEPTION 'key "%" exists already', kid
			USING ERRCODE = 'duplicate_object',
				HINT = 'Choose another kid. The kid of a retired key is not used again.';
	END;
	RETURN kid;
END
$$;
COMMENT ON FUNCTION sessmem.create_key(text) IS
	'Makes a random HS256 key (32 bytes) and returns its id (kid, default a UUID). Tokens are signed with the newest one; the others go on verifying until retired. 42710: the kid is taken. 22023: it is empty, or longer than 200 characters. For administrators.';

CREATE FUNCTION sessmem.base64url_bytes(value text) RETURNS bytea
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF value !~ '^[A-Za-z0-9_-]+$' OR length(value) % 4 = 1 THEN
		RAISE EXCEPTION 'JWK has a member that is not base64url' USING ERRCODE = '22023';
	END IF;
	RETURN decode(translate(value, '-_', '+/') || repeat('=', (4 - length(value) % 4) % 4), 'base64');
END
$$;
COMMENT ON FUNCTION sessmem.base64url_bytes(text) IS
	'Internal: decodes a member of a JWK. 22023 if it is not base64url.';

CREATE FUNCTION sessmem.import_key(jwk jsonb) RETURNS text
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	key_alg text;
	key_id text;
	canonical text;
	new_material sessmem.secret;
	old sessmem.keyring;
	imported text;
	member jsonb;
BEGIN
	IF jwk IS NULL OR jsonb_typeof(jwk) <> 'object' THEN
		RAISE EXCEPTION 'a JWK is a JSON object' USING ERRCODE = '22023';
	END IF;

	IF jwk ? 'keys' THEN
		IF jsonb_typeof(jwk -> 'keys') <> 'array' THEN
			RAISE EXCEPTION 'the member "keys" of a JWKS is an array' USING ERRCODE = '22023';
		END IF;
		FOR member IN SELECT value FROM jsonb_array_elements(jwk -> 'keys') LOOP
			-- RFC 7517, 5: ignore what is for another purpose or not understood
			CONTINUE WHEN coalesce(member ->> 'use', 'sig') <> 'sig'
				OR coalesce(member ->> 'alg', 'HS256') NOT IN ('HS256', 'EdDSA', 'ES256', 'RS256')
				OR coalesce(member ->> 'kty', '') NOT IN ('oct', 'OKP', 'EC', 'RSA')
				OR coalesce(member ->> 'crv', 'P-256') NOT IN ('P-256', 'Ed25519');
			imported := concat_ws(',', imported, sessmem.import_key(member));
		END LOOP;
		IF imported IS NULL THEN
			RAISE EXCEPTION 'the JWKS has no key that can be used'
				USING ERRCODE = '22023',
					HINT = 'Supported are keys for HS256, EdDSA (Ed25519), ES256 and RS256.';
		END IF;
		RETURN imported;
	END IF;

	-- The algorithm follows from the key, and "alg" may only confirm it.
	key_alg := CASE
		WHEN jwk ->> 'kty' = 'oct' THEN 'HS256'
		WHEN jwk ->> 'kty' = 'OKP' AND jwk ->> 'crv' = 'Ed25519' THEN 'EdDSA'
		WHEN jwk ->> 'kty' = 'EC' AND jwk ->> 'crv' = 'P-256' THEN 'ES256'
		WHEN jwk ->> 'kty' = 'RSA' THEN 'RS256'
	END;
	IF key_alg IS NULL OR coalesce(jwk ->> 'alg', key_alg) <> key_alg THEN
		RAISE EXCEPTION 'this kind of key is not supported'
			USING ERRCODE = '22023',
				HINT = 'Supported are keys for HS256, EdDSA (Ed25519), ES256 and RS256.';
	END IF;
	IF coalesce(jwk ->> 'use', 'sig') <> 'sig'
		OR (jwk ? 'key_ops' AND NOT jwk -> 'key_ops' @> '"verify"') THEN
		RAISE EXCEPTION 'this key is not for verifying signatures' USING ERRCODE = '22023';
	END IF;
	IF key_alg <> 'HS256' AND jwk ? 'd' THEN
		RAISE EXCEPTION 'this is a private key'
			USING ERRCODE = '22023',
				DETAIL = 'To verify tokens the database needs the public key only.',
				HINT = 'Remove the member "d" (and "p", "q", "dp", "dq", "qi"), and consider the key exposed if this statement was logged.';
	END IF;

	new_material := CASE key_alg
		WHEN 'HS256' THEN sessmem.key_material(key_alg, coalesce(sessmem.base64url_bytes(jwk ->> 'k'), ''), NULL)
		WHEN 'EdDSA' THEN sessmem.key_material(key_alg, sessmem.base64url_bytes(jwk ->> 'x'), NULL)
		WHEN 'ES256' THEN sessmem.key_material(key_alg, sessmem.base64url_bytes(jwk ->> 'x'), sessmem.base64url_bytes(jwk ->> 'y'))
		WHEN 'RS256' THEN sessmem.key_material(key_alg, sessmem.base64url_bytes(jwk ->> 'n'), sessmem.base64url_bytes(jwk ->> 'e'))
	END;

	-- Without a kid: the thumbprint (RFC 7638); of a secret one does not publish a hash.
	key_id := jwk ->> 'kid';
	IF key_id IS NULL AND key_alg = 'HS256' THEN
		key_id := gen_random_uuid()::text;
	ELSIF key_id IS NULL THEN
		canonical := CASE key_alg
			WHEN 'EdDSA' THEN format('{"crv":"Ed25519","kty":"OKP","x":"%s"}', jwk ->> 'x')
			WHEN 'ES256' THEN format('{"crv":"P-256","kty":"EC","x":"%s","y":"%s"}', jwk ->> 'x', jwk ->> 'y')
			WHEN 'RS256' THEN format('{"e":"%s","kty":"RSA","n":"%s"}', jwk ->> 'e', jwk ->> 'n')
		END;
		key_id := translate(rtrim(encode(sha256(convert_to(canonical, 'UTF8')), 'base64'), '='), '+/', '-_');
	END IF;
	IF length(key_id) NOT BETWEEN 1 AND 200 THEN
		RAISE EXCEPTION 'kid must have 1 to 200 characters' USING ERRCODE = '22023';
	END IF;

	INSERT INTO sessmem.keyring (kid, alg, purpose, material)
		VALUES (key_id, key_alg, 'token', new_material)
		ON CONFLICT (kid) DO NOTHING;
	IF NOT FOUND THEN
		-- importing a JWKS again, after its issuer added a key, is usual
		SELECT * INTO old FROM sessmem.keyring AS k WHERE k.kid = key_id;
		-- *= compares rows byte by byte; the type itself has no operators
		IF old.retired_at IS NOT NULL OR old.alg <> key_alg OR old.purpose <> 'token'
			OR NOT (SELECT a FROM (SELECT old.material) AS a) *= (SELECT b FROM (SELECT new_material) AS b) THEN
			RAISE EXCEPTION 'key "%" exists already and is another key, or is retired', key_id
				USING ERRCODE = 'duplicate_object',
					HINT = 'Give the new key another kid.';
		END IF;
	END IF;
	RETURN key_id;
END
$$;
COMMENT ON FUNCTION sessmem.import_key(jsonb) IS
	'Imports a key from a JWK, or the usable keys of a JWKS: oct (HS256, 32 bytes or more), OKP Ed25519 (EdDSA), EC P-256 (ES256), RSA of 2048 to 8192 bits (RS256). Public keys only, except oct. Returns the kid; several separated by commas. Importing the same key again is harmless. 22023: not such a key. 42710: the kid belongs to another or a retired key. Pass it as a bind parameter, so that it is not logged. For administrators.';

CREATE FUNCTION sessmem.retire_key(kid text) RETURNS void
	LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	UPDATE sessmem.keyring AS k SET retired_at = clock_timestamp(), material = NULL
		WHERE k.kid = retire_key.kid AND k.purpose = 'token' AND k.retired_at IS NULL;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'there is no live key "%"', kid
			USING ERRCODE = 'undefined_object',
				HINT = 'SELECT * FROM sessmem.keys lists the keys.';
	END IF;
END
$$;
COMMENT ON FUNCTION sessmem.retire_key(text) IS
	'Deletes the material of a key. Its tokens are refused, and contexts that it vouched for end, from the next statement of every connection on. 42704: no live key of that id. For administrators.';

CREATE VIEW sessmem.keys AS
	SELECT kid, alg, created_at, retired_at FROM sessmem.keyring WHERE purpose = 'token';
COMMENT ON VIEW sessmem.keys IS 'Keys that verify tokens, and retired ones, without their material.';

INSERT INTO sessmem.keyring (kid, alg, purpose, material)
	VALUES ('seal', 'HS256', 'seal', sessmem.key_material('HS256', NULL, NULL));
SELECT sessmem.create_key();
