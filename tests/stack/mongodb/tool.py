#!/usr/bin/env python3
"""What test_mongodb.sh does to servers, from inside their image, which has pymongo.

	tool.py wait | seed | edit | print | destroy | user         the server of this container
	tool.py files FOLDER                        what mongodump's folder holds, read by pymongo's bson

print and files print the same for the same data.
"""
import datetime
import json
import os
import pathlib
import sys
import time
import urllib.parse

import bson
import pymongo
from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp, json_util

CANONICAL = json_util.CANONICAL_JSON_OPTIONS


def text(value):
    return json_util.dumps(value, json_options=CANONICAL)


def connect():
    login = {}
    if os.environ.get("MONGO_INITDB_ROOT_USERNAME"):
        password = os.environ.get("MONGO_INITDB_ROOT_PASSWORD")
        if password is None:
            password = open(os.environ["MONGO_INITDB_ROOT_PASSWORD_FILE"]).read().rstrip("\n")
        login = dict(username=os.environ["MONGO_INITDB_ROOT_USERNAME"], password=password)
    return pymongo.MongoClient("127.0.0.1", directConnection=True, serverSelectionTimeoutMS=500, **login)


def wait():
    for _ in range(40):
        try:
            connect().admin.command("ping")
            return
        except pymongo.errors.PyMongoError as e:
            last = e
            time.sleep(0.1)
    sys.exit(f"the server does not answer: {last}")


EVERYTHING = {
    "_id": "every type",
    "double": 0.1,
    "zero": -0.0,
    "text": "é\0\n\"\\",
    "document": {"a": {"b": [1, "2", None]}},
    "binary": Binary(b"\0\xff\x80", 0),
    "uuid": Binary(b"0123456789abcdef", 4),
    "oid": ObjectId("0123456789abcdef01234567"),
    "yes": True,
    "date": datetime.datetime(1969, 12, 31, 23, 59, 59, 999000),
    "regex": Regex("^a/b", "im"),
    "code": Code("f()"),
    "scoped": Code("f(x)", {"x": 1}),
    "int": 2**31 - 1,
    "long": Int64(1),
    "stamp": Timestamp(4294967295, 7),
    "decimal": Decimal128("1.10E-6000"),
    "min": MinKey(),
    "max": MaxKey(),
    "": "no name",
    "a.b": "a dot",
    "quote\"'": 1,
}


def seed():
    client = connect()
    shop = client.shop
    shop.create_collection(
        "orders",
        validator={"$jsonSchema": {"required": ["total"], "properties": {"total": {"bsonType": ["int", "double"]}}}},
        validationLevel="moderate",
    )
    shop.orders.insert_many(
        [{"_id": i, "total": i * 7 % 1000, "name": f"order {i}", "at": datetime.datetime(2030, 1, 1)} for i in range(1500)]
    )
    # Not as the validator wants it: a restore must take it all the same.
    shop.orders.insert_one({"_id": "odd", "total": "much"}, bypass_document_validation=True)
    shop.orders.create_index([("name", 1)], unique=True)
    shop.orders.create_index([("total", -1), ("name", 1)], partialFilterExpression={"total": {"$gt": 500}}, name="large")
    shop.orders.create_index([("at", 1)], expireAfterSeconds=31536000)
    shop.orders.create_index([("$**", 1)], wildcardProjection={"pad": 0}, name="any")
    shop.create_collection("words", collation={"locale": "fr", "strength": 1})
    shop.words.insert_many([{"_id": 1, "w": "côte"}, {"_id": 2, "w": "coté"}])
    shop.create_collection("log", capped=True, size=65536, max=50)
    shop.log.insert_many([{"_id": i, "line": "x" * 40} for i in range(60)])
    shop.create_collection("large_orders", viewOn="orders", pipeline=[{"$match": {"total": {"$gt": 900}}}])
    shop.create_collection("empty")
    shop.create_collection("metrics", timeseries={"timeField": "t", "metaField": "m", "granularity": "minutes"})
    shop.metrics.insert_many(
        [{"_id": ObjectId(f"{i:024x}"), "t": datetime.datetime(2024, 1, 1, 0, i % 60), "m": {"s": i % 3}, "v": i / 8} for i in range(200)]
    )
    kinds = client["kinds-of_things"]
    # update and not insert: servers refuse some of these names in the first, and pymongo in the second.
    kinds.every.insert_one(EVERYTHING)
    for name in ("a b/c", "semi;colon", "pört", "per%cent", "x.y.z", "-dash", "é" * 60, "quote\"'"):
        kinds[name].insert_one({"_id": name})
    pad = "p" * 1000000
    kinds.wide.insert_many([{"_id": i, "pad": pad} for i in range(3)])


def fingerprint(name, collection):
    out = {"name": name, "shape": collection["type"], "options": text(collection["options"])}
    out["indexes"] = sorted(text({k: v for k, v in i.items() if k != "ns"}) for i in collection["indexes"])
    out["documents"] = sorted(text(d) for d in collection["documents"])
    return out


def server():
    client = connect()
    found = []
    for db in sorted(client.list_database_names()):
        if db in ("admin", "config", "local"):
            continue
        for info in client[db].list_collections():
            if info["name"].startswith("system."):
                continue
            c = client[db][info["name"]]
            kind = "timeseries" if "timeseries" in info["options"] else info["type"]
            is_view = kind == "view"
            found.append(
                fingerprint(
                    f"{db}.{info['name']}",
                    {
                        "type": kind,
                        "options": info["options"],
                        "indexes": [] if is_view else [dict(i) for i in c.list_indexes()],
                        "documents": [] if is_view else list(c.find()),
                    },
                )
            )
    return found


def files(folder):
    found = []
    for path in sorted(pathlib.Path(folder).glob("*/*.metadata.json")):
        meta = json_util.loads(path.read_text(), json_options=CANONICAL)
        base = str(path)[: -len(".metadata.json")]
        data = pathlib.Path(base + ".bson")
        name = urllib.parse.unquote(os.path.basename(base))
        if len(os.path.basename(base)) < 238:
            assert name == meta["collectionName"], (name, meta["collectionName"])
        documents = [bson.BSON(d).decode(bson.CodecOptions(tz_aware=False)) for d in split(data)] if data.exists() else []
        assert data.exists() == (meta["type"] != "view")
        found.append(
            fingerprint(
                f"{path.parent.name}.{meta['collectionName']}",
                {"type": meta["type"], "options": meta["options"], "indexes": meta["indexes"], "documents": documents},
            )
        )
    return found


def split(path):
    raw = path.read_bytes()
    while raw:
        n = int.from_bytes(raw[:4], "little")
        yield raw[:n]
        raw = raw[n:]


def show(found):
    for item in sorted(found, key=lambda i: i["name"]):
        print(json.dumps(item, ensure_ascii=True))


def edit():
    shop = connect().shop
    shop.orders.update_one({"_id": 7}, {"$set": {"name": "another name"}})
    shop.orders.delete_one({"_id": 8})
    shop.orders.insert_one({"_id": "new", "total": 1, "name": "a new one"})
    shop.words.create_index([("w", 1)], name="by_word")
    shop.drop_collection("empty")


def destroy():
    client = connect()
    for db in client.list_database_names():
        if db not in ("admin", "config", "local"):
            client.drop_database(db)
    client.left.over.insert_one({"_id": "was not in the backup"})


verb = sys.argv[1]
if verb == "wait":
    wait()
elif verb == "seed":
    seed()
elif verb == "print":
    show(server())
elif verb == "files":
    show(files(sys.argv[2]))
elif verb == "edit":
    edit()
elif verb == "destroy":
    destroy()
elif verb == "user":
    connect().shop.command("createUser", "app", pwd="x", roles=["readWrite"])
else:
    sys.exit(f"no such verb: {verb}")
