-- Attaches once per connection.
\if :attached = 0
SELECT sessmem.attach(:token);
\set attached 1
\endif
SELECT * FROM messages ORDER BY id DESC LIMIT 20;
