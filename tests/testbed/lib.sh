# shellcheck shell=bash disable=SC2034
# What the testbed's scripts share: where its state lies, how it talks, which engine it uses.
# Sourced, never run.

testbed=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$testbed/../.." && pwd)

# Everything that the testbed makes outside the repository lies here (but for what it puts into an
# engine that was already running).
state=${STACKSNAP_TESTBED:-/var/tmp/stacksnap-testbed}
own_socket=$state/docker.sock

say() {
	echo "testbed: $*" >&2
}

die() {
	echo "testbed: $*" >&2
	exit 1
}

# answers HOST: is there an engine?  An empty HOST is what the docker client would use by itself.
answers() {
	if [ -n "$1" ]; then
		DOCKER_HOST=$1 timeout 10 docker version --format '{{.Server.Version}}' >/dev/null 2>&1
	else
		env -u DOCKER_HOST timeout 10 docker version --format '{{.Server.Version}}' >/dev/null 2>&1
	fi
}

# Prints the machine's own Debian mirror, which is the only one that is ever used.
debian_mirror() {
	local mirror=${STACKSNAP_DEBIAN_MIRROR:-}
	if [ -z "$mirror" ]; then
		# shellcheck disable=SC2016 # apt expands these
		mirror=$(apt-get indextargets --format '$(ORIGIN) $(LABEL) $(REPO_URI)' 'Created-By: Packages' |
			awk '$1 == "Debian" && $2 == "Debian" { print $3; exit }')
	fi
	[ -n "$mirror" ] || die "apt has no Debian mirror (or no package lists: run apt-get update);" \
		"set STACKSNAP_DEBIAN_MIRROR to one"
	echo "$mirror"
}

# fetch_packages SUITE FOLDER PACKAGE...: unpacks packages into a folder.  SUITE is a Debian release, by
# way of package lists of our own, or "own" for the machine's.
fetch_packages() {
	local suite=$1 folder=$2 mirror package
	local apt=$state/apt-$suite options=()
	shift 2
	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$folder"
	if [ "$suite" != own ]; then
		mirror=$(debian_mirror)
		echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$apt/sources.list"
		options=(
			-o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=-
			-o Dir::State::lists="$apt/lists" -o Dir::Cache="$apt/cache"
			-o APT::Default-Release=
			-o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false
			-o Acquire::Languages=none
		)
		apt-get -qq -o APT::Sandbox::User=root "${options[@]}" update >&2
	fi
	(
		cd "$apt" || exit
		apt-get -qq -o APT::Sandbox::User=root "${options[@]}" download "$@" >&2
		for package in *.deb; do
			dpkg-deb -x "$package" "$folder"
		done
	)
	rm -rf "$apt"
}
