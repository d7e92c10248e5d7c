"""The claims of test_serve.sh, which has started the stack."""
import hashlib
import pathlib
import subprocess
import sys
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/serve"))
from daemon import *  # noqa: E402
from contract import *  # noqa: E402

STACK, FOLDER = os.environ["STACKSNAP_TEST_PROJECT"], os.environ["STACKSNAP_TEST_FOLDER"]
(WORK / "place").mkdir()
p = Place(WORK / "place").init()
for name in ("DOCKER_HOST", "DOCKER_CONFIG"):
    p.env.pop(name, None)
    if name in os.environ:
        p.env[name] = os.environ[name]
daemon = Daemon(p).setup()
api = Contract(daemon)
snapshots = []


def compose(*args, **kw):
    done = subprocess.run(["docker", "compose", "-p", STACK, "-f", f"{FOLDER}/compose.yaml", *args],
                          capture_output=True, text=True, check=False, **kw)
    if done.returncode != 0:
        raise AssertionError(done.stdout + done.stderr)
    return done.stdout


def sql(text):
    return compose("exec", "-T", "db", "psql", "-qAt", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-h", "127.0.0.1",
                   "password=pw", input=text).strip()


def keys(*args):
    return compose("exec", "-T", "cache", "redis-cli", *args).strip()


def in_app(script):
    return compose("exec", "-T", "app", "sh", "-c", script)


def q(**args):
    return "?" + urllib.parse.urlencode(args)


def mine(home):
    return next(s for s in home["stacks"] if s["name"] == STACK)


def notes():
    return {a["kind"]: a for a in api.get("/overview")["attention"] if a.get("stack") == STACK}


def state(detail, want="complete"):
    if detail["run"]["state"] != want:
        raise AssertionError(detail)
    return detail


sql("""CREATE TABLE orders (id int PRIMARY KEY, name text, total int);
INSERT INTO orders SELECT g, 'customer ' || g, g FROM generate_series(1, 3000) g;
CREATE TABLE still (id int); INSERT INTO still SELECT generate_series(1, 100);
CREATE TABLE "odd\a\nname" (id int); INSERT INTO "odd\a\nname" SELECT generate_series(1, 7);""")
keys("EVAL", r"for i = 1, 20 do redis.call('SET', 'user:' .. i, 'v' .. i) redis.call('SET', 'user:\255\n' .. i, i) end", "0")
keys("SET", "other:1", "x")
in_app("echo one > /uploads/a; echo two > /uploads/b")
api.ask("POST", "/repository/open", {"address": str(p.repo), "passphrase": PASSWORD}).expect(200)


@test
def home_asks_for_the_first_backup_and_its_button_makes_it(_):
    home = api.get("/overview")
    same((home["engine"], mine(home)["presence"], mine(home)["snapshots"]), ("reachable", "running", 0))
    same(notes()["no_backup"]["title"], f"{STACK} was never backed up")
    action = notes()["no_backup"]["action"]
    same(action["path"], f"/stacks/{STACK}/backup")
    detail = state(api.run(action["method"], action["path"]))
    snapshots.append(detail["run"]["snapshot"])
    same({x["service"] for x in detail["quiet"]}, {"app"})
    # One truth: what the run tells is what was measured, and stands in the snapshot.
    measured = {s["service"]: s["quiet_ns"] for s in api.get(f"/snapshots/{snapshots[0]}")["snapshot"]["quiet"]["services"]}
    for x in detail["quiet"]:
        if abs(x["end_ns"] - x["begin_ns"] - measured[x["service"]]) > 1_000_000:
            raise AssertionError((x, measured))
    if len(detail["phases"]) < 3:
        raise AssertionError(detail)
    one = mine(api.get("/overview"))
    same((one["snapshots"], one["last"]["id"], len(one["sizes"])), (1, snapshots[0], 1))
    same([d["complete"] for d in one["days"]], [1])
    same(set(notes()), {"not_proved", "schedule_missing"})


@test
def a_stack_is_told_with_its_plan_and_why(_):
    one = api.get(f"/stacks/{STACK}")
    same({m["kind"] for m in one["plan"]["members"]} >= {"project", "volume", "database", "meta"}, True)
    same({s["service"] for s in one["plan"]["services"]}, {"db", "app", "cache"})
    if not any(s["name"] == "quiesce" and s["origin"] == "default" for s in one["plan"]["settings"]):
        raise AssertionError(one["plan"]["settings"])
    same((one["total"], len(one["snapshots"]), one["runs"][0]["kind"]), (1, 1, "backup"))


@test
def a_drill_proves_the_point(_):
    drilled = state(api.run("POST", f"/stacks/{STACK}/drill", {}))
    same(drilled["result"]["drills"][0]["proof"]["verdict"], "proved")
    one = mine(api.get("/overview"))
    same((one["proved"]["snapshot"], one["proved"]["rto_ns"] > 0), (snapshots[0], True))
    same(set(notes()), {"schedule_missing"})
    api.ask("POST", "/schedules", {"kind": "backup", "stack": STACK, "cron": "@daily", "zone": "UTC"}).expect(201)
    same((set(notes()), [n["kind"] for n in mine(api.get("/overview"))["next"]]), (set(), ["backup"]))
    receipt = api.get(f"/snapshots/{snapshots[0]}/receipt")
    same((receipt["verified"]["problems"], len(receipt["drills"])), (0, 1))


@test
def tables_are_counted_and_dumps_given(_):
    tables = api.get(f"/snapshots/{snapshots[0]}/databases")["databases"]
    counts = {t["name"]: t["rows"] for d in tables for t in d["tables"]}
    same((counts["public.orders"], counts["public.still"]), (3000, 100))
    stream = next(d for d in tables if d["database"] == "postgres")
    one = api.get(f"/snapshots/{snapshots[0]}")["snapshot"]
    sums = {s["name"]: s["sha256"] for m in one["members"] if m["kind"] == "database" for s in m["streams"]}
    dump = api.ask("GET", f"/snapshots/{snapshots[0]}/dump" + q(member=f"db/{stream['stream']}")).expect(200)
    same(hashlib.sha256(dump.body).hexdigest(), sums[stream["stream"]])


@test
def two_points_are_compared_by_rows_and_files(_):
    sql("""UPDATE orders SET total = 0 WHERE id <= 150; DELETE FROM orders WHERE id > 2995;
INSERT INTO orders VALUES (9001, 'new one', 5); CREATE INDEX by_name ON orders (name);""")
    in_app("echo three > /uploads/c; rm /uploads/a")
    snapshots.append(state(api.run("POST", f"/stacks/{STACK}/backup", {"tags": ["after"]}))["run"]["snapshot"])
    started = api.ask("POST", "/diffs", {"a": snapshots[0], "b": snapshots[1]}).expect(202).json()
    state(api.wait(started["run"]))
    diff = api.get(f"/diffs/{started['run']}")
    same((diff["rows"], diff["definitions"]), (156, 1))
    by_path = {m["path"]: m for m in diff["members"]}
    volume, db = by_path[f"volumes/{STACK}_uploads"], by_path["databases/db"]
    same((volume["added"], volume["removed"]), (1, 1))
    same((db["tables"], db["rows_added"], db["rows_removed"], db["rows_changed"]), (1, 1, 5, 150))
    rows = api.get(f"/diffs/{started['run']}/rows" + q(change="changed", offset=149, limit=5))
    same((rows["total"], len(rows["rows"]), rows["rows"][0]["after"]["total"]), (150, 1, "0"))
    found = api.get(f"/diffs/{started['run']}/rows" + q(text="NEW ONE"))["rows"]
    same([(r["change"], r["key"]) for r in found], [("added", {"id": "9001"})])
    files = api.get(f"/diffs/{started['run']}/files" + q(member=volume["path"]))["files"]
    same(sorted((f["change"], f["path"].rpartition("/")[2]) for f in files if f["kind"] == "file"),
         [("added", "c"), ("removed", "a")])


@test
def a_restore_tells_what_would_be_lost_and_wants_the_name(_):
    restore = f"/snapshots/{snapshots[0]}/restore"
    run = api.run("POST", f"{restore}/preview")["run"]["id"]
    seen = api.get(f"/restores/previews/{run}")["preview"]
    same((seen["obstacles"], any("orders" in line for line in seen["rows"])), ([], True))
    api.ask("POST", restore, {"confirm": "yes"}).problem(400, "usage")
    state(api.run("POST", restore, {"confirm": STACK}))
    same(sql("SELECT count(*), sum(total) FROM orders"), "3000|4501500")
    same(in_app("ls /uploads").split(), ["a", "b"])
    same(set(notes()), {"restore_kept"})
    same(api.get(f"/stacks/{STACK}")["restore"]["state"], "kept")


@test
def it_is_undone(_):
    same([r["stack"] for r in api.get("/restores")["restores"]], [STACK])
    run = state(api.run("POST", f"/restores/{STACK}/undo/preview"))["run"]["id"]
    if not api.get(f"/restores/previews/{run}")["preview"]["makes"]:
        raise AssertionError("it would bring back nothing")
    api.ask("POST", f"/restores/{STACK}/undo", {"confirm": "no"}).problem(400, "usage")
    state(api.run("POST", f"/restores/{STACK}/undo", {"confirm": STACK}))
    same(sql("SELECT count(*) FROM orders WHERE id > 9000"), "1")
    same(in_app("ls /uploads").split(), ["b", "c"])
    same(api.get("/restores")["restores"], [])


def kept_by_servers():
    """What restore status finds, which asks them."""
    env = {"STACKSNAP_STATE_DIR": str(daemon.state)}
    lines = p.run("--json", "restore", "status", STACK, env=env).expect(0).lines()
    return [(t["table"], t["key_prefix"], t["state"]) for t in lines[-1]["tables"]]


@test
def rows_of_single_tables_are_put_beside_and_in_place_and_undone(_):
    tables = f"/snapshots/{snapshots[0]}/restore/tables"
    orders = {"tables": ["public.orders"], "service": "db", "database": "postgres"}
    run = state(api.run("POST", f"{tables}/preview", orders))["run"]["id"]
    seen = api.get(f"/restores/previews/{run}")["tables"]
    same([(t["table"], t["rows"]) for t in seen], [("public.orders", 3000)])
    same(any("removes 1 row" in line for line in seen[0]["changes"]), True)
    state(api.run("POST", tables, {**orders, "into": "before"}))
    same(sql("SELECT count(*), sum(total) FROM before.orders"), "3000|4501500")
    api.ask("POST", tables, orders).problem(400, "usage")
    state(api.run("POST", tables, {**orders, "confirm": STACK}))
    same(sql("SELECT count(*), sum(total) FROM orders"), "3000|4501500")
    noted = api.get("/restores")["tables"]
    same([(t["stack"], t["service"], t["database"], t["table"], t["snapshot"]) for t in noted],
         [(STACK, "db", "postgres", "public.orders", snapshots[0][:8])])
    same(kept_by_servers(), [("public.orders", None, "kept")])
    kept = {**orders}
    sql("INSERT INTO orders VALUES (9002, 'since', 1)")
    run = state(api.run("POST", f"/restores/{STACK}/tables/undo/preview", kept))["run"]["id"]
    same(len(api.get(f"/restores/previews/{run}")["tables"][0]["written_since"]), 1)
    state(api.run("POST", f"/restores/{STACK}/tables/undo", {**kept, "confirm": STACK}))
    same(sql("SELECT count(*) FROM orders WHERE id = 9001"), "1")
    same((kept_by_servers(), api.get("/restores")["tables"]), ([], []))
    same(api.run("POST", f"/restores/{STACK}/tables/finish", {**kept, "confirm": STACK})["run"]["state"], "failed")


@test
def a_table_whose_name_has_control_characters_is_put_back_too(_):
    tables = api.get(f"/snapshots/{snapshots[0]}/databases")["databases"]
    name = next(t["name"] for d in tables for t in d["tables"] if "odd" in t["name"])
    same(name, 'public."odd\a\nname"')
    sql('DELETE FROM "odd\a\nname" WHERE id > 3')
    odd = {"tables": [name], "service": "db", "database": "postgres", "confirm": STACK}
    state(api.run("POST", f"/snapshots/{snapshots[0]}/restore/tables", odd))
    same(sql('SELECT count(*) FROM "odd\a\nname"'), "7")
    state(api.run("POST", f"/restores/{STACK}/tables/undo", odd))
    same(sql('SELECT count(*) FROM "odd\a\nname"'), "3")


@test
def keys_that_begin_alike_are_put_beside_and_in_place_undone_and_finished(_):
    restore, settle = f"/snapshots/{snapshots[0]}/restore/tables", f"/restores/{STACK}/tables"
    keys("EVAL", "for i = 1, 5 do redis.call('SET', 'user:' .. i, 'changed') end redis.call('DEL', 'user:6')", "0")
    users = {"service": "cache", "key_prefix": "user:"}
    run = state(api.run("POST", f"{restore}/preview", users))["run"]["id"]
    (seen,) = api.get(f"/restores/previews/{run}")["tables"]
    same((seen["table"], seen["rows"], len(seen["changes"]) > 0), ("db0", 40, True))
    state(api.run("POST", restore, {**users, "into": "5"}))
    same((keys("-n", "5", "DBSIZE"), keys("-n", "5", "GET", "user:3"), keys("GET", "user:3")), ("40", "v3", "changed"))
    api.ask("POST", restore, users).problem(400, "usage")
    state(api.run("POST", restore, {**users, "confirm": STACK}))
    same((keys("GET", "user:3"), keys("GET", "user:6"), keys("GET", "other:1")), ("v3", "v6", "x"))
    same(kept_by_servers(), [("db0", "user:", "kept")])
    state(api.run("POST", f"{settle}/undo/preview", users))
    state(api.run("POST", f"{settle}/undo", {**users, "confirm": STACK}))
    same((keys("GET", "user:3"), keys("EXISTS", "user:6")), ("changed", "0"))
    # Bytes that are no text.
    odd = {"service": "cache", "tables": ["db0"], "key_prefix_hex": b"user:\xff\n".hex(), "confirm": STACK}
    keys("EVAL", r"redis.call('SET', 'user:\255\n7', 'changed')", "0")
    detail = state(api.run("POST", restore, odd))
    same((detail["result"]["rows"], detail["result"]["key_prefix_hex"]), (20, odd["key_prefix_hex"]))
    same(keys("EVAL", r"return redis.call('GET', 'user:\255\n7')", "0"), "7")
    same(kept_by_servers(), [("db0", "user:\ufffd\n", "kept")])
    state(api.run("POST", f"{settle}/finish", odd))
    same(keys("--scan", "--pattern", "stacksnap:*"), "")
    same(api.run("POST", f"{settle}/finish", odd)["run"]["state"], "failed")


@test
def rules_tell_what_they_would_keep_and_why(_):
    preview = api.ask("POST", f"/stacks/{STACK}/retention/preview", {"keep_last": 1}).expect(200).json()
    same([(d["keep"], d["reason"]) for d in preview["snapshots"]], 
         [(True, "nothing newer is proved"), (True, "last 1")])
    same(preview["snapshots"][1]["id"], snapshots[1])


print("\n".join(f"# {kind} {ns / 1e9:.1f} s" for kind, ns in
                ((r["kind"], r["ended_ns"] - r["began_ns"]) for r in api.get("/runs")["runs"])))
same(daemon.stop(), 0)
finish()
