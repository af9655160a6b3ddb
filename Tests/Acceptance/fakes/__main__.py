"""`python3 Tests/Acceptance/fakes NAME` runs a fake for tests that are not in Python."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from fakes import base  # noqa: E402


def main():
    name = sys.argv[1]
    if name == "localstack":
        from fakes import localstack
        return localstack.main()
    if name == "aws":
        from fakes.aws import FakeAWS as kind
    elif name == "azure":
        from fakes.azure import FakeAzure as kind
    elif name == "google":
        from fakes.google import FakeGoogle as kind
    elif name == "openbao":
        from fakes.openbao import FakeOpenBao as kind
    else:
        sys.exit(f"no fake is called {name}")
    base.wait_for_commands(kind())


main()
