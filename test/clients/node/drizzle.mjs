import { drizzle } from 'drizzle-orm/node-postgres';
import { bigserial, pgTable, text } from 'drizzle-orm/pg-core';
import { SessionPool } from 'sessmem';

export const messages = pgTable('messages', {
  id: bigserial({ mode: 'bigint' }).notNull(),
  sessionId: text('session_id'), // left out of INSERT, it is the session's
  content: text().notNull(),
});

export const openDatabase = (options) => drizzle({ client: new SessionPool(options) });

/* Runs fn(tx) in a transaction that is bound to the session, which is what a transaction-mode pooler needs. */
export const transaction = (db, fn) => db.$client.transaction((client) => fn(drizzle({ client })));
