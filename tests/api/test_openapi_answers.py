"""What the document promises is there: each status of each operation, each member, each problem code, provoked once.

The other way round, an answer that the document doesn't tell of, fails in any test (document.py).
"""
import datetime
import json
import os
import subprocess
import time

import jsonschema
import pytest
import requests

from document import document
from service import BINARY, Service

# A broken disk, repository or clock; test_disk.py, test_full.py, tests/crash and tests/unit provoke some of them.
OF_A_BROKEN_SERVICE = {"500", "503", "507"}
CODES_ELSEWHERE = {
    "ambiguous_commit": "test_at.py, out of thousands of commits",
    "body_cut_off": "tests/unit/test_http.c",
    "ca_expired": "tests/unit/test_pki_issue.c",
    "no_certificate": "tests/unit/test_query.c",
    "no_public_url": "test_link.py",
    "plan_full": "test_full.py",
    "no_public_url": "test_a_link_needs_a_url",
    "too_many_links": "test_link.py",
    "openvpn_refuses": "tests/unit/test_render_server.c",
    "no_public_url": "test_a_link_needs_a_url",
    "too_many_links": "test_link.py",
    "too_many_tokens": "test_tokens.py",
}
# A running OpenVPN: tests/net.
STATUSES_ELSEWHERE = {("restartServer", "202")}
MEMBERS_ELSEWHERE = {".restarting", "Status.connected", "Status.received", "Status.remote", "Status.sent", "Status.since"}
# Answered before anybody looks at the operation; whether it is for a token's role is test_tokens.py's.
OF_THE_WAY_IN = {"403", "429"}
ZEROS = "0" * 40
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG" + "G" * 42


class Seen:
    """Asks a service and notes what came back."""

    def __init__(self, service):
        self.service = service
        self.statuses, self.codes, self.members = set(), set(), set()

    def __call__(self, method, path, body=None, **options):
        answer = self.service.ask(method, path, body, **options)
        self.note(method, path, answer)
        return answer

    def note(self, method, path, answer):
        template = document().find_path(path)
        operation = document().tree["paths"].get(template, {}).get(method.lower())
        if operation:
            self.statuses.add((operation["operationId"], str(answer.status_code)))
        if "json" not in answer.headers.get("Content-Type", ""):
            return
        value = answer.json()
        if operation:
            response = document().resolve(operation["responses"][str(answer.status_code)])
            self.walk("", response["content"][answer.headers["Content-Type"]]["schema"], value)
        if answer.status_code >= 400 and "code" in value:
            self.codes.add(value["code"])

    def walk(self, where, schema, value):
        """Note the members of value that the schema names."""
        if "$ref" in schema:
            where, schema = schema["$ref"].rsplit("/", 1)[1], document().resolve(schema)
        for variant in schema.get("allOf", []):
            self.walk(where, variant, value)
        for variant in schema.get("anyOf", []):
            if document().validator(variant).is_valid(value):
                self.walk(where, variant, value)
        if isinstance(value, list):
            for entry in value:
                self.walk(where + "[]", schema.get("items", {}), entry)
        if isinstance(value, dict):
            for name, member in schema.get("properties", {}).items():
                if name in value:
                    self.members.add(f"{where}.{name}")
                    self.walk(f"{where}.{name}", member, value[name])


def promised_members():
    """The same names, out of the schemas of all answers."""
    found = set()

    def walk(where, schema, seen):
        if "$ref" in schema:
            name = schema["$ref"].rsplit("/", 1)[1]
            if name in seen:
                return
            where, schema, seen = name, document().resolve(schema), seen | {name}
        for variant in schema.get("allOf", []) + schema.get("anyOf", []):
            walk(where, variant, seen)
        if "items" in schema:
            walk(where + "[]", schema["items"], seen)
        for name, member in schema.get("properties", {}).items():
            found.add(f"{where}.{name}")
            walk(f"{where}.{name}", member, seen)

    for _, _, operation in document().operations():
        for response in operation["responses"].values():
            for media in document().resolve(response).get("content", {}).values():
                walk("", media["schema"], frozenset())
    return found


def play_users(ask):
    ask("POST", "/users", {"name": "alice"}, headers={"Idempotency-Key": "alice"})
    ask("POST", "/users", {"name": "alice"})
    ask("POST", "/users", {"name": "x", "id": "00"})
    ask("POST", "/users", {"name": "x", "id": ask("GET", "/user/alice").json()["id"]})
    ask("POST", "/users", {"name": "bob"})
    ask("GET", "/users")
    ask("PATCH", "/user/bob", {"name": "robert"})
    ask("PATCH", "/user/robert", {"name": "alice"})


def play_gateways(ask):
    ask("POST", "/gateways", {"name": "gw.alice.example.org", "user": "alice", "allow": [
        "tcp/22", {"proto": "udp", "ports": "53", "to": "1::53", "from": "vpn"}]})
    ask("POST", "/gateways", {"name": "gw.alice.example.org", "user": "alice"})
    ask("POST", "/gateways", {"name": "x.example.org", "user": "nobody"})
    ask("POST", "/gateways", {"name": "x.example.org", "user": "alice", "id": "0"})
    ask("GET", "/gateways")
    ask("GET", "/gateway/gw.alice.example.org")
    ask("GET", "/gateway/gw.alice.example.org/config")
    link = ask("POST", "/gateway/gw.alice.example.org/link").json()["url"]
    for _ in range(2):  # only the first time
        ask("GET", link[link.index("/link/"):])
    ask("PATCH", "/gateway/gw.alice.example.org", {"inbound": "allow"})
    ask("POST", "/gateway/gw.alice.example.org/renew")
    ask("POST", "/gateway/gw.alice.example.org/renew", {"force": True})
    ask("POST", "/gateway/gw.alice.example.org/renew", {"force": True, "reason": "lost"})
    ask("DELETE", "/user/alice")
    fill = [{"op": "gateway.create", "name": f"g{n}.robert.example.org", "user": "robert"} for n in range(16)]
    ask("POST", "/batch", {"changes": fill})
    ask("POST", "/gateways", {"name": "one.more.example.org", "user": "robert"})
    ask("DELETE", "/gateway/g0.robert.example.org")


def play_batches(ask):
    create = {"op": "user.create", "name": "carol"}
    ask("POST", "/batch", {"changes": [create], "reason": "a beginning"})
    ask("POST", "/batch", {"changes": [create]})
    renewal = {"op": "gateway.renew", "name": "gw.alice.example.org", "force": True, "reason": "x"}
    ask("POST", "/batch", {"changes": [renewal, renewal]})
    ask("POST", "/batch", {"changes": [{"op": "user.delete", "name": "nobody"}]})
    open_anyway = {"inbound": "allow", "allow": ["tcp/22"]}
    warned = {"op": "gateway.create", "name": "warned.carol.example.org", "user": "carol", **open_anyway}
    ask("POST", "/batch?dry_run=1", {"changes": [warned]})
    ask("POST", "/batch", {"changes": [warned]})
    ask("DELETE", "/gateway/warned.carol.example.org")


def play_history(ask):
    ask("GET", "/log")
    before = ask("GET", "/state").json()["head"]
    ask("PATCH", "/user/carol", {"enabled": False})
    ask("GET", "/commit/HEAD")
    ask("GET", "/commit/nothing-like-that")
    ask("POST", "/commit/HEAD/revert")
    ask("POST", "/commit/HEAD~1/revert")
    ask("POST", "/rollback", {"to": before})
    ask("POST", "/rollback", {"to": ZEROS})
    ask("DELETE", "/user/robert?cascade=1")
    ask("POST", "/rollback", {"to": "HEAD~1", "only": ["gateway:g1.robert.example.org"]})
    renewed = ask("POST", "/gateway/gw.alice.example.org/renew", {"force": True, "reason": "x"}).headers["X-Commit"]
    ask("POST", f"/commit/{renewed}/revert")
    ask("PATCH", "/user/carol", {"name": "caroline"})
    ask("PATCH", "/user/caroline", {"name": "charlotte"})
    ask("POST", "/commit/HEAD~1/revert")
    ask("PATCH", "/user/charlotte", {"name": "carol"})
    address = ask("GET", "/gateway/gw.alice.example.org").json()["address"]
    ask("GET", f"/address/{address}")
    ask("GET", f"/address/{address}", headers={"If-None-Match": "*"})


def play_confirmations(ask):
    ask("POST", "/signers", {"name": "kept", "key": KEY})
    ask("POST", f"/confirm/{ZEROS}")
    ask("DELETE", f"/confirm/{ZEROS}")
    for method in ("POST", "DELETE"):
        waits = ask("PATCH", "/user/carol", {"enabled": method == "DELETE"}, headers={"Confirm-Within": "60"})
        ask("GET", "/state")
        ask("POST", f"/confirm/{ZEROS}")
        ask("DELETE", f"/confirm/{ZEROS}")
        play_while_something_waits(ask)
        ask(method, f"/confirm/{waits.headers['X-Commit']}?dry_run=1")
        ask(method, f"/confirm/{waits.headers['X-Commit']}")
    ask("DELETE", "/signer/kept")


def play_while_something_waits(ask):
    ask("POST", "/users", {"name": "late"})
    ask("PATCH", "/user/alice", {"enabled": True, "name": "alicia"})
    ask("PATCH", "/gateway/gw.alice.example.org", {"inbound": "deny", "allow": []})
    ask("DELETE", "/user/alice?cascade=1", headers={"Confirm-Within": "60"})
    ask("DELETE", "/gateway/gw.alice.example.org", headers={"Confirm-Within": "60"})
    ask("DELETE", "/signer/kept", headers={"Confirm-Within": "60"})


def play_pushes(ask, folder):
    """A commit as git receive-pack leaves it: there, and on no branch."""
    git = ask.service.git
    old = git("rev-parse", "main").strip()
    clone = os.path.join(folder, "clone")
    subprocess.run(["git", "clone", "-q", ask.service.repository, clone], check=True)
    path = next(line for line in git("ls-tree", "-r", "--name-only", "main", "users").splitlines() if line.endswith("user.json"))
    with open(os.path.join(clone, path), "r+", encoding="utf-8") as file:
        user = {**json.load(file), "enabled": False}
        file.seek(0)
        file.truncate()
        file.write(json.dumps(user, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
    subprocess.run(["git", "-C", clone, "-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-qam", "off"], check=True)
    subprocess.run(["git", "-C", ask.service.repository, "fetch", "-q", clone, "HEAD"], check=True)
    new = subprocess.run(["git", "-C", clone, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    push = {"old": old, "new": new, "actor": "x", "pusher": "x"}
    ask("POST", "/push", {**push, "new": "1" * 40})
    ask("POST", "/push", {**push, "new": old})
    ask("POST", "/push", push)
    ask("POST", "/push", push)


def play_replays(ask):
    """The first answer again; for an object that is gone meanwhile, its name."""
    ask("POST", "/users", {"name": "dora"}, headers={"Idempotency-Key": "dora"})
    ask("POST", "/gateways", {"name": "gw.dora.example.org", "user": "dora"}, headers={"Idempotency-Key": "gw"})
    ask("DELETE", "/user/dora?cascade=1")
    ask("POST", "/users", {"name": "dora"}, headers={"Idempotency-Key": "dora"})
    ask("POST", "/gateways", {"name": "gw.dora.example.org", "user": "dora"}, headers={"Idempotency-Key": "gw"})


def play_access(ask):
    """Tokens that may less, one that has expired, signers."""
    ask("POST", "/users", {"name": "tess"})
    ask("POST", "/gateways", {"name": "gw.tess.example.org", "user": "tess"})
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=1)
    bodies = [{"name": "little", "role": "gateway", "gateway": "gw.tess.example.org"},
              {"name": "short", "role": "operator", "user": "tess", "expires": soon.strftime("%Y-%m-%dT%H:%M:%SZ")}]
    secrets = [ask("POST", "/tokens", body, headers={"Idempotency-Key": body["name"]}).json()["token"] for body in bodies]
    ask("POST", "/tokens", bodies[0])
    ask("POST", "/tokens", {"name": "lost", "role": "operator", "user": "nobody"})
    ask("GET", "/tokens")
    for name, method in (("little", "GET"), ("nobody", "DELETE")):
        ask(method, "/users", headers={"Authorization": f"Bearer {secrets[0]}"})
        ask("DELETE", f"/token/{name}?dry_run=1")
        ask("DELETE", f"/token/{name}")
    time.sleep(2)
    ask("GET", "/users", headers={"Authorization": f"Bearer {secrets[1]}"})
    ask("POST", "/signers", {"name": "alice", "key": KEY}, headers={"Idempotency-Key": "signer"})
    ask("POST", "/signers", {"name": "alice", "key": KEY})
    ask("GET", "/signers")
    ask("DELETE", "/signer/alice?dry_run=1")
    ask("DELETE", "/signer/alice")


def play_settings(ask):
    ask("GET", "/server")
    ask("PATCH", "/server", {"extra": ["mute 20"]})
    ask("PATCH", "/server", {"name": "another.example.org"})
    ask("PATCH", "/network", {"policy": {"validity": "900d"}})
    ask("PATCH", "/network", {"prefix": "2001:db9::/48"})
    ask("PATCH", "/network", {"reserved": {"never": ["00", "01", ask("GET", "/user/carol").json()["id"]]}})
    ask("POST", "/server/restart")
    ask("GET", "/gateways?status=1")
    ask("GET", "/metrics")
    with ask.service.ask("GET", "/events", stream=True) as answer:
        ask.note("GET", "/events", answer)


def play_bad_tokens(ask):
    """More of them in a minute than are looked at."""
    for number in range(40):
        ask("GET", "/users", headers={"Authorization": f"Bearer {number}"})


def play_the_rest(ask):
    for path in ("/network", "/ca.crt", "/crl.pem", "/state", "/render", "/healthz", "/readyz", "/openapi.json"):
        ask("GET", path)
    ask("POST", "/render")
    ask("GET", "/nothing")
    ask("PUT", "/users", {})
    ask("GET", "/user/%ff")
    ask("GET", "/users?reason=%ff")
    ask("GET", "/users", headers={"X-Request-Id": "a b"})
    ask("POST", "/users", headers={"Content-Type": "application/json"})
    ask("POST", "/users", data="{", headers={"Content-Type": "application/json"})


EXAMPLES = {"name": "carol", "fqdn": "gw.alice.example.org", "id": "HEAD", "commit": ZEROS, "ipv6": "2001:db8::1",
            "secret": "0" * 32, "file": "console.css"}
NOBODY = {"name": "nobody", "fqdn": "nobody.example.org", "id": ZEROS, "commit": ZEROS, "ipv6": "2001:db8:0:fff0::1",
          "secret": "0" * 32, "file": "nothing.css"}
BODIES = {
    "createUser": {"name": "eve"}, "updateUser": {"enabled": True}, "updateGateway": {"enabled": True},
    "createGateway": {"name": "eve.example.org", "user": "alice"}, "rollback": {"to": "HEAD~1"},
    "batch": {"changes": [{"op": "user.create", "name": "eve"}]},
    "renewGateway": {"force": True, "reason": "x"},
    "createToken": {"name": "eve", "role": "auditor"}, "createSigner": {"name": "eve", "key": KEY},
    "acceptPush": {"old": ZEROS, "new": ZEROS, "actor": "x", "pusher": "x"},
}


def play_what_all_have(ask, method, path, operation):
    """Statuses that come of the way in, before the operation itself."""
    target = path.format(**EXAMPLES)
    name = operation["operationId"]
    body = BODIES.get(name, {} if operation.get("requestBody") else None)
    parameters = {p["name"]: p for p in document().parameters(path, operation)}
    ask(method, f"{target}?no_such=1", body)
    ask(method, target, body, headers={"Authorization": "Bearer wrong"})
    ask.note(method, target, requests.request(method, ask.service.url(target), timeout=60))
    if "{" in path:
        ask(method, path.format(**NOBODY), body)
    if "at" in parameters:
        ask(method, f"{target}?at=0123456789")
    if "dry_run" in parameters:
        ask(method, f"{target}?dry_run=1", body)
    if "Idempotency-Key" in parameters:
        ask(method, target, body, headers={"Idempotency-Key": "alice"})
    if "If-Match" in parameters:
        ask(method, target, body, headers={"If-Match": '"0"'})
    if "If-None-Match" in parameters:
        ask(method, target, headers={"If-None-Match": "*"})
    if operation.get("requestBody"):
        ask(method, target, {"x": "x" * (2 << 20)})
        ask(method, target, body, headers={"Content-Type": "text/plain"})
    else:
        ask(method, target, {})


def play_hooks(folder):
    """Where a hook fails, what was done is not deployed."""
    service = Service(folder)
    hook = os.path.join(service.repository, "hooks", "post-commit.d", "fail")
    os.makedirs(os.path.dirname(hook), exist_ok=True)
    with open(hook, "w", encoding="ascii") as file:
        file.write("#!/bin/sh\nexit 1\n")
    os.chmod(hook, 0o755)
    ask = Seen(service.start(hooks=True))
    try:
        ask("POST", "/users", {"name": "alice"}, headers={"Idempotency-Key": "x"})
        ask("POST", "/gateways", {"name": "gw.alice.example.org", "user": "alice"})
        ask("DELETE", "/user/alice?cascade=1")
        ask("POST", "/users", {"name": "alice"}, headers={"Idempotency-Key": "x"})
        ask("POST", "/batch", {"changes": [{"op": "user.create", "name": "bob"}]})
        answer = ask("DELETE", "/user/bob")
        assert answer.headers["Deployed"] == "false" and answer.headers["Warning-Detail"]
    finally:
        service.stop()
    return ask


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    service = Service(str(tmp_path_factory.mktemp("promised"))).start()
    ask = Seen(service)
    try:
        play_users(ask)
        play_gateways(ask)
        play_batches(ask)
        play_history(ask)
        play_confirmations(ask)
        play_replays(ask)
        play_access(ask)
        play_settings(ask)
        for entry in document().operations():
            play_what_all_have(ask, *entry)
        play_the_rest(ask)
        play_pushes(ask, str(tmp_path_factory.mktemp("clone")))
        play_bad_tokens(ask)
    finally:
        assert service.stop() == 0, service.read_log()
    late = play_hooks(str(tmp_path_factory.mktemp("hooks")))
    ask.members |= late.members
    return ask


def is_elsewhere(status, response):
    """Can this answer be had of a sound service?"""
    codes = document().codes_of(document().resolve(response))
    return status in OF_A_BROKEN_SERVICE or (codes and codes <= set(CODES_ELSEWHERE))


def test_every_status(seen):
    promised = {(operation["operationId"], status) for _, _, operation in document().operations()
                for status, response in operation["responses"].items() if not is_elsewhere(status, response)}
    promised = {(name, status) for name, status in promised if status not in OF_THE_WAY_IN}
    assert OF_THE_WAY_IN <= {status for _, status in seen.statuses}
    assert promised - seen.statuses - STATUSES_ELSEWHERE == set()


def test_every_member(seen):
    assert promised_members() - seen.members - MEMBERS_ELSEWHERE == set()


def test_every_code(seen):
    broken = {code for code, status in document().codes.items() if str(status) in OF_A_BROKEN_SERVICE}
    promised = set(document().codes) - broken - set(CODES_ELSEWHERE)
    assert promised - seen.codes == set()


def test_a_link_needs_a_url(tmp_path):
    """A service with a unix socket alone cannot say where a link leads."""
    service = Service(str(tmp_path))
    service.process = subprocess.Popen([BINARY, "serve", "--data", service.data, "--hooks", "none", "--listen",
                                        f"unix:{service.socket}"], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while not os.path.exists(service.socket) and time.monotonic() < deadline:
            time.sleep(0.05)
        answer = service.raw(f"POST /gateway/a/link HTTP/1.1\r\nAuthorization: Bearer {service.token}\r\n\r\n".encode())
        assert answer.startswith(b"HTTP/1.1 409 ") and b'"code":"no_public_url"' in answer
    finally:
        assert service.stop() == 0


def test_an_answer_that_is_not_told_of_fails(service):
    """The check can fail: a member, a status, a type, a code that the document doesn't know."""
    answer = service.get("/state")
    for content in ({**answer.json(), "surplus": 1}, {"head": answer.json()["head"]}, []):
        answer._content = json.dumps(content).encode()  # pylint: disable=protected-access
        with pytest.raises(AssertionError):
            document().check("GET", "/state", answer)
    answer = service.get("/user/nobody")
    for change in ({"code": "name_taken"}, {"code": "unheard_of"}, {"status": "404"}):
        answer._content = json.dumps({**answer.json(), **change}).encode()  # pylint: disable=protected-access
        with pytest.raises((AssertionError, jsonschema.ValidationError)):
            document().check("GET", "/user/nobody", answer)
