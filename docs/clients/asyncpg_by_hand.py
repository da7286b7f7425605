import asyncpg

pool = None


async def start():
    global pool
    pool = await asyncpg.create_pool(min_size=1, max_size=4)


async def remember(token, content):
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT sessmem.bind($1)", token)
        await connection.execute("INSERT INTO messages (content) VALUES ($1)", content)


async def recall(token):
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT sessmem.bind($1)", token)
        return await connection.fetch("SELECT session_id, content FROM messages")
