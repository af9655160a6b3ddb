"""An issuer of JWTs whose key the test holds."""
import json
import time

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

AUDIENCE = "https://keyward.example.com"


class Issuer:
    """Signs what a CI system or an API server would."""

    def __init__(self, url, kid="test-key", algorithm="RS256"):
        self.url, self.kid, self.algorithm = url, kid, algorithm
        self.key = (rsa.generate_private_key(65537, 2048) if algorithm == "RS256"
                    else ec.generate_private_key(ec.SECP256R1()))
        self.count = 0
        # Seconds that the issuer's clock is ahead of the test's.
        self.ahead = 0

    @property
    def key_set(self):
        """The text of the JSON Web Key Set."""
        to_jwk = (jwt.algorithms.RSAAlgorithm if self.algorithm == "RS256"
                  else jwt.algorithms.ECAlgorithm).to_jwk
        key = to_jwk(self.key.public_key(), as_dict=True)
        key = {name: key[name] for name in ("kty", "n", "e", "crv", "x", "y") if name in key}
        return json.dumps({"keys": [
            {**key, "kid": self.kid, "alg": self.algorithm, "use": "sig"}]})

    def token(self, claims, audience=AUDIENCE, lifetime=600, **more):
        """A token with these claims and those that every issuer adds; None leaves one out."""
        self.count += 1
        now = int(time.time()) + self.ahead
        payload = {
            "iss": self.url, "aud": audience, "iat": now - 5, "nbf": now - 5,
            "exp": now + lifetime, "jti": f"00000000-0000-4000-8000-{self.count:012}",
            **claims, **more}
        payload = {name: value for name, value in payload.items() if value is not None}
        return jwt.encode(payload, self.key, self.algorithm, headers={"kid": self.kid})
