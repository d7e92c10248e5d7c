"""Calls that fail: on the store's side, on the source's, on the restore's target."""
import errno
import os
import shutil

from acts import ACTS, BACKUP, REPAIR, count_calls
from place import CHANGES, GROWS, READS, Place, picture, same_picture, some, test, two_versions, write_source

# What fails, which calls, and whether it goes on failing: a full disk stays full.
ON_CHANGES = [
    ("full disk", errno.ENOSPC, GROWS, True),
    ("I/O error", errno.EIO, CHANGES, False),
    ("no permission", errno.EACCES, GROWS, True),
    ("read-only filesystem", errno.EROFS, CHANGES, True),
]


def must_name(result, number):
    """The message says which object or file, and what the system said."""
    said = result.told()
    reason = os.strerror(number)
    if reason not in said:
        raise AssertionError(f"the message does not say '{reason}': {result}")
    parts = {part for call in result.log if call.how == "hit" for path in (call.path, call.second)
             for part in path.split("/")[-2:] if part}
    if not any(part in said for part in parts):
        raise AssertionError(f"the message names none of {parts}: {result}")


def store_fails(act, ready, n, number, calls, sticky):
    """Whether the run came to its nth call."""
    p = ready.fork("failing")
    result = act.run(p, under=p.repo, calls=calls, at=n, do=number, sticky=1 if sticky else None)
    try:
        if not result.was_hit():
            return False
        if result.code == 0:
            # Only what does not matter may fail unseen: then all is there.
            act.check(p)
            return True
        result.expect(1, 3, 13, 15)
        must_name(result, number)
        act.check(p)
        if not sticky:
            left = list((p.repo / "tmp").iterdir())
            if left and result.hit().what != "unlink":
                raise AssertionError(f"left behind: {left}")
        act.finish(p)
    except AssertionError as e:
        raise AssertionError(f"{act.name}, {os.strerror(number)} at call {n}: {result}") from e
    return True


def store_fails_everywhere(act, here, at_most):
    ready = act.prepare(here)
    tried = 0
    for _, number, calls, sticky in ON_CHANGES:
        for n in some(count_calls(act, ready, calls), at_most):
            tried += store_fails(act, ready, n, number, calls, sticky)
    assert tried > 0
    return tried


def reading_the_store_fails_everywhere(act, here, at_most):
    ready = act.prepare(here)
    tried = 0
    for n in some(count_calls(act, ready, READS), at_most):
        tried += store_fails(act, ready, n, errno.EIO, READS, False)
    return tried


def store_is_slow(act, here, at_most):
    """Calls that do half, or are interrupted, are no errors at all."""
    ready = act.prepare(here)
    tried = 0
    for do in ("short", errno.EINTR):
        for n in some(count_calls(act, ready, "read,write"), at_most):
            p = ready.fork("slow")
            result = act.run(p, under=p.repo, calls="read,write", at=n, do=do)
            result.expect(0)
            act.check(p)
            tried += result.was_hit()
    return tried


def claims(act, at_most):
    def changes(here):
        return store_fails_everywhere(act, here, at_most)

    def reads(here):
        return reading_the_store_fails_everywhere(act, here, at_most)

    def slow(here):
        return store_is_slow(act, here, at_most)

    changes.__name__ = f"{act.name}_on_a_failing_store_says_so_and_harms_nothing"
    reads.__name__ = f"{act.name}_that_cannot_read_the_store_says_so_and_harms_nothing"
    slow.__name__ = f"{act.name}_lives_with_short_and_interrupted_reads_and_writes"
    for function in (changes, reads, slow):
        function.__name__ = function.__name__.replace(" ", "_")
        test(function)


for each in ACTS:
    claims(each, 7)


@test
def repair_asks_again_for_a_pack_that_could_not_be_read(here):
    ready = REPAIR.prepare(here)
    tried = 0
    for n in some(count_calls(REPAIR, ready, "read"), 20):
        p = ready.fork("failing")
        result = REPAIR.run(p, under=p.repo, calls="read", at=n, do=errno.EIO)
        if result.was_hit() and "/packs/" in result.hit().path:
            assert result.expect(0).result()["packs_unreadable"] == 0, result
            tried += 1
    assert tried > 0
    return tried


# --- the source ---

def source_fails(ready, n, number):
    p = ready.fork("source")
    result = BACKUP.run(p, under=p.src, calls=READS, at=n, do=number)
    if not result.was_hit():
        return False
    try:
        if result.code == 0:
            p.must_be_sound()  # the snapshot is the source, as must_be_sound compares
            return True
        result.expect(1, 3)
        must_name(result, number)
        if result.code == 3:
            p.reported.popitem()  # that one is not whole, and says so
        p.must_be_sound()
        p.must_go_on()
    except AssertionError as e:
        raise AssertionError(f"{os.strerror(number)} at call {n} of the source: {result}") from e
    return True


@test
def source_that_cannot_be_read_is_never_a_success(here):
    ready = two_versions(here)
    calls = BACKUP.run(ready.fork("count"), under=ready.src, calls=READS).log
    tried = 0
    for number in (errno.EIO, errno.EACCES):
        for n in some(len(calls), 18):
            tried += source_fails(ready, n, number)
    assert tried > 0
    return tried


@test
def source_that_gives_short_or_interrupted_reads_is_saved_whole(here):
    ready = two_versions(here)
    calls = BACKUP.run(ready.fork("count"), under=ready.src, calls="read").log
    tried = 0
    for do in ("short", errno.EINTR):
        for n in some(len(calls), 10):
            p = ready.fork("source")
            tried += BACKUP.run(p, under=p.src, calls="read", at=n, do=do).expect(0).was_hit()
            p.must_be_sound()
    return tried


# --- the target of a restore ---

def to_restore(here):
    """A place, and what is to come back."""
    p = Place(here)
    p.init()
    write_source(p.src, 1)
    snapshot = p.note(p.backup().expect(0))
    p.out = here / "target"
    return p, snapshot


def target_fails(p, snapshot, n, number, calls, sticky):
    result = p.restore(snapshot, under=p.out, calls=calls, at=n, do=number, sticky=1 if sticky else None)
    if not result.was_hit():
        return False
    want = p.reported[snapshot]
    try:
        if result.code == 0:
            same_picture(picture(p.out), want)
            return True
        result.expect(1, 3)
        must_name(result, number)
        got = picture(p.out) if p.out.is_dir() else {}
        for path, is_now in got.items():  # wrong and not named: somebody would take it for right
            if is_now[4] != want[path][4] and path.split("/")[-1] not in result.told() and result.code == 3:
                raise AssertionError(f"{path} is wrong, and was not named")
        p.restore(snapshot).expect(0)
        same_picture(picture(p.out), want)
    except (AssertionError, KeyError) as e:
        raise AssertionError(f"{os.strerror(number)} at call {n} of the target: {result}") from e
    return True


@test
def restore_to_a_failing_target_is_never_a_success(here):
    p, snapshot = to_restore(here)
    tried = 0
    for _, number, calls, sticky in ON_CHANGES:
        log = p.restore(snapshot, under=p.out, calls=calls).expect(0).log
        for n in some(len(log), 15):
            tried += target_fails(p, snapshot, n, number, calls, sticky)
    assert tried > 0
    return tried


@test
def restore_lives_with_short_and_interrupted_writes(here):
    p, snapshot = to_restore(here)
    tried = 0
    for under in (p.out, p.repo):
        log = p.restore(snapshot, under=under, calls="read,write").expect(0).log
        for do in ("short", errno.EINTR):
            for n in some(len(log), 15):
                tried += p.restore(snapshot, under=under, calls="read,write", at=n, do=do).expect(0).was_hit()
                same_picture(picture(p.out), p.reported[snapshot])
    return tried


@test
def restore_and_verify_of_a_store_that_cannot_be_read_are_never_a_success(here):
    p, snapshot = to_restore(here)
    tried = 0
    for command in (lambda **kw: p.restore(snapshot, **kw), lambda **kw: p.run("verify", "--read-data", **kw),
                    lambda **kw: p.run("snapshots", **kw), lambda **kw: p.run("ls", "-R", snapshot, **kw)):
        right = command(under=p.repo, calls=READS).expect(0)
        for n in some(len(right.log), 20):
            shutil.rmtree(p.path / "cache", ignore_errors=True)
            result = command(under=p.repo, calls=READS, at=n, do=errno.EIO)
            if not result.was_hit():
                continue
            tried += 1
            if result.code == 0:
                # A hint of lesser weight: then nothing may be missing.
                assert result.result().keys() == right.result().keys(), str(result)
                for key, value in right.result().items():
                    assert key == "took_ns" or result.result()[key] == value, f"{key}: {result}"
                continue
            result.expect(1, 3, 13)
            must_name(result, errno.EIO)
    return tried
