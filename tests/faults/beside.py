"""Reading and deleting beside running backups: what they add meanwhile is no damage, and what goes is stored again."""
import os
import shutil
import signal
import subprocess
import threading
import time

from place import Place, picture, same_picture, test, two_versions


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


def packs_of(p):
    return {f for f in (p.repo / "packs").rglob("*") if f.is_file()}


def elsewhere(p, path):
    """The same repository, seen by another host."""
    other = Place(path)
    other.path.mkdir()
    other.src, other.key, other.repo = path / "src", p.key, p.repo
    return other


def stop_with_packs(p, count):
    """A backup that is stopped when it has put so many packs, and these."""
    before = packs_of(p)
    run = subprocess.Popen(p.command("backup", "--path", p.src), env=p.env(), stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while len(packs_of(p) - before) < count:
        assert run.poll() is None, run.communicate()
        time.sleep(0.002)
    run.send_signal(signal.SIGSTOP)
    assert os.WIFSTOPPED(os.waitpid(run.pid, os.WUNTRACED)[1]), "it had ended"
    return run, packs_of(p) - before


@test
def a_backup_whose_packs_went_while_it_was_stopped_stores_them_again(here):
    p = two_versions(here)
    (p.src / "large").write_bytes(os.urandom(80 << 20))
    run, own = stop_with_packs(p, 2)
    try:
        for pack in own:
            os.utime(pack, (time.time() - 2 * 86400,) * 2)
        pruned = elsewhere(p, here / "pruner").run("prune", "--max-unused", 0).expect(0).result()
        assert pruned["stray_packs"] == len(own), pruned
        assert not any(pack.exists() for pack in own)
    finally:
        run.send_signal(signal.SIGCONT)
    out, err = run.communicate(timeout=100)
    assert run.returncode == 0, out + err
    assert "starting over" in out, out
    assert p.note_lines(out)
    p.must_be_sound()
    return len(own)


@test
def what_lies_in_packs_that_are_gone_is_stored_again(here):
    p = Place(here).init()
    p.src.mkdir()
    (p.src / "large").write_bytes(os.urandom(20 << 20))
    p.backup().expect(0)
    gone = {f for f in packs_of(p) if f.stat().st_size > 1 << 20}
    for pack in gone:
        pack.unlink()
    other = elsewhere(p, here / "other")
    shutil.copytree(p.src, other.src)
    made = other.note(other.backup().expect(0))
    other.restore(made).expect(0)
    same_picture(picture(other.out), picture(other.src))
    return len(gone)
