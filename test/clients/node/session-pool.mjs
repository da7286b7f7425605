import { SessionPool, withSession } from 'sessmem';

export const openPool = (options) => new SessionPool(options); // the options of pg.Pool

export const remember = (pool, content) => pool.query('INSERT INTO messages (content) VALUES ($1)', [content]);
export const recall = async (pool) => (await pool.query('SELECT content FROM messages ORDER BY id')).rows;

/* A request: all of it acts in the session of the token, whoever calls the pool how deep below. */
export const request = (pool, token, content) => withSession(token, async () => {
  await remember(pool, content);
  return recall(pool);
});

/* The same in one transaction, which is what a transaction-mode pooler needs. */
export const transaction = (pool, token, content) => withSession(token, () => pool.transaction(async (client) => {
  await remember(client, content);
  return recall(client);
}));
