from sessmem import session
from sessmem.psycopg import SessionPool

pool = SessionPool(min_size=1, max_size=4, open=False)  # libpq's environment says where; the role is the application's


def remember(content):
    with pool.connection() as connection:
        connection.execute("INSERT INTO messages (content) VALUES (%s)", [content])


def recall():
    with pool.connection() as connection:
        return connection.execute("SELECT session_id, content FROM messages").fetchall()


def answer(token, question):
    """One request, in the session of its token; what it calls takes connections as ever."""
    with session(token):
        remember(question)
        return recall()
