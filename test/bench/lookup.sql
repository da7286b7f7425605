BEGIN;
SELECT sessmem.bind(:token);
SELECT state FROM sessmem.sessions;
COMMIT;
