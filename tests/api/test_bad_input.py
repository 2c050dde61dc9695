"""Hostile requests: each is refused with its status, and neither HEAD nor a rendered file moves."""
import json
import os
import re

import pytest

from service import assert_problem


@pytest.fixture(autouse=True)
def nothing_moves(service):
    head, files = service.head(), service.rendered()
    yield
    assert service.head() == head
    assert service.rendered() == files
    assert service.get("/healthz").status_code == 200


def post(service, data, path="/users", content_type="application/json"):
    return service.ask("POST", path, headers={"Content-Type": content_type}, data=data)


@pytest.mark.parametrize("data", [
    b"{", b"{]", b'{"name"}', b'{"name":"x",}', b"{'name':'x'}", b'{"name":"x"} {}', b'{"name":"x"}x', b"\xef\xbb\xbf{}",
    b'{"name":nul}', b'{"name":NaN}', b'{"name":"a\tb"}', b'{"name":"\\x41"}', b'// c\n{"name":"x"}', b" "])
def test_malformed_json(service, data):
    assert post(service, data).status_code == 400


def test_malformed_json_is_located(service):
    problem = assert_problem(post(service, b'{"name":\n  x}'), 400, "malformed_json")
    assert "line 2" in problem["detail"]


@pytest.mark.parametrize("data", [
    b'{"name":"\xff"}', b'{"name":"\xc0\xaf"}', b'{"name":"\xed\xa0\x80"}', b'{"name":"a\x00b"}',
    b'{"name":"a\\u0000b"}', b'{"name":"\\ud800"}', b'{"\xff":"x"}'])
def test_bad_encoding(service, data):
    assert post(service, data).status_code == 400


@pytest.mark.parametrize("body", [[], ["x"], "x", 1, None, True])
def test_no_object(service, body):
    assert post(service, json.dumps(body)).status_code == 400


@pytest.mark.parametrize("body,field", [
    ({}, "name"), ({"name": 1}, "name"), ({"name": None}, "name"), ({"name": ["x"]}, "name"), ({"name": {}}, "name"),
    ({"name": "x", "id": 2}, "id"), ({"name": "x", "role": "admin"}, "role"), ({"name": "x", "Name": "x"}, "Name"),
    ({"name": "x", "enabled": True}, "enabled"), ({"name": "x", "": 1}, "")])
def test_wrong_members(service, body, field):
    assert_problem(service.post("/users", body), 400, "invalid", field)


def test_duplicate_keys(service):
    for data in (b'{"name":"x","name":"y"}', b'{"name":"x","\\u006eame":"y"}'):
        problem = assert_problem(post(service, data), 400, "malformed_json")
        assert "same key" in problem["detail"]


@pytest.mark.parametrize("depth", [9, 1000, 30000])
def test_deep_nesting(service, depth):
    assert_problem(post(service, b'{"name":' + b"[" * depth + b"]" * depth + b"}"), 400, "malformed_json")


@pytest.mark.parametrize("number", ["1e999", "1.5", "99999999999999999999", "-0", "01", "1e2"])
def test_numbers(service, number):
    assert post(service, f'{{"name":{number}}}').status_code == 400


def test_ten_megabytes(service):
    assert_problem(post(service, b" " * 10_000_000), 413, "body_too_large")
    answer = service.ask("POST", "/users", headers={"Content-Type": "application/json"},
                         data=(b" " * 10_000 for _ in range(1000)))
    assert_problem(answer, 413, "body_too_large")
    assert_problem(post(service, b'{"name":"' + b"x" * 65536 + b'"}'), 413, "body_too_large")


@pytest.mark.parametrize("content_type", [
    "text/plain", "application/x-www-form-urlencoded", "application/jsonx", "application/problem+json", ""])
def test_other_content_types(service, content_type):
    assert_problem(post(service, b'{"name":"x"}', content_type=content_type), 415, "unsupported_media_type")


def test_compressed_bodies(service):
    answer = service.ask("POST", "/users", {"name": "x"}, headers={"Content-Encoding": "gzip"})
    assert_problem(answer, 415, "unsupported_media_type")


def test_no_body(service):
    assert_problem(service.post("/users"), 400, "body_required")
    assert_problem(service.ask("DELETE", "/user/nobody", {}), 400, "unexpected_body")


BAD_NAMES = [
    "../x", "..", "../../../etc/passwd", "a/b", "/a", "a\nb", "a\r\nb", "a\n", "\n", 'a"b', "a'b", "a%0ab", "%0a", "a;b",
    "a;rm -rf x", "$(id)", "`id`", "a b", " a", "a ", "a\tb", "a\x00b", "a\x7fb", "a\x1bb", "ä", "münchen.example.org",
    "\u202ea", "ａ", "a,b", "a|b", "a&b", "a<b", "a#b", "a\\b", "{{name}}", "-a", "", "a:b", "a*", "?"]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_bad_user_names(service, name):
    assert service.post("/users", {"name": name}).status_code == 400


@pytest.mark.parametrize("name", ["x" * 33, ".a", "_a"])
def test_more_bad_user_names(service, name):
    assert_problem(service.post("/users", {"name": name}), 400, "invalid", "name")


@pytest.mark.parametrize("name", BAD_NAMES + [
    "a" * 61 + ".com", "a" * 64 + ".b", ".".join(["a" * 15] * 4) + "bb", "a" * 30 + "." + "b" * 34, "a..b", ".a", "a.",
    "a-.b", "a.-b", "a_b", "*.example.org", "xn--mnchen-3ya.example.org."])
def test_bad_gateway_names(service, name):
    head = service.head()
    answer = service.post("/gateways", {"name": name, "user": "nobody"})
    assert answer.status_code == 400, answer.text
    assert service.head() == head


def test_64_characters_are_a_name(service):
    """It fails for its user alone, so the name itself is taken."""
    name = "a" * 30 + "." + "b" * 33
    assert len(name) == 64
    assert_problem(service.post("/gateways", {"name": name, "user": "nobody"}), 404, "not_found")


@pytest.mark.parametrize("path", [
    "/user/..%2f..%2fsecrets", "/user/%00", "/user/a%00b", "/user/a%0ab", "/user/%ff", "/user/%c0%af", "/user/%zz", "/user/%",
    "/gateway/..%2fx/config", "/gateway/a%0d%0aX-Evil:1/config", "/gateway/%1b/config"])
def test_bad_paths(service, path):
    answer = service.raw(f"GET {path} HTTP/1.1\r\nAuthorization: Bearer {service.token}\r\n\r\n".encode())
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 404 ")), answer
    assert b"\r\nX-Evil" not in answer


@pytest.mark.parametrize("path", ["/../secrets/admin.token", "/./users/../../x", "/user/..", "/gateway/../config",
                                  "/users/../../../../etc/passwd", "/crl.pem/..", "/pki/ca.crt", "/ca.crt/"])
def test_paths_lead_nowhere(service, path):
    answer = service.raw(f"GET {path} HTTP/1.1\r\nAuthorization: Bearer {service.token}\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 404 "), answer


@pytest.mark.parametrize("reason", ["a%0ab", "a%0dTrailer:%20x", "%00", "%1b[31m", "%7f", "%c2%85", "%ff", "x" * 501])
def test_bad_reasons(service, reason):
    assert service.post(f"/users?reason={reason}", {"name": "x"}).status_code == 400


@pytest.mark.parametrize("query", ["reason=a&reason=b", "reason=a&other=1", "force=1", "%72eason=a&reason=b", "dry=1"])
def test_bad_queries(service, query):
    assert_problem(service.post(f"/users?{query}", {"name": "x"}), 400, "invalid")


@pytest.mark.parametrize("value", [b"a\x01b", b"a\x7fb", b"a\rb: c", b"\xff", b"a b", b"a\tb", b"\x00"])
def test_bad_request_ids(service, value):
    request = b"POST /users HTTP/1.1\r\nAuthorization: Bearer " + service.token.encode() + \
        b"\r\nX-Request-Id: " + value + b"\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n" + b'{"name":"x"}'
    answer = service.raw(request)
    assert answer.startswith(b"HTTP/1.1 400 "), answer


def test_cut_off(service):
    """A request that ends at any of its bytes does nothing."""
    body = b'{"name":"cut"}'
    request = (f"POST /users HTTP/1.1\r\nAuthorization: Bearer {service.token}\r\nContent-Type: application/json\r\n"
               f"Content-Length: {len(body)}\r\n\r\n").encode() + body
    for length in [*range(0, len(request) - len(body), 7), *range(len(request) - len(body), len(request))]:
        answer = service.raw(request[:length])
        assert b" 201 " not in answer
    chunked = request.replace(f"Content-Length: {len(body)}".encode(), b"Transfer-Encoding: chunked")
    head = chunked[:-len(body)]
    for rest in (b"", b"e", b"e\r\n", b"e\r\n" + body, b"e\r\n" + body + b"\r\n", b"zz\r\n" + body, b"-1\r\n",
                 b"ffffffffffffffffff\r\n" + body):
        assert b" 201 " not in service.raw(head + rest)


def test_smuggling(service):
    """Two framings of one request are refused, and what is behind it is not read as another."""
    for framing in ("Content-Length: 2\r\nTransfer-Encoding: chunked", "Content-Length: 2\r\nContent-Length: 40",
                    "Content-Length: 2, 2", "Content-Length: 0x2", "Content-Length: -1", "Transfer-Encoding: gzip"):
        answer = service.raw((f"POST /users HTTP/1.1\r\nAuthorization: Bearer {service.token}\r\n"
                              f"Content-Type: application/json\r\n{framing}\r\n\r\n{{}}"
                              "GET /healthz HTTP/1.1\r\n\r\n").encode())
        assert b"alive" not in answer and len(re.findall(rb"HTTP/1\.1 \d{3} ", answer)) == 1, answer
        assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 411 ")), answer


@pytest.mark.parametrize("data", [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"BREW /pot HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nX: " + b"a" * 20000 + b"\r\n\r\n", b"GET /\x00 HTTP/1.1\r\n\r\n", b"\xff" * 100,
    b"GET http://evil.example/users HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nNoColon\r\n\r\n", b"CONNECT x:1 HTTP/1.1\r\n\r\n"])
def test_no_http(service, data):
    try:
        answer = service.raw(data)
    except ConnectionError:
        return
    assert b" 200 " not in answer and b" 201 " not in answer
    if answer:
        assert b"application/problem+json" in answer


def test_the_log_cannot_be_forged(service):
    service.raw(b"GET /a%0a<3>forged HTTP/1.1\r\n\r\n")
    service.post("/users", {"name": "a\nforged"})
    assert "\nforged" not in service.read_log()
    assert os.path.exists(service.log)
