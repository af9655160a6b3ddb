"""Several keys into one destination by one command."""
import json
import os
import pty
import re
import subprocess

import pytest
from fakes.aws import FakeAWS
from fakes.google import FakeGoogle
from harness import clouds
from harness.clouds import ask

COUNT = 40


@pytest.fixture(params=[FakeGoogle, FakeAWS])
def fake(request):
    fake = request.param()
    yield fake
    fake.close()
    assert fake.failures == []


def names(store, count, first=0):
    """New keys that may leave; their names, a file of which a batch takes."""
    made = [f"app/batch.{number}" for number in range(first, first + count)]
    for name in made:
        store.cli("key", "create", name, "--type", "aes-256", "--operations", "encrypt,decrypt,cloud-export")
    return made


def batch(store, fake, *arguments, expect=0):
    return ask(store, "export", fake.name, "--to", f"{fake.name}-prod", *arguments, expect=expect)


def test_many_keys_go_into_one_job(stores, fake, report):
    store = clouds.served(stores, fake)
    keys = names(store, COUNT)
    listed = store.folder / "names.txt"
    listed.write_text("\n".join(keys) + "\n\n")
    first = batch(store, fake, "--keys", listed)
    assert sorted(one["key"] for one in first["exports"]) == sorted(keys) and not first["failures"]
    assert {one["state"] for one in first["exports"]} == {"delivered"} and not first["present"]
    assert len({one["provider_key_id"] for one in first["exports"]}) == COUNT
    if fake.name == "google":
        assert list(fake.imports().values()) == [COUNT]
        assert sum(request["step"] == "token" for request in fake.requests) == 1
        assert f"{fake.ring}/cryptoKeys/app-batch-7/" in str(first)
    # The same command again does what is left, of a longer list and of a key that has a new version.
    more = names(store, 2, COUNT)
    store.cli("key", "rotate", keys[0])
    second = batch(store, fake, "--keys", listed, *more)
    assert sorted(one["key"] for one in second["exports"]) == sorted([keys[0], *more])
    assert sorted(second["present"]) == sorted(keys[1:]) and not second["failures"]
    report("keys by one command", provider=fake.name, keys=COUNT + 3)


def test_one_that_fails_does_not_stop_the_others(stores, fake):
    store = clouds.served(stores, fake)
    keys = names(store, 4)
    store.cli("key", "update", keys[2], "--never-exportable")
    said = batch(store, fake, *keys, expect=1)
    assert [one["key"] for one in said["failures"]] == [keys[2]] and said["failures"][0]["message"]
    assert said["failures"][0]["status"] == 1
    assert sorted(one["key"] for one in said["exports"]) == sorted(keys[:2] + keys[3:])
    words = store.cli("export", fake.name, *names(store, 1, 8), *keys, "--to", f"{fake.name}-prod", expect=1)
    assert f"{keys[2]}: " in words and "1 delivered, 3 there before, 1 failed." in words, words
    # What is wrong with the first is said alone, and nothing else is tried.
    before = len(fake.requests)
    store.cli("export", fake.name, keys[2], keys[0], *names(store, 1, 9), "--to", f"{fake.name}-prod", expect=1)
    assert len(fake.requests) == before


def test_what_cannot_be_is_refused_before_anything_is_sent(stores):
    fake = FakeGoogle()
    store = clouds.served(stores, fake)
    to = ["--to", "google-prod"]
    assert "would both be called 'app-x'" in store.cli("export", "google", "app/x", "app.x", *to, expect=2)
    assert "named twice" in store.cli("export", "google", "app/x", "app/x", *to, expect=2)
    assert "are for one" in store.cli("export", "google", "a", "b", "--name", "c", *to, expect=2)
    assert "Name a key" in store.cli("export", "google", *to, expect=2)
    (store.folder / "empty").write_text("\n")
    assert "no names" in store.cli("export", "google", "--keys", store.folder / "empty", *to, expect=2)
    assert fake.requests == []
    fake.close()


def test_the_bar_is_drawn_on_a_terminal_alone(stores):
    fake = FakeGoogle()
    store = clouds.served(stores, fake)
    keys = names(store, 6)
    ours, theirs = pty.openpty()
    command = [store.binary, "export", "google", *keys, "--to", "google-prod", "-o", "json"]
    environment = {"PATH": os.environ["PATH"], "KEYWARD_ADDR": f"unix://{store.admin_path}"}
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, env=environment, timeout=120)
    os.close(theirs)
    drawn = os.read(ours, 1 << 16).decode()
    os.close(ours)
    shown = [int(number) for number in re.findall(r"\r\[[#.]{30}\] (\d+) % of 6", drawn)]
    assert shown == sorted(shown) and shown[0] == 0 and shown[-1] == 100 and len(shown) == 7, drawn
    assert result.returncode == 0 and len(json.loads(result.stdout)["exports"]) == 6
    again = subprocess.run(command, capture_output=True, env=environment, timeout=120)
    assert again.stderr == b"" and len(json.loads(again.stdout)["present"]) == 6
    fake.close()
