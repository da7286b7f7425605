from agents import Agent, Runner
from agents.extensions.memory import SQLAlchemySession
from sqlalchemy.ext.asyncio import create_async_engine

import sessmem.sqlalchemy
from sessmem import session

engine = create_async_engine("postgresql+asyncpg://", pool_size=4, max_overflow=0)
sessmem.sqlalchemy.attach(engine)
agent = Agent(name="Assistant")


async def answer(token, session_id, question):
    """One turn of a conversation; the token is for this session_id."""
    with session(token):
        return await Runner.run(agent, question, session=SQLAlchemySession(session_id, engine=engine))
