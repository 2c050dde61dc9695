"""Hosts in network namespaces: a VPN server with VPNUnit on it, gateways that are OpenVPN clients, machines behind them."""
import http.client
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY = os.path.abspath(os.environ.get("VPNUNIT_BIN", os.path.join(ROOT, "build", "vpnunit")))
PREFIX = "2001:db8::/48"
UNDERLAY = "fd00:0:0:1::"
PORT = 1194
_numbers = itertools.count(1)


def wait_for(what, test, seconds=10.0):
    """Until test() is true; its value. Fails with `what` (a text or a function that makes one)."""
    deadline = time.monotonic() + seconds
    while True:
        value = test()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError("not within %gs: %s" % (seconds, what() if callable(what) else what))
        time.sleep(0.05)


class Host:
    """One network namespace; everything started in it ends with it."""

    def __init__(self, label):
        self.name = f"vu{os.getpid()}-{next(_numbers)}-{label}"
        self.processes = []
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        self.run("ip", "link", "set", "lo", "up")
        self.run("sysctl", "-qw", "net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0")

    def command(self, *arguments):
        return ["ip", "netns", "exec", self.name, *arguments]

    def run(self, *arguments, check=True, **options):
        return subprocess.run(self.command(*arguments), check=check, text=True, capture_output=True, timeout=60, **options)

    def start(self, *arguments, log=None, **options):
        output = open(log, "ab") if log else subprocess.DEVNULL
        process = subprocess.Popen(self.command(*arguments), stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=subprocess.STDOUT, **options)
        if log:
            output.close()
        self.processes.append(process)
        return process

    def end(self, process):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process in self.processes:
            self.processes.remove(process)

    def close(self):
        for process in list(self.processes):
            self.end(process)
        subprocess.run(["ip", "netns", "del", self.name], check=False)

    def ping(self, address, seconds=1):
        return self.run("ping", "-6", "-n", "-c", "1", "-W", str(seconds), address, check=False).returncode == 0

    def serve_tcp(self, address, port):
        """Accepts and closes, for ever."""
        code = ("import socket\ns=socket.create_server((%r,%d),family=socket.AF_INET6)\n"
                "while True: s.accept()[0].close()" % (address, port))
        self.start("/usr/bin/python3", "-c", code)
        wait_for("a listener", lambda: f":{port}" in self.run("ss", "-Hltn").stdout)

    def can_connect(self, address, port, seconds=1.5):
        code = "import socket\nsocket.create_connection((%r,%d),%g)" % (address, port, seconds)
        return self.run("/usr/bin/python3", "-c", code, check=False).returncode == 0


def link(left, left_name, right, right_name):
    """A cable between two hosts."""
    subprocess.run(["ip", "link", "add", left_name, "netns", left.name, "type", "veth",
                    "peer", "name", right_name, "netns", right.name], check=True)
    for host, name in ((left, left_name), (right, right_name)):
        host.run("ip", "link", "set", name, "up")


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


class Server(Host):
    """VPNUnit and OpenVPN on one host, as an administrator runs them."""

    GROUP = "nogroup"

    def __init__(self, init=()):
        super().__init__("server")
        # Not pytest's: OpenVPN, which is nobody, must get there.
        self.folder = folder = tempfile.mkdtemp(prefix="vpnunit-")
        self.data = os.path.join(folder, "data")
        self.service = self.openvpn = None
        # OpenVPN runs without privileges and 0600 is what /dev/net/tun has where udev does not run.
        self.tun = os.path.join(folder, "tun")
        os.mknod(self.tun, 0o666 | 0o020000, os.makedev(10, 200))
        os.chmod(self.tun, 0o666)
        os.chmod(folder, 0o755)
        # Bridge the underlay: every client hangs on a port of it.
        # An address of its own: a bridge without one takes its lowest port's, and a port that comes may change that
        # under the other hosts' neighbour caches.
        self.run("ip", "link", "add", "br0", "address", "02:00:00:00:00:01", "type", "bridge")
        self.run("ip", "link", "set", "br0", "up")
        self.run("ip", "-6", "addr", "add", UNDERLAY + "1/64", "dev", "br0", "nodad")
        self.vpnunit("init", "--prefix", PREFIX, "--endpoint", f"[{UNDERLAY}1]:{PORT}",
                     "--server-name", "vpn.example.org", *init)

    def close(self):
        super().close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def vpnunit(self, command, *arguments, check=True):
        result = self.run(BINARY, command, "--data", self.data, *arguments, check=False)
        assert not check or result.returncode == 0, result.stderr
        return result

    def start_service(self, *arguments):
        log = os.path.join(self.folder, "serve.log")
        self.service = self.start(BINARY, "serve", "--data", self.data, "--openvpn-group", self.GROUP,
                                  "--listen", "unix:" + os.path.join(self.folder, "api.sock"), *arguments, log=log)
        wait_for(self.logs, lambda: self.answers() or self.service.poll() is not None, 30)
        assert self.service.poll() is None, self.logs()

    def stop_service(self):
        self.end(self.service)
        self.service = None

    def answers(self):
        try:
            return self.ask("GET", "/healthz").status == 200
        except OSError:
            return False

    def ask(self, method, path, body=None, more=None):
        connection = UnixConnection(os.path.join(self.folder, "api.sock"))
        headers = dict(more or {})
        if os.path.exists(os.path.join(self.data, "secrets", "admin.token")):
            with open(os.path.join(self.data, "secrets", "admin.token"), encoding="ascii") as token:
                headers["Authorization"] = "Bearer " + token.read().strip()
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection.request(method, path, body=None if body is None else json.dumps(body), headers=headers)
        answer = connection.getresponse()
        result = Answer(answer.status, dict(answer.getheaders()), answer.read().decode())
        connection.close()
        return result

    def must(self, status, method, path, body=None):
        answer = self.ask(method, path, body)
        assert answer.status == status, f"{method} {path}: {answer.status} {answer.body}\n{self.logs()}"
        return answer.json() if answer.body and answer.body[0] in "{[" else answer.body

    def start_openvpn(self):
        """From the rendered folder, as a user without any capability."""
        log = os.path.join(self.folder, "openvpn.log")
        open(log, "w", encoding="ascii").close()
        os.chmod(self.data, 0o750)
        shutil.chown(self.data, group=self.GROUP)
        self.openvpn = self.start(
            "setpriv", "--reuid", "nobody", "--regid", self.GROUP, "--clear-groups", "--inh-caps=-all",
            "--bounding-set=-all", "--no-new-privs", shutil.which("openvpn", path="/usr/sbin:/usr/bin"),
            "--cd", self.data, "--config", "ovpn/server.conf", "--dev-node", self.tun, log=log)
        wait_for(self.logs, lambda: "Initialization Sequence Completed" in self.read(log) or self.openvpn.poll() is not None)
        assert self.openvpn.poll() is None, self.logs()
        return self.openvpn

    def stop_openvpn(self):
        self.end(self.openvpn)
        self.openvpn = None

    @staticmethod
    def read(path):
        if not os.path.exists(path):
            return ""
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def logs(self):
        return "".join(f"--- {name}\n{self.read(os.path.join(self.folder, name))[-6000:]}\n"
                       for name in ("serve.log", "openvpn.log"))


class Gateway(Host):
    """An OpenVPN client that has nothing but its .ovpn; and one machine in network 1 behind it."""

    def __init__(self, server, number, prefix):
        super().__init__(f"gw{number}")
        self.server, self.number = server, number
        self.base = prefix.split("::")[0][:-1]  # 2001:db8:0:31 of 2001:db8:0:310::/60
        self.address = self.base + "0::1"
        self.log = os.path.join(server.folder, f"client{number}.log")
        self.client = None
        link(server, f"port{number}", self, "uplink")
        server.run("ip", "link", "set", f"port{number}", "master", "br0")
        self.run("ip", "-6", "addr", "add", f"{UNDERLAY}{number + 1}/64", "dev", "uplink", "nodad")
        self.run("sysctl", "-qw", "net.ipv6.conf.all.forwarding=1")
        self.machine = Host(f"machine{number}")
        self.machine.address = self.base + "1::80"
        link(self, "lan", self.machine, "eth0")
        self.run("ip", "-6", "addr", "add", self.base + "1::1/64", "dev", "lan", "nodad")
        self.machine.run("ip", "-6", "addr", "add", self.machine.address + "/64", "dev", "eth0", "nodad")
        self.machine.run("ip", "-6", "route", "add", "default", "via", self.base + "1::1")

    def write_profile(self, text, name="client"):
        path = os.path.join(self.server.folder, f"{name}{self.number}.ovpn")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def connect(self, profile, log=None):
        """Start a client; does not wait."""
        open(log or self.log, "w", encoding="ascii").close()
        self.client = self.start("openvpn", "--config", profile, "--connect-retry", "1", "1", log=log or self.log)
        return self.client

    def is_up(self, log=None):
        return "Initialization Sequence Completed" in Server.read(log or self.log)

    def wait_up(self, seconds=20):
        wait_for(lambda: Server.read(self.log)[-4000:] + self.server.logs(), self.is_up, seconds)

    def disconnect(self):
        self.end(self.client)
        self.client = None

    def close(self):
        self.machine.close()
        super().close()
