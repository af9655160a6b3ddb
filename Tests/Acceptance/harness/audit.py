"""Runs the second verifier on an export."""
import subprocess
import sys
import tempfile

from . import ORACLES


def verdict(export, verifier):
    """(is clean, what Tests/Oracles/audit_verify.py says)."""
    with tempfile.NamedTemporaryFile(prefix="keyward-export-") as file:
        file.write(export)
        file.flush()
        result = subprocess.run(
            [sys.executable, str(ORACLES / "audit_verify.py"), file.name, verifier],
            capture_output=True, text=True)
    return result.returncode == 0, (result.stdout + result.stderr).strip()
