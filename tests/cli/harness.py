"""What the tests of the command line share: places, terminals, expectations, the tables of docs/json.md.

A test program is an executable file beside this one that imports all of it, has functions marked with
@test (each is run at once; its name is the claim), and ends with finish().  It takes one WORD: then
only the claims that contain it are run.  StackSnap is $STACKSNAP, by default build/stacksnap.
"""
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
WORK = pathlib.Path(tempfile.mkdtemp(prefix="stacksnap-cli-"))
PASSWORD = "correct horse"
IS_ROOT = os.geteuid() == 0
NOBODY = 65534
ONLY = sys.argv[1] if len(sys.argv) > 1 else ""
failed = 0


class Skip(Exception):
    pass


def test(function):
    """Run it at once, in a folder of its own; its name is the claim."""
    global failed
    claim = function.__name__.replace("_", " ")
    if ONLY not in claim:
        return function
    here = WORK / function.__name__
    here.mkdir()
    try:
        function(Place(here))
        print(f"ok - {claim}", flush=True)
    except Skip as reason:
        print(f"ok - {claim} # SKIP {reason}", flush=True)
    except Exception:
        failed += 1
        print(f"not ok - {claim}", flush=True)
        traceback.print_exc(file=sys.stdout)
    return function


def same(got, want):
    if got != want:
        raise AssertionError(f"got:\n{got}\nwant:\n{want}")


def like(text, pattern):
    if not re.fullmatch(pattern, text, re.S):
        raise AssertionError(f"got:\n{text}\nwant a match of:\n{pattern}")


class Result:
    def __init__(self, code, out, err):
        self.code, self.raw, self.err = code, out, err
        self.out = out.decode(errors="replace")

    def expect(self, code, out=None, err=None):
        """Exit code, and all of stdout and stderr by regular expressions."""
        if self.code != code:
            raise AssertionError(
                f"exit code {self.code}, not {code}\nstdout:\n{self.out}\nstderr:\n{self.err}")
        if out is not None:
            like(self.out, out)
        if err is not None:
            like(self.err, err)
        return self

    def lines(self):
        return [json.loads(line) for line in self.raw.decode().splitlines()]


class Place:
    """A folder with a source, a repository and a password file."""

    def __init__(self, path):
        self.path = path
        self.src = path / "src"
        self.repo = path / "repo"
        self.pw = path / "pw"
        self.pw.write_text(PASSWORD + "\n")
        self.pw.chmod(0o600)
        self.env = {
            "PATH": os.environ["PATH"],
            "TZ": "UTC",
            "STACKSNAP_REPOSITORY": str(self.repo),
            "STACKSNAP_PASSWORD_FILE": str(self.pw),
            "STACKSNAP_STATE_DIR": str(path / "state"),
            "XDG_CACHE_HOME": str(path / "cache"),
            "DOCKER_HOST": f"unix://{path}/no-docker.sock",
        }

    def run(self, *args, env=None, **kw):
        """Without a terminal of any kind, unless kw says otherwise."""
        kw.setdefault("stdin", subprocess.DEVNULL)
        kw.setdefault("stdout", subprocess.PIPE)
        p = subprocess.run([STACKSNAP, *map(str, args)], env={**self.env, **(env or {})},
                           stderr=subprocess.PIPE, start_new_session=True, cwd=self.path,
                           timeout=60, check=False, **kw)
        return Result(p.returncode, p.stdout or b"", p.stderr.decode(errors="replace"))

    def without(self, *names):
        for name in names:
            self.env.pop(name)

    def source(self):
        """Files of some kinds, hostile names among them."""
        (self.src / "dir").mkdir(parents=True)
        (self.src / "a.txt").write_text("hello\n")
        (self.src / "dir/big").write_bytes(os.urandom(300000))
        (self.src / "link").symlink_to("a.txt")
        (self.src / "esc\033[31m").write_text("red")
        pathlib.Path(os.fsdecode(os.fsencode(self.src) + b"/bad\xff")).write_text("bytes")
        return self

    def init(self):
        self.run("init").expect(0)
        return self

    def backup(self, *args):
        """Its id."""
        r = self.run("--json", "backup", "--path", self.src, *args).expect(0)
        return r.lines()[-1]["runs"][0]["snapshot"]

    def ready(self):
        self.source().init()
        self.id = self.backup()
        self.root = str(self.src)[1:]  # in the snapshot's tree
        return self


class Terminal:
    """StackSnap with a terminal of its own."""

    def __init__(self, place, *args):
        self.text = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(place.path)
            os.execve(STACKSNAP, [STACKSNAP, *map(str, args)], {**place.env, "TERM": "xterm"})

    def wait_for(self, words):
        end = time.monotonic() + 30
        while words not in self.text:
            ready, _, _ = select.select([self.fd], [], [], max(0, end - time.monotonic()))
            if not ready or not self.read():
                raise AssertionError(f"no {words!r} in:\n{self.text}")

    def read(self):
        try:
            got = os.read(self.fd, 4096).decode(errors="replace")
        except OSError:  # Linux: the other end has gone
            got = ""
        self.text += got
        return got

    def answer(self, words, line):
        self.wait_for(words)
        os.write(self.fd, line.encode())

    def finish(self, code):
        while self.read():
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        if os.waitstatus_to_exitcode(status) != code:
            raise AssertionError(f"exit {os.waitstatus_to_exitcode(status)}, not {code}\n{self.text}")
        return self.text.replace("\r\n", "\n")


def files_of(p, kind):
    """The objects below a folder of the repository."""
    return sorted(f for f in (p.repo / kind).rglob("*") if f.is_file())


def flip(path, offset):
    """Damage one bit of a stored object."""
    path.chmod(0o600)
    data = bytearray(path.read_bytes())
    data[offset] ^= 0x04
    path.write_bytes(data)


def find_program():
    """A copy that others than root may run, too."""
    built = os.environ.get("STACKSNAP", str(ROOT / "build/stacksnap"))
    copy = WORK / "stacksnap"
    shutil.copy(built, copy)
    copy.chmod(0o755)
    WORK.chmod(0o755)
    return str(copy)


STACKSNAP = find_program()


# --- JSON ---

def schema():
    """docs/json.md: for each heading, its fields: name -> (type, may be left out)."""
    found = {}
    title = None
    for line in (ROOT / "docs/json.md").read_text().splitlines():
        if line.startswith("#"):
            title = line.lstrip("# ")
        row = re.match(r"\| `([a-z_]+)(\??)` \| ([a-z ]+) \|", line)
        if row:
            found.setdefault(title, {})[row[1]] = (row[3], bool(row[2]))
    return found


SCHEMA = schema()
EVENTS = ("phase", "progress", "note", "warning", "problem", "service", "member")


def is_of_type(value, name):
    if " or " in name:
        return any(is_of_type(value, one) for one in name.split(" or "))
    if name.startswith("array"):
        return isinstance(value, list)
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, {"string": str, "object": dict, "boolean": bool, "null": type(None)}[name])


def fits(thing, *titles):
    """Every field is documented and of its type, every field that must be there is."""
    fields = {}
    for title in titles:
        fields.update(SCHEMA[title])
    for key, value in thing.items():
        if key not in fields:
            raise AssertionError(f"{titles}: {key} is not documented")
        if not is_of_type(value, fields[key][0]):
            raise AssertionError(f"{titles}: {key} is no {fields[key][0]}: {value!r}")
    for key, (_, optional) in fields.items():
        if key not in thing and not optional:
            raise AssertionError(f"{titles}: {key} is missing")


def check_lines(r, command, title=None):
    lines = r.lines()
    for line in lines[:-1]:
        kind = line["type"]
        if kind in EVENTS:
            fits(line, "any event", kind if kind in ("progress", "member") else "phase")
        else:
            fits(line, kind)
    last = lines[-1]
    same(sum(line["type"] == "result" for line in lines), 1)
    same((last["type"], last["command"], last["exit_code"]), ("result", command, r.code))
    if "error" in last:
        fits(last, "any result")
        fits(last["error"], "error")
    else:
        fits(last, "any result", title or command)
    return last


def finish():
    """The last line of a test program."""
    shutil.rmtree(WORK)
    sys.exit(1 if failed else 0)
