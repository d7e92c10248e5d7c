"""What is done to a repository while something breaks: each act, on a place that is ready for it."""
import os

import place


class Act:
    """A command that changes the repository."""

    name = "act"

    def prepare(self, here):
        """A place that is ready for it."""
        return place.two_versions(here)

    def arguments(self, p):
        raise NotImplementedError

    def run(self, p, **inject):
        """Run it; what it reports counts from now on."""
        return p.run(*self.arguments(p), **inject)

    def check(self, p):
        """What must hold after it was broken off, and after it was reported done."""
        p.must_be_sound()

    def finish(self, p):
        """What was broken off is done again, and then it holds."""
        self.run(p).expect(0)
        p.must_be_sound()
        p.must_go_on()


class Backup(Act):
    name = "backup"

    def arguments(self, p):
        return ["backup", "--path", p.src]

    def run(self, p, **inject):
        result = super().run(p, **inject)
        p.note(result)
        return result

    def finish(self, p):
        p.must_go_on()


class KeyChange(Act):
    """At every moment one of the two keys opens the repository; once it was reported, only the new one."""

    name = "key change"

    def prepare(self, here):
        p = super().prepare(here)
        p.new_key = here / "new-key"
        p.new_key.write_bytes(os.urandom(64))
        p.new_key.chmod(0o600)
        return p

    def arguments(self, p):
        return ["key", "passwd", "--new-key-file", p.path_of("new-key")]

    def run(self, p, **inject):
        result = super().run(p, **inject)
        p.is_done = p.is_done or result.code == 0
        return result

    def check(self, p):
        old, new = p.path_of("key"), p.path_of("new-key")
        opens = [key for key in (old, new) if p.run("key", "list", key=key).expect(0, 12).code == 0]
        assert opens, "no key opens the repository any more"
        if p.is_done:
            assert opens == [new], "the old key still opens it, though the change was reported"
        p.key = opens[0]
        p.must_be_sound()

    def finish(self, p):
        if p.key == p.path_of("key"):
            self.run(p).expect(0)
            self.check(p)
        p.must_go_on()


class Repair(Act):
    """Of indexes of which one is cut off and one is gone."""

    name = "repair of the index"

    def prepare(self, here):
        p = three_snapshots(here)
        first, second, *_ = sorted((p.repo / "index").iterdir())
        first.unlink()
        second.write_bytes(second.read_bytes()[:100])
        return p

    def arguments(self, p):
        return ["repair", "index"]

    def run(self, p, **inject):
        result = super().run(p, **inject)
        p.is_done = p.is_done or result.code == 0
        return result

    def check(self, p):
        if p.is_done:
            p.must_be_sound()


class Copy(Act):
    """To another repository: its place is the target's."""

    name = "copy"

    def prepare(self, here):
        source = super().prepare(here)
        source.note(source.backup().expect(0))
        target = place.Place(here / "target")
        target.src, target.key = source.src, source.key
        target.path.mkdir()
        target.run("init", as_json=False).expect(0)
        target.originals = source.reported
        return target

    def arguments(self, p):
        return ["copy", "--from", p.path_of("repo"), "--from-key-file", p.key]

    def run(self, p, **inject):
        result = super().run(p, **inject)
        last = result.result() or {}
        for s in last.get("snapshots", []):
            if s.get("snapshot"):
                p.reported[s["snapshot"]] = p.originals[s["original"]]
        return result

    def finish(self, p):
        self.run(p).expect(0)
        assert len(p.listed()) == len(p.originals), "not every snapshot was copied, or one was copied twice"
        p.must_be_sound()
        p.must_go_on()


def three_snapshots(here):
    """Each has data of its own, in packs that it shares with the others."""
    p = place.two_versions(here)
    p.note(p.backup().expect(0))
    place.write_source(p.src, 3)
    p.note(p.backup().expect(0))
    place.write_source(p.src, 4)
    return p


class Forget(Act):
    """What is to be kept is kept; what is to go may be there or not until it was reported."""

    name = "forget"

    def prepare(self, here):
        p = three_snapshots(here)
        for snapshot in list(p.reported)[:-1]:
            del p.reported[snapshot]
        return p

    def arguments(self, p):
        return ["forget", "--keep-last", 1]

    def run(self, p, **inject):
        result = super().run(p, **inject)
        p.is_done = p.is_done or result.code == 0
        return result

    def check(self, p):
        p.must_be_sound()
        if p.is_done:
            assert p.listed() == set(p.reported), "what was reported as forgotten is there"


class Prune(Act):
    """Packs are removed, and others copied in part."""

    name = "prune"

    def prepare(self, here):
        p = three_snapshots(here)
        for snapshot in list(p.reported)[:-1]:
            p.run("forget", snapshot).expect(0)
            del p.reported[snapshot]
        return p

    def arguments(self, p):
        return ["prune", "--max-unused", 0]

    def finish(self, p):
        self.must_have_ended(p, self.run(p))

    def must_have_ended(self, p, result):
        last = result.expect(0).result()
        assert last["unused_bytes"] == 0, f"unused data is left: {last}"
        assert not list((p.repo / "marks").glob("*")), "a mark is left"
        p.must_be_sound()
        p.must_go_on()


BACKUP = Backup()
PRUNE = Prune()
REPAIR = Repair()
ACTS = [BACKUP, KeyChange(), Copy(), REPAIR, Forget(), PRUNE]


def count_calls(act, ready, calls):
    """How many calls that count an undisturbed run makes."""
    p = ready.fork("count")
    result = act.run(p, under=p.repo, calls=calls)
    result.expect(0)
    return len(result.log)
