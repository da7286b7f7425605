package sessmem;

import java.io.PrintWriter;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.logging.Logger;
import javax.sql.DataSource;

/**
 * A pool whose connections act in the session of the code that takes them: attached in getConnection(), detached in
 * close(), before the pool has the connection back.
 *
 * <pre>
 * DataSource pool = new SessionDataSource(hikari, hikari::evictConnection);
 * SessionDataSource.inSession(token, () -&gt; handleRequest(pool));
 * </pre>
 *
 * The session belongs to the thread; code in another thread has none, and gets an exception instead of a connection.
 * A connection that cannot be attached or detached is given to {@code discard}, so nobody gets it again.
 */
public final class SessionDataSource implements DataSource {
    private static final class Scope {
        final String token; // null: no session, on purpose

        Scope(String token) {
            this.token = token;
        }
    }

    private static final ThreadLocal<Scope> current = new ThreadLocal<>(); // not inheritable: pools start threads for anybody

    private final DataSource pool;
    private final Consumer<Connection> discard;

    /** @param discard closes a connection that the pool has given out, and frees its place, as HikariDataSource.evictConnection() does */
    public SessionDataSource(DataSource pool, Consumer<Connection> discard) {
        this.pool = pool;
        this.discard = discard;
    }

    /** Calls the work in the session of this token. */
    public static <T> T inSession(String token, Callable<T> work) throws Exception {
        if (token == null || token.isEmpty()) throw new IllegalArgumentException("inSession() needs a token");
        return in(new Scope(token), work);
    }

    /** Calls the work in no session: protected tables are empty for it, and cannot be written. */
    public static <T> T withoutSession(Callable<T> work) throws Exception {
        return in(new Scope(null), work);
    }

    private static <T> T in(Scope scope, Callable<T> work) throws Exception {
        Scope before = current.get();
        current.set(scope);
        try {
            return work.call();
        } finally {
            if (before == null) current.remove();
            else current.set(before);
        }
    }

    @Override
    public Connection getConnection() throws SQLException {
        Scope scope = current.get();
        if (scope == null)
            throw new IllegalStateException("no session: call this in SessionDataSource.inSession(token, ...), or withoutSession(...) if it needs none");
        Connection connection = pool.getConnection();
        boolean attached = false;
        try {
            boolean autoCommit = connection.getAutoCommit();
            connection.setAutoCommit(true); // a session that was attached in a transaction would end if that is rolled back
            putInForce(connection, scope.token);
            connection.setAutoCommit(autoCommit);
            attached = true;
        } finally {
            if (!attached) discard.accept(connection);
        }
        return detachedOnClose(connection);
    }

    private Connection detachedOnClose(Connection connection) {
        AtomicBoolean closed = new AtomicBoolean();
        return (Connection) Proxy.newProxyInstance(SessionDataSource.class.getClassLoader(), new Class<?>[] {Connection.class}, (proxy, method, args) -> {
            if (method.getName().equals("close")) {
                if (!closed.getAndSet(true)) giveBack(connection);
                return null;
            }
            if (method.getName().equals("isClosed") && closed.get()) return true;
            try {
                return method.invoke(connection, args);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        });
    }

    private void giveBack(Connection connection) throws SQLException {
        boolean clean = false;
        try {
            if (!connection.getAutoCommit()) {
                connection.rollback(); // setAutoCommit(true) would commit
                connection.setAutoCommit(true);
            }
            putInForce(connection, null);
            clean = true;
        } catch (SQLException e) {
            // discarded, which is all there is to do
        } finally {
            if (clean) connection.close();
            else discard.accept(connection);
        }
    }

    private static void putInForce(Connection connection, String token) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(token == null ? "SELECT sessmem.detach()" : "SELECT sessmem.attach(?)")) {
            if (token != null) statement.setString(1, token);
            statement.execute();
        }
    }

    @Override
    public Connection getConnection(String user, String password) throws SQLException {
        throw new UnsupportedOperationException("the pool knows user and password");
    }

    @Override
    public <T> T unwrap(Class<T> type) throws SQLException {
        return pool.unwrap(type);
    }

    @Override
    public boolean isWrapperFor(Class<?> type) throws SQLException {
        return pool.isWrapperFor(type);
    }

    @Override
    public PrintWriter getLogWriter() throws SQLException {
        return pool.getLogWriter();
    }

    @Override
    public void setLogWriter(PrintWriter out) throws SQLException {
        pool.setLogWriter(out);
    }

    @Override
    public void setLoginTimeout(int seconds) throws SQLException {
        pool.setLoginTimeout(seconds);
    }

    @Override
    public int getLoginTimeout() throws SQLException {
        return pool.getLoginTimeout();
    }

    @Override
    public Logger getParentLogger() {
        return Logger.getLogger("sessmem");
    }
}
