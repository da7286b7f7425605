/* Behind PgBouncer in transaction mode: a connection of the client is another one of the server in every transaction. */
import { SessionPool, withSession } from 'sessmem';
import { APP, drivers } from './drivers.mjs';
import { admin, check, login, many, outcome, USERS } from './scenario.mjs';

export async function poolerTests(port) {
  console.log('\n# behind a pooler in transaction mode');
  Object.assign(APP, { port, user: 'pooled' }); // a role with sessmem.allow_attach off
  for (const driver of drivers.filter(({ pooler }) => pooler)) {
    const token = {};
    for (const user of USERS) token[user] = await login(user, driver.name);
    await admin.query("BEGIN; SELECT sessmem.maintenance('test'); DELETE FROM messages; COMMIT");
    const pool = await driver.open(5, { prepare: false });
    console.log(`# ${driver.name}`);
    await many(driver, pool, token, { alice: [], bob: [] }, false);
    await pool.close();
  }
  const pool = new SessionPool({ ...APP, max: 1 });
  const code = await outcome(withSession(await login('alice', 'pooler'), () => pool.query('SELECT 1')));
  check('a role that may not attach: query() is refused: 42501', code === '42501', code);
  await pool.end();
}
