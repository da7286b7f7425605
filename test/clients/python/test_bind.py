"""Everything that binds transaction by transaction, behind PgBouncer in transaction mode."""
import asyncio

from common import Client, check, finish, load, scenario
from test_sqlalchemy import sync_driver


async def main():
    example = load("psycopg_bind")
    with example.pool:
        def run(sql):
            with example.transaction(example.pool) as connection:
                return connection.execute(sql).fetchall()
        tokens = await scenario(Client("psycopg: transaction()", example.remember, example.recall, run, pooler=True))
        check("the example answers", await asyncio.to_thread(example.answer, tokens["alice"], "one more") != [])

    example = load("asyncpg_bind")
    await example.start()

    async def run_async(sql):
        async with example.transaction(example.pool) as connection:
            return await connection.fetch(sql)
    tokens = await scenario(Client("asyncpg: transaction()", example.remember, example.recall, run_async, is_async=True, pooler=True))
    check("the example answers", await example.answer(tokens["alice"], "one more") != [])
    await example.pool.close()

    for driver in sync_driver:
        example = load("sqlalchemy_core", psycopg=driver)

        def run_core(sql):
            with example.engine.connect() as connection:
                return connection.execute(example.text(sql)).all()
        tokens = await scenario(Client(f"SQLAlchemy: bind(), {driver}", example.remember, example.recall, run_core, pooler=True))
        check("the example answers", await asyncio.to_thread(example.answer, tokens["alice"], "one more") != [])
        example.engine.dispose()


if __name__ == "__main__":
    asyncio.run(main())
    finish()
