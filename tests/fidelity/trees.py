"""Looking at a tree of files, and telling how two differ: with nothing of StackSnap's, by open folders only, so that
paths may be of any length."""
import hashlib
import os
import stat

BLOCK = 4096
TYPES = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "symlink", stat.S_IFCHR: "char device",
         stat.S_IFBLK: "block device", stat.S_IFIFO: "fifo", stat.S_IFSOCK: "socket"}


def digest(fd, size):
    """Of what is not zero, with its place: holes and zeros that take space are the same."""
    h = hashlib.sha256()
    at = 0
    while at < size:
        try:
            at = os.lseek(fd, at, os.SEEK_DATA)
        except OSError:  # no data any more
            break
        end = min(size, os.lseek(fd, at, os.SEEK_HOLE))
        at -= at % BLOCK
        while at < end:
            run = os.pread(fd, 1 << 20, at)
            for i in range(0, len(run), BLOCK):
                block = run[i:i + BLOCK]
                if block.count(0) != len(block):
                    h.update(b"%d:" % (at + i) + block)
            at += len(run)
            if not run:
                break
    return h.hexdigest()


def xattrs(path):
    found = {}
    for name in os.listxattr(path, follow_symlinks=False):
        found[name] = os.getxattr(path, name, follow_symlinks=False)
    return found


def look(dir_fd, name):
    """All that is kept of one thing."""
    st = os.stat(name, dir_fd=dir_fd, follow_symlinks=False)
    kind = stat.S_IFMT(st.st_mode)
    path = b"/proc/self/fd/%d/%s" % (dir_fd, name)
    what = {"type": TYPES[kind], "owner": (st.st_uid, st.st_gid), "mtime": st.st_mtime_ns, "xattrs": xattrs(path)}
    if kind != stat.S_IFLNK:
        what["mode"] = stat.S_IMODE(st.st_mode)
    if kind in (stat.S_IFCHR, stat.S_IFBLK):
        what["device"] = st.st_rdev
    if kind == stat.S_IFLNK:
        what["target"] = os.readlink(name, dir_fd=dir_fd)
    if kind == stat.S_IFREG:
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=dir_fd)
        what["content"] = (st.st_size, digest(fd, st.st_size))
        os.close(fd)
    return what, st


def walk(root):
    """Everything below root: path -> what it is; inodes with several names: sets of paths; blocks of files."""
    found, inodes, blocks = {}, {}, {}
    top = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    todo = [(top, b"", [name for name in os.listdir(b"/proc/self/fd/%d" % top)])]
    while todo:
        fd, where, names = todo[-1]
        if not names:
            os.close(fd)
            todo.pop()
            continue
        name = names.pop()
        path = where + name
        what, st = look(fd, name)
        found[path] = what
        if st.st_nlink > 1 and what["type"] != "folder":
            inodes.setdefault((st.st_dev, st.st_ino), set()).add(path)
        if what["type"] == "file":
            blocks[path] = st.st_blocks
        if what["type"] == "folder":
            below = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=fd)
            todo.append((below, path + b"/", os.listdir(b"/proc/self/fd/%d" % below)))
    return found, inodes, blocks


def groups(inodes):
    """The other names of each path."""
    return {path: frozenset(paths) for paths in inodes.values() for path in paths}


def compare(source, target, slack=128):
    """What differs: path -> names of what is not the same; "missing", "extra"."""
    a, a_inodes, a_blocks = source
    b, b_inodes, b_blocks = target
    a_groups, b_groups = groups(a_inodes), groups(b_inodes)
    differs = {}
    for path in a.keys() | b.keys():
        if path not in b or path not in a:
            differs[path] = ["missing" if path in a else "extra"]
            continue
        fields = [k for k in a[path].keys() | b[path].keys() if a[path].get(k) != b[path].get(k)]
        if a_groups.get(path, {path}) != b_groups.get(path, {path}):
            fields.append("hard links")
        # Blocks of 512 bytes; some are for xattrs and extents.
        if path in a_blocks and b_blocks.get(path, 0) > a_blocks[path] + slack:
            fields.append("holes")
        if fields:
            differs[path] = sorted(fields)
    return differs
