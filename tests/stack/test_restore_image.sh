#!/bin/bash
# An image that came from a registry and is gone from the engine is pulled by its digest, before anything
# is touched; when no registry answers, nothing is.  One that is kept in the snapshot is loaded, by a restore and
# by a drill.
set -uo pipefail
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"

project="undo-image"
projects+=("$project")
remove_project $project
# The least that runs: sleep and what it is linked with.
mkdir -p "$work/tree/bin" "$work/image" "$work/$project"
cp /bin/sleep "$work/tree/bin/"
for file in $(ldd /bin/sleep | grep -o '/lib[^ ]*'); do
	mkdir -p "$work/tree$(dirname "$file")"
	cp -L "$file" "$work/tree$file"
done
tar -C "$work/tree" -c . | docker import -c 'CMD ["/bin/sleep","1000"]' - undo-tiny:1 >/dev/null
docker save undo-tiny:1 | tar -x -C "$work/image"
docker rmi undo-tiny:1 >/dev/null
"$top/tests/stack/one_image_registry.py" "$work/image" >"$work/port" &
registry=$!
for ((i = 0; i < 100; i++)); do [ -s "$work/port" ] && break; sleep 0.1; done
image=localhost:$(cat "$work/port")/undo/tiny:1
cat >"$work/$project/compose.yaml" <<EOF
services: { app: { image: "$image", volumes: ["data:/data"], init: true } }
volumes: { data: }
EOF
gone() {
	compose $project down -v >/dev/null 2>&1
	rm -rf "${work:?}/$project"
	docker rmi "$image" >/dev/null
	! docker image inspect "$image" >/dev/null 2>&1
}

claim "the registry gives the image" docker pull -q "$image"
id=$(docker image inspect -f '{{.Id}}' "$image")
claim "the stack runs" compose $project up -d
"$stacksnap" init >/dev/null 2>&1 || exit 1
claim "a backup" "$stacksnap" backup $project
claim "stack, files and image are gone" gone
claim "it is restored, and the image pulled by its digest" exits 0 "pulling image localhost" "$stacksnap" restore latest --yes
claim "the service runs the recorded image" test "$(docker inspect -f '{{.State.Status}} {{.Image}}' $project-app-1)" = "running $id"
claim "the image has its name again" test "$(docker image inspect -f '{{.Id}}' "$image")" = "$id"
claim "all is gone again" gone
kill $registry
claim "without the registry it is refused" exits 1 "pull image" "$stacksnap" restore latest --yes
claim "nothing was made" test -z "$(docker ps -aq --filter label=com.docker.compose.project=$project)" -a ! -e "$work/$project"

# An image that came from no registry is kept in the snapshot, and loaded from it.
tar -C "$work/tree" -c . | docker import -c 'CMD ["/bin/sleep","1000"]' - undo-own:1 >/dev/null
image=undo-own:1
mkdir -p "$work/$project"
cat >"$work/$project/compose.yaml" <<EOF
services: { app: { image: "$image", volumes: ["data:/data"], init: true } }
volumes: { data: }
EOF
claim "a stack of an own image runs" compose $project up -d
id=$(docker image inspect -f '{{.Id}}' "$image")
docker save -o "$work/own.tar" "$image"
claim "a backup that keeps the image" "$stacksnap" backup $project --set image=auto
claim "stack, files and own image are gone" gone
claim "the preview says where the image comes from" exits 0 "loaded from the snapshot" "$stacksnap" restore latest --dry-run
claim "it is restored, with its image" exits 0 "loading image $image" "$stacksnap" restore latest --yes
claim "the service runs the own image" test "$(docker inspect -f '{{.State.Status}} {{.Image}}' $project-app-1)" = "running $id"
claim "a drill proves it; a service without a health check counts as running" \
	exits 0 "has no health check" "$stacksnap" drill $project --no-record
claim "an image that was here anyway stays" docker image inspect "$image"
claim "all is gone once more" gone

# A drill loads it, too, and takes it away again; another image has the name meanwhile.
tar -C "$work/tree" -c . | docker import -c 'CMD ["/bin/sleep","2000"]' - undo-own:1 >/dev/null
other=$(docker image inspect -f '{{.Id}}' "$image")
image_is_gone() { ! docker image inspect "$id" >/dev/null 2>&1; }
claim "a dry run of a drill finds the image in the snapshot" exits 0 "comes from the snapshot" "$stacksnap" drill $project --dry-run
claim "and loads nothing" image_is_gone
claim "a drill loads it, and proves the snapshot" exits 0 ": PROVED" "$stacksnap" drill $project
claim "the image has gone with the scratch stack" image_is_gone
claim "the other one has its name" test "$(docker image inspect -f '{{.Id}}' "$image")" = "$other"
"$stacksnap" drill $project >"$work/killed" 2>&1 &
drill=$!
for ((i = 0; i < 300; i++)); do image_is_gone || break; sleep 0.1; done
kill -9 $drill
wait $drill 2>/dev/null
claim "a drill that is killed leaves the image" docker image inspect "$id"
claim "recover takes it away" exits 0 "removed" "$stacksnap" recover
claim "it is gone then" image_is_gone

# Killed in the moment of loading: the engine may go on with it, and takes the other image's name away.
note_of_load() { compgen -G "$work/state/loading-*.json" >/dev/null; }
killed_at_load() {
	local pid
	"$@" >"$work/killed" 2>&1 &
	pid=$!
	while kill -0 $pid 2>/dev/null; do
		if note_of_load; then
			kill -9 $pid
			wait $pid 2>/dev/null
			cp "$work/state"/loading-*.json "$work/note"
			return 0
		fi
	done
	cat "$work/killed"
	return 1
}
arrives() { cp "$work/note" "$work/state/loading-0123456789ab-1.json" && docker load -qi "$work/own.tar"; }
has_other() { test "$(docker image inspect -f '{{.Id}}' "$image")" = "$other"; }
for what in "drill $project" "restore latest --yes"; do
	# shellcheck disable=SC2086 # words
	claim "${what%% *}: kill -9 in the moment of loading" killed_at_load "$stacksnap" $what
	sleep 0.5
	claim "${what%% *}: recover after that" "$stacksnap" recover
	claim "${what%% *}: the image is gone" image_is_gone
	claim "${what%% *}: the other one has its name" has_other
done
claim "the image arrives after all" arrives
claim "which takes the name" test "$(docker image inspect -f '{{.Id}}' "$image")" = "$id"
claim "the next recover takes it away" exits 0 "an image that was loaded by a run that died" "$stacksnap" recover
claim "it is gone" image_is_gone
claim "and the other one has its name again" has_other
claim "it arrives once more" arrives
docker create --name $project-user "$id" >/dev/null
claim "somebody uses it by now" "$stacksnap" recover
claim "so it stays" docker image inspect "$id"
claim "its name is the other's again" has_other
claim "no note is left of it" test ! -e "$work/state/loading-0123456789ab-1.json"
docker rm $project-user >/dev/null
docker rmi "$id" >/dev/null

claim "it is restored where another image has the name" exits 0 "loading image $image" "$stacksnap" restore latest --yes
claim "the service runs the recorded image beside it" test "$(docker inspect -f '{{.State.Status}} {{.Image}}' $project-app-1)" = "running $id"
claim "the other image keeps its name" test "$(docker image inspect -f '{{.Id}}' "$image")" = "$other"
exit $((failures > 0))
