"""What the past costs: the log of one gateway and a read of the past beside `git log -- PATH`, and rollbacks.

    history.py BINARY OUT.json [COMMITS ...]

Histories of 100, 10,000 and 100,000 commits (or those named) of one network of 16 gateways, written by
`git fast-import`; the index is built by the service itself, and its time told. Rollbacks over 1, 100 and
1,000 changes of a network of 1,000 gateways. Prints a table; ratios are to `git log -- PATH` of the same history.
"""
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time

RUNS = 9
INDEX_SECONDS = 600


class Service:
    def __init__(self, binary, folder):
        self.binary, self.data = binary, os.path.join(folder, "data")
        self.repository = os.path.join(self.data, "state.git")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        subprocess.run([binary, "init", "--data", self.data, "--prefix", "2001:db8::/48", "--endpoint",
                        "vpn.example.org:1194"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def start(self):
        self.process = subprocess.Popen([self.binary, "serve", "--data", self.data, "--hooks", "none", "--listen",
                                         f"127.0.0.1:{self.port}"], stderr=subprocess.DEVNULL)
        with open(os.path.join(self.data, "secrets", "admin.token"), encoding="ascii") as file:
            self.token = file.read().strip()
        end = time.monotonic() + 60
        while True:
            try:
                self.client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
                self.client.connect()
                return
            except OSError:
                assert time.monotonic() < end and self.process.poll() is None, "serve did not start"
                time.sleep(0.05)

    def stop(self):
        self.client.close()
        self.process.terminate()
        self.process.wait(timeout=60)

    def ask(self, method, path, body=None):
        """Status, body, seconds."""
        headers = {"Authorization": "Bearer " + self.token}
        if body is not None:
            headers["Content-Type"] = "application/json"
        start = time.perf_counter()
        self.client.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self.client.getresponse()
        text = answer.read()
        return answer.status, text, time.perf_counter() - start

    def must(self, status, method, path, body=None):
        found, text, seconds = self.ask(method, path, body)
        assert found == status, (method, path, found, text[:400])
        return seconds

    def git(self, *arguments, **options):
        return subprocess.run(["git", "-c", f"safe.directory={self.repository}", "--git-dir", self.repository, *arguments],
                              check=True, stdout=subprocess.PIPE, **options).stdout


def write_history(service, commits):
    """Commits that close and open the 16 gateways in turn."""
    path = "users/0/3/gateways/{:x}.json"
    files = [json.loads(service.git("show", "main:" + path.format(i))) for i in range(16)]
    out = []
    for n in range(commits):
        gateway = files[n % 16]
        gateway["enabled"] = not gateway["enabled"]
        text = json.dumps(gateway, indent=2, sort_keys=True) + "\n"
        message = (f"gateway {gateway['name']}: {'enable' if gateway['enabled'] else 'disable'}\n\n"
                   "Change: gateway.patch\n")
        out.append(f"commit refs/heads/main\nauthor admin <admin@vpnunit> {1700000000 + n} +0000\n"
                   f"committer vpnunit <vpnunit@vpnunit> {1700000000 + n} +0000\ndata {len(message)}\n{message}"
                   + ("from refs/heads/main^0\n" if n == 0 else "")
                   + f"M 100644 inline {path.format(n % 16)}\ndata {len(text)}\n{text}\n")
    service.git("fast-import", "--quiet", input="".join(out).encode())


def wait_for_index(service):
    start = time.perf_counter()
    while service.ask("GET", "/log?limit=1")[0] == 503:
        assert time.perf_counter() - start < INDEX_SECONDS, "the index is not built"
        time.sleep(0.05)
    return time.perf_counter() - start


def measure_history(service, commits, rows):
    write_history(service, commits)
    service.start()
    rows[f"{commits:,} commits: build the index"] = [wait_for_index(service)]
    git = []
    for _ in range(RUNS):
        start = time.perf_counter()
        service.git("log", "--format=%H", "-20", "main", "--", "users/0/3/gateways/f.json")
        git.append(time.perf_counter() - start)
    middle = service.git("rev-parse", f"main~{commits // 2}").decode().strip()
    rows[f"{commits:,} commits: git log -20 -- PATH"] = git
    rows[f"{commits:,} commits: GET /log?gateway=&limit=20"] = [
        service.must(200, "GET", "/log?gateway=g15.example.org&limit=20") for _ in range(RUNS)]
    rows[f"{commits:,} commits: GET /gateway/{{fqdn}}?at="] = [
        service.must(200, "GET", f"/gateway/g15.example.org?at={middle}") for _ in range(RUNS)]
    service.stop()


def make_network(service, users, gateways):
    service.start()
    service.must(201, "POST", "/batch", {"changes": [{"op": "user.create", "name": f"u{i}"} for i in range(users)] + [
        {"op": "gateway.create", "name": f"g{i}.example.org", "user": f"u{i // 16}"} for i in range(gateways)]})


def measure_rollbacks(service, rows):
    make_network(service, 63, 1000)
    base = service.git("rev-parse", "main").decode().strip()
    for count in (1, 100, 1000):
        service.must(201, "POST", "/batch", {"changes": [
            {"op": "gateway.patch", "name": f"g{i}.example.org", "allow": ["tcp/22"]} for i in range(count)]})
        rows[f"1,000 gateways: rollback over {count:,} changes"] = [service.must(201, "POST", "/rollback", {"to": base})]
    service.stop()


def print_table(rows):
    print(f"{'milliseconds':48} {'runs':>5} {'min':>9} {'median':>9} {'max':>9} {'ratio':>8}")
    peer = None
    for name, seconds in rows.items():
        median = statistics.median(seconds)
        if "git log" in name:
            peer = median
        figures = " ".join(f"{1000 * value:9.1f}" for value in (min(seconds), median, max(seconds)))
        ratio = f"{median / peer:8.3f}" if peer and "GET" in name else ""
        print(f"{name:48} {len(seconds):5} {figures} {ratio}")


def main(binary, out, *sizes):
    rows = {}
    for commits in map(int, sizes or ("100", "10000", "100000")):
        with tempfile.TemporaryDirectory(prefix="bench-", dir=os.path.dirname(os.path.abspath(out))) as folder:
            service = Service(os.path.abspath(binary), folder)
            make_network(service, 1, 16)
            service.stop()
            measure_history(service, commits, rows)
            print(f"bench: {commits:,} commits", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=os.path.dirname(os.path.abspath(out))) as folder:
        measure_rollbacks(Service(os.path.abspath(binary), folder), rows)
    print_table(rows)
    with open(out, "w", encoding="utf-8") as file:
        json.dump(rows, file, indent=2)


if __name__ == "__main__":
    main(*sys.argv[1:])
