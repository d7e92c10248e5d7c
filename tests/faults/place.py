"""Places to break: a source, a repository, StackSnap with faults injected, and what must hold after."""
import collections
import contextlib
import json
import multiprocessing
import os
import pathlib
import shutil
import stat
import subprocess
import tempfile
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
STACKSNAP = os.environ.get("STACKSNAP", str(ROOT / "build/stacksnap"))
INJECT = os.environ.get("INJECT", str(ROOT / "build/tests/faults/libinject.so"))
WORK = pathlib.Path(tempfile.mkdtemp(prefix="stacksnap-faults-"))
TRY_ALL = False

CHANGES = "create,write,sync,close,rename,link,unlink,mkdir,make,meta"
READS = "open,read,list,stat"
GROWS = "create,write,rename,link,mkdir,make"  # what a full disk refuses

tests = []


def test(function):
    tests.append(function)
    return function


def run_one(number):
    """What is to be printed of a test, and whether it held."""
    function = tests[number]
    claim = function.__name__.replace("_", " ")
    here = WORK / str(number)
    here.mkdir()
    began = time.monotonic()
    try:
        tried = function(here)
        return f"ok - {claim} ({tried} tried, {time.monotonic() - began:.1f} s)", True
    except Exception:
        return f"not ok - {claim}\n{traceback.format_exc()}", False
    finally:
        shutil.rmtree(here, ignore_errors=True)


def run_tests(only):
    """Two at a time; the number of those that failed."""
    numbers = [i for i, function in enumerate(tests) if only in function.__name__.replace("_", " ")]
    failed = 0
    with multiprocessing.get_context("fork").Pool(2) as pool:
        for text, held in pool.imap_unordered(run_one, numbers):
            print(text, flush=True)
            failed += not held
    return failed


def some(count, at_most):
    """The numbers 1..count, or at_most of them, evenly, the first and the last among them."""
    if TRY_ALL or count <= at_most:
        return range(1, count + 1)
    return sorted({1 + round(i * (count - 1) / (at_most - 1)) for i in range(at_most)})


def last_result(text):
    with contextlib.suppress(ValueError, IndexError):
        last = json.loads(text.splitlines()[-1])
        if last["type"] == "result":
            return last
    return None


class Result:
    def __init__(self, argv, code, out, err, log):
        self.argv, self.code, self.out, self.err, self.log = argv, code, out, err, log

    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]

    def result(self):
        """The last line of JSON, when it is a whole result."""
        return last_result(self.out)

    def problems(self):
        return [e for e in self.lines() if e["type"] == "problem"]

    def told(self):
        """All that was said to somebody: error, problems."""
        return self.err + self.out

    def was_hit(self):
        return any(call.how == "hit" for call in self.log)

    def hit(self):
        return next((c for c in self.log if c.how == "hit"), None)

    def expect(self, *codes):
        if self.code not in codes:
            raise AssertionError(f"exit code {self.code}, not {codes}: {self}")
        return self

    def __str__(self):
        return f"{' '.join(self.argv)}\nhit: {self.hit()}\nstdout:\n{self.out}\nstderr:\n{self.err}"


Call = collections.namedtuple("Call", "what how path second offset data")


def read_log(path, with_data):
    """What inject.c has written down."""
    calls = []
    raw = path.read_bytes()
    at = 0
    while at < len(raw):
        end = raw.index(b"\n", at)
        what, how, first, second, offset, size = raw[at:end].decode(errors="surrogateescape").split("\t")
        at = end + 1
        data = b""
        if with_data and what == "write" and how == "ok":
            data = raw[at:at + int(size)]
            at += int(size)
        calls.append(Call(what, how, first, second, int(offset), data))
    return calls


class Place:
    """A folder with a source, a repository, a key file."""

    def __init__(self, path):
        self.path = path
        self.src = path / "src"
        self.repo = path / "repo"
        self.key = path / "key"
        self.out = path / "out"
        self.log = path / "log"
        self.reported = {}  # snapshot id -> picture of what it holds
        self.is_done = False
        self.originals = {}  # of a repository that is copied from
        self.extra_env = {}
        self.before = []  # what runs the program

    def fork(self, name):
        """Another repository in the same state, for the same source."""
        other = Place(self.path / name)
        shutil.rmtree(other.path, ignore_errors=True)
        shutil.copytree(self.repo, other.repo)
        other.be_like(self)
        return other

    def be_like(self, first):
        """For the same source, with the same keys, and the same to show."""
        self.src, self.key = first.src, first.key
        self.reported, self.is_done = dict(first.reported), first.is_done
        self.originals = first.originals

    def path_of(self, name):
        """A file that lies beside the source."""
        return self.src.parent / name

    def env(self, **more):
        return {"PATH": os.environ["PATH"], "TZ": "UTC", "HOME": str(self.path),
                "XDG_CACHE_HOME": str(self.path / "cache"), "STACKSNAP_STATE_DIR": str(self.path / "state"),
                "DOCKER_HOST": f"unix://{self.path}/no-docker.sock",
                "LD_PRELOAD": INJECT, "INJECT_NO_SYNC": "1", **self.extra_env, **more}

    def run(self, *args, repo=None, key=None, as_json=True, **inject):
        """With a fault when inject has under=, calls=, at=, do=, sticky=, data=."""
        self.log.unlink(missing_ok=True)
        env = self.env()
        if inject:
            env.update({f"INJECT_{k.upper()}": str(v) for k, v in inject.items() if v is not None})
            env["INJECT_LOG"] = str(self.log)
        argv = self.command(*args, repo=repo, key=key, as_json=as_json)
        p = subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False,
                           start_new_session=True, cwd=self.path)
        log = read_log(self.log, "data" in inject) if self.log.exists() else []
        return Result(argv, p.returncode, p.stdout.decode(errors="replace"), p.stderr.decode(errors="replace"), log)

    def command(self, *args, repo=None, key=None, as_json=True):
        return [*self.before, STACKSNAP, "--key-file", str(key or self.key), "-r", str(repo or self.repo),
                *(["--json"] if as_json else []), *map(str, args)]

    def write_key(self):
        self.key.write_bytes(os.urandom(64))
        self.key.chmod(0o600)

    def init(self):
        self.path.mkdir(exist_ok=True)
        self.write_key()
        self.run("init", as_json=False).expect(0)
        return self

    def note(self, result):
        """A backup may have told of a snapshot: from now on it must be there, and whole."""
        return self.note_result(result.result())

    def note_lines(self, text):
        return self.note_result(last_result(text))

    def note_result(self, last):
        if last is None or not last.get("runs"):
            return None
        snapshot = last["runs"][0].get("snapshot")
        if snapshot:
            self.reported[snapshot] = picture(self.src)
        return snapshot

    def backup(self, **inject):
        return self.run("backup", "--path", self.src, **inject)

    def restore(self, snapshot, **inject):
        shutil.rmtree(self.out, ignore_errors=True)
        return self.run("restore", snapshot, "--path", str(self.src)[1:], "--to", self.out, **inject)

    # --- what must hold ---

    def listed(self):
        return {s["id"] for s in self.run("snapshots").expect(0).lines()[-1]["snapshots"]}

    def must_be_sound(self):
        """Nothing is damaged, and every snapshot that was reported is there and comes back as it was."""
        self.run("verify", "--read-data").expect(0)
        missing = set(self.reported) - self.listed()
        if missing:
            raise AssertionError(f"snapshots that were reported are gone: {missing}")
        for snapshot, want in self.reported.items():
            self.restore(snapshot).expect(0)
            same_picture(picture(self.out), want)

    def must_go_on(self):
        """The next run succeeds, and clears away what the one before has left."""
        self.age_leftovers()
        made = self.note(self.backup().expect(0))
        self.run("verify", "--read-data").expect(0)
        self.restore(made).expect(0)
        same_picture(picture(self.out), self.reported[made])
        left = list((self.repo / "tmp").iterdir())
        if left:
            raise AssertionError(f"left in the repository: {left}")

    def age_leftovers(self):
        """What is in tmp/ is from the day before yesterday: only such may be removed."""
        for f in (self.repo / "tmp").glob("*"):
            os.utime(f, (time.time() - 2 * 86400,) * 2)


def picture(top):
    """Everything that a restore brings back of a tree: path -> type, mode, owner, mtime, content."""
    found = {}
    for folder, folders, names in os.walk(top):
        for name in [*folders, *names]:
            path = pathlib.Path(folder) / name
            found[str(path.relative_to(top))] = look(path)
    return found


def look(path):
    st = path.lstat()
    content = None
    if stat.S_ISREG(st.st_mode):
        content = path.read_bytes()
    elif stat.S_ISLNK(st.st_mode):
        content = os.readlink(path)
    return st.st_mode, st.st_uid, st.st_gid, st.st_mtime_ns, content


def same_picture(got, want):
    if got == want:
        return
    for path in sorted(set(got) | set(want)):
        if got.get(path) != want.get(path):
            raise AssertionError(f"{path}: {str(got.get(path))[:200]}, not {str(want.get(path))[:200]}")


def write_source(src, seed):
    """A few files of several kinds; another seed changes some of them."""
    (src / "dir/deep").mkdir(parents=True, exist_ok=True)
    (src / "same").write_bytes(b"the same in each version\n" * 40)
    (src / "a.txt").write_text(f"version {seed}\n")
    (src / f"only-{seed}").write_text(str(seed))
    (src / "dir/big").write_bytes(bytes((i * i * seed >> 7) & 0xFF for i in range(60000)))
    (src / "dir/deep/empty").write_bytes(b"")
    if not (src / "link").is_symlink():
        (src / "link").symlink_to("a.txt")
        os.link(src / "same", src / "dir/second-name")


def two_versions(path):
    """A repository with one reported snapshot, and a source that has changed since."""
    p = Place(path)
    p.init()
    write_source(p.src, 1)
    p.note(p.backup().expect(0))
    write_source(p.src, 2)
    return p
