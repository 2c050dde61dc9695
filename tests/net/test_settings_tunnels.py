"""
Goal: settings reach a running OpenVPN as the policy says: by hand, or by themselves; it is known which it runs with,
also after a start of the service; clients come back by themselves, and nobody is cut off without it being said.
"""
import json
import os
import subprocess

import pytest

from tunnels import Gateway, Server, wait_for

pytestmark = pytest.mark.skipif(not os.path.exists("/dev/net/tun") or os.geteuid() != 0,
                                reason="NO REAL TUNNEL IS TESTED: /dev/net/tun is missing, or this is not root")
A = "a.joe.example.org"


@pytest.fixture
def world():
    server = Server()
    hosts = [server]
    try:
        server.start_service()
        server.must(201, "POST", "/users", {"name": "joe"})
        made = server.must(201, "POST", "/gateways", {"name": A, "user": "joe"})
        gateway = Gateway(server, 1, made["prefix"])
        hosts.append(gateway)
        gateway.profile = gateway.write_profile(server.must(200, "GET", f"/gateway/{A}/config"))
        server.start_openvpn()
        gateway.connect(gateway.profile)
        gateway.wait_up()
        wait_for("OpenVPN is seen", lambda: openvpn(server) == {"running": True, "restart_needed": False})
        yield server, gateway
    finally:
        for host in reversed(hosts):
            host.close()


def openvpn(server):
    return server.must(200, "GET", "/state")["openvpn"]


def starts(server):
    """How often OpenVPN has come up."""
    return server.read(os.path.join(server.folder, "openvpn.log")).count("Initialization Sequence Completed")



def test_by_hand(world):
    server, gateway = world
    wait_for("the tunnel", lambda: server.ping(gateway.address), 10)
    answer = server.must(200, "PATCH", "/server", {"dns": ["2001:db8::53"]})
    assert answer["restart_needed"] and "POST /server/restart" in answer["warnings"][0]
    assert openvpn(server) == {"running": True, "restart_needed": True}
    assert starts(server) == 1 and server.ping(gateway.address)  # nobody is cut off
    # It is known across a start of the service, which has only OpenVPN to ask.
    server.stop_service()
    server.start_service()
    wait_for("OpenVPN is seen", lambda: openvpn(server) == {"running": True, "restart_needed": True})
    # Set back, it runs with what is wanted again.
    server.must(200, "PATCH", "/server", {"dns": []})
    assert openvpn(server)["restart_needed"] is False
    server.must(200, "PATCH", "/server", {"dns": ["2001:db8::53"]})
    assert server.must(202, "POST", "/server/restart") == {"restarting": True}
    wait_for(server.logs, lambda: openvpn(server) == {"running": True, "restart_needed": False}, 20)
    wait_for(server.logs, lambda: starts(server) == 2, 20)
    wait_for("the client is back", lambda: server.ping(gateway.address), 40)
    assert "dhcp-option DNS 2001:db8::53" in server.read(gateway.log)
    assert server.openvpn.poll() is None


def test_by_itself(world):
    server, gateway = world
    assert server.must(200, "PATCH", "/server", {"restart": "auto"})["restart_needed"] is False
    answer = server.must(200, "PATCH", "/network", {"policy": {"max_clients": 99}})
    assert answer["restart_needed"] and "at once" in answer["warnings"][0]
    wait_for(server.logs, lambda: starts(server) == 2, 20)
    wait_for(server.logs, lambda: openvpn(server) == {"running": True, "restart_needed": False}, 20)
    wait_for("the client is back", lambda: server.ping(gateway.address), 40)
    # What clients alone are told is no reason.
    server.must(200, "PATCH", "/server", {"endpoints": ["[fd00:0:0:1::1]:1194", "vpn.example.org:1194"]})
    server.must(200, "PATCH", "/network", {"name": "Other"})
    assert server.ping(gateway.address, 3)
    # Undone like everything else, and that reaches OpenVPN too.
    server.must(201, "POST", "/commit/HEAD~2/revert", {"reason": "too few"})
    wait_for(server.logs, lambda: starts(server) == 3, 20)
    wait_for("the client is back", lambda: server.ping(gateway.address), 40)


def test_changed_while_the_service_was_away(world):
    """auto: what was left to do when the service ended is done when it starts."""
    server, _ = world
    server.must(200, "PATCH", "/server", {"extra": ["verb 4"]})
    server.must(200, "PATCH", "/server", {"restart": "auto"})
    assert starts(server) == 1 and openvpn(server)["restart_needed"]
    server.stop_service()
    server.start_service()
    wait_for(server.logs, lambda: starts(server) == 2, 30)
    wait_for(server.logs, lambda: openvpn(server) == {"running": True, "restart_needed": False}, 20)


def test_the_yearly_renewal_restarts_by_itself(world):
    """The server's certificate is renewed at two thirds of its life: the new one is in force under either policy."""
    server, gateway = world
    assert server.must(200, "GET", "/server")["restart"] == "manual"
    clone = os.path.join(server.folder, "clone")
    git = ["git", "-c", "safe.directory=*", "-c", "user.name=op", "-c", "user.email=op@example.org", "-C", clone]
    subprocess.run([*git[:3], "clone", "-q", os.path.join(server.data, "state.git"), clone], check=True)
    path = os.path.join(clone, "network.json")
    with open(path, encoding="utf-8") as file:
        network = json.load(file)
    network["policy"]["server"] = "60s"
    with open(path, "w", encoding="utf-8") as file:
        file.write(json.dumps(network, indent=2, sort_keys=True) + "\n")
    for command in (["commit", "-qam", "network: a year of a minute"], ["push", "-q", "origin", "HEAD:main"]):
        server.run(*git, *command)
    wait_for(server.logs, lambda: starts(server) == 2, 70)
    wait_for(server.logs, lambda: openvpn(server) == {"running": True, "restart_needed": False}, 20)
    wait_for("the client is back", lambda: server.ping(gateway.address), 40)
