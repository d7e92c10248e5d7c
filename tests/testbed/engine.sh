# shellcheck shell=bash disable=SC2154
# Starting and ending an engine of our own.  Sourced after lib.sh, never run.  All that an engine owns lies in
# one folder, which every function wants as its first argument.

# launch DIR PATH DOCKERD POOL WRAPPER...: PATH goes first on the engine's.
launch() {
	local dir=$1 path=$2 dockerd=$3 pool=$4 i
	shift 4
	mkdir -p "$dir/data" "$dir/exec"
	rm -f "$dir/dockerd.pid" "$dir/docker.sock"
	echo '{}' >"$dir/daemon.json"
	# Small subnets, so that many stacks fit; few words, so that the log is worth reading.
	PATH=$path:/usr/sbin:/sbin:$PATH setsid "$@" "$dockerd" --config-file "$dir/daemon.json" \
		--data-root "$dir/data" --exec-root "$dir/exec" --pidfile "$dir/dockerd.pid" \
		--host "unix://$dir/docker.sock" --group root --log-level warn \
		--default-address-pool base="$pool",size=26 --shutdown-timeout 5 \
		>"$dir/dockerd.log" 2>&1 </dev/null 9>&- &
	local pid=$!
	for ((i = 0; i < 300; i++)); do
		[ -S "$dir/docker.sock" ] && answers "unix://$dir/docker.sock" && break
		kill -0 $pid 2>/dev/null || return 1
		sleep 0.1
	done
	answers "unix://$dir/docker.sock" || return 1
	disown $pid
}

# Kernels without nf_tables want the older iptables: reached by a folder that goes first on PATH.
legacy_iptables() {
	local tool
	mkdir -p "$1/legacy"
	for tool in iptables ip6tables; do
		[ -x "/usr/sbin/$tool-legacy" ] || return 1
		ln -sfn "/usr/sbin/$tool-legacy" "$1/legacy/$tool"
	done
}

# start_engine DIR DOCKERD POOL [WRAPPER...]: an engine that answers on DIR/docker.sock, its networks from
# POOL.  The other programs of an engine are looked for beside dockerd first.
start_engine() {
	local dir=$1 dockerd=$2 path
	[ -n "$dockerd" ] || die "there is no dockerd on this machine"
	path=$(dirname "$dockerd"):$(dirname "$(dirname "$dockerd")")/bin
	launch "$dir" "$path" "${@:2}" && return
	if grep -qi iptables "$dir/dockerd.log" && legacy_iptables "$dir"; then
		say "trying again with the older iptables"
		launch "$dir" "$dir/legacy:$path" "${@:2}" && return
	fi
	tail -n 30 "$dir/dockerd.log" >&2
	die "dockerd did not start; its last words are above (all of them: $dir/dockerd.log)"
}

stop_engine() {
	local dir=$1 pid i
	pid=$(cat "$dir/dockerd.pid" 2>/dev/null) || return 0
	# The number may have gone to another process since.
	grep -qs dockerd "/proc/$pid/comm" || return 0
	say "stopping the engine in $dir"
	kill "$pid"
	for ((i = 0; i < 300; i++)); do
		[ -d "/proc/$pid" ] || return 0
		sleep 0.1
	done
	die "the engine (process $pid) does not stop; see $dir/dockerd.log"
}
