"""PostgreSQL: every row, definition, sequence, large object and role."""

import re

from .engine import digest, escape

# The demo app's tables, in the database of this name.
MOVING_DB = "shop"
MOVING = ("counter", "orders", "stock")

# Statements for \gexec: of each table a headline and its rows by the hash of their text, sorted; then
# sequences and large objects, one line each.  Not of pgbench's tables: tests/stack/test_matrix.sh looks at their sums.
READ_DATABASE = r"""
SELECT format('SELECT %L', 'table ' || name), format('SELECT md5(t::text) FROM %s t ORDER BY 1', name)
FROM (SELECT format('%I.%I', n.nspname, c.relname) AS name
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND n.nspname !~ '^pg_toast' AND c.relname !~ '^pgbench_' ORDER BY 1) tables \gexec
SELECT format('SELECT %L, last_value, is_called FROM %s', 'sequence ' || name, name)
FROM (SELECT format('%I.%I', n.nspname, c.relname) AS name
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'S' ORDER BY 1) sequences \gexec
SELECT 'large object ' || oid, md5(lo_get(oid)) || ' ' || pg_get_userbyid(lomowner)
FROM pg_largeobject_metadata ORDER BY oid;
"""
DATABASES = """
SELECT datname, concat_ws(' ', pg_encoding_to_char(encoding), datcollate, datctype, pg_get_userbyid(datdba), datconnlimit)
FROM pg_database WHERE datallowconn AND datname NOT IN ('template1', 'template0') ORDER BY 1"""
STOCK = """
SELECT count(*) FROM stock s
FULL JOIN (SELECT product_id, sum(quantity) AS sold FROM orders GROUP BY 1) o USING (product_id)
WHERE s.sold IS DISTINCT FROM coalesce(o.sold, 0)"""


class Server:
    def __init__(self, container):
        self.container = container

    def tool(self, name, *args, stdin=None):
        return self.container.shell(
            f'exec {name} -U "${{POSTGRES_USER:-postgres}}" "$@"', *args, stdin=stdin)

    def lines(self, database, sql):
        answer = self.tool("psql", "-XAtq", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-d", database, "-f", "-",
                           stdin=sql.encode())
        return answer.decode().splitlines()

    def pairs(self, database, sql):
        return (line.split("\t", 1) for line in self.lines(database, sql))

    def content(self, database):
        """Rows of tables, and values of sequences and large objects, by name."""
        tables, others = {}, []
        for line in self.lines(database, READ_DATABASE):
            if line.startswith("table "):
                rows = tables.setdefault(line[6:], [])
            elif match := re.match("(sequence|large object) ([^\t]*)\t(.*)", line):
                others.append(match.groups())
            else:
                rows.append(line.encode())
        return tables, others


def definitions(dump):
    """A plain schema dump's statements, by the header that pg_dump writes above each."""
    name, statements = "", {}
    for line in dump.decode().splitlines():
        if match := re.match(r"-- (?:Data for )?Name: (.*); Owner: .*$", line):
            name = match.group(1)
        # \restrict carries a word that is new in every dump.
        if name and line and not line.startswith(("--", "\\restrict", "\\unrestrict")):
            statements.setdefault(name, []).append(line.encode())
    return {name: digest(*lines) for name, lines in statements.items()}


def moving_rows(server):
    yield "postgres", "counter", "n", server.lines(MOVING_DB, "SELECT n FROM counter")[0]
    for n, value in server.pairs(MOVING_DB, "SELECT n, md5(o::text) FROM orders o ORDER BY n"):
        yield "postgres", "row", f"{n} orders", value
    wrong = server.lines(MOVING_DB, STOCK)[0]
    yield "postgres", "check", "stock is the sum of orders", "yes" if wrong == "0" else f"not for {wrong} products"


def read_database(server, database):
    tables, others = server.content(database)
    moving = [f"public.{name}" for name in MOVING] if database == MOVING_DB else []
    moving = moving if all(name in tables for name in moving) else []
    for name, rows in tables.items():
        if name not in moving:
            yield "postgres", "table", escape(f"{database}.{name}"), f"rows={len(rows)} {digest(*rows)}"
    for what, name, value in others:
        yield "postgres", what, escape(f"{database}.{name}"), escape(value)
    for name, value in definitions(server.tool("pg_dump", "--schema-only", "-d", database)).items():
        yield "postgres", "definition", escape(f"{database}.{name}"), value
    if moving:
        yield from moving_rows(server)


def read(project):
    for container in project.databases("postgres"):
        server = Server(container)
        for line in server.tool("pg_dumpall", "--globals-only").decode().splitlines():
            if line and not line.startswith(("--", "\\")):
                yield "postgres", "global", digest(line.encode()), escape(re.sub(r"PASSWORD '.*'", "PASSWORD ***", line))
        for name, value in server.pairs("postgres", DATABASES):
            yield "postgres", "database", escape(name), escape(value)
            yield from read_database(server, name)
