import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.sql.*;
import java.util.ArrayList;
import java.util.List;
import javax.sql.DataSource;
import sessmem.SessionDataSource;

/** Knows nothing of sessions, but for the pool that open() makes. */
public class Messages {
    private final DataSource pool;

    public Messages(DataSource pool) {
        this.pool = pool;
    }

    public static DataSource open(HikariConfig config) {
        HikariDataSource hikari = new HikariDataSource(config);
        return new SessionDataSource(hikari, hikari::evictConnection);
    }

    public void remember(String content) throws SQLException {
        try (Connection connection = pool.getConnection();
                PreparedStatement insert = connection.prepareStatement("INSERT INTO messages (content) VALUES (?)")) {
            insert.setString(1, content);
            insert.executeUpdate();
        }
    }

    public List<String[]> recall() throws SQLException {
        List<String[]> rows = new ArrayList<>();
        try (Connection connection = pool.getConnection();
                PreparedStatement select = connection.prepareStatement("SELECT session_id, content FROM messages");
                ResultSet result = select.executeQuery()) {
            while (result.next()) rows.add(new String[] {result.getString(1), result.getString(2)});
        }
        return rows;
    }

    public List<String[]> answer(String token, String question) throws Exception {
        return SessionDataSource.inSession(token, () -> {
            remember(question);
            return recall();
        });
    }
}
