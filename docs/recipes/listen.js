// Prints every violation as it is recorded, one JSON object a line.
// PGHOST, PGDATABASE, PGUSER and so on say where; the role is that of watcher.sql, or an administrator's.
const { Client } = require('pg');

async function main() {
  const client = new Client();
  client.on('error', (err) => { console.error(err.message); process.exit(1); }); // let the supervisor start it again
  client.on('notification', async ({ payload }) => {
    let id;
    try { ({ id } = JSON.parse(payload)); } catch { return; }
    if (!Number.isSafeInteger(id)) return; // everybody may NOTIFY: believe the table, never the payload
    try {
      const { rows } = await client.query('SELECT * FROM sessmem.violations WHERE id = $1', [id]);
      for (const row of rows) console.log(JSON.stringify(row));
    } catch (err) {
      console.error(err.message);
      process.exit(1);
    }
  });
  await client.connect();
  await client.query('LISTEN sessmem_violation');
  console.error('listening');
}

main().catch((err) => { console.error(err.message); process.exit(1); });
