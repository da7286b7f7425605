import { PostgresStore } from '@langchain/langgraph-checkpoint-postgres/store';

/*
 * A store for one session, on the pool of the application. One for each session: a graph's store gathers what is asked of it in one
 * tick, whoever asks, and sends it in the session of one of them. It makes its own pool, which opens no connection until it is used.
 */
export function openStore(pool, options = {}) {
  const store = new PostgresStore({ ...options, connectionOptions: {}, ensureTables: false });
  store.core.pool = pool;
  return store;
}
