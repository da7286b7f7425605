SELECT * FROM messages_plain WHERE session_id = :session ORDER BY id DESC LIMIT 20;
