/* The drivers, each in the idiom of its ecosystem, as scenario.mjs wants them. */
import { asc, sql as raw } from 'drizzle-orm';
import pg from 'pg';
import postgres from 'postgres';
import { SessionPool, withSession } from 'sessmem';
import * as byHand from './by-hand.mjs';
import { messages, openDatabase, transaction as drizzleTransaction } from './drizzle.mjs';
import * as postgresJs from './postgres-js.mjs';
import * as prismaClient from './prisma.mjs';
import { ALL, FOREIGN, NONE, OWN, REFUSED } from './scenario.mjs';

export const APP = { user: 'app' };
const INSERT = 'INSERT INTO messages (content) VALUES ($1)';
const SELECT = 'SELECT session_id, content FROM messages ORDER BY id';

/* Node-postgres: a pool or a client of one. */
const onPg = (db) => ({
  write: (content) => db.query(INSERT, [content]),
  read: async () => (await db.query(SELECT)).rows,
  writePrepared: (content) => db.query({ name: 'write', text: INSERT, values: [content] }),
  readPrepared: async () => (await db.query({ name: 'read', text: SELECT })).rows,
  run: async (text) => (await db.query(text)).rows,
});

const onPostgresJs = (sql) => ({
  write: (content) => sql.unsafe(INSERT, [content]),
  read: () => sql.unsafe(SELECT),
  writePrepared: (content) => sql`INSERT INTO messages (content) VALUES (${content})`,
  readPrepared: () => sql`SELECT session_id, content FROM messages ORDER BY id`,
  run: (text) => sql.unsafe(text),
});

const onDrizzle = (db) => ({
  write: (content) => db.insert(messages).values({ content }),
  read: () => db.select().from(messages).orderBy(asc(messages.id)),
  writePrepared: (content) => db.insert(messages).values({ content: raw.placeholder('content') }).prepare('write').execute({ content }),
  readPrepared: () => db.select().from(messages).orderBy(asc(messages.id)).prepare('read').execute(),
  run: (text) => db.execute(raw.raw(text)),
});

const onPrisma = (prisma) => ({
  write: (content) => prisma.message.create({ data: { content } }),
  read: () => prisma.message.findMany({ orderBy: { id: 'asc' } }),
  writePrepared: (content) => prisma.$executeRaw`INSERT INTO messages (content) VALUES (${content})`,
  readPrepared: () => prisma.$queryRaw`SELECT session_id, content FROM messages ORDER BY id`,
  run: (text) => prisma.$executeRawUnsafe(text),
});

export const ignore = () => {}; // what happens to a connection that is terminated

async function leased(pool, fn) {
  const client = await pool.connect();
  client.on('error', ignore);
  try {
    return await fn(onPg(client));
  } finally {
    client.removeListener('error', ignore);
    client.release();
  }
}

const FORGOTTEN = 'ERR_SESSMEM_NO_SESSION';

const CRASHES = 'postgres.js 3.4.9 ends the process (porsager/postgres#1208)';

export const drivers = [
  {
    name: 'clients/node: pool.query()', forgotten: FORGOTTEN, discard: ALL, late: OWN,
    open(max) {
      const pool = new SessionPool({ ...APP, max });
      return { within: (token, fn) => withSession(token, () => fn(onPg(pool))), outside: async (fn) => fn(onPg(pool)), close: () => pool.end() };
    },
  },
  {
    name: 'clients/node: pool.connect()', forgotten: FORGOTTEN, discard: NONE, late: REFUSED,
    open(max) {
      const pool = new SessionPool({ ...APP, max });
      return { within: (token, fn) => withSession(token, () => leased(pool, fn)), outside: (fn) => leased(pool, fn), close: () => pool.end() };
    },
  },
  {
    name: 'clients/node: pool.transaction()', forgotten: FORGOTTEN, discard: '25001', late: REFUSED, pooler: true,
    open(max) {
      const pool = new SessionPool({ ...APP, max });
      const transaction = (fn) => pool.transaction((client) => fn(onPg(client)));
      return { within: (token, fn) => withSession(token, () => transaction(fn)), outside: transaction, close: () => pool.end() };
    },
  },
  {
    name: 'node-postgres by hand', forgotten: '42501', discard: '25001', late: FOREIGN, pooler: true,
    open(max) {
      const pool = new pg.Pool({ ...APP, max });
      return { within: (token, fn) => byHand.inSession(pool, token, (client) => fn(onPg(client))), outside: (fn) => fn(onPg(pool)), close: () => pool.end() };
    },
  },
  {
    name: 'drizzle-orm', forgotten: FORGOTTEN, discard: ALL, late: OWN,
    open(max) {
      const db = openDatabase({ ...APP, max });
      return { within: (token, fn) => withSession(token, () => fn(onDrizzle(db))), outside: async (fn) => fn(onDrizzle(db)), close: () => db.$client.end() };
    },
  },
  {
    name: 'drizzle-orm: db.transaction()', forgotten: FORGOTTEN, discard: '25001', late: REFUSED,
    open(max) {
      const db = openDatabase({ ...APP, max });
      const transaction = (fn) => db.transaction((tx) => fn(onDrizzle(tx)));
      return { within: (token, fn) => withSession(token, () => transaction(fn)), outside: transaction, close: () => db.$client.end() };
    },
  },
  {
    name: 'drizzle-orm: pool.transaction()', forgotten: FORGOTTEN, discard: '25001', late: REFUSED, pooler: true,
    open(max) {
      const db = openDatabase({ ...APP, max });
      const transaction = (fn) => drizzleTransaction(db, (tx) => fn(onDrizzle(tx)));
      return { within: (token, fn) => withSession(token, () => transaction(fn)), outside: transaction, close: () => db.$client.end() };
    },
  },
  {
    name: 'postgres.js: begin()', crashes: CRASHES, forgotten: '42501', discard: '25001', late: REFUSED, pooler: true,
    open(max, options) {
      const sql = postgres({ ...APP, max, onnotice: ignore, ...options });
      return { within: (token, fn) => postgresJs.inSession(sql, token, (tx) => fn(onPostgresJs(tx))), outside: (fn) => fn(onPostgresJs(sql)), close: () => sql.end() };
    },
  },
  {
    name: 'postgres.js: reserve()', crashes: CRASHES, forgotten: '42501', discard: NONE, late: REFUSED,
    open(max, options) {
      const sql = postgres({ ...APP, max, onnotice: ignore, ...options });
      return { within: (token, fn) => postgresJs.attached(sql, token, (own) => fn(onPostgresJs(own))), outside: (fn) => fn(onPostgresJs(sql)), close: () => sql.end() };
    },
  },
];

const [major, minor] = process.versions.node.split('.').map(Number);
export let prismaOn; // a client of Prisma on a pool, or with the options of one
if (major < 20 || (major === 20 && minor < 19)) {
  console.log('not run: Prisma, which needs Node.js 20.19 or later');
} else {
  const { PrismaPg } = await import('@prisma/adapter-pg');
  const { PrismaClient } = await import('@prisma/client');
  prismaOn = (pool, options) => new PrismaClient({ adapter: new PrismaPg(pool), ...options });
  drivers.push({
    name: 'Prisma: $transaction()', forgotten: '42501', discard: '25001', late: REFUSED, pooler: true,
    open(max) {
      const prisma = prismaOn({ ...APP, max }, { transactionOptions: { maxWait: 60000, timeout: 90000 } });
      return { within: (token, fn) => prismaClient.inSession(prisma, token, (tx) => fn(onPrisma(tx))), outside: (fn) => fn(onPrisma(prisma)), close: () => prisma.$disconnect() };
    },
  }, {
    name: 'Prisma: $extends()', forgotten: '42501', discard: '25001', late: OWN, pooler: true,
    open(max) {
      const prisma = prismaOn({ ...APP, max });
      return { within: async (token, fn) => fn(onPrisma(prismaClient.forSession(prisma, token))), outside: (fn) => fn(onPrisma(prisma)), close: () => prisma.$disconnect() };
    },
  });
}
