"""Every file that VPNUnit commits is what state/schema says; and the schemas say enough to refuse what is not."""
import json
import os
import re

import jsonschema
import pytest

from service import ROOT

SCHEMAS = os.path.join(ROOT, "state", "schema")
SERIAL = r"[0-9]{4}-[0-9]{2}/[0-9a-f]/[0-9a-f]/[0-9a-f]/[0-9a-f]{32}\.json"
KINDS = {  # which schema a path has
    "network": r"network\.json",
    "server": r"servers/main\.json",
    "user": r"users/[0-9a-f]/[0-9a-f]/user\.json",
    "gateway": r"users/[0-9a-f]/[0-9a-f]/gateways/[0-9a-f]\.json",
    "certificate": "ledger/certificates/" + SERIAL,
    "supersession": "ledger/superseded/" + SERIAL,
    "revocation": "ledger/revocations/" + SERIAL,
    "adoption": r"ledger/adopted/[0-9a-f]{32}\.json",
    "id": r"ledger/ids/[0-9a-f]/[0-9a-f](/[0-9a-f])?\.json",
    "pending": r"pending\.json",
    "token": r"access/tokens/[a-z0-9][a-z0-9._-]*\.json",
    "signer": r"access/signers/[a-z0-9][a-z0-9._-]*\.json",
    "token_removal": r"ledger/tokens/[0-9a-f]{64}\.json",
    "release": r"ledger/ids/[0-9a-f]/[0-9a-f](/[0-9a-f])?/released/[0-9]+\.json",
}


def schema(kind):
    with open(os.path.join(SCHEMAS, kind + ".json"), encoding="utf-8") as file:
        return json.load(file)


def validator(kind):
    return jsonschema.Draft202012Validator(schema(kind))


def kind_of(path):
    kinds = [kind for kind, pattern in KINDS.items() if re.fullmatch(pattern, path)]
    assert len(kinds) == 1, path
    return kinds[0]


def test_schemas_are_schemas():
    assert sorted(os.listdir(SCHEMAS)) == sorted(kind + ".json" for kind in KINDS)
    for kind in KINDS:
        jsonschema.Draft202012Validator.check_schema(schema(kind))


@pytest.fixture(scope="module")
def files(service):
    """The JSON files of HEAD after a life that writes every kind of them."""
    service.user("left")
    assert service.ask("DELETE", "/user/left").status_code == 204
    service.user("joe")
    service.gateway("lost.example.org", "joe")
    service.stop()
    service.git("update-ref", "refs/heads/main", "main~1")
    service.run("restore", "--accept-loss")
    service.start()
    service.gateway("a.example.org", "joe")
    for token in ({"role": "operator", "user": "joe"}, {"role": "gateway", "gateway": "a.example.org"},
                  {"role": "admin", "expires": "2036-01-01T00:00:00Z"}):
        assert service.post("/tokens", {"name": f"the-{token['role']}", **token}).status_code == 201
    assert service.delete("/token/the-admin").status_code == 204
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl joe"
    assert service.post("/signers", {"name": "joe", "key": key}).status_code == 201
    service.gateway("b.example.org", "joe")
    assert service.patch("/gateway/a.example.org", {"allow": [
        "tcp/22", "udp/5000-5010", {"proto": "udp", "ports": "53", "to": "1::80", "from": "vpn"},
        {"proto": "tcp", "ports": "80", "to": "1::/64", "from": "user:joe"},
        {"proto": "tcp", "ports": "443", "from": "2001:db8::/32"}]}).status_code == 200
    assert service.post("/gateway/a.example.org/renew", {"force": True, "reason": "test"}).status_code == 201
    assert service.ask("DELETE", "/gateway/b.example.org").status_code == 204
    assert service.post("/gateway/a.example.org/renew", {"force": True, "reason": "test"},
                        headers={"Confirm-Within": "86400"}).status_code == 201
    paths = service.run("git", "ls-tree", "-r", "--name-only", "HEAD").stdout.split()
    return {path: json.loads(service.run("git", "show", "HEAD:" + path).stdout)
            for path in paths if path.endswith(".json")}


def test_every_file_is_valid(files):
    for path, content in files.items():
        validator(kind_of(path)).validate(content)
    assert {kind_of(path) for path in files} == set(KINDS)


def test_no_other_kind_of_file(service, files):
    paths = service.run("git", "ls-tree", "-r", "--name-only", "HEAD").stdout.split()
    assert set(paths) - set(files) == {"format"}


def test_init_is_valid_but_for_its_master_key():
    for kind, path in (("network", "network.json"), ("server", "servers/main.json")):
        with open(os.path.join(ROOT, "state", "init", path), encoding="utf-8") as file:
            errors = list(validator(kind).iter_errors(json.load(file)))
        assert [list(error.path) for error in errors] == ([["master_key"]] if kind == "network" else [])


OPTIONAL = {"dns", "restart"}  # settings of later versions than the first


def spoilt(value):
    """The same with one member missing, added, or of another type."""
    if isinstance(value, dict):
        yield {**value, "surplus": 1}
        for key, member in value.items():
            if key not in OPTIONAL:
                yield {k: v for k, v in value.items() if k != key}
            for other in (*spoilt(member), None):
                yield {**value, key: other}
    elif isinstance(value, str):
        yield 7
        yield value + " "
    else:
        yield "x"


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"gateway"}))
def test_spoilt_files_are_not(files, kind):
    content = next(content for path, content in files.items() if kind_of(path) == kind)
    free = {"certificate": {"name"}, "network": {"name"}, "revocation": {"by"}, "adoption": {"by"},
            "token_removal": {"by"}}.get(kind, set())  # any text
    for bad in spoilt({key: value for key, value in content.items() if key not in free}):
        bad = {**{key: content[key] for key in free}, **bad}
        assert not validator(kind).is_valid(bad), bad


def test_spoilt_gateway_is_not(files):
    content = next(content for path, content in files.items() if kind_of(path) == "gateway" and content["allow"])
    rest = {key: value for key, value in content.items() if key != "allow"}
    for bad in spoilt(rest):
        assert not validator("gateway").is_valid({"allow": [], **bad}), bad
    for rule in ("tcp", "tcp/0", "icmp/1", "tcp/1-", {"proto": "tcp"}, {"proto": "tcp", "ports": 80},
                 {"proto": "tcp", "ports": "80", "from": "user:"}, {"proto": "tcp", "ports": "80", "to": "x"},
                 {"proto": "tcp", "ports": "80", "surplus": 1}, 22, None):
        assert not validator("gateway").is_valid({**rest, "allow": [rule]}), rule
