"""Fixtures of the acceptance tests; scripts/acceptance runs them."""
import os
import pathlib
import signal
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from harness import LONG, figures  # noqa: E402
from harness.server import Store  # noqa: E402


def pytest_configure(config):
    # Under nohup, and in the background of a script, all children would ignore these, which tests of
    # signals would see.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "root: needs uid 0 (other users, mounts, /proc/PID/mem)")


# What is known not to hold, each with why; to be emptied, and named in docs/evidence.md.
KNOWN = {}


def pytest_collection_modifyitems(items):
    for item in items:
        if reason := KNOWN.get(f"{item.path.name}::{item.name}"):
            item.add_marker(pytest.mark.xfail(reason=reason, strict=False))
    if os.geteuid() == 0:
        return
    for item in items:
        if "root" in item.keywords:
            figures.gap(f"{item.name}: not run, it needs root")
            item.add_marker(pytest.mark.skip(reason="needs root"))


@pytest.fixture(scope="session")
def binary():
    path = os.environ.get("KEYWARD_BIN")
    assert path and os.access(path, os.X_OK), "KEYWARD_BIN names no executable"
    return path


@pytest.fixture
def stores(binary, request):
    """Makes stores; stops and removes them, and shows their logs if the test failed."""
    made = []

    def make(**options):
        store = Store(binary, **options)
        made.append(store)
        return store

    yield make
    failed = getattr(request.node, "failed_call", False)
    for store in made:
        if failed and store.runs:
            print(f"--- {store.folder} said last:\n{store.log()[-3000:]}")
        store.kill()
        if not failed or not os.environ.get("KEYWARD_KEEP"):
            store.remove()


@pytest.fixture
def store(stores):
    """A running, unsealed store with one KMS socket."""
    return stores().made()


@pytest.fixture(scope="session")
def report():
    return figures.report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    result = yield
    if result.when == "call" and result.failed:
        item.failed_call = True
    return result


def pytest_terminal_summary(terminalreporter):
    terminalreporter.section("figures" + (" (long form)" if LONG else " (quick form)"))
    for line in figures.collected:
        values = " ".join(f"{key}={value}" for key, value in line.items() if key != "figure")
        terminalreporter.write_line(f"{line['figure']:<28} {values}")
    for words in figures.gaps:
        terminalreporter.write_line(f"NOT TRIED  {words}", yellow=True)
