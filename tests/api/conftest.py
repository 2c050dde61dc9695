"""Services for the tests of the API: one a module, or one of a test's own."""
import itertools
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from service import BINARY, Service  # noqa: E402


def pytest_configure():
    if not os.access(BINARY, os.X_OK):
        pytest.exit(f"{BINARY} is missing: run make first, or set VPNUNIT_BIN", 2)


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """Shared by the tests of a module: each takes names of its own."""
    running = Service(str(tmp_path_factory.mktemp("vpnunit"))).start()
    yield running
    assert running.stop() == 0, running.read_log()


@pytest.fixture
def fresh(tmp_path):
    """Nobody else's: empty, and may be stopped and started."""
    running = Service(str(tmp_path)).start()
    yield running
    running.stop()


_numbers = itertools.count(1)


@pytest.fixture
def name():
    """A name that no other test has."""
    return f"n{next(_numbers)}"


@pytest.fixture
def user(service, name):
    return service.user(name)


@pytest.fixture
def gateway(service, user):
    return service.gateway(f"gw.{user['name']}.example.org", user["name"])
