"""Checks answers against an OpenAPI file: the few keywords that deploy/openapi.yaml uses, and no others."""

import re
import urllib.parse

import yaml

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float),
         "null": type(None)}
KNOWN = {"type", "properties", "required", "additionalProperties", "items", "enum", "minimum", "maximum", "minLength",
         "pattern", "description", "default", "$ref", "examples"}


class Description:
    """One OpenAPI file."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.all = yaml.safe_load(file)
        self.operations = {(method, path) for path, item in self.all["paths"].items()
                           for method in item if method in ("get", "post", "put", "delete")}

    def resolve(self, value):
        while "$ref" in value:
            found = self.all
            for part in value["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            value = found
        return value

    def path_of(self, target):
        """The described path that fits; literal segments go before parameters. None: there is none."""
        segments = urllib.parse.urlsplit(target).path.split("/")
        fitting = [path for path in self.all["paths"]
                   if len(path.split("/")) == len(segments) and all(
                       expected == given or (expected.startswith("{") and given)
                       for expected, given in zip(path.split("/"), segments))]
        return min(fitting, key=lambda path: path.count("{"), default=None)

    def check(self, method, target, status, content):
        """Fails unless the answer is one that the file describes."""
        path = self.path_of(target)
        operation = self.all["paths"].get(path, {}).get(method.lower())
        if operation is None:
            assert status in (404, 405, 413), f"{method} {target} is not described, but was answered {status}"
            response = self.all["components"]["responses"]["Error"]
        else:
            answers = operation["responses"]
            response = self.resolve(answers.get(str(status)) or answers["default"])
            assert str(status) in answers or status >= 400, f"{method} {path}: {status} is not described"
        self.match(content, response["content"]["application/json"]["schema"], f"{method} {target} {status}")

    def match(self, value, schema, location):
        schema = self.resolve(schema)
        assert not set(schema) - KNOWN, f"{location}: unknown keywords {set(schema) - KNOWN}"
        if "type" in schema:
            types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
            assert any(is_a(value, one) for one in types), f"{location}: {value!r} is no {types}"
        if "enum" in schema:
            assert value in schema["enum"], f"{location}: {value!r} is none of {schema['enum']}"
        if "minimum" in schema and value is not None:
            assert value >= schema["minimum"], f"{location}: {value!r} is too small"
        if isinstance(value, str):
            assert len(value) >= schema.get("minLength", 0), f"{location}: {value!r} is too short"
            assert re.search(schema.get("pattern", ""), value), f"{location}: {value!r} is not {schema.get('pattern')}"
        if isinstance(value, dict):
            self.match_object(value, schema, location)
        if isinstance(value, list):
            for number, item in enumerate(value):
                self.match(item, schema["items"], f"{location}[{number}]")

    def match_object(self, value, schema, location):
        properties = schema.get("properties", {})
        missing = set(schema.get("required", [])) - set(value)
        assert not missing, f"{location}: {missing} are missing"
        for key, member in value.items():
            if key in properties:
                self.match(member, properties[key], f"{location}.{key}")
            else:
                others = schema.get("additionalProperties", True)
                assert isinstance(others, dict), f"{location}: {key} is not described"
                self.match(member, others, f"{location}.{key}")


def is_a(value, kind):
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, TYPES[kind])
