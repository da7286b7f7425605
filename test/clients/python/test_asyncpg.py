"""asyncpg, through sessmem.asyncpg and by hand."""
import asyncio

import asyncpg
import sessmem.asyncpg
from common import Client, check, finish, load, outcome, scenario
from sessmem import current_token, session, without_session

print("asyncpg", asyncpg.__version__)
ASK = "SELECT sessmem.session_id()"


class Keeps(asyncpg.Connection):
    """Nothing is reset on release, as behind some poolers."""
    async def reset(self, *, timeout=None):
        pass


async def main():
    example = load("asyncpg_pool")
    await example.start()

    async def run(sql):
        async with example.pool.acquire() as connection:
            return await connection.fetch(sql)
    tokens = await scenario(Client("sessmem.asyncpg.create_pool", example.remember, example.recall, run, is_async=True))
    idle = [await holder._con.fetchval(ASK) for holder in example.pool._holders if holder._con]
    check("idle connections hold no session", set(idle) == {None}, idle)
    check("the example answers", await example.answer(tokens["alice"], "one more") != [])
    await example.pool.close()

    by_hand = load("asyncpg_by_hand")
    await by_hand.start()

    async def run_by_hand(token, sql):
        async with by_hand.pool.acquire() as connection, connection.transaction():
            if token:
                await connection.execute("SELECT sessmem.bind($1)", token)
            return await connection.fetch(sql)
    await scenario(Client("asyncpg by hand", by_hand.remember, by_hand.recall, run_by_hand, is_async=True, by_hand=True))
    await by_hand.pool.close()

    await edges(tokens)
    await controls(tokens)


async def edges(tokens):
    print("\nsessmem.asyncpg.create_pool: what else there is")
    seen = []

    async def own_setup(connection):
        seen.append(await connection.fetchval(ASK))
    async with sessmem.asyncpg.create_pool(min_size=1, max_size=1, setup=own_setup) as pool:
        with session(tokens["alice"]):
            async with pool.acquire() as connection:
                transaction = connection.transaction()
                await transaction.start()
                await connection.execute("SELECT 1")
                await transaction.rollback()
                check("a rollback does not end the session", await connection.fetchval(ASK) is not None)
            check("the pool's own shortcuts are in the session", (await pool.fetchval(ASK)).startswith("alice"))
            async with pool.acquire(timeout=5) as connection:
                check("... and acquire() with a timeout", (await connection.fetchval(ASK)).startswith("alice"))
        check("a setup hook of one's own runs in the session", len(seen) == 3 and all(one.startswith("alice") for one in seen), seen)

    async with sessmem.asyncpg.create_pool(min_size=1, max_size=1, connection_class=Keeps) as pool:
        with session(tokens["alice"]):
            await pool.fetchval(ASK)
        with without_session():
            check("without the reset of asyncpg the next one is still not in the session of the last", await pool.fetchval(ASK) is None)


async def controls(tokens):
    print("\nControl: the hook that runs once for each connection")

    async def attach_current(connection):
        await connection.execute("SELECT sessmem.attach($1)", current_token())

    async def reads(**hooks):
        with session(tokens["alice"]):
            pool = await asyncpg.create_pool(min_size=1, max_size=1, **hooks)
        seen = []
        for _ in range(10):
            with session(tokens["bob"]):
                seen.append(str(await pool.fetchval(ASK))[:5])
        await pool.close()
        return seen
    seen = await reads(init=attach_current)
    check("init=: of 10 of bob's reads one is in alice's session, the others in none", seen == ["alice"] + ["None"] * 9, seen)
    seen = await reads(init=attach_current, connection_class=Keeps)
    check("... without the reset of asyncpg all are in alice's", seen == ["alice"] * 10, seen)
    seen = await reads(setup=attach_current)
    check("setup=: all are in bob's", seen == ["bob: "] * 10, seen)


asyncio.run(main())
finish()
