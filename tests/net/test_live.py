"""Goal: who is connected is seen as it happens: by GET, as events, as metrics.  A real OpenVPN and real clients."""
import json
import os
import re
import socket
import threading
import time

import pytest

from tunnels import Gateway, Server, UNDERLAY, wait_for

pytestmark = pytest.mark.skipif(not os.path.exists("/dev/net/tun") or os.geteuid() != 0,
                                reason="NOBODY IS SEEN CONNECTED: /dev/net/tun is missing, or this is not root")
A, B = "a.joe.example.org", "b.joe.example.org"


class Events:
    """All events from now on, in a list that a thread fills."""

    def __init__(self, server):
        self.heard = []
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(os.path.join(server.folder, "api.sock"))
        with open(os.path.join(server.data, "secrets", "admin.token"), encoding="ascii") as file:
            token = file.read().strip()
        self.socket.sendall(f"GET /events HTTP/1.0\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        kind = None
        with self.socket.makefile(encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("event: "):
                    kind = line[7:].strip()
                elif line.startswith("data: "):
                    self.heard.append((kind, json.loads(line[6:])))

    def has(self, kind, gateway):
        return next((data for k, data in self.heard if k == kind and data["gateway"] == gateway), None)

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


@pytest.fixture
def world():
    server = Server()
    hosts = [server]
    try:
        server.start_service()
        server.must(201, "POST", "/users", {"name": "joe"})
        made = [server.must(201, "POST", "/gateways", {"name": name, "user": "joe"}) for name in (A, B)]
        gateway = Gateway(server, 1, made[0]["prefix"])
        hosts.append(gateway)
        gateway.profile = gateway.write_profile(server.must(200, "GET", f"/gateway/{A}/config"))
        yield server, gateway
    finally:
        for host in reversed(hosts):
            host.close()


def status(server, name=A):
    return server.must(200, "GET", f"/gateway/{name}").get("status", "unknown")


def metric(server, name):
    text = server.must(200, "GET", "/metrics")
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.M)
    return found and float(found.group(1))


def test_a_connection_from_its_beginning_to_its_end(world):
    server, gateway = world
    assert status(server) == "unknown" and metric(server, "ovpn_server_up") == 0
    assert server.must(200, "GET", f"/gateway/{A}?status=1")["status"] is None
    events = Events(server)
    server.start_openvpn()
    wait_for("OpenVPN is seen", lambda: status(server) == {"connected": False}, 30)
    before = time.time()
    gateway.connect(gateway.profile)
    gateway.wait_up()

    seen = wait_for("the connection is seen", lambda: status(server)["connected"] and status(server))
    assert seen["remote"] == f"{UNDERLAY}2"
    assert before - 5 < time.mktime(time.strptime(seen["since"], "%Y-%m-%dT%H:%M:%SZ")) - time.timezone < time.time() + 5
    connected = wait_for(lambda: str(events.heard), lambda: events.has("connect", A))
    assert connected == {"gateway": A, "remote": f"{UNDERLAY}2"}
    listed = server.must(200, "GET", "/gateways?status=1")
    assert {row["name"]: row["status"]["connected"] for row in listed} == {A: True, B: False}
    assert "status" not in server.must(200, "GET", "/gateways")[0]
    assert metric(server, "ovpn_clients_connected") == 1

    gateway.run("ping", "-6", "-q", "-n", "-c", "40", "-i", "0.02", "-s", "1000", "2001:db8::1")
    counted = wait_for("its bytes are counted", lambda: status(server)["received"] > 40000 and status(server), 30)
    assert counted["sent"] > 40000
    assert metric(server, f'ovpn_client_received_bytes_total{{client="{A}"}}') > 40000

    # A client that just goes is missed by OpenVPN after two minutes; one that is cut, after five seconds.
    server.must(200, "PATCH", f"/gateway/{A}", {"enabled": False})
    wait_for(lambda: str(status(server)) + server.logs(), lambda: status(server) == {"connected": False}, 30)
    gone = wait_for(lambda: str(events.heard), lambda: events.has("disconnect", A))
    assert gone["received"] > 40000 and gone["sent"] > 40000
    assert metric(server, "ovpn_clients_connected") == 0
    server.stop_openvpn()
    wait_for("OpenVPN is gone", lambda: status(server) == "unknown")
    assert [data["running"] for kind, data in events.heard if kind == "openvpn"] == [True, False]
    events.close()


def test_who_was_there_before_the_service_is_seen(world):
    server, gateway = world
    server.start_openvpn()
    gateway.connect(gateway.profile)
    gateway.wait_up()
    wait_for("the connection is seen", lambda: status(server) != "unknown" and status(server)["connected"])
    since = status(server)["since"]
    server.stop_service()
    server.start_service()
    seen = wait_for("it is seen again", lambda: status(server) != "unknown" and status(server)["connected"] and status(server))
    assert (seen["since"], seen["remote"]) == (since, f"{UNDERLAY}2")


def test_watching_makes_no_change_stale(world):
    """The tag that came with a status is one to change the gateway by; whoever asks again gets the new status."""
    server, gateway = world
    server.start_openvpn()
    wait_for("OpenVPN is seen", lambda: status(server) == {"connected": False}, 30)
    first = server.ask("GET", f"/gateway/{A}")
    gateway.connect(gateway.profile)
    gateway.wait_up()
    wait_for("the connection is seen", lambda: status(server)["connected"])
    second = server.ask("GET", f"/gateway/{A}")
    assert first.headers["ETag"] != second.headers["ETag"]
    answer = server.ask("PATCH", f"/gateway/{A}", {"inbound": "allow"}, {"If-Match": first.headers["ETag"]})
    assert answer.status == 200, answer.body
    assert server.ask("PATCH", f"/gateway/{A}", {"inbound": "deny"}, {"If-Match": second.headers["ETag"]}).status == 412
