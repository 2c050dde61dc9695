"""How long a gateway takes, in an empty and in a full network, and what easy-rsa takes.

    bench.py BINARY OUT.json

Fills the whole plan of a /48 (253 users of 16 gateways) by sequential POST /gateways
over one connection, hooks off, on the disk that holds OUT.json; then renders all of it
cold; then makes certificates with Debian's easy-rsa beside it.  Exit 1: a request into
the full network takes more than 1.5 times one into the empty network.
"""
import contextlib
import http.client
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

USERS, PER_USER = 253, 16
WINDOWS = {"first 16": (0, 16), "up to 1,000": (950, 1000), "up to 4,000": (3950, 4000)}
GROWTH_MAX = 1.5
FILL_SECONDS = 900
EASYRSA = "/usr/share/easy-rsa/easyrsa"
EASYRSA_RUNS = 16
RENDER_RUNS = 3
DERIVED = ("database.sqlite3", "pki", "ovpn", "ip", "firewall", "audit", "state.json")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Client:
    """One kept-alive connection; post returns the seconds that the answer took."""

    def __init__(self, port, token):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def post(self, path, **body):
        start = time.perf_counter()
        self.connection.request("POST", path, json.dumps(body), self.headers)
        answer = self.connection.getresponse()
        text = answer.read()
        seconds = time.perf_counter() - start
        if answer.status != 201:
            raise SystemExit(f"POST {path} {body}: {answer.status} {text.decode()}")
        return seconds


@contextlib.contextmanager
def service(binary, data):
    port = free_port()
    process = subprocess.Popen([binary, "serve", "--data", data, "--listen", f"127.0.0.1:{port}", "--hooks", "none"],
                               stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
                break
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("the service does not listen")
            time.sleep(0.05)
        with open(os.path.join(data, "secrets/admin.token")) as file:
            yield Client(port, file.read().strip())
    finally:
        process.terminate()
        process.wait(60)


def progress(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def fill(client):
    """The seconds of every POST /gateways in order, and of every POST /users."""
    gateways, users = [], []
    deadline = time.monotonic() + FILL_SECONDS
    for u in range(USERS):
        if time.monotonic() > deadline:
            progress(f"stopped after {FILL_SECONDS} s with {len(gateways)} gateways")
            break
        users.append(client.post("/users", name=f"user{u}"))
        gateways += [client.post("/gateways", name=f"g{g}.user{u}.example.org", user=f"user{u}")
                     for g in range(PER_USER)]
        if u % 32 == 31:
            progress(f"{len(gateways)} gateways")
    return gateways, users


def time_run(*command, **options):
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)
    return time.perf_counter() - start


def render_cold(binary, data):
    for name in DERIVED:
        path = os.path.join(data, name)
        shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
    return time_run(binary, "render", "--data", data, "--full")


def easyrsa(folder):
    env = {"PATH": os.environ["PATH"], "EASYRSA_BATCH": "1", "EASYRSA_PKI": os.path.join(folder, "easyrsa"),
           "EASYRSA_ALGO": "ec", "EASYRSA_CURVE": "prime256v1"}
    time_run(EASYRSA, "init-pki", cwd=folder, env=env)
    time_run(EASYRSA, "build-ca", "nopass", cwd=folder, env=env | {"EASYRSA_REQ_CN": "bench"})
    return [time_run(EASYRSA, "build-client-full", f"g{i}.example.org", "nopass", cwd=folder, env=env)
            for i in range(EASYRSA_RUNS)]


def measure(binary, folder):
    data = os.path.join(folder, "data")
    subprocess.run([binary, "init", "--data", data, "--prefix", "2001:db8::/48", "--endpoint", "vpn.example.org:1194"],
                   check=True, stdout=subprocess.DEVNULL)
    with service(binary, data) as client:
        start = time.perf_counter()
        gateways, users = fill(client)
        filled = time.perf_counter() - start
    progress("render --full")
    rows = {f"POST /gateways, {name}": gateways[a:b] for name, (a, b) in WINDOWS.items() if len(gateways) >= b}
    rows["POST /gateways, all"] = gateways
    rows["POST /users, all"] = users
    rows[f"fill the plan, {len(gateways):,} gateways"] = [filled]
    rows[f"render --full, cold, {len(gateways):,} gateways"] = [render_cold(binary, data) for _ in range(RENDER_RUNS)]
    progress("easyrsa")
    rows["easyrsa build-client-full"] = easyrsa(folder)
    return rows


def print_table(rows):
    base = statistics.median(rows["POST /gateways, first 16"])
    print(f"{'milliseconds':44} {'runs':>6} {'min':>9} {'median':>9} {'max':>9} {'ratio':>8}")
    for name, seconds in rows.items():
        median = statistics.median(seconds)
        figures = " ".join(f"{1000 * value:9.1f}" for value in (min(seconds), median, max(seconds)))
        print(f"{name:44} {len(seconds):6} {figures} {median / base:8.2f}")
    print("ratio: of medians, to the first 16 gateways")


def main(binary, out):
    out = os.path.abspath(out)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=os.path.dirname(out)) as folder:
        rows = measure(os.path.abspath(binary), folder)
    print_table(rows)
    with open(out, "w") as file:
        json.dump(rows, file, indent=2)
    windows = [statistics.median(rows[f"POST /gateways, {name}"]) for name in WINDOWS
               if f"POST /gateways, {name}" in rows]
    growth = windows[-1] / windows[0]
    print(f"growth from first to last: {growth:.2f}, allowed {GROWTH_MAX}")
    return growth > GROWTH_MAX


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
