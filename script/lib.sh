# shellcheck shell=bash
# lib.sh: what script/demo, script/test, script/bench and the runners in test/
# share.  A bash library: source it, it moves to the top of the tree and sets
# -euo pipefail.
#
# Typical use:
#
#   . "$(dirname "$0")/lib.sh"
#   pick_postgres
#   need openssl pgbouncer
#   as_unprivileged "$0" "$@"
#   build_stage
#   server_start "shared_preload_libraries = 'sessmem'"
#   psql -X -c 'CREATE EXTENSION sessmem'
#
#   need PKG...            Install the packages that are missing, from the
#                          machine's own apt sources.  Starts no service and
#                          creates no database cluster.  Dies if it cannot.
#   try_need PKG...        The same, but returns 1 instead of dying.
#   need_node              Install Node.js where there is none of version 18 or later.
#   need_node_packages DIR The same, the npm packages of DIR/package-lock.json, and clients/node
#                          among them as it is now.
#   pick_postgres          Choose a server and install what it lacks: PG_CONFIG if
#                          set, else the newest supported major that is installed
#                          or on offer.  Exports PG_CONFIG, PGBIN, PGMAJOR and puts
#                          PGBIN in PATH.
#   use_postgres           Export the same for $PG_CONFIG; install nothing.
#   try_need_pgvector      Install the extension "vector" for that server, or build it where
#                          there is no package; returns 1 if neither can be.
#   as_unprivileged "$0" "$@"
#                          When root, start the script again as somebody else,
#                          because a server refuses to run as root; otherwise do
#                          nothing.  What needs root comes before this line, what
#                          needs cleaning up comes after it.
#   build_stage            Compile from scratch, warnings are errors, and install
#                          below ./tmp_install, beside what try_need_pgvector has built.
#                          Nothing outside the tree changes.
#   stage_config           Print the configuration lines with which a server finds
#                          the staged extension.
#   server_start [LINE...] Start a throw-away server that finds the staged extension,
#                          with these extra lines in postgresql.conf.  Exports PGHOST,
#                          PGPORT, PGUSER=postgres, PGDATABASE=postgres; sets
#                          server_dir (its logfile is $server_dir/log).  It listens on
#                          a Unix socket only.  One at a time.
#   server_stop            Stop it and delete its files; also happens on exit.
#   on_exit COMMAND        Run COMMAND when the script ends, however it ends, last
#                          one first.  Do not set an EXIT trap of your own.
#   run_suite NAME CMD...  Run a test suite and add its "N passed, N failed" line to
#                          the totals; see below.
#   finish                 Print the totals as the last line and exit accordingly.
#   say, die               A message on standard error; die also exits.

set -euo pipefail

lib_started_in=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Newest first.  Keep in step with test/matrix and the README.
supported_majors='18 17 16 15'

say() { echo "${0##*/}: $*" >&2; }
die() { say "$@"; exit 1; }

# ---------------------------------------------------------------- cleaning up

exit_commands=()

on_exit() { exit_commands+=("$1"); }

lib_cleanup() {
	local rc=$? i
	set +e
	trap '' INT TERM HUP
	for ((i = ${#exit_commands[@]} - 1; i >= 0; i--)); do eval "${exit_commands[i]}"; done
	exit "$rc"
}
trap lib_cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# ------------------------------------------------------------------- packages

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

lists_updated=
update_lists() {
	[ -z "$lists_updated" ] || return 0
	lists_updated=1
	as_root apt-get update -qq </dev/null >&2 || say "apt-get update failed; continuing with the package lists that are there"
}

try_need() {
	local pkg missing=()
	if ! command -v apt-get >/dev/null; then
		# Not a Debian family system: trust that its packages are there, under whatever names.
		return 0
	fi
	for pkg; do installed "$pkg" || missing+=("$pkg"); done
	[ ${#missing[@]} -gt 0 ] || return 0
	say "installing ${missing[*]}"
	update_lists
	as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 sh -s -- "${missing[@]}" >&2 <<'SH'
set -eu
# While this runs, and no longer: a new package starts no service (the policy
# layer of invoke-rc.d), and a new PostgreSQL creates no cluster.
undo=
trap 'rm -f $undo' EXIT
trap 'exit 1' INT TERM HUP
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
	undo="$undo $policy"
	printf '#!/bin/sh\nexit 101\n' > $policy
	chmod 755 $policy
fi
cluster=/etc/postgresql-common/createcluster.d/no-main-cluster.conf
if [ ! -e $cluster ]; then
	undo="$undo $cluster"
	mkdir -p "${cluster%/*}"
	echo 'create_main_cluster = false' > $cluster
fi
apt-get install -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@" </dev/null
SH
}

need() { try_need "$@" || die "cannot install: $*"; }

# archive LABEL: the archive that apt uses here, without its trailing slash.
archive() {
	# shellcheck disable=SC2016  # apt's placeholders
	apt-get indextargets --format '$(LABEL)|$(REPO_URI)' 'Created-By: Packages' | sed -n "s#^$1|\(.*[^/]\)/*\$#\1#p" | head -n 1
}

node_works() { node -e 'process.exit(parseInt(process.versions.node) >= 18 ? 0 : 1)' 2>/dev/null; }

need_node() {
	node_works || need nodejs
	node_works || die "this needs Node.js 18 or later"
}

need_node_packages() {
	need_node
	command -v npm >/dev/null || need npm
	# The hidden lock file is the last thing that npm writes, so an interrupted install is not taken for a complete one.
	if ! [ "$1/node_modules/.package-lock.json" -nt "$1/package-lock.json" ]; then
		say "installing the npm packages of $1"
		(cd "$1" && npm ci --no-audit --no-fund --loglevel=error >&2)
	fi
	# A copy: Node.js would look for what a link needs where the link leads to.
	rm -rf "$1/node_modules/sessmem"
	cp -R clients/node "$1/node_modules/sessmem"
}

# ----------------------------------------------------------------- the server

use_postgres() {
	: "${PG_CONFIG:=pg_config}"
	command -v "$PG_CONFIG" >/dev/null || die "$PG_CONFIG not found; set PG_CONFIG"
	PGBIN=$("$PG_CONFIG" --bindir)
	PGMAJOR=$("$PG_CONFIG" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
	[ "$PGMAJOR" -ge 15 ] || die "sessmem needs PostgreSQL 15 or later; $PG_CONFIG is PostgreSQL $PGMAJOR"
	[ -x "$PGBIN/initdb" ] || die "there is no server in $PGBIN"
	export PG_CONFIG PGBIN PGMAJOR
	# pgbouncer and other daemons live in sbin, which is not in everybody's PATH.
	export PATH="$PGBIN:$PATH:/usr/sbin"
}

# Print the newest supported major that is installed or that apt offers.
newest_major() {
	local major
	for major in $supported_majors; do
		if [ -x "/usr/lib/postgresql/$major/bin/initdb" ] || apt-cache show "postgresql-server-dev-$major" >/dev/null 2>&1; then
			echo "$major"
			return
		fi
	done
	return 1
}

pick_postgres() {
	local major
	need gcc make libssl-dev
	if [ -z "${PG_CONFIG:-}" ] && command -v apt-get >/dev/null; then
		major=$(newest_major) || { update_lists; major=$(newest_major); } ||
			die "sessmem needs PostgreSQL 15 or later, and apt here offers none;" \
				"add an apt source that has one (or set PG_CONFIG) and try again"
		need "postgresql-$major" "postgresql-server-dev-$major"
		PG_CONFIG=/usr/lib/postgresql/$major/bin/pg_config
	fi
	use_postgres
	[ -e "$("$PG_CONFIG" --includedir-server)/postgres.h" ] || need "postgresql-server-dev-$PGMAJOR"
}

# Debian 12 has no package of pgvector for its PostgreSQL 15.  The source package of Debian 13
# builds for it: fetched with apt's checks, but lists and configuration of its own.
build_pgvector() (
	local mirror get build=$PWD/tmp_pgvector/build
	mirror=${DEBIAN_MIRROR:-$(archive Debian)}
	[ -n "$mirror" ] && [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || { say "apt has no Debian archive here"; return 1; }
	say "building pgvector for PostgreSQL $PGMAJOR"
	rm -rf "$build"
	mkdir -p "$build"/{lists,cache/archives}/partial
	cd "$build" || return 1
	echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" >sources.list
	get=(apt-get -qq -o Dir::Etc::sourcelist="$build/sources.list" -o Dir::Etc::sourceparts=/dev/null
		-o Dir::State::lists="$build/lists" -o Dir::Cache="$build/cache" -o APT::Sandbox::User=)
	# not for the processor of this machine alone, and without bitcode
	"${get[@]}" update && "${get[@]}" source --download-only pgvector/trixie && tar -xf pgvector_*.orig.tar.* &&
		env -u MAKEFLAGS make -s -C pgvector-*/ -j"$(nproc)" PG_CONFIG="$PG_CONFIG" OPTFLAGS= with_llvm=no &&
		env -u MAKEFLAGS make -s -C pgvector-*/ PG_CONFIG="$PG_CONFIG" OPTFLAGS= with_llvm=no install DESTDIR="$build/stage" &&
		mv "$build/stage" "../$PGMAJOR"
)

try_need_pgvector() {
	command -v apt-get >/dev/null || return 0
	[ ! -e "$("$PG_CONFIG" --sharedir)/extension/vector.control" ] || return 0
	[ ! -e "tmp_pgvector/$PGMAJOR" ] || return 0
	if apt-cache show "postgresql-$PGMAJOR-pgvector" >/dev/null 2>&1; then
		try_need "postgresql-$PGMAJOR-pgvector"
	else
		mkdir -p tmp_pgvector
		build_pgvector >tmp_pgvector/log 2>&1 || { tail -n 3 tmp_pgvector/log >&2; return 1; }
		rm -rf tmp_pgvector/build
	fi
}

as_unprivileged() {
	local script user owner copy rc=0
	[ "$(id -u)" = 0 ] || return 0
	script=$(cd "$lib_started_in" && realpath "$1")
	shift
	# initdb looks its user up by name, so it must be one that exists.
	user=postgres
	id "$user" >/dev/null 2>&1 || user=nobody

	# Files that root sees as its own belong to that user inside a user namespace:
	# nothing is copied, nothing changes hands, and it works below /root too.
	owner=$(stat -c %u .)
	local ns=(unshare --user --map-user="$(id -u "$user")" --map-group="$(id -g "$user")")
	if [ "$owner" = 0 ] && [ -z "${NO_USER_NAMESPACE:-}" ] && "${ns[@]}" true 2>/dev/null; then
		exec "${ns[@]}" bash "$script" "$@"
	fi

	# No user namespaces, as in most containers, or somebody else's tree: run in a copy.
	copy=$(mktemp -d /tmp/sessmem.XXXXXX)
	on_exit "rm -rf '$copy'"
	script=$(realpath --relative-to=. "$script")
	tar -cf - --exclude=./.git --exclude='./tmp_[!p]*' . | tar -C "$copy" --no-same-owner -xf -
	chown -R "$user:" "$copy"
	(
		cd "$copy"
		HOME=$copy setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups bash "./$script" "$@"
	) || rc=$?
	if [ -d "$copy/tmp_check" ]; then
		rm -rf tmp_check
		cp -R "$copy/tmp_check" .
	fi
	exit "$rc"
}

build_stage() {
	# Called from "make check" too, whose own flags are not for this make.
	local make=(env -u MAKEFLAGS -u MAKELEVEL "${MAKE:-make}" -s PG_CONFIG="$PG_CONFIG" WERROR=1 with_llvm=no)
	rm -rf tmp_install
	# From scratch: objects of another major or with other flags must not survive.
	"${make[@]}" clean
	"${make[@]}" -j"$(nproc)" all
	"${make[@]}" install DESTDIR="$PWD/tmp_install" >/dev/null
	[ ! -e "tmp_pgvector/$PGMAJOR" ] || cp -R "tmp_pgvector/$PGMAJOR/." tmp_install
}

stage_config() {
	local stage=$PWD/tmp_install share lib
	share=$("$PG_CONFIG" --sharedir)
	lib=$("$PG_CONFIG" --pkglibdir)
	if [ "$PGMAJOR" -ge 18 ]; then
		echo "extension_control_path = '$stage$share:\$system'"
	elif grep -q extension_destdir "$share/postgresql.conf.sample"; then
		echo "extension_destdir = '$stage'"		# a patch in the Debian, Ubuntu and PGDG packages
	else
		die "this PostgreSQL $PGMAJOR finds extensions only in $share;" \
			"use 'make install' and 'make installcheck'"
	fi
	echo "dynamic_library_path = '$stage$lib:\$libdir'"
}

server_dir=

server_start() {
	local var
	[ -z "$server_dir" ] || die "server_start: a server is running already"
	# No setting for the user's own servers may lead a client there.
	for var in $(compgen -v PG); do
		case $var in PG_* | PGBIN | PGMAJOR) ;; *) unset "$var" ;; esac
	done
	server_dir=$(mktemp -d /tmp/sessmem.XXXXXX)	# short: a socket's path is limited to 107 bytes
	on_exit server_stop
	export PGHOST=$server_dir PGPORT=$((RANDOM % 20000 + 20000)) PGUSER=postgres PGDATABASE=postgres
	"$PGBIN/initdb" -D "$server_dir/data" -U postgres --auth=trust --no-locale --encoding=UTF8 --no-sync >"$server_dir/log" 2>&1 ||
		{ cat "$server_dir/log" >&2; die "initdb failed"; }
	{
		stage_config
		echo "listen_addresses = ''"
		echo "unix_socket_directories = '$server_dir'"
		echo "port = $PGPORT"
		echo "fsync = off"
		printf '%s\n' "$@"
	} >>"$server_dir/data/postgresql.conf"
	"$PGBIN/pg_ctl" -s -w -D "$server_dir/data" -l "$server_dir/log" start ||
		{ tail -n 20 "$server_dir/log" >&2; die "the server does not start"; }
}

server_stop() {
	[ -n "$server_dir" ] || return 0
	[ ! -e "$server_dir/data/postmaster.pid" ] || "$PGBIN/pg_ctl" -s -w -m immediate -D "$server_dir/data" stop || true
	rm -rf "$server_dir"
	server_dir=
}

# --------------------------------------------------------------------- totals
#
# Every runner of tests ends its output with one line "N passed, N failed".  A
# suite without that line, or that fails without saying so in it, counts as one
# failure: what died must not look like what passed.

passed=0
failed=0
summary=

# add_suite NAME STATUS FILE: add a suite that has run, and whose output is in FILE.
add_suite() {
	local name=$1 status=$2 p=0 f=0 last
	last=$(sed '/^make\(\[[0-9]*\]\)\{0,1\}: /d' "$3" | tail -n 1)
	if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
		p=${BASH_REMATCH[1]} f=${BASH_REMATCH[2]}
	else
		say "$name: ended without a result (exit status $status)"
		f=1
	fi
	if [ "$status" != 0 ] && [ "$f" = 0 ]; then
		say "$name: failed outside its tests (exit status $status)"
		f=1
	fi
	passed=$((passed + p))
	failed=$((failed + f))
	summary+=$(printf '%-20s %4d passed, %d failed' "$name" "$p" "$f")$'\n'
	# What a runner could not run stays visible up to the last page.
	summary+=$(sed -n 's/^not run: /not run: /p' "$3" | sort -u; echo .)
	summary=${summary%.}
}

run_suite() {
	local name=$1 out status=0
	shift
	out=$(mktemp)
	on_exit "rm -f '$out'"
	echo "== $name"
	"$@" </dev/null 2>&1 | tee "$out" || status=${PIPESTATUS[0]}
	add_suite "$name" "$status" "$out"
}

finish() {
	printf '\n%s' "$summary"
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
	exit
}
