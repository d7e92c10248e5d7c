"""One flipped bit, anywhere in a repository: it is found, what it hurts is named, the rest comes back."""
import random
import shutil

from golden import FIRST, SECOND, V1, describe, golden
from place import some, test

# Every byte is tried by --all, with one bit of it; otherwise so many of each object.
OF_EACH = 10


def flips(repo):
    """(path, offset, bit) to try."""
    rng = random.Random(4)
    for path in sorted(p for p in repo.rglob("*") if p.is_file()):
        size = path.stat().st_size
        for at in some(size, OF_EACH):
            yield path, at - 1, rng.randrange(8)


def hurt_by(verify):
    """Of each snapshot, what verify names: {first digits: {paths}}."""
    named = {}
    for e in verify.problems():
        if ":/" in e["subject"]:
            snapshot, path = e["subject"].split(":", 1)
            named.setdefault(snapshot, set()).add(path.rstrip("/"))
    return named


def is_hurt(path, hurt):
    return any(path == h or path.startswith(h + "/") or h == "" for h in hurt)


def restore_what_is_left(p, snapshot, hurt):
    """What was not named comes back; and what comes back is right, or named once more."""
    shutil.rmtree(p.out, ignore_errors=True)
    result = p.run("restore", snapshot["id"], "--path", snapshot["root"], "--to", p.out)
    if not hurt:
        result.expect(0)
    if result.code == 0:
        assert not hurt, f"restored whole, though verify named {hurt}"
    told = {e["subject"] for e in result.problems()}
    for name, want in snapshot["files"].items():
        if is_hurt(f"/{snapshot['root']}/{name}", hurt):
            if result.code in (0, 3) and (p.out / name).exists() and describe(p.out / name) != want:
                assert any(str(p.out / name).startswith(t) for t in told), f"{name} is wrong, and not named: {result}"
            continue
        assert result.code in (0, 3), f"nothing came back: {result}"
        got = describe(p.out / name) if (p.out / name).is_symlink() or (p.out / name).exists() else None
        assert got == want, f"{name} was not named, and is {got}, not {want}: {result}"


def look_at_flip(p, path, at, bit):
    raw = bytearray(path.read_bytes())
    raw[at] ^= 1 << bit
    path.write_bytes(raw)
    shutil.rmtree(p.path / "cache", ignore_errors=True)
    verify = p.run("verify", "--read-data")
    folder = path.relative_to(p.repo).parts[0]
    assert verify.code in ((10, 12, 13, 14) if folder == "config" else (12, 13, 14)), f"not found: {verify}"
    names = ["config", "repository format version"] if folder == "config" else [path.name]
    assert any(name in verify.told() for name in names), f"the object is not named: {verify}"
    if verify.result().get("error"):
        # Nothing can be read without the config, or with the one key's slot gone.
        assert folder in ("config", "keys"), f"the repository does not open: {verify}"
        return
    named = hurt_by(verify)
    for snapshot in (FIRST, SECOND):
        restore_what_is_left(p, snapshot, named.get(snapshot["id"][:8], set()))


@test
def one_flipped_bit_anywhere_is_found_and_hurts_what_is_named_alone(here):
    p = golden(here, "sound")
    tried = 0
    for path, at, bit in flips(V1 / "sound"):
        p.repo = here / "repo"
        shutil.rmtree(p.repo, ignore_errors=True)
        shutil.copytree(V1 / "sound", p.repo)
        try:
            look_at_flip(p, p.repo / path.relative_to(V1 / "sound"), at, bit)
        except AssertionError as e:
            raise AssertionError(f"bit {bit} of byte {at} of {path}") from e
        tried += 1
    return tried
