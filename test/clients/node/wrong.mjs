/* What looks right and is not. Each is shown to be wrong here; one that is not any more may leave the documentation. */
import { AsyncLocalStorage } from 'node:async_hooks';
import pg from 'pg';
import postgres from 'postgres';
import { SessionPool, withSession } from 'sessmem';
import { APP, ignore, prismaOn } from './drivers.mjs';
import * as postgresJs from './postgres-js.mjs';
import * as prismaClient from './prisma.mjs';
import { admin, check, login, outcome, sleep, USERS } from './scenario.mjs';

const ASK = 'SELECT sessmem.session_id() AS id';

async function logins(name) {
  const token = {};
  for (const user of USERS) token[user] = await login(user, name);
  return token;
}

/* Events of a pool: they are not awaited, and they run in the context of whoever gave the connection back. */
async function hooks(event) {
  const session = new AsyncLocalStorage();
  const token = await logins('hooks');
  const open = (max) => {
    const pool = new pg.Pool({ ...APP, max });
    pool.on(event, (client) => { client.query('SELECT sessmem.attach($1)', [session.getStore()]).catch(ignore); });
    return pool;
  };
  let pool = open(1);
  const ask = (user) => session.run(token[user], async () => (await pool.query(ASK)).rows[0].id);
  const two = await Promise.all([ask('alice'), ask('bob')]);
  check(`pool.on('${event}') with attach(): bob, who waits for alice's connection, gets alice's session`, two.join() === 'hooks/alice,hooks/alice', two);
  await pool.end();
  pool = open(3);
  const right = await Promise.all(Array.from({ length: 300 }, async (_, i) => (await ask(USERS[i % 2])) === `hooks/${USERS[i % 2]}`));
  const wrong = right.filter((one) => !one).length;
  check(`... and ${wrong} of 300 queries on 3 connections are in the wrong session`, wrong > 0);
  await pool.end();
}

/* Prisma sends the findUnique() calls of one tick as one query: in the session of the first, below a pool that goes by the caller. */
async function batching() {
  const token = await logins('batching');
  const pool = new SessionPool({ ...APP, max: 2 });
  const prisma = prismaOn(pool);
  const as = (user, fn) => withSession(token[user], fn);
  const { id } = await as('alice', () => prisma.message.create({ data: { content: "alice's" } }));
  const find = () => prisma.message.findUnique({ where: { id } });
  check('Prisma on a SessionPool: alone, bob does not find what is alice\'s', (await as('bob', find)) === null);
  const [, stolen] = await Promise.all([as('alice', find), as('bob', find)]);
  check('... at the same time as alice, he does', stolen?.content === "alice's", stolen);
  await prisma.$disconnect();
  await pool.end();

  const bound = prismaOn({ ...APP, max: 2 });
  for (const [name, within] of [
    ['$transaction()', (user, fn) => prismaClient.inSession(bound, token[user], fn)],
    ['$extends()', async (user, fn) => fn(prismaClient.forSession(bound, token[user]))],
  ]) {
    const found = await Promise.all(USERS.concat(USERS).map((user) => within(user, (client) => client.message.findUnique({ where: { id } }))));
    check(`... with ${name}: alice finds it, and bob does not`, found.map((row) => row?.content).join() === "alice's,,alice's,", found);
  }
  await bound.$disconnect();
}

/* Postgres.js: the transaction of a connection that broke goes on in the one that the next connection is in. */
async function reconnecting(inSession) {
  const token = await logins('reconnecting');
  const sql = postgres({ ...APP, max: 1, onnotice: ignore });
  const gate = () => { let open; return { passed: new Promise((yes) => { open = yes; }), open }; };
  const [bound, meanwhile, done] = [gate(), gate(), gate()];
  let late;
  const alice = inSession(sql, token.alice, async (tx) => {
    bound.open((await tx`SELECT pg_backend_pid() AS pid`)[0].pid);
    await meanwhile.passed;
    late = await outcome((async () => tx`INSERT INTO messages (content) VALUES ('alice')`)());
    done.open();
  }).catch(ignore);
  await admin.query('SELECT pg_terminate_backend($1)', [await bound.passed]);
  await alice;
  await sleep(100);
  const seen = await inSession(sql, token.bob, async (tx) => {
    meanwhile.open();
    await done.passed;
    return tx`SELECT content FROM messages`;
  });
  await sql.end();
  return { late, seen: seen.map((row) => row.content) };
}

export async function wrongWays() {
  console.log('\n# what looks right and is not');
  await hooks('acquire');
  await hooks('connect');
  if (prismaOn) await batching();
  const bare = (sql, token, fn) => sql.begin(async (tx) => { await tx`SELECT sessmem.bind(${token})`; return fn(tx); });
  const leak = await reconnecting(bare);
  check("postgres.js, begin() alone: what alice's transaction does after its connection broke is done in bob's", leak.seen.includes('alice'), leak);
  await admin.query("BEGIN; SELECT sessmem.maintenance('test'); DELETE FROM messages WHERE session_id = 'reconnecting/bob'; COMMIT");
  const none = await reconnecting(postgresJs.inSession);
  check('... with inSession() it is refused', none.seen.length === 0 && none.late !== 'no error', none);
}
