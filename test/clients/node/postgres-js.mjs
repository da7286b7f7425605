/* Runs fn(tx) in a transaction, in the session of the token. */
export const inSession = (sql, token, fn) => sql.begin(async (tx) => {
  await tx`SELECT sessmem.bind(${token})`;
  return fn(tx);
});

/* Runs fn(own) in autocommit, on a connection of its own, in the session of the token. */
export async function attached(sql, token, fn) {
  const own = await sql.reserve();
  try {
    await own`SELECT sessmem.attach(${token})`;
    return await fn(own);
  } finally {
    await own`SELECT sessmem.detach()`; // if that fails, the connection does not go back to the pool
    own.release();
  }
}
