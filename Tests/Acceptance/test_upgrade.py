"""Stores of earlier versions open for good: Tests/Vectors/store has one of each form."""
import pathlib
import shutil

import pytest

VECTORS = pathlib.Path(__file__).parent.parent / "Vectors/store"


@pytest.mark.parametrize("form", sorted(path.name for path in VECTORS.iterdir()))
def test_an_older_store_opens(stores, form):
    """It decrypts what it encrypted, becomes one of today's form, and checks clean before and after."""
    store = stores(keys=())
    store.data.mkdir(mode=0o700)
    for name in ("keyward.db", "anchor"):
        shutil.copyfile(VECTORS / form / name, store.data / name)
        (store.data / name).chmod(0o600)
    store.key_file.write_bytes((VECTORS / form / "dev-seal.key").read_bytes())
    ciphertext = (VECTORS / form / "ciphertext").read_bytes()
    for _ in range(2):
        store.start()
        api = store.api()
        assert api.decrypt("etcd", ciphertext, context="dGVzdA") == b"golden"
        assert [key["name"] for key in api.keys()] == ["etcd", "golden/sign"]
        api.rotate("etcd")
        store.cli("fsck")
        store.stop()
    store.cli("fsck", "--data-dir", store.data, "--key-file", store.key_file)
