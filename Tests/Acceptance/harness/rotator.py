"""A process of its own that rotates a key 105 times a second, so that no other client slows it down.

usage: rotator.py ADMIN-SOCKET KEY   until standard input ends; then a JSON line of what it did
"""
import json
import pathlib
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
            # The answer holds the new version only, however many there are.
            (version,) = answer.json["versions"]
            key_ids.append(version["kms_key_id"])
        else:
            failures.append(answer.body.decode())
        # A schedule, not a pause: what a slow answer delays is caught up, never two at once.
        due += 1 / 105
    print(json.dumps({
        "key_ids": key_ids, "failures": failures, "seconds": time.monotonic() - begin}))


main(*sys.argv[1:])
