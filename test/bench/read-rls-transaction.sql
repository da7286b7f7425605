BEGIN;
SELECT set_config('app.session_id', :session, true);
SELECT * FROM messages_rls ORDER BY id DESC LIMIT 20;
COMMIT;
