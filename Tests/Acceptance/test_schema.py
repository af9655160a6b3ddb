"""The server against schema/openapi.yaml, by schemathesis over HTTPS with an officer's token."""
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest
from harness import LONG, pick
from harness.access import SCHEMA, officer, serve_https

# What stops the server, or the client, for all cases after it; `init` is on the admin socket alone.
# A policy that takes the client's rights away is refused by the server itself.
EXCLUDED = ("post-operator-seal", "post-operator-init", "post-auth-self-revoke")
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance",
    "response_headers_conformance", "response_schema_conformance", "unsupported_method")


@pytest.mark.timeout(6 * 3600 if LONG else 280)
def test_openapi(stores, report, tmp_path):
    """No 5xx, no status or body that the schema does not have, RFC 9457 for every error."""
    store = serve_https(stores(keys=())).made()
    token = officer(store)
    store.api().create("a/key")
    events = tmp_path / "events.ndjson"
    command = [
        str(pathlib.Path(sys.executable).parent / "st"), "run", str(SCHEMA),
        "--url", f"https://127.0.0.1:{store.port}", "-H", f"Authorization: Bearer {token}",
        "--tls-verify", str(store.authority_file), "--checks", ",".join(CHECKS),
        "--phases", pick("fuzzing", "coverage,fuzzing"), "--max-examples", str(pick(7, 800)),
        "--seed", os.environ.get("KEYWARD_SEED", "1"), "--warnings", "off", "--continue-on-failure", "--suppress-health-check", "all",
        "--report", "ndjson", "--report-ndjson-path", str(events),
        *(word for name in EXCLUDED for word in ("--exclude-operation-id", name))]
    result = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path)
    words = result.stdout + result.stderr
    cases = sum(map(int, re.findall(r"(\d+) generated", words)))
    statuses, malformed = tally(events)
    report("schemathesis", cases=cases, excluded=len(EXCLUDED),
           statuses=" ".join(f"{status}:{count}" for status, count in sorted(statuses.items())))
    assert result.returncode == 0, words[-6000:]
    assert cases >= pick(400, 50_000), words[-1000:]
    assert not [status for status in statuses if status >= 500 and status != 503], statuses
    assert not malformed, malformed[:5]
    assert store.process.poll() is None, store.log()[-2000:]
    assert store.api().get("/readyz").status == 200


def tally(path):
    """How often each status came, and the errors that are no problem document."""
    statuses, malformed = {}, []

    def look(value):
        if isinstance(value, dict):
            if "status_code" in value and "headers" in value:
                status = value["status_code"]
                statuses[status] = statuses.get(status, 0) + 1
                kinds = {name.lower(): item for name, item in value["headers"].items()}
                if status >= 400 and "application/problem+json" not in str(
                        kinds.get("content-type")):
                    malformed.append((status, kinds.get("content-type")))
            for item in value.values():
                look(item)
        elif isinstance(value, list):
            for item in value:
                look(item)

    for line in path.read_text().splitlines():
        look(json.loads(line))
    return statuses, malformed
