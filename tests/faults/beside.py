"""Reading beside running backups: what they add meanwhile is no damage."""
import shutil
import threading
import time

from place import Place, test, two_versions


def back_up_all_the_time(p, stop, failures):
    """The source changes each time, so each run has an index of its own."""
    number = 0
    while not stop.is_set():
        (p.src / "dir/changing").write_text(str(number))
        result = p.backup()
        if result.code not in (0, 3):  # 3: it changed while it was read
            failures.append(result)
        number += 1


def prune_all_the_time(p, stop, failures):
    while not stop.is_set():
        for command in (["forget", "--keep-last", 8], ["prune", "--max-unused", 0]):
            result = p.run(*command)
            if result.code != 0:
                failures.append(result)


def read_beside(here, commands, seconds, with_prune=False):
    """Each of the commands in turn, all the time."""
    p = two_versions(here)
    p.note(p.backup().expect(0))
    stop = threading.Event()
    failures = []
    writers = []
    for number in range(2):
        w = Place(here / f"writer{number}")
        w.path.mkdir()
        w.src, w.key, w.repo = here / f"source{number}", p.key, p.repo
        shutil.copytree(p.src, w.src, symlinks=True)
        writers.append(threading.Thread(target=back_up_all_the_time, args=(w, stop, failures)))
    if with_prune:
        pruner = Place(here / "pruner")
        pruner.path.mkdir()
        pruner.src, pruner.key, pruner.repo = p.src, p.key, p.repo
        writers.append(threading.Thread(target=prune_all_the_time, args=(pruner, stop, failures)))
    for w in writers:
        w.start()
    tried = 0
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            commands[tried % len(commands)](p)
            tried += 1
    finally:
        stop.set()
        for w in writers:
            w.join()
    assert not failures, failures[0]
    p.run("verify", "--read-data").expect(0)
    return tried


def copier(here):
    target = Place(here / "target")

    def copy(p):
        if not target.repo.exists():
            target.path.mkdir()
            target.key = p.key
            target.run("init", as_json=False).expect(0)
        p.run("copy", "--from", p.repo, "--from-key-file", p.key, repo=target.repo).expect(0)

    return copy


def restore_latest(p):
    shutil.rmtree(p.out, ignore_errors=True)
    p.run("restore", "latest", "--to", p.out).expect(0)


def verify(p):
    p.run("verify", "--read-data").expect(0)


def stats(p):
    p.run("stats").expect(0)


@test
def reading_beside_running_backups_finds_no_damage(here):
    return read_beside(here, [verify, copier(here), restore_latest, stats], 6)


@test
def reading_beside_a_running_prune_finds_no_damage(here):
    return read_beside(here, [verify, stats, restore_latest, copier(here), stats], 12, with_prune=True)
