"""`keyward export check`: files of other tools, without a server and without a key."""
import json
import subprocess
import sys

import pytest
from harness import ORACLES

sys.path.insert(0, str(ORACLES))
import export_files  # noqa: E402

OPTIONS = {"ask": "--kind", "provider": "--for", "wrappingKeyBits": "--wrapping-key-bits",
           "algorithm": "--algorithm", "keyType": "--key-type", "encoding": "--encoding",
           "protectionLevel": "--protection-level"}
WARNINGS = {"sha1_avoidable"}


@pytest.fixture(scope="module")
def files():
    return export_files.make()


def check(binary, path, *options, data=None):
    return subprocess.run([binary, "export", "check", str(path), *map(str, options)], input=data,
                          capture_output=True, timeout=60, env={"SWIFT_BACKTRACE": "enable=no"})


def test_files(binary, files, tmp_path):
    """Each file ends with the status that is due and names what is wrong with it, in both forms."""
    for index, file in enumerate(files):
        path = tmp_path / f"{index}"
        path.write_bytes(bytes.fromhex(file["file"]))
        options = [word for name, value in file["hints"].items() for word in (OPTIONS[name], value)]
        status = 7 if set(file["codes"]) - WARNINGS else 0
        answer = check(binary, path, *options, "--output", "json")
        assert answer.returncode == status, (file["name"], answer)
        report = json.loads(answer.stdout)
        assert {finding["code"] for finding in report["findings"]} == set(file["codes"]), file["name"]
        if index % 8 == 0:
            words = check(binary, path, *options)
            assert words.returncode == status and not words.stderr, (file["name"], words)
            for code in file["codes"]:
                assert f"{code} at " in words.stdout.decode()
            assert file["codes"] or b"Nothing is wrong with this " in words.stdout


def test_usage(binary, files, tmp_path):
    """A file whose kind cannot be told, one that is not there, one too long, and standard input."""
    path = tmp_path / "file"
    path.write_bytes(b"\x91" * 32)
    answer = check(binary, path)
    assert answer.returncode == 2 and b"--kind blob|byok" in answer.stderr, answer
    assert check(binary, path, "--kind", "blob").returncode == 7
    assert check(binary, path, "--for", "nobody").returncode == 2
    assert check(binary, path, "--wrapping-key-bits", 1024).returncode == 2
    assert check(binary, tmp_path / "none").returncode not in (0, 7)
    path.write_bytes(b"\x91" * 65537)
    answer = check(binary, path, "--kind", "blob")
    assert answer.returncode not in (0, 7) and str(path).encode() in answer.stderr, answer
    right = next(file for file in files if file["name"] == "nothing known")
    assert check(binary, "-", data=bytes.fromhex(right["file"])).returncode == 0
