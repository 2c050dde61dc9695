"""The document is sound for a linter, and a client generated from it does its work, types included.

The tools come by npm with locked versions (`make deps-test`), into the build folder.
"""
import os
import shutil
import subprocess

import pytest

from document import PATH, ROOT
from service import BINARY

CLIENT = os.path.join(ROOT, "tests", "client")
MODULES = os.path.join(os.path.dirname(BINARY), "client", "node_modules")


def run(folder, *command):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def folder(tmp_path):
    """The sources, with the tools where node looks for them."""
    assert os.path.isdir(MODULES), "make deps-test brings the tools that are missing"
    for name in ("package.json", "lint.mjs", "smoke.mts"):
        shutil.copy(os.path.join(CLIENT, name), tmp_path)
    os.symlink(MODULES, tmp_path / "node_modules")
    return tmp_path


def test_lint(folder):
    assert run(folder, "node", "lint.mjs", PATH) == ""


def test_lint_finds_something(folder):
    with open(PATH, encoding="utf-8") as file:
        broken = file.read().replace('"operationId": "createUser"', '"operationId": "listUsers"')
    (folder / "broken.json").write_text(broken)
    done = subprocess.run(["node", "lint.mjs", "broken.json"], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and "operation-operationId-unique" in done.stdout


def test_generated_client(service, folder):
    run(folder, "node_modules/.bin/openapi-typescript", PATH, "--output", "api.d.ts")
    run(folder, "node_modules/.bin/tsc", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "nodenext", "smoke.mts")
    assert run(folder, "node", "smoke.mjs", service.url(""), service.token) == "done\n"
