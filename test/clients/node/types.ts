/* clients/node as TypeScript sees it: this is compiled and not run. */
import { SessionPool, withSession } from 'sessmem';
import type { Pool, PoolClient } from 'pg';

const pool: Pool = new SessionPool({ max: 3 });
const sessions = new SessionPool();
const rows: Promise<{ content: string }[]> = withSession('token', async () => (await sessions.query<{ content: string }>('SELECT content FROM messages')).rows);
const count: Promise<number> = sessions.transaction((client: PoolClient) => client.query('SELECT 1').then((result) => result.rowCount ?? 0));
const sync: number = sessions.withoutSession(() => 7);
// @ts-expect-error: a token is a string
withSession(undefined, () => rows);
// @ts-expect-error: a plain pool has no transaction()
pool.transaction(() => count);
export { sync };
