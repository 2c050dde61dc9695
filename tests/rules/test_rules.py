"""The tree keeps its own rules; and each rule finds what breaks it."""
import os

import pytest

import rules

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "../.."))
EDGES = rules.Edges(os.path.join(ROOT, "tests/rules/edges"))


def test_includes():
    assert list(rules.check_includes(ROOT, EDGES)) == []


def test_sizes():
    assert list(rules.check_sizes(ROOT)) == []


def test_readme():
    assert list(rules.check_readme(ROOT)) == []


def test_every_room_has_a_rule():
    rooms = {rules.room_of(path) for path in rules.sources(ROOT)}
    assert rooms <= set(EDGES.rooms)


def test_python_names_are_unique():
    """pytest imports all of tests/ into one process, by base name."""
    names = [name for folder, _, files in os.walk(os.path.join(ROOT, "tests")) for name in files
             if name.endswith(".py") and os.path.basename(folder) != "bench"]
    twice = {name for name in names if names.count(name) > 1}
    assert twice <= {"conftest.py"}


def test_edges_have_no_cycle():
    order = list(EDGES.rooms)
    for room, others in EDGES.rooms.items():
        assert all(order.index(other) < order.index(room) for other in others), room


def tree(root, **files):
    for path, text in files.items():
        path = os.path.join(root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
    return str(root)


@pytest.mark.parametrize("path, text, found", [
    ("src/model/a.c", '#include "state/state.h"', "model may not include state/state.h"),
    ("src/state/a.c", '#include "render/render.h"', "state may not include render/render.h"),
    ("src/flow/a.c", '#  include "state/state_int.h"', "private to state"),
    ("src/cellar/a.c", '#include "base/job.h"', "not in tests/rules/edges"),
    ("src/api/a.c", '#include "render/render.h"\nint f(void) { return render_stage(); }', "may not call render_stage"),
    ("src/api/a.c", "#include <git2.h>", "belongs in state"),
    ("src/render/a.c", "#include <git2/sys/mempack.h>", "belongs in state"),
    ("src/base/fs.c", "#include <openssl/evp.h>", "belongs in pki or base/digest.c"),
    ("src/api/a.c", "#include <yajl/yajl_tree.h>", "belongs in base/json.c"),
    ("src/api/a.c", "#include <yajl_tree.h>", "belongs in base/json.c"),
    ("src/api/a.c", '#include "civetweb.h"', "belongs in http"),
    ("src/api/a.c", '#include "api.h"', "lacks its room"),
])
def test_finds_include(tmp_path, path, text, found):
    violations = list(rules.check_includes(tree(tmp_path, **{path: text}), EDGES))
    assert len(violations) == 1 and found in violations[0]


@pytest.mark.parametrize("path, text", [
    ("src/api/a.c", '#include "render/render.h"\nint f(void) { return render_profile(); }'),
    ("src/base/digest.c", "#include <openssl/evp.h>"),
    ("src/flow/a.c", '#include "flow/flow_int.h"\n#include <string.h>'),
    ("src/main.c", '#include "cli/cli.h"'),
])
def test_allows_include(tmp_path, path, text):
    assert list(rules.check_includes(tree(tmp_path, **{path: text}), EDGES)) == []


def test_finds_sizes(tmp_path):
    line = "\tx();\n"
    root = tree(tmp_path, **{
        "src/base/short.c": "int f(void)\n{\n" + 60 * line + "}\n",
        "src/base/long.c": "int f(void)\n{\n" + 61 * line + "}\n",
        "src/base/file.c": 401 * "\n",
    })
    found = sorted(rules.check_sizes(root))
    assert len(found) == 2
    assert found[0].startswith("src/base/file.c: 401 lines")
    assert found[1].startswith("src/base/long.c:2: a function of 61 lines")


def test_finds_readme_paths(tmp_path):
    readme = """# VPNUnit
Add `src/base/new.c`, `tests/unit/test_<file>.c`, see DATA/state.git/hooks/post-commit.

## The tree

    src/
        base/      no room
        attic/     nothing here
    Makefile       builds

## After
"""
    root = tree(tmp_path, **{"README.md": readme, "src/base/a.c": "", "tests/unit/test_a.c": ""})
    assert list(rules.check_readme(root)) == [
        "README.md: names Makefile, which does not exist",
        "README.md: names src/attic/, which does not exist",
        "README.md: names src/base/new.c, which does not exist",
    ]
