"""What others take for the same: Debian's easy-rsa and etcd, CivetWeb alone; and the client for the latter and us."""
import http.client
import json
import os
import re
import socket
import struct
import subprocess
import time

from vpn import free_port

EASYRSA = "/usr/share/easy-rsa/easyrsa"
VALUE = 1024


def tool(name, *arguments, **options):
    done = subprocess.run([name, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{os.path.basename(name)}: {done.stderr.decode()[-400:]}")
    return done.stdout


class Load:
    """tests/bench/load.c; run returns its JSON: seconds of all, and of one request."""

    def __init__(self, program, port, headers):
        self.program, self.port = program, port
        self.head = "".join(f"{name}: {value}\n" for name, value in headers.items()) + "\n"

    def run(self, connections, count, requests):
        text = self.head + "".join(line + "\n" for line in requests)
        return json.loads(tool(self.program, str(self.port), str(connections), str(count), input=text.encode()))


def wait_for(port, process):
    deadline = time.monotonic() + 30
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{process.args[0]} does not listen") from None
            time.sleep(0.02)


class Server:
    """A process that listens on a port, until the end of `with`."""

    def __init__(self, command, port, log, stdin=None):
        self.port = port
        with open(log, "w", encoding="utf-8") as file:
            self.process = subprocess.Popen(command, stdin=stdin, stdout=file, stderr=file)

    def __enter__(self):
        wait_for(self.port, self.process)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=30)


class Constant(Server):
    """tests/bench/constant.c, answering what is in a file."""

    def __init__(self, program, path):
        port = free_port()
        with open(path, "rb") as text:
            super().__init__([program, str(port)], port, path + ".log", stdin=text)


def protobuf_bytes(number, value):
    """A field of length-delimited type; each of ours is below 16 KiB."""
    return struct.pack("<BBB", number << 3 | 2, len(value) & 0x7f | 0x80, len(value) >> 7) + value


class Etcd(Server):
    """One member with its defaults, so that each put is in the log on the disk before its answer.

    h2load speaks gRPC to it, as its own clients do: the gateway for HTTP/1.1 and JSON is slower by a third.
    """

    def __init__(self, folder):
        port, peer_port = free_port(), free_port()
        url, peer_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer_port}"
        super().__init__(["etcd", "--name", "bench", "--data-dir", os.path.join(folder, "etcd"),
                          "--listen-client-urls", url, "--advertise-client-urls", url, "--listen-peer-urls", peer_url,
                          "--initial-advertise-peer-urls", peer_url, "--initial-cluster", f"bench={peer_url}"],
                         port, os.path.join(folder, "etcd.log"))
        message = protobuf_bytes(1, b"bench/gateway") + protobuf_bytes(2, b"v" * VALUE)
        self.put_path = os.path.join(folder, "put")
        with open(self.put_path, "wb") as file:
            file.write(struct.pack(">BI", 0, len(message)) + message)

    def revision(self):
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        client.request("POST", "/v3/kv/range", '{"key": "YQ=="}', {"Content-Type": "application/json"})
        return int(json.loads(client.getresponse().read())["header"]["revision"])

    def put(self, connections, count):
        """Puts a second; that all were done is seen by the revision, since gRPC tells failures in trailers."""
        before = self.revision()
        said = tool("h2load", "-n", str(count), "-c", str(connections), "-m", "1", "-d", self.put_path,
                    "-H", "content-type: application/grpc", "-H", "te: trailers",
                    f"http://127.0.0.1:{self.port}/etcdserverpb.KV/Put").decode()
        if self.revision() - before != count:
            raise RuntimeError(f"etcd did {self.revision() - before} of {count} puts: {said}")
        return float(re.search(r"([\d.]+) req/s", said).group(1))


class EasyRsa:
    """A CA with P-256 keys, and as many revoked certificates in its index."""

    def __init__(self, folder, revoked=0):
        self.folder, self.made = folder, 0
        os.makedirs(folder)
        self.env = {"PATH": os.environ["PATH"], "EASYRSA_BATCH": "1", "EASYRSA_PKI": os.path.join(folder, "pki"),
                    "EASYRSA_ALGO": "ec", "EASYRSA_CURVE": "prime256v1"}
        self.run("init-pki")
        self.run("build-ca", "nopass", EASYRSA_REQ_CN="bench")
        with open(os.path.join(folder, "pki", "index.txt"), "a", encoding="ascii") as index:
            for number in range(revoked):
                serial = f"{1 << 126 | number:032X}"
                index.write(f"R\t290101000000Z\t260101000000Z\t{serial}\tunknown\t/CN=r{number}.example.org\n")

    def run(self, *arguments, **more):
        start = time.perf_counter()
        tool(EASYRSA, *arguments, cwd=self.folder, env=self.env | more)
        return time.perf_counter() - start

    def issue(self):
        self.made += 1
        return self.run("build-client-full", f"g{self.made}.example.org", "nopass")

    def revoke(self):
        """Of one that is made for it, which does not count."""
        self.issue()
        return self.run("revoke", f"g{self.made}.example.org") + self.run("gen-crl")
