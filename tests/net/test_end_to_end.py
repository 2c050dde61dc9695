"""
Goal: what REST creates is a VPN.  Real OpenVPN, routes and firewall in network namespaces: two gateways that have
nothing but their .ovpn, machines behind them, and everything that may happen to a gateway in its life.
"""
import os
import shutil
import subprocess
import time

import pytest

from tunnels import BINARY, Gateway, Server, wait_for

pytestmark = pytest.mark.skipif(not os.path.exists("/dev/net/tun") or os.geteuid() != 0,
                                reason="NO REAL TUNNEL IS TESTED: /dev/net/tun is missing, or this is not root")
A, B = "a.joe.example.org", "b.joe.example.org"


@pytest.fixture
def world():
    """A server with a user, two gateways connected from their configurations alone."""
    server = Server()
    hosts = [server]
    try:
        server.start_service()
        server.must(201, "POST", "/users", {"name": "joe"})
        gateways = []
        for number, name in enumerate((A, B), 1):
            made = server.must(201, "POST", "/gateways", {"name": name, "user": "joe"})
            gateway = Gateway(server, number, made["prefix"])
            hosts.append(gateway)
            gateway.profile = gateway.write_profile(server.must(200, "GET", f"/gateway/{name}/config"))
            gateways.append(gateway)
        server.start_openvpn()
        for gateway in gateways:
            gateway.connect(gateway.profile)
        for gateway in gateways:
            gateway.wait_up()
        yield server, *gateways
    finally:
        for host in reversed(hosts):
            host.close()


def is_refused(gateway, profile, seconds=4):
    """A client with this file does not come up."""
    log = os.path.join(gateway.server.folder, "refused.log")
    client = gateway.connect(profile, log)
    time.sleep(seconds)
    up = gateway.is_up(log)
    gateway.end(client)
    return not up


def test_the_kernel_has_what_is_rendered(world):
    server, _, _ = world
    routes = server.run("ip", "-6", "route").stdout
    for gateway in server.must(200, "GET", "/gateways"):
        assert f"{gateway['prefix']} dev tun-vpn" in routes
    assert "unreachable 2001:db8::/48" in routes
    assert "vpnunit" in server.run("nft", "list", "tables").stdout
    state = server.must(200, "GET", "/state")
    assert state["head"] == state["rendered"] == state["deployed"]
    wait_for("OpenVPN is seen", lambda: server.must(200, "GET", "/state")["openvpn"] ==
             {"running": True, "restart_needed": False}, 5)
    assert server.must(200, "GET", "/readyz")
    assert server.ask("GET", "/readyz").status == 200


def test_closed_until_opened(world):
    """Default deny towards a gateway's prefix; ICMPv6 and replies pass; inbound and allow open it."""
    server, a, b = world
    for machine in (a.machine, b.machine):
        machine.serve_tcp(machine.address, 80)
        machine.serve_tcp(machine.address, 81)
    wait_for("the tunnel", lambda: a.machine.ping(b.machine.address), 10)
    assert not a.machine.can_connect(b.machine.address, 80)
    assert not b.machine.can_connect(a.machine.address, 80)
    server.must(200, "PATCH", f"/gateway/{B}", {"allow": ["tcp/80"]})
    assert a.machine.can_connect(b.machine.address, 80)
    assert not a.machine.can_connect(b.machine.address, 81)
    assert not b.machine.can_connect(a.machine.address, 80)
    answer = server.must(200, "PATCH", f"/gateway/{B}", {"inbound": "allow"})
    assert "allow" in answer["warnings"][0]  # it changes nothing now, and says so
    assert a.machine.can_connect(b.machine.address, 81)
    server.must(200, "PATCH", f"/gateway/{B}", {"inbound": "deny", "allow": [
        {"proto": "tcp", "ports": "81", "to": "1::80", "from": "user:joe"}]})
    assert a.machine.can_connect(b.machine.address, 81)
    assert not a.machine.can_connect(b.machine.address, 80)
    server.must(200, "PATCH", f"/gateway/{B}", {"allow": []})
    assert not a.machine.can_connect(b.machine.address, 81)


def test_delete_and_create_again(world):
    """Off within 2 s and for good, with no restart of OpenVPN and no effect on the other; the name may come again."""
    server, a, b = world
    openvpn = server.openvpn.pid
    stream = b.start("ping", "-6", "-n", "-i", "0.2", "2001:db8::1", log=os.path.join(server.folder, "ping.log"))
    wait_for("the tunnel", lambda: server.ping(a.address), 10)
    server.must(204, "DELETE", f"/gateway/{A}")
    wait_for("A is off", lambda: not server.ping(a.address), 2)
    a.disconnect()
    assert is_refused(a, a.profile)
    made = server.must(201, "POST", "/gateways", {"name": A, "user": "joe"})
    assert made["prefix"] == a.base + "0::/60"  # its old id
    new = a.write_profile(server.must(200, "GET", f"/gateway/{A}/config"), "new")
    assert is_refused(a, a.profile)
    a.connect(new)
    a.wait_up()
    wait_for("the new file works", lambda: server.ping(a.address), 5)
    b.end(stream)
    log = Server.read(os.path.join(server.folder, "ping.log"))
    sequence = [int(line.split("icmp_seq=")[1].split()[0]) for line in log.splitlines() if "icmp_seq=" in line]
    assert len(sequence) > 20
    assert max(later - earlier for earlier, later in zip(sequence, sequence[1:])) <= 5  # no gap of more than 1 s
    assert server.openvpn.pid == openvpn and server.openvpn.poll() is None


def test_disable_and_enable(world):
    server, a, _ = world
    wait_for("the tunnel", lambda: server.ping(a.address), 10)
    server.must(200, "PATCH", f"/gateway/{A}", {"enabled": False})
    wait_for("A is off", lambda: not server.ping(a.address), 2)
    time.sleep(2)
    assert not server.ping(a.address)
    server.must(200, "PATCH", f"/gateway/{A}", {"enabled": True})
    a.disconnect()
    a.connect(a.profile)
    a.wait_up()
    wait_for("the same file works again", lambda: server.ping(a.address), 5)
    server.must(200, "PATCH", "/user/joe", {"enabled": False})
    wait_for("all of the user's gateways are off", lambda: not server.ping(a.address), 2)
    a.disconnect()
    assert is_refused(a, a.profile)


def test_both_certificates_in_the_overlap(world):
    server, a, _ = world
    renewed = server.must(201, "POST", f"/gateway/{A}/renew", {"force": True, "reason": "test"})
    assert len(renewed["certificates"]) == 2
    new = a.write_profile(server.must(200, "GET", f"/gateway/{A}/config"), "new")
    for profile in (a.profile, new, a.profile):
        a.disconnect()
        a.connect(profile)
        a.wait_up()
        wait_for("the tunnel", lambda: server.ping(a.address), 5)
    server.must(201, "POST", f"/gateway/{A}/renew", {"force": True, "revoke_old": True, "reason": "lost"})
    wait_for("the old one is thrown off", lambda: not server.ping(a.address), 3)
    a.disconnect()
    assert is_refused(a, a.profile)
    assert is_refused(a, new)


def test_everything_derived_may_go(world):
    """Stop everything, remove all derived files, start again: the clients come back with the files they had."""
    server, a, b = world
    for gateway in (a, b):
        gateway.disconnect()
    server.stop_openvpn()
    server.stop_service()
    for name in os.listdir(server.data):
        if name not in ("state.git", "secrets"):
            path = os.path.join(server.data, name)
            shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
    server.run("ip", "link", "del", "tun-vpn")
    server.run("nft", "flush", "ruleset")
    server.start_service()
    # Its device is made by the hook, behind the service's start.
    wait_for(server.logs, lambda: os.path.exists(os.path.join(server.data, "deployed.json")), 30)
    server.start_openvpn()
    for gateway in (a, b):
        gateway.connect(gateway.profile)
        gateway.wait_up()
        wait_for("the tunnel", lambda: server.ping(gateway.address), 5)


def test_a_boot_needs_no_service(world):
    """After a reboot `deploy` and OpenVPN come up from what is rendered, with no service running."""
    server, a, _ = world
    a.disconnect()
    server.stop_openvpn()
    server.stop_service()
    server.run("ip", "link", "del", "tun-vpn")
    server.run("nft", "flush", "ruleset")
    server.run("sysctl", "-qw", "net.ipv6.conf.all.forwarding=0")
    server.vpnunit("deploy")
    server.start_openvpn()
    a.connect(a.profile)
    a.wait_up()
    wait_for("the tunnel", lambda: server.ping(a.address), 5)


def test_restore_from_clone_and_key(world, tmp_path):
    """A clone and the master key in an empty folder: the same bytes, CRL and clock-bound files aside."""
    server, _, _ = world
    server.must(204, "DELETE", f"/gateway/{B}")
    copy = str(tmp_path / "copy")
    os.makedirs(os.path.join(copy, "secrets"), 0o700)
    subprocess.run(["git", "clone", "-q", "--bare", os.path.join(server.data, "state.git"),
                    os.path.join(copy, "state.git")], check=True)
    shutil.copy(os.path.join(server.data, "secrets", "master.key"), os.path.join(copy, "secrets"))
    result = subprocess.run([BINARY, "render", "--data", copy, "--openvpn-group", server.GROUP],
                            text=True, capture_output=True, check=False, timeout=60)
    assert result.returncode == 0, result.stderr
    for folder in ("pki", "ovpn", "ip", "firewall", "audit"):
        found = subprocess.run(["diff", "-r", "--exclude=crl.pem", os.path.join(server.data, folder),
                                os.path.join(copy, folder)], text=True, capture_output=True, check=False)
        assert found.returncode == 0, found.stdout
    assert Server.read(os.path.join(copy, "state.json")) == Server.read(os.path.join(server.data, "state.json"))
