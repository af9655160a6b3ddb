"""Validates audit entries, one a line on standard input, against schema/audit-entry.schema.json.

usage: audit_schema.py SCHEMA

Prints `ok` or what is wrong with each line, so that a test can also feed it wrong entries.
"""
import json
import sys

from jsonschema import Draft202012Validator

with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(schema)
for line in sys.stdin:
    errors = [error.message for error in validator.iter_errors(json.loads(line))]
    print(errors[0].replace("\n", " ") if errors else "ok")
