import { drizzle } from 'drizzle-orm/node-postgres';
import { bigserial, pgTable, text } from 'drizzle-orm/pg-core';
import { SessionPool } from 'sessmem';

export const messages = pgTable('messages', {
  id: bigserial({ mode: 'bigint' }).notNull(),
  sessionId: text('session_id'), // left out of INSERT, it is the session's
  content: text().notNull(),
});

export const openDatabase = (options) => drizzle({ client: new SessionPool(options) });
