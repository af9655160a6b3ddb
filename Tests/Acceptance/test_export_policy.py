"""Who may bring a key out: provenance of the wrapping key, quorums bound to every word, and keys that never leave."""
import base64
import json
import os

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from fakes import openers
from fakes.aws import FakeAWS
from fakes.openbao import FakeOpenBao
from harness import clouds
from harness.access import Issuer, apply, binding, client, document, role, routes, serve_https, token
from harness.clouds import ask
from harness.server import write_private


def parameters(private, key="arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"):
    """What AWS answers when it is asked for parameters, with a wrapping key of the caller's own."""
    spki = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return json.dumps({
        "KeyId": key, "ImportToken": base64.b64encode(os.urandom(600)).decode(),
        "PublicKey": base64.b64encode(spki).decode(), "ParametersValidTo": 4102444800.0})
