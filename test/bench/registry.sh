# shellcheck shell=bash
# script/bench --registry: what the registry of sessions costs.
#
# How it measures:
#
#   * Sweep: pgbench runs turns (bind, read 20 rows, insert one, commit) of live
#     sessions on four connections, at half the rate that the machine can do, so
#     that a latency counts from when a turn was due.  Meanwhile sessmem.retention is
#     switched between for ever and a day, and the background worker sweeps or
#     rests.  Phases with and without the sweep take turns, first one then the other
#     first; a ratio compares the two phases of a pair.  After twenty pairs the sweep goes
#     on until nothing is left; a phase that it did not fill does not count.  Client,
#     backends and worker share all processors.
#   * Growth: two databases that differ in how many sessions are registered take
#     turns in short runs.  What it takes to fetch the token is subtracted, and
#     processors are assigned, as for the other ratios.
#   * Flow: as an application would wait for it, in the larger of these databases.
#     These are milliseconds, of this machine.

# As psql -c, for a superuser; prints what it gives.
sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"; }

# The same in maintenance: the rows of all sessions.
all() { PGOPTIONS='-c sessmem.maintenance=bench' sql "$@"; }

# number EXPRESSION: its value
number() { awk "BEGIN { print $1 }"; }

sql -c 'CREATE ROLE app LOGIN'
cp test/bench/session.sql "$work"
for script in turn lookup read-sessmem-transaction; do
	cat test/bench/session.sql "test/bench/$script.sql" >"$work/$script.sql"
done

# ---------------------------------------------------------- sweep under load

swept_sessions=100000 phase=2 pairs=20 few=1000 many=1000000 each=200 growth_seconds=3 flow_seconds=2
[ -z "$quick" ] || { swept_sessions=10000 phase=1 pairs=3 many=100000 each=20 growth_seconds=1 flow_seconds=1; }
clients=4

say "filling a table of $((swept_sessions * 50)) rows of $swept_sessions sessions"
sql -c 'CREATE DATABASE sweep'
export PGDATABASE=sweep
sessions=$((swept_sessions / 10))
sql -v registered="$swept_sessions" -v sessions="$sessions" -f test/bench/sweep-setup.sql >/dev/null
lapsed() { sql -c "SELECT count(*) FROM sessmem.session WHERE lapses_at <= now() - '1 day'::interval"; }
total=$(lapsed)
# it tried to start before there was the database
for _ in $(seq 30); do
	[ "$(sql -c "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'sessmem worker'")" = 0 ] || break
	sleep 1
done

say "capacity"
bench -T 3 -c "$clients" -f turn.sql
bench -T 5 -c "$clients" -f turn.sql
rate=$(awk '/^tps/ { print int($3 / 2) }' "$work/out")

sweep_switch() {
	sql -c "ALTER SYSTEM SET sessmem.retention = '$1'" -c 'SELECT pg_reload_conf()' >/dev/null
}

# Windows end up here, one per line: pair, whether it is swept, start, end.
windows=$work/windows
: >"$windows"
left=$total

# sweep_phase PAIR SWEPT
sweep_phase() {
	local retention=-1 before=$left switched started ended
	[ "$2" = 0 ] || retention=1d
	sweep_switch "$retention"
	switched=$EPOCHREALTIME
	# the worker may be in the middle of a batch
	sleep 0.3
	started=$EPOCHREALTIME
	sleep "$phase"
	ended=$EPOCHREALTIME
	left=$(lapsed)
	if [ "$2" = 0 ]; then
		printf '%s\t0\t%s\t%s\n' "$1" "$started" "$ended" >>"$windows"
	elif [ "$left" -gt 0 ]; then
		printf '%s\t1\t%s\t%s\n' "$1" "$started" "$ended" >>"$windows"
		note sweep.speed "$1" "$(number "($before - $left) * 50 / ($ended - $switched)")"
	fi
}

say "sweeping $total sessions under $rate turns per second"
rm -f "$work"/log.*
(cd "$work" && exec pgbench -n -M prepared -c "$clients" -U app -D sessions="$sessions" -T 3600 --rate="$rate" -l --log-prefix=log -f turn.sql) >"$work/out" 2>&1 &
turns=$!
on_exit "kill $turns 2>/dev/null || true"
sleep 3
for ((pair = 1; pair <= pairs && left > 0; pair++)); do
	order='0 1'
	[ $((pair % 2)) = 1 ] || order='1 0'
	for swept in $order; do sweep_phase "$pair" "$swept"; done
done
sweep_switch 1d
for ((second = 0; left > 0; second++)); do
	sleep 1
	left=$(lapsed)
	[ "$second" -lt 600 ] || die "the sweep does not come to an end"
done
if ! kill -0 "$turns" 2>/dev/null || grep -q aborted "$work/out"; then
	cat "$work/out" >&2
	die "a turn failed"
fi
kill "$turns"
wait "$turns" || true

# What must be gone, and nothing else.
[ "$(all -c "SELECT count(*) FROM messages AS m WHERE NOT EXISTS (SELECT FROM sessmem.session AS s WHERE s.session_id = m.session_id)")" = 0 ] ||
	die "the sweep left rows of sessions that are gone"
[ "$(all -c "SELECT count(*) FROM messages WHERE id <= $((swept_sessions * 50))")" = $(((swept_sessions - total) * 50)) ] ||
	die "the sweep took rows of live sessions"

# Of each window, by when a turn was due: pair, whether it is swept, median, 99th percentile.
cat "$work"/log.* | awk -F'[\t ]' '
	NR == FNR { pair[NR] = $1 "\t" $2; from[NR] = $3; to[NR] = $4; n = NR; next }
	NF >= 7 {
		due = $5 + ($6 - $3) / 1e6
		for (i = 1; i <= n; i++) if (due >= from[i] && due < to[i]) { print pair[i] "\t" $3; break }
	}' "$windows" - | sort -k1,1n -k2,2n -k3,3n | awk '
	function put() { if (n >= 100) print window "\t" v[int((n - 1) * 0.5) + 1] "\t" v[int((n - 1) * 0.99) + 1]; n = 0 }
	$1 "\t" $2 != window { put(); window = $1 "\t" $2 }
	{ v[++n] = $3 }
	END { put() }' >"$work/percentiles"
awk '
	$2 == 0 { p50[$1] = $3; p99[$1] = $4 }
	$2 == 1 { q50[$1] = $3; q99[$1] = $4 }
	END {
		for (p in q99) if (p in p99) {
			print "sweep.p50\t" p "\t" q50[p] / p50[p] "\nsweep.p99\t" p "\t" q99[p] / p99[p]
			print "sweep.p99.without\t" p "\t" p99[p] / 1000 "\nsweep.p99.with\t" p "\t" q99[p] / 1000
		}
	}' "$work/percentiles" >>"$ratios"
[ -z "${BENCH_LATENCIES:-}" ] || grep '^sweep' "$ratios" >&2

# ------------------------------------------------------------- growth and flow

processor_each
sessions=1000
for registered in "$few" "$many"; do
	say "filling a registry of $registered sessions"
	PGDATABASE=postgres sql -c "CREATE DATABASE registry_$registered"
	PGDATABASE=registry_$registered sql -v registered="$registered" -v sessions="$sessions" -v each="$each" -f test/bench/registry-setup.sql >/dev/null
done
sql -c CHECKPOINT

# logged SCRIPT: its latencies in the last run; the first tenth is for caches and plans
logged() { cat "$work"/log.* | awk -v i="$1" -v skip="$(($(cat "$work"/log.* | wc -l) / 10))" 'NR > skip && $4 == i { print $3 }'; }

# What a read turn takes in a registry of that size.
read_turn() {
	rm -f "$work"/log.*
	PGDATABASE=registry_$1 bench -T "$growth_seconds" -l --log-prefix=log -f session.sql@1 -f read-sessmem-transaction.sql@1
	number "$(logged 1 | middle) - $(logged 0 | middle)"
}

say "growth, $rounds rounds"
for round in $(seq "$rounds"); do
	declare -A turn=()
	for registered in $(shuf -e "$few" "$many"); do turn[$registered]=$(read_turn "$registered"); done
	note growth "$round" "$(number "${turn[$many]} / ${turn[$few]}")"
done

say "flow, $rounds rounds"
export PGDATABASE=registry_$many
for round in $(seq "$rounds"); do
	rm -f "$work"/log.*
	bench -T "$flow_seconds" -l --log-prefix=log -f read-sessmem-transaction.sql
	note flow.load "$round" "$(number "$(logged 0 | middle) / 1000")"
	bench -T "$flow_seconds" -r -f lookup.sql
	note flow.lookup "$round" "$(awk '/sessmem\.sessions/ { print $1 }' "$work/out")"
done

# --------------------------------------------------------------------- report

report() {
	head_row "latency with the sweep running : without"
	row sweep.p99 "<= 1.20" "99th percentile of a turn"
	row sweep.p50 - "for comparison: median of a turn"
	echo
	head_row "latency with $many sessions : with $few"
	row growth "<= 1.30" "BEGIN, bind(), SELECT the newest 20 rows, COMMIT"
	echo
	head_row "milliseconds" ms
	row flow.load "<= 5" "bind and load a history of 5 kB, 20 rows; $many sessions" 3
	row flow.lookup "<= 1" "SELECT state FROM sessmem.sessions" 3
	row sweep.p99.without - "99th percentile of a turn without the sweep" 3
	row sweep.p99.with - "99th percentile of a turn with the sweep" 3
	echo
	head_row "the sweep" "rows/s"
	row sweep.speed - "rows deleted per second" 0
}

report | tee "$work/report"
[ -n "$docs" ] || return 0

put_section "The registry of sessions" <<-DOCS
	Made by \`script/bench --registry --docs\` on PostgreSQL $(sql -c 'SHOW server_version' | sed 's/ .*//'), $(nproc) cores. How it is
	measured is written at the top of \`test/bench/registry.sh\`. Here a ratio is one of latencies, so less is better.

	The sweep: $swept_sessions sessions with 50 rows each in one protected table, $total of them expired. $clients connections ran $rate turns per
	second, half of what they could: bind, read 20 rows, insert one, commit. The background worker deleted all that had expired, with their
	rows, and nothing else.

	$(cat "$work/report")
DOCS
