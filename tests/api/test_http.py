"""What every resource has from HTTP: methods, tags, pages, tokens, ids of requests, listeners."""
import os
import re
import socket
import stat

import pytest
import requests

from service import BINARY, Service, assert_problem

READS = ["/users", "/gateways", "/state", "/ca.crt", "/crl.pem", "/user/{user}", "/gateway/{gateway}",
         "/gateway/{gateway}/config"]


@pytest.fixture
def paths(user, gateway):
    return [path.format(user=user["name"], gateway=gateway["name"]) for path in READS]


def test_head(service, paths):
    for path in paths + ["/healthz"]:
        get, head = service.get(path), service.ask("HEAD", path)
        assert head.status_code == get.status_code == 200
        assert head.content == b"" and int(head.headers["Content-Length"]) == len(get.content)
        assert head.headers.get("ETag") == get.headers.get("ETag")


def test_token(service, paths):
    for path in paths:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {service.token}"},
                        {"Authorization": f"Bearer {service.token}x"}, {"Authorization": "Bearer "}):
            answer = requests.get(service.url(path), headers=headers, timeout=10)
            assert answer.status_code in (401, 429), (path, headers)  # 429: there were many wrong ones
            if answer.status_code == 401:
                assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            assert answer.headers["Content-Type"] == "application/problem+json"
    head = service.head()
    assert requests.post(service.url("/users"), json={"name": "x"}, timeout=10).status_code == 401
    assert service.head() == head
    assert service.token not in service.read_log()


def test_health_needs_no_token(service):
    assert requests.get(service.url("/healthz"), timeout=10).status_code == 200
    ready = requests.get(service.url("/readyz"), timeout=10)
    assert ready.status_code == 200, ready.text
    checks = {check["name"]: check for check in ready.json()["checks"]}
    assert {"crl", "ca", "server", "render", "deploy"} <= set(checks)
    assert all(check["ok"] and isinstance(check["detail"], str) for check in checks.values())


def test_state(service, gateway):
    state = service.get("/state").json()
    assert state["head"] == state["rendered"] == service.head()
    assert state["drift"] == [] and state["pending"] is None
    assert state["users"] == len(service.get("/users").json())
    assert state["gateways"] == len(service.get("/gateways").json())
    assert set(state["openvpn"]) == {"running", "restart_needed"}


@pytest.mark.parametrize("method,path,allow", [
    ("PUT", "/users", "GET, HEAD, POST"), ("DELETE", "/users", "GET, HEAD, POST"),
    ("POST", "/user/x", "GET, HEAD, PATCH, DELETE"), ("PUT", "/gateway/x", "GET, HEAD, PATCH, DELETE"),
    ("GET", "/gateway/x/renew", "POST"), ("POST", "/gateway/x/config", "GET, HEAD"),
    ("OPTIONS", "/state", "GET, HEAD"), ("POST", "/healthz", "GET, HEAD")])
def test_other_methods(service, method, path, allow):
    answer = service.ask(method, path)
    assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == allow


@pytest.mark.parametrize("path", ["//", "/console", "/console/", "/console/x.js", "/nothing", "/users/", "/user", "/user/", "/user/a/b", "//users", "/gateway/x/y"])
def test_no_such_path(service, path):
    assert_problem(service.get(path), 404, "no_such_path")


def test_if_none_match(service, user, gateway):
    for path in ("/users", "/gateways", f"/user/{user['name']}", f"/gateway/{gateway['name']}"):
        tag = service.get(path).headers["ETag"]
        same = service.get(path, headers={"If-None-Match": tag})
        assert same.status_code == 304 and same.content == b"" and same.headers["ETag"] == tag
        assert same.headers["X-Commit"] == service.head()
    service.patch(f"/gateway/{gateway['name']}", {"inbound": "allow"})
    assert service.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_tags_are_git_ids(service, user, gateway):
    assert service.get("/users").headers["ETag"] == f'"{service.head()}"'
    blob = service.get(f"/user/{user['name']}").headers["ETag"].strip('"').split("-")[0]
    assert f'"name": "{user["name"]}"' in service.git("cat-file", "blob", blob)
    tag = service.get(f"/gateway/{gateway['name']}").headers["ETag"].strip('"')
    assert re.fullmatch(r"[0-9a-f]{40}-[0-9a-f]{16}", tag)


def test_if_match(service, user, gateway):
    for path, body in ((f"/user/{user['name']}", {"enabled": False}), (f"/gateway/{gateway['name']}", {"enabled": False})):
        old = service.get(path).headers["ETag"]
        assert service.patch(path, body, headers={"If-Match": old}).status_code == 200
        head = service.head()
        problem = assert_problem(service.patch(path, {"enabled": True}, headers={"If-Match": old}), 412, "stale")
        assert "admin" in problem["detail"] and problem["changed_by"] == "admin"
        assert problem["changed_in"] == head and problem["changed_at"] in problem["detail"]
        assert_problem(service.delete(path, headers={"If-Match": old}), 412, "stale")
        assert_problem(service.delete(path, headers={"If-Match": f"W/{old}"}), 412, "stale")
        assert service.head() == head
        now = service.get(path).headers["ETag"]
        blob = now.strip('"').split("-")[0]
        assert service.patch(path, {"enabled": True}, headers={"If-Match": f'"{blob}"'}).status_code == 200
        assert service.patch(path, {"enabled": True}, headers={"If-Match": "*"}).status_code == 200
        assert_problem(service.patch(path, {}, headers={"If-Match": "unquoted"}), 400, "malformed_request")


def test_if_match_knows_what_a_user_has(service, user):
    """The user's file stays the same when a gateway comes; what changed is told all the same."""
    path = f"/user/{user['name']}"
    old = service.get(path).headers["ETag"]
    service.gateway(f"late.{user['name']}.example.org", user["name"])
    service.user("bystander" + user["name"])
    problem = assert_problem(service.delete(path, headers={"If-Match": old}), 412, "stale")
    assert f"late.{user['name']}" in problem["detail"]


def test_pages(fresh):
    names = [f"user{n}" for n in range(5)]
    for name in names:
        fresh.user(name)
        fresh.gateway(f"gw.{name}.example.org", name)
    for path, sort in (("/users", names), ("/gateways", [f"gw.{name}.example.org" for name in names])):
        seen, link = [], f"{path}?limit=2"
        while link:
            answer = fresh.get(link)
            page = [row["name"] for row in answer.json()]
            assert len(page) <= 2
            seen += page
            link = answer.links.get("next", {}).get("url")
        assert seen == sort
    assert "Link" not in fresh.get("/users?limit=5").headers
    link = fresh.get("/gateways?limit=1&expires_before=2999-01-01T00:00:00Z").links["next"]["url"]
    assert "expires_before=2999-01-01T00:00:00Z" in link
    assert fresh.get("/gateways?user=user1&limit=1").links == {}


@pytest.mark.parametrize("query", ["limit=0", "limit=-1", "limit=x", "limit=99999", "limit=", "cursor=%2F", "limit=1&limit=2"])
def test_bad_pages(service, query):
    assert_problem(service.get(f"/users?{query}"), 400, "invalid", query.split("=")[0])


def test_request_ids(service, name):
    answer = service.post("/users", {"name": name}, headers={"X-Request-Id": "from-a.test_1"})
    assert answer.headers["X-Request-Id"] == "from-a.test_1"
    assert "Request-Id: from-a.test_1" in service.git("log", "-1", "--format=%B", "main")
    drawn = {service.get("/users").headers["X-Request-Id"] for _ in range(3)}
    assert len(drawn) == 3
    for wrong in ("a b", "x" * 65, "a;b", "ä".encode(), "", 'a"b'):
        answer = service.get("/users", headers={"X-Request-Id": wrong})
        assert_problem(answer, 400, "malformed_request")
        assert answer.headers["X-Request-Id"] != wrong


def test_headers_of_every_answer(service, paths):
    for path in paths + ["/nothing", "/healthz"]:
        headers = service.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "Server" not in headers and "no" in headers["Cache-Control"]


def test_listeners(service):
    for host in ("127.0.0.1", "[::1]"):
        assert requests.get(service.url("/healthz", host), timeout=10).status_code == 200
    assert b"HTTP/1.1 200 OK" in service.raw(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    mode = os.stat(service.socket).st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o660


def test_keep_alive(service):
    with requests.Session() as session:
        for _ in range(5):
            assert session.get(service.url("/users"), headers={"Authorization": f"Bearer {service.token}"},
                               timeout=10).status_code == 200


def test_one_connection_many_requests(service):
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    assert service.raw(request * 3).count(b"HTTP/1.1 200 OK") == 3


def test_address_in_use(service, tmp_path):
    """The second service says which address is taken, and leaves the first one's socket alone."""
    other = Service(str(tmp_path))
    for listen, word in ((f"127.0.0.1:{service.port}", "in use"), (f"unix:{service.socket}", service.socket),
                         ("unix:/nowhere/at/all.sock", "/nowhere/at/all.sock"), ("somewhere", "somewhere")):
        ended = other.run("serve", "--hooks", "none", "--listen", listen, check=False)
        assert ended.returncode == 1, ended.stderr
        assert word in ended.stderr.lower()
    assert b"200 OK" in service.raw(b"GET /healthz HTTP/1.1\r\n\r\n")


def test_a_dead_socket_is_replaced(fresh):
    fresh.process.kill()
    fresh.process.wait()
    assert os.path.exists(fresh.socket)
    fresh.start()
    assert b"200 OK" in fresh.raw(b"GET /healthz HTTP/1.1\r\n\r\n")


def test_render_through_the_service(service, gateway):
    """`vpnunit render` beside a running service goes through it."""
    path = os.path.join(service.data, "ip", "routes")
    with open(path, encoding="ascii") as file:
        before = file.read()
    os.unlink(path)
    assert service.run("render", "--check", check=False).returncode == 1
    service.run("render")
    with open(path, encoding="ascii") as file:
        assert file.read() == before
    assert service.run("render", "--check").returncode == 0
    assert service.post("/render").json()["rendered"] == service.head()
    assert os.access(BINARY, os.X_OK)


def test_slow_client_holds_nobody_up(service):
    with socket.create_connection(("127.0.0.1", service.port)) as slow:
        slow.sendall(b"POST /users HTTP/1.1\r\nContent-Len")
        assert service.get("/users").status_code == 200
