# shellcheck shell=bash
# What the runners of the drivers' tests share; source it after script/lib.sh.

# setup: the roles and the table of the tests, on the server that runs.
setup() {
	psql -X -q -v ON_ERROR_STOP=1 >/dev/null <<'SQL'
DO $$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY '{app,login_service}'::text[] LOOP
		IF to_regrole(name) IS NULL THEN
			EXECUTE format('CREATE ROLE %I LOGIN', name);
		END IF;
	END LOOP;
END
$$;
CREATE EXTENSION sessmem;
CREATE TABLE messages (id bigserial, session_id text, content text, PRIMARY KEY (session_id, id));
SELECT sessmem.protect('messages');
GRANT SELECT, INSERT ON messages TO app;
GRANT USAGE ON SEQUENCE messages_id_seq TO app;
SELECT sessmem.grant_app('app'), sessmem.grant_issuer('login_service');
SQL
}

# bouncer_start: PgBouncer in transaction mode before that server; sets bouncer, the directory of its socket.
bouncer_start() {
	bouncer=$(mktemp -d /tmp/sessmem.XXXXXX)
	on_exit "rm -rf '$bouncer'"
	echo '"app" ""' >"$bouncer/users"
	cat >"$bouncer/ini" <<-INI
		[databases]
		* = host=$PGHOST port=$PGPORT
		[pgbouncer]
		listen_port = $PGPORT
		unix_socket_dir = $bouncer
		auth_type = trust
		auth_file = $bouncer/users
		pool_mode = transaction
		default_pool_size = 4
		max_client_conn = 100
		logfile = $bouncer/log
	INI
	pgbouncer -q "$bouncer/ini" </dev/null >/dev/null 2>&1 &
	on_exit "kill $! 2>/dev/null"
}

# shown FILE...: a suite. Each of these files of docs/clients is in a page there, as it is.
shown() {
	local file passed=0 failed=0
	for file; do
		if perl -0777 -e '($file, @page) = map { open my $f, "<", $_ or die; <$f> } @ARGV; exit !grep { index($_, "\n$file```\n") >= 0 } @page' "$file" docs/clients/*.md; then
			passed=$((passed + 1))
			echo "ok - a page shows ${file##*/} as it is"
		else
			failed=$((failed + 1))
			echo "not ok - a page shows ${file##*/} as it is"
		fi
	done
	echo "$passed passed, $failed failed"
	[ $failed = 0 ]
}
