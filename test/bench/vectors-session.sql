-- Which session the transaction is for, and what it asks; as session.sql.
\set n random(1, :sessions)
SELECT session, token, question FROM sessions WHERE n = :n \gset
