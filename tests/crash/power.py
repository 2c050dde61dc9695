"""A disk that loses power: plays what record.c wrote down, and leaves what a file system may leave at any moment.

What was fsynced is there.  Of the rest of a file any part may be, or zeros in its place, or nothing; of the entries of a
folder that were not fsynced the earlier ones may be there without the later ones.
"""
import hashlib
import os
import stat
import struct
import time

RECORD = struct.Struct("IIIIQQ")
LONG_AGO = time.time() - 30 * 86400


class File:
    def __init__(self, content=b"", mode=0o600):
        self.durable, self.volatile, self.mode = content, bytearray(content), mode
        self.pending = []  # writes since the last fsync: (offset, bytes), or (size, None)

    def write(self, at, data):
        self.pending.append((at, data))
        change(self.volatile, at, data)

    def sync(self, content):
        self.durable, self.volatile, self.pending = bytes(content), bytearray(content), []


def change(content, at, data):
    if len(content) < at:
        content.extend(bytes(at - len(content)))
    if data is None:
        del content[at:]
    else:
        content[at:at + len(data)] = data


class Folder:
    def __init__(self, mode=0o700):
        self.durable, self.volatile, self.pending, self.mode = {}, {}, [], mode

    def put(self, name, node):
        """None takes the name away."""
        self.pending.append((name, node))
        put(self.volatile, name, node)

    def sync(self):
        self.durable, self.pending = dict(self.volatile), []


def put(entries, name, node):
    if node is None:
        entries.pop(name, None)
    else:
        entries[name] = node


class Disk:
    """A folder as it was when recording began, and then as the log goes on."""

    def __init__(self, root):
        self.root, self.inodes = root, {}
        self.top = self.load(root) if os.path.isdir(root) else Folder()

    def load(self, path):
        folder = Folder(stat.S_IMODE(os.stat(path).st_mode))
        for entry in os.scandir(path):
            status = entry.stat(follow_symlinks=False)
            if entry.is_dir(follow_symlinks=False):
                node = self.load(entry.path)
            elif stat.S_ISREG(status.st_mode):
                with open(entry.path, "rb") as file:
                    node = self.inodes[status.st_ino] = File(file.read(), stat.S_IMODE(status.st_mode))
            else:
                continue  # a socket
            folder.durable[entry.name] = folder.volatile[entry.name] = node
        return folder

    def find(self, path):
        """The folder that it lies in, and its name there; of the root itself the root and None."""
        parts = [part for part in os.path.relpath(path, self.root).split("/") if part != "."]
        folder = self.top
        for part in parts[:-1]:
            folder = folder.volatile[part]
        return folder, parts[-1] if parts else None

    def node(self, path):
        folder, name = self.find(path)
        return folder if name is None else folder.volatile[name]

    def walk(self, node):
        yield node
        for child in node.volatile.values() if isinstance(node, Folder) else ():
            yield from self.walk(child)

    def play(self, record):
        kind, path, other, inode, at, data = record
        if kind in "wt":
            self.inodes[inode].write(at, data if kind == "w" else None)
        elif kind == "s":
            self.inodes[inode].sync(data)
        elif kind == "d":
            self.node(path).sync()
        elif kind == "S":
            for node in self.walk(self.top):
                node.sync(*([node.volatile] if isinstance(node, File) else []))
        elif kind == "M":
            folder, name = self.find(path)
            if name in folder.volatile:  # and no socket
                folder.volatile[name].mode = at
        else:
            self.play_name(kind, path, other, inode)

    def play_name(self, kind, path, other, inode):
        folder, name = self.find(path)
        if kind == "c":
            self.inodes[inode] = File()
            folder.put(name, self.inodes[inode])
        elif kind == "m" and name is not None:
            folder.put(name, Folder())
        elif kind == "u":
            folder.put(name, None)
        elif kind in "rl":
            node = folder.volatile[name]
            target, new = self.find(other)
            target.put(new, node)
            if kind == "r":
                folder.put(name, None)


def read_log(path):
    """(kind, path, other path, inode, number, bytes) of each call."""
    with open(path, "rb") as file:
        log = file.read()
    records, at = [], 0
    while at < len(log):
        kind, first, second, third, inode, number = RECORD.unpack_from(log, at)
        at += RECORD.size
        texts = []
        for size in first, second, third:
            texts.append(log[at:at + size])
            at += size
        records.append((chr(kind), texts[0].decode(), texts[1].decode(), inode, number, texts[2]))
    return records


# --- what may be left ---

class Strict:
    """Nothing but what was fsynced."""

    def entries(self, folder):
        return folder.durable

    def content(self, file):
        return file.durable


class Names(Strict):
    """All names are there, and of the bytes only those that were fsynced: what a file system with delayed allocation does."""

    def entries(self, folder):
        return folder.volatile


class Everything(Names):
    """What the end of the process leaves."""

    def content(self, file):
        return bytes(file.volatile)


class Torn:
    """Of everything that was not fsynced some part."""

    def __init__(self, dice):
        self.dice = dice

    def entries(self, folder):
        left = dict(folder.durable)
        for name, node in folder.pending[:self.dice.randint(0, len(folder.pending))]:
            put(left, name, node)
        return left

    def content(self, file):
        if not file.pending:
            return file.durable
        left = bytearray(file.durable)
        for at, data in file.pending:
            if self.dice.random() < 0.5:
                change(left, at, data)
        return self.dice.choice((bytes(left), file.durable, bytes(len(file.volatile)), bytes(file.volatile)))


def survivors(node, rule, path=""):
    """(path, mode, bytes; None of a folder) of everything that is left."""
    if isinstance(node, File):
        yield path, node.mode, rule.content(node)
        return
    yield path, node.mode, None
    for name, child in sorted(rule.entries(node).items()):
        yield from survivors(child, rule, f"{path}/{name}" if path else name)


def digest(left):
    total = hashlib.sha256()
    for path, mode, content in left:
        total.update(f"{path}\0{mode}\0{-1 if content is None else len(content)}\0".encode())
        total.update(content or b"")
    return total.digest()


def lay_down(left, root):
    """Write it to a folder.  Temporary files are old, as they are once a machine has started again."""
    for path, mode, content in left:
        full = os.path.join(root, path)
        if content is None:
            os.makedirs(full, exist_ok=True)
            continue
        with open(full, "wb") as file:
            file.write(content)
        os.chmod(full, mode)
        if os.path.basename(path).startswith(("tmp_", ".tmp-")):
            os.utime(full, (LONG_AGO, LONG_AGO))
    for path, mode, content in left:
        if content is None:
            os.chmod(os.path.join(root, path), mode)
