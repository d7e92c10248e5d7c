#!/bin/bash
# Dumps come by a pipe in the container's /dev, past the engine (docs/decisions/0032-outlets.md): the same
# bytes as by the engine's stream, from tools that do not play along as well, and whatever a
# container does with the pipe.
# shellcheck disable=SC2016 # what tools do is expanded in the container
set -uo pipefail
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"

"$stacksnap" init >/dev/null 2>&1 || exit 1
export STACKSNAP_DEBUG=1
project=outlet-fifo
projects+=("$project")
remove_project "$project"
mkdir -p "$work/$project"
# One runs as root, the other as a user by number, with nothing of its own to write to.
cat >"$work/$project/compose.yaml" <<-YAML
	name: $project
	services:
	  pg:
	    image: postgres:15
	    environment: { POSTGRES_PASSWORD: pw }
	    volumes: [ "pg:/var/lib/postgresql/data" ]
	  my:
	    image: mariadb:10.11
	    environment: { MARIADB_ROOT_PASSWORD: pw, MARIADB_DATABASE: shop }
	    user: "999:999"
	    read_only: true
	    tmpfs: [ /tmp, "/run/mysqld:uid=999" ]
	    volumes: [ "my:/var/lib/mysql" ]
	volumes: { pg: , my: }
YAML
compose $project up -d >"$work/up.log" 2>&1 || {
	tail -n 20 "$work/up.log"
	exit 1
}

in_pg() {
	docker exec -i -u root $project-pg-1 "$@"
}
in_my() {
	docker exec -i $project-my-1 "$@"
}

soon() { # soon COMMAND...: within half a minute
	local i
	for ((i = 0; i < 150; i++)); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.2
	done
	echo "in vain: $*"
	return 1
}

soon in_pg psql -U postgres -h 127.0.0.1 "dbname=postgres password=pw" -c 'SELECT 1' || exit 1
soon in_my mariadb -h 127.0.0.1 -uroot -ppw shop -e 'SELECT 1' || exit 1
in_pg psql -q -U postgres -c "CREATE TABLE orders AS SELECT g AS id, repeat(md5(g::text), 3) AS what
	FROM generate_series(1, 40000) g"
in_my mariadb -uroot -ppw shop -e "CREATE TABLE orders (id int PRIMARY KEY, what text);
	INSERT INTO orders SELECT seq, REPEAT(MD5(seq), 3) FROM seq_1_to_40000"

backup() {
	"$stacksnap" backup --quiesce none $project "$@"
}
says_not() { # says_not TEXT...: the output of the last try does not
	local text
	for text; do
		[[ $output != *"$text"* ]] || {
			echo "$output"
			return 1
		}
	done
}
nothing_is_left() {
	! in_pg ls -A /dev /dev/shm | grep stacksnap && ! in_my ls -A /dev /dev/shm | grep stacksnap
}
# dump SERVICE DATABASE FILE: without the words that are another each time.
dump() {
	"$stacksnap" cat latest "databases/$1/$2" | grep -av '^\\\(un\)\?restrict ' >"$3"
}
dumps() { # dumps WAY: of the newest snapshot
	dump pg postgres.sql "$work/pg-$1" && dump my databases.sql "$work/my-$1"
}

claim "both servers are backed up" exits 0 complete backup
claim "both dumps came by a pipe" says_not "no outlet" "did not open"
claim "no pipe is left" nothing_is_left
dumps pipe
export STACKSNAP_OUTLET=none
claim "without pipes as well" exits 0 "no outlet for pg_dump: STACKSNAP_OUTLET is none" backup
dumps stream
export STACKSNAP_OUTLET=
claim "PostgreSQL's dump is the same by both ways" cmp "$work/pg-pipe" "$work/pg-stream"
claim "MariaDB's dump is the same by both ways" cmp "$work/my-pipe" "$work/my-stream"
claim "they are dumps" grep -qa '^40000	' "$work/pg-pipe"

# --- tools that do not play along ---

# tool SCRIPT: pg_dump does what the script says, with the file that it was told of in $file; $real is the true one.
tool() {
	in_pg sh -c '
		tool=$(command -v pg_dump)
		if [ ! -e /tmp/kept ]; then
			mkdir -p /tmp/kept/before && real=$(readlink -f "$tool") && mv "$tool" /tmp/kept/before
			[ -e "$real" ] || real=/tmp/kept/before/pg_dump
			ln -s "$real" /tmp/kept/pg_dump
		fi
		cat >"$tool" && chmod 755 "$tool"' <<-SCRIPT
			#!/bin/sh
			real=/tmp/kept/pg_dump
			file=
			case "\$*" in *--version*) exec \$real "\$@" ;; esac
			for word; do
				shift
				case \$word in --file=*) file=\${word#*=} ;; *) set -- "\$@" "\$word" ;; esac
			done
			# Of the one database.
			case "\$*" in *template1*) exec \$real \${file:+"--file=\$file"} "\$@" ;; esac
			$1
		SCRIPT
}

tool '[ -z "$file" ] || { echo "pg_dump: error: could not open output file \"$file\": Permission denied" >&2; exit 1; }; exec $real "$@"'
claim "a tool that may not open it is asked again, by the stream" exits 0 "did not open its outlet" backup
dumps again
claim "its dump is the same" cmp "$work/pg-stream" "$work/pg-again"
tool '[ -z "$file" ] || file=--file=/tmp/elsewhere; exec $real $file "$@"'
claim "a tool that writes to another place is asked again" exits 0 "did not open its outlet" backup
tool 'exec $real "$@"'
claim "a tool that does not know the option is read by the stream" exits 0 complete backup
dumps again
claim "its dump is the same, too" cmp "$work/pg-stream" "$work/pg-again"
before=$(count_snapshots)
tool '$real "$@" >"$file"; echo "and this"'
claim "a tool that writes to both is refused" exits 1 "wrote to standard output as well as to the file" backup
tool 'echo "no luck" >&2; exit 7'
claim "a tool that ends before it opens it fails at once" exits 1 "ended with status 7 after 0 bytes: no luck" backup
tool '$real "$@" | head -c 100000 >"$file"; kill -9 $$'
claim "a tool that is killed in the middle fails" exits 1 "status 137" backup
tool '$real "$@" >"$file"; echo "out of luck" >&2; exit 3'
claim "a tool that fails at its end fails" exits 1 "out of luck" backup
claim "none of them left a snapshot" test "$(count_snapshots)" -eq "$before"
claim "none of them left a pipe" nothing_is_left

# --- what happens to containers ---

half='rm -f /tmp/half; $real "$@" | { head -c 1000000; touch /tmp/half; sleep 1; cat; } >"$file"'
tool "$half"
"$stacksnap" backup --quiesce none $project >"$work/paused.log" 2>&1 &
backup=$!
soon in_pg test -e /tmp/half
docker pause $project-pg-1 >/dev/null
sleep 2
docker unpause $project-pg-1 >/dev/null
ended=0
wait $backup || ended=$?
claim "a container that is paused meanwhile does not matter" test $ended -eq 0
dumps paused
claim "its dump is whole" cmp "$work/pg-stream" "$work/pg-paused"

# --- kill -9 of the backup, before the tool has opened the pipe ---

tool 'touch /tmp/waits; sleep 2; exec cp /dev/zero "$file"'
"$stacksnap" backup --quiesce none $project >"$work/killed.log" 2>&1 &
backup=$!
soon in_pg test -e /tmp/waits
kill -9 $backup
{ wait $backup; } 2>/dev/null
pipe_is_left() { ! nothing_is_left; }
tool_runs() { docker top $project-pg-1 -eo pid,args | grep -q 'cp /dev/zero /dev/.stacksnap-'; }
tool_is_gone() { ! tool_runs; }
claim "a backup that is killed leaves its pipe" pipe_is_left
# With a reader it would write, and without one end.
claim "the tool waits for it" soon tool_runs
claim "recover" "$stacksnap" recover
claim "the pipe is gone then" nothing_is_left
claim "the tool is gone then" soon tool_is_gone
tool 'exec $real ${file:+"--file=$file"} "$@"'
claim "the next backup comes by a pipe" exits 0 complete backup
claim "it does" says_not "no outlet" "did not open"

# --- a hostile container: whatever is there is exchanged as soon as it appears ---

# hostile CLAIM WITH: root of the container puts something in the pipe's place; $p is its path.
hostile() {
	in_pg sh -c "echo 'while :; do for p in /dev/.stacksnap-*; do [ -e \"\$p\" ] || continue; rm -f \"\$p\"; $2; done; done' >/tmp/hostile
		sh /tmp/hostile >/dev/null 2>&1 & echo \$! >/tmp/hostile.pid"
	try timeout 60 "$stacksnap" backup --quiesce none $project
	in_pg sh -c 'kill $(cat /tmp/hostile.pid); rm -rf /dev/.stacksnap-*' 2>/dev/null
	claim "$1: the backup ends, and is sound or refused" ended_well
}
ended_well() {
	echo "$output"
	[ $status -eq 1 ] && return 0
	[ $status -eq 0 ] && dumps hostile && cmp "$work/pg-stream" "$work/pg-hostile"
}
tool 'sleep 0.3; exec $real ${file:+"--file=$file"} "$@"'
hostile "a link in its place" 'ln -s /tmp/loot "$p"'
hostile "a device in its place" 'mknod "$p" c 1 3'
hostile "a pipe of its own in its place" 'mkfifo -m 666 "$p"; (exec 3<>"$p"; sleep 1) &'
hostile "a folder in its place" 'mkdir "$p"'

in_pg rm -f /tmp/half
tool "$half"
before=$(count_snapshots)
"$stacksnap" backup --quiesce none $project >"$work/dies.log" 2>&1 &
backup=$!
soon in_pg test -e /tmp/half
docker kill $project-pg-1 >/dev/null
ended=0
wait $backup || ended=$?
fails_with() { cat "$work/dies.log"; [ $ended -eq "$1" ]; }
claim "a container that dies meanwhile fails the backup" fails_with 1
claim "it leaves no snapshot" test "$(count_snapshots)" -eq "$before"

exit $((failures > 0))
