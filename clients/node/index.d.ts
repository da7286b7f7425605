import { Pool, PoolClient } from 'pg';

/**
 * Runs `fn`, and everything that it awaits, in the session of the token.
 * Returns what `fn` returns; a query builder is started first.
 */
export function withSession<T>(token: string, fn: () => T): T;

/**
 * A node-postgres pool whose connections act in the session of the code that asked for them. It takes the options of `Pool`.
 * Outside of `withSession()` and `withoutSession()`, `query()`, `connect()` and `transaction()` fail with the code
 * `ERR_SESSMEM_NO_SESSION`.
 */
export class SessionPool extends Pool {
  /**
   * Runs `fn(client)` in a transaction that is bound to the session; commits if it succeeds, rolls back if it does not.
   * The form for transaction-mode poolers.
   */
  transaction<T>(fn: (client: PoolClient) => T | PromiseLike<T>): Promise<Awaited<T>>;

  /** Runs `fn`, and everything that it awaits, without a session on this pool. */
  withoutSession<T>(fn: () => T): T;
}
