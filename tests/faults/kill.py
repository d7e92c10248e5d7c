"""kill -9 at every call that changes the store."""
import os
import random
import shutil
import signal
import subprocess
import time

from acts import ACTS, PRUNE, count_calls
from place import CHANGES, Place, some, test, write_source


def kill_at(act, ready, n, how):
    """Whether the run came to its nth call; it is killed there.  What must hold is checked."""
    p = ready.fork("killed")
    result = act.run(p, under=p.repo, calls=CHANGES, at=n, do=how)
    if result.was_hit():
        result.expect(-signal.SIGKILL)
    try:
        act.check(p)
        act.finish(p)
    except AssertionError as e:
        raise AssertionError(f"{act.name}, {how} at call {n}: {result}") from e
    return result.was_hit()


def kill_everywhere(act, here, how, at_most):
    ready = act.prepare(here)
    tried = 0
    for n in some(count_calls(act, ready, CHANGES), at_most):
        tried += kill_at(act, ready, n, how)
    assert tried > 0, "no call was ever reached"
    return tried


def claim(act, how, at_most, words):
    def run(here):
        return kill_everywhere(act, here, how, at_most)
    run.__name__ = f"{act.name}_{words}".replace(" ", "_")
    test(run)


for each in ACTS:
    claim(each, "kill", 1000 if each.name == "backup" else 12, "killed before any change of the store loses nothing")
    claim(each, "cut", 5, "killed in the middle of a write loses nothing")


@test
def backup_killed_at_random_moments_loses_nothing(here):
    """From outside, without any library: where threads are is chance."""
    act = ACTS[0]
    p = act.prepare(here)
    tried = 0
    p.extra_env = {"LD_PRELOAD": ""}
    for seed in range(40 if len(some(1000, 2)) > 2 else 6):
        (p.src / "large").write_bytes(random.Random(seed).randbytes(20_000_000))
        child = subprocess.Popen(p.command("backup", "--path", p.src), env=p.env(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        time.sleep(random.Random(seed).random() * 0.25)
        child.kill()
        p.note_lines(child.communicate()[0])
        tried += child.returncode == -signal.SIGKILL
        p.run("verify", "--read-data").expect(0)
    p.must_be_sound()
    p.must_go_on()
    return tried


ELSEWHERE = ["unshare", "--uts", "sh", "-c", 'hostname elsewhere && exec "$@"', "sh"]


@test
def prune_that_died_on_another_host_is_undone_by_take_over_alone(here):
    """Nobody here can tell whether it has died, so it counts as alive until somebody says so."""
    if os.geteuid() != 0:
        return 0
    ready = PRUNE.prepare(here)
    tried = 0
    for n in some(count_calls(PRUNE, ready, CHANGES), 8):
        p = ready.fork("killed")
        p.before = ELSEWHERE
        PRUNE.run(p, under=p.repo, calls=CHANGES, at=n, do="kill").expect(-signal.SIGKILL)
        p.before = []
        if not list((p.repo / "marks").glob("*")):
            continue  # before its first, or after its last
        for command in (["prune"], ["prune", "--max-unused", 0], ["forget", "--keep-last", 1, "--prune"]):
            refused = p.run(*command).expect(11)
            assert "another prune is at it (on host elsewhere, process " in refused.err, refused
        p.run("prune", "--dry-run").expect(0)
        p.must_be_sound()
        p.note(p.backup().expect(0))  # who only adds needs not wait
        PRUNE.must_have_ended(p, p.run("prune", "--max-unused", 0, "--take-over"))
        tried += 1
    assert tried > 2
    return tried


@test
def init_that_was_killed_can_be_done_again(here):
    p = Place(here)
    write_source(p.src, 1)
    p.write_key()
    tried = 0
    for n in range(1, 100):
        shutil.rmtree(p.repo, ignore_errors=True)
        result = p.run("init", as_json=False, under=p.repo, calls=CHANGES, at=n, do="kill")
        if not result.was_hit():
            break
        tried += 1
        if p.run("snapshots").code == 10:
            p.run("init", as_json=False).expect(0)
        assert len(list((p.repo / "keys").iterdir())) == 1, f"killed at call {n}: more than one key"
        p.must_go_on()
    assert tried > 5
    return tried
