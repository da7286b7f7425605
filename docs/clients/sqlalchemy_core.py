from sqlalchemy import create_engine, text

import sessmem.sqlalchemy
from sessmem import session

# a pooler in transaction mode keeps no prepared statements
engine = create_engine("postgresql+psycopg://", pool_size=4, max_overflow=0, future=True, connect_args={"prepare_threshold": None})
sessmem.sqlalchemy.bind(engine)  # in every transaction


def remember(content):
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO messages (content) VALUES (:content)"), {"content": content})


def recall():
    with engine.connect() as connection:
        return connection.execute(text("SELECT session_id, content FROM messages")).all()


def answer(token, question):
    with session(token):
        remember(question)
        return recall()
