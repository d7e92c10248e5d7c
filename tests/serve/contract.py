"""src/serve/openapi.json as a contract: whatever the daemon answers must be in it.

What of JSON Schema the document uses is checked here; a keyword that is not known is an error, so that
none is passed over.
"""
import json
import pathlib
import re
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
DOCUMENT = json.loads((ROOT / "src/serve/openapi.json").read_text())
KNOWN = {"$ref", "type", "enum", "const", "pattern", "properties", "required", "additionalProperties", "items", "oneOf",
         "minimum", "maximum", "default", "description", "format"}
TYPES = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "object": dict, "array": list,
         "null": type(None)}


class Mismatch(AssertionError):
    pass


def resolve(node):
    while "$ref" in node:
        target = DOCUMENT
        for part in node["$ref"].lstrip("#/").split("/"):
            target = target[part]
        node = target
    return node


def is_of(value, name):
    if isinstance(value, bool):
        return name == "boolean"
    return isinstance(value, TYPES[name])


def check(value, schema, at="answer"):
    """Raise Mismatch unless the value is what the schema says."""
    unknown = set(schema) - KNOWN
    if unknown:
        raise Mismatch(f"{at}: the document uses {unknown}, which is not checked")
    schema = resolve(schema)
    if "oneOf" in schema:
        fits = [s for s in schema["oneOf"] if matches(value, s, at)]
        if len(fits) != 1:
            if is_of(value, "object"):  # say what is wrong with it
                check(value, schema["oneOf"][0], at)
            raise Mismatch(f"{at}: {value!r} fits {len(fits)} of {schema['oneOf']}")
        return
    types = schema.get("type")
    if types is not None and not any(is_of(value, t) for t in ([types] if isinstance(types, str) else types)):
        raise Mismatch(f"{at}: {value!r} is no {types}")
    if "enum" in schema and value not in schema["enum"]:
        raise Mismatch(f"{at}: {value!r} is none of {schema['enum']}")
    if "const" in schema and value != schema["const"]:
        raise Mismatch(f"{at}: {value!r} is not {schema['const']!r}")
    if isinstance(value, str) and "pattern" in schema and not re.search(schema["pattern"], value):
        raise Mismatch(f"{at}: {value!r} is not like {schema['pattern']}")
    if is_of(value, "number"):
        if not schema.get("minimum", value) <= value <= schema.get("maximum", value):
            raise Mismatch(f"{at}: {value} is out of range")
    if isinstance(value, list):
        for i, item in enumerate(value):
            check(item, schema.get("items", {}), f"{at}[{i}]")
    if isinstance(value, dict):
        check_object(value, schema, at)


def check_object(value, schema, at):
    known, other = schema.get("properties", {}), schema.get("additionalProperties", True)
    for name in schema.get("required", []):
        if name not in value:
            raise Mismatch(f"{at}: {name} is missing")
    for name, item in value.items():
        if name in known:
            check(item, known[name], f"{at}.{name}")
        elif other is False:
            raise Mismatch(f"{at}: {name} is not documented ({item!r})")
        elif isinstance(other, dict):
            check(item, other, f"{at}.{name}")


def matches(value, schema, at):
    try:
        check(value, schema, at)
        return True
    except Mismatch:
        return False


def schema_of(name):
    return {"$ref": f"#/components/schemas/{name}"}


def operations():
    """(method, path, operation) of the whole document."""
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def operation_of(method, path):
    """The operation that a request's path means, without its query."""
    segments = path.partition("?")[0].strip("/").split("/")
    best = None
    for m, pattern, operation in operations():
        wanted = pattern.strip("/").split("/")
        if m == method and len(wanted) == len(segments) and all(
                w.startswith("{") or w == s for w, s in zip(wanted, segments)):
            if best is None or pattern.count("{") < best[0].count("{"):
                best = pattern, operation
    return best


class Contract:
    """Asks a daemon (daemon.py), and holds each answer against the document."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.answered, self.refused = set(), set()

    def ask(self, method, path, body=None, **kw):
        found = operation_of(method, path)
        if found is None:
            raise Mismatch(f"{method} {path} is not in the document")
        pattern, operation = found
        answer = self.daemon.ask(method, path, body, **kw)
        self.hold(answer, operation, f"{method} {path}")
        (self.answered if answer.status < 400 else self.refused).add((method, pattern))
        return answer

    def hold(self, answer, operation, at):
        responses = operation["responses"]
        if answer.status >= 400:
            kind, content = "application/problem+json", resolve(responses["default"])["content"]
        elif str(answer.status) in responses:
            content = responses[str(answer.status)].get("content")
            kind = next(iter(content)) if content else None
        else:
            raise Mismatch(f"{at}: status {answer.status} is not documented\n{answer.text}")
        if kind is None:
            if answer.body:
                raise Mismatch(f"{at}: there is a body: {answer.text}")
            return
        if answer.headers["Content-Type"].partition(";")[0] != kind:
            raise Mismatch(f"{at}: {answer.headers['Content-Type']} is not {kind}")
        if kind.endswith("json"):
            check(answer.json(), content[kind]["schema"], at)

    def get(self, path, status=200):
        return self.ask("GET", path).expect(status).json()

    def run(self, method, path, body=None):
        """Begin a run, wait for its end; what it came to."""
        number = self.ask(method, path, body).expect(202).json()["run"]
        return self.wait(number)

    def wait(self, number):
        end = time.monotonic() + 180
        while time.monotonic() < end:
            detail = self.get(f"/runs/{number}")
            if detail["run"]["state"] not in ("queued", "running"):
                return detail
            time.sleep(0.05)
        raise AssertionError(f"run {number} does not end: {detail}")
