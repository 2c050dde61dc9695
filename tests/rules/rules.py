"""The rules of the tree that no compiler checks; each function yields one line a violation.

Edges between rooms and the places of libraries are in `edges`; the other rules are the
caps on functions and files, and that the README names nothing that isn't there.
"""
import os
import re

FUNCTION_LINES = 60
FILE_LINES = 400

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.M)
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)


class Edges:
    """The parsed file `edges`: rooms[room][other] is None or the set of functions it may call."""

    def __init__(self, path):
        self.rooms, self.libraries = {}, {}
        with open(path) as lines:
            for number, line in enumerate(lines, 1):
                line = line.split("#")[0].strip()
                if not line:
                    continue
                match = re.fullmatch(r"(room|library) ([\w.]+):\s*(.*)", line)
                if not match:
                    raise ValueError(f"{path}:{number}: neither a room nor a library")
                kind, name, words = match.groups()
                if kind == "library":
                    self.libraries[name] = words.split()
                else:
                    self.rooms[name] = dict(self.split_word(word) for word in words.split())

    @staticmethod
    def split_word(word):
        room, _, functions = word.rstrip(")").partition("(")
        return room, set(functions.split(",")) if functions else None


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def sources(root):
    """Every C and assembler file, as a path below root."""
    for folder, _, names in os.walk(os.path.join(root, "src")):
        for name in sorted(names):
            if name.endswith((".c", ".h", ".S")):
                yield os.path.relpath(os.path.join(folder, name), root)


def room_of(path):
    return path.split("/")[1]


def library_of(header, libraries):
    stem = re.split(r"[/.]", header)[0]
    for name in libraries:
        if stem == name or (stem.startswith(name + "_")):
            return name
    return None


def check_edge(path, header, text, edges):
    """One include of another file of the tree."""
    room, other = room_of(path), header.split("/")[0]
    if other == room:
        return
    allowed = edges.rooms.get(room)
    if allowed is None:
        yield f"{path}: the room {room} is not in tests/rules/edges"
    elif other not in allowed:
        yield f"{path}: {room} may not include {header}"
    elif header.endswith("_int.h"):
        yield f"{path}: {header} is private to {other}"
    elif allowed[other] is not None:
        used = set(re.findall(rf"\b{other}_\w+(?=\()", COMMENT.sub("", text)))
        for name in sorted(used - allowed[other]):
            yield f"{path}: {room} may not call {name} of {other}"


def check_library(path, header, edges):
    name = library_of(header, edges.libraries)
    if name is None:
        return
    below = path[len("src/"):]
    if not any(below == place or below.startswith(place + "/") for place in edges.libraries[name]):
        yield f"{path}: {header} belongs in {' or '.join(edges.libraries[name])} alone"


def check_includes(root, edges):
    for path in sources(root):
        text = read(root, path)
        for quote, header in INCLUDE.findall(text):
            yield from check_library(path, header, edges)
            if quote == '"' and "/" in header:
                yield from check_edge(path, header, text, edges)
            elif quote == '"' and library_of(header, edges.libraries) is None:
                yield f"{path}: {header} lacks its room"


def check_sizes(root):
    for path in sources(root):
        lines = read(root, path).splitlines()
        if len(lines) > FILE_LINES:
            yield f"{path}: {len(lines)} lines, more than {FILE_LINES}"
        start = None
        for number, line in enumerate(lines, 1):
            if line == "{":
                start = number
            elif line == "}" and start is not None:
                if number - start - 1 > FUNCTION_LINES:
                    yield f"{path}:{start}: a function of {number - start - 1} lines, more than {FUNCTION_LINES}"
                start = None


def readme_paths(text):
    """Every path below a top-level folder of the tree; a pattern counts as the folder it is in."""
    names = r"(?:src|state|hooks|templates|tests|\.ci)"
    for match in re.finditer(rf"(?<![\w/.-]){names}/[\w./-]*", text):
        path = match.group()
        if text[match.end():match.end() + 1] in ("<", "*", "{"):
            path = os.path.dirname(path)
        yield path.rstrip(".")


def readme_tree(text):
    """The paths of the drawn tree: under the heading that says tree, one indented name a line."""
    section = re.search(r"^#+[^\n]*\btree\b[^\n]*\n(.*?)(?=^#|\Z)", text, re.M | re.S | re.I)
    stack = []
    for line in section.group(1).splitlines() if section else ():
        match = re.match(r"(\s*)([\w.-][\w./-]*)(?:\s{2,}\S|$)", line)
        if not match or not line.startswith((" ", "\t")):
            continue
        indent, name = len(match.group(1).expandtabs(8)), match.group(2)
        while stack and stack[-1][0] >= indent:
            stack.pop()
        yield os.path.join(*[entry[1] for entry in stack], name)
        if name.endswith("/"):
            stack.append((indent, name))


def check_readme(root):
    text = read(root, "README.md")
    for path in sorted({*readme_paths(text), *readme_tree(text)}):
        if not os.path.exists(os.path.join(root, path)):
            yield f"README.md: names {path}, which does not exist"
