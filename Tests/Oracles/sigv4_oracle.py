"""Signs random requests with botocore: `sigv4_oracle.py SEED COUNT` prints a JSON object a line."""
import datetime
import json
import random
import sys
import urllib.parse

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ALPHABET = "abcXYZ019-._~ /+=&%:;,!*'()é漢\U0001f511"
VISIBLE = [chr(code) for code in range(0x21, 0x7F)]


def text(rng, longest, alphabet=ALPHABET):
    return "".join(rng.choice(alphabet) for _ in range(rng.randrange(longest + 1)))


def one(rng):
    credentials = Credentials(
        "AKIA" + "".join(rng.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=16)),
        "".join(rng.choices(VISIBLE, k=rng.randrange(1, 65))),
        "".join(rng.choices(VISIBLE, k=rng.randrange(1, 400))) if rng.random() < 0.5 else None)
    region = rng.choice(["us-east-1", "eu-central-1", "ap-southeast-2", "us-gov-west-1"])
    service = rng.choice(["kms", "sts", "kms-xks-proxy", "service"])
    moment = datetime.datetime.fromtimestamp(
        rng.randrange(946684800, 4102444800), datetime.timezone.utc)
    path = "/" + "/".join(
        urllib.parse.quote(rng.choice([".", "..", "", text(rng, 12)]), safe="")
        for _ in range(rng.randrange(5)))
    pairs = [(text(rng, 8), text(rng, 12)) for _ in range(rng.randrange(5))]
    query = "&".join(f"{urllib.parse.quote(name, safe='-_.~')}={urllib.parse.quote(value, safe='-_.~')}"
                     for name, value in pairs if name)
    host = rng.choice([f"{service}.{region}.amazonaws.com", "127.0.0.1:4571", "localhost"])
    headers = [("Content-Type", "application/x-amz-json-1.1"), ("X-Amz-Target", text(rng, 30, VISIBLE))]
    headers += [(f"X-{rng.choice('AbZ')}-{number}", text(rng, 20, "ab  \t,;:=/"))
                for number in range(rng.randrange(4))]
    headers += [("User-Agent", "keyward"), ("Expect", "")][:rng.randrange(3)]
    rng.shuffle(headers)
    body = rng.randbytes(rng.choice([0, 1, 63, 64, 65, 1000, rng.randrange(9000)]))
    method = rng.choice(["GET", "POST", "PUT", "DELETE", "PATCH"])

    request = AWSRequest(method, f"https://{host}{path}" + (f"?{query}" if query else ""), data=body)
    for name, value in headers:
        request.headers[name] = value
    request.headers["Host"] = host
    botocore.auth.get_current_datetime = lambda *_, **__: moment
    botocore.auth.SigV4Auth(credentials, service, region).add_auth(request)
    return {
        "accessKey": credentials.access_key, "secretKey": credentials.secret_key,
        "token": credentials.token, "region": region, "service": service,
        "milliseconds": int(moment.timestamp()) * 1000, "method": method, "path": path, "query": query,
        "headers": [*headers, ("Host", host)], "body": body.hex(),
        "authorization": request.headers["Authorization"]}


if __name__ == "__main__":
    source = random.Random(int(sys.argv[1]))
    for _ in range(int(sys.argv[2])):
        print(json.dumps(one(source)))
