"""Goal: `vpnunit deploy` makes a kernel equal to a data folder, repairs it, and touches nothing that isn't ours."""

import fcntl
import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time

import pytest

from space import spaces

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("VPNUNIT_BIN", str(ROOT / "build" / "vpnunit"))

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="SKIPPED LOUDLY: namespaces need root"),
    pytest.mark.skipif(not os.path.exists("/dev/net/tun"), reason="SKIPPED LOUDLY: there is no /dev/net/tun"),
]

FIREWALL = """# a comment
table inet vpnunit {}
delete table inet vpnunit
table inet vpnunit {
	set gateways {
		type ipv6_addr
	}
	chain forward {
		type filter hook forward priority filter; policy accept;
		iifname "tun-vpn" ip6 saddr & ffff:ffff:ffff:fff0:: != @gateways drop
	}
}
"""
UNREACHABLE = "unreachable 2001:db8::/48 metric 4096"
FIRST = "2001:db8:0:300::/60 dev tun-vpn metric 1024"
SECOND = "2001:db8:0:1f30::/60 dev tun-vpn metric 1024"


class Host:
    """A namespace and a data folder."""

    def __init__(self, space, data):
        self.space, self.data = space, data
        for folder in ("ip", "firewall"):
            (data / folder).mkdir()
        self.write()

    def write(self, routes=(UNREACHABLE, FIRST), firewall=FIREWALL, commit="a" * 40, **tun):
        (self.data / "ip" / "routes").write_text("".join(f"{line}\n" for line in routes))
        (self.data / "firewall" / "nftables.conf").write_text(firewall)
        state = {"commit": commit, "tun": {"address": "2001:db8::1/64", "device": "tun-vpn", "mtu": 1400,
                                           "prefix": "2001:db8::/48", "user": None, **tun}}
        new = self.data / "state.json.new"
        new.write_text(json.dumps(state))
        new.rename(self.data / "state.json")

    def deploy(self, code=0, before=()):
        done = self.space.run(*before, BINARY, "deploy", "--data", self.data, check=False)
        assert done.returncode == code, done.stderr
        return done.stderr

    def routes(self, *filters):
        lines = self.space.ip("-6", "route", "show", *filters).stdout.splitlines()
        return [" ".join(line.replace("linkdown ", "").split()) for line in lines]

    def ours(self):
        return sorted(line.replace(" dev lo", "").replace(" pref medium", "")
                      for line in self.routes("proto", "217"))

    def table(self):
        return self.space.run("nft", "list", "table", "inet", "vpnunit", check=False).stdout

    def deployed(self):
        return json.loads((self.data / "deployed.json").read_text())


@pytest.fixture
def host():
    # Not pytest's folder, which other users may not enter.
    with spaces("host") as (space,), tempfile.TemporaryDirectory(prefix="vpnunit-") as data:
        os.chmod(data, 0o755)
        yield Host(space, pathlib.Path(data))


def eventually(check, seconds=5):
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "still not so"
        time.sleep(0.02)


def test_everything_is_made(host):
    host.deploy()
    link = host.space.ip("-d", "addr", "show", "tun-vpn").stdout
    assert "tun type tun" in link and "persist on" in link and "mtu 1400" in link and ",UP" in link
    assert "inet6 2001:db8::1/64 scope global nodad" in link and "tentative" not in link
    assert host.ours() == sorted([FIRST, UNREACHABLE])
    assert "chain forward" in host.table()
    assert host.space.sysctl("net/ipv6/conf/all/forwarding") == "1"
    record = host.deployed()
    assert record["commit"] == "a" * 40 and record["warnings"] == [] and len(record["firewall"]) == 64
    assert record["boot_id"] == pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def test_a_second_run_changes_nothing(host):
    host.deploy()
    handles = host.space.run("nft", "-a", "list", "table", "inet", "vpnunit").stdout
    before = (host.data / "deployed.json").stat()
    host.deploy()
    after = (host.data / "deployed.json").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert host.space.run("nft", "-a", "list", "table", "inet", "vpnunit").stdout == handles


def test_routes_follow_the_file_and_foreign_ones_stay(host):
    host.deploy()
    foreign = ["2001:db8:0:f00::/56 dev lo proto static metric 7",   # in our prefix, another's number
               "2001:db9::/48 dev lo proto 217 metric 7",            # our number, another's prefix
               "2001:db8:0:500::/60 dev lo metric 1024"]
    for route in foreign:
        host.space.ip("-6", "route", "add", *route.split())
    host.space.ip("-6", "route", "add", "2001:db8:0:700::/60", "dev", "lo", "proto", "217")
    host.write(routes=[UNREACHABLE, SECOND], commit="b" * 40)
    host.deploy()
    present = host.routes()
    assert any(line.startswith("2001:db8:0:f00::/56 dev lo proto static metric 7") for line in present)
    assert any(line.startswith("2001:db9::/48 dev lo proto 217 metric 7") for line in present)
    assert any(line.startswith("2001:db8:0:500::/60 dev lo metric 1024") for line in present)
    assert [line for line in host.ours() if "db9" not in line] == sorted([SECOND, UNREACHABLE])
    assert host.deployed()["commit"] == "b" * 40


def test_a_foreign_route_in_the_way_is_told_and_the_others_are_set(host):
    host.deploy()
    host.space.ip("-6", "route", "add", "2001:db8:0:1f30::/60", "dev", "lo", "metric", "1024")
    third = "2001:db8:0:1f40::/60 dev tun-vpn metric 1024"
    host.write(routes=[UNREACHABLE, FIRST, SECOND, third])
    assert "File exists" in host.deploy(code=3)
    assert host.ours() == sorted([FIRST, third, UNREACHABLE])
    assert any("File exists" in warning for warning in host.deployed()["warnings"])


@pytest.mark.parametrize("damage", [
    ["nft", "delete", "table", "inet", "vpnunit"],
    ["ip", "-6", "route", "flush", "proto", "217"],
    ["ip", "link", "del", "tun-vpn"],
    ["ip", "-6", "addr", "flush", "dev", "tun-vpn", "scope", "global"],
    ["ip", "link", "set", "tun-vpn", "down"],
    ["sysctl", "-q", "net.ipv6.conf.all.forwarding=0"],
])
def test_damage_is_repaired(host, damage):
    host.deploy()
    host.space.run(*damage)
    host.deploy()
    assert host.ours() == sorted([FIRST, UNREACHABLE])
    assert "chain forward" in host.table()
    assert "inet6 2001:db8::1/64" in host.space.ip("addr", "show", "tun-vpn").stdout
    assert host.space.sysctl("net/ipv6/conf/all/forwarding") == "1"


@pytest.mark.parametrize("damage, found", [
    (["nft", "flush", "table", "inet", "vpnunit"], "changed table inet vpnunit"),
    (["nft", "delete", "table", "inet", "vpnunit"], "changed table inet vpnunit"),
    (["nft", "flush", "ruleset"], "changed table inet vpnunit"),
    (["nft", "flush", "set", "inet", "vpnunit", "gateways"], "changed table inet vpnunit"),
    (["nft", "add", "element", "inet", "vpnunit", "gateways", "{", "2001:db8:0:400::", "}"], "changed table inet vpnunit"),
    (["nft", "insert", "rule", "inet", "vpnunit", "forward", "accept"], "changed table inet vpnunit"),
    (["ip", "-6", "route", "del", *FIRST.split()], f"missing route {FIRST}"),
    (["ip", "-6", "route", "add", *SECOND.split(), "proto", "217"], f"foreign route {SECOND}"),
])
def test_what_was_changed_is_told_and_put_right(host, damage, found):
    """In deployed.json, which GET /state reads, until the next look finds nothing; and in the log."""
    elements = "type ipv6_addr\n\t\telements = { 2001:db8:0:300::, 2001:db8:0:1f30::, 2001:db8:0:310:: }"
    host.write(firewall=FIREWALL.replace("type ipv6_addr", elements))
    host.deploy()
    table, routes = host.table(), host.ours()
    assert host.deployed()["drift"] == []
    host.space.run(*damage)
    assert f"drift: {found}: repaired" in host.deploy()
    assert host.deployed()["drift"] == [found]
    assert host.table() == table and host.ours() == routes
    assert host.deploy() == ""
    assert host.deployed()["drift"] == []


def test_a_new_commit_is_no_drift(host):
    host.deploy()
    host.write(routes=[UNREACHABLE, SECOND], firewall=FIREWALL.replace("# a comment", "# another"), commit="b" * 40)
    assert host.deploy() == ""
    assert host.deployed()["drift"] == []


def test_many_lost_routes_are_counted(host):
    host.write(routes=[UNREACHABLE, *(f"2001:db8:0:{n:x}0::/60 dev tun-vpn metric 1024" for n in range(0x20, 0x80))])
    host.deploy()
    host.space.run("ip", "-6", "route", "flush", "proto", "217")
    host.deploy()
    assert len(host.deployed()["drift"]) == 51 and host.deployed()["drift"][-1] == "missing routes: 47 more"


def test_an_earlier_boot_counts_for_nothing(host):
    host.deploy()
    record = host.deployed()
    record["boot_id"] = "00000000-0000-0000-0000-000000000000"
    (host.data / "deployed.json").write_text(json.dumps(record))
    handles = host.space.run("nft", "-a", "list", "table", "inet", "vpnunit").stdout
    host.deploy()
    assert host.space.run("nft", "-a", "list", "table", "inet", "vpnunit").stdout != handles, "not loaded again"


def test_without_its_firewall_nothing_opens_but_what_closes_is_done(host):
    host.write(routes=[UNREACHABLE, FIRST])
    host.deploy()
    host.write(routes=[UNREACHABLE, SECOND], firewall=FIREWALL.replace("@gateways drop", "@nonsense drop"))
    told = host.deploy(code=3)
    assert "nft: " in told and "nonsense" in told
    assert host.ours() == [UNREACHABLE]
    assert host.deployed()["firewall"] == ""
    host.write(routes=[UNREACHABLE, SECOND])
    host.deploy()
    assert host.ours() == sorted([SECOND, UNREACHABLE])


@pytest.mark.parametrize("line", [
    "2001:db8:0:300::/60 dev eth0 metric 1024",
    "2001:db9:0:300::/60 dev tun-vpn metric 1024",
    "2000::/3 dev tun-vpn metric 1024",
    "2001:db8:0:300::/60 dev tun-vpn metric 1024 table 5",
    "2001:db8:0:300::/60 dev tun-vpn metric -1",
    "2001:db8:0:301::/60 dev tun-vpn metric 1024",
    "2001:db8:0:300::/60 via fe80::1 dev tun-vpn metric 1024",
    "blackhole 2001:db8:0:300::/60 metric 1",
    "2001:db8:0:300::/60 dev tun-vpn metric 1024;id",
    "default dev tun-vpn metric 1",
    "x" * 5000,
])
def test_a_line_that_is_no_route_of_ours_stops_all_routes(host, line):
    host.write(routes=[UNREACHABLE, line])
    assert "line 2 is no route of this network" in host.deploy(code=3)
    assert host.ours() == []


@pytest.mark.parametrize("old, new", [
    ("# a comment\n", "flush ruleset\n"),
    ("# a comment\n", "table inet other {}\n"),
    ("# a comment\n", 'include "/etc/passwd"\n'),
    ("# a comment\n", "# fine \\\nflush ruleset\n"),
    ("table inet vpnunit {\n", 'table inet vpnunit {\n\tinclude "/etc/passwd"\n'),
    ("hook forward", "hook input"),
    ("policy accept", "policy drop"),
    ("\t}\n}\n", "\t}\n} ; flush ruleset\n"),
    ("\t}\n}\n", "\t}\n}}\nflush ruleset\n"),
    ("\t}\n}\n", "\t}\n"),
    ("table inet vpnunit {}\n", "table inet vpnunit {} ; flush ruleset\n"),
])
def test_rules_that_reach_beyond_their_table_are_not_loaded(host, old, new):
    host.space.run("nft", "add", "table", "inet", "other")
    assert old in FIREWALL
    host.write(firewall=FIREWALL.replace(old, new))
    assert "not loaded" in host.deploy(code=3)
    assert host.space.run("nft", "list", "tables").stdout.split() == ["table", "inet", "other"]


@pytest.mark.parametrize("tun", [
    {"device": "-6"}, {"device": "../x"}, {"device": "a b"}, {"device": "x" * 16}, {"mtu": 12}, {"mtu": "1500"},
    {"address": "2001:db9::1/64"}, {"address": "2001:db8::1"}, {"prefix": "::/0 dev lo"}, {"user": "a;b"},
])
def test_a_state_that_is_none_of_ours_is_refused(host, tun):
    host.write(**tun)
    assert "state.json" in host.deploy(code=1)
    assert host.ours() == [] and host.table() == ""


def test_nothing_rendered_yet(host):
    (host.data / "state.json").unlink()
    assert "nothing was rendered there yet" in host.deploy(code=1)


def test_without_privilege_it_says_so_and_fails_nothing(host):
    for path in (host.data, *host.data.rglob("*")):
        shutil.chown(path, "nobody")
    nobody = pwd.getpwnam("nobody").pw_uid
    told = host.deploy(code=3, before=["setpriv", "--reuid", nobody, "--clear-groups"])
    assert "Operation not permitted" in told or "Permission denied" in told
    assert host.deployed()["commit"] == "a" * 40 and host.deployed()["warnings"]


def test_net_admin_alone_is_enough(host):
    """As the unit runs it; /dev/net/tun is everybody's where udev runs."""
    for path in (host.data, *host.data.rglob("*")):
        shutil.chown(path, "nobody")
    os.mknod(host.data / "tun", 0o666 | stat.S_IFCHR, os.makedev(10, 200))
    os.chmod(host.data / "tun", 0o666)
    host.write(user="nobody")
    shutil.chown(host.data / "state.json", "nobody")
    nobody = pwd.getpwnam("nobody").pw_uid
    host.deploy(before=["unshare", "-m", "sh", "-c", f'mount --bind {host.data}/tun /dev/net/tun && exec "$@"', "sh",
                        "setpriv", "--reuid", nobody, "--clear-groups", "--bounding-set=-all,+net_admin",
                        "--inh-caps=-all,+net_admin", "--ambient-caps=+net_admin", "--no-new-privs"])
    assert host.ours() == sorted([FIRST, UNREACHABLE]) and "chain forward" in host.table()
    assert host.space.sysctl("net/ipv6/conf/all/forwarding") == "1"
    assert int(host.space.run("cat", "/sys/class/net/tun-vpn/owner").stdout) == nobody


def test_missing_programs_are_told(host):
    empty = host.data / "empty"
    empty.mkdir()
    hide = f'mount --bind {empty} /usr/sbin && mount --bind {empty} /usr/bin && exec "$@"'
    told = host.deploy(code=3, before=["unshare", "-m", "sh", "-c", hide, "sh"])
    assert "the program ip is not installed" in told and "the program nft is not installed" in told
    assert len(host.deployed()["warnings"]) >= 2


HOOK = ROOT / "hooks" / "post-commit"


def test_the_hook_deploys_where_it_may(host):
    env = {"PATH": "/usr/bin:/bin", "VPNUNIT_DATA": str(host.data), "VPNUNIT_BIN": BINARY}
    assert host.space.run(HOOK, env=env, check=False).returncode == 0
    assert host.deployed()["commit"] == "a" * 40
    host.write(routes=[UNREACHABLE, "nonsense"])
    assert host.space.run(HOOK, env=env, check=False).returncode == 3


def test_the_hook_leaves_it_to_the_unit_where_it_may_not(host):
    env = {"PATH": "/usr/bin:/bin", "VPNUNIT_DATA": str(host.data), "VPNUNIT_BIN": BINARY}
    drop = ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-all"]
    assert host.space.run(*drop, HOOK, env=env, check=False).returncode == 75
    assert not (host.data / "deployed.json").exists()


def test_the_device_is_given_to_its_user(host):
    host.deploy()
    host.write(user="daemon")
    host.deploy()
    owner = host.space.run("cat", "/sys/class/net/tun-vpn/owner").stdout
    assert int(owner) == pwd.getpwnam("daemon").pw_uid


def test_what_root_makes_belongs_to_the_service(host):
    shutil.chown(host.data, "daemon")
    host.deploy()
    daemon = pwd.getpwnam("daemon").pw_uid
    for name in ("run", "run/deploy.lock", "deployed.json"):
        assert (host.data / name).stat().st_uid == daemon, name


def test_the_uplink_keeps_its_default_route(host):
    for device in ("uplink", "managed", "other"):
        host.space.ip("link", "add", device, "type", "veth", "peer", "name", f"{device}-peer")
        host.space.ip("link", "set", device, "up")
        host.space.sysctl(f"net/ipv6/conf/{device}/accept_ra", "0" if device == "managed" else "1")
    host.space.ip("-6", "route", "add", "default", "via", "fe80::1", "dev", "uplink", "proto", "ra")
    host.space.ip("-6", "route", "add", "default", "via", "fe80::1", "dev", "managed", "proto", "ra", "metric", "5")
    host.deploy()
    values = [host.space.sysctl(f"net/ipv6/conf/{d}/accept_ra") for d in ("uplink", "managed", "other")]
    assert values == ["2", "0", "1"]


def test_two_runs_never_mix(host):
    (host.data / "run").mkdir()
    with open(host.data / "run" / "deploy.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiter = host.space.popen(BINARY, "deploy", "--data", str(host.data))
        time.sleep(0.5)
        assert waiter.poll() is None and host.ours() == []
    assert waiter.wait(10) == 0
    assert host.ours() == sorted([FIRST, UNREACHABLE])
    runs = [host.space.popen(BINARY, "deploy", "--data", str(host.data)) for _ in range(6)]
    assert [run.wait(30) for run in runs] == [0] * 6


def test_watch_follows_each_commit_and_tells_when_it_is_ready(host):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(host.data / "notify"))
        notify.settimeout(10)
        watch = host.space.popen(BINARY, "deploy", "--data", str(host.data), "--watch", stderr=subprocess.DEVNULL,
                                 env={**os.environ, "NOTIFY_SOCKET": str(host.data / "notify")})
        try:
            assert notify.recv(100) == b"READY=1"
            assert host.ours() == sorted([FIRST, UNREACHABLE])
            for commit, route in (("b", SECOND), ("c", FIRST), ("d", SECOND)):
                host.write(routes=[UNREACHABLE, route], commit=commit * 40)
                eventually(lambda: host.deployed()["commit"] == commit * 40)
                assert host.ours() == sorted([route, UNREACHABLE])
        finally:
            watch.send_signal(signal.SIGTERM)
            watch.wait(10)


def test_many_routes_are_one_batch(host):
    routes = [f"2001:db8:0:{n:x}0::/60 dev tun-vpn metric 1024" for n in range(0x20, 0x1000)]
    host.write(routes=[UNREACHABLE, *routes])
    start = time.monotonic()
    host.deploy()
    assert len(host.ours()) == len(routes) + 1
    assert time.monotonic() - start < 5
