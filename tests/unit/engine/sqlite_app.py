"""An application with a SQLite database: MODE PATH.  It says "ready", then works until it is killed.

A hundred accounts hold 100 each; every transaction moves some from one to another.
"""
import os
import random
import signal
import sqlite3
import sys

mode, path = sys.argv[1:3]
db = sqlite3.connect(path, isolation_level=None, timeout=10)
db.execute("PRAGMA journal_mode=%s" % ("WAL" if mode.startswith("wal") else "DELETE"))
if mode != "delete-sync":
    db.execute("PRAGMA synchronous=OFF")
db.execute("CREATE TABLE IF NOT EXISTS account (id INTEGER PRIMARY KEY, n INTEGER, pad BLOB)")
if db.execute("SELECT count(*) FROM account").fetchone()[0] == 0:
    db.execute("BEGIN")
    for i in range(100):
        db.execute("INSERT INTO account VALUES (?, 100, ?)", (i, os.urandom(3000)))
    db.execute("COMMIT")


def move():
    a, b, n = random.randrange(100), random.randrange(100), random.randrange(10)
    db.execute("UPDATE account SET n = n - ?, pad = ? WHERE id = ?", (n, os.urandom(3000), a))
    db.execute("UPDATE account SET n = n + ? WHERE id = ?", (n, b))


def ready():
    print("ready", flush=True)


if mode in ("wal", "delete", "delete-sync"):
    ready()
    while True:
        db.execute("BEGIN IMMEDIATE")
        move()
        db.execute("COMMIT")
elif mode in ("idle", "wal-idle"):
    ready()
    signal.pause()
elif mode == "hot":  # dies in a transaction whose pages have reached the file
    db.execute("PRAGMA cache_size=5")
    db.execute("BEGIN EXCLUSIVE")
    db.execute("UPDATE account SET n = n + 1, pad = randomblob(3000)")
    ready()
    os.kill(os.getpid(), signal.SIGKILL)
elif mode == "exclusive":  # holds its lock in such a transaction
    db.execute("PRAGMA cache_size=5")
    db.execute("BEGIN EXCLUSIVE")
    db.execute("UPDATE account SET n = n + 1, pad = randomblob(3000)")
    ready()
    signal.pause()
elif mode == "wal-left":  # dies and leaves its -wal behind
    move()
    ready()
    os.kill(os.getpid(), signal.SIGKILL)
