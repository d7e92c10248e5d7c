#!/usr/bin/python3
"""What stacksnap.service is to do, tried under the systemd of the machine that this runs on: a throw-away one, which
scripts/try-systemd starts.  Prints lines of "ok - claim"; the argument is where they go.
"""
import http.client
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import traceback

PORT = 8080
PASSWORD = "a long enough password"
STACK = pathlib.Path("/srv/shop")
out = open(sys.argv[1], "w", buffering=1)
failed = 0
credentials = {}
TESTS = []


def test(function):
    TESTS.append(function)
    return function


def same(got, want):
    if got != want:
        raise AssertionError(f"{got!r}, not {want!r}")


def run(*args, **kw):
    r = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600, check=False, **kw)
    if r.returncode != 0:
        raise AssertionError(f"{args}: exit {r.returncode}\n{r.stdout}")
    return r.stdout


def ask(method, path, body=None, want=(200, 201, 202)):
    c = http.client.HTTPConnection("127.0.0.1", PORT, timeout=300)
    headers = dict(credentials)
    if body is not None:
        headers["Content-Type"] = "application/json"
    c.request(method, "/api/v1" + path, None if body is None else json.dumps(body), headers)
    r = c.getresponse()
    text = r.read()
    if r.status not in want:
        raise AssertionError(f"{method} {path}: {r.status} {text[:500]}")
    if r.headers["Set-Cookie"]:
        credentials["Cookie"] = r.headers["Set-Cookie"].split(";")[0]
        credentials["X-CSRF-Token"] = json.loads(text)["csrf"]
    return json.loads(text) if text else None


def until(what, limit=240):
    """The first answer of what() that is true, and does not fail."""
    end = time.monotonic() + limit
    while True:
        try:
            if answer := what():
                return answer
            why = "it never was so"
        except (OSError, http.client.HTTPException, AssertionError) as e:
            why = e
        if time.monotonic() > end:
            raise AssertionError(f"within {limit} s: {why}")
        time.sleep(0.1)


def shown(*names):
    text = run("systemctl", "show", "stacksnap", *(f"-p{n}" for n in names))
    return dict(line.split("=", 1) for line in text.splitlines())


def started(number):
    return ask("GET", f"/runs/{number}")


def ended(number, limit=600):
    detail = until(lambda: (d := started(number))["run"]["state"] not in ("queued", "running") and d, limit)
    if detail["run"]["state"] != "complete":
        raise AssertionError(json.dumps(detail)[:3000])
    return detail


def answers():
    return ask("GET", "/session")


@test
def systemd_finds_nothing_wrong_with_the_unit():
    said = run("systemd-analyze", "verify", "--man=no", "/usr/local/lib/systemd/system/stacksnap.service")
    same([line for line in said.splitlines() if "stacksnap" in line], [])


@test
def it_starts_and_answers_on_loopback_only():
    run("systemctl", "start", "stacksnap")
    same(until(answers)["state"], "setup")
    same(shown("ActiveState", "SubState"), {"ActiveState": "active", "SubState": "running"})
    listening = re.findall(r"\S+:8080\b", run("ss", "-ltn"))
    same(listening, ["127.0.0.1:8080"])


def processes():
    """Those of the unit: their pids and command lines."""
    group = "/sys/fs/cgroup" + shown("ControlGroup")["ControlGroup"]
    found = {}
    for pid in pathlib.Path(group, "cgroup.procs").read_text().split():
        found[int(pid)] = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return found


def web_of(found):
    return next(pid for pid, line in found.items() if line[1:2] == [b"web"])


@test
def the_web_process_is_the_user_that_was_made_for_it():
    status = pathlib.Path(f"/proc/{web_of(processes())}/status").read_text()
    uid = int(re.search(r"^Uid:\s+(\d+)", status, re.M)[1])
    same(run("id", "-u", "stacksnap-web").strip(), str(uid))
    same(re.search(r"^CapEff:\s+(\S+)", status, re.M)[1], "0" * 16)
    same(os.listdir(f"/proc/{web_of(processes())}/root/"), [])


@test
def the_first_user_and_a_repository_are_made():
    token = pathlib.Path("/var/lib/stacksnap/setup-token").read_text().strip()
    same(token in run("journalctl", "-b", "--no-pager", "-u", "stacksnap"), False)
    ask("POST", "/setup", {"token": token, "name": "ada", "password": PASSWORD})
    ask("POST", "/repository/create", {"address": "/srv/backup", "passphrase": "correct horse battery"})
    same(ask("GET", "/repository")["state"], "open")


def fill():
    """What needs the rights that the unit leaves: owners, set-user-ID, extended attributes, a device."""
    data = STACK / "data"
    data.mkdir(parents=True, exist_ok=True)
    (data / "plain").write_text("one\n")
    (data / "private").write_text("two\n")
    os.chown(data / "private", 4321, 4321)
    os.chmod(data / "private", 0o600)
    (data / "setuid").write_text("#!/bin/sh\n")
    os.chmod(data / "setuid", 0o4755)
    os.setxattr(data / "plain", "user.note", b"kept")
    os.setxattr(data / "plain", "trusted.note", b"kept, too")
    if not (data / "null").exists():
        os.mknod(data / "null", 0o20666, os.makedev(1, 3))
    (STACK / "compose.yaml").write_text("""name: shop
services:
  app:
    image: box:1
    command: [ sh, -c, "while :; do date >> /volume/log; sleep 0.1; done" ]
    init: true
    volumes: [ "./data:/data", "kept:/volume" ]
    labels: { stacksnap.quiesce: pause }
volumes: { kept: }
""")


def look(path):
    s = os.lstat(path)
    names = sorted(os.listxattr(path, follow_symlinks=False))
    return (oct(s.st_mode), s.st_uid, s.st_gid, s.st_rdev, s.st_mtime_ns,
            [(n, os.getxattr(path, n, follow_symlinks=False)) for n in names],
            path.read_bytes() if path.is_file() else None)


def picture():
    return {str(p): look(p) for p in sorted((STACK / "data").rglob("*"))}


@test
def a_stack_is_backed_up_by_the_daemon():
    fill()
    box = pathlib.Path("/tmp/box/bin")
    box.mkdir(parents=True, exist_ok=True)
    (box / "busybox").write_bytes(pathlib.Path("/bin/busybox").read_bytes())
    (box / "busybox").chmod(0o755)
    for name in ("sh", "date", "sleep"):
        (box / name).symlink_to("busybox")
    run("sh", "-c", "tar -C /tmp/box -c . | docker import - box:1")
    run("docker", "compose", "up", "-d", cwd=STACK)
    detail = ended(ask("POST", "/stacks/shop/backup", {})["run"])
    same((detail["problems"], detail["warnings"]), (0, 0))
    same([q["service"] for q in detail["quiet"]], ["app"])
    same(run("docker", "ps", "--format", "{{.State}}").split(), ["running"])


@test
def a_drill_proves_the_point():
    detail = ended(ask("POST", "/stacks/shop/drill", {})["run"])
    same(detail["result"]["drills"][0]["proof"]["verdict"], "proved")


@test
def a_restore_brings_back_all_that_there_was():
    before = picture()
    run("docker", "compose", "down", "-v", cwd=STACK)
    run("rm", "-rf", str(STACK / "data"))
    point = ask("GET", "/snapshots")["snapshots"][0]["id"]
    ended(ask("POST", f"/snapshots/{point}/restore", {"confirm": "shop"})["run"])
    same(picture(), before)
    same(run("docker", "ps", "--format", "{{.State}}").split(), ["running"])


@test
def killed_it_is_started_again_and_the_run_goes_on():
    (STACK / "data" / "large").write_bytes(os.urandom(150 << 20))
    number = ask("POST", "/stacks/shop/backup", {})["run"]
    until(lambda: started(number)["run"]["state"] == "running")
    old = shown("MainPID")["MainPID"]
    os.kill(int(old), 9)
    until(lambda: shown("MainPID", "ActiveState") not in (
        {"MainPID": old, "ActiveState": "active"}, {"MainPID": "0", "ActiveState": "activating"}) and answers())
    same(shown("NRestarts")["NRestarts"], "1")
    same(answers()["user"], "ada")
    web = [line for line in processes().values() if line[1:2] == [b"web"]]
    same(len(web), 1)
    detail = ended(number)
    print(f"# the run that outlived its daemon took {(detail['run']['ended_ns'] - detail['run']['began_ns']) / 1e9:.1f} s",
          file=out)


@test
def a_restart_keeps_runs_and_sessions():
    run("systemctl", "restart", "stacksnap")
    until(lambda: answers()["user"] == "ada")
    # A daemon that starts asks first whether anything is to be given back.
    until(lambda: {r["state"] for r in ask("GET", "/runs")["runs"]} == {"complete"})


@test
def stopping_is_clean():
    began = time.monotonic()
    run("systemctl", "stop", "stacksnap")
    took = time.monotonic() - began
    same(shown("ActiveState", "Result", "ExecMainStatus"),
         {"ActiveState": "inactive", "Result": "success", "ExecMainStatus": "0"})
    same(run("sh", "-c", "pgrep -a stacksnap || true"), "")
    if took > 10:
        raise AssertionError(f"it took {took:.1f} s")
    run("systemctl", "start", "stacksnap")
    until(lambda: answers()["user"] == "ada")
    run("systemctl", "stop", "stacksnap")
    kept = {p.name: oct(p.stat().st_mode & 0o777) for p in (pathlib.Path("/var/lib/stacksnap"), pathlib.Path("/var/cache/stacksnap"))}
    same(kept, {"stacksnap": "0o700"})


@test
def it_is_as_confined_as_the_guide_says():
    said = run("systemd-analyze", "security", "--no-pager", "stacksnap").splitlines()[-1]
    score = float(re.search(r"stacksnap\.service: ([0-9.]+)", said)[1])
    if not 4 < score <= 5.4:
        raise AssertionError(said)
    # What the unit takes away is away: in the keeper's own eyes.
    run("systemctl", "start", "stacksnap")
    until(answers)
    status = pathlib.Path(f"/proc/{shown('MainPID')['MainPID']}/status").read_text()
    same((re.search(r"^NoNewPrivs:\s+(\d)", status, re.M)[1], re.search(r"^Seccomp:\s+(\d)", status, re.M)[1]), ("1", "2"))
    bounding = int(re.search(r"^CapBnd:\s+(\S+)", status, re.M)[1], 16)
    cap_sys_module, cap_net_raw, cap_sys_boot = 16, 13, 22
    same([c for c in (cap_sys_module, cap_net_raw, cap_sys_boot) if bounding >> c & 1], [])
    print(f"# {said.strip()}", file=out)


for t in TESTS:
    claim = t.__name__.replace("_", " ")
    began = time.monotonic()
    try:
        t()
        print(f"ok - {claim} ({time.monotonic() - began:.1f} s)", file=out)
    except Exception:  # pylint: disable=broad-except
        failed += 1
        print(f"not ok - {claim}", file=out)
        traceback.print_exc(file=out)
        print(subprocess.run(["journalctl", "-u", "stacksnap", "--no-pager", "-n", "20"], capture_output=True, text=True,
                             check=False).stdout, file=out)
print(f"# {run('systemctl', '--version').splitlines()[0]}, kernel {os.uname().release}", file=out)
print(f"{len(TESTS) - failed} passed, {failed} failed", file=out)
