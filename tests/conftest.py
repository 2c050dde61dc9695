"""Which tests run side by side: a file stays together, and what loads or times the whole machine goes one after the other."""
import os

import pytest

ROOT = os.path.dirname(os.path.abspath(__file__))
ALONE = {"net", "crash"}


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in a hook of its own
def pytest_collection_modifyitems(items):
    for item in items:
        folder, _, name = os.path.relpath(item.path, ROOT).partition(os.sep)
        item.add_marker(pytest.mark.xdist_group("machine" if folder in ALONE else name))
