from psycopg_pool import ConnectionPool

from sessmem import session
from sessmem.psycopg import transaction

# a pooler in transaction mode keeps no prepared statements
pool = ConnectionPool(min_size=1, max_size=4, open=False, kwargs={"prepare_threshold": None})


def remember(content):
    with transaction(pool) as connection:
        connection.execute("INSERT INTO messages (content) VALUES (%s)", [content])


def recall():
    with transaction(pool) as connection:
        return connection.execute("SELECT session_id, content FROM messages").fetchall()


def answer(token, question):
    with session(token):
        remember(question)
        return recall()
