"""Goal: an undo that the tunnels feel: who was deleted comes back with a new file at the old address, who was added
is thrown off, whoever is on both sides notices nothing.  Real OpenVPN, real kernel."""
import os
import time

import pytest

from tunnels import Gateway, Server, wait_for

pytestmark = pytest.mark.skipif(not os.path.exists("/dev/net/tun") or os.geteuid() != 0,
                                reason="NO TUNNEL IS TESTED: /dev/net/tun is missing, or this is not root")
A, B, C = "a.joe.example.org", "b.joe.example.org", "c.ann.example.org"


class World:
    def __init__(self):
        self.server = Server()
        self.hosts = [self.server]

    def gateway(self, name, user):
        """Made by REST, connected from its file alone."""
        made = self.server.must(201, "POST", "/gateways", {"name": name, "user": user})
        gateway = Gateway(self.server, len(self.hosts), made["prefix"])
        self.hosts.append(gateway)
        gateway.profile = gateway.write_profile(self.config(name))
        return gateway

    def config(self, name):
        return self.server.must(200, "GET", f"/gateway/{name}/config")

    def connect(self, gateway, profile=None):
        gateway.connect(profile or gateway.profile)
        gateway.wait_up()
        wait_for("the tunnel", lambda: self.server.ping(gateway.address), 10)

    def close(self):
        for host in reversed(self.hosts):
            host.close()


@pytest.fixture
def world():
    made = World()
    try:
        made.server.start_service()
        made.server.must(201, "POST", "/users", {"name": "joe"})
        made.server.must(201, "POST", "/users", {"name": "ann"})
        made.a, made.b = made.gateway(A, "joe"), made.gateway(B, "joe")
        made.server.start_openvpn()
        made.connect(made.a)
        made.connect(made.b)
        yield made
    finally:
        made.close()


def is_refused(gateway, profile, seconds=4):
    log = os.path.join(gateway.server.folder, "refused.log")
    client = gateway.connect(profile, log)
    time.sleep(seconds)
    up = gateway.is_up(log)
    gateway.end(client)
    return not up


def gaps(log):
    """The longest run of lost replies of a `ping -D -i 0.2`, in seconds between two that came."""
    times = [float(line[1:].split("]")[0]) for line in Server.read(log).splitlines() if "icmp_seq=" in line and "bytes" in line]
    return max(later - earlier for earlier, later in zip(times, times[1:])) if len(times) > 20 else 1000


def test_rollback(world):
    server, a, b = world.server, world.a, world.b
    then = server.must(200, "GET", "/state")["head"]
    openvpn = server.openvpn.pid
    log = os.path.join(server.folder, "ping.log")
    stream = b.start("ping", "-6", "-n", "-D", "-i", "0.2", "2001:db8::1", log=log)
    server.must(204, "DELETE", f"/gateway/{A}")
    wait_for("A is off", lambda: not server.ping(a.address), 2)
    a.disconnect()
    c = world.gateway(C, "ann")
    world.connect(c)
    done = server.must(201, "POST", "/rollback", {"to": then, "reason": "the wrong one"})
    assert done["needs_config"] == [A] and done["loses_access"] == [C]
    assert "deployed" not in done, done
    wait_for("C is thrown off", lambda: not server.ping(c.address), 2)
    c.disconnect()
    assert is_refused(c, c.profile)
    assert is_refused(a, a.profile)
    world.connect(a, a.write_profile(world.config(A), "new"))
    assert f"{a.base}0::/60 dev tun-vpn" in server.run("ip", "-6", "route").stdout
    assert f"{c.base}0::/60 dev tun-vpn" not in server.run("ip", "-6", "route").stdout
    b.end(stream)
    assert gaps(log) <= 1, Server.read(log)[-2000:] + server.run("ip", "-6", "route").stdout + Server.read(b.log)[-3000:] + server.logs()
    assert server.openvpn.pid == openvpn and server.openvpn.poll() is None


def test_rollback_of_the_rollback(world):
    """C comes back with a new file; its old one and all of A's stay refused."""
    server, a = world.server, world.a
    then = server.must(200, "GET", "/state")["head"]
    server.must(204, "DELETE", f"/gateway/{A}")
    a.disconnect()
    c = world.gateway(C, "ann")
    now = server.must(200, "GET", "/state")["head"]
    server.must(201, "POST", "/rollback", {"to": then})
    second = a.write_profile(world.config(A), "second")
    done = server.must(201, "POST", "/rollback", {"to": now})
    assert done["needs_config"] == [C] and done["loses_access"] == [A]
    assert is_refused(a, a.profile) and is_refused(a, second) and is_refused(c, c.profile)
    world.connect(c, c.write_profile(world.config(C), "new"))


def test_settings_of_a_connected_gateway(world):
    """Off and on again by rollback: the same file, the same certificate."""
    server, a = world.server, world.a
    then = server.must(200, "GET", "/state")["head"]
    server.must(200, "PATCH", f"/gateway/{A}", {"enabled": False})
    wait_for("A is off", lambda: not server.ping(a.address), 2)
    a.disconnect()
    done = server.must(201, "POST", "/rollback", {"to": then})
    assert done["issued"] == done["revoked"] == done["needs_config"] == []
    world.connect(a)
    off = server.must(201, "POST", "/rollback", {"to": "HEAD~1", "only": [f"gateway:{A}"]})
    assert off["loses_access"] == [A]
    wait_for("A is off again", lambda: not server.ping(a.address), 2)
