"""Files: the project folder, volumes and bind mounts, with all metadata.  Not the databases' own folders."""

import hashlib
import os
import re
import stat

from .engine import DATA_FOLDERS, WORKING_DIR, digest, escape

# The demo app's files, by the end of their path.
LIVE_FOLDER = re.compile(rb"uploads/live(/\d+)?$")
LIVE_FILE = re.compile(rb"uploads/live/\d+/(\d+)\.bin$")
COUNTER = re.compile(rb"uploads/counter$")
LOG = re.compile(rb"data/orders\.log$")


def roots(project):
    """Label and host path of each tree; a bind mount inside the project folder is part of that."""
    found = {}
    folder = None
    for container in project.containers:
        folder = folder or container.config["Labels"].get(WORKING_DIR)
    if folder:
        found[folder] = "project"
    for container in project.containers:
        for mount in container.described["Mounts"]:
            source, target = mount["Source"], mount["Destination"]
            if mount["Type"] not in ("volume", "bind") or target == DATA_FOLDERS.get(container.kind):
                continue
            if folder and (source + "/").startswith(folder + "/"):
                continue
            label = mount["Name"].removeprefix(project.name + "_") if mount["Type"] == "volume" else "bind" + source
            found[source] = label
    return sorted((label, os.fsencode(source)) for source, label in found.items())


def content(path, info):
    if stat.S_ISREG(info.st_mode):
        total = hashlib.sha256()
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                total.update(block)
        return f"size={info.st_size} sha256={total.hexdigest()}"
    if stat.S_ISLNK(info.st_mode):
        return "target=" + escape(os.readlink(path))
    if stat.S_ISBLK(info.st_mode) or stat.S_ISCHR(info.st_mode):
        return f"device={info.st_rdev}"
    return ""


def attributes(path):
    pairs = []
    for name in sorted(os.listxattr(path, follow_symlinks=False)):
        if name != "security.selinux":
            pairs += [name.encode(), os.getxattr(path, name, follow_symlinks=False)]
    return digest(*pairs) if pairs else "-"


def describe(path, info, with_time=True):
    time = f" mtime={info.st_mtime_ns}" if with_time else ""
    return (f"{stat.filemode(info.st_mode)} {info.st_mode:o} owner={info.st_uid}:{info.st_gid}{time}"
            f" xattrs={attributes(path)} {content(path, info)}").rstrip()


def log_rows(path):
    with open(path, "rb") as file:
        for line in file:
            yield "files", "row", f"{line.split(b' ')[0].decode()} log", digest(line)


class Tree:
    def __init__(self, label, top):
        self.label = label.encode()
        self.top = top
        self.first_names = {}

    def paths(self):
        yield self.top
        for folder, folders, files in os.walk(self.top):
            folders.sort()
            for name in sorted(folders + files):
                yield os.path.join(folder, name)

    def hard_link(self, info, name):
        """The first name of the same file, for those with several."""
        if info.st_nlink < 2 or stat.S_ISDIR(info.st_mode):
            return ""
        return " same-as=" + escape(self.first_names.setdefault((info.st_dev, info.st_ino), name))

    def read(self):
        for path in self.paths():
            info = os.lstat(path)
            name = self.label + path[len(self.top):]
            if COUNTER.search(name):
                with open(path, "rb") as file:
                    yield "files", "counter", "n", str(int(file.read(20) or b"0"))
                yield "files", "metadata", escape(name), f"{info.st_mode:o} owner={info.st_uid}:{info.st_gid}"
            elif LOG.search(name):
                yield from log_rows(path)
                yield "files", "metadata", escape(name), f"{info.st_mode:o} owner={info.st_uid}:{info.st_gid}"
            elif match := LIVE_FILE.search(name):
                yield "files", "row", f"{match.group(1).decode()} upload", describe(path, info)
            elif LIVE_FOLDER.search(name):
                pass  # grows with the orders; what is in it is told by rows
            else:
                what = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "symlink"}.get(
                    stat.S_IFMT(info.st_mode), "special")
                yield "files", what, escape(name), describe(path, info) + self.hard_link(info, name)


def read(project):
    for label, top in roots(project):
        if os.path.isfile(top):
            yield "files", "file", escape(label), describe(top, os.lstat(top))
        else:
            yield from Tree(label, top).read()
