"""The service's own socket: who is at its other end, and that nobody on the network keeps it from answering."""
import json
import os
import socket
import subprocess
import sys
import time

import pytest
import requests

from service import assert_problem

NOBODY = 65534


def ask(path, request):
    """Bytes over a unix socket, all that comes back."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(path)
        connection.sendall(request)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
        return answer


def own_socket(service):
    return os.path.join(service.data, "run", "vpnunit.sock")


def get(path, token=None):
    header = f"Authorization: Bearer {token}\r\n" if token else ""
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n{header}Connection: close\r\n\r\n".encode()


def post(path, body):
    data = json.dumps(body)
    return (f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n"
            f"Connection: close\r\n\r\n{data}").encode()


@pytest.mark.skipif(os.geteuid() != 0, reason="is about root")
def test_root_is_admin_by_name(service, name):
    """No token, and the log has the passwd entry's name."""
    answer = ask(own_socket(service), post("/users", {"name": name}))
    assert answer.startswith(b"HTTP/1.1 201"), answer
    assert service.git("log", "-1", "--format=%an", "main").strip() == "root"
    assert ask(own_socket(service), post("/rollback", {"to": "HEAD~1"})).startswith(b"HTTP/1.1 201")


def test_a_token_counts_more(service, name):
    token = service.post("/tokens", {"name": name, "role": "auditor"}).json()["token"]
    assert ask(own_socket(service), get("/users", token)).startswith(b"HTTP/1.1 200")
    assert ask(own_socket(service), get("/state", "wrong")).startswith(b"HTTP/1.1 401")
    forged = post("/users", {"name": "x"}).replace(b"Host: x", f"Host: x\r\nAuthorization: Bearer {token}".encode())
    assert ask(own_socket(service), forged).startswith(b"HTTP/1.1 403")


def test_other_sockets_know_nobody(service):
    """Behind those may be a proxy, whoever it runs as."""
    assert ask(service.socket, get("/users")).startswith(b"HTTP/1.1 401")
    assert ask(service.socket, get("/users", service.token)).startswith(b"HTTP/1.1 200")
    assert_problem(requests.get(service.url("/users"), timeout=10), 401, "token_required")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user")
def test_others_need_a_token(fresh):
    """Somebody whom the modes let in is still nobody; the service's own user is admin."""
    for folder in (fresh.data, os.path.join(fresh.data, "run")):
        os.chmod(folder, 0o755)
    parent = os.path.dirname(fresh.data)
    while parent != "/":
        os.chmod(parent, os.stat(parent).st_mode | 0o111)
        parent = os.path.dirname(parent)
    os.chmod(own_socket(fresh), 0o666)
    script = ("import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
              "s.sendall(b'GET /users HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n'); print(s.recv(99))")
    done = subprocess.run(["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--", sys.executable,
                           "-c", script, own_socket(fresh)], capture_output=True, text=True, timeout=30)
    assert "HTTP/1.1 401" in done.stdout, done


def test_nobody_on_the_network_starves_it(fresh):
    """Every worker of the network is held by a client that never ends its request."""
    idle = []
    try:
        for _ in range(100):
            s = socket.create_connection(("127.0.0.1", fresh.port), timeout=10)
            s.sendall(b"GET /users HTTP/1.1\r\nHost:")
            idle.append(s)
        time.sleep(0.5)
        for _ in range(20):
            began = time.monotonic()
            assert ask(own_socket(fresh), get("/users")).startswith(b"HTTP/1.1 200")
            assert ask(fresh.socket, get("/users", fresh.token)).startswith(b"HTTP/1.1 200")
            assert time.monotonic() - began < 2
    finally:
        for s in idle:
            s.close()

