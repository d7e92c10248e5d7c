#!/bin/bash
# Settings from labels, an INI file and options, on a real stack; volumes of all kinds of drivers;
# images in the snapshot; and a stack that is only a folder.
set -uo pipefail
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"

stack=settings-shop
image=settings-pause:1
projects+=("$stack")
remove_project "$stack"

# An image of one small program, which no registry has.
printf '#include <signal.h>\n#include <unistd.h>\nstatic void end(int n) { _exit(n * 0); }\nint main(void) { signal(SIGTERM, end); for (;;) pause(); }\n' |
	gcc -static -O1 -o "$work/pause" -x c - || exit 1
tar -C "$work" -c pause | docker import --change 'CMD ["/pause"]' - "$image" >/dev/null || exit 1

disk=
clean_more() {
	cleanup
	docker volume rm settings-ext >/dev/null 2>&1
	docker image rm "$image" >/dev/null 2>&1
	[ -z "$disk" ] || losetup -d "$disk"
}
trap clean_more EXIT

dir=$work/$stack
mkdir -p "$dir/up/inner" "$work/bound" "$work/outside"
truncate -s 8M "$work/disk.img"
mkfs.ext4 -q "$work/disk.img" && disk=$(losetup -f --show "$work/disk.img") || exit 1
docker volume create settings-ext >/dev/null
echo "a secret" >"$work/outside/pw.txt"
cat >"$dir/compose.yaml" <<YAML
name: $stack
services:
  app:
    image: $image
    labels:
      stacksnap.exclude: |
        *.tmp
        /data/cache/
      stacksnap.quiesce: none
    secrets: [pw]
    volumes: [data:/data, shared:/shared, bound:/bound, ram:/ram, ext:/ext, disk:/disk, ./up:/up]
  web:
    image: $image
    volumes: [shared:/srv/shared, ext:/ext:ro]
  search:
    image: $image
    labels: {stacksnap.enable: "false"}
    volumes: [index:/index, shared:/shared]
  db:
    image: redis:7
    labels: {stacksnap.database: none}
    volumes: [db:/data]
volumes:
  data:
  shared:
  index:
  db:
  bound:
    driver_opts: {type: none, o: bind, device: $work/bound}
  ram:
    driver_opts: {type: tmpfs, device: tmpfs}
  disk:
    driver_opts: {type: ext4, device: $disk}
  ext:
    external: true
    name: settings-ext
secrets:
  pw:
    file: $work/outside/pw.txt
YAML
compose "$stack" up -d --wait >"$work/up.log" 2>&1 || {
	cat "$work/up.log"
	exit 1
}

place() { docker volume inspect -f '{{.Mountpoint}}' "$1"; }
data=$(place ${stack}_data)
mkdir "$data/cache"
echo kept >"$data/kept.txt"
echo gone >"$data/gone.tmp"
echo gone >"$data/cache/gone.txt"
echo up >"$dir/up/inner/a.txt"
echo gone >"$dir/up/inner/b.tmp"
echo bound >"$work/bound/b.txt"
echo shared >"$(place ${stack}_shared)/s.txt"
echo index >"$(place ${stack}_index)/i.txt"
echo ext >"$(place settings-ext)/e.txt"
echo disk >"$(place ${stack}_disk)/d.txt"
docker exec ${stack}-db-1 redis-cli set key value >/dev/null
docker exec ${stack}-db-1 redis-cli save >/dev/null

ini=$work/settings.ini
cat >"$ini" <<INI
[defaults]
image = none
[stack $stack]
image = auto
[stack $stack service web]
quiesce = stop
INI
chmod 600 "$ini"
export STACKSNAP_CONFIG=$ini

has() { "$stacksnap" cat latest "$1" | cmp - "$2"; }
lacks() { exits 1 "not in this tree" "$stacksnap" cat latest "$1"; }
# plan [ARGUMENT...]: of the stack, as JSON.
plan() { "$stacksnap" stacks --json --why "$@"; }
# Of a plan, as Python sees it in p.
plan_is() {
	local words=$1
	shift
	plan "$@" | python3 -c '
import json, sys
p = json.load(sys.stdin)["stacks"][0]
names = [m["kind"] + " " + m["name"] for m in p["members"]]
gaps = {g["what"]: g for g in p["gaps"]}
said = {(s.get("service"), s["name"]): s for s in p["settings"]}
assert eval("(" + sys.argv[1] + ")"), json.dumps(p, indent=1)' "$words"
}

"$stacksnap" init >/dev/null || exit 1
claim "what counts is told with who said it, and whom it beat" plan_is \
	'said["web", "quiesce"]["value"] == "stop" and said["app", "quiesce"]["where"] == "label stacksnap.quiesce on service app"
	and said["db", "image"]["instead_of"][0]["value"] == "none"' "$stack"
claim "an option beats the file" plan_is \
	'said["web", "quiesce"]["where"] == "--set web/quiesce" and len(said["web", "quiesce"]["instead_of"]) == 2' \
	--set web/quiesce=none "$stack"
claim "a volume that two services mount is captured once" plan_is \
	"names.count('volume ${stack}_shared') == 1" "$stack"
claim "memory is no loss, what is left out is told with its reason" plan_is \
	"not gaps['volume ${stack}_ram']['matters'] and
	gaps['volume ${stack}_index']['why'] == 'left out with service search, by label stacksnap.enable on service search'" "$stack"
claim "the stack is backed up" "$stacksnap" backup "$stack"
claim "what no rule leaves out is there" has volumes/${stack}_data/kept.txt "$data/kept.txt"
claim "a rule for all depths holds" lacks volumes/${stack}_data/gone.tmp
claim "a rule with the place in the container holds" lacks volumes/${stack}_data/cache
claim "a file beside what is left out of the project folder is there" has project/up/inner/a.txt "$dir/up/inner/a.txt"
claim "rules hold for a bind mount in the project folder" lacks project/up/inner/b.tmp
claim "a service that is left out takes its volume with it" lacks volumes/${stack}_index
claim "a volume that it shares is there" has volumes/${stack}_shared/s.txt "$(place ${stack}_shared)/s.txt"
claim "what is said to be no database is there as files" has volumes/${stack}_db/dump.rdb "$(place ${stack}_db)/dump.rdb"
claim "and not as a dump" lacks databases/db
claim "a volume that is a folder of the host is read there" has volumes/${stack}_bound/b.txt "$work/bound/b.txt"
claim "an external volume is captured" has volumes/settings-ext/e.txt "$(place settings-ext)/e.txt"
claim "a volume on a device that is in use is captured" has volumes/${stack}_disk/d.txt "$(place ${stack}_disk)/d.txt"
claim "the file of a secret outside the project folder is kept" has "binds$work/outside/pw.txt" "$work/outside/pw.txt"
claim "an empty value takes rules away" plan_is \
	"not any('what matches' in g for g in gaps)" --set exclude= "$stack"

id=$(docker image inspect -f '{{.Id}}' "$image")
# The image in the newest snapshot, loaded.
load_image() {
	docker image rm "$image" >/dev/null || return
	"$stacksnap" cat latest "images/$image.tar" | docker load -q || return
	test "$(docker image inspect -f '{{.Id}}' "$image")" = "$id"
}
# The next backup stores less than this many new bytes.
adds_less_than() {
	"$stacksnap" backup --json "$stack" | tail -n 1 | python3 -c '
import json, sys
run = json.load(sys.stdin)["runs"][0]
assert run["new_bytes"] < int(sys.argv[1]) and run["exit_code"] == 0, run' "$1"
}
claim "an image that was stored is taken over by the next backup" adds_less_than 100000

compose "$stack" down >/dev/null 2>&1
claim "the image comes back from the snapshot" load_image

# The stack is a folder now, with volumes.
nothing_runs() { test -z "$(docker ps -aq --filter "label=com.docker.compose.project=$stack")"; }
claim "a volume on a device that is not in use is something that is missing" plan_is \
	"gaps['volume ${stack}_disk']['matters'] and 'only while a container that uses it runs' in gaps['volume ${stack}_disk']['why']" "$dir"
claim "a folder is read as the stack that it would be" plan_is \
	"p['name'] == '$stack' and 'volume ${stack}_data' in names and 'volume ${stack}_db' in names
	and said['app', 'quiesce']['value'] == 'none' and p['quiesce'] == []" "$dir"
claim "a compose file may be named, too" plan_is "p['working_dir'] == '$dir'" "$dir/compose.yaml"
claim "it is backed up, but for what is missing" exits 3 "of stack" "$stacksnap" backup "$dir"
claim "its volumes are there" has volumes/${stack}_data/kept.txt "$data/kept.txt"
claim "its rules hold" lacks volumes/${stack}_data/cache
claim "the file of its secret is there" has "binds$work/outside/pw.txt" "$work/outside/pw.txt"
claim "nothing was started or made for it" nothing_runs
claim "a folder without a compose file is told" \
	exits 1 "holds no compose file" "$stacksnap" stacks "$work/outside"
claim "a folder that is not there is told" exits 1 "there is no folder or compose file" "$stacksnap" stacks ./nowhere

mkdir "$work/other"
sed "s/^name: .*/name: settings-other/" "$dir/compose.yaml" >"$work/other/compose.yaml"
sed -i "s,file: .*,environment: SETTINGS_PW," "$work/other/compose.yaml"
claim "volumes that were never made hold nothing" env SETTINGS_PW=x bash -c "$(declare -f plan plan_is); stacksnap=$stacksnap
	plan_is \"gaps['volume settings-other_data']['matters'] == False and gaps['secret /run/secrets/pw']['matters']\" $work/other"
claim "the value of a secret is nowhere in what is said" bash -c \
	"! SETTINGS_PW=hush-hush '$stacksnap' stacks --json '$work/other' | grep -q hush"
compose "$stack" up -d --no-deps web >/dev/null 2>&1
claim "a folder whose stack has containers is read from these" plan_is \
	"[s['service'] for s in p['services']] == ['web']" "$dir"
cp "$dir/compose.yaml" "$work/outside/"
claim "a folder that names another's stack is refused" \
	exits 1 "belongs to folder $dir" "$stacksnap" stacks "$work/outside"

exit "$((failures > 0))"
