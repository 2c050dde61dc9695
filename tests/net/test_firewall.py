"""Goal: the rendered firewall opens what gateways say and nothing else, for new flows and for established ones.

A bridge named tun-vpn stands in for the tunnel: rules go by the device's name. Each gateway is a namespace on
that bridge, the Internet and a network of the host's own are two more. The rules are what the service renders.
"""

import http.client
import json
import os
import pathlib
import re
import socket
import struct
import subprocess
import tempfile
import time

import pytest

from space import spaces

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("VPNUNIT_BIN", str(ROOT / "build" / "vpnunit"))
INTERNET, LAN = "2001:db9::2", "2001:dba::2"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="SKIPPED LOUDLY: namespaces need root")


class Service:
    """The service that renders; hooks are off, the rules are loaded by hand."""

    def __init__(self, folder):
        self.data = folder / "data"
        self.data.mkdir()
        self.socket = str(folder / "api.sock")
        subprocess.run([BINARY, "init", "--data", self.data, "--prefix", "2001:db8::/48",
                        "--endpoint", "vpn.example.org:1194"], check=True, stdout=subprocess.DEVNULL)
        self.process = subprocess.Popen([BINARY, "serve", "--data", self.data, "--listen", f"unix:{self.socket}",
                                         "--hooks", "none"])
        self.wait()

    def wait(self):
        for _ in range(400):
            try:
                return self.ask("GET", "/users")
            except OSError:
                assert self.process.poll() is None, "the service ended"
                time.sleep(0.05)
        raise AssertionError("the service does not answer")

    def close(self):
        self.process.terminate()
        self.process.wait(20)

    def ask(self, method, path, body=None):
        token = (self.data / "secrets" / "admin.token").read_text().strip()
        connection = http.client.HTTPConnection("localhost", timeout=20)
        with socket.socket(socket.AF_UNIX) as connection.sock:
            connection.sock.connect(self.socket)
            connection.request(method, path, json.dumps(body) if body else None,
                               {"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
            answer = connection.getresponse()
            content = answer.read()
        assert answer.status in (200, 201), content
        return json.loads(content)

    @property
    def rules(self):
        return self.data / "firewall" / "nftables.conf"


class Gateway:
    def __init__(self, network, name, space, **settings):
        self.network, self.name, self.space = network, name, space
        self.seen = network.service.ask("POST", "/gateways", {"name": name, **settings})
        self.base = self.seen["prefix"].split("::")[0][:-1]  # up to the digit n
        self.address = self.seen["address"]
        self.host = f"{self.base}1::80"
        network.attach(space, [f"{self.address}/64", f"{self.host}/64"])

    def change(self, **settings):
        self.network.service.ask("PATCH", f"/gateway/{self.name}", settings)
        self.network.load()


class Network:
    """The router with everything around it."""

    def __init__(self, router, internet, lan, service):
        self.router, self.service = router, service
        router.ip("link", "add", "tun-vpn", "type", "bridge", "mcast_snooping", "0")
        router.ip("link", "set", "tun-vpn", "up")
        router.ip("addr", "add", "2001:db8::1/64", "dev", "tun-vpn", "nodad")
        router.sysctl("net/ipv6/conf/all/forwarding", "1")
        router.sysctl("net/ipv4/conf/all/forwarding", "1")
        self.join("uplink", internet, "2001:db9::1/64", f"{INTERNET}/64", "10.9.0.1/24", "10.9.0.2/24")
        self.join("lan", lan, "2001:dba::1/64", f"{LAN}/64", "10.10.0.1/24", "10.10.0.2/24")

    def join(self, device, space, here, there, *ipv4):
        """A network of the host's, not of the tunnel."""
        self.router.ip("link", "add", device, "type", "veth", "peer", "name", "eth", "netns", space.name)
        self.router.ip("link", "set", device, "up")
        space.ip("link", "set", "eth", "up")
        for where, name, address in ((self.router, device, here), (space, "eth", there),
                                     (self.router, device, ipv4[0]), (space, "eth", ipv4[1])):
            where.ip("addr", "add", address, "dev", name, *(["nodad"] if ":" in address else []))
        space.ip("-6", "route", "add", "default", "via", here.split("/")[0])
        space.ip("route", "add", "default", "via", ipv4[0].split("/")[0])

    def attach(self, space, addresses):
        """A gateway on the tunnel."""
        port = f"p{space.name.split('-')[2]}"
        self.router.ip("link", "add", port, "type", "veth", "peer", "name", "eth", "netns", space.name)
        self.router.ip("link", "set", port, "up", "master", "tun-vpn")
        space.ip("link", "set", "eth", "up")
        space.sysctl("net/ipv6/conf/eth/accept_redirects", "0")
        for address in addresses:
            space.ip("addr", "add", address, "dev", "eth", "nodad")
        space.ip("-6", "route", "add", "2001:db8::1", "dev", "eth")
        space.ip("-6", "route", "add", "default", "via", "2001:db8::1", "dev", "eth")

    def load(self):
        self.router.run("nft", "-c", "-f", self.service.rules)
        self.router.run("nft", "-f", self.service.rules)

    def route(self):
        """As the predecessor's loop took them."""
        for line in (self.service.data / "ip" / "routes").read_text().splitlines():
            self.router.ip("-6", "route", "add", *line.split())


@pytest.fixture(scope="module")
def net():
    with spaces("router", "internet", "lan", "closed", "open", "picky", "off") as made, \
            tempfile.TemporaryDirectory(prefix="vpnunit-") as folder:
        router, internet, lan, *gateways = made
        service = Service(pathlib.Path(folder))
        try:
            for user in ("alice", "bob"):
                service.ask("POST", "/users", {"name": user})
            network = Network(router, internet, lan, service)
            network.internet, network.lan = internet, lan
            network.closed = Gateway(network, "closed.example.org", gateways[0], user="alice")
            network.open = Gateway(network, "open.example.org", gateways[1], user="bob", inbound="allow")
            network.picky = Gateway(network, "picky.example.org", gateways[2], user="bob")
            network.off = Gateway(network, "off.example.org", gateways[3], user="alice", inbound="allow")
            network.off.change(enabled=False)
            network.route()
            network.router.ip("-6", "route", "add", network.off.seen["prefix"], "dev", "tun-vpn")
            network.load()
            yield network
        finally:
            service.close()


def tcp(source, target, port, timeout=1.0, bound=None):
    """Does a connection come about and carry bytes both ways?"""
    space, address = target
    listener = space.listen(address, port)
    client = source.socket(socket.SOCK_STREAM, timeout)
    try:
        if bound:
            client.bind((bound, 0))
        client.connect((address, port))
        server, _ = listener.accept()
        with server:
            client.sendall(b"there")
            server.settimeout(1)
            return server.recv(10) == b"there" and not server.sendall(b"back") and client.recv(10) == b"back"
    except OSError:
        return False
    finally:
        client.close()
        listener.close()


def udp(source, target, port, bound="::", timeout=0.7):
    """Does a datagram arrive, and its answer?"""
    space, address = target
    server, client = space.bind(address, port), source.bind(bound)
    server.settimeout(timeout)
    client.settimeout(timeout)
    with server, client:
        try:
            client.sendto(b"there", (address, port))
            _, back = server.recvfrom(10)
            server.sendto(b"back", back)
            return client.recvfrom(10)[0] == b"back"
        except OSError:
            return False


def hears(space, address, port, send):
    """Does one datagram arrive? Replies would hide which way was shut."""
    with space.bind(address, port) as server:
        server.settimeout(0.7)
        send()
        try:
            return server.recvfrom(10)[0] == b"heard"
        except socket.timeout:
            return False


def at(gateway, address=None):
    return gateway.space, address or gateway.address


def test_nothing_is_open_unless_a_gateway_says_so(net):
    assert not tcp(net.internet, at(net.closed), 80, timeout=0.5)
    assert not udp(net.internet, at(net.closed), 80)
    assert not tcp(net.open.space, at(net.closed), 80, timeout=0.5)
    assert not tcp(net.internet, at(net.closed, net.closed.host), 80, timeout=0.5)


def test_a_gateway_reaches_what_is_open_and_gets_its_replies(net):
    assert tcp(net.closed.space, (net.internet, INTERNET), 80)
    assert udp(net.closed.space, (net.internet, INTERNET), 53)
    assert tcp(net.closed.space, at(net.open), 80)
    assert udp(net.closed.space, at(net.open), 53)


def test_inbound_allow_opens_the_whole_prefix_to_anybody(net):
    assert tcp(net.internet, at(net.open), 80)
    assert udp(net.internet, at(net.open, net.open.host), 5353)
    assert tcp(net.closed.space, at(net.open, net.open.host), 443)


def ping(space, address):
    return space.run("ping", "-6", "-c", "1", "-W", "1", address, check=False).returncode == 0


def test_echo_passes_everywhere_between_enabled_gateways(net):
    assert ping(net.internet, net.closed.address)
    assert ping(net.closed.space, INTERNET)
    assert ping(net.open.space, net.closed.address)
    assert ping(net.closed.space, "2001:db8::1")
    assert ping(net.internet, "2001:db8::1")


def test_errors_of_icmpv6_come_back(net):
    with net.closed.space.bind("::") as client:
        client.connect((INTERNET, 9))
        client.send(b"nobody listens")
        with pytest.raises(ConnectionRefusedError):
            client.recv(10)


def test_errors_reach_who_answers_through_an_opening(net):
    net.picky.change(allow=["udp/53"])
    with net.picky.space.bind(net.picky.address, 53) as server:
        with net.internet.bind("::") as client:
            client.sendto(b"asked", (net.picky.address, 53))
            server.connect(server.recvfrom(10)[1])
        server.send(b"nobody waits any more")
        with pytest.raises(ConnectionRefusedError):
            server.recv(10)


def test_path_mtu_is_discovered(net):
    net.router.ip("link", "set", "uplink", "mtu", "1300")
    try:
        client = net.closed.space.bind(net.closed.address)
        with client:
            client.setsockopt(socket.IPPROTO_IPV6, 23, 2)  # IPV6_MTU_DISCOVER: IPV6_PMTUDISC_DO
            client.connect((INTERNET, 9))
            client.send(bytes(1400))
            time.sleep(0.2)
            with pytest.raises(OSError, match="Message too long"):
                client.send(bytes(1400))
    finally:
        net.router.ip("link", "set", "uplink", "mtu", "1500")


def test_a_disabled_gateway_neither_hears_nor_speaks(net):
    assert not tcp(net.internet, at(net.off), 80, timeout=0.5)
    assert not udp(net.off.space, (net.internet, INTERNET), 53)
    assert not ping(net.off.space, INTERNET)
    assert not ping(net.internet, net.off.address)
    assert not udp(net.off.space, at(net.open), 53)
    assert not hears(*at(net.off), 80, lambda: say(net.internet, net.off.address, 80))
    assert not hears(*at(net.open), 80, lambda: say(net.off.space, net.open.address, 80))
    assert hears(*at(net.open), 80, lambda: say(net.internet, net.open.address, 80))


def test_a_disabled_user_takes_all_gateways_along(net):
    net.service.ask("PATCH", "/user/bob", {"enabled": False})
    net.load()
    try:
        assert not tcp(net.internet, at(net.open), 80, timeout=0.5)
        assert not ping(net.open.space, INTERNET)
        assert ping(net.closed.space, INTERNET)
    finally:
        net.service.ask("PATCH", "/user/bob", {"enabled": True})
        net.load()
    assert tcp(net.internet, at(net.open), 80)


def test_one_port(net):
    net.picky.change(allow=["tcp/22", "udp/53"])
    assert tcp(net.internet, at(net.picky), 22) and tcp(net.closed.space, at(net.picky, net.picky.host), 22)
    assert udp(net.internet, at(net.picky), 53)
    assert not tcp(net.internet, at(net.picky), 23, timeout=0.5)
    assert not udp(net.internet, at(net.picky), 22)
    assert not tcp(net.internet, at(net.picky), 53, timeout=0.5)
    assert not tcp(net.internet, at(net.closed), 22, timeout=0.5)


def test_a_range_of_ports(net):
    net.picky.change(allow=[{"proto": "udp", "ports": "5000-5010"}])
    assert udp(net.internet, at(net.picky), 5000) and udp(net.internet, at(net.picky), 5010)
    assert not udp(net.internet, at(net.picky), 4999) and not udp(net.internet, at(net.picky), 5011)
    assert not tcp(net.internet, at(net.picky), 5005, timeout=0.5)


def test_one_host_and_one_network_behind_the_gateway(net):
    net.picky.change(allow=[{"proto": "tcp", "ports": "80", "to": "1::80"}])
    assert tcp(net.internet, at(net.picky, net.picky.host), 80)
    assert not tcp(net.internet, at(net.picky), 80, timeout=0.5)
    net.picky.change(allow=[{"proto": "tcp", "ports": "80", "to": "0::/64"}])
    assert tcp(net.internet, at(net.picky), 80)
    assert not tcp(net.internet, at(net.picky, net.picky.host), 80, timeout=0.5)


def test_from_the_vpn(net):
    net.picky.change(allow=[{"proto": "tcp", "ports": "80", "from": "vpn"}])
    assert tcp(net.closed.space, at(net.picky), 80) and tcp(net.open.space, at(net.picky), 80)
    assert not tcp(net.internet, at(net.picky), 80, timeout=0.5)
    assert not tcp(net.off.space, at(net.picky), 80, timeout=0.5)


def test_from_one_user(net):
    net.picky.change(allow=[{"proto": "tcp", "ports": "80", "from": "user:alice"}])
    assert tcp(net.closed.space, at(net.picky), 80)
    assert not tcp(net.open.space, at(net.picky), 80, timeout=0.5)
    assert not tcp(net.off.space, at(net.picky), 80, timeout=0.5)
    assert not tcp(net.internet, at(net.picky), 80, timeout=0.5)


def test_from_a_prefix(net):
    net.picky.change(allow=[{"proto": "tcp", "ports": "80", "from": "2001:db9::/33"}])
    assert tcp(net.internet, at(net.picky), 80)
    assert not tcp(net.lan, at(net.picky), 80, timeout=0.5)
    assert not tcp(net.closed.space, at(net.picky), 80, timeout=0.5)
    net.picky.change(allow=[{"proto": "tcp", "ports": "80", "from": "::/0"}])
    assert tcp(net.internet, at(net.picky), 80) and tcp(net.lan, at(net.picky), 80)


def say(space, target, port):
    with space.bind("::") as sender:
        sender.sendto(b"heard", (target, port))


def forge(space, source, target, port):
    """A datagram with a source address that isn't the sender's own."""
    space.ip("addr", "add", f"{source}/128", "dev", "eth", "nodad", "preferred_lft", "0")
    try:
        with space.bind(source) as sender:
            sender.sendto(b"heard", (target, port))
    finally:
        space.ip("addr", "del", f"{source}/128", "dev", "eth")


def test_nobody_outside_poses_as_a_gateway(net):
    net.picky.change(allow=[{"proto": "udp", "ports": "80", "from": "vpn"},
                            {"proto": "udp", "ports": "81"}])
    victim = net.closed.address
    other = victim[:-1] + "77"
    assert not hears(*at(net.picky), 80, lambda: forge(net.internet, other, net.picky.address, 80))
    assert not hears(*at(net.picky), 81, lambda: forge(net.internet, other, net.picky.address, 81))
    assert hears(*at(net.picky), 81, lambda: forge(net.internet, "2001:db9::9", net.picky.address, 81))


def test_a_gateway_speaks_with_addresses_of_the_vpn_only(net):
    assert not hears(net.internet, INTERNET, 80, lambda: forge(net.closed.space, "2001:dba::77", INTERNET, 80))
    assert not hears(net.internet, INTERNET, 80,
                     lambda: forge(net.closed.space, net.off.address[:-1] + "9", INTERNET, 80))


def tcp_pair(source, target, port):
    space, address = target
    with space.listen(address, port) as listener:
        client = source.socket(socket.SOCK_STREAM)
        client.connect((address, port))
        server, _ = listener.accept()
    server.settimeout(2)
    client.sendall(b"1")
    assert server.recv(1) == b"1"
    return client, server


@pytest.mark.parametrize("allow", ["tcp/22", {"proto": "tcp", "ports": "20-30"}])
@pytest.mark.parametrize("first", ["client", "server"])
def test_closing_a_port_ends_an_established_connection(net, allow, first):
    net.picky.change(allow=[allow])
    client, server = tcp_pair(net.internet, at(net.picky), 22)
    with client, server:
        net.picky.change(allow=[])
        speaker, listener = (client, server) if first == "client" else (server, client)
        speaker.sendall(b"2")
        with pytest.raises(ConnectionResetError):
            speaker.recv(1)
        with pytest.raises(socket.timeout):
            listener.settimeout(0.5)
            listener.recv(1)


@pytest.mark.parametrize("source", ["internet", "vpn"])
def test_closing_a_port_ends_a_stream_that_only_answers(net, source):
    net.picky.change(allow=["udp/5004"])
    client = (net.internet if source == "internet" else net.closed.space).bind("::")
    with client, net.picky.space.bind(net.picky.address, 5004) as server:
        client.sendto(b"play", (net.picky.address, 5004))
        _, listener = server.recvfrom(10)
        server.sendto(b"1", listener)
        assert client.recv(10) == b"1"
        net.picky.change(allow=[])
        client.settimeout(0.5)
        server.sendto(b"2", listener)
        with pytest.raises(socket.timeout):
            client.recv(10)
        net.picky.change(allow=["udp/5004"])
        server.sendto(b"3", listener)
        assert client.recv(10) == b"3"


def test_what_is_still_open_lives_through_a_change(net):
    net.picky.change(allow=["tcp/22", "tcp/23"])
    out, remote = tcp_pair(net.picky.space, (net.internet, INTERNET), 8000)
    client, server = tcp_pair(net.internet, at(net.picky), 22)
    with client, server, out, remote:
        net.picky.change(allow=["tcp/22"])
        for here, there in ((client, server), (server, client), (out, remote), (remote, out)):
            here.sendall(b"2")
            assert there.recv(1) == b"2"


def test_switching_inbound_off_ends_what_came_in_by_it(net):
    client, server = tcp_pair(net.internet, at(net.open), 80)
    with client, server:
        net.open.change(inbound="deny")
        try:
            client.sendall(b"2")
            with pytest.raises(ConnectionResetError):
                client.recv(1)
        finally:
            net.open.change(inbound="allow")


def test_a_translation_of_the_host_opens_nothing(net):
    net.router.run("nft", "-f", "-", input="""table inet host {
        chain pre { type nat hook prerouting priority dstnat; policy accept;
            iifname "uplink" ip6 daddr 2001:db9::1 tcp dport 8022 dnat ip6 to [%s]:22
        }
    }""" % net.picky.address)
    try:
        net.picky.change(allow=[])
        assert not translated(net, 22)
        net.picky.change(allow=["tcp/22"])
        assert translated(net, 22)
    finally:
        net.router.run("nft", "delete", "table", "inet", "host")


def translated(net, port):
    with net.picky.space.listen(net.picky.address, port) as listener:
        client = net.internet.socket(socket.SOCK_STREAM, 0.7)
        with client:
            try:
                client.connect(("2001:db9::1", 8022))
                server, _ = listener.accept()
                server.sendall(b"1")
                return client.recv(1) == b"1"
            except OSError:
                return False


def test_the_hosts_other_forwarding_is_left_alone(net):
    assert tcp(net.internet, (net.lan, LAN), 80) and tcp(net.lan, (net.internet, INTERNET), 80)
    assert net.lan.run("ping", "-c", "1", "-W", "1", "10.9.0.2", check=False).returncode == 0


def test_ipv4_does_not_pass_the_tunnel(net):
    net.router.ip("addr", "add", "10.11.0.1/24", "dev", "tun-vpn")
    net.closed.space.ip("addr", "add", "10.11.0.2/24", "dev", "eth")
    net.closed.space.ip("route", "add", "default", "via", "10.11.0.1")
    assert net.closed.space.run("ping", "-c", "1", "-W", "1", "10.9.0.2", check=False).returncode != 0
    assert net.internet.run("ping", "-c", "1", "-W", "1", "10.11.0.2", check=False).returncode != 0


def test_it_loads_by_include_and_twice_and_touches_no_other_table(net):
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as host:
        host.write(f"table ip other {{\nchain c {{\ncounter\n}}\n}}\ninclude \"{net.service.rules}\"\n")
        host.flush()
        net.router.run("nft", "-f", host.name)
        net.router.run("nft", "-f", host.name)
    tables = net.router.run("nft", "list", "tables").stdout
    assert "table ip other" in tables and tables.count("vpnunit") == 1
    net.router.run("nft", "delete", "table", "ip", "other")


def test_addresses_are_in_order_and_the_text_is_the_same_each_time(net):
    net.picky.change(allow=["tcp/22", {"proto": "udp", "ports": "5000-5010", "from": "user:alice"}])
    text = net.service.rules.read_text()
    keys = re.findall(r"^\t\t\t(2001:[0-9a-f:]+),$", text.split("set inbound")[0], re.M)
    assert len(keys) == 3 and keys == sorted(keys, key=lambda key: socket.inet_pton(socket.AF_INET6, key))
    assert net.off.seen["prefix"].split("/")[0] not in text
    net.picky.change(allow=[])
    net.picky.change(allow=["tcp/22", {"proto": "udp", "ports": "5000-5010", "from": "user:alice"}])
    assert net.service.rules.read_text() == text


def grow(text, key, number):
    """The rules as they would be with `number` gateways of picky's kind: each line that names it, once for each."""
    chain = re.search(r"\tchain (gateway_\w+) \{\n(.*?)\t\}\n", text, re.S)
    keys = [socket.inet_ntop(socket.AF_INET6, struct.pack("!HHIQ", 0x2001, 0xdb8, n << 4, 0))
            for n in range(number)]
    chains = "".join(f"\tchain gateway_{n}x {{\n{chain[2].replace(key[:-2], k[:-2])}\t}}\n" for n, k in enumerate(keys))
    out = []
    for line in text.replace(chain[0], chains).splitlines(keepends=True):
        if line.startswith(f"\t\t\t{key}") and "gateway_" in line:
            out += [f"\t\t\t{k} : jump gateway_{n}x,\n" for n, k in enumerate(keys)]
        elif line.startswith(f"\t\t\t{key}"):
            out += [line.replace(key, k) for k in keys]
        else:
            out.append(line)
    return "".join(out)


def test_a_full_plan_with_entries_loads_in_well_under_a_second(net):
    net.picky.change(allow=["tcp/22", "udp/53", {"proto": "udp", "ports": "5000-5010", "from": "vpn"}])
    key = net.picky.seen["prefix"].split("/")[0]
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as big, spaces("big") as (space,):
        big.write(grow(net.service.rules.read_text(), key, 4064))
        big.flush()
        start = time.monotonic()
        space.run("nft", "-f", big.name)
        first = time.monotonic() - start
        start = time.monotonic()
        space.run("nft", "-f", big.name)
        again = time.monotonic() - start
        chains = space.run("nft", "list", "table", "inet", "vpnunit").stdout.count("chain gateway_")
    print(f"4,064 gateways with a chain each: {first:.2f} s, replaced in {again:.2f} s")
    assert chains == 4064 and first < 2 and again < 2
