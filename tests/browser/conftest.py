"""A service, a Chromium, and who signs in."""
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "api"), os.path.join(os.path.dirname(HERE), "net")]

from browser import Console, open_chromium  # noqa: E402
from service import Service  # noqa: E402


@pytest.fixture(scope="session")
def downloads(tmp_path_factory):
    return str(tmp_path_factory.mktemp("downloads"))


@pytest.fixture(scope="session")
def driver(downloads):
    driver = open_chromium(downloads)
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """Of a module: each test takes names of its own."""
    running = Service(str(tmp_path_factory.mktemp("vpnunit")), init=("--name", "Village Net")).start()
    yield running
    running.stop()


@pytest.fixture
def fresh(tmp_path):
    running = Service(str(tmp_path), init=("--name", "Village Net")).start()
    yield running
    running.stop()


def complaints_but_refusals(console):
    """Chromium notes each answer of 4xx and 5xx; anything else is a mistake of the page."""
    return [entry for entry in console.complaints() if "Failed to load resource" not in entry["message"]]


@pytest.fixture
def console(driver, service):
    """Signed in, on a desk; at the end the browser has nothing to complain of, the policy of the page least of all."""
    console = Console(driver, service.url(""))
    console.look()
    console.complaints()
    console.sign_in(service.token)
    yield console
    assert complaints_but_refusals(console) == []
