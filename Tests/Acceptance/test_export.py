"""Keys into clouds as a person types it: from nothing to a proved key, its ends, rotation, and destruction.

The providers are strict fakes over TLS, which open what they are sent without Keyward's code.
"""
import datetime
import os

import pytest
from fakes import localstack
from fakes.aws import FakeAWS
from fakes.azure import FakeAzure
from fakes.google import FakeGoogle
from fakes.openbao import FakeOpenBao
from harness import clouds, figures
from harness.clock import Clock
from harness.clouds import ask

DAY = 86400
# Per provider: a key type, what it becomes there, and whether the provider's answers can prove it.
CELLS = [
    (FakeAWS, "hmac-sha256", "HMAC_256", "proved"),
    (FakeAWS, "ec-p256", "ECC_NIST_P256", "proved"),
    (FakeAWS, "rsa-2048", "RSA_2048", "proved"),
    (FakeAWS, "aes-256", "SYMMETRIC_DEFAULT", "delivered"),
    (FakeAzure, "ec-p256", "EC-HSM/P-256", "proved"),
    (FakeAzure, "rsa-2048", "RSA-HSM", "proved"),
    (FakeGoogle, "hmac-sha256", "HMAC_SHA256", "proved"),
    (FakeGoogle, "ec-p384", "EC_SIGN_P384_SHA384", "proved"),
    (FakeGoogle, "aes-256", "GOOGLE_SYMMETRIC_ENCRYPTION", "delivered"),
    (FakeOpenBao, "aes-256", "aes256-gcm96", "proved"),
    (FakeOpenBao, "hmac-sha256", "hmac", "proved"),
    (FakeOpenBao, "ec-p256", "ecdsa-p256", "proved"),
]


@pytest.fixture
def fakes():
    """Makes fakes, and sees at the end that no request made one of them fail."""
    made = []

    def make(*kinds):
        new = [kind() for kind in kinds]
        made.extend(new)
        return new if len(new) > 1 else new[0]

    yield make
    for fake in made:
        fake.close()
    assert [fake.failures for fake in made if fake.failures] == []


def export(store, fake, name, *more, expect=0):
    """Exports to the destination of the fake; the record, or all words if it must fail."""
    arguments = ["export", fake.name, name, "--to", f"{fake.name}-prod", *more]
    return store.cli(*arguments, expect=expect) if expect else ask(store, *arguments)["export"]


def later(days, clock=0):
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days, seconds=clock)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def target(fake, name="copy"):
    """The option that names a key there, for providers where keys have names."""
    return [] if fake.name == "aws" else ["--name", name]


def test_from_nothing_to_a_proved_key(stores, fakes, report):
    """Each cell: the identical bytes are there, and the record says how sure that is."""
    providers = {kind: fakes(kind) for kind in (FakeAWS, FakeAzure, FakeGoogle, FakeOpenBao)}
    store = clouds.served(stores, *providers.values())
    for number, (kind, type, becomes, state) in enumerate(CELLS):
        fake, data = providers[kind], clouds.material(type, os.urandom)
        name = clouds.imported(store, f"app/{fake.name}-{type}", type, data,
                               destinations=[f"{fake.name}-prod"])
        where = target(fake, f"copy-{number}")
        dry = store.cli("export", fake.name, name, "--to", f"{fake.name}-prod", "--dry-run", *where)
        assert b"nothing was done" in dry and fake.material(name) is None
        record = export(store, fake, name, *where)
        there = fake.material(record["provider_key_id"])
        assert there == data.hex(), f"{fake.name} {type}: other bytes"
        assert (record["state"], record["key_spec"]) == (state, becomes), record
        assert record["provenance"] == "fetched" and record["operation"] == "key:cloud-export"
        # What can be proved is compared again at any time, and a copy that is another key is found.
        if state == "proved":
            assert ask(store, "export", "verify", record["id"])["state"] == "proved"
            fake.spoil(record["provider_key_id"])
            spoiled = ask(store, "export", "verify", record["id"], expect=7)
            assert spoiled["state"] == "contradicted", spoiled
        # The list of the key keeps it from other places.
        other = next(each for each in providers.values() if each is not fake)
        words = export(store, other, name, *target(other), expect=1)
        assert "destination_not_allowed" in words and f"{fake.name}-prod" in words, words
    shown = ask(store, "export", "list")
    assert len(shown) == len(CELLS) and {one["mode"] for one in shown} == {"push"}
    report("exports over the command line", cells=len(CELLS),
           proved=sum(cell[3] == "proved" for cell in CELLS))


def test_the_ends_of_copies_are_told_and_renewed(stores, fakes):
    """30, 7 and 1 days before the end, and after it; a renewal brings the same material again."""
    fake = fakes(FakeAWS)
    store = clouds.served(stores, fake)
    clock = Clock(store)
    store.restart()
    data = os.urandom(32)
    name = clouds.imported(store, "app/ends", "aes-256", data)
    first = export(store, fake, name, "--valid-until", later(40))
    assert "Nothing needs attention" in store.cli("export", "status").decode()
    for days, words in ((11, "ends within 30 days"), (34, "ends within 7 days"),
                        (39.5, "ends within 1 day")):
        clock.set(int(days * DAY))
        assert words in store.cli("export", "status").decode()
    clock.set(41 * DAY)
    assert "over" in store.cli("export", "status", expect=7)
    # The provider's clock is no other than ours.
    fake.ahead = 41 * DAY
    again = ask(store, "export", "renew", first["id"], "--valid-until", later(40, 41 * DAY))["export"]
    assert again["provider_key_id"] == first["provider_key_id"] and again["renews"] == first["id"]
    assert again["material_id"] == first["material_id"] and len(fake.keys) == 1
    assert ask(store, "export", "show", first["id"])["superseded_by"] == again["id"]
    assert "Nothing needs attention" in store.cli("export", "status").decode()
    assert fake.material(again["provider_key_id"]) == data.hex()


@pytest.mark.parametrize("kind, type", [
    (FakeAWS, "aes-256"), (FakeAzure, "ec-p256"), (FakeGoogle, "hmac-sha256"), (FakeOpenBao, "aes-256")])
def test_a_rotated_key_brings_its_copies_along(stores, fakes, kind, type):
    """After a rotation a copy is behind, `status` says it, and `renew --rotate` brings the new version."""
    fake = fakes(kind)
    store = clouds.served(stores, fake)
    old, new = clouds.material(type, os.urandom), clouds.material(type, os.urandom)
    name = clouds.imported(store, "app/rotated", type, old)
    first = export(store, fake, name, *target(fake))
    clouds.imported_version(store, name, type, new)
    assert "behind" in store.cli("export", "status").decode()
    second = ask(store, "export", "renew", first["id"], "--rotate")["export"]
    assert second["version"] == 2 and second["state"] in ("proved", "delivered"), second
    assert fake.material(second["provider_key_id"]) == new.hex()
    assert "Nothing needs attention" in store.cli("export", "status").decode()
    assert ask(store, "export", "show", first["id"])["state"] in ("superseded", "proved", "delivered")


def test_aws_uses_the_new_material_after_a_rotation(stores, fakes):
    fake = fakes(FakeAWS)
    store = clouds.served(stores, fake)
    name = clouds.imported(store, "app/rotated", "aes-256", os.urandom(32))
    first = export(store, fake, name)
    clouds.imported_version(store, name, "aes-256", os.urandom(32))
    ask(store, "export", "renew", first["id"], "--rotate")
    (key,) = fake.keys.values()
    assert [key["materials"][one]["state"] for one in key["order"]] == ["NON_CURRENT", "CURRENT"]


def test_a_rotation_offers_to_rotate_the_copies(stores, fakes):
    fake = fakes(FakeOpenBao)
    store = clouds.served(stores, fake)
    name = clouds.imported(store, "app/offer", "aes-256", os.urandom(32))
    record = export(store, fake, name, *target(fake))
    assert "export renew" in store.cli("key", "rotate", name).decode()
    assert ask(store, "export", "status") and record["id"] in store.cli("key", "rotate", name).decode()


def test_a_key_behind_a_copy_is_not_destroyed_by_one_person(stores, fakes):
    fake = fakes(FakeOpenBao)
    store = clouds.served(stores, fake)
    name = clouds.imported(store, "app/held", "aes-256", os.urandom(32))
    record = export(store, fake, name, *target(fake))
    words = store.cli("destination", "delete", f"{fake.name}-prod", expect=1)
    assert "copies" in words, words
    for scope in (("--version", 1), ("--all-versions",)):
        words = store.cli("key", "destroy", name, *scope, expect=5)
        assert "approv" in words and "apr-" in words, words
    assert store.api().show(name)["versions"][0]["state"] == "active"
    # A copy that is gone holds nothing back.
    ask(store, "export", "retire", record["id"])
    store.cli("key", "destroy", name, "--all-versions")
    store.cli("destination", "delete", f"{fake.name}-prod")


class Emulator(localstack.LocalStack):
    """LocalStack's KMS, for `clouds.served`."""

    name, secret_key, session_token = "aws", "test", "token"
    access_key = "AKIAIOSFODNN7EXAMPLE"

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"


def test_localstack_takes_and_proves_keys(stores, report):
    """An emulator of others, which unwraps for real."""
    try:
        emulator = Emulator()
    except RuntimeError as error:
        figures.gap(f"keys into LocalStack: {error}")
        pytest.skip(str(error))
    try:
        store = clouds.served(stores)
        store.environment.update(clouds.credentials(store, emulator))
        store.restart()
        store.cli("destination", "put", "aws-prod", "--provider", "aws", "--region", "eu-central-1",
                  "--endpoint", emulator.url, "--authorities-file", emulator.authorities)
        states = {}
        for type in ("aes-256", "hmac-sha256", "ec-p256", "rsa-2048"):
            data = clouds.material(type, os.urandom)
            name = clouds.imported(store, f"app/{type}", type, data)
            record = export(store, emulator, name)
            states[type] = record["state"]
            if type == "aes-256":
                assert emulator.opens(record["provider_key_id"], data.hex())
        assert states == {"aes-256": "delivered", "hmac-sha256": "proved", "ec-p256": "proved",
                          "rsa-2048": "proved"}
        report("exports into LocalStack", keys=len(states))
    finally:
        emulator.close()
