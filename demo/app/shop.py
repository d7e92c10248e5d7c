"""The demo's shop: an app that never stops taking orders.

Order n is written to a file, then to Redis, then to MariaDB, then to PostgreSQL, each durable and
visible before the next one begins.  So at any one instant

    n(file) >= n(redis) >= n(mariadb) >= n(postgres) >= n(file) - 1

and a backup of which that is not true is not a backup of one instant.  What order n writes is a
function of n alone and is never changed afterwards, so that two states of the shop can be compared
up to any n.

On start it says what it found, before it writes anything:

    found file=41 redis=41 mariadb=41 postgres=40 rows redis=41 mariadb=41 postgres=40
"""

import hashlib
import http.server
import json
import os
import random
import signal
import sys
import threading
import time

import psycopg2
import pymysql
import redis

import seed

UPLOADS = "/srv/uploads"
DATA = "/srv/data"
READY = "/tmp/ready"
CONFIG = "/etc/shop/shop.json"
PRODUCTS = 500
STORES = ("file", "redis", "mariadb", "postgres")

stopping = threading.Event()
# longest_gap_ms is the longest time between two orders since somebody asked for /reset.
status = {"n": 0, "found": None, "longest_gap_ms": 0}


class Stopped(Exception):
    """SIGTERM came while a server could not be reached."""


def secret(name):
    file_name = os.environ.get(name + "_FILE")
    if file_name:
        with open(file_name, encoding="utf-8") as file:
            return file.read().strip()
    return os.environ[name]


def words(n):
    """What order n consists of: the same for the same n, always."""
    chance = random.Random(n)
    return {
        "customer": chance.randint(1, 2000),
        "product": chance.randint(1, PRODUCTS),
        "quantity": chance.randint(1, 9),
        "cents": chance.randint(99, 99999),
        "note": chance.choice(["", "gift", "Straße 12 – 3. OG", "急いで", "🎁 wrap it", "tab\there"]),
        "blob": chance.randbytes(24),
    }


class Counter:
    """uploads/counter: n in place, in 20 digits."""

    def __init__(self):
        self.file = os.open(UPLOADS + "/counter", os.O_RDWR | os.O_CREAT, 0o644)

    def read(self):
        return int(os.pread(self.file, 20, 0) or b"0")

    def write(self, n):
        os.pwrite(self.file, b"%020d\n" % n, 0)


class Files:
    """Uploads and a log, for every so many orders.  They exist before the counter says so."""

    def __init__(self, counter):
        self.counter = counter

    def take(self, n):
        if n % 50 == 0:
            self.upload(n)
            self.log(n)
        self.counter.write(n)

    @staticmethod
    def upload(n):
        folder = f"{UPLOADS}/live/{n // 1000:05d}"
        path = f"{folder}/{n}.bin"
        if os.path.exists(path):
            return
        os.makedirs(folder, exist_ok=True)
        chance = random.Random(-n)
        with open(path + ".part", "wb") as file:
            file.write(chance.randbytes(chance.randint(1, 16000)))
        os.rename(path + ".part", path)

    @staticmethod
    def log(n):
        line = b"%d %s\n" % (n, hashlib.sha256(b"order %d" % n).hexdigest().encode())
        file = os.open(DATA + "/orders.log", os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o640)
        try:
            size = os.fstat(file).st_size
            if os.pread(file, len(line), max(0, size - len(line))) != line:
                os.write(file, line)
        finally:
            os.close(file)


class Redis:
    errors = (redis.exceptions.RedisError, OSError)

    def __init__(self):
        self.client = redis.Redis(host=os.environ["REDIS_HOST"], socket_timeout=60)

    def read(self):
        return int(self.client.get("counter") or 0), self.client.xlen("events")

    def take(self, n):
        order = words(n)
        if n > int(self.client.get("counter") or 0):
            pipe = self.client.pipeline(transaction=True)
            pipe.xadd("events", {"customer": order["customer"], "blob": order["blob"]}, id=f"{n}-0")
            if n % 10 == 0:
                pipe.hset(f"cart:{n}", mapping={"product": order["product"], "quantity": order["quantity"]})
                pipe.expire(f"cart:{n}", 30 * 86400)
            pipe.set("counter", n)
            pipe.execute()

    def close(self):
        self.client.close()


class Sql:
    """What the two SQL servers share: one transaction an order, written once even if asked twice."""

    def read(self):
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT n FROM counter")
            row = cursor.fetchone()
            cursor.execute("SELECT count(*) FROM orders")
            rows = cursor.fetchone()[0]
        self.connection.commit()
        return (row[0] if row else 0), rows

    def take(self, n):
        order = words(n)
        with self.connection.cursor() as cursor:
            cursor.execute(
                self.insert,
                (n, order["customer"], order["product"], order["quantity"], order["cents"], order["note"],
                 order["blob"]))
            if cursor.rowcount == 1:
                cursor.execute("UPDATE stock SET sold = sold + %s WHERE product_id = %s",
                               (order["quantity"], order["product"]))
                cursor.execute("UPDATE counter SET n = %s", (n,))
        self.connection.commit()

    def close(self):
        self.connection.close()


class MariaDB(Sql):
    errors = (pymysql.err.Error, OSError)
    insert = ("INSERT IGNORE INTO orders (n, customer_id, product_id, quantity, cents, note, raw)"
              " VALUES (%s, %s, %s, %s, %s, %s, _binary %s)")

    def __init__(self):
        self.connection = pymysql.connect(
            host=os.environ["MARIADB_HOST"], user=os.environ["MARIADB_USER"], password=secret("MARIADB_PASSWORD"),
            database=os.environ["MARIADB_DATABASE"], charset="utf8mb4", connect_timeout=5, read_timeout=60)


class Postgres(Sql):
    errors = (psycopg2.Error, OSError)
    insert = ("INSERT INTO orders (n, customer_id, product_id, quantity, cents, note, raw)"
              " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (n) DO NOTHING")

    def __init__(self):
        self.connection = psycopg2.connect(
            host=os.environ["POSTGRES_HOST"], user=os.environ["POSTGRES_USER"], password=secret("POSTGRES_PASSWORD"),
            dbname=os.environ["POSTGRES_DB"], connect_timeout=5, application_name="shop")


class Server:
    """One server behind its network: connects when needed, tries again until it works or SIGTERM comes."""

    def __init__(self, kind):
        self.kind = kind
        self.link = None

    def do(self, method, *args):
        while True:
            try:
                if self.link is None:
                    self.link = self.kind()
                return getattr(self.link, method)(*args)
            except self.kind.errors as error:
                self.drop()
                print(f"{self.kind.__name__}: {str(error).strip()}; trying again", flush=True)
                if stopping.wait(0.3):
                    raise Stopped from error

    def drop(self):
        link, self.link = self.link, None
        if link is not None:
            try:
                link.close()
            except self.kind.errors:
                pass  # it was broken, which is why it goes


class Status(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps(status).encode() + b"\n"
        if self.path == "/reset":
            status["longest_gap_ms"] = 0
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def look(counter, servers):
    found = {"file": counter.read()}
    rows = {}
    for name, server in servers.items():
        found[name], rows[name] = server.do("read")
    status["found"] = found
    print("found", " ".join(f"{name}={found[name]}" for name in STORES),
          "rows", " ".join(f"{name}={rows[name]}" for name in STORES[1:]), flush=True)
    values = [found[name] for name in STORES]
    if values != sorted(values, reverse=True) or values[-1] < values[0] - 1:
        print("found is torn: these are not the stores of one instant", flush=True)
    return max(values)


def run():
    with open(CONFIG, encoding="utf-8") as file:
        config = json.load(file)
    pace = config["pace_ms"] / 1000
    servers = {"redis": Server(Redis), "mariadb": Server(MariaDB), "postgres": Server(Postgres)}
    counter = Counter()
    files = Files(counter)

    n = look(counter, servers)
    seed.uploads(UPLOADS)
    seed.redis(os.environ["REDIS_HOST"])

    threading.Thread(target=http.server.ThreadingHTTPServer(("", 8080), Status).serve_forever, daemon=True).start()
    # The last order may have reached some stores only: it is written again, to those that lack it.
    n = max(n, 1)
    last_time = time.monotonic()
    while not stopping.is_set() and n <= config["last_order"]:
        files.take(n)
        for server in servers.values():
            server.do("take", n)
        if status["n"] == 0:
            open(READY, "w", encoding="utf-8").close()
        now = time.monotonic()
        status["longest_gap_ms"] = max(status["longest_gap_ms"], round((now - last_time) * 1000))
        status["n"] = n
        last_time = now
        n += 1
        if pace:
            time.sleep(pace)
    stopping.wait()


def main():
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    signal.signal(signal.SIGINT, lambda *_: stopping.set())
    if os.path.exists(READY):
        os.unlink(READY)
    try:
        run()
    except Stopped:
        pass
    print(f"stopped after order {status['n']}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
