"""Random requests of every route of the OpenAPI document, right ones and wrong ones, against one real service.

Nothing answers 5xx but what the document tells (503, 507), nothing hangs, every answer is what the document says,
and a body that its schema doesn't take is refused.  VPNUNIT_SEED and VPNUNIT_REQUESTS play the same again, or more.
"""
import json
import os
import random
import time
import urllib.parse

import pytest
import requests

from document import document
from generate import ODD, Maker, bodies_of
from service import Service

SEED = int(os.environ.get("VPNUNIT_SEED", "1"))
REQUESTS = int(os.environ.get("VPNUNIT_REQUESTS", "1500"))
PATIENCE = 20
USERS = ["alice", "bob", "carol", "Alice"]
GATEWAYS = [f"{name}.example.org" for name in ("gw", "gw.alice", "GW.alice", "phone.bob", "nothing")]
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG" + "G" * 42
WORDS = {
    "name": USERS + GATEWAYS, "key": [KEY], "user": USERS, "new_name": USERS, "fqdn": GATEWAYS, "gateway": GATEWAYS,
    "id": ["0", "3", "f", "02", "03", "1f", "ff", "HEAD", "HEAD~1"],
    "at": ["HEAD", "HEAD~1", "HEAD~3", "HEAD~999", "2026-01-01", "2999-01-01"], "to": ["HEAD", "HEAD~1", "HEAD~2", "HEAD~5", "1999-01-01"],
    "ipv6": ["2001:db8:0:300::1", "2001:db8:0:310::1", "2001:db8:0:3ff::", "2001:db8::1", "::", "fe80::1"],
    "address": ["2001:db8:0:300::1", "2001:db8::/48", "::/0"],
    "only": ["user:alice", "user:bob", "gateway:gw.example.org", "gateway:nothing"],
    "since": ["2026-01-01", "2026-01-01T00:00:00Z"], "until": ["2999-01-01"],
    "Idempotency-Key": ["k1", "k2", "k3"], "Confirm-Within": [30, 86400],
}


class Fuzz:
    def __init__(self, service, seed):
        self.service = service
        self.rng = random.Random(seed)
        self.maker = Maker(self.rng, self.world)
        self.session = requests.Session()
        self.operations = [entry for entry in document().operations() if entry[2]["operationId"] not in WAITS]
        self.weights = [1 if entry[0] != "GET" else 0.1 if entry[2].get("security") == [] else 0.4 for entry in self.operations]
        self.commits, self.links = [], []
        self.pending = None
        self.statuses = {}
        self.tokens = [service.token]

    def world(self, name):
        if name in ("commit", "id", "at", "to", "old", "new") and self.commits and self.rng.random() < 0.4:
            return self.rng.choice(self.commits[-20:])
        if name == "reason":
            return self.rng.choice(["because", "ein Grund: größer", "x" * 500])
        if name == "secret" and self.links:
            return self.links.pop()
        return self.rng.choice(WORDS[name]) if WORDS.get(name) else None

    def begin(self):
        """Something to work on, and tokens that may do less."""
        for name in ("alice", "bob"):
            self.service.user(name)
        self.service.gateway("gw.example.org", "alice")
        for role in ("auditor", "operator"):
            answer = self.service.post("/tokens", {"name": role, "role": role})
            assert answer.status_code == 201, answer.text
            self.tokens.append(answer.json()["token"])

    def parameters(self, path, operation, is_right):
        """(path, query, headers) with a value for what is required and some of the rest."""
        query, headers = [], {}
        for parameter in document().parameters(path, operation):
            place, name = parameter["in"], parameter["name"]
            if place != "path" and self.rng.random() > 0.2:
                continue
            if name == "Confirm-Within" and self.rng.random() > 0.3:
                continue
            value = str(self.maker.value(parameter["schema"], name))
            if not is_right and self.rng.random() < 0.3:
                value = self.rng.choice(ODD)
            if place == "path":
                path = path.replace("{%s}" % name, urllib.parse.quote(value, safe="~:"))
            elif place == "query":
                query.append((name, value))
            else:
                headers[name] = "".join(c for c in value if " " <= c <= "~").strip()
        if not is_right and self.rng.random() < 0.2:
            query.append(self.rng.choice([("x", "1"), ("limit", "-1"), ("reason", "\n")] + query))
        return path, urllib.parse.urlencode(query), headers

    def body(self, operation, is_right):
        """(text, whether the schema takes it); None: none is sent."""
        schema = document().body_schema(operation)
        if schema is None:
            return None if is_right or self.rng.random() < 0.8 else "{}", True
        if not document().resolve(operation["requestBody"])["required"] and self.rng.random() < 0.3:
            return None, True
        value = self.maker.value(schema)
        if not is_right:
            value = self.maker.broken(value)
        text = json.dumps(value)
        if not is_right and self.rng.random() < 0.1:
            return self.rng.choice(bodies_of(text)), None
        return text, document().validator(schema).is_valid(value)

    def step(self):
        method, path, operation = self.rng.choices(self.operations, self.weights)[0]
        if self.pending and self.rng.random() < 0.3:
            self.settle()
        wrong = self.rng.choice(["nothing", "nothing", "parameters", "body"])
        target, query, headers = self.parameters(path, operation, wrong != "parameters")
        text, is_taken = self.body(operation, wrong != "body")
        headers["Authorization"] = "Bearer " + (self.tokens[0] if self.rng.random() < 0.85 else self.rng.choice(self.tokens))
        if text is not None:
            headers["Content-Type"] = "application/json" if wrong == "nothing" or self.rng.random() < 0.95 else "text/plain"
        answer = self.send(method, target + ("?" + query if query else ""), text, headers)
        if is_taken is False:
            assert answer.status_code >= 400, f"taken, although its schema is against it: {method} {target} {text[:1000]}"
        self.learn(headers, answer)

    def send(self, method, target, text, headers):
        """One request as bytes; its answer is what the document tells."""
        began = time.monotonic()
        request = requests.Request(method, self.service.url("/"), headers=headers, data=text.encode("utf-8", "surrogatepass") if text else text)
        prepared = self.session.prepare_request(request)
        prepared.url = self.service.url(target)  # as it is: requests would tidy it up
        answer = self.session.send(prepared, timeout=PATIENCE)
        assert time.monotonic() - began < PATIENCE
        assert answer.status_code < 500 or answer.status_code in (503, 507), f"{method} {target}: {answer.text[:1000]}"
        document().check(method, target, answer)
        key = (method, document().find_path(target), answer.status_code)
        self.statuses[key] = self.statuses.get(key, 0) + 1
        return answer

    def learn(self, headers, answer):
        commit = answer.headers.get("X-Commit")
        if answer.status_code in (200, 201) and commit and commit not in self.commits:
            self.commits.append(commit)
        if answer.status_code == 201 and "/link" in answer.request.url:
            self.links.append(answer.json()["url"].rsplit("/", 1)[1])
        if answer.status_code in (200, 201, 204) and "Confirm-Within" in headers and answer.request.method != "GET" and \
                "dry_run=1" not in answer.request.url:
            self.pending = commit

    def settle(self):
        """Keep or undo what waits, so that others get their turn."""
        method = self.rng.choice(["POST", "DELETE"])
        answer = self.send(method, f"/confirm/{self.pending}", None, {"Authorization": f"Bearer {self.tokens[0]}"})
        assert answer.status_code in (200, 404, 409), answer.text
        self.pending = None


# Their answers have no end, or end what others ask for; they have tests of their own.
WAITS = {"listenToEvents", "restartServer"}


@pytest.fixture
def service(tmp_path):
    running = Service(str(tmp_path)).start()
    yield running
    running.stop()


def test_every_route(service):
    fuzz = Fuzz(service, SEED)
    fuzz.begin()
    for number in range(REQUESTS):
        try:
            fuzz.step()
        except Exception as error:
            raise AssertionError(f"request {number} of VPNUNIT_SEED={SEED}") from error
    asked = {(method, path) for method, path, _ in fuzz.statuses}
    assert asked >= {(method, path) for method, path, _ in fuzz.operations}
    done = {(method, path) for (method, path, status) in fuzz.statuses if status in (201, 204)}
    assert {("POST", "/users"), ("POST", "/gateways"), ("DELETE", "/gateway/{fqdn}")} <= done
    assert service.get("/render").json() == {"differences": []}
    assert service.get("/state").json()["head"] == service.head()
    service.git("fsck", "--strict")
    assert service.stop() == 0, service.read_log()
    assert service.run("verify").returncode == 0
