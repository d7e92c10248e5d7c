"""Writes to two SQLite databases, one with a log and one with a rollback journal, as fast as it can.

Step n is in wal.db before it is in old/journal.db; in each the accounts hold 10000 together.
/data/longest has the longest time in milliseconds between two steps since /data/reset was last made.
"""
import os
import random
import sqlite3
import time


def open_database(path, mode, pad):
    db = sqlite3.connect(path, isolation_level=None, timeout=30)
    db.execute("PRAGMA journal_mode=%s" % mode)
    db.execute("BEGIN")
    db.execute("CREATE TABLE IF NOT EXISTS account (id INTEGER PRIMARY KEY, n INTEGER)")
    db.execute("CREATE TABLE IF NOT EXISTS step (n INTEGER)")
    db.execute("CREATE TABLE IF NOT EXISTS pad (b BLOB)")
    if db.execute("SELECT count(*) FROM account").fetchone()[0] == 0:
        db.execute("INSERT INTO step VALUES (0)")
        db.executemany("INSERT INTO account VALUES (?, 100)", [(i,) for i in range(100)])
        db.executemany("INSERT INTO pad VALUES (?)", [(os.urandom(1 << 20),) for _ in range(pad)])
    db.execute("COMMIT")
    return db


def move(db, n):
    a, b, m = random.randrange(100), random.randrange(100), random.randrange(10)
    db.execute("BEGIN IMMEDIATE")
    db.execute("UPDATE account SET n = n - ? WHERE id = ?", (m, a))
    db.execute("UPDATE account SET n = n + ? WHERE id = ?", (m, b))
    db.execute("UPDATE step SET n = ?", (n,))
    db.execute("COMMIT")


os.makedirs("/data/old", exist_ok=True)
wal = open_database("/data/wal.db", "WAL", int(os.environ["PAD"]))
journal = open_database("/data/old/journal.db", "DELETE", 1)
n = wal.execute("SELECT n FROM step").fetchone()[0]
longest = 0
last = time.monotonic()
while True:
    n += 1
    move(wal, n)
    move(journal, n)
    now = time.monotonic()
    if os.path.exists("/data/reset"):
        os.unlink("/data/reset")
        longest = 0
    elif now - last > longest:
        longest = now - last
        with open("/data/longest.new", "w") as f:
            f.write("%d\n" % (longest * 1000))
        os.rename("/data/longest.new", "/data/longest")
    last = now
    time.sleep(0.001)
