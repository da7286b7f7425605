import { PgVector } from '@mastra/pg';

/* Mastra's vectors on the pool of the application; it makes one of its own, which only looks at the catalog. */
export async function openVectors(pool, config) {
  const vectors = new PgVector(config);
  await vectors.cacheWarmupPromise;
  await vectors.pool.end();
  vectors.pool = pool;
  return vectors;
}
