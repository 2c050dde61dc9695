"""Requests out of the OpenAPI document: values that its schemas take, and values that they don't.

All chance comes from one random.Random, so that a seed gives the same requests again.
"""
import re
import string

try:
    from re import _parser as sre
except ImportError:
    import sre_parse as sre

from document import document

ODD = ["", " ", "\u0000", "a\nb", "\u007f", "é", "\u2028", "😀", "../..", "%00", "'", "\"", "\\", "{}", "$(id)", "a" * 70, "a" * 5000,
       "-1", "00", "NaN", "null", "user:", "2001:db8::/48", "2026-02-30T00:00:00Z"]
NUMBERS = [-1, 0, 1, 2, 29, 30, 65535, 65536, 1 << 31, 1 << 53, (1 << 63) + 1, 1.5]


class Pattern:
    """A string that a regular expression matches."""

    def __init__(self, rng):
        self.rng = rng

    def make(self, pattern):
        return "".join(self.parts(sre.parse(pattern)))

    def parts(self, parsed):
        for operation, argument in parsed:
            yield self.part(str(operation), argument)

    def part(self, operation, argument):
        if operation == "LITERAL":
            return chr(argument)
        if operation == "IN":
            return self.member(argument)
        if operation in ("MAX_REPEAT", "MIN_REPEAT"):
            low, high, inner = argument
            count = self.rng.randint(low, min(int(high), low + 6))
            return "".join("".join(self.parts(inner)) for _ in range(count))
        if operation == "SUBPATTERN":
            return "".join(self.parts(argument[-1]))
        if operation == "BRANCH":
            return "".join(self.parts(self.rng.choice(argument[1])))
        if operation == "ANY":
            return self.rng.choice(string.ascii_letters)
        return ""  # AT, and what stands between characters

    def member(self, choices):
        if str(choices[0][0]) == "NEGATE":
            excluded = {chr(c) for op, arg in choices[1:] for c in
                        (range(arg[0], arg[1] + 1) if str(op) == "RANGE" else [arg])}
            return self.rng.choice([c for c in string.printable[:95] if c not in excluded])
        operation, argument = self.rng.choice(choices)
        if str(operation) == "RANGE":
            return chr(self.rng.randint(argument[0], min(argument[1], argument[0] + 90)))
        return chr(argument)


class Maker:
    """Values for schemas; world: names that exist and that don't, by what a member is called."""

    def __init__(self, rng, world):
        self.rng = rng
        self.world = world
        self.pattern = Pattern(rng)

    def value(self, schema, name="", depth=0):
        """One that the schema takes."""
        schema = document().resolve(schema)
        known = self.world(name)
        if known and self.rng.random() < 0.9 and document().validator(schema).is_valid(known):
            return known
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self.rng.choice(schema["enum"])
        for key in ("oneOf", "anyOf"):
            if key in schema:
                return self.value(self.rng.choice(schema[key]), name, depth)
        kind = schema.get("type", "string")
        return getattr(self, kind if isinstance(kind, str) else self.rng.choice(kind))(schema, name, depth)

    def string(self, schema, name, _depth):
        examples = schema.get("examples")
        if examples and self.rng.random() < 0.7:
            return self.rng.choice(examples)
        if schema.get("format") == "ipv6":
            return self.world("ipv6")
        if "pattern" in schema and name != "reason":
            return self.pattern.make(schema["pattern"])[:schema.get("maxLength", 100)]
        return self.rng.choice(["x", "a word", "it's", "größer"])

    def integer(self, schema, _name, _depth):
        low = schema.get("minimum", 0)
        return self.rng.randint(low, min(schema.get("maximum", low + 100), low + 1000)) // schema.get("multipleOf", 1) * \
            schema.get("multipleOf", 1)

    def boolean(self, _schema, _name, _depth):
        return self.rng.random() < 0.5

    def null(self, _schema, _name, _depth):
        return None

    def array(self, schema, name, depth):
        low = schema.get("minItems", 0)
        return [self.value(schema.get("items", {}), name.removesuffix("s"), depth + 1)
                for _ in range(low + self.rng.choice([0, 0, 1, 3]))]

    def object(self, schema, _name, depth):
        required = schema.get("required", [])
        return {name: self.value(member, name, depth + 1) for name, member in schema.get("properties", {}).items()
                if name in required or self.rng.random() < 0.5}

    def odd(self):
        return self.rng.choice([None, True, [], {}, [[]], {"a": {}}, self.rng.choice(ODD), self.rng.choice(NUMBERS)])

    def broken(self, value):
        """The value with something else in one place."""
        if isinstance(value, dict) and value and self.rng.random() < 0.8:
            name = self.rng.choice(sorted(value))
            way = self.rng.random()
            if way < 0.2:
                return {key: member for key, member in value.items() if key != name}
            if way < 0.45:
                return {**value, self.rng.choice(["x", "__proto__", "", "name ", "enabled"]): self.odd()}
            return {**value, name: self.broken(value[name])}
        if isinstance(value, list) and value and self.rng.random() < 0.8:
            at = self.rng.randrange(len(value))
            return value[:at] + [self.broken(value[at])] + value[at + 1:]
        if isinstance(value, str) and self.rng.random() < 0.5:
            at = self.rng.randint(0, len(value))
            return value[:at] + self.rng.choice(ODD) + value[at:]
        return self.odd()


def bodies_of(text):
    """Bodies that are no JSON of ours, whatever is asked for."""
    return [text[:-1], text + "x", "[" * 1000, "null", "[]", '"x"', '{"a":1,"a":2}', "{'a':1}", "\ufeff" + text, "{\"a\":\"\\ud800\"}",
            re.sub("}$", ',"a":1e400}', text), " " * 70000 + text]
