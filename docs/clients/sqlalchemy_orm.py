from sqlalchemy import Column, FetchedValue, Integer, Text, create_engine, select
from sqlalchemy.orm import declarative_base, sessionmaker

import sessmem.sqlalchemy
from sessmem import session

engine = create_engine("postgresql+psycopg://", pool_size=4, max_overflow=0, future=True)
sessmem.sqlalchemy.attach(engine)  # at every checkout from the pool
Session = sessionmaker(engine, future=True)
Base = declarative_base()


class Message(Base):
    __tablename__ = "messages"
    id = Column(Integer, primary_key=True)
    session_id = Column(Text, FetchedValue())  # the database fills it in
    content = Column(Text)


def remember(content):
    with Session.begin() as orm:
        orm.add(Message(content=content))


def recall():
    with Session() as orm:
        return [(message.session_id, message.content) for message in orm.scalars(select(Message))]


def answer(token, question):
    with session(token):
        remember(question)
        return recall()
