"""hooks/router/vpnunit-renew: ten lines of a router's cron, with a token that can do nothing else."""
import os
import subprocess

import pytest

from service import ROOT, Service

SCRIPT = os.path.join(ROOT, "hooks", "router", "vpnunit-renew")
GATEWAY = "router.joe.example.org"


class Router:
    def __init__(self, service, folder):
        self.service, self.folder = service, folder
        answer = service.post("/tokens", {"name": "router", "role": "gateway", "gateway": GATEWAY})
        assert answer.status_code == 201, answer.text
        (folder / "token").write_text(answer.json()["token"] + "\n")

    def run(self):
        environment = dict(os.environ, VPNUNIT_URL=self.service.url(""), VPNUNIT_GATEWAY=GATEWAY,
                           VPNUNIT_TOKEN=str(self.folder / "token"), VPNUNIT_CA=os.path.join(self.service.data, "pki", "ca.crt"),
                           VPNUNIT_CONFIG=str(self.folder / "client.conf"), VPNUNIT_RESTART=f"touch {self.folder}/restarted")
        return subprocess.run(["dash", SCRIPT], env=environment, capture_output=True, text=True, timeout=60)

    def restarted(self):
        path = self.folder / "restarted"
        was = path.exists()
        path.unlink(missing_ok=True)
        return was


@pytest.fixture
def network(tmp_path):
    """A service whose certificates live so many days."""
    made = []

    def make(days):
        folder = tmp_path / "service"
        folder.mkdir()
        service = Service(str(folder), init=("--validity", str(days)))
        made.append(service.start())
        service.user("joe")
        service.gateway(GATEWAY, "joe")
        (tmp_path / "router").mkdir()
        return service, Router(service, tmp_path / "router")

    yield make
    for service in made:
        service.stop()


def test_too_early(network):
    """It fetches what it has not, and then finds nothing to do."""
    service, router = network(825)
    head = service.head()
    done = router.run()
    assert done.returncode == 0, done.stderr
    config = router.folder / "client.conf"
    assert config.read_text() == service.get(f"/gateway/{GATEWAY}/config").text
    assert os.stat(config).st_mode & 0o777 == 0o600
    assert router.restarted()
    assert router.run().returncode == 0 and not router.restarted()
    assert service.head() == head
    assert sorted(os.listdir(router.folder)) == ["client.conf", "token"]


def test_due(network):
    """In the last 30 days it renews, and OpenVPN starts with the new certificate."""
    service, router = network(20)
    before = service.get(f"/gateway/{GATEWAY}/config").text
    done = router.run()
    assert done.returncode == 0, done.stderr
    after = (router.folder / "client.conf").read_text()
    assert after != before and after == service.get(f"/gateway/{GATEWAY}/config").text
    assert router.restarted()
    assert service.git("log", "-1", "--format=%an: %s", "main").strip() == f"router: gateway {GATEWAY}: renew its certificate"


def test_gone(network):
    """Refused, it says so and keeps the configuration that it has."""
    service, router = network(825)
    router.run()
    kept = (router.folder / "client.conf").read_text()
    assert service.delete("/token/router").status_code == 204
    done = router.run()
    assert done.returncode == 1 and "answers 401" in done.stderr
    assert (router.folder / "client.conf").read_text() == kept
    secret = (router.folder / "token").read_text().strip()
    assert secret not in done.stderr
