import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.sql.*;
import java.util.*;
import java.util.concurrent.*;
import javax.sql.DataSource;
import sessmem.SessionDataSource;

/** pgjdbc with HikariCP: through SessionDataSource, by hand, and with the wrong hooks. */
public class Scenario {
    static final int TASKS = 100, STEPS = 10; // 1 000 operations, with 4 connections
    static final String[] USERS = {"alice", "bob"};
    static final String ASK = "SELECT sessmem.session_id()";
    static int passed, failed;
    static Connection admin, login;
    static final ExecutorService threads = Executors.newFixedThreadPool(32);

    interface Operation<T> {
        T call(String token) throws Exception;
    }

    static void check(String what, boolean holds, Object seen) {
        if (holds) passed++;
        else failed++;
        System.out.println((holds ? "ok - " : "not ok - ") + what + (holds ? "" : "\n    got: " + seen));
    }

    static String url() {
        return "jdbc:postgresql://127.0.0.1:" + System.getenv("PGPORT") + "/" + System.getenv("PGDATABASE")
                + "?password=" + System.getenv("PGPASSWORD") + "&prepareThreshold=1"; // every statement is prepared
    }

    static HikariDataSource hikari(int connections, java.util.function.Consumer<HikariConfig> more) {
        return new HikariDataSource(config(connections, more));
    }

    static HikariConfig config(int connections, java.util.function.Consumer<HikariConfig> more) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(url());
        config.setUsername("app");
        config.setMaximumPoolSize(connections);
        config.setConnectionTimeout(20000);
        more.accept(config);
        return config;
    }

    static String ask(Connection connection, String sql, Object... parameters) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < parameters.length; i++) statement.setObject(i + 1, parameters[i]);
            try (ResultSet result = statement.executeQuery()) {
                return result.next() ? result.getString(1) : null;
            }
        }
    }

    static String ask(DataSource pool, String sql) throws SQLException {
        try (Connection connection = pool.getConnection()) {
            return ask(connection, sql);
        }
    }

    static String openSession(String user, String id, String ttl) throws SQLException {
        return ask(login, "SELECT sessmem.open_session(?, session_id => ?, ttl => CAST(? AS interval))", user, id, ttl);
    }

    /** What an operation comes to: its result, or the SQLSTATE or name of its exception. */
    static <T> Object outcome(Operation<T> operation, String token) {
        try {
            return operation.call(token);
        } catch (SQLException e) {
            return e.getSQLState();
        } catch (Exception e) {
            return e.getClass().getSimpleName();
        }
    }

    static <T> List<T> all(List<Callable<T>> tasks) throws Exception {
        List<T> results = new ArrayList<>();
        for (Future<T> future : threads.invokeAll(tasks)) results.add(future.get());
        return results;
    }

    static int running(String text) throws Exception {
        for (int i = 0; i < 300; i++) {
            String pid = ask(admin, "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND query LIKE ? AND pid <> pg_backend_pid()", "%" + text + "%");
            if (pid != null) return Integer.parseInt(pid);
            Thread.sleep(50);
        }
        throw new TimeoutException(text);
    }

    static Map<String, String> scenario(String name, Map<String, Operation<?>> client, boolean byHand) throws Exception {
        System.out.println("\n" + name);
        @SuppressWarnings("unchecked") Operation<List<String[]>> recall = (Operation<List<String[]>>) client.get("recall");
        Map<String, String> tokens = new HashMap<>();
        Map<String, Set<String>> written = new HashMap<>();
        for (String user : USERS) {
            tokens.put(user, openSession(user, user + ": " + name, "1 hour"));
            written.put(user, ConcurrentHashMap.newKeySet());
        }
        List<String> wrong = Collections.synchronizedList(new ArrayList<>());
        List<Callable<Object>> tasks = new ArrayList<>();
        for (int i = 0; i < TASKS; i++) {
            int number = i;
            String user = USERS[i % 2];
            tasks.add(() -> {
                Set<String> mine = new HashSet<>();
                for (int step = 0; step < STEPS; step++) {
                    if (step % 2 == 0) {
                        String content = user + " " + number + "." + step;
                        next.set(content);
                        client.get("remember").call(tokens.get(user));
                        mine.add(content);
                        written.get(user).add(content);
                    } else {
                        Set<String> seen = new HashSet<>();
                        for (String[] row : recall.call(tokens.get(user))) {
                            seen.add(row[1]);
                            if (!row[0].equals(user + ": " + name) || !row[1].startsWith(user)) wrong.add(user + " reads " + row[1]);
                        }
                        if (!seen.containsAll(mine)) wrong.add(user + " misses some of " + mine);
                    }
                }
                return null;
            });
        }
        all(tasks);
        check(TASKS + " tasks of two users, " + TASKS * STEPS + " operations: 0 wrong", wrong.isEmpty(), wrong);
        for (String user : USERS) {
            List<String> rows = new ArrayList<>();
            for (String[] row : recall.call(tokens.get(user))) rows.add(row[1]);
            check(user + " has all that " + user + " wrote", rows.size() == TASKS * STEPS / 4 && written.get(user).equals(new HashSet<>(rows)), rows.size());
        }
        String connections = ask(admin, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'");
        check("with 4 connections", connections.equals("4"), connections);

        next.set("whose?");
        if (byHand) {
            check("without a token a read is refused", "28000".equals(outcome(recall, null)), null);
            check("... and a write", "28000".equals(outcome(client.get("remember"), null)), null);
        } else {
            check("where nobody said a session, a read is an error", "IllegalStateException".equals(outcome(t -> client.get("plain recall").call(null), null)), null);
            check("... also in a thread that a session started", "IllegalStateException".equals(
                SessionDataSource.inSession(tokens.get("alice"), () -> {
                    FutureTask<Object> task = new FutureTask<>(() -> outcome(client.get("plain recall"), null));
                    new Thread(task).start();
                    return task.get();
                })), null);
            check("where none is meant, a read finds nothing", ((List<?>) recall.call(null)).isEmpty(), null);
            check("... and a write is refused", "42501".equals(outcome(client.get("remember"), null)), null);
        }

        fails(client, "SELECT 1 / 0", tokens.get("alice"), "22012", "a statement fails in eight tasks");
        clean(client, name, tokens, "an error");

        Future<Object> sleeper = sleep(client, tokens.get("alice"), 60);
        ask(admin, "SELECT pg_cancel_backend(?)", running("pg_sleep(60)"));
        check("a statement is cancelled", "57014".equals(sleeper.get()), null);
        clean(client, name, tokens, "a cancelled statement");

        String expired = openSession("alice", name + " for a second", "1 second");
        Thread.sleep(1200);
        fails(client, "SELECT 1", expired, "28000", "an expired token is refused in eight tasks");
        clean(client, name, tokens, "an expired token");

        sleeper = sleep(client, tokens.get("alice"), 61);
        ask(admin, "SELECT pg_terminate_backend(?)", running("pg_sleep(61)"));
        check("a connection is lost while it is used", "57P01".equals(sleeper.get()), sleeper.get());
        clean(client, name, tokens, "a lost connection");
        return tokens;
    }

    // What remember() writes and run() executes.
    static final ThreadLocal<String> next = new ThreadLocal<>();

    static Callable<Object> running(Map<String, Operation<?>> client, String token, String sql) {
        return () -> {
            next.set(sql);
            return outcome(client.get("run"), token);
        };
    }

    static Future<Object> sleep(Map<String, Operation<?>> client, String token, int seconds) {
        return threads.submit(running(client, token, "SELECT pg_sleep(" + seconds + ")"));
    }

    static void fails(Map<String, Operation<?>> client, String sql, String token, String state, String what) throws Exception {
        List<Object> seen = all(Collections.nCopies(8, running(client, token, sql)));
        check(what, seen.equals(Collections.nCopies(8, state)), seen);
    }

    /** Every connection of the pool is in the right session, and in none when asked to be. */
    static void clean(Map<String, Operation<?>> client, String name, Map<String, String> tokens, String after) throws Exception {
        String sql = "SELECT concat(sessmem.session_id(), '/', count(*)) FROM messages, pg_sleep(0.05)";
        List<Callable<Object>> tasks = new ArrayList<>();
        List<Object> expected = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            for (String user : new String[] {"alice", "bob", null}) {
                tasks.add(running(client, tokens.get(user), sql));
                expected.add(user == null ? "/0" : user + ": " + name + "/" + TASKS * STEPS / 4);
            }
        }
        List<Object> seen = all(tasks);
        check("after " + after + " every connection is clean", seen.equals(expected), seen);
    }

    static void helper() throws Exception {
        DataSource pool = Messages.open(config(4, c -> {}));
        Messages messages = new Messages(pool);
        Map<String, Operation<?>> client = new HashMap<>();
        client.put("remember", t -> in(t, () -> { messages.remember(next.get()); return null; }));
        client.put("recall", t -> in(t, messages::recall));
        client.put("run", t -> in(t, () -> ask(pool, next.get())));
        client.put("plain recall", t -> messages.recall());
        Map<String, String> tokens = scenario("SessionDataSource", client, false);
        check("the example answers", !messages.answer(tokens.get("alice"), "one more").isEmpty(), null);
        HikariDataSource hikari = pool.unwrap(HikariDataSource.class);
        Set<String> idle = new HashSet<>();
        List<Connection> taken = new ArrayList<>();
        for (int i = 0; i < 4; i++) taken.add(hikari.getConnection()); // behind SessionDataSource's back
        for (Connection connection : taken) {
            idle.add(String.valueOf(ask(connection, ASK)));
            connection.close();
        }
        check("idle connections hold no session", idle.equals(Set.of("null")), idle);
        hikari.close();
        edges(tokens);
        controls(tokens);
    }

    static <T> T in(String token, Callable<T> work) throws Exception {
        return token == null ? SessionDataSource.withoutSession(work) : SessionDataSource.inSession(token, work);
    }

    static void edges(Map<String, String> tokens) throws Exception {
        System.out.println("\nSessionDataSource: connections that are not as they should be");
        for (boolean autoCommit : new boolean[] {true, false}) {
            HikariDataSource hikari = hikari(1, c -> c.setAutoCommit(autoCommit));
            DataSource pool = new SessionDataSource(hikari, hikari::evictConnection);
            String mode = autoCommit ? ", autocommit" : ", no autocommit";
            int first = SessionDataSource.inSession(tokens.get("alice"), () -> {
                try (Connection connection = pool.getConnection()) {
                    check("the pool's autocommit is as it was" + mode, connection.getAutoCommit() == autoCommit, null);
                    connection.setAutoCommit(false);
                    ask(connection, "SELECT 1");
                    connection.rollback();
                    check("a rollback does not end the session" + mode, ask(connection, ASK).startsWith("alice"), null);
                    ask(connection, "INSERT INTO messages (content) VALUES ('not committed') RETURNING 1");
                    return Integer.parseInt(ask(connection, "SELECT pg_backend_pid()"));
                }
            });
            String left = in(tokens.get("alice"), () -> ask(pool, "SELECT count(*) FROM messages WHERE content = 'not committed'"));
            check("what was not committed when it came back is rolled back" + mode, left.equals("0"), left);
            try (Connection connection = hikari.getConnection()) {
                check("... and the connection is clean" + mode, ask(connection, ASK) == null
                    && ask(connection, "SELECT pg_backend_pid()").equals("" + first) && connection.getAutoCommit() == autoCommit, null);
            }
            admin.createStatement().execute("REVOKE EXECUTE ON FUNCTION sessmem.detach() FROM app");
            in(tokens.get("alice"), () -> ask(pool, ASK));
            admin.createStatement().execute("GRANT EXECUTE ON FUNCTION sessmem.detach() TO app");
            String second = in(tokens.get("alice"), () -> ask(pool, "SELECT pg_backend_pid()"));
            check("a connection that cannot detach is closed" + mode, !second.equals("" + first), second);
            in(tokens.get("alice"), () -> {
                Connection connection = pool.getConnection();
                connection.close();
                connection.close();
                check("close() twice is harmless" + mode, connection.isClosed() && ask(pool, ASK).startsWith("alice"), null);
                return null;
            });
            hikari.close();
        }
    }

    static void controls(Map<String, String> tokens) throws Exception {
        System.out.println("\nControl: the setting that is executed once for each connection");
        int wrong = 0;
        try (HikariDataSource pool = hikari(1, c -> c.setConnectionInitSql("SELECT sessmem.attach('" + tokens.get("alice") + "')"))) {
            for (int i = 0; i < 10; i++) if (ask(pool, ASK).startsWith("alice")) wrong++; // bob's requests
        }
        check("connectionInitSql: 10 of 10 of bob's reads are in alice's session", wrong == 10, wrong);

        System.out.println("\nControl: a session that is not detached");
        try (HikariDataSource pool = hikari(1, c -> {})) {
            try (Connection connection = pool.getConnection()) {
                ask(connection, "SELECT sessmem.attach(?)", tokens.get("alice"));
            }
            String seen = ask(pool, ASK);
            check("the next user of the connection is in it", seen != null && seen.startsWith("alice"), seen);
        }

        System.out.println("\nWhere the token is to be seen");
        for (String mode : new String[] {"extended", "simple"}) {
            try (Connection one = DriverManager.getConnection(url() + "&preferQueryMode=" + mode, "app", null);
                    Connection other = DriverManager.getConnection(url(), "app", null)) {
                String pid = ask(one, "SELECT pg_backend_pid()");
                ask(one, "SELECT sessmem.attach(?)", tokens.get("alice"));
                boolean seen = ask(other, "SELECT query FROM pg_stat_activity WHERE pid = CAST(? AS integer)", pid).contains(tokens.get("alice"));
                check("preferQueryMode=" + mode + ": other connections of the role " + (seen ? "see" : "do not see") + " the token in pg_stat_activity",
                    seen == mode.equals("simple"), null);
            }
        }
    }

    static void byHand() throws Exception {
        HikariDataSource pool = hikari(4, c -> {});
        MessagesByHand messages = new MessagesByHand(pool);
        Map<String, Operation<?>> client = new HashMap<>();
        client.put("remember", t -> { messages.remember(t, next.get()); return null; });
        client.put("recall", t -> messages.recall(t));
        client.put("run", t -> {
            try (Connection connection = pool.getConnection()) {
                connection.setAutoCommit(false);
                if (t != null) ask(connection, "SELECT sessmem.bind(?)", t);
                String result = ask(connection, next.get());
                connection.commit();
                return result;
            }
        });
        scenario("by hand", client, true);
        pool.close();
    }

    public static void main(String[] args) throws Exception {
        admin = DriverManager.getConnection(url(), "postgres", null);
        login = DriverManager.getConnection(url(), "login_service", null);
        System.out.println("pgjdbc " + admin.getMetaData().getDriverVersion() + ", Java " + System.getProperty("java.version"));
        try {
            helper();
            byHand();
        } catch (Exception e) {
            e.printStackTrace(System.out);
            check("the run ended early", false, e);
        }
        System.out.println(passed + " passed, " + failed + " failed");
        System.exit(failed == 0 && passed > 0 ? 0 : 1);
    }
}
