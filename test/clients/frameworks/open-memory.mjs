import { Memory } from 'mem0ai/oss';

/*
 * A Memory for one session, on the pool of the application. What its two stores, of memories and of entities, would ask a connection
 * of their own, they ask the pool.
 */
export async function openMemory(pool, config) {
  const memory = new Memory(config);
  for (const store of [memory.vectorStore, await memory.getEntityStore()]) {
    await store.initialize();
    await store.close();
    store.client = pool;
  }
  return memory;
}
