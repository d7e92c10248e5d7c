"""The golden repositories of tests/data: read for ever; what is broken is named, the rest comes back."""
import hashlib
import json
import os
import pathlib
import pwd
import re
import shutil
import stat
import subprocess

from place import INJECT, ROOT, Place, Result, picture, same_picture, test, two_versions

GOLDEN = ROOT / "tests/data/golden"
V1 = GOLDEN / "v1"
FIRST, SECOND = json.loads((V1 / "manifest.json").read_text())
CHANGED = r"/tmp/stacksnap-golden/src/changed"
ID2 = SECOND["id"][:8]


def golden(here, name):
    """A place with that repository, which must not be changed by reading it."""
    p = Place(here)
    p.repo = V1 / name
    shutil.copy(GOLDEN / "key-file", p.key)
    p.key.chmod(0o600)
    return p


def state_of(folder):
    return {p: (p.read_bytes() if p.is_file() else None) for p in sorted(folder.rglob("*"))}


def describe(path):
    st = path.lstat()
    found = {"mode": stat.filemode(st.st_mode), "mtime": st.st_mtime}
    if path.is_symlink():
        found["target"] = os.readlink(path)
    elif path.is_file():
        found["size"] = st.st_size
        found["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def comes_back(p, snapshot, but=()):
    """All of the snapshot, but for those names."""
    shutil.rmtree(p.out, ignore_errors=True)
    result = p.run("restore", snapshot["id"], "--path", snapshot["root"], "--to", p.out)
    result.expect(3 if but else 0)
    for name, want in snapshot["files"].items():
        if name in but:
            assert any(name in e["subject"] for e in result.problems()), f"{name} is not named: {result}"
            continue
        got = describe(p.out / name)
        assert got == want, f"{name}: {got}, not {want}"


def does_not_come_back(p, snapshot, code, words):
    shutil.rmtree(p.out, ignore_errors=True)
    says(p.run("restore", snapshot["id"], "--path", snapshot["root"], "--to", p.out), code, words)


def says(result, code, *patterns):
    result.expect(code)
    for pattern in patterns:
        if not re.search(pattern, result.told()):
            raise AssertionError(f"no {pattern!r} in: {result}")
    return result


def golden_test(name):
    def wrap(function):
        def run(here):
            p = golden(here, name)
            before = state_of(p.repo)
            function(p)
            assert state_of(V1 / name) == before, "the golden repository was changed by reading it"
            return 1
        run.__name__ = function.__name__
        return test(run)
    return wrap


@golden_test("sound")
def golden_repository_is_read_whole(p):
    says(p.run("verify", "--read-data"), 0)
    comes_back(p, FIRST)
    comes_back(p, SECOND)
    listed = p.run("snapshots").expect(0).result()["snapshots"]
    assert [s["id"] for s in listed] == [FIRST["id"], SECOND["id"]]


def by_passphrase(p, *args):
    """As p.run, but with the passphrase in place of the key file."""
    password = p.path / "password"
    shutil.copy(GOLDEN / "passphrase", password)
    password.chmod(0o600)
    argv = [a for a in p.command(*args) if a not in ("--key-file", str(p.key))]
    done = subprocess.run([*argv, "--password-file", password], env=p.env(), check=False, capture_output=True,
                          text=True)
    return Result(argv, done.returncode, done.stdout, done.stderr, [])


@golden_test("sound")
def golden_repository_opens_with_its_passphrase(p):
    by_passphrase(p, "verify").expect(0)


@golden_test("flipped-pack")
def flipped_bit_in_a_pack_hurts_the_one_file_that_lies_there(p):
    says(p.run("verify", "--read-data"), 13, r'"packs/7a/\w+","text":"[^"]*(do not fit|was altered)',
         rf'"{ID2}:{CHANGED}","text":"file cannot be restored whole: ')
    comes_back(p, FIRST)
    comes_back(p, SECOND, ["changed", "only in 2"])


@golden_test("flipped-tree-pack")
def flipped_bit_in_a_pack_of_trees_hurts_that_snapshot_alone(p):
    for command in (["verify"], ["verify", "--read-data"]):
        says(p.run(*command), 13, rf'"{ID2}:[^"]*","text":"folder, with all below it, cannot be restored whole: ')
    comes_back(p, FIRST)
    does_not_come_back(p, SECOND, 13, "packs/35/.*the data was altered")


@golden_test("truncated-pack")
def truncated_pack_is_found_without_reading_the_data(p):
    for command in (["verify"], ["verify", "--read-data"]):
        says(p.run(*command), 13, r'"packs/7a/\w+","text":"has 1113 bytes, not 2227', rf'"{ID2}:{CHANGED}"')
    comes_back(p, FIRST)
    comes_back(p, SECOND, ["changed", "only in 2"])


@golden_test("missing-pack")
def missing_pack_is_found_and_what_it_held_is_named(p):
    for command in (["verify"], ["verify", "--read-data"]):
        says(p.run(*command), 13, r'"packs/7a/\w+","text":"is missing: an index names it', rf'"{ID2}:{CHANGED}"')
    comes_back(p, FIRST)
    comes_back(p, SECOND, ["changed", "only in 2"])


@golden_test("missing-index")
def missing_index_hurts_what_it_alone_knew(p):
    says(p.run("verify"), 13, rf'"{ID2}:[^"]*","text":"[^"]*cannot be restored whole: [^"]*no index')
    comes_back(p, FIRST)
    does_not_come_back(p, SECOND, 13, "no index knows it")


def index_is_lost(p, code, words):
    """The first snapshot needs another index: it comes back, and all reading goes on."""
    warning = rf'"warning",[^}}]*"index/\w+","text":"what only this index knows of counts as missing[^}}]*{words}'
    listed = says(p.run("snapshots"), 0, warning).result()["snapshots"]
    assert len(listed) == 2, listed
    says(p.run("ls", "-R", FIRST["id"]), 0, warning)
    comes_back(p, FIRST)
    does_not_come_back(p, SECOND, 13, "no index knows it")
    says(p.run("verify"), code, warning, rf'"{ID2}:[^"]*","text":"[^"]*cannot be restored whole')


@golden_test("damaged-index")
def damaged_index_hurts_what_it_alone_knew(p):
    index_is_lost(p, 13, "its bytes do not fit its name")


@golden_test("newer-index")
def newer_index_hurts_what_it_alone_knew(p):
    index_is_lost(p, 13, "format version 2: use a newer StackSnap")


@golden_test("damaged-slot")
def damaged_key_slot_is_told_from_a_wrong_passphrase(p):
    says(p.run("verify"), 13, r"keys/\w+\W.*its bytes do not fit its name")  # opened by the other slot
    comes_back(p, SECOND)
    says(by_passphrase(p, "verify"), 13, r"one is damaged: keys/\w+: its bytes do not fit its name")


@golden_test("damaged-snapshot")
def damaged_snapshot_hides_no_other(p):
    hurt = rf'"text":"[^"]*cannot be [^"]*snapshots/{SECOND["id"]}: its bytes do not fit its name'
    listed = says(p.run("snapshots"), 13, hurt).result()["snapshots"]
    assert [s["id"] for s in listed] == [FIRST["id"]], listed
    says(p.run("verify"), 13, hurt)
    comes_back(p, FIRST)
    does_not_come_back(p, SECOND, 13, "its bytes do not fit its name")
    says(p.run("ls", "latest"), 13, f"find the latest snapshot: .*{SECOND['id']}")


@golden_test("damaged-config")
def damaged_config_is_named(p):
    for command in (["verify"], ["snapshots"], ["ls", FIRST["id"]]):
        says(p.run(*command), 13, "config: ")


@golden_test("newer-config")
def newer_format_has_its_own_exit_code(p):
    for command in (["verify"], ["snapshots"], ["ls", FIRST["id"]], ["backup", "--path", p.path]):
        says(p.run(*command), 14, "repository format version 257; this StackSnap reads version 1: use a newer one")


@golden_test("newer-slot")
def newer_key_slot_has_its_own_exit_code(p):
    says(p.run("snapshots"), 14, r"keys/\w+: key slot of format version 2")


@golden_test("newer-snapshot")
def newer_snapshot_hides_no_other(p):
    newer = r"snapshots/\w+: format version 2: use a newer StackSnap"
    listed = says(p.run("snapshots"), 14, newer).result()["snapshots"]
    assert [s["id"] for s in listed] == [FIRST["id"]], listed
    comes_back(p, FIRST)


@golden_test("newer-mark")
def newer_mark_stops_writers_and_not_readers(p):
    says(p.run("verify", "--read-data"), 0)
    comes_back(p, SECOND)
    source = p.path / "source"
    source.mkdir()
    (source / "file").write_text("x")
    says(p.run("backup", "--path", source), 14, r"marks/\w+")


@golden_test("damaged-snapshot")
def backup_goes_on_beside_a_damaged_snapshot(p):
    shutil.copytree(p.repo, p.path / "repo")
    p.repo = p.path / "repo"
    source = p.path / "source"
    source.mkdir()
    (source / "file").write_text("x")
    says(p.run("backup", "--path", source), 0, "an earlier snapshot is passed over")


@test
def backup_beside_a_damaged_index_stores_again_what_it_needs(here):
    p = two_versions(here)
    index = next((p.repo / "index").iterdir())
    index.write_bytes(index.read_bytes()[:-1])
    shutil.rmtree(p.path / "cache")
    made = p.note(says(p.backup(), 0, "what only this index knows of counts as missing"))
    p.restore(made).expect(0)
    same_picture(picture(p.out), p.reported[made])
    return 1


def repaired(here, name, code):
    p = golden(here, name)
    shutil.rmtree(here / "repo", ignore_errors=True)
    shutil.copytree(p.repo, here / "repo")
    p.repo = here / "repo"
    p.run("repair", "index").expect(code)
    return p


@test
def repair_mends_what_can_be_mended(here):
    for name in ("sound", "missing-index", "damaged-index"):
        p = repaired(here, name, 0)
        p.run("verify", "--read-data").expect(0)
        comes_back(p, FIRST)
        comes_back(p, SECOND)
    return 3


@test
def repair_tells_what_is_lost_and_loses_no_more(here):
    for name in ("missing-pack", "truncated-pack"):
        p = repaired(here, name, 3)
        says(p.run("verify"), 13, rf'"{ID2}:{CHANGED}"')
        comes_back(p, FIRST)
        comes_back(p, SECOND, ["changed", "only in 2"])
    return 2


@test
def repair_leaves_alone_what_a_newer_version_wrote(here):
    for name, code in (("newer-index", 14), ("newer-mark", 11)):
        p = repaired(here, name, code)
        assert state_of(p.repo).keys() == {p.repo / x.relative_to(V1 / name) for x in state_of(V1 / name)}
    return 2


# --- a repository that cannot be written to ---

def as_nobody(p, *args, code):
    """An ordinary user, who has no home and no cache."""
    nobody = pwd.getpwnam("nobody")
    p.out.mkdir(exist_ok=True, mode=0o777)
    p.out.chmod(0o777)
    env = {"PATH": os.environ["PATH"], "TZ": "UTC", "TMPDIR": "/tmp"}
    result = subprocess.run(p.command(*args), env=env, capture_output=True, text=True, check=False, cwd="/",
                            **({"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
                               if os.geteuid() == 0 else {}))
    if result.returncode != code:
        raise AssertionError(f"{args}: exit code {result.returncode}, not {code}: {result.stdout}{result.stderr}")
    return result.stdout + result.stderr


@test
def read_only_repository_is_read_by_an_ordinary_user_without_a_cache(here):
    p = golden(here, "sound")
    shutil.copytree(p.repo, here / "repo")
    p.repo = here / "repo"
    os.chmod(p.key, 0o444)
    for path in [p.repo, *p.repo.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    here.parent.chmod(0o755)
    here.chmod(0o755)
    program = readable_program(here)
    p.command = lambda *args, **kw: [program, *Place.command(p, *args, **kw)[1:]]
    as_nobody(p, "snapshots", code=0)
    as_nobody(p, "verify", "--read-data", code=0)
    as_nobody(p, "ls", "-R", SECOND["id"], code=0)
    # Others' files become the user's own: that alone is missing.
    said = as_nobody(p, "restore", SECOND["id"], "--path", SECOND["root"] + "/changed", "--to", p.out / "new", code=3)
    assert "set owner 0:0" in said and json.loads(said.splitlines()[-1])["problems"] == 1, said
    assert describe(p.out / "new/changed")["sha256"] == SECOND["files"]["changed"]["sha256"]
    said = as_nobody(p, "backup", "--path", "/etc/hostname", code=15)
    assert re.search(rf"the repository is read-only: {p.repo}: .*Permission denied", said), said
    return 5


def readable_program(here):
    program = here / "stacksnap"
    shutil.copy(Place(here).command()[0], program)
    program.chmod(0o755)
    return str(program)


def in_read_only_mount(p, *args):
    """With the repository on a read-only mount; None where mounts are not allowed."""
    script = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" || exit 99; shift; exec "$@"'
    done = subprocess.run(["unshare", "--mount", "sh", "-c", script, "sh", p.repo, *p.command(*args)], env=p.env(),
                          capture_output=True, text=True, check=False)
    return None if done.returncode in (1, 99) and "type" not in done.stdout else \
        Result(list(args), done.returncode, done.stdout, done.stderr, [])


@test
def read_only_mount_is_read_and_not_written_to(here):
    p = golden(here, "sound")
    shutil.copytree(p.repo, here / "repo")
    p.repo = here / "repo"
    if in_read_only_mount(p, "snapshots") is None:
        return 0
    for command in (["snapshots"], ["verify", "--read-data"], ["ls", "-R", FIRST["id"]]):
        in_read_only_mount(p, *command).expect(0)
    readonly = "the repository is read-only: .*Read-only file system"
    for command in (["backup", "--path", "/etc/hostname"], ["key", "add", "--new-key-file", p.key],
                    ["repair", "index"]):
        says(in_read_only_mount(p, *command), 15, readonly)
    return 6


@test
def read_only_filesystem_is_told_before_anything_is_read(here):
    """As inject.c lets it be: all that changes something is refused."""
    p = golden(here, "sound")
    source = here / "source"
    source.mkdir()
    (source / "file").write_text("x")
    shutil.copytree(p.repo, here / "repo")
    p.repo = here / "repo"
    assert pathlib.Path(INJECT).exists()
    result = p.run("backup", "--path", source, under=p.repo, calls="create,write,rename,mkdir,unlink", at=1, do=30,
                   sticky=1)
    says(result, 15, "the repository is read-only: .*Read-only file system")
    return 1
