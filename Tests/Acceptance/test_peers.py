"""Row 6: a process of another uid is refused, whatever the modes of sockets and folders."""
import os

import pytest
from harness.kms import Plugin
from harness.users import NOBODY, probe

HTTP = b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"
# The preface and empty settings: any HTTP/2 server answers with its own settings.
HTTP2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")

pytestmark = pytest.mark.root


def open_to_all(store):
    """Takes every protection away but SO_PEERCRED."""
    os.chmod(store.folder, 0o755)
    for path in [store.admin_path, *store.sockets.values()]:
        if not path.startswith("@"):
            os.chmod(path, 0o777)


@pytest.fixture
def opened(stores):
    store = stores(keys=("etcd", "abstract"))
    store.sockets["abstract"] = f"@keyward-peers-{os.getpid()}"
    store.configure()
    store.made()
    open_to_all(store)
    return store


def cases(store):
    return {
        store.sockets["etcd"]: HTTP2, store.sockets["abstract"]: HTTP2, store.admin_path: HTTP,
    }


def test_another_uid_is_refused(opened, report):
    for path, payload in cases(opened).items():
        allowed = probe(path, payload, uid=0)
        assert allowed["received"], f"the probe itself does not work on {path}"
        refused = probe(path, payload)
        # It reaches the socket, and gets not one byte.
        assert refused["connected"] and not refused["received"], (path, refused)
    for path in (opened.sockets["etcd"], opened.sockets["abstract"]):
        with Plugin(path) as plugin:
            assert plugin.status().healthz == "ok"
    metrics = opened.api().get("/metrics").body.decode()
    line = [line for line in metrics.splitlines()
            if line.startswith("keyward_http_refused_peers_total")]
    assert line == ['keyward_http_refused_peers_total{listener="admin"} 1']
    report("other-uid", sockets=3, refused=3)


def test_many_refusals_do_not_hurt_others(opened):
    with opened.plugin("etcd") as plugin:
        for _ in range(20):
            probe(opened.sockets["etcd"], HTTP2)
            assert plugin.status().healthz == "ok"


def test_the_allowed_uid_gets_in_and_no_other(stores):
    """The other way round: the same probe is answered when its uid is on the list."""
    store = stores()
    store.kms_more["etcd"] = [f"allowed_uids: [{NOBODY}]"]
    store.configure()
    store.made()
    open_to_all(store)
    assert probe(store.sockets["etcd"], HTTP2)["received"]
    assert not probe(store.admin_path, HTTP)["received"]
    # Root is not on this list.
    assert not probe(store.sockets["etcd"], HTTP2, uid=0)["received"]


def test_modes_of_what_the_server_makes(store):
    assert os.stat(store.data).st_mode & 0o777 == 0o700
    for path in [store.admin_path, *store.sockets.values(),
                 *(store.data / name for name in os.listdir(store.data))]:
        assert os.stat(path).st_mode & 0o077 == 0, path
