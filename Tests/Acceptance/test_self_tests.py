"""Row 12: each self-test, made to fail, stops the server before it opens anything."""
import concurrent.futures
import os
import re
import subprocess

import pytest
from harness import ROOT

NAMES = """
sha-256 sha-384 sha-512 hmac-sha-256 hmac-sha-384 hmac-sha-512 hkdf-sha-256 scrypt
aes-128-gcm-encrypt aes-128-gcm-decrypt aes-256-gcm-encrypt aes-256-gcm-decrypt
chacha20-poly1305-encrypt chacha20-poly1305-decrypt
message-aes-128-ctr-encrypt message-aes-128-ctr-decrypt
message-aes-256-ctr-encrypt message-aes-256-ctr-decrypt
message-chacha20-encrypt message-chacha20-decrypt
aes-kw-wrap aes-kw-unwrap aes-kwp-wrap aes-kwp-unwrap
rsa-pss-verify rsa-pss-sign rsa-oaep-decrypt ecdsa-p256-verify ecdsa-p256-sign ecdh-p256
ed25519-sign ed25519-verify x25519 drbg
""".split()


def flipped(store, name):
    """(exit code, what was said) of a start with one expected answer changed by one bit."""
    result = subprocess.run(
        [*store.command, "--flip-self-test", name], capture_output=True, text=True, timeout=60,
        env={"PATH": os.environ["PATH"], "SWIFT_BACKTRACE": "enable=no"})
    return result.returncode, result.stdout + result.stderr


def test_each_failure_stops_the_server(stores, report):
    store = stores()
    store.made().stop()
    before = store.database.read_bytes()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        outcomes = dict(zip(NAMES, pool.map(lambda name: flipped(store, name), NAMES)))
    for name, (code, words) in outcomes.items():
        assert code == 1 and f"self-test '{name}' failed" in words, (name, code, words)
        assert "Admin API" not in words
    assert not os.path.exists(store.admin_path) and not os.path.exists(store.sockets["etcd"])
    assert store.database.read_bytes() == before
    report("self-tests", flipped=len(NAMES), refused=len(outcomes))
    store.start()


def test_the_list_is_complete(stores):
    """Every name in the sources, tried with every affix, is on the list or is no self-test."""
    store = stores()
    words = set()
    for file in (ROOT / "Sources" / "KeywardCrypto").glob("SelfTest*.swift"):
        words.update(re.findall(r'"([a-z][a-z0-9-]{2,40})"', file.read_text()))
        words.update(re.findall(r'"\\\(name\)(-[a-z]+)"', file.read_text()))
    stems = {word for word in words if not word.startswith("-")}
    affixes = {word for word in words if word.startswith("-")} | {"", "-encrypt", "-decrypt"}
    candidates = {
        prefix + stem + affix for stem in stems for affix in affixes for prefix in ("", "message-")
    } - set(NAMES)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for name, (code, said) in zip(
            candidates, pool.map(lambda name: flipped(store, name), candidates)
        ):
            assert f"self-test '{name}' failed" not in said, f"{name} is missing in NAMES"
            assert code != 0


def test_an_unknown_name_is_an_error(stores):
    code, words = flipped(stores(), "no-such-test")
    assert code != 0 and "no such self-test" in words and "MEMLOCK" not in words
