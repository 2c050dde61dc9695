"""A VPNUnit under measure: the real binary on a folder, hooks off, and one kept-alive client of it."""
import contextlib
import http.client
import json
import os
import socket
import subprocess
import time

START_SECONDS = 300
IDLE_SECONDS = 2  # well below the service's own patience with a connection


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Vpn:
    def __init__(self, binary, data):
        self.binary, self.data, self.port = binary, data, free_port()
        self.repository = os.path.join(data, "state.git")
        self.process = self.client = None
        self.used_at = 0

    def run(self, command, *arguments):
        """A subcommand to its end; the seconds that it took."""
        start = time.perf_counter()
        done = subprocess.run([self.binary, command, "--data", self.data, *arguments], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"vpnunit {command}: {done.stderr}")
        return time.perf_counter() - start

    def init(self, prefix="2001:db8::/48", *arguments):
        self.run("init", "--prefix", prefix, "--endpoint", "vpn.example.org:1194", *arguments)
        return self

    def start(self):
        """Serve; the seconds until the first read is answered."""
        begin = time.perf_counter()
        with open(self.data + ".log", "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [self.binary, "serve", "--data", self.data, "--hooks", "none", "--listen", f"127.0.0.1:{self.port}"],
                stdout=log, stderr=log)
        while not self.connect():
            if self.process.poll() is not None or time.perf_counter() - begin > START_SECONDS:
                self.stop()
                raise RuntimeError(f"vpnunit serve did not start: see {self.data}.log")
            time.sleep(0.005)
        self.must(200, "GET", "/network")
        return time.perf_counter() - begin

    def connect(self):
        self.client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        with contextlib.suppress(ConnectionRefusedError):
            self.client.connect()
            return True
        return False

    def stop(self):
        if self.process is not None:
            self.client.close()
            self.process.terminate()
            try:
                self.process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    @contextlib.contextmanager
    def serving(self):
        self.start()
        try:
            yield self
        finally:
            self.stop()

    @property
    def headers(self):
        with open(os.path.join(self.data, "secrets", "admin.token"), encoding="ascii") as file:
            return {"Authorization": "Bearer " + file.read().strip(), "Content-Type": "application/json"}

    def ask(self, method, path, body=None):
        """Status, body, and the seconds that the answer took."""
        headers = self.headers
        body = None if body is None else json.dumps(body)
        if time.monotonic() - self.used_at > IDLE_SECONDS:
            self.client.close()
            self.connect()
        start = time.perf_counter()
        self.client.request(method, path, body, headers)
        answer = self.client.getresponse()
        text = answer.read()
        seconds = time.perf_counter() - start
        self.used_at = time.monotonic()
        return answer.status, text, seconds

    def must(self, status, method, path, body=None):
        found, text, seconds = self.ask(method, path, body)
        if found != status:
            raise RuntimeError(f"{method} {path}: {found} {text.decode()[:400]}")
        return seconds

    def get(self, path):
        self.must(200, "GET", path)
        return json.loads(self.ask("GET", path)[1])

    def git(self, *arguments, **options):
        return subprocess.run(
            ["git", "-c", f"safe.directory={self.repository}", "--git-dir", self.repository, *arguments],
            check=True, stdout=subprocess.PIPE, **options).stdout

    def memory(self):
        """Resident megabytes."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmRSS:"))
