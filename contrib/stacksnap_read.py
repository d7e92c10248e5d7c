#!/usr/bin/python3
"""Read a StackSnap repository without StackSnap.

Written from docs/format.md alone, so that backups outlive the program that made them.  It lists,
shows and restores; it never writes to a repository.  It needs a repository in a local folder, Python
3.11 and, from Debian 12 or later:

    apt-get install python3-cryptography python3-zstandard

and for repositories that a passphrase opens python3-argon2, or the library libsodium23, which is
found where StackSnap itself is installed.

    stacksnap_read.py -r REPOSITORY list
    stacksnap_read.py -r REPOSITORY show SNAPSHOT
    stacksnap_read.py -r REPOSITORY ls [-R] SNAPSHOT [PATH]
    stacksnap_read.py -r REPOSITORY cat SNAPSHOT PATH
    stacksnap_read.py -r REPOSITORY dump SNAPSHOT SERVICE[/STREAM]
    stacksnap_read.py -r REPOSITORY restore SNAPSHOT TARGET [PATH]

SNAPSHOT is "latest" or at least four digits of an id.  Exit codes are StackSnap's: 0 done, 1 failed, 2
usage, 3 done, but something could not be restored as it was (each such thing is told), 10 no
repository, 12 wrong passphrase or key file, 13 damaged, 14 of a later format.
"""
import argparse
import collections
import ctypes
import ctypes.util
import errno
import getpass
import hashlib
import hmac
import json
import os
import re
import resource
import shlex
import stat
import subprocess
import sys
import time

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

CONFIG_SIZE, SLOT_SIZE, HEADER_SIZE, TRAILER_SIZE, TAG_SIZE = 128, 192, 44, 12, 16
OBJECT_MAX, PACK_MAX, FRAME_MAX = 64 << 20, 1 << 30, 8 << 20
FRAMES_KEPT = 8
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # of recovery kits
FILE, DIR, SYMLINK, CHAR_DEVICE, BLOCK_DEVICE, FIFO, SOCKET = range(1, 8)
TYPE_BITS = {FILE: stat.S_IFREG, DIR: stat.S_IFDIR, SYMLINK: stat.S_IFLNK, CHAR_DEVICE: stat.S_IFCHR,
             BLOCK_DEVICE: stat.S_IFBLK, FIFO: stat.S_IFIFO, SOCKET: stat.S_IFSOCK}


class Failure(Exception):
    """What ends the program, or the restoring of one file."""
    exit_code = 1


class Damaged(Failure):
    """The data is not what was written."""
    exit_code = 13


class Unsupported(Failure):
    """A later format, or something this machine lacks."""
    exit_code = 14


class Refused(Failure):
    """The user asked for something that cannot be."""


class NoRepository(Failure):
    exit_code = 10


class WrongKey(Failure):
    exit_code = 12


# Bytes


class Bytes:
    """Reads a run of bytes that may be hostile: never beyond its end."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def left(self):
        return len(self.data) - self.at

    def take(self, size):
        if size > self.left():
            raise Damaged("a record is cut off")
        self.at += size
        return self.data[self.at - size:self.at]

    def u8(self):
        return self.take(1)[0]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.u8()
            if shift == 63 and byte > 1 or byte == 0 and shift > 0:
                raise Damaged("a number is malformed")
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def zigzag(self):
        value = self.varint()
        return value >> 1 if value % 2 == 0 else -(value >> 1) - 1

    def blob(self):
        return self.take(self.varint())

    def end(self):
        if self.left() > 0:
            raise Damaged("a record has bytes behind its end")


def u16(data, at):
    return int.from_bytes(data[at:at + 2], "little")


def u32(data, at):
    return int.from_bytes(data[at:at + 4], "little")


def decode_block(block, limit):
    if len(block) < 5:
        raise Damaged("a block is cut off")
    codec, size, payload = block[0], u32(block, 1), block[5:]
    if size > limit:
        raise Damaged(f"a block claims {size} bytes, more than allowed")
    if codec == 0:
        plain = payload
    elif codec == 1:
        try:
            told = zstandard.frame_content_size(payload)
            if told not in (-1, size):
                raise Damaged(f"a block has {told} bytes, not {size}")
            plain = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompress(
                payload, max_output_size=max(size, 1))
        except zstandard.ZstdError as e:
            raise Damaged(f"a block does not decompress: {e}") from None
    else:
        raise Unsupported(f"a block has the unknown codec {codec}")
    if len(plain) != size:
        raise Damaged(f"a block has {len(plain)} bytes, not {size}")
    return plain


# Keys


def hkdf(key, salt, info, size=32):
    return HKDF(hashes.SHA256(), size, salt, info.encode()).derive(key)


def argon2id(passphrase, salt, memory_kib, passes):
    try:
        from argon2.low_level import Type, hash_secret_raw
        return hash_secret_raw(passphrase, salt, passes, memory_kib, 1, 32, Type.ID, 19)
    except ImportError:
        pass
    name = ctypes.util.find_library("sodium") or "libsodium.so.23"
    try:
        sodium = ctypes.CDLL(name)
    except OSError:
        raise Unsupported("a passphrase needs python3-argon2 or libsodium23: install one") from None
    out = ctypes.create_string_buffer(32)
    if sodium.sodium_init() < 0 or sodium.crypto_pwhash(
            out, ctypes.c_ulonglong(32), passphrase, ctypes.c_ulonglong(len(passphrase)), salt,
            ctypes.c_ulonglong(passes), ctypes.c_size_t(memory_kib * 1024), 2) != 0:
        raise Unsupported(f"no memory for the key of the passphrase ({memory_kib} KiB)")
    return out.raw


def unseal(key, nonce, aad, sealed):
    try:
        return AESGCM(key).decrypt(nonce, bytes(sealed), bytes(aad))
    except InvalidTag:
        raise Damaged("authentication failed: the data was altered") from None


def open_slot(slot, repo_id, passphrase, key_file):
    """The master key, or None when the slot is for another key."""
    if len(slot) < SLOT_SIZE or slot[:8] != b"SSNAPKEY":
        raise Damaged("not a key slot")
    if u16(slot, 8) != 1:
        raise Unsupported(f"key slot of format version {u16(slot, 8)}")
    if slot[12:28] != repo_id:
        raise Damaged("the key slot belongs to another repository")
    kind, kdf, salt, nonce = slot[10], slot[36], slot[52:68], slot[68:80]
    if kind == 1 and kdf == 1:
        if passphrase is None:
            return None
        memory, passes, lanes = u32(slot, 40), u32(slot, 44), u32(slot, 48)
        if not 8192 <= memory <= 4 << 20 or not 1 <= passes <= 64 or lanes != 1:
            raise Unsupported(f"Argon2id with {memory} KiB, {passes} passes, {lanes} lanes")
        key = argon2id(passphrase, salt, memory, passes)
    elif kind == 2 and kdf == 2:
        if key_file is None:
            return None
        key = hkdf(key_file, salt, "stacksnap 1 key file")
    else:
        raise Unsupported(f"key slot of kind {kind} with derivation {kdf}")
    try:
        return unseal(key, nonce, slot[:144], slot[144:SLOT_SIZE])
    except Damaged:
        return None


# Repository


class Store:
    """The objects of a repository in a local folder."""

    def __init__(self, folder):
        self.folder = folder

    def get(self, key, limit):
        try:
            with open(os.path.join(self.folder, key), "rb") as f:
                data = f.read(limit + 1)
        except FileNotFoundError:
            raise Damaged(f"{key} is missing") from None
        if len(data) > limit:
            raise Damaged(f"{key} is larger than {limit} bytes")
        return data

    def get_range(self, key, offset, size):
        try:
            with open(os.path.join(self.folder, key), "rb") as f:
                f.seek(offset)
                data = f.read(size)
        except FileNotFoundError:
            raise Damaged(f"{key} is missing") from None
        if len(data) != size:
            raise Damaged(f"{key} ends early")
        return data

    def names(self, folder):
        """The names of 64 digits in a folder."""
        try:
            found = os.listdir(os.path.join(self.folder, folder))
        except FileNotFoundError:
            return []
        return sorted(n for n in found if re.fullmatch("[0-9a-f]{64}", n))

    def packs(self):
        try:
            folders = sorted(os.listdir(os.path.join(self.folder, "packs")))
        except FileNotFoundError:
            return []
        return [n for f in folders for n in self.names("packs/" + f) if n[:2] == f]


Location = collections.namedtuple("Location", "pack frame_offset frame_size offset size")


class Repository:
    def __init__(self, folder, passphrase=None, key_file=None, use_index=True, slot=None):
        self.store = Store(folder)
        self.frames = collections.OrderedDict()
        self.pack_keys = {}
        self.chunks = {}
        self.unlock(passphrase, key_file, slot)
        if use_index:
            for name in self.store.names("index"):
                self.read_index(self.load_object("index/" + name, 1))
        else:
            for name in self.store.packs():
                self.read_pack_directory(name)

    def unlock(self, passphrase, key_file, slot):
        if not os.path.exists(os.path.join(self.store.folder, "config")):
            raise NoRepository(f"{self.store.folder} holds no repository (no file \"config\")")
        config = self.store.get("config", 4096)
        if config[:8] != b"SSNAPCFG":
            raise NoRepository("config is not StackSnap's")
        if u16(config, 8) != 1:
            raise Unsupported(f"repository format version {u16(config, 8)}; this reads version 1")
        if len(config) != CONFIG_SIZE or u16(config, 10) != CONFIG_SIZE:
            raise Damaged(f"config has {len(config)} bytes, not {CONFIG_SIZE}")
        if config[36:41] != bytes([1, 1, 1, 1, 1]):
            raise Unsupported("the repository uses algorithms that this reader does not know")
        self.repo_id = config[12:28]
        if slot is None:
            master = self.find_master(passphrase, key_file)
        else:
            master = open_slot(slot, self.repo_id, passphrase, key_file)
            if master is None:
                raise WrongKey("the recovery key does not open with that")
        self.chunk_key = hkdf(master, self.repo_id, "stacksnap 1 chunk id")
        self.data_key = hkdf(master, self.repo_id, "stacksnap 1 data")
        config_key = hkdf(master, self.repo_id, "stacksnap 1 config")
        if not hmac.compare_digest(hmac.digest(config_key, config[:96], "sha256"), config[96:]):
            raise Damaged("config: authentication failed: it was altered")

    def find_master(self, passphrase, key_file):
        trouble = None
        for name in self.store.names("keys"):
            try:
                slot = self.get_named("keys/" + name, 4096)
                master = open_slot(slot, self.repo_id, passphrase, key_file)
            except (Damaged, Unsupported) as e:
                trouble = e
                continue
            if master is not None:
                return master
        if trouble is not None:
            raise trouble
        what = "the key file" if key_file is not None else "the passphrase"
        raise WrongKey(f"{what} does not open any key slot of {self.store.folder}")

    def get_named(self, key, limit):
        """An object whose name is the hash of its bytes."""
        data = self.store.get(key, limit)
        if hashlib.sha256(data).hexdigest() != key.rpartition("/")[2]:
            raise Damaged(f"{key}: its bytes do not fit its name")
        return data

    def header_key(self, header, magic, what):
        if header[:8] != magic or len(header) < HEADER_SIZE:
            raise Damaged(f"does not begin with {magic.decode()}")
        if u16(header, 8) != 1 or header[11] != 1:
            raise Unsupported(f"format version {u16(header, 8)}, key scheme {header[11]}")
        return hkdf(self.data_key, header[12:44], what)

    def load_object(self, key, kind):
        try:
            data = self.get_named(key, OBJECT_MAX)
            secret = self.header_key(data, b"SSNAPOBJ", "stacksnap 1 object")
            if data[10] != kind:
                raise Damaged(f"is of type {data[10]}, not {kind}")
            return decode_block(unseal(secret, bytes(12), data[:44], data[44:]), OBJECT_MAX)
        except Damaged as e:
            raise Damaged(f"{key}: {e}") from None

    # Where chunks are

    def read_directory(self, pack, r):
        """Note the chunks of a directory; gives where the last frame ends."""
        at = HEADER_SIZE
        for _ in range(r.varint()):
            size, count = r.varint(), r.varint()
            if size < TAG_SIZE + 5 or not 1 <= count <= 65536 or size > PACK_MAX - at:
                raise Damaged("pack directory: bad frame")
            inside = 0
            for _ in range(count):
                chunk, length = r.take(32), r.varint()
                if length > FRAME_MAX - inside:
                    raise Damaged("pack directory: bad chunk")
                self.chunks[chunk] = Location(pack, at, size, inside, length)
                inside += length
            at += size
        return at

    def read_index(self, payload):
        r = Bytes(payload)
        for _ in range(r.varint()):
            pack = r.take(32).hex()
            if r.u8() not in (1, 2):
                raise Damaged("index: bad pack")
            r.varint()
            self.read_directory(pack, r)
        r.end()

    def read_pack_directory(self, pack):
        key = f"packs/{pack[:2]}/{pack}"
        try:
            size = os.path.getsize(os.path.join(self.store.folder, key))
            if size < HEADER_SIZE + TRAILER_SIZE:
                raise Damaged("is cut off")
            trailer = self.store.get_range(key, size - TRAILER_SIZE, TRAILER_SIZE)
            length = u32(trailer, 0)
            if trailer[4:] != b"SSNAPEND" or length > size - HEADER_SIZE - TRAILER_SIZE:
                raise Damaged("is cut off")
            at = size - TRAILER_SIZE - length
            sealed = self.store.get_range(key, at, length)
            r = Bytes(decode_block(self.unseal_part(pack, 2, at, sealed), OBJECT_MAX))
            if self.read_directory(pack, r) != at:
                raise Damaged("its directory does not fit it")
            r.end()
        except Damaged as e:
            # What other packs hold can still be read; what this one held will be missed by name.
            print(f"stacksnap_read: {key}: {e}", file=sys.stderr)

    # Reading chunks

    def unseal_part(self, pack, part, offset, sealed):
        if pack not in self.pack_keys:
            header = self.store.get_range(f"packs/{pack[:2]}/{pack}", 0, HEADER_SIZE)
            self.pack_keys[pack] = header, self.header_key(header, b"SSNAPPCK", "stacksnap 1 pack")
        header, key = self.pack_keys[pack]
        return unseal(key, part.to_bytes(4, "little") + offset.to_bytes(8, "little"), header, sealed)

    def read_frame(self, where):
        place = where.pack, where.frame_offset
        if place in self.frames:
            self.frames.move_to_end(place)
            return self.frames[place]
        key = f"packs/{where.pack[:2]}/{where.pack}"
        try:
            sealed = self.store.get_range(key, where.frame_offset, where.frame_size)
            plain = decode_block(self.unseal_part(where.pack, 1, where.frame_offset, sealed), FRAME_MAX)
        except Damaged as e:
            raise Damaged(f"{key}: frame at {where.frame_offset}: {e}") from None
        self.frames[place] = plain
        if len(self.frames) > FRAMES_KEPT:
            self.frames.popitem(last=False)
        return plain

    def read_chunk(self, chunk):
        where = self.chunks.get(chunk)
        if where is None:
            raise Damaged(f"chunk {chunk.hex()[:16]} is in no pack")
        data = self.read_frame(where)[where.offset:where.offset + where.size]
        if not hmac.compare_digest(hmac.digest(self.chunk_key, data, "sha256"), chunk):
            raise Damaged(f"chunk {chunk.hex()[:16]}: its bytes do not fit its id")
        return data

    # Contents

    def read_extents(self, level, extents, counted):
        """The extents of the data itself: (length, chunk id or None for a hole, rows, torn)."""
        for extent in extents:
            if level == 0:
                yield extent
                continue
            size, chunk, rows, torn = extent
            r = Bytes(self.read_chunk(chunk))
            below = parse_extents(r, level - 1, counted)
            r.end()
            if sum(e[0] for e in below) != size or sum(e[2] for e in below) != rows or \
                    (bool(below) and below[-1][3]) != torn:
                raise Damaged("a list of extents does not fit")
            yield from self.read_extents(level - 1, below, counted)

    def read_content(self, content):
        """Pieces of the bytes, in order; a hole is given as its length."""
        for size, chunk, _, _ in self.read_extents(content.level, content.extents, content.counted):
            if chunk is None:
                yield size
                continue
            data = self.read_chunk(chunk)
            if len(data) != size:
                raise Damaged("a chunk has another length than listed")
            yield data

    def read_folder(self, folder):
        """The entries of a folder, with the device that each lies on."""
        pieces = []
        for piece in self.read_content(folder.content):
            if isinstance(piece, int):
                raise Damaged("a listing has a hole")
            pieces.append(piece)
        r = Bytes(b"".join(pieces))
        if r.take(3) != b"SSD":
            raise Damaged("a listing has no header")
        version = r.u8()
        if version != 1:
            raise Unsupported(f"a listing of version {version}")
        last = None
        while r.left() > 0:
            e = Entry(r.blob(), folder.dev)
            if not e.name or e.name in (b".", b"..") or b"/" in e.name or b"\0" in e.name:
                raise Damaged("a listing holds a name that no folder may hold")
            if last is not None and e.name <= last:
                raise Damaged("a listing is out of order")
            last = e.name
            yield e

    def snapshots(self):
        """All snapshots, oldest first, as (id, document)."""
        found = [(name, self.load_snapshot(name)) for name in self.store.names("snapshots")]
        return sorted(found, key=lambda f: (f[1].get("time_ns", 0), f[0]))

    def load_snapshot(self, name):
        try:
            document = json.loads(self.load_object("snapshots/" + name, 2))
        except ValueError as e:
            raise Damaged(f"snapshot {name[:16]}: {e}") from None
        if document.get("version") != 1:
            raise Unsupported(f"snapshot document of version {document.get('version')}")
        return document

    def find_snapshot(self, name):
        if name == "latest":
            found = self.snapshots()
            if not found:
                raise Refused("the repository holds no snapshot")
            return found[-1]
        if not re.fullmatch("[0-9a-f]{4,64}", name):
            raise Refused(f"'{name}' names no snapshot: give 'latest' or at least four digits of its id")
        found = [n for n in self.store.names("snapshots") if n.startswith(name)]
        if len(found) != 1:
            raise Refused(f"{len(found) or 'no'} snapshots begin with {name}")
        return found[0], self.load_snapshot(found[0])


Content = collections.namedtuple("Content", "level extents size counted")


def parse_extents(r, level, counted):
    extents, total = [], 0
    for _ in range(r.varint()):
        value = r.varint()
        size, hole = value >> 1, value & 1
        total += size
        chunk = None if hole else r.take(32)
        rows = r.varint() if counted else 0
        if size == 0 or total >= 1 << 62 or hole and (level > 0 or counted) or rows >> 1 > size:
            raise Damaged("a content has a bad extent")
        extents.append((size, chunk, rows >> 1, rows & 1 == 1))
    return extents


def parse_content(r):
    level = r.varint()
    counted = level & 16 != 0
    level &= ~16
    if level > 8:
        raise Damaged("a content has a bad level")
    extents = parse_extents(r, level, counted)
    if extents and extents[-1][3]:
        raise Damaged("the last row of a content does not end")
    return Content(level, extents, sum(e[0] for e in extents), counted)


# Trees


class Entry:
    """One entry of a tree.  dev is the device it lies on, folder_dev that of the folder that holds it."""

    def __init__(self, body, folder_dev):
        r = Bytes(body)
        self.type, self.name, self.mode = r.u8(), r.blob(), r.varint()
        self.uid, self.gid = r.varint(), r.varint()
        self.mtime_ns = self.time(r)
        if self.type not in TYPE_BITS:
            raise Unsupported(f"an entry of the unknown type {self.type}")
        if self.mode > 0o7777 or self.uid >= 1 << 32 or self.gid >= 1 << 32:
            raise Damaged("an entry's numbers are out of range")
        self.user = self.group = self.target = self.rdev = self.content = None
        self.dev, self.ino, self.links, self.xattrs = folder_dev, 0, 1, []
        last = 0
        while r.left() > 0:
            tag, value = r.varint(), Bytes(r.blob())
            if tag <= last:
                raise Damaged("an entry's fields are out of order")
            last = tag
            if self.field(tag, value):
                value.end()
        if (self.content is not None) != (self.type in (FILE, DIR)) or \
                (self.target is not None) != (self.type == SYMLINK) or \
                (self.rdev is not None) != (self.type in (CHAR_DEVICE, BLOCK_DEVICE)):
            raise Damaged("an entry lacks a field of its type, or has one of another")

    @staticmethod
    def time(r):
        seconds, ns = r.zigzag(), r.varint()
        if ns > 999_999_999:
            raise Damaged("a time is malformed")
        return seconds * 1_000_000_000 + ns

    @staticmethod
    def text(r):
        data = r.take(r.left())
        if not data or b"\0" in data:
            raise Damaged("an entry has a malformed text")
        return data

    def field(self, tag, r):
        """False: unknown, and may be passed over."""
        if tag == 1:
            self.user = self.text(r)
        elif tag == 3:
            self.group = self.text(r)
        elif tag == 5:
            self.time(r)
        elif tag == 7:
            self.ino = r.varint()
        elif tag == 9:
            self.dev = r.varint()
        elif tag == 11:
            self.links = r.varint()
        elif tag == 20:
            self.target = self.text(r)
        elif tag == 22:
            self.rdev = r.varint(), r.varint()
        elif tag == 24:
            for _ in range(r.varint()):
                self.xattrs.append((self.text(Bytes(r.blob())), r.blob()))
        elif tag == 62:
            self.content = parse_content(r)
        elif tag % 2 == 0:
            raise Unsupported(f"an entry has field {tag}, which is of a later format")
        else:
            return False
        return True


def root_of(document):
    try:
        r = Bytes(bytes.fromhex(document["root"]))
    except (KeyError, TypeError, ValueError):
        raise Damaged("the snapshot names no root") from None
    root = Entry(r.blob(), 0)
    r.end()
    return root


def find(repo, entry, path):
    """The entry at a path below another."""
    for name in filter(None, os.fsencode(path).split(b"/")):
        if entry.type != DIR:
            raise Refused(f"{path}: there is no such thing in the snapshot")
        entry = next((e for e in repo.read_folder(entry) if e.name == name), None)
        if entry is None:
            raise Refused(f"{path}: there is no such thing in the snapshot")
    return entry


# Restoring


class Restore:
    """Makes a stored tree live below a target that is new, so that nothing is followed out of it."""

    def __init__(self, repo, target):
        self.repo, self.target = repo, os.fsencode(target)
        self.names = {}  # (device, inode) of a file with several names -> the path of its first
        self.problems = self.owners = self.done = 0

    def problem(self, path, what):
        self.problems += 1
        print(f"stacksnap_read: {show(path)}: {what}", file=sys.stderr)

    def run(self, entry):
        parent, name = os.path.split(os.path.abspath(self.target))
        folder = os.open(parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            if entry.type == DIR:
                self.make_target(folder, name)
                self.fill(folder, name, b"", entry)
            else:
                self.make(folder, name, b"", entry)
        finally:
            os.close(folder)
        if self.owners > 0:
            print(f"stacksnap_read: {self.owners} owners could not be set: run as root to restore them",
                  file=sys.stderr)
        return 3 if self.problems or self.owners else 0

    def make_target(self, folder, name):
        try:
            os.mkdir(name, 0o700, dir_fd=folder)
        except FileExistsError:
            if os.path.islink(self.target) or not os.path.isdir(self.target) or os.listdir(self.target):
                raise Refused(f"{show(self.target)} is there and is not an empty folder") from None

    def fill(self, folder, name, path, entry):
        """Make the children of a folder that was made, then give it its metadata."""
        fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
        try:
            try:
                for child in self.repo.read_folder(entry):
                    self.make(fd, child.name, path + b"/" + child.name, child)
            except Damaged as e:
                self.problem(path or b"/", str(e))
            self.set_metadata(fd, path, entry)
        finally:
            os.close(fd)

    def make(self, folder, name, path, e):
        try:
            if e.type == DIR:
                os.mkdir(name, 0o700, dir_fd=folder)
                self.fill(folder, name, path, e)
            elif e.type == FILE:
                self.make_file(folder, name, path, e)
            else:
                self.make_other(folder, name, e)
                self.set_metadata_at(folder, name, path, e)
            self.done += 1
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            self.problem(path, error.strerror)
        except Damaged as error:
            self.problem(path, str(error))

    def make_file(self, folder, name, path, e):
        key = (e.dev, e.ino)
        if e.links > 1 and e.ino and key in self.names:
            first_folder, first = self.open_parent(self.names[key])
            try:
                os.link(first, name, src_dir_fd=first_folder, dst_dir_fd=folder, follow_symlinks=False)
            finally:
                os.close(first_folder)
            return
        fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=folder)
        try:
            try:
                for piece in self.repo.read_content(e.content):
                    if isinstance(piece, int):
                        os.lseek(fd, piece, os.SEEK_CUR)
                    else:
                        write_all(fd, piece)
                os.ftruncate(fd, e.content.size)
            except Damaged:
                os.unlink(name, dir_fd=folder)  # better no file than half of one
                raise
            self.set_metadata(fd, path, e)
            if e.links > 1 and e.ino:
                self.names[key] = path
        finally:
            os.close(fd)

    def open_parent(self, path):
        """The folder that holds a path that was restored, reached step by step."""
        *folders, last = path.split(b"/")[1:]
        fd = os.open(self.target, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        for name in folders:
            below = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=fd)
            os.close(fd)
            fd = below
        return fd, last

    @staticmethod
    def make_other(folder, name, e):
        if e.type == SYMLINK:
            os.symlink(e.target, name, dir_fd=folder)
        else:
            device = os.makedev(*e.rdev) if e.rdev else 0
            os.mknod(name, TYPE_BITS[e.type] | 0o600, device, dir_fd=folder)

    # Owner first, since it clears set-user-ID bits and capabilities; times last.

    def set_metadata(self, fd, path, e):
        owned = self.try_owner(lambda: os.fchown(fd, e.uid, e.gid), path, e)
        os.fchmod(fd, e.mode if owned else e.mode & 0o1777)
        self.set_xattrs(fd, path, e, True)
        os.utime(fd, ns=(e.mtime_ns, e.mtime_ns))

    def set_metadata_at(self, folder, name, path, e):
        owned = self.try_owner(
            lambda: os.chown(name, e.uid, e.gid, dir_fd=folder, follow_symlinks=False), path, e)
        if e.type != SYMLINK:  # just made by us, and no symlink
            os.chmod(name, e.mode if owned else e.mode & 0o1777, dir_fd=folder)
        self.set_xattrs(b"/proc/self/fd/%d/%s" % (folder, name), path, e, False)
        os.utime(name, ns=(e.mtime_ns, e.mtime_ns), dir_fd=folder, follow_symlinks=False)

    def try_owner(self, change, path, e):
        try:
            change()
            return True
        except PermissionError:
            self.owners += 1
        except OSError as error:
            self.problem(path, f"owner {e.uid}:{e.gid}: {error.strerror}")
        return False

    def set_xattrs(self, where, path, e, is_fd):
        for name, value in e.xattrs:
            try:
                if is_fd:
                    os.setxattr(where, name, value)
                else:
                    os.setxattr(where, name, value, follow_symlinks=False)
            except OSError as error:
                self.problem(path, f"xattr {show(name)}: {error.strerror}")


def write_all(fd, data):
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view):]


# Commands


def show(name):
    """A name for people: what is not printable is escaped, since names may be hostile."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def show_time(ns):
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(ns // 1_000_000_000))


def source_of(document):
    source = document.get("source", {})
    return show(source.get("name") or " ".join(source.get("paths", [])))


def cmd_list(repo, args):
    for name, d in repo.snapshots():
        print(f"{name[:16]}  {show_time(d['time_ns'])}  {show(d.get('host', '?'))}  "
              f"{d.get('outcome', '?')}  {source_of(d)}")
    return 0


def cmd_show(repo, args):
    name, document = repo.find_snapshot(args.snapshot)
    print(json.dumps({"id": name, **document}, indent=2))
    return 0


def cmd_ls(repo, args):
    top = find(repo, root_of(repo.find_snapshot(args.snapshot)[1]), args.path)

    def line(e, path):
        size = e.content.size if e.type == FILE else "%d,%d" % e.rdev if e.rdev else 0
        arrow = " -> " + show(e.target) if e.target else ""
        print(f"{stat.filemode(TYPE_BITS[e.type] | e.mode)} {e.uid:5} {e.gid:5} {size:>12} "
              f"{show_time(e.mtime_ns)} {show(path)}{arrow}")

    def walk(folder, path):
        for e in repo.read_folder(folder):
            line(e, path + e.name)
            if args.recursive and e.type == DIR:
                walk(e, path + e.name + b"/")

    if top.type == DIR:
        walk(top, b"")
    else:
        line(top, top.name)
    return 0


def pieces_of(repo, entry):
    """The bytes of a file, or of a dump whose tables are files of a folder."""
    if entry.type == FILE:
        yield from repo.read_content(entry.content)
    elif entry.type == DIR:
        for part in repo.read_folder(entry):
            if part.type != FILE:
                raise Damaged(f"{show(part.name)}: not a file, among the parts of a dump")
            yield from repo.read_content(part.content)
    else:
        raise Damaged("a dump is neither a file nor a folder")


def write_out(repo, entry):
    """Write a file's or a dump's bytes to standard output; gives their SHA-256."""
    digest = hashlib.sha256()
    for piece in pieces_of(repo, entry):
        while isinstance(piece, int) and piece > 0:
            zeros = bytes(min(piece, 1 << 20))
            digest.update(zeros)
            sys.stdout.buffer.write(zeros)
            piece -= len(zeros)
        if not isinstance(piece, int):
            digest.update(piece)
            sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
    return digest.hexdigest()


def cmd_cat(repo, args):
    document = repo.find_snapshot(args.snapshot)[1]
    entry = find(repo, root_of(document), args.path)
    dumps = [f"{m['path']}/{s['name']}" for m in document.get("members", []) for s in m.get("streams", [])]
    if entry.type != FILE and "/".join(p for p in args.path.split("/") if p not in ("", ".")) not in dumps:
        raise Refused(f"{args.path} is not a file")
    write_out(repo, entry)
    return 0


def cmd_dump(repo, args):
    document = repo.find_snapshot(args.snapshot)[1]
    service, _, wanted = args.member.partition("/")
    members = [m for m in document.get("members", []) if m.get("kind") == "database"]
    member = next((m for m in members if m.get("name") == service), None)
    if member is None:
        known = ", ".join(show(m.get("name", "?")) for m in members) or "none"
        raise Refused(f"the snapshot holds no database {service}; it holds: {known}")
    streams = [s for s in member.get("streams", []) if wanted in ("", s["name"])]
    if len(streams) != 1:
        known = ", ".join(service + "/" + show(s["name"]) for s in member.get("streams", []))
        raise Refused(f"{args.member} does not name one stream; there are: {known}")
    entry = find(repo, root_of(document), member["path"] + "/" + streams[0]["name"])
    if write_out(repo, entry) != streams[0]["sha256"]:
        raise Damaged(f"{args.member}: its bytes are not those that the database's tool wrote")
    return 0


def cmd_restore(repo, args):
    entry = find(repo, root_of(repo.find_snapshot(args.snapshot)[1]), args.path)
    restore = Restore(repo, args.target)
    code = restore.run(entry)
    print(f"restored {restore.done} entries to {show(args.target)}", file=sys.stderr)
    return code


def read_file(path):
    with open(path, "rb") as f:
        return f.read()


def kit_line(line):
    """(number, bytes) of a line of a recovery key, its check characters checked."""
    number, *groups = re.split(r"[\s.:=_)-]+", line.strip().upper())
    text = "".join(groups).replace("O", "0").replace("I", "1").replace("L", "1")
    number = 67 if number in ("C", "CODE") else int(number.replace("O", "0").replace("I", "1").replace("L", "1"))
    value = 0
    for c in text:
        value = value << 5 | ALPHABET.index(c)
    bits = 5 * (len(text) - 2)
    data = (value >> 10 + bits % 8).to_bytes(bits // 8, "big")
    check = hashlib.sha256(bytes([number]) + data).digest()
    if value >> 10 & (1 << bits % 8) - 1 or value & 1023 != int.from_bytes(check[:2], "big") >> 6:
        raise ValueError
    return number, data


def read_kit(text):
    """The key slot in a recovery kit, and its code or None."""
    _, begin, rest = text.partition("----- recovery key begins -----")
    lines = {}
    for line in (rest.partition("----- recovery key ends -----")[0] if begin else text).splitlines():
        if line.strip():
            try:
                number, data = kit_line(line)
            except (ValueError, OverflowError):
                raise Refused(f"recovery kit: the line '{show(line)}' does not fit its check characters") from None
            lines[number] = data
    code = lines.pop(67, None)
    kit = b"".join(lines[number] for number in sorted(lines))
    n = kit[72] if len(kit) > 72 else 0
    if len(kit) != 125 + n or hashlib.sha256(kit[:-4]).digest()[:4] != kit[-4:]:
        raise Refused("recovery kit: some of its lines are missing")
    if kit[0] != 1 or kit[1] > 1:
        raise Unsupported(f"recovery kit of version {kit[0]}")
    if kit[1] == 1 and code is None:
        raise Refused("recovery kit: the line with the code (C) is missing")
    if kit[1] == 1:
        value = int.from_bytes(code, "big")
        code = "".join(ALPHABET[value >> shift & 31] for shift in range(155, -1, -5)).encode()
    return b"SSNAPKEY\1\0" + kit[2:72] + kit[73:73 + n].ljust(64, b"\0") + kit[73 + n:121 + n], code


def without_newline(data):
    return data[:-1].removesuffix(b"\r") if data.endswith(b"\n") else data


def keys_from(args):
    """(passphrase, key file), of which one is None."""
    if args.key_file:
        return None, read_file(args.key_file)
    path = args.password_file or os.environ.get("STACKSNAP_PASSWORD_FILE")
    if path:
        return without_newline(read_file(path)), None
    command = os.environ.get("STACKSNAP_PASSWORD_COMMAND")
    if command:
        out = subprocess.run(shlex.split(command), stdout=subprocess.PIPE, check=True).stdout
        return without_newline(out), None
    return os.fsencode(getpass.getpass("Passphrase: ")), None


def parse_arguments(argv):
    p = argparse.ArgumentParser(description="Read a StackSnap repository without StackSnap.")
    p.add_argument("-r", "--repository", default=os.environ.get("STACKSNAP_REPOSITORY"))
    p.add_argument("--password-file", help="else $STACKSNAP_PASSWORD_FILE, $STACKSNAP_PASSWORD_COMMAND, a prompt")
    p.add_argument("--key-file", help="open by a key file instead of a passphrase")
    p.add_argument("--recovery-kit", help="take the key slot from this kit instead of the repository")
    p.add_argument("--no-index", action="store_true", help="find chunks by the packs' own directories")
    sub = p.add_subparsers(dest="command", required=True)
    sub.add_parser("list").set_defaults(run=cmd_list)
    for name, run, operands in (
            ("show", cmd_show, ()), ("ls", cmd_ls, ("?path",)), ("cat", cmd_cat, ("path",)),
            ("dump", cmd_dump, ("member",)), ("restore", cmd_restore, ("target", "?path"))):
        s = sub.add_parser(name)
        s.add_argument("snapshot")
        for operand in operands:
            if operand[0] == "?":
                s.add_argument(operand[1:], nargs="?", default="")
            else:
                s.add_argument(operand)
        s.set_defaults(run=run)
    sub.choices["ls"].add_argument("-R", "--recursive", action="store_true")
    args = p.parse_args(argv)
    if not args.repository:
        p.error("name the repository by -r or STACKSNAP_REPOSITORY")
    return args


def main(argv):
    args = parse_arguments(argv)
    # A tree may be deep: one open folder, and a few calls, for each level.
    sys.setrecursionlimit(50_000)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        slot = code = None
        if args.recovery_kit:
            slot, code = read_kit(read_file(args.recovery_kit).decode(errors="replace"))
        passphrase, key_file = (None, code) if code else keys_from(args)
        repo = Repository(args.repository, passphrase, key_file, not args.no_index, slot)
        return args.run(repo, args)
    except Failure as e:
        print(f"stacksnap_read: {e}", file=sys.stderr)
        return e.exit_code
    except (OSError, subprocess.SubprocessError) as e:
        print(f"stacksnap_read: {e}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
