"""Crashes: real services on real folders, whose disk and clients misbehave."""
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "api"))

from service import BINARY  # noqa: E402


def pytest_configure():
    if not os.access(BINARY, os.X_OK):
        pytest.exit(f"{BINARY} is missing: run make first, or set VPNUNIT_BIN", 2)
