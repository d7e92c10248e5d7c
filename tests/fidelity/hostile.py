"""A tree of all that a Linux filesystem can hold, and more than most tools expect."""
import os
import random
import socket
import struct
import subprocess

IS_ROOT = os.geteuid() == 0
LONG = 255
DEEP = 60  # folders of LONG bytes: four times PATH_MAX


def write(path, data=b"x"):
    with open(path, "wb") as f:
        f.write(data)


def names(root):
    d = root + b"/names"
    os.mkdir(d)
    for name in [b"new\nline", b"tab\t", b"esc\033[31mred", b"\x01\x02\x7f", b"bad\xff\xfe", b"\xc3", b" lead", b"trail ",
                 b"-rf", b"--help", b"*", b"?[a]", b"a\\b", b"'\"`$(x)", b"...", b"..x", b"\xe2\x80\xaegpj.exe",
                 b"u\xcc\x88", b"\xc3\xbc", b"A", b"a", b"%s%n", b"#", b"!", b"~", b"n" * LONG, b"\xff" * LONG]:
        write(d + b"/" + name, name)
    os.mkdir(d + b"/dir\n\xff")
    write(d + b"/dir\n\xff/file\n\xff")


def deep(root):
    fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    for i in range(DEEP):
        name = b"%03d" % i + b"d" * (LONG - 3)
        os.mkdir(name, 0o755, dir_fd=fd)
        below = os.open(name, os.O_RDONLY | os.O_DIRECTORY, dir_fd=fd)
        os.close(fd)
        fd = below
    out = os.open(b"at the bottom", os.O_WRONLY | os.O_CREAT, 0o640, dir_fd=fd)
    os.write(out, b"deep")
    os.close(out)
    os.symlink(b"at the bottom", b"link", dir_fd=fd)
    os.close(fd)


def specials(root):
    d = root + b"/specials"
    os.mkdir(d)
    os.mkfifo(d + b"/fifo", 0o601)
    here = os.getcwd()
    os.chdir(d)  # a socket's path is short
    s = socket.socket(socket.AF_UNIX)
    s.bind(b"socket")
    s.close()
    os.chdir(here)
    for name, target in [(b"dangling", b"no/such/thing"), (b"absolute", b"/etc/passwd"), (b"loop", b"loop"),
                         (b"loop2", b"../specials/loop2/x"), (b"up", b"../../../../../../../.."), (b"bytes", b"\xff\n"),
                         (b"long", b"t" * 4095), (b"slashes", b"a//b/./c/"), (b"to dir", b"../names")]:
        os.symlink(target, d + b"/" + name)
    if IS_ROOT:
        os.mknod(d + b"/char", 0o020666, os.makedev(1, 3))
        os.mknod(d + b"/block", 0o060600, os.makedev(7, 200))
        os.mknod(d + b"/big numbers", 0o020600, os.makedev(4095, 1048575))


def sparse(root):
    d = root + b"/sparse"
    os.mkdir(d)
    block = os.urandom(65536)
    for name, parts, size in [(b"begin", [(1 << 20, block)], None), (b"middle", [(0, block), (3 << 20, block)], None),
                              (b"end", [(0, block)], 5 << 20), (b"all", [], 1 << 20), (b"odd", [(12345, b"x")], 99999),
                              (b"many", [(i << 18, block[:4096]) for i in range(40)], None)]:
        with open(d + b"/" + name, "wb") as f:
            for at, data in parts:
                f.seek(at)
                f.write(data)
            if size is not None:
                f.truncate(size)
    write(d + b"/zeros", bytes(1 << 20))


def huge(root):
    """1 TiB with a little at both ends and in the middle; not for tools that read holes."""
    os.mkdir(root + b"/huge")
    with open(root + b"/huge/disk", "wb") as f:
        for at in (0, 1 << 39, (1 << 40) - 5):
            f.seek(at)
            f.write(b"block")


def links(root):
    os.mkdir(root + b"/links")
    os.makedirs(root + b"/links/a/b")
    write(root + b"/links/one", b"linked")
    for name in (b"/links/a/two", b"/links/a/b/three", b"/names/four"):
        os.link(root + b"/links/one", root + name)
    write(root + b"/links/same content", b"linked")
    os.link(root + b"/specials/fifo", root + b"/links/fifo")
    os.link(root + b"/specials/dangling", root + b"/links/symlink", follow_symlinks=False)


def acl(entries):
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *e) for e in entries)


NOBODY_ID = 0xFFFFFFFF
ACL = acl([(1, 6, NOBODY_ID), (2, 4, 1234), (4, 4, NOBODY_ID), (8, 7, 5678), (16, 5, NOBODY_ID), (32, 0, NOBODY_ID)])


def attributes(root):
    d = root + b"/attributes"
    os.mkdir(d)
    for name in (b"file", b"acl", b"caps", b"trusted"):
        write(d + b"/" + name)
    for name in (b"dir", b"default"):
        os.mkdir(d + b"/" + name)
    os.setxattr(d + b"/file", b"user.empty", b"")
    os.setxattr(d + b"/file", b"user.binary", bytes(range(256)))
    os.setxattr(d + b"/file", b"user." + b"n" * 250, b"long name")
    os.setxattr(d + b"/file", "user.ünïcode".encode(), b"x")
    os.setxattr(d + b"/dir", b"user.large", os.urandom(3000))
    os.setxattr(d + b"/acl", "system.posix_acl_access", ACL)
    os.setxattr(d + b"/default", "system.posix_acl_default", ACL)
    write(d + b"/default/inherits")
    os.removexattr(d + b"/default/inherits", "system.posix_acl_access")
    write(d + b"/default/inherits too")
    os.mkdir(d + b"/default/inheriting")
    if IS_ROOT:
        os.setxattr(d + b"/trusted", "trusted.secret", b"\0\1\2")
        os.setxattr(d + b"/caps", "security.capability", struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0))
        os.symlink(b"file", d + b"/symlink")
        os.setxattr(d + b"/symlink", "trusted.on.symlink", b"x", follow_symlinks=False)


def modes(root):
    d = root + b"/modes"
    os.mkdir(d)
    for mode in [0o0, 0o1, 0o200, 0o400, 0o777, 0o1644, 0o2755, 0o4711, 0o6777, 0o7000]:
        write(d + b"/f%05o" % mode)
        os.mkdir(d + b"/d%05o" % mode)
        write(d + b"/d%05o/inside" % mode)
        if IS_ROOT:
            os.chown(d + b"/f%05o" % mode, 65533, 1)
        os.chmod(d + b"/f%05o" % mode, mode)
        os.chmod(d + b"/d%05o" % mode, mode if IS_ROOT else mode | 0o700)
    if IS_ROOT:
        write(d + b"/far ids")
        os.chown(d + b"/far ids", 4294967294, 4294967294)
    os.mkdir(d + b"/empty folder")
    write(d + b"/empty file", b"")


def times(root):
    d = root + b"/times"
    os.mkdir(d)
    ns = 1_000_000_000
    for name, t in [(b"before 1970", -1), (b"1901", -2147483648 * ns), (b"nanoseconds", 1700000000 * ns + 123456789),
                    (b"zero", 0), (b"after 2038", 4294967296 * ns + 5), (b"2446", 15032385535 * ns)]:
        write(d + b"/" + name)
        os.utime(d + b"/" + name, ns=(t, t))
        os.symlink(b"x", d + b"/link " + name)
        os.utime(d + b"/link " + name, ns=(t, t), follow_symlinks=False)
    os.mkdir(d + b"/dir")
    write(d + b"/dir/newer than it")
    os.utime(d + b"/dir", ns=(1, 1))


def contents(root):
    d = root + b"/contents"
    os.mkdir(d)
    rng = random.Random(1)
    for size in [0, 1, 511, 4096, 65537, 524288, 524289, (1 << 20) + 3, (9 << 20) + 1, (33 << 20) + 7]:
        write(d + b"/%d" % size, rng.randbytes(size))
    write(d + b"/same", bytes(5 << 20))
    write(d + b"/text", b"the same line again\n" * 200000)


def wide(root, count):
    d = root + b"/wide"
    os.mkdir(d)
    for i in range(count):
        write(d + b"/%d" % i, b"%d" % i)


def build(root, count):
    """All of it below root, which is made; what of it the other tools cannot be given is made last, by huge()."""
    os.mkdir(root)
    for part in (names, deep, specials, sparse, links, attributes, modes, times, contents):
        part(root)
    wide(root, count)


def remove(root):
    """Also what is deeper than rm can say."""
    subprocess.run(["rm", "-rf", "--", root], check=True)
