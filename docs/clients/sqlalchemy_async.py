from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

import sessmem.sqlalchemy
from sessmem import session

engine = create_async_engine("postgresql+asyncpg://", pool_size=4, max_overflow=0)
sessmem.sqlalchemy.attach(engine)


async def remember(content):
    async with engine.begin() as connection:
        await connection.execute(text("INSERT INTO messages (content) VALUES (:content)"), {"content": content})


async def recall():
    async with engine.connect() as connection:
        return (await connection.execute(text("SELECT session_id, content FROM messages"))).all()


async def answer(token, question):
    with session(token):
        await remember(question)
        return await recall()
