"""The tables and statements of the OpenAI Agents SDK (agents_sdk.py), protected."""
import asyncio

import agents_sdk
import sessmem.sqlalchemy
from agents_sdk import SQLAlchemySession
from common import USERS, admin, check, finish, load, open_session, outcome
from sessmem import session, without_session
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

TURNS = 50
agents_sdk.install()


def items(*numbers):
    return [{"role": "user", "content": f"{number}"} for number in numbers]


async def control():
    print("\nControl: the tables as the SDK makes them")
    admin.execute("GRANT CREATE ON SCHEMA public TO app")
    engine = create_async_engine("postgresql+asyncpg://")
    await SQLAlchemySession("chat-bob", engine=engine, create_tables=True).add_items(items(1))
    check("whoever says bob's session id reads bob's memory", await SQLAlchemySession("chat-bob", engine=engine).get_items() == items(1))
    async with engine.begin() as connection:
        await connection.run_sync(agents_sdk.metadata.drop_all)
    await engine.dispose()


async def main():
    await control()
    print("\nProtected, as the application creates them")
    admin.execute("SELECT sessmem.auto_protect('public', 'agent\\_%', session_column => 'session_id')")
    example = load("openai_agents")
    engine = example.engine
    tokens = {user: open_session(user, f"chat-{user}") for user in USERS}

    def store(user, **options):
        return SQLAlchemySession(f"chat-{user}", engine=engine, **options)

    with session(tokens["alice"]):
        check("the application creates the tables", await outcome(store("alice", create_tables=True).get_items()) == [])
    made = admin.execute("SELECT string_agg(relation::text, ' ' ORDER BY relation::text) FROM sessmem.protected_table WHERE relation::text LIKE 'agent%'").fetchone()[0]
    check("they are born protected", made == "agent_messages agent_sessions", made)

    async def converse(user):
        return [await example.answer(tokens[user], f"chat-{user}", f"{user} {turn}") for turn in range(TURNS)]
    answers = await asyncio.gather(*(converse(user) for user in USERS), return_exceptions=True)
    check(f"two conversations of {TURNS} turns at the same time: each turn knows all before it",
          answers == [[f"{2 * turn} items before" for turn in range(TURNS)]] * 2, answers)

    async def many(number):
        """A session of its own: everything the store can do."""
        mine = f"many-{number}"
        with session(open_session(USERS[number % 2], mine)):
            one = SQLAlchemySession(mine, engine=engine)
            await one.add_items(items(*(f"{number}.{i}" for i in range(5))))
            wrong = await one.get_items() != items(*(f"{number}.{i}" for i in range(5)))
            wrong += await one.get_items(2) != items(f"{number}.3", f"{number}.4")
            wrong += await one.pop_item() != items(f"{number}.4")[0]
            async with engine.connect() as connection:  # what a query sees that forgets to say whose
                rows = (await connection.execute(text("SELECT s.session_id, m.message_data FROM agent_sessions s JOIN agent_messages m USING (session_id)"))).all()
            wrong += [row[0] for row in rows] != [mine] * 4
            await one.clear_session()
            wrong += await one.get_items() != [] or await one.pop_item() is not None
            await one.add_items(items(f"{number} anew"))
            wrong += await one.get_items() != items(f"{number} anew")
            return wrong
    wrong = await asyncio.gather(*map(many, range(100)))
    check("100 sessions with 11 calls each on 4 connections: 0 wrong", sum(wrong) == 0, sum(wrong))

    print("\nSomebody else's session id")
    with session(tokens["alice"]):
        bobs = store("bob")
        check("reads nothing", await bobs.get_items() == [] and await bobs.pop_item() is None)
        seen = await outcome(bobs.add_items(items("planted")))
        check("cannot be written, and the error is not one that the SDK swallows", seen == "42501", seen)
        await bobs.clear_session()
    with session(tokens["bob"]):
        check("cannot be cleared", len(await store("bob").get_items()) == 2 * TURNS)
    check("where nobody said a session", await outcome(asyncio.create_task(store("bob").get_items())) == "NoSession")
    with without_session():
        check("in no session", await store("bob").get_items() == [] and await outcome(store("bob").add_items(items(1))) == "42501")

    with session(tokens["alice"]):
        adding = asyncio.create_task(store("alice").add_items(items("before the cancellation")))
        await asyncio.sleep(0.001)
        adding.cancel()
        seen = await outcome(adding)
        last = await store("alice").pop_item()
        check("a write whose caller was cancelled ends in the session it began in", seen == "CancelledError" and last in (items("before the cancellation")[0],), (seen, last))
    await engine.dispose()


asyncio.run(main())
finish()
