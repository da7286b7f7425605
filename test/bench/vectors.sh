# shellcheck shell=bash
# script/bench --vectors: the nearest rows of a session, exactly and by an HNSW index.
#
# How it measures:
#
#   * All ways are scripts of one pgbench run, as for the other ratios; each transaction asks for
#     the ten nearest rows of another session.  What it takes to fetch token and question is
#     subtracted.  Iterative scans take so long that they are run less often.
#   * Those by an HNSW index have a table without an index on the session, where the planner
#     has no other choice but to read all of it, and that is switched off.
#   * Recall is how many of the ten nearest rows of the session are found, of those that a
#     search of all its rows finds; of one question for each of some sessions, in groups.

vectors=100000 sessions=1000 topics=50 asked=200 group=20
[ -z "$quick" ] || { vectors=10000 sessions=100 asked=40; }

sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"; }
# number EXPRESSION: its value
number() { awk "BEGIN { print $1 }"; }

say "filling three tables of $vectors vectors, and building an index"
sql -v rows="$vectors" -v sessions="$sessions" -v topics="$topics" -f test/bench/vectors-setup.sql >/dev/null
processor_each

# -------------------------------------------------------------------- latency

ways=(recall exact filtered strict relaxed)
cp test/bench/vectors-session.sql "$work/session.sql"
scripts=(-f session.sql@40)
for way in "${ways[@]}"; do
	cat test/bench/vectors-session.sql "test/bench/vectors-$way.sql" >"$work/$way.sql"
	case $way in strict | relaxed) often=1 ;; *) often=40 ;; esac
	scripts+=(-f "$way.sql@$often")
done

say "latency, $rounds rounds of $seconds s"
for round in $(seq "$rounds"); do
	declare -A latency=()
	rm -f "$work"/log.*
	bench -T "$seconds" -l --log-prefix=log "${scripts[@]}"
	for i in $(seq 0 ${#ways[@]}); do
		way=session
		[ "$i" = 0 ] || way=${ways[i - 1]}
		latency[$way]=$(cat "$work"/log.* | awk -v i="$i" -v skip="$(($(cat "$work"/log.* | wc -l) / 10))" 'NR > skip && $4 == i { print $3 }' | middle)
	done
	for way in "${ways[@]}"; do
		latency[$way]=$(number "${latency[$way]} - ${latency[session]}")
		printf '%s\t%s\t%s\n' "$way" "$round" "${latency[$way]}" >>"$work/latencies"
	done
	for way in exact filtered strict relaxed; do compare "vectors.$way" "$round" "${latency[$way]}" "${latency[recall]}"; done
done

# --------------------------------------------------------------------- recall

say "recall of $asked questions"
for way in "${ways[@]}"; do
	case $way in
		recall) from='sessmem.recall_similar(NULL::memories, %L, token => %L)' args='question, token' ;;
		*) from="nearest_$way(%L, %L)" args='session, question' ;;
	esac
	# each in a transaction of its own: one has one session
	sql -U app >/dev/null <<-SQL
	SELECT format('INSERT INTO found SELECT ''$way'', %s, id FROM $from', n, $args) FROM sessions WHERE n <= $asked \gexec
	SQL
	for first in $(seq 1 "$group" "$asked"); do
		note "recall.$way" "$first" "$(sql -c "SELECT count(*) / (10.0 * $group) FROM found AS f
			WHERE f.way = '$way' AND f.n >= $first AND f.n < $first + $group
				AND f.id IN (SELECT e.id FROM sessions AS s, LATERAL (SELECT * FROM exact AS e WHERE e.session_id = s.session
					ORDER BY (e.embedding <=> s.question) + 0 LIMIT 10) AS e WHERE s.n = f.n)")"
	done
done

# --------------------------------------------------------------------- report

report() {
	head_row "the 10 nearest rows of a session, another session each time"
	row vectors.exact - "recall_similar() with a token : WHERE, by an index of the session"
	row vectors.filtered - "recall_similar() with a token : WHERE, by the HNSW index"
	row vectors.strict - "the same : with hnsw.iterative_scan = strict_order"
	row vectors.relaxed - "the same : with hnsw.iterative_scan = relaxed_order"
	echo
	head_row "how many of them are found" recall
	row recall.recall ">= 1.00" "recall_similar()"
	row recall.exact - "WHERE, by an index of the session"
	row recall.filtered - "WHERE, by the HNSW index"
	row recall.strict - "the same with hnsw.iterative_scan = strict_order"
	row recall.relaxed - "the same with hnsw.iterative_scan = relaxed_order"
}

[ -z "${BENCH_LATENCIES:-}" ] || sort -s -k1,1 "$work/latencies" >&2
report | tee "$work/report"
[ -n "$docs" ] || return 0

put_section "Vectors" <<-DOCS
	Made by \`script/bench --vectors --docs\` on PostgreSQL $(sql -c 'SHOW server_version' | sed 's/ .*//'), pgvector $(sql -c "SELECT extversion FROM pg_extension WHERE extname = 'vector'"), $(nproc) cores: $vectors vectors of 128
	dimensions in $sessions sessions, which all speak of the same $topics topics. How it is measured is written at the top of \`test/bench/vectors.sh\`.

	An approximate index on everybody's vectors finds the nearest of all, and the session's are what is left of them. An iterative scan goes on looking, up to
	\`hnsw.max_scan_tuples\`. \`recall_similar()\` compares all rows of the session instead, which are few.

	$(cat "$work/report")
DOCS
