import java.sql.*;
import java.util.ArrayList;
import java.util.List;
import javax.sql.DataSource;

/** Binds transaction by transaction; any pool will do. */
public class MessagesByHand {
    private final DataSource pool;

    public MessagesByHand(DataSource pool) {
        this.pool = pool;
    }

    private interface Work<T> {
        T in(Connection connection) throws SQLException;
    }

    private <T> T inSession(String token, Work<T> work) throws SQLException {
        try (Connection connection = pool.getConnection()) {
            connection.setAutoCommit(false);
            try (PreparedStatement bind = connection.prepareStatement("SELECT sessmem.bind(?)")) {
                bind.setString(1, token);
                bind.execute();
                T result = work.in(connection);
                connection.commit();
                return result;
            } finally {
                connection.rollback(); // nothing is left to roll back after the commit
                connection.setAutoCommit(true);
            }
        }
    }

    public void remember(String token, String content) throws SQLException {
        inSession(token, connection -> {
            try (PreparedStatement insert = connection.prepareStatement("INSERT INTO messages (content) VALUES (?)")) {
                insert.setString(1, content);
                return insert.executeUpdate();
            }
        });
    }

    public List<String[]> recall(String token) throws SQLException {
        return inSession(token, connection -> {
            List<String[]> rows = new ArrayList<>();
            try (PreparedStatement select = connection.prepareStatement("SELECT session_id, content FROM messages");
                    ResultSet result = select.executeQuery()) {
                while (result.next()) rows.add(new String[] {result.getString(1), result.getString(2)});
            }
            return rows;
        });
    }
}
