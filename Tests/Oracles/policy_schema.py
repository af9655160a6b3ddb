"""Validates policy documents with schema/policy.schema.json and `jsonschema`.

A line of stdin is {"text": YAML}, a line of stdout the list of what is wrong, one text a document that is
not valid.
"""
import json
import pathlib
import sys

import jsonschema
import yaml


class Loader(yaml.SafeLoader):
    """YAML without timestamps: times are text for a schema."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}

root = pathlib.Path(__file__).resolve().parent.parent.parent
schema = json.loads((root / "schema" / "policy.schema.json").read_text())
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)

for line in sys.stdin:
    problems = []
    for document in yaml.load_all(json.loads(line)["text"], Loader=Loader):
        error = None if document is None else jsonschema.exceptions.best_match(
            validator.iter_errors(document))
        if error is not None:
            problems.append(f"{list(error.absolute_path)}: {error.message[:200]}")
    print(json.dumps(problems), flush=True)
