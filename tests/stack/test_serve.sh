#!/bin/bash
# A stack's whole life through the daemon's API: backup, drill, comparison by rows, restore, undo; each
# answer held against src/serve/openapi.json.
set -uo pipefail
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"

p=${STACKSNAP_TEST_PROJECT:-serve-shop}
projects+=("$p")
remove_project "$p"
mkdir -p "$work/$p"
cat >"$work/$p/compose.yaml" <<YAML
name: $p
services:
  db:
    image: postgres:15
    environment: { POSTGRES_PASSWORD: pw }
    volumes: [ "pg:/var/lib/postgresql/data" ]
  cache:
    image: redis:7
    stop_grace_period: 1s
    volumes: [ "cache:/data" ]
  app:
    image: postgres:15
    entrypoint: [ sleep, infinity ]
    init: true
    volumes: [ "uploads:/uploads" ]
volumes: { pg: , cache: , uploads: }
YAML
compose "$p" up -d >"$work/$p.log" 2>&1 || {
	tail -n 20 "$work/$p.log"
	exit 1
}
for ((i = 0; i < 240; i++)); do
	docker exec -i "$p-db-1" psql -qAt -U postgres -h 127.0.0.1 "password=pw" -c 'SELECT 1' >/dev/null 2>&1 && break
	sleep 0.25
done

STACKSNAP=$stacksnap STACKSNAP_TEST_PROJECT=$p STACKSNAP_TEST_FOLDER=$work/$p \
	python3 "$top/tests/stack/serve_claims.py" || failures=1
[ $failures -eq 0 ]
