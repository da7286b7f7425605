from sessmem import session
from sessmem.asyncpg import create_pool

pool = None


async def start():
    global pool
    pool = await create_pool(min_size=1, max_size=4)


async def remember(content):
    async with pool.acquire() as connection:
        await connection.execute("INSERT INTO messages (content) VALUES ($1)", content)


async def recall():
    async with pool.acquire() as connection:
        return await connection.fetch("SELECT session_id, content FROM messages")


async def answer(token, question):
    with session(token):
        await remember(question)
        return await recall()
