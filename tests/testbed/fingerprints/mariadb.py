"""MariaDB and MySQL: every row, definition, routine, trigger, event and account."""

import re

from .engine import digest, escape

MOVING_DB = "shop"
MOVING = ("counter", "orders", "stock")
SYSTEM = ("mysql", "information_schema", "performance_schema", "sys")

CLIENT = """
for name in MARIADB_ROOT_PASSWORD MYSQL_ROOT_PASSWORD; do
    eval "value=\\${$name:-} file=\\${${name}_FILE:-}"
    [ -n "$value" ] || [ -z "$file" ] || value=$(cat "$file")
    [ -z "$value" ] || MYSQL_PWD=$value
done
export MYSQL_PWD
tool=$1
shift
command -v "$tool" >/dev/null || tool=$(echo "$tool" | sed 's/^mariadb-dump$/mysqldump/; s/^mariadb$/mysql/')
exec "$tool" -uroot "$@"
"""
STOCK = """
SELECT count(*) FROM stock s
LEFT JOIN (SELECT product_id, SUM(quantity) AS sold FROM orders GROUP BY 1) o USING (product_id)
WHERE s.sold <> COALESCE(o.sold, 0)"""


class Server:
    def __init__(self, container):
        self.container = container

    def lines(self, sql, database="mysql"):
        answer = self.container.shell(CLIENT, "mariadb", "-BN", "--raw", "--default-character-set=utf8mb4", database,
                                      stdin=sql.encode())
        return answer.split(b"\n")[:-1]

    def dump(self, databases):
        return self.container.shell(
            CLIENT, "mariadb-dump", "--single-transaction", "--routines", "--triggers", "--events", "--hex-blob",
            "--skip-extended-insert", "--skip-dump-date", "--default-character-set=utf8mb4", "--databases", *databases)


def sections(dump):
    """A dump's lines by database and headline: the middle one of three comment lines above each part."""
    database, parts = "", {}
    lines = []
    previous = b""
    for line in dump.split(b"\n"):
        if previous == b"--" and line.startswith(b"-- "):
            headline = line[3:].decode()
            if match := re.match(r"Current Database: `(.*)`", headline):
                database = match.group(1)
            lines = parts.setdefault((database, headline), [])
        elif line and line != b"--":
            lines.append(line)
        previous = line
    return parts


def is_moving(database, headline):
    match = re.match(r"Dumping data for table `(.*)`", headline)
    return database == MOVING_DB and match is not None and match.group(1) in MOVING


def read_section(database, headline, lines):
    rows = sorted(line for line in lines if line.startswith(b"INSERT INTO"))
    rest = [line for line in lines if not line.startswith(b"INSERT INTO")]
    name = escape(f"{database}: {headline}")
    if headline.startswith("Dumping data"):
        table = re.sub(r"^Dumping data for table `(.*)`$", r"\1", headline)
        yield "mariadb", "table", escape(f"{database}.{table}"), f"rows={len(rows)} {digest(*rows)}"
    elif rows:
        yield "mariadb", "definition rows", name, digest(*rows)
    if not headline.startswith(("Host:", "Server version", "Dump completed")):
        yield "mariadb", "definition", name, digest(*rest)


def moving_rows(server):
    yield "mariadb", "counter", "n", server.lines("SELECT n FROM counter", MOVING_DB)[0].decode()
    sql = """SELECT n, MD5(CONCAT_WS('|', n, customer_id, product_id, quantity, cents, HEX(note), HEX(raw)))
             FROM orders ORDER BY n"""
    for line in server.lines(sql, MOVING_DB):
        n, value = line.decode().split("\t")
        yield "mariadb", "row", f"{n} orders", value
    wrong = server.lines(STOCK, MOVING_DB)[0].decode()
    yield "mariadb", "check", "stock is the sum of orders", "yes" if wrong == "0" else f"not for {wrong} products"


def accounts(server):
    """Of each user and role the statements that would make it, passwords by a hash of theirs."""
    script = []
    for line in server.lines("SELECT User, Host, is_role FROM user ORDER BY 1, 2"):
        user, host, is_role = line.decode().split("\t")
        name = f"'{user}'" if is_role == "Y" else f"'{user}'@'{host}'"
        script.append(f"SELECT 'account', \"{name}\"; SHOW GRANTS FOR {name};")
        if is_role == "N":
            script.append(f"SHOW CREATE USER {name};")
    statements = {}
    for line in server.lines("\n".join(script)):
        if line.startswith(b"account\t"):
            current = statements.setdefault(line.split(b"\t")[1], [])
        else:
            current.append(re.sub(rb"\*[0-9A-F]{40}", lambda m: digest(m.group())[:8].encode(), line))
    for name, lines in statements.items():
        yield "mariadb", "account", escape(name), escape(b"; ".join(sorted(lines)))


def read(project):
    for container in project.databases("mariadb"):
        server = Server(container)
        databases = [d.decode() for d in server.lines("SHOW DATABASES") if d.decode() not in SYSTEM]
        if databases:
            seen_moving = False
            for (database, headline), lines in sections(server.dump(databases)).items():
                if is_moving(database, headline):
                    seen_moving = True
                else:
                    yield from read_section(database, headline, lines)
            if seen_moving:
                yield from moving_rows(server)
        yield from accounts(server)
