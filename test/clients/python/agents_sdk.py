"""
The session store of the OpenAI Agents SDK, as far as the database sees it.

The tables and the statements are those of SQLAlchemySession in openai-agents 0.22.0, written anew: the package itself
is not on this machine. Same names, types, keys and index; the same statements in the same transactions, the same
savepoint, the same swallowed IntegrityError, and writes in a task of their own that outlives a cancelled caller.
"""
import asyncio
import json
import sys
import types

from sqlalchemy import TIMESTAMP, Column, ForeignKey, Index, Integer, MetaData, String, Table, Text, delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import sessionmaker


def _now():
    return dict(server_default=text("CURRENT_TIMESTAMP"), nullable=False)


metadata = MetaData()
sessions = Table(
    "agent_sessions", metadata,
    Column("session_id", String, primary_key=True),
    Column("created_at", TIMESTAMP(timezone=False), **_now()),
    Column("updated_at", TIMESTAMP(timezone=False), onupdate=text("CURRENT_TIMESTAMP"), **_now()))
messages = Table(
    "agent_messages", metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("session_id", String, ForeignKey("agent_sessions.session_id", ondelete="CASCADE"), nullable=False),
    Column("message_data", Text, nullable=False),
    Column("created_at", TIMESTAMP(timezone=False), **_now()),
    Index("idx_agent_messages_session_time", "session_id", "created_at"))


async def settled(mutation):
    """A mutation ends even if whoever waits for it is cancelled."""
    task = asyncio.ensure_future(mutation)
    cancelled = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = cancelled or error
    if cancelled:
        raise cancelled
    return task.result()


class SQLAlchemySession:
    def __init__(self, session_id, *, engine, create_tables=False):
        self.session_id, self.engine, self.create_tables = session_id, engine, create_tables
        self.factory = sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)

    async def _ensure_tables(self):
        if self.create_tables:
            async with self.engine.begin() as connection:
                await connection.run_sync(metadata.create_all)
            self.create_tables = False

    async def get_items(self, limit=None):
        await self._ensure_tables()
        mine = select(messages.c.message_data).where(messages.c.session_id == self.session_id)
        async with self.factory() as orm:
            if limit is None:
                rows = (await orm.execute(mine.order_by(messages.c.created_at.asc(), messages.c.id.asc()))).all()
            else:
                rows = (await orm.execute(mine.order_by(messages.c.created_at.desc(), messages.c.id.desc()).limit(limit))).all()[::-1]
            return [json.loads(row[0]) for row in rows]

    async def add_items(self, items):
        await self._ensure_tables()
        await settled(self._add_items([{"session_id": self.session_id, "message_data": json.dumps(item, separators=(",", ":"))} for item in items]))

    async def _add_items(self, rows):
        async with self.factory() as orm, orm.begin():
            there = await orm.execute(select(sessions.c.session_id).where(sessions.c.session_id == self.session_id))
            if not there.scalar_one_or_none():
                try:
                    async with orm.begin_nested():
                        await orm.execute(insert(sessions).values({"session_id": self.session_id}))
                except IntegrityError:
                    pass
            await orm.execute(insert(messages), rows)
            await orm.execute(update(sessions).where(sessions.c.session_id == self.session_id).values(updated_at=text("CURRENT_TIMESTAMP")))

    async def pop_item(self):
        await self._ensure_tables()
        return await settled(self._pop_item())

    async def _pop_item(self):
        last = (select(messages.c.id).where(messages.c.session_id == self.session_id)
                .order_by(messages.c.created_at.desc(), messages.c.id.desc()).limit(1))
        while True:
            async with self.factory() as orm, orm.begin():
                claimed = await orm.execute(delete(messages).where(messages.c.id == last.scalar_subquery()).returning(messages.c.message_data)
                                            .execution_options(synchronize_session=False))
                row = claimed.scalar_one_or_none()
                if row is None and (await orm.execute(last)).scalar_one_or_none() is None:
                    return None
            if row is not None:
                return json.loads(row)

    async def clear_session(self):
        await self._ensure_tables()
        await settled(self._clear_session())

    async def _clear_session(self):
        async with self.factory() as orm, orm.begin():
            await orm.execute(delete(messages).where(messages.c.session_id == self.session_id))
            await orm.execute(delete(sessions).where(sessions.c.session_id == self.session_id))


class Runner:
    """In the place of the SDK's: reads the history, "answers" with its length, and adds both items, as a run does."""
    @staticmethod
    async def run(agent, question, *, session):
        history = await session.get_items()
        answer = f"{len(history)} items before"
        await session.add_items([{"role": "user", "content": question}, {"role": "assistant", "content": answer}])
        return answer


def install():
    """Makes "from agents import ..." find this."""
    agents, extensions, memory = (types.ModuleType(name) for name in ("agents", "agents.extensions", "agents.extensions.memory"))
    agents.Agent, agents.Runner, memory.SQLAlchemySession = types.SimpleNamespace, Runner, SQLAlchemySession
    sys.modules.update({module.__name__: module for module in (agents, extensions, memory)})
