"""What the shop begins with, besides its SQL tables: a tree of uploads and keys in Redis.

The same on every machine: all chance comes from fixed seeds and all times are fixed, but for the
keys' times to live, which Redis counts from now.
"""

import os
import random
import struct

import redis as redis_client

MARK = ".seeded"
DAY = 86400
# 2024-02-29 12:34:56.789012345 UTC
MTIME_NS = 1709210096789012345


def put(path, content, mode=0o644, owner=(0, 0), age_days=0):
    with open(path, "wb") as file:
        file.write(content)
    os.chown(path, *owner)
    os.chmod(path, mode)
    stamp(path, age_days)


def stamp(path, age_days=0):
    time_ns = MTIME_NS - age_days * DAY * 10**9
    os.utime(path, ns=(time_ns, time_ns), follow_symlinks=False)


def uploads(top):
    if os.path.exists(f"{top}/{MARK}"):
        return
    tree = f"{top}/tree"
    os.makedirs(tree, exist_ok=True)
    photos(tree)
    links(tree)
    names(tree)
    modes(tree)
    attributes(tree)
    holes(tree)
    empties(tree)
    # Folders last, deepest first: whatever was put into them has changed their times.
    for folder, _, _ in os.walk(tree, topdown=False):
        stamp(folder, 1)
    put(f"{top}/{MARK}", b"1\n")


def photos(tree):
    chance = random.Random(1)
    for i in range(160):
        folder = f"{tree}/photos/{2015 + i % 8}/{i % 12 + 1:02d}"
        os.makedirs(folder, exist_ok=True)
        put(f"{folder}/{i:04d}.jpg", chance.randbytes(chance.randint(1, 60000)), owner=(1000, 1000), age_days=i)
    put(f"{tree}/photos/large.raw", chance.randbytes(5 << 20), age_days=3)
    put(f"{tree}/photos/notes.txt", b"the same line, many times over\n" * 20000, age_days=2)


def links(tree):
    folder = f"{tree}/links"
    os.makedirs(folder)
    put(f"{folder}/one", b"one file, three names\n", mode=0o600)
    os.link(f"{folder}/one", f"{folder}/two")
    os.link(f"{folder}/one", f"{tree}/three")
    for name, target in (("relative", "one"), ("absolute", "/etc/hostname"), ("dangling", "nowhere/at all"),
                         ("folder", "../photos"), ("loop", "loop")):
        os.symlink(target, f"{folder}/{name}")
        os.chown(f"{folder}/{name}", 1000, 1001, follow_symlinks=False)
        stamp(f"{folder}/{name}", 5)
    os.mkfifo(f"{folder}/pipe", 0o640)
    stamp(f"{folder}/pipe", 6)


def names(tree):
    folder = os.fsencode(f"{tree}/names")
    os.makedirs(folder)
    for i, name in enumerate([b"latin1-\xe9\xe8", b"\xff\xfe not utf-8", "grüße 世界 🎉".encode(), b"new\nline",
                              b" spaces ", b"-rf", b'quote"\'`$(x)', b"back\\slash", b"*?[a]", b"x" * 255]):
        put(folder + b"/" + name, b"name %d\n" % i)
    os.makedirs(folder + b"/folder \xe9")
    put(folder + b"/folder \xe9/inside", b"inside\n")


def modes(tree):
    folder = f"{tree}/modes"
    os.makedirs(folder)
    for mode in (0o000, 0o400, 0o600, 0o640, 0o755, 0o777, 0o2755, 0o4755, 0o6711):
        put(f"{folder}/{mode:04o}", b"mode %o\n" % mode, mode=mode, owner=(33, 1234))
    os.mkdir(f"{folder}/sticky")
    os.chmod(f"{folder}/sticky", 0o1777)
    os.mkdir(f"{folder}/shared")
    os.chown(f"{folder}/shared", 65534, 4000000)
    os.chmod(f"{folder}/shared", 0o2770)


def attributes(tree):
    folder = f"{tree}/attributes"
    os.makedirs(folder)
    put(f"{folder}/user", b"has attributes of its own\n")
    os.setxattr(f"{folder}/user", "user.comment", "ein Größenvergleich".encode())
    os.setxattr(f"{folder}/user", "user.binary", bytes(range(256)))
    os.setxattr(f"{folder}/user", "user.empty", b"")
    os.setxattr(folder, "user.folder", b"folders may have them too")

    # version 2, then (tag, permissions, id): owner rw, user 1000 rwx, group r, mask rwx, others none
    acl = struct.pack("<I", 2)
    for tag, permissions, who in ((1, 6, -1), (2, 7, 1000), (4, 4, -1), (16, 7, -1), (32, 0, -1)):
        acl += struct.pack("<HHi", tag, permissions, who)
    put(f"{folder}/acl", b"has an access list\n")
    os.setxattr(f"{folder}/acl", "system.posix_acl_access", acl)
    os.mkdir(f"{folder}/acl.d")
    os.setxattr(f"{folder}/acl.d", "system.posix_acl_default", acl)

    # cap_net_bind_service, effective and permitted, revision 2
    put(f"{folder}/capable", b"#!/bin/true\n", mode=0o755)
    os.setxattr(f"{folder}/capable", "security.capability", struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0))
    for name in ("user", "acl", "capable"):
        stamp(f"{folder}/{name}", 4)


def holes(tree):
    path = f"{tree}/sparse.img"
    with open(path, "wb") as file:
        file.write(b"begin")
        file.seek(8 << 20)
        file.write(b"middle")
        file.truncate(16 << 20)
    stamp(path, 7)


def empties(tree):
    os.makedirs(f"{tree}/empty/folder/in/folder")
    for i in range(5):
        put(f"{tree}/empty/{i}", b"")


def redis(host):
    db0 = redis_client.Redis(host=host, db=0)
    if db0.exists("seeded"):
        return
    chance = random.Random(2)
    db1 = redis_client.Redis(host=host, db=1).pipeline(transaction=False)
    for i in range(200):
        db1.hset(f"session:{i}", mapping={"user": i, "token": chance.randbytes(16)})
        if i % 2:
            db1.expire(f"session:{i}", 40 * DAY)
    db1.execute()

    db5 = redis_client.Redis(host=host, db=5).pipeline(transaction=False)
    db5.set("only here", "database 5")
    db5.function_load("#!lua name=shop\nredis.register_function('twice', function(k, a) return a[1] * 2 end)",
                      replace=True)
    db5.execute()

    # One transaction, with the mark: what cannot be written twice is written once.
    pipe = db0.pipeline()
    pipe.set("seeded", 1)
    for i in range(300):
        pipe.set(f"page:{i}", chance.randbytes(chance.randint(0, 400)))
    pipe.set(b"binary \x00\xff\xfe key\r\n", bytes(range(256)))
    pipe.set("number", 1234567890123)
    pipe.set("big", chance.randbytes(1 << 20))
    pipe.set("empty", "")
    pipe.setbit("bitmap", 10007, 1)
    pipe.pfadd("visitors", *[f"v{i}" for i in range(2000)])
    pipe.rpush("queue", *[f"job {i}" for i in range(2000)])
    pipe.rpush("short", "a", b"\x00", "")
    pipe.sadd("integers", *range(300))
    pipe.sadd("members", *[f"member {i}" for i in range(1500)])
    pipe.zadd("scores", {f"player {i}": chance.uniform(-1e6, 1e6) for i in range(1000)})
    pipe.zadd("edges", {"inf": float("inf"), "-inf": float("-inf"), "tiny": 5e-324, "third": 1 / 3})
    pipe.geoadd("places", (13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania"))
    pipe.hset("settings", mapping={f"field {i}": chance.randbytes(20) for i in range(600)})
    pipe.hset("small", mapping={"a": 1, "b": "two"})
    for i in range(200):
        pipe.xadd("history", {"i": i, "text": f"entry {i}"}, id=f"{1700000000000 + i}-{i % 3}")
    pipe.xdel("history", "1700000000005-2")
    pipe.xgroup_create("history", "workers", id="0")
    pipe.xreadgroup("workers", "alice", {"history": ">"}, count=7)
    for i in range(50):
        pipe.set(f"expires:{i}", f"in {i + 30} days", ex=(i + 30) * DAY)
    pipe.execute()
