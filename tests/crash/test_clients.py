"""Clients that keep others waiting: idle ones, slow ones, ones that never read.  Nobody else feels them, and nothing grows."""
import os
import resource
import socket
import threading
import time

import pytest
import requests

from clock import is_sanitized
from disk import IS_LONG, LOSES_BYTES
from service import PATIENCE, Service

REQUESTS = 100000 if IS_LONG else 6000


@pytest.fixture
def service(folder):
    running = Service(folder, environment=LOSES_BYTES)
    yield running.start()
    assert running.stop() == 0


def connect(service, n):
    """n connections to its port."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < n + 200:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, n + 200), hard))
    return [socket.create_connection(("127.0.0.1", service.port), timeout=10) for _ in range(n)]


def close(connections):
    for connection in connections:
        connection.close()


def answers_soon(service, within=1.5):
    """A read and a change, by somebody else."""
    for method, path, body in (("GET", "/users", None), ("POST", "/users", {"name": f"u{time.monotonic_ns()}"})):
        began = time.monotonic()
        answer = service.ask(method, path, body)
        took = time.monotonic() - began
        assert answer.ok and took < within * PATIENCE, f"{method} {path}: {answer.status_code} after {took:.1f} s"


def is_over(connection):
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_idle_connections(service):
    connections = connect(service, 1000)
    answers_soon(service)
    close(connections)
    answers_soon(service)


def test_idle_after_a_request(service):
    """Kept alive for what may come, they give their place to who has something to say."""
    connections = connect(service, 100)
    for connection in connections:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
    answers_soon(service)
    close(connections)


def test_slow_heads(service):
    """Slowloris: a header now and then, and never the last."""
    connections = connect(service, 500)
    for connection in connections:
        connection.sendall(b"GET /users HTTP/1.1\r\nHost: x\r\n")
    for _ in range(3):
        answers_soon(service)
        for connection in connections:
            connection.sendall(b"X-A: b\r\n")
        time.sleep(0.2)
    close(connections)


def test_slow_head_that_gets_there(service):
    connection = connect(service, 1)[0]
    for part in b"GET /healthz HTTP/1.1\r\n", b"Host: x\r\n", b"\r", b"\n":
        connection.sendall(part)
        time.sleep(0.2)
    assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
    connection.close()


def test_slow_bodies_of_strangers(service):
    """Without a token nobody's body is waited for."""
    connections = connect(service, 200)
    for connection in connections:
        connection.sendall(b"POST /users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n{")
    answers_soon(service, within=8)
    for connection in connections:
        assert connection.recv(65536).startswith((b"HTTP/1.1 401 ", b"HTTP/1.1 429 "))
    close(connections)


if IS_LONG:  # it waits for fifteen seconds
    def test_idle_is_ended(service):
        """Nobody may wait for ever."""
        began, connection = time.monotonic(), connect(service, 1)[0]
        connection.settimeout(30)
        connection.sendall(b"GET /users HTT")
        assert is_over(connection) and time.monotonic() - began < 25


def test_readers_that_never_read(service):
    """Their answers are larger than what the kernel keeps for them."""
    for batch in range(4):
        answer = service.post("/batch", {"changes": [{"op": "user.create", "name": f"u{batch}-{i}"} for i in range(60)] + [
            {"op": "gateway.create", "name": f"g{batch}-{i}-{k}.example.org", "user": f"u{batch}-{i}"}
            for i in range(60) for k in range(8)]})
        assert answer.status_code == 201, answer.text
    connections = connect(service, 8)
    ask = f"GET /gateways HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {service.token}\r\n\r\n".encode()
    for connection in connections:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(ask * 20)
    for _ in range(5):
        answers_soon(service)
        time.sleep(0.2)
    close(connections)
    answers_soon(service)


def test_no_descriptors(service):
    """A service whose descriptors are all taken answers again as soon as some are free; it neither ends nor spins."""
    limit = settled(service) + 12
    soft, hard = resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE, (limit, hard))
    connections = connect(service, 100)
    used = processor_time(service)
    time.sleep(1)
    assert processor_time(service) - used < 0.5
    for _ in range(3):
        try:
            answer = service.post("/users", {"name": "late"})
            assert answer.status_code in (201, 409, 503, 507), answer.text
        except requests.ConnectionError:
            pass  # dropped in favour of a newer one
    assert service.process.poll() is None, service.read_log()
    close(connections)
    resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE, (soft, hard))
    answers_soon(service, within=10)
    assert service.get("/render").json() == {"differences": []}


def settled(service):
    """How many descriptors it has once all of its threads have begun."""
    count, before = len(os.listdir(f"/proc/{service.process.pid}/fd")), 0
    while count != before:
        time.sleep(0.5 * PATIENCE)
        before, count = count, len(os.listdir(f"/proc/{service.process.pid}/fd"))
    return count


def processor_time(service):
    with open(f"/proc/{service.process.pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(service):
    """kB"""
    with open(f"/proc/{service.process.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def ask_much(service, n):
    """Of all kinds, by four clients that keep their connections."""
    kinds = [("GET", "/users", None), ("GET", "/gateway/g.example.org", None), ("GET", "/nothing", None), ("GET", "/log", None),
             ("POST", "/users", {"name": "!"}), ("GET", "/gateway/g.example.org/config", None), ("GET", "/state", None)]
    headers = {"Authorization": f"Bearer {service.token}"}

    def run(count):
        with requests.Session() as session:
            for i in range(count):
                method, path, body = kinds[i % len(kinds)]
                session.request(method, service.url(path), json=body, headers=headers, timeout=30).content

    clients = [threading.Thread(target=run, args=(n // 4,)) for _ in range(4)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()


@pytest.mark.skipif(is_sanitized(), reason="a sanitizer's own memory grows")
def test_memory_stays(service):
    service.user("u")
    service.gateway("g.example.org", "u")
    ask_much(service, REQUESTS // 3)
    before, descriptors = resident(service), len(os.listdir(f"/proc/{service.process.pid}/fd"))
    ask_much(service, REQUESTS)
    assert resident(service) < before * 1.05 + 1024, (before, resident(service))
    assert len(os.listdir(f"/proc/{service.process.pid}/fd")) <= descriptors + 4
