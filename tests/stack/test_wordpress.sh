#!/bin/bash
# A stack that nobody here wrote: Debian's WordPress with its database and uploads.  A post with a picture is
# published, backed up, the host emptied of the stack, and the restored page answers with both.
set -uo pipefail
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"

p=ts-wordpress port=18086
site() { "$top/tests/stack/wordpress/site" http://127.0.0.1:$port "$@"; }

"$top/tests/testbed/images" wordpress || {
	echo "not ok - an image of WordPress can be had"
	exit 1
}
projects+=("$p")
remove_project $p
mkdir "$work/$p"
cp "$top/tests/stack/wordpress/compose.yaml" "$work/$p/"
printf "PORT=%s\nDB_PASSWORD=it's a pass word\n" $port >"$work/$p/.env"
compose $p up -d >"$work/up" 2>&1 || {
	cat "$work/up"
	exit 1
}
claim "WordPress is installed" site install
claim "a post with a picture is published" site write "$work"
claim "the page shows it" site read "$work"
posts=$(site count)
"$stacksnap" init >/dev/null || exit 1
claim "WordPress is backed up" "$stacksnap" backup $p
id=$(newest)
published_later() { site write "$work/later" && test "$(site count)" -eq $((posts + 1)); }
mkdir "$work/later"
claim "another post is published after the backup" published_later

compose $p down -v >/dev/null 2>&1
rm -rf "${work:?}/$p"
claim "nothing of it is left" test -z "$(docker volume ls -q --filter label=com.docker.compose.project=$p)"
claim "it is restored from the repository alone" "$stacksnap" restore "$id" --yes
claim "the page answers with the post and its picture, and the author can log in" site read "$work"
claim "it has the posts that it had" test "$(site count)" -eq "$posts"
claim "it can be written to" site write "$work/later"
exit $((failures > 0))
