"""A process of its own that rotates a key each 10 ms, so that no other client slows it down.

usage: rotator.py ADMIN-SOCKET KEY   until standard input ends; then a JSON line of what it did
"""
import json
import pathlib
import re
import select
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness.api import API  # noqa: E402


def main(path, key):
    api, key_ids, failures = API(path), [], []
    begin = due = time.monotonic()
    while not select.select([sys.stdin], [], [], max(0, due - time.monotonic()))[0]:
        answer = api.act(key, "rotate")
        if answer.status == 200:
            # The answer holds all versions, newest last; there are thousands of them.
            key_ids.append(re.findall(rb'"kms_key_id":"([^"]+)"', answer.body[-600:])[-1].decode())
        else:
            failures.append(answer.body.decode())
        # Never two at once: a slow answer delays the next.
        due = max(due + 0.01, time.monotonic())
    print(json.dumps({
        "key_ids": key_ids, "failures": failures, "seconds": time.monotonic() - begin}))


main(*sys.argv[1:])
