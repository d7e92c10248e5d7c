"""The power fails: what was not synced may be there or not.

inject.c writes down what a run does to the store; here each beginning of that is played into a new
folder, as the most forgetful filesystem that POSIX allows would have left it.
"""
import pathlib
import random
import shutil

from acts import ACTS, BACKUP
from place import CHANGES, Place, some, test


class Node:
    """A file or folder: as it is now, and as it is on the disk for sure."""

    def __init__(self, is_dir, mode=0o600):
        self.is_dir, self.mode = is_dir, mode
        self.now = {} if is_dir else b""
        self.kept = {} if is_dir else b""

    def sync(self):
        self.kept = dict(self.now) if self.is_dir else self.now


class Disk:
    def __init__(self, top):
        """What is there when it begins is durable."""
        self.top = str(top)
        self.root = self.load(pathlib.Path(top))

    def load(self, path):
        node = Node(path.is_dir(), path.stat().st_mode & 0o777)
        node.now = {p.name: self.load(p) for p in path.iterdir()} if node.is_dir else path.read_bytes()
        node.sync()
        return node

    def find(self, path):
        """The folder that holds path, and its name there."""
        parts = [x for x in path[len(self.top):].split("/") if x not in ("", ".")]
        node = self.root
        for part in parts[:-1]:
            node = node.now[part]
        return node, parts[-1] if parts else None

    def node(self, path):
        holder, name = self.find(path)
        return holder if name is None else holder.now.get(name)

    def play(self, call):
        if call.how != "ok":
            return
        holder, name = self.find(call.path)
        if call.what == "create":
            holder.now.setdefault(name, Node(False))
        elif call.what == "mkdir":
            holder.now[name] = Node(True, 0o700)
        elif call.what == "write":
            file = holder.now[name]
            file.now = file.now[:call.offset].ljust(call.offset, b"\0") + call.data + \
                file.now[call.offset + len(call.data):]
        elif call.what == "sync":
            self.node(call.path).sync()
        elif call.what == "unlink":
            del holder.now[name]
        elif call.what in ("rename", "link"):
            to, new_name = self.find(call.second)
            to.now[new_name] = holder.now[name]
            if call.what == "rename":
                del holder.now[name]
        elif call.what != "close":
            raise AssertionError(f"the model does not know {call}")

    def leave(self, to, names, bytes_of):
        """What a crash leaves, in folder `to`: names(node) and bytes_of(node) choose."""
        shutil.rmtree(to, ignore_errors=True)
        self.write(self.root, pathlib.Path(to), names, bytes_of)

    def write(self, node, path, names, bytes_of):
        if not node.is_dir:
            path.write_bytes(bytes_of(node))
            path.chmod(node.mode)
            return
        path.mkdir()
        for name, inner in names(node).items():
            self.write(inner, path / name, names, bytes_of)
        path.chmod(node.mode)


def by_chance(rng):
    """Each change of a folder that was not synced is there or not, each for itself."""
    def names(node):
        found = dict(node.kept)
        for name in set(node.now) | set(node.kept):
            if node.now.get(name) is not node.kept.get(name) and rng.random() < 0.5:
                found.pop(name, None)
                if name in node.now:
                    found[name] = node.now[name]
        return found

    def bytes_of(node):
        if node.now == node.kept:
            return node.now
        return rng.choice([node.kept, node.now, node.now[:len(node.now) // 2], b"\0" * len(node.now)])

    return names, bytes_of


def crashes(seed):
    yield "nothing unsynced is kept", lambda n: n.kept, lambda n: n.kept
    yield "names are kept, bytes are not", lambda n: n.now, lambda n: n.kept
    yield "names are kept, bytes are zero", lambda n: n.now, lambda n: n.kept.ljust(len(n.now), b"\0")
    yield ("by chance", *by_chance(random.Random(seed)))


def look_after_crash(act, p, what, disk, names, bytes_of):
    """p: what was reported."""
    crashed = Place(p.src.parent / "crashed")
    shutil.rmtree(crashed.path, ignore_errors=True)
    crashed.path.mkdir()
    crashed.be_like(p)
    disk.leave(crashed.repo, names, bytes_of)
    try:
        act.check(crashed)
        act.finish(crashed)
    except (AssertionError, OSError) as e:
        raise AssertionError(what) from e


def power_fails_everywhere(act, here, at_most):
    before = act.prepare(here)
    after = before.fork("after")
    disk = Disk(after.repo)
    log = act.run(after, under=after.repo, calls=CHANGES, data=1).expect(0).log
    tried = 0
    chosen = set(some(len(log), at_most))
    for n, call in enumerate(log, 1):
        disk.play(call)
        if n not in chosen:
            continue
        for word, names, bytes_of in crashes(n):
            look_after_crash(act, after if n == len(log) else before,
                             f"{act.name}, after call {n} ({call.what} {call.path}), {word}", disk, names, bytes_of)
            tried += 1
    return tried


def claim(act, at_most):
    def run(here):
        return power_fails_everywhere(act, here, at_most)
    run.__name__ = f"power_cut_at_any_moment_of_a_{act.name}_loses_nothing_that_was_reported".replace(" ", "_")
    test(run)


for each in ACTS:
    claim(each, 6)


@test
def backup_that_relies_on_what_a_killed_one_left_outlives_a_power_cut(here):
    """The killed run has named objects that it did not come to sync; the next one builds on them."""
    ready = BACKUP.prepare(here)
    log = BACKUP.run(ready.fork("count"), under=ready.path / "count/repo", calls=CHANGES).log
    tried = 0
    for n in (i + 2 for i, call in enumerate(log) if call.what == "rename"):
        p = ready.fork("twice")
        disk = Disk(p.repo)
        first = BACKUP.run(p, under=p.repo, calls=CHANGES, at=n, do="kill", data=1).log
        second = BACKUP.run(p, under=p.repo, calls=CHANGES, data=1).expect(0).log
        for call in first + second:
            disk.play(call)
        look_after_crash(BACKUP, p, f"first run killed at call {n}", disk, lambda x: x.kept, lambda x: x.kept)
        tried += 1
    return tried
