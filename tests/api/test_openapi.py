"""The document and the code say the same, both ways: routes, parameters, members of bodies, problem codes.

What is compared comes out of the sources and out of a running service; the answers' side, where every test
looks at every answer (document.py), is completed by test_openapi_answers.py.
"""
import os
import re

import pytest
import requests

from document import PATH, ROOT, document

# Only commands and a start end in these; no answer of the API carries them.
OF_COMMANDS = {
    "bad_answer", "bad_certificate", "bad_crl", "bad_id", "bad_master_key", "bad_paper", "bad_pkt", "bad_plan",
    "bad_signature", "bad_tls_certificate", "cleartext", "exists", "incomplete_state", "index", "initialised",
    "ledger_changed", "listen_failed", "master_key_exists", "newer_format", "no_ca", "no_generation",
    "no_master_key", "no_server_certificate", "no_state", "not_a_file", "not_confirmed", "not_initialised",
    "not_installed", "not_listening", "nothing_to_restore", "old_state", "other_key", "refused", "render",
    "stale_rows", "too_large", "usage", "verify", "wrong_master_key", "wrong_owner",
}
NOBODY = {"name": "nobody", "fqdn": "nobody.example.org", "id": "HEAD~999", "commit": "0" * 40, "ipv6": "::1",
          "secret": "0" * 32, "file": "console.css"}


def source(*names):
    with open(os.path.join(ROOT, *names), encoding="utf-8") as file:
        return file.read()


def sources(folder="src"):
    for top, _, names in os.walk(os.path.join(ROOT, folder)):
        for name in sorted(names):
            if name.endswith(".c"):
                yield source(top, name)


def words():
    """Every word that a handler could take as a parameter or a member: the literals of the code, the document's own."""
    texts = [*sources("src/api"), source("src", "model", "parse_network.c")]  # settings are the files' own members
    found = {word for text in texts for word in re.findall(r'"([a-z][a-z_]*)"', text)}
    for _, path, operation in document().operations():
        found |= {parameter["name"] for parameter in document().parameters(path, operation) if parameter["in"] == "query"}
    return sorted(found)


def routes():
    """The table of src/api/routes.c: (METHOD, pattern) to its flags."""
    rows = re.findall(r'{ "([A-Z]+)", "([^"]*)", ([\w |]+), \w+ }', source("src", "api", "routes.c"))
    return {(method, pattern): flags for method, pattern, flags in rows}


def test_routes():
    documented = {(method, re.sub("{[^}]*}", "{}", path)): operation for method, path, operation in document().operations()}
    table = routes()
    assert set(table) == set(documented)
    for key, flags in table.items():
        operation = documented[key]
        assert ("HTTP_PUBLIC" in flags) == (operation.get("security") == []), key
        body = operation.get("requestBody")
        assert ("HTTP_BODY" in flags) == (body is not None), key
        assert body is None or body["required"] == ("HTTP_BODY_OPTIONAL" not in flags), key


def test_readme_names_every_route():
    table = re.search(r"^## The API\n.*?^\|---.*?\n(.*?)\n\n", source("README.md"), re.M | re.S).group(1)
    named = {re.sub("{[^}]*}", "{}", path) for row in table.splitlines() for path in re.findall(r"(/[\w./{}]*)", row.split("|")[1])}
    documented = {re.sub("{[^}]*}", "{}", path) for path in document().tree["paths"]}
    parts_of_pages = {path for path in documented if re.search(r"\.(css|js|svg)$", path)}
    assert documented - parts_of_pages == named


def test_problem_codes():
    """Words that job_fail and job_fail_at are called with, and those that are passed through a variable."""
    found = set()
    for text in sources():
        found |= set(re.findall(r"job_fail(?:_at)?\([^;]*?\bE_[A-Z_]+,\s*\"([a-z_]+)\"", text))
        found |= set(re.findall(r"\?\s*\"(disk_full)\" : \"(?:io)\"", text))
    found |= {"io", "invalid"}  # job_fail_errno and job_fail_field
    assert found - OF_COMMANDS == set(document().codes)


def test_every_operation_is_told_apart():
    ids = [operation["operationId"] for _, _, operation in document().operations()]
    assert len(ids) == len(set(ids))
    for _, path, operation in document().operations():
        in_path = {p["name"] for p in document().parameters(path, operation) if p["in"] == "path"}
        assert in_path == set(re.findall("{(.*?)}", path)), path


class Probe:
    """Asks a service which words it knows, one at a time."""

    def __init__(self, service):
        self.service = service
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {service.token}"

    def refuses(self, method, path, field, detail, **options):
        """Is the answer that this field is unknown?"""
        with self.session.request(method, self.service.url(path), timeout=30, stream=True, **options) as answer:
            if answer.status_code != 400:
                return False
            errors = answer.json().get("errors", [])
            return any(error["field"] == field and error["detail"].startswith(detail) for error in errors)


@pytest.fixture(scope="module")
def probe(service):
    return Probe(service)


OPERATIONS = [pytest.param(*entry, id=entry[2]["operationId"]) for entry in document().operations()]


@pytest.mark.parametrize("method, path, operation", OPERATIONS)
def test_query_parameters(probe, method, path, operation):
    target = path.format(**NOBODY)
    body = {} if operation.get("requestBody") else None
    known = {word for word in words()
             if not probe.refuses(method, f"{target}?{word}=x", word, "no such query parameter", json=body)}
    assert known == {p["name"] for p in document().parameters(path, operation) if p["in"] == "query"}


@pytest.mark.parametrize("method, path, operation", [entry for entry in OPERATIONS if entry.values[2].get("requestBody")])
def test_members_of_bodies(probe, method, path, operation):
    target = path.format(**NOBODY)
    known = {word for word in words() if not probe.refuses(method, target, word, "unknown field", json={word: 0})}
    assert known == set(document().resolve(document().body_schema(operation))["properties"])


def test_members_of_a_batch(probe):
    schemas = document().tree["components"]["schemas"]
    assert [variant["properties"]["op"]["const"] for variant in schemas["Change"]["oneOf"]] == re.findall(
        r'{ "([a-z.]+)", CHANGE_', source("src", "api", "batch.c"))
    for variant in schemas["Change"]["oneOf"]:
        op = variant["properties"]["op"]["const"]
        entry = {"op": op, "name": NOBODY["fqdn" if op.startswith("gateway") else "name"]}
        known = {word for word in words() if word not in entry and not probe.refuses(
            "POST", "/batch", f"changes/0/{word}", "unknown field", json={"changes": [{**entry, word: 0}]})}
        assert known | set(entry) == set(variant["properties"]), op


def test_it_is_served_as_it_is(service):
    with open(PATH, "rb") as file:
        assert requests.get(service.url("/openapi.json"), timeout=10).content == file.read()


def test_the_page_needs_nobody_else(service):
    """Nothing from another host, nothing inline, and a policy that says so."""
    page = requests.get(service.url("/docs"), timeout=10)
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
    loaded = re.findall(r'(?:src|href)="([^"]*)"', page.text)
    assert "/docs/docs.js" in loaded and "/docs/docs.css" in loaded
    for target in loaded:
        assert target.startswith(("/", "data:")), target
        if target.startswith("/"):
            answer = requests.get(service.url(target), timeout=10)
            assert answer.status_code == 200 and "://" not in answer.text
    assert not re.search(r"<script>|<style|\son\w+=|style=", page.text)
