"""A VPNUnit of a test's own: the real binary, a folder, free ports, and clients that speak to it."""
import json
import os
import re
import signal
import socket
import subprocess
import time

import requests

from document import document

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY = os.path.abspath(os.environ.get("VPNUNIT_BIN", os.path.join(ROOT, "build", "vpnunit")))
PREFIX = "2001:db8::/48"
PATIENCE = float(os.environ.get("VPNUNIT_PATIENCE", "1"))  # how much slower than usual it may be
START_SECONDS = 20 * PATIENCE


def free_port():
    with socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        return probe.getsockname()[1]


class Service:
    """`vpnunit init` in a folder, `vpnunit serve` on 127.0.0.1, [::1] and a unix socket."""

    def __init__(self, folder, init=(), environment=None):
        self.data = os.path.join(folder, "data")
        self.socket = os.path.join(folder, "api.sock")
        self.log = os.path.join(folder, "serve.log")
        self.environment = dict(os.environ, **(environment or {}))
        self.port = free_port()
        self.process = None
        self.run("init", "--prefix", PREFIX, "--endpoint", "vpn.example.org:1194", *init)

    def run(self, command, *arguments, check=True):
        """Run a subcommand, such as "log" or "user add", to its end."""
        return subprocess.run([BINARY, *command.split(), "--data", self.data, *arguments], check=check, text=True,
                              capture_output=True, timeout=60 * PATIENCE, env=self.environment)

    def start(self, hooks=False):
        """Serve until stop(); with hooks it has no CAP_NET_ADMIN, so that no test touches this kernel."""
        command = [BINARY, "serve", "--data", self.data, "--listen", f"127.0.0.1:{self.port}",
                   "--listen", f"[::1]:{self.port}", "--listen", f"unix:{self.socket}"]
        if not hooks:
            command += ["--hooks", "none"]
        elif os.geteuid() == 0:
            command = ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin", "--", *command]
        with open(self.log, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=self.environment)
        deadline = time.monotonic() + START_SECONDS
        while True:
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                self.process.wait()
                raise RuntimeError("vpnunit serve did not start:\n" + self.read_log())
            try:
                if requests.get(self.url("/healthz"), timeout=PATIENCE).ok:
                    return self
            except requests.ConnectionError:
                time.sleep(0.05)

    def stop(self):
        """End it by SIGTERM; returns its exit status."""
        if self.process is None:
            return None
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(timeout=30 * PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self.process = None
        return status

    def read_log(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    @property
    def token(self):
        with open(os.path.join(self.data, "secrets", "admin.token"), encoding="ascii") as file:
            return file.read().strip()

    def url(self, path, host="127.0.0.1"):
        return f"http://{host}:{self.port}{path}"

    def ask(self, method, path, body=None, headers=None, **options):
        """One request with the token; a body is sent as JSON. What comes back has to be what the document tells."""
        headers = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        if body is not None:
            options["data"] = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        answer = requests.request(method, self.url(path), headers=headers, timeout=60 * PATIENCE, **options)
        document().check(method, path, answer)
        return answer

    def get(self, path, **options):
        return self.ask("GET", path, **options)

    def post(self, path, body=None, **options):
        return self.ask("POST", path, body, **options)

    def patch(self, path, body, **options):
        return self.ask("PATCH", path, body, **options)

    def delete(self, path, **options):
        return self.ask("DELETE", path, **options)

    def raw(self, data, close=True):
        """Send bytes over the unix socket; all that comes back until the service closes."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(30 * PATIENCE)
            connection.connect(self.socket)
            connection.sendall(data)
            if close:
                connection.shutdown(socket.SHUT_WR)
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
            return answer

    def user(self, name, **members):
        answer = self.post("/users", {"name": name, **members})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def gateway(self, name, user, **members):
        answer = self.post("/gateways", {"name": name, "user": user, **members})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def git(self, *arguments, check=True):
        """Stock git on the state repository."""
        return subprocess.run(
            ["git", "-c", f"safe.directory={self.repository}", "--git-dir", self.repository, *arguments],
            check=check, capture_output=True, text=True, timeout=60 * PATIENCE).stdout

    @property
    def repository(self):
        return os.path.join(self.data, "state.git")

    def head(self):
        return self.git("rev-parse", "refs/heads/main").strip()

    def rendered(self):
        """Every rendered file but the database and the CRL, which knows the clock: path to bytes."""
        files = {}
        for top in ("pki", "ovpn", "ip", "firewall", "audit", "state.json"):
            path = os.path.join(self.data, top)
            for folder, _, names in os.walk(path) if os.path.isdir(path) else [(self.data, [], [top])]:
                for name in names:
                    file = os.path.join(folder, name)
                    if name != "crl.pem":
                        with open(file, "rb") as opened:
                            files[os.path.relpath(file, self.data)] = opened.read()
        return files


def assert_problem(answer, status, code, field=None):
    """A problem document (RFC 9457) of this status and code, about this field."""
    assert answer.status_code == status, f"{answer.status_code}: {answer.text}"
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["code"] == code, problem
    assert problem["type"] == f"/problems/{code}"
    assert problem["title"] and problem["detail"]
    if field is not None:
        assert field in [error["field"] for error in problem["errors"]], problem
    return problem


def wait_for(test, seconds=40):
    deadline = time.monotonic() + seconds
    while not test():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.05)


def is_time(text):
    return re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text) is not None
