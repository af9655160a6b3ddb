"""What the acceptance tests share: a real server, its clients, and independent checks."""
import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[3]
ORACLES = ROOT / "Tests" / "Oracles"

# The full numbers instead of the quick ones.
LONG = os.environ.get("KEYWARD_LONG", "") not in ("", "0")


def pick(quick, long):
    """The number for this run: the quick form, or the long one of KEYWARD_LONG=1."""
    return long if LONG else quick


def eventually(check, timeout=60.0, pause=0.02, what="the condition"):
    """Polls `check` until it gives something true, and returns that; fails after `timeout` s."""
    import time

    limit = time.monotonic() + timeout
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > limit:
            raise AssertionError(f"{what} did not come within {timeout} s")
        time.sleep(pause)
