"""Goal: whatever somebody changes in the rendered folders is found, told and put right; what is no drift is left alone."""
import os
import shutil
import sqlite3
import subprocess

import pytest

from clock import HAS_CLOCK, Clock
from service import Service, wait_for

EASYRSA = "/usr/share/easy-rsa/easyrsa"


class Watched:
    """A service with two gateways, whose next look at the disk is a step of its clock away."""

    def __init__(self, folder):
        self.clock = Clock(folder)
        self.service = Service(folder, environment=self.clock.environment()).start()
        self.service.user("joe")
        for name in ("a.example.org", "b.example.org"):
            self.service.gateway(name, "joe")
        self.before = self.service.rendered()

    def path(self, name):
        return os.path.join(self.service.data, name)

    def drift(self):
        return self.service.get("/state").json()["drift"]

    def look(self):
        """A minute passes; under sanitizers a start, which looks as well."""
        if HAS_CLOCK:
            self.clock.step(60)
        else:
            self.service.stop()
            self.service.start()

    def find(self, *wanted):
        """The look finds this, tells it and puts it right; the next one finds nothing."""
        assert self.check() == (1, sorted(wanted))
        said = len(self.service.read_log())
        self.look()
        wait_for(lambda: self.drift() != [])
        assert sorted(self.drift()) == sorted(wanted)
        for line in wanted:
            assert f"drift: {line}: rendered anew" in self.service.read_log()[said:]
        self.is_right()
        self.look()
        wait_for(lambda: self.drift() == [])
        self.is_right()

    def check(self):
        """`vpnunit render --check`: exit status and lines."""
        done = self.service.run("render", "--check", check=False)
        return done.returncode, sorted(done.stdout.splitlines())

    def is_right(self):
        wait_for(lambda: self.check() == (0, []))
        assert self.service.rendered() == self.before


@pytest.fixture
def watched(tmp_path):
    made = Watched(str(tmp_path))
    yield made
    made.service.stop()


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def test_files(watched):
    """Edited, cut off, emptied, deleted, with another mode, turned into a link or a folder, and foreign ones."""
    path = watched.path
    with open(path("ip/routes"), "a", encoding="ascii") as file:
        file.write("2001:db8:0:f00::/60 dev tun-vpn metric 1024\n")
    os.truncate(path("firewall/nftables.conf"), 100)
    os.truncate(path("ovpn/clients/a.example.org"), 0)
    os.remove(path("ovpn/server.conf"))
    os.remove(path("pki/issued/b.example.org.crt"))
    os.chmod(path("pki/ca.crt"), 0o666)
    os.rename(path("pki/index.txt"), path("pki/aside"))
    os.symlink("aside", path("pki/index.txt"))
    os.remove(path("pki/issued/a.example.org.crt"))
    os.mkdir(path("pki/issued/a.example.org.crt"))
    write(path("pki/issued/a.example.org.crt/x"), "x")
    write(path("ovpn/clients/evil.example.org"), "ifconfig-ipv6-push 2001:db8::666/64\n")
    os.mkdir(path("ovpn/clients/folder"))
    write(path("state.json"), "{}")
    watched.find("changed ip/routes", "changed firewall/nftables.conf", "changed ovpn/clients/a.example.org",
                 "missing ovpn/server.conf", "missing pki/issued/b.example.org.crt", "changed pki/ca.crt",
                 "changed pki/index.txt", "foreign pki/aside", "changed pki/issued/a.example.org.crt",
                 "foreign ovpn/clients/evil.example.org", "foreign ovpn/clients/folder", "changed state.json")


@pytest.mark.parametrize("folder", ["ip", "firewall", "ovpn/clients", "pki/certs_by_serial", "audit"])
def test_a_folder_that_is_gone(watched, folder):
    shutil.rmtree(watched.path(folder))
    gone = sorted(f"missing {name}" for name in watched.before if name.startswith(folder + "/"))
    watched.find(*gone)


@pytest.mark.parametrize("statement, table", [
    ("UPDATE users SET name = 'eve'", "users"),
    ("DELETE FROM gateways WHERE name = 'a.example.org'", "gateways"),
    ("UPDATE gateways SET enabled = 0", "gateways"),
    ("UPDATE certificates SET revoked_at = 1", "certificates"),
])
def test_rows(watched, statement, table):
    before = watched.service.get("/gateways").json()
    database = sqlite3.connect(watched.path("database.sqlite3"))
    database.execute(statement)
    database.commit()
    database.close()
    watched.find(f"changed database.sqlite3, table {table}")
    assert watched.service.get("/gateways").json() == before


@pytest.mark.parametrize("damage", [
    lambda path: os.remove(path), lambda path: os.truncate(path, 50), lambda path: os.truncate(path, 0),
    lambda path: write(path, "-----BEGIN X509 CRL-----\n"),
])
def test_the_crl_is_good_again_within_a_second_or_two(watched, damage):
    """Sooner than the next look, since on a bad one OpenVPN refuses everybody."""
    path = watched.path("pki/crl.pem")
    damage(path)
    wait_for(lambda: subprocess.run(["openssl", "crl", "-in", path, "-noout"], check=False,
                                    capture_output=True).returncode == 0, 10)
    assert watched.check() == (0, [])


def test_what_easyrsa_writes_is_no_drift(watched):
    """It leaves temporary folders, a vars file and copies of its configuration behind."""
    pki = watched.path("pki")
    for command in (["show-ca"], ["show-crl"], ["show-cert", "a.example.org"], ["show-expire"]):
        done = subprocess.run([EASYRSA, "--batch", f"--pki-dir={pki}", *command], check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    assert watched.check() == (0, [])
    assert watched.service.rendered().items() >= watched.before.items()


def test_without_a_service(watched):
    """From a shell: 0 all is right, 1 something differs, 4 it could not be checked; nothing is repaired by looking."""
    service = watched.service
    service.stop()
    assert watched.check() == (0, [])
    os.remove(watched.path("ip/routes"))
    write(watched.path("ovpn/clients/evil"), "x")
    assert watched.check() == watched.check() == (1, ["foreign ovpn/clients/evil", "missing ip/routes"])
    service.run("render", "--full")
    assert watched.check() == (0, [])
    assert service.rendered() == watched.before
    os.rename(watched.path("secrets/master.key"), watched.path("secrets/aside"))
    assert watched.check() == (4, [])
    os.rename(watched.path("secrets/aside"), watched.path("secrets/master.key"))
    shutil.rmtree(service.repository)
    assert watched.check() == (4, [])


def test_it_is_found_at_the_start(watched):
    watched.service.stop()
    os.remove(watched.path("ip/routes"))
    watched.service.start()
    wait_for(lambda: watched.drift() == ["missing ip/routes"])
    watched.is_right()


def test_a_change_does_not_build_on_what_is_wrong(watched):
    """Before the next look: the file that the change concerns is whole, the rest follows with the look."""
    os.remove(watched.path("ovpn/clients/a.example.org"))
    os.truncate(watched.path("ip/routes"), 0)
    assert watched.service.patch("/gateway/b.example.org", {"enabled": False}).status_code == 200
    with open(watched.path("ip/routes"), encoding="ascii") as file:
        assert "2001:db8:0:300::/60" in file.read()
    watched.look()
    wait_for(lambda: watched.drift() == ["missing ovpn/clients/a.example.org"])
    wait_for(lambda: watched.check() == (0, []))
