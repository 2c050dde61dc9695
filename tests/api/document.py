"""The OpenAPI document, and whether an answer is what it says: route, status, type, headers, fields, codes.

Schemas are taken strictly here: a member that no schema names is an error, although a client should bear it.
"""
import functools
import json
import os
import re

import jsonschema

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PATH = os.path.join(ROOT, "templates", "openapi.json")
METHODS = ("get", "post", "put", "patch", "delete")
ROWS = 20  # of a long list only so many are looked at


def strict(schema, inside_all_of=False):
    """A schema that refuses members it doesn't name; those of an allOf together.

    A reference inside an allOf leads to the open twin of its schema (`open-NAME`)."""
    if isinstance(schema, list):
        return [strict(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    out = {}
    for key, value in schema.items():
        if key == "allOf":
            out[key] = [strict(entry, True) for entry in value]
        elif key == "properties":
            out[key] = {name: strict(entry) for name, entry in value.items()}
        elif key == "$ref":
            name = value.rsplit("/", 1)[1]
            out[key] = f"#/$defs/{'open-' if inside_all_of else ''}{name}"
        else:
            out[key] = strict(value) if key in ("items", "anyOf", "oneOf") else value
    if ("properties" in out or "allOf" in out) and not inside_all_of:
        out.setdefault("unevaluatedProperties", False)
    return out


class Document:
    def __init__(self, path=PATH):
        with open(path, encoding="utf-8") as file:
            self.tree = json.load(file)
        schemas = self.tree["components"]["schemas"]
        self.definitions = {name: strict(schema) for name, schema in schemas.items()}
        self.definitions.update({f"open-{name}": strict(schema, True) for name, schema in schemas.items()})
        self.codes = {entry["const"]: int(entry["description"].split(":")[0]) for entry in schemas["Code"]["oneOf"]}
        self.routes = [(re.compile(re.sub(r"{[^}]*}", "[^/]+", re.escape(path).replace(r"\{", "{").replace(r"\}", "}"))), path)
                       for path in self.tree["paths"]]
        self.routes.sort(key=lambda route: route[1].count("{"))  # what says more comes first

    def resolve(self, value):
        while "$ref" in value:
            at = self.tree
            for key in value["$ref"][2:].split("/"):
                at = at[key.replace("~1", "/").replace("~0", "~")]
            value = at
        return value

    def operations(self):
        """Each as (METHOD, path, operation)."""
        for path, item in self.tree["paths"].items():
            for method in METHODS:
                if method in item:
                    yield method.upper(), path, item[method]

    def find_path(self, path):
        path = path.split("?")[0]
        return next((template for pattern, template in self.routes if pattern.fullmatch(path)), None)

    def parameters(self, path, operation):
        given = self.tree["paths"][path].get("parameters", []) + operation.get("parameters", [])
        return [self.resolve(parameter) for parameter in given]

    def body_schema(self, operation):
        """Of the request; None: it takes no body."""
        body = operation.get("requestBody")
        return self.resolve(body)["content"]["application/json"]["schema"] if body else None

    @functools.cache
    def _validator(self, text):
        return jsonschema.Draft202012Validator({**strict(json.loads(text)), "$defs": self.definitions})

    def validator(self, schema):
        return self._validator(json.dumps(schema))

    def check(self, method, path, answer):
        """Fail on an answer (of requests) that the document doesn't tell of."""
        template = self.find_path(path)
        item = self.tree["paths"].get(template, {})
        operation = item.get("get" if method == "HEAD" else method.lower())
        where = f"{method} {path}: {answer.status_code}"
        if operation is None:
            # A path with dots and escapes is looked at as it was sent.
            assert answer.status_code in (400, 401, 403, 404, 405, 429), f"{where}, and no such operation is documented"
            self.check_problem(where, answer)
            return
        response = operation["responses"].get(str(answer.status_code))
        assert response is not None, f"{where} is not documented: {answer.text[:500]}"
        response = self.resolve(response)
        self.check_headers(where, response, answer)
        if method != "HEAD":
            self.check_content(where, response, answer)

    def check_headers(self, where, response, answer):
        for name, header in response.get("headers", {}).items():
            header = self.resolve(header)
            value = answer.headers.get(name)
            if value is None:
                assert not header.get("required"), f"{where}: the header {name} is missing"
                continue
            if header["schema"].get("type") == "integer":
                value = int(value)
            self.validator(header["schema"]).validate(value)

    def check_content(self, where, response, answer):
        content = response.get("content", {})
        if not content:
            assert answer.content == b"", f"{where} has a body"
            return
        kind = answer.headers.get("Content-Type")
        assert kind in content, f"{where}: the type {kind} is not documented"
        if kind not in ("application/json", "application/problem+json"):
            return
        value = answer.json()
        if isinstance(value, list):
            value = value[:ROWS]
        error = jsonschema.exceptions.best_match(self.validator(content[kind]["schema"]).iter_errors(value))
        assert error is None, f"{where}: {error.json_path}: {error.message[:500]}"
        if kind == "application/problem+json":
            self.check_problem(where, answer, self.codes_of(response))

    def codes_of(self, response):
        """The problem codes that a response's description names; none: any of its status."""
        return set(re.findall(r"`(\w+)`", response["description"])) & set(self.codes)

    def check_problem(self, where, answer, named=()):
        """The code is known, of this status, and one of those that the response names."""
        if answer.request.method == "HEAD":
            return
        code = answer.json()["code"]
        assert self.codes.get(code) == answer.status_code, f"{where}: the code {code} is not documented with it"
        assert not named or code in named, f"{where}: {code} is none of {sorted(named)}"


@functools.cache
def document():
    return Document()
