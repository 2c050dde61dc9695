"""Crashes: real services on real folders, whose disk and clients misbehave."""
import os
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "api"))

from service import BINARY  # noqa: E402


def pytest_configure():
    if not os.access(BINARY, os.X_OK):
        pytest.exit(f"{BINARY} is missing: run make first, or set VPNUNIT_BIN", 2)


@pytest.fixture(scope="module")
def memory():
    """A folder in memory, where the disk's own slowness is no part of a test that counts calls."""
    folder = tempfile.mkdtemp(prefix="vpnunit-crash-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def folder(memory):
    """An empty one of a test's own."""
    return tempfile.mkdtemp(dir=memory)
