"""Where the server's credentials and exported keys go, whatever a destination says."""
import json

import pytest
from fakes.aws import FakeAWS
from fakes.openbao import FakeOpenBao


@pytest.fixture
def fake(request):
    made = request.param()
    yield made
    made.close()


def asked(fake):
    """What a fake was asked, in its words."""
    return [entry["step"] for entry in fake.requests]


def credentials(store, name="bao", addresses=None, authorities=None, mode=0o600):
    """Files of credentials as root writes them."""
    folder = store.folder / "credentials"
    folder.mkdir(exist_ok=True)
    token = folder / name
    token.touch(mode=0o600)
    token.write_text(FakeOpenBao.token)
    for suffix, text in (("addr", addresses), ("ca", authorities)):
        file = folder / f"{name}.{suffix}"
        file.unlink(missing_ok=True)
        if text is not None:
            file.write_text(text)
            file.chmod(mode)
    return folder


def served(stores, *more):
    store = stores(keys=())
    store.more = "".join(f"{line}\n" for line in (f"credentials_dir: {store.folder}/credentials", *more))
    store.configure()
    return store.made()


def put(store, fake, *more, expect=0):
    return store.cli("destination", "put", "there", "--provider", fake.name, *more, expect=expect)


def key(store, name="app/key"):
    store.cli("key", "create", name, "--type", "hmac-sha256", "--operations", "mac,cloud-export")
    return name


def export(store, fake, name, *more, expect=0):
    return store.cli("export", fake.name, name, "--to", "there", *more, expect=expect)


@pytest.mark.parametrize("fake", [FakeOpenBao], indirect=True)
def test_a_file_of_credentials_goes_to_its_addresses(stores, fake):
    store = served(stores)
    name = key(store)
    authorities = fake.authorities.read_text()
    put(store, fake, "--endpoint", fake.url, "--credentials", "file:bao",
        "--authorities-file", fake.authorities)
    target = ("--name", "copy")
    # Nobody said where the token may go; somebody said elsewhere; anyone may say it.
    for addresses, mode, words in (
            (None, 0o600, "bao.addr"), ("https://bao.example:8200\n", 0o600, "bao.addr"),
            (fake.url + "0\n", 0o600, "bao.addr"), (fake.url, 0o666, "chmod go-w")):
        credentials(store, addresses=addresses, authorities=authorities, mode=mode)
        assert words in export(store, fake, name, *target, expect=8 if mode != 0o600 else 1)
    # The right address, vouched for by the destination alone.
    for own in (None, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
        credentials(store, addresses=fake.url, authorities=own)
        assert "bao.ca" in export(store, fake, name, *target, expect=1)
    assert asked(fake) == []
    credentials(store, addresses=f"https://bao.example:8200\n{fake.url}\n", authorities=authorities)
    assert "proved" in export(store, fake, name, *target).decode()
    assert fake.failures == [] and "import" in asked(fake)
    assert FakeOpenBao.token not in store.log()
    # Without a word of the destination the server's own authorities count.
    put(store, fake, "--endpoint", fake.url, "--credentials", "file:bao")
    assert "proved" in export(store, fake, key(store, "app/other"), "--name", "other").decode()


@pytest.mark.parametrize("fake", [FakeAWS], indirect=True)
def test_an_emulator_takes_a_word_of_the_administrator(stores, fake):
    plain = served(stores)
    for option, value in (("--endpoint", fake.url), ("--endpoint", "https://localhost:1"),
                          ("--authorities-file", fake.authorities)):
        words = put(plain, fake, "--region", "eu-central-1", option, value, expect=1)
        assert "emulator" in words and "unsafe_destination_endpoints" in words, words
    lax = served(stores, "unsafe_destination_endpoints: true")
    lax.environment = {"AWS_ACCESS_KEY_ID": FakeAWS.access_key,
                       "AWS_SECRET_ACCESS_KEY": FakeAWS.secret_key,
                       "AWS_SESSION_TOKEN": FakeAWS.session_token}
    lax.restart()
    assert "unsafe_destination_endpoints" in lax.log()
    put(lax, fake, "--region", "eu-central-1", "--endpoint", fake.url,
        "--authorities-file", fake.authorities)
    name = key(lax)
    assert "proved" in export(lax, fake, name).decode()
    assert fake.failures == [] and fake.signed > 3
    # A record of such a server is not followed by one that is careful again.
    lax.more = ""
    lax.configure()
    lax.restart()
    before = len(fake.requests)
    words = export(lax, fake, name, expect=1)
    assert "provider's own" in words and len(fake.requests) == before
    shown = json.loads(lax.cli("export", "list", "--output", "json"))
    assert [entry["state"] for entry in shown] == ["proved"]
    for secret in (FakeAWS.secret_key, FakeAWS.session_token):
        assert secret.encode() not in lax.all_logs()
