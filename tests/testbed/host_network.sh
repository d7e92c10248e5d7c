# shellcheck shell=bash
# What an engine changes in the host's network and leaves behind when it ends: bridges, firewall
# rules, the forward policy and ip_forward.  Noted before ours starts, put back after it ended.
# Sourced, never run.  Every function wants the state folder as its first argument.

host_iptables() {
	PATH=$1/legacy:/usr/sbin:/sbin:$PATH iptables "${@:2}"
}

docker_bridges() {
	local bridge
	for bridge in /sys/class/net/docker0 /sys/class/net/br-*; do
		[ ! -d "$bridge/bridge" ] || echo "${bridge##*/}"
	done
}

note_host_network() {
	# Chains of an engine that is installed on this host are not ours to remove.
	! host_iptables "$1" -S DOCKER-USER >/dev/null 2>&1 || return 0
	[ -z "$(docker_bridges)" ] || return 0
	{
		host_iptables "$1" -S FORWARD 2>/dev/null | sed -n 's/^-P FORWARD /policy /p'
		echo "ip_forward $(cat /proc/sys/net/ipv4/ip_forward)"
	} >"$1/network.before"
}

restore_host_network() {
	local table chain word value
	[ -s "$1/network.before" ] || return 0
	for table in filter nat; do
		# Docker's rules need no quoting, so that their words can be split.
		host_iptables "$1" -t $table -S 2>/dev/null |
			sed -nE 's/^-A (.*(DOCKER|docker0|br-[0-9a-f]{12}).*)/\1/p' |
			while read -ra rule; do
				host_iptables "$1" -t $table -D "${rule[@]}" || true
			done
		for chain in $(host_iptables "$1" -t $table -S 2>/dev/null | sed -n 's/^-N \(DOCKER.*\)/\1/p'); do
			host_iptables "$1" -t $table -X "$chain" || true
		done
	done
	for word in $(docker_bridges); do
		ip link delete "$word" || true
	done
	while read -r word value; do
		case $word in
		policy) host_iptables "$1" -P FORWARD "$value" ;;
		ip_forward) echo "$value" >/proc/sys/net/ipv4/ip_forward ;;
		esac
	done <"$1/network.before"
	rm -f "$1/network.before"
}
