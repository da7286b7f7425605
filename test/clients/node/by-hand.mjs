/* Runs fn(client) in a transaction on one connection of a pg.Pool, in the session of the token. */
export async function inSession(pool, token, fn) {
  const client = await pool.connect();
  let broken;
  const onError = (err) => { broken = err; }; // without a listener, a connection that breaks ends the process
  client.on('error', onError);
  try {
    await client.query('BEGIN');
    await client.query('SELECT sessmem.bind($1)', [token]);
    const result = await fn(client);
    await client.query('COMMIT');
    return result;
  } catch (err) {
    await client.query('ROLLBACK').catch((failure) => { broken = failure; });
    throw err;
  } finally {
    client.removeListener('error', onError);
    client.release(broken); // with an error, the pool closes the connection
  }
}
