from sessmem import session
from sessmem.psycopg import AsyncSessionPool

pool = AsyncSessionPool(min_size=1, max_size=4, open=False)


async def remember(content):
    async with pool.connection() as connection:
        await connection.execute("INSERT INTO messages (content) VALUES (%s)", [content])


async def recall():
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT session_id, content FROM messages")
        return await cursor.fetchall()


async def answer(token, question):
    with session(token):
        await remember(question)
        return await recall()
