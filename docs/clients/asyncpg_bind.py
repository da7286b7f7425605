import asyncpg

from sessmem import session
from sessmem.asyncpg import transaction

pool = None


async def start():
    global pool
    pool = await asyncpg.create_pool(min_size=1, max_size=4, statement_cache_size=0)


async def remember(content):
    async with transaction(pool) as connection:
        await connection.execute("INSERT INTO messages (content) VALUES ($1)", content)


async def recall():
    async with transaction(pool) as connection:
        return await connection.fetch("SELECT session_id, content FROM messages")


async def answer(token, question):
    with session(token):
        await remember(question)
        return await recall()
