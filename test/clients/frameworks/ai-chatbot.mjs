/*
 * The tables of Vercel's ai-chatbot (github.com/vercel/ai-chatbot at 9d5d8a3ea7968522a37ab1cc145a6c0ef8a9dd2e), made by drizzle-orm's
 * migrate() as in the application, and asked through drizzle-orm as it does. The user of the token is "User".id.
 */
import { and, asc, count, desc, eq, inArray } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import { boolean, json, pgTable, text, timestamp, uuid, varchar } from 'drizzle-orm/pg-core';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { check, codeOf, USERS } from './scenario.mjs';

const now = () => timestamp('createdAt').notNull();
const id = () => uuid('id').primaryKey().defaultRandom();
const people = pgTable('User', { id: id(), email: varchar('email').notNull() });
const chats = pgTable('Chat', { id: id(), createdAt: now(), title: text('title').notNull(), userId: uuid('userId').notNull(), visibility: varchar('visibility').notNull() });
const messages = pgTable('Message_v2', {
  id: id(), chatId: uuid('chatId').notNull(), role: varchar('role').notNull(), parts: json('parts').notNull(), attachments: json('attachments').notNull(), createdAt: now(),
});
const votes = pgTable('Vote_v2', { chatId: uuid('chatId').notNull(), messageId: uuid('messageId').notNull(), isUpvoted: boolean('isUpvoted').notNull() });
const documents = pgTable('Document', { id: uuid('id').notNull(), createdAt: now(), title: text('title').notNull(), content: text('content'), userId: uuid('userId').notNull() });
const suggestions = pgTable('Suggestion', {
  id: id(), documentId: uuid('documentId').notNull(), documentCreatedAt: timestamp('documentCreatedAt').notNull(), originalText: text('originalText').notNull(),
  suggestedText: text('suggestedText').notNull(), userId: uuid('userId').notNull(), createdAt: now(),
});
const streams = pgTable('Stream', { id: id(), chatId: uuid('chatId').notNull(), createdAt: now() });

const userId = { alice: 'a11ce000-0000-4000-8000-000000000001', bob: 'b0b00000-0000-4000-8000-000000000002' };
const words = (rows) => rows.map((row) => row.parts[0].text);
const post = (h, chatId, words) => h.db.insert(messages).values({ chatId, role: 'user', parts: [{ type: 'text', text: words }], attachments: [], createdAt: new Date() }).returning();

export default {
  title: "Vercel ai-chatbot's schema through drizzle-orm",
  id: (user) => userId[user],
  tables: ['Chat'],
  async start(pool) {
    const db = drizzle(pool);
    await migrate(db, { migrationsFolder: fileURLToPath(new URL('ai-chatbot', import.meta.url)) });
    await db.insert(people).values(USERS.map((user) => ({ id: userId[user], email: user }))).onConflictDoNothing();
    return db;
  },
  open: (db, user, mine) => ({ db, ...mine }),
  async remember(h, words) {
    if (h.chatId === undefined) {
      h.chatId = h.ids[0] ??= randomUUID();
      await h.db.insert(chats).values({ id: h.chatId, createdAt: new Date(), title: 'about kettles', userId: h.userId, visibility: 'private' }).onConflictDoNothing();
    }
    const [{ id }] = await post(h, h.chatId, words);
    h.ids.push(id);
    await h.db.insert(votes).values({ chatId: h.chatId, messageId: id, isUpvoted: true });
  },
  reads: {
    'getMessagesByChatId()': async (h, of) => words(await h.db.select().from(messages).where(eq(messages.chatId, of.ids[0])).orderBy(asc(messages.createdAt))),
    'getMessageById()': async (h, of) => words(await h.db.select().from(messages).where(inArray(messages.id, of.ids))),
    'a join that names no chat': async (h) => words((await h.db.select().from(messages).innerJoin(chats, eq(messages.chatId, chats.id))).map((row) => row.Message_v2)),
    'every vote': async (h) => words((await h.db.select().from(votes).innerJoin(messages, eq(votes.messageId, messages.id))).map((row) => row.Message_v2)),
  },
  attacks: {
    'deleteChatById()': async (h, of) => {
      await h.db.delete(votes).where(eq(votes.chatId, of.ids[0]));
      await h.db.delete(messages).where(eq(messages.chatId, of.ids[0]));
      await h.db.delete(streams).where(eq(streams.chatId, of.ids[0]));
      await h.db.delete(chats).where(eq(chats.id, of.ids[0])).returning();
    },
    'updateMessage()': (h, of) => h.db.update(messages).set({ parts: [{ type: 'text', text: 'planted' }] }).where(inArray(messages.id, of.ids)),
  },
  refused: {
    'saveMessages()': [(h, of) => post(h, of.ids[0], 'planted'), '42501'],
    'saveChat()': [(h, of) => h.db.insert(chats).values({ createdAt: new Date(), title: 'x', userId: of.userId, visibility: 'private' }), '42501'],
    'voteMessage()': [(h, of) => h.db.insert(votes).values({ chatId: of.ids[0], messageId: of.ids[1], isUpvoted: false }), '42501'],
    'createStreamId()': [(h, of) => h.db.insert(streams).values({ chatId: of.ids[0], createdAt: new Date() }), '42501'],
  },
  async extra({ h, as }) {
    for (const user of USERS) {
      const one = h[user];
      const other = USERS.find((name) => name !== user);
      await as(user, async () => {
        const createdAt = new Date();
        const documentId = randomUUID();
        await one.db.transaction(async (tx) => {
          await tx.insert(documents).values({ id: documentId, createdAt, title: `${user}'s`, content: user, userId: one.userId }).returning();
          await tx.insert(suggestions).values({ documentId, documentCreatedAt: createdAt, originalText: user, suggestedText: user, userId: one.userId, createdAt });
          await tx.insert(streams).values({ chatId: one.chatId, createdAt });
        });
      });
      await as(other, async () => {
        for (const [what, table, own] of [['documents', documents, 'title'], ['suggestions', suggestions, 'originalText'], ['chats', chats, 'userId'], ['streams', streams, 'chatId']]) {
          const rows = await one.db.select().from(table).orderBy(desc(table.createdAt));
          check(`${other} selects all ${what} and gets none of ${user}'s`, rows.every((row) => !String(row[own]).startsWith(user) && ![one.userId, one.chatId].includes(row[own])), rows);
        }
        const [{ n }] = await one.db.select({ n: count(messages.id) }).from(messages).innerJoin(chats, eq(messages.chatId, chats.id)).where(and(eq(chats.userId, one.userId)));
        check(`${other} counts none of ${user}'s messages`, n === 0, n);
      });
    }
    const shown = await as('alice', () => h.alice.db.update(chats).set({ visibility: 'public' }).where(eq(chats.id, h.bob.chatId)));
    check("alice cannot make bob's chat public", shown.rowCount === 0, shown.rowCount);
    const moved = await codeOf(() => as('alice', () => h.alice.db.update(messages).set({ chatId: h.bob.chatId }).where(eq(messages.id, h.alice.ids[1]))));
    check("alice moves a message of hers into bob's chat: 42501", moved === '42501', moved);
    const away = await codeOf(() => as('alice', () => h.alice.db.update(chats).set({ userId: h.bob.userId }).where(eq(chats.id, h.alice.chatId))));
    check('alice gives bob a chat of hers: 42501', away === '42501', away);
  },
};
