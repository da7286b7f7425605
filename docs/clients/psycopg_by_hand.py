from psycopg_pool import ConnectionPool

pool = ConnectionPool(min_size=1, max_size=4, open=False)


def remember(token, content):
    with pool.connection() as connection, connection.transaction():
        connection.execute("SELECT sessmem.bind(%s)", [token])
        connection.execute("INSERT INTO messages (content) VALUES (%s)", [content])


def recall(token):
    with pool.connection() as connection, connection.transaction():
        connection.execute("SELECT sessmem.bind(%s)", [token])
        return connection.execute("SELECT session_id, content FROM messages").fetchall()
