-- Which session the transaction is for.  In front of every script where sessions
-- change, and alone to learn what it costs.
\set n random(1, :sessions)
SELECT session, token FROM sessions WHERE n = :n \gset
