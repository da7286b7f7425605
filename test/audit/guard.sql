-- Gaps of the guard.  The helpers are in context.sql and storage.sql.
CREATE FUNCTION mine(name text, columns text DEFAULT 'session_id text NOT NULL, note text') RETURNS text LANGUAGE sql AS $$
	SELECT made(name, 'USING (session_id = sessmem.session_id())', columns) $$;

INSERT INTO seed (check_id, object, setup, also) VALUES
	-- protected tables
	('guard.missing', 'public.g1', protected('g1') || 'DROP TRIGGER zzz_sessmem_guard ON g1', '{}'),
	('guard.disabled', 'public.g2', protected('g2') || 'ALTER TABLE g2 DISABLE TRIGGER zzz_sessmem_guard', '{}'),
	('guard.origin_only', 'public.g3', protected('g3') || 'ALTER TABLE g3 ENABLE TRIGGER zzz_sessmem_guard', '{}'),
	('guard.changed', 'public.g4', protected('g4') || $$CREATE OR REPLACE TRIGGER zzz_sessmem_guard BEFORE INSERT ON g4 FOR EACH ROW EXECUTE FUNCTION sessmem.guard('session_id', '', ''); ALTER TABLE g4 ENABLE ALWAYS TRIGGER zzz_sessmem_guard$$, '{}'),
	('guard.truncate_unguarded', 'public.g5', protected('g5') || 'DROP TRIGGER zzz_sessmem_truncate ON g5', '{}'),
	('guard.trigger_after', 'public.g6', protected('g6') || $$CREATE FUNCTION g6() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER zzzz BEFORE UPDATE ON g6 FOR EACH ROW EXECUTE FUNCTION g6()$$, '{}'),
	('guard.foreign_code', 'public.g7', protected('g7') || role_for('coder', $$CREATE FUNCTION g7() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER copy AFTER INSERT ON g7 FOR EACH ROW EXECUTE FUNCTION g7(); ALTER FUNCTION g7() OWNER TO @$$), '{}'),
	('guard.rule', 'public.g8', protected('g8') || 'CREATE RULE quiet AS ON DELETE TO g8 DO INSTEAD NOTHING', '{}'),
	('guard.foreign_key_owner', 'public.g9', protected('g9', 'session_id text PRIMARY KEY') || 'CREATE TABLE g9_other (id text REFERENCES g9); ' || owned('g9_other'), '{table.child}'),
	('guard.nullable_key', 'public.g10', protected('g10') || 'ALTER TABLE g10 ALTER session_id DROP NOT NULL', '{}'),
	('guard.empty_key', 'public.g11', protected('g11') || 'ALTER TABLE g11 DROP CONSTRAINT sessmem_key_not_empty', '{}'),
	('guard.rows_without_session', 'public.g12', protected('g12') || 'ALTER TABLE g12 ALTER session_id DROP NOT NULL; INSERT INTO g12 VALUES (NULL)', '{guard.nullable_key}'),
	('guard.truncate_granted', 'public.g13', protected('g13') || role_for('truncater', 'GRANT TRUNCATE ON g13 TO @'), '{}'),
	('guard.unique_key', 'public.g14_name_key', protected('g14', 'session_id text, name text UNIQUE'), '{}'),
	('guard.unique_key', 'public.g15_name_idx', protected('g15', 'session_id text, name text') || 'CREATE UNIQUE INDEX ON g15 (name) WHERE name IS NOT NULL', '{}'),
	('guard.surrogate_key', 'public.g16_pkey', protected('g16', 'session_id text, id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY'), '{}'),
	('guard.foreign_key', 'public.g17_child', protected('g17', 'session_id text, id int, UNIQUE (session_id, id), UNIQUE (id)') || protected('g17_child', 'session_id text, id int CONSTRAINT ref REFERENCES g17 (id) ON DELETE CASCADE'), '{guard.unique_key}'),
	-- what the guard depends on
	('guard.event_trigger', 'sessmem_after_drop', 'ALTER EVENT TRIGGER sessmem_after_drop ENABLE', '{}'),
	('guard.registry_trigger', 'sessmem.keyring.announce_change', 'ALTER TABLE sessmem.keyring DISABLE TRIGGER announce_change', '{}'),
	-- tables by hand
	('guard.truncate_granted', 'public.g20', mine('g20') || 'GRANT TRUNCATE ON g20 TO PUBLIC', '{}'),
	('guard.trigger_granted', 'public.g21', mine('g21') || role_for('trigger', 'GRANT TRIGGER ON g21 TO @'), '{}'),
	('guard.references_granted', 'public.g22', mine('g22') || role_for('reference', 'GRANT REFERENCES (session_id) ON g22 TO @'), '{}'),
	('guard.rule', 'public.g23', mine('g23') || 'CREATE RULE quiet AS ON DELETE TO g23 DO INSTEAD NOTHING', '{}'),
	('guard.code_owner', 'public.g24', mine('g24') || role_for('g24', $$CREATE FUNCTION g24() RETURNS text LANGUAGE sql AS 'SELECT 1'; ALTER TABLE g24 ALTER note SET DEFAULT g24(); ALTER FUNCTION g24() OWNER TO @$$), '{}'),
	('guard.code_search_path', 'public.g25()', mine('g25') || $$CREATE FUNCTION g25() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER t AFTER INSERT ON g25 FOR EACH ROW EXECUTE FUNCTION g25()$$, '{}'),
	('guard.instead_of_trigger', 'public.g26()', mine('g26') || $$CREATE VIEW g26_view WITH (security_invoker) AS SELECT * FROM g26;
		CREATE FUNCTION g26() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'BEGIN INSERT INTO public.g26 SELECT NEW.*; RETURN NEW; END';
		CREATE TRIGGER t INSTEAD OF INSERT ON g26_view FOR EACH ROW EXECUTE FUNCTION g26()$$, '{}'),
	('guard.nullable_policy_key', 'public.g27', mine('g27', 'session_id text'), '{}'),
	('guard.unique_key', 'public.g28_name_key', mine('g28', 'session_id text NOT NULL, name text UNIQUE'), '{}'),
	('guard.surrogate_key', 'public.g29_pkey', mine('g29', 'session_id text NOT NULL, id uuid PRIMARY KEY DEFAULT gen_random_uuid()'), '{}'),
	('guard.cascade', 'public.g30', role_for('parent', 'CREATE TABLE g30_room (id int PRIMARY KEY); GRANT SELECT, DELETE ON g30_room TO @; ') || mine('g30', 'session_id text NOT NULL, room int REFERENCES g30_room ON DELETE CASCADE'), '{}');

-- MAINTAIN is a privilege from 17 on
SELECT current_setting('server_version_num')::int >= 170000 AS has_maintain \gset
\if :has_maintain
INSERT INTO seed (check_id, object, setup) VALUES
	('guard.maintain_granted', 'public.g40', mine('g40') || 'GRANT MAINTAIN ON g40 TO PUBLIC');
\endif
