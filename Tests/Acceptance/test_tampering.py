"""Row 7: the database changed by somebody else: detected or harmless, and never wrong data."""
import concurrent.futures
import http.client
import itertools
import os
import pathlib
import random
import secrets
import shutil
import sqlite3
import tempfile
import time

import pytest
from harness import eventually, pick
from harness.api import Refused
from harness.audit import verdict
from harness.kms import code_of, failure_of
from harness.server import Store

# What an attacker would like to have: looser attributes, another state.
EDITS = {
    "keys": {
        "name": ["'stolen'", "'a'"], "type": ["'aes-128'", "'opaque'", "'nonsense'"],
        "operations": ["'encrypt,decrypt,wrap,unwrap,derive,export,cloud-export'", "''", "'x'"],
        "never_exportable": ["1 - never_exportable"],
        "deletion_protected": ["1 - deletion_protected"],
        "allowed_destinations": ["NULL", "x'00'"], "required_approvals": ["0", "7"],
        "rotation_period": ["NULL", "3600"], "created_at": ["0", "created_at + 1"],
        "deleted_at": ["NULL", "1"], "id": ["randomblob(16)"], "mac": ["zeroblob(32)"],
    },
    "key_versions": {
        "state": ["'active'", "'deactivated'", "'compromised'", "'destroyed'", "'nonsense'"],
        "number": ["number + 100"], "kms_key_id": ["'kw1.aaaaaaaaaaaaaaaaaaaaaaaaaa'"],
        "origin": ["'imported'", "'generated'", "'x'"], "created_at": ["0"],
        "activated_at": ["NULL", "1"], "deactivated_at": ["NULL", "1"], "destroy_at": ["NULL", "1"],
        "destroyed_at": ["NULL", "1"], "check_value": ["x''"], "public_key": ["x''", "x'30'"],
        "material": ["x''", "zeroblob(length(material))"], "mac": ["zeroblob(32)"],
    },
    "seals": {"record": ["x''", "zeroblob(length(record))"], "slot": ["slot + 7"],
              "mac": ["zeroblob(32)"]},
    "keyring_terms": {"number": ["number + 5"], "created_at": ["0"], "wrapped": ["x''"],
                      "mac": ["zeroblob(32)"]},
    "meta": {"name": ["name || 'x'"], "value": ["x''", "zeroblob(length(value))"],
             "mac": ["zeroblob(32)"]},
    "audit_entries": {"entry": ["CAST(replace(entry, 'allowed', 'refused') AS BLOB)", "x''"],
                      "leaf_hash": ["zeroblob(32)"], "idx": ["idx + 1000"]},
    "audit_tiles": {"hash": ["zeroblob(32)"]},
    "audit_checkpoints": {"note": ["x''", "CAST(replace(note, '1', '2') AS BLOB)"], "frontier": ["x''"],
                          "size": ["size + 1"]},
    "state": {"counter": ["counter + 1", "counter - 1", "counter + 1000000"],
              "audit_size": ["audit_size - 1", "audit_size + 1", "0"], "frontier": ["x''"],
              "mac": ["zeroblob(32)"]},
}


CAUGHT = ("sealed", "refused", "uninitialized", "reported", "harmless")


class Template:
    """A store with something of everything, and what a correct server says about it."""

    def __init__(self, binary):
        self.binary = binary
        self.store = Store(binary, keys=("etcd", "other")).made()
        api = self.store.api()
        self.kms, self.direct, self.refused = [], [], []
        with self.store.plugin("etcd") as plugin:
            for _ in range(4):
                seed = secrets.token_bytes(32)
                self.kms.append((seed, plugin.encrypt(seed)))
                self.direct.append((seed, api.encrypt("etcd", seed)))
                api.rotate("etcd")
            self.refused.append(self.kms[0][1])
            api.destroy("etcd", version=1, after=0)
            self.kms.pop(0)
            self.direct.pop(0)
        # Older copies of rows and of the file, to put back later.
        api.create("locked", never_exportable=True, deletion_protected=True)
        api.create("loose", operations=["encrypt", "decrypt", "export"])
        api.create("suspended")
        api.create("sign", "ed25519")
        api.create("approved", required_approvals=2)
        api.create("aimed", allowed_destinations=["aws"])
        api.create("gone")
        api.destroy("gone", after=0)
        api.create("waits")
        api.destroy("waits", after=86_400)
        api.state("suspended", 1, "suspended")
        api.post("/api/v1/operator/rotate")
        for _ in range(300):
            api.encrypt("etcd", b"fills a tile of the log")
        self.verifier = api.checkpoint()["verifier_key"]
        self.store.stop().fold()
        self.old = self.copy_database()
        self.store.start()
        api.close()
        # After this, the older copy is a rollback that would take a tightening back.
        api.must(api.act("loose", "update", data={
            "operations": ["decrypt"], "never_exportable": True, "deletion_protected": True}))
        api.state("etcd", 2, "compromised")
        self.keys = self.all_keys(api)
        self.store.stop().fold()
        self.database = self.copy_database()

    def copy_database(self):
        return self.store.database.read_bytes()

    @staticmethod
    def all_keys(api):
        found = {}
        for key in api.keys() + api.keys(deleted="true"):
            live = not key.get("deleted_at")
            found[key["id"]] = api.show(key["name"]) if live else key
        return found

    def clone(self):
        """The stopped store in a folder of its own."""
        folder = tempfile.mkdtemp(prefix="kw-", dir="/tmp")
        copy = Store(self.binary, folder=folder, keys=("etcd", "other"))
        shutil.copytree(self.store.data, copy.data, symlinks=True)
        os.chmod(copy.data, 0o700)
        copy.key_file.write_bytes(self.store.key_file.read_bytes())
        copy.database.write_bytes(self.database)
        return copy

    # The verdict

    def judge(self, change):
        """Starts a server on a changed copy: `sealed`, `refused`, `reported` or `harmless`.

        Raises AssertionError if it says or does anything that the unchanged store would not.
        """
        copy = self.clone()
        try:
            change(copy)
            return self._judge(copy)
        finally:
            copy.remove()

    def _judge(self, copy):
        copy.launch()
        api = copy.api(timeout=60)
        status = self._settled(copy, api)
        if status is None:
            words = copy.log()
            assert copy.process.returncode in (1, 70), (copy.process.returncode, words)
            assert "keyward:" in words and len(words) > 30, words
            return "refused"
        if not status["initialized"]:
            # The database is gone or empty: nothing is served, and no new store takes its place
            # while the anchor tells of an old one.
            with copy.plugin("etcd") as plugin:
                assert code_of(plugin.status) in ("FAILED_PRECONDITION", "UNAVAILABLE")
            answer = api.post(
                "/api/v1/operator/init", octets=b"", seal="key-file", shares=1, threshold=1)
            assert answer.status in (409, 503), f"a new store was made: {answer.body}"
            assert "anchor" in answer.words or "already" in answer.words, answer.body
            return "uninitialized"
        if status["sealed"]:
            # The store is closed and says why; nothing can be got.
            assert status.get("reason"), status
            with copy.plugin("etcd") as plugin:
                assert code_of(plugin.status) in ("FAILED_PRECONDITION", "UNAVAILABLE")
                assert code_of(plugin.open, self.kms[0][1]) in (
                    "FAILED_PRECONDITION", "UNAVAILABLE")
            assert api.get("/api/v1/keys").status == 503
            return "sealed"
        loud = self._differences(copy, api)
        try:
            clean, _ = verdict(api.export(), self.verifier)
        except (http.client.IncompleteRead, Refused):
            # A log that does not verify is cut off, so that a part is not taken for the whole.
            clean = False
        report = api.post("/api/v1/fsck")
        if report.status == 200 and not report.json["ok"]:
            finding = report.json["findings"][0]
            assert finding["table"] and finding["problem"]
            return "reported"
        if not clean:
            return "reported"
        assert not loud, f"wrong and not noticed: {loud}"
        return "harmless"

    @staticmethod
    def _settled(copy, api):
        """The status once the automatic unseal is over; None if the server ended."""
        def look():
            if copy.process.poll() is not None:
                return "ended"
            try:
                status = api.status()
            except (OSError, Refused):
                return None
            if not status["initialized"] and time.monotonic() - copy.started_at > 2:
                return status
            return status if not status["sealed"] or status.get("reason") else None

        status = eventually(look, 20, what="a status that says why it is sealed")
        return None if status == "ended" else status

    def _differences(self, copy, api):
        """What an unsealed server shows that is not as it was; wrong data is an error at once."""
        loud = []
        try:
            found = self.all_keys(api)
        except Refused as error:
            return [str(error)]
        for id_, key in found.items():
            assert id_ in self.keys, f"a key out of nowhere: {key}"
            was = self.keys[id_]
            assert set(key["operations"]) <= set(was["operations"]), "gained an operation"
            for limit in ("never_exportable", "deletion_protected"):
                assert key[limit] or not was[limit], f"lost {limit}"
            assert key["required_approvals"] >= was["required_approvals"]
            assert key.get("allowed_destinations") == was.get("allowed_destinations")
            if key != was:
                loud.append(f"{was} became {key}")
        loud += [f"{self.keys[id_]['name']} is missing" for id_ in set(self.keys) - set(found)]
        with copy.plugin("etcd") as plugin:
            for seed, sealed in self.kms:
                code = code_of(lambda: self._same(plugin.open(sealed), seed))
                if code != "OK":
                    loud.append(f"a ciphertext does not open: {code}")
            for sealed in self.refused:
                assert failure_of(plugin.open, sealed), "a destroyed version came back"
        for seed, sealed in self.direct:
            answer = api.act("etcd", "decrypt", octets=sealed)
            if answer.status == 200:
                self._same(answer.body, seed)
            else:
                loud.append(f"a ciphertext does not open: {answer.body}")
        return loud

    @staticmethod
    def _same(found, wanted):
        assert found == wanted, "WRONG PLAINTEXT"


@pytest.fixture(scope="module")
def template(binary):
    made = Template(binary)
    yield made
    made.store.remove()


def sql(*statements):
    """A change by the sqlite3 library, as somebody with the file would do it."""
    def change(copy):
        connection = sqlite3.connect(copy.database)
        connection.execute("PRAGMA ignore_check_constraints = ON")
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        connection.close()
    return change


def run(template, cases, report, name, allowed=CAUGHT):
    """Judges all cases, two servers at a time; the counts by verdict."""
    counts, problems = {}, []

    def one(case):
        label, change = case
        try:
            return template.judge(change)
        except sqlite3.Error:
            # The file itself does not take the change: nothing to judge.
            return "impossible"
        except AssertionError as error:
            problems.append(f"{label}: {error}")
            return "WRONG"

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for (label, _), outcome in zip(cases, pool.map(one, cases)):
            counts[outcome] = counts.get(outcome, 0) + 1
            if outcome not in (*allowed, "impossible", "WRONG"):
                problems.append(f"{label}: {outcome}")
    report(name, cases=len(cases), **counts)
    assert not problems, "\n".join(problems[:10])
    return counts


def test_the_unchanged_copy_is_harmless(template, report):
    """The judge itself: without a change nothing is found, and with a blunt one something is."""
    assert template.judge(lambda copy: None) == "harmless"
    assert template.judge(sql("UPDATE keys SET mac = zeroblob(32)")) == "sealed"


def rows(template, table):
    with tempfile.NamedTemporaryFile(dir="/tmp") as file:
        pathlib.Path(file.name).write_bytes(template.database)
        connection = sqlite3.connect(file.name)
        columns = [each[1] for each in connection.execute(f"PRAGMA table_info({table})")]
        keys = [each[1] for each in connection.execute(f"PRAGMA table_info({table})") if each[5]]
        picked = connection.execute(f"SELECT {', '.join(keys)} FROM {table}").fetchall()
        connection.close()
    where = [" AND ".join(f"{key} = {quoted(value)}" for key, value in zip(keys, row))
             for row in picked]
    return columns, where


def quoted(value):
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"


@pytest.mark.timeout(pick(280, 3600))
def test_edited_cells(template, report):
    cases = []
    for table, columns in EDITS.items():
        _, where = rows(template, table)
        some = where if len(where) <= pick(3, 50) else random.Random(1).sample(where, pick(3, 50))
        if table in ("keys", "key_versions", "meta"):
            some = where if pick(0, 1) else some[:2]
        for column, values in columns.items():
            for value, row in itertools.product(values, some):
                cases.append((f"{table}.{column} = {value} WHERE {row}", sql(
                    f"UPDATE {table} SET {column} = {value} WHERE {row}")))
    if not pick(0, 1):
        # The quick form tries each column once.
        seen, few = set(), []
        for label, change in cases:
            column = label.split(" WHERE ")[0]
            if column not in seen:
                seen.add(column)
                few.append((label, change))
        cases = few
    run(template, cases, report, "tampering-edits")


@pytest.mark.timeout(pick(280, 3600))
def test_exchanged_cells(template, report):
    generator, cases = random.Random(3), []
    for table in EDITS:
        columns, where = rows(template, table)
        pairs = list(itertools.combinations(where, 2))
        for column in columns:
            for one, two in generator.sample(pairs, min(len(pairs), pick(1, 20))):
                steps, spare = exchange(table, column, one, two)
                cases.append((f"{table}.{column}: {one} and {two}", sql(
                    f"CREATE TEMP TABLE swap AS SELECT (SELECT {column} FROM {table} WHERE {one}) a,"
                    f" (SELECT {column} FROM {table} WHERE {two}) b, {spare} spare", *steps)))
    run(template, cases, report, "tampering-exchanges")


def exchange(table, column, one, two):
    if column in ("id", "key_id", "number", "name", "idx", "size", "slot", "kms_key_id"):
        # Unique: the second goes out of the way first, then takes the first's place.
        away = {"id": "randomblob(16)", "key_id": "randomblob(16)",
                "name": "'zz' || hex(randomblob(4))",
                "kms_key_id": "'kw1.' || substr(lower(hex(randomblob(16))), 1, 26)"}
        spare = away.get(column, "900000")
        # The row's own key changes, so what `two` was is found by the spare value.
        return [
            f"UPDATE {table} SET {column} = (SELECT spare FROM temp.swap) WHERE {two}",
            f"UPDATE {table} SET {column} = (SELECT b FROM temp.swap) WHERE {one}",
            f"UPDATE {table} SET {column} = (SELECT a FROM temp.swap)"
            f" WHERE {column} = (SELECT spare FROM temp.swap)",
        ], spare
    return [
        f"UPDATE {table} SET {column} = (SELECT b FROM temp.swap) WHERE {one}",
        f"UPDATE {table} SET {column} = (SELECT a FROM temp.swap) WHERE {two}",
    ], "NULL"


@pytest.mark.timeout(pick(280, 3600))
def test_removed_and_added_rows(template, report):
    cases = []
    for table in EDITS:
        _, where = rows(template, table)
        some = where if pick(0, 1) and len(where) < 60 else [where[0], where[-1]]
        for row in dict.fromkeys(some):
            cases.append((f"DELETE {table} {row}", sql(f"DELETE FROM {table} WHERE {row}")))
        cases.append((f"DELETE all of {table}", sql(f"DELETE FROM {table}")))
        cases.append((f"DROP {table}", sql(f"DROP TABLE {table}")))
    cases += [
        ("a second key of the same name", sql(
            "DROP INDEX keys_live_name",
            "INSERT INTO keys SELECT randomblob(16), name, type, operations, 0, 0,"
            " allowed_destinations, 0, rotation_period, created_at, deleted_at, mac"
            " FROM keys WHERE name = 'locked'")),
        ("a version of another key", sql(
            "DROP INDEX key_versions_kms_key_id",
            "INSERT INTO key_versions SELECT (SELECT id FROM keys WHERE name = 'other'), 9,"
            " kms_key_id, state, origin, created_at, activated_at, deactivated_at, destroy_at,"
            " destroyed_at, check_value, public_key, material, mac FROM key_versions"
            " WHERE number = 2 LIMIT 1")),
        ("a forged journal", sql("INSERT INTO sealed_journal VALUES (1, x'7b7d')")),
        ("a trigger", sql(
            "CREATE TRIGGER t AFTER INSERT ON audit_entries BEGIN DELETE FROM keys; END")),
        ("a view in place of a table", sql(
            "ALTER TABLE quarantine RENAME TO q2", "CREATE VIEW quarantine AS SELECT * FROM q2")),
        ("an unknown table", sql("CREATE TABLE more (x)")),
        ("a lost index", sql("DROP INDEX keys_live_name")),
    ]
    run(template, cases, report, "tampering-rows")


def test_older_copies(template, report):
    def put_back(copy):
        copy.database.write_bytes(template.old)

    def with_no_anchor(copy):
        put_back(copy)
        (copy.data / "anchor").unlink()

    def with_zeroed_anchor(copy):
        put_back(copy)
        (copy.data / "anchor").write_bytes(bytes(1024))

    def old_row(copy):
        """A row of the older file into the newer one: with its own, valid MAC."""
        older = copy.folder / "older.db"
        older.write_bytes(template.old)
        sql(f"ATTACH '{older}' AS o", "PRAGMA foreign_keys = OFF",
            "REPLACE INTO main.keys SELECT * FROM o.keys WHERE name = 'loose'")(copy)

    def old_version_row(copy):
        older = copy.folder / "older.db"
        older.write_bytes(template.old)
        sql(f"ATTACH '{older}' AS o",
            "REPLACE INTO main.key_versions SELECT * FROM o.key_versions WHERE number = 2")(copy)

    def old_state_too(copy):
        older = copy.folder / "older.db"
        older.write_bytes(template.old)
        sql(f"ATTACH '{older}' AS o",
            "REPLACE INTO main.keys SELECT * FROM o.keys WHERE name = 'loose'",
            "REPLACE INTO main.state SELECT * FROM o.state")(copy)

    cases = [("older file", put_back), ("older file, no anchor", with_no_anchor),
             ("older file, zeroed anchor", with_zeroed_anchor), ("older row", old_row),
             ("older version row", old_version_row), ("older row and state", old_state_too)]
    run(template, cases, report, "tampering-rollback", allowed=("sealed",))


def test_an_older_copy_is_accepted_only_by_word(template):
    """The operator may accept a rollback, audited; and the server says what it is first."""
    copy = template.clone()
    try:
        copy.database.write_bytes(template.old)
        copy.start(ready=False)
        api = copy.api()
        status = template._settled(copy, api)
        assert "older" in status["reason"]
        refused = api.unseal_answer()
        assert refused.code == "rollback_detected" and "accept" in refused.words
        assert api.unseal(accept="rollback")["sealed"] is False
        assert any(entry["operation"] == "operator:unseal" and entry["outcome"] == "allowed"
                   for entry in api.audit(300))
        for seed, sealed in template.direct:
            assert api.decrypt("etcd", sealed) == seed
        copy.restart()
    finally:
        copy.remove()


@pytest.mark.timeout(pick(280, 12 * 3600))
def test_flipped_bytes(template, report):
    seed = random.SystemRandom().randrange(1 << 32)
    generator, cases = random.Random(seed), []
    size = len(template.database)
    # Every byte of the header, and of the rest a sample.
    positions = list(range(0, 100, pick(4, 1)))
    positions += generator.sample(range(100, size), min(size - 100, pick(100, 64 << 10)))
    for position in positions:
        def change(copy, position=position, bit=generator.randrange(8)):
            data = bytearray(template.database)
            data[position] ^= 1 << bit
            copy.database.write_bytes(data)
        cases.append((f"byte {position} of {size}", change))
    run(template, cases, report, f"tampering-flips-{seed}")


def test_cut_files(template, report):
    size, cases = len(template.database), []
    for length in [0, 1, 15, 16, 99, 100, 511, 512, *range(4096, size, pick(size // 12, 512))]:
        cases.append((f"cut at {length}", lambda copy, length=length: os.truncate(
            copy.database, length)))
    cases.append(("grown", lambda copy: copy.database.write_bytes(
        template.database + secrets.token_bytes(8192))))
    cases.append(("replaced by noise", lambda copy: copy.database.write_bytes(
        secrets.token_bytes(size))))
    cases.append(("removed", lambda copy: copy.database.unlink()))
    counts = run(template, cases, report, "tampering-cuts")
    assert counts.get("harmless", 0) <= 1


def test_fsck_names_the_row(template, report):
    """Offline, with the key file: the table, the row and the problem."""
    ids = {key["name"]: id_ for id_, key in template.keys.items()}
    named = {
        "UPDATE keys SET deletion_protected = 0 WHERE name = 'locked'": ("keys", ids["locked"]),
        "UPDATE key_versions SET state = 'active' WHERE state = 'suspended'":
            ("key_versions", ids["suspended"] + "/1"),
        "UPDATE key_versions SET material = zeroblob(93) WHERE number = 3":
            ("key_versions", ids["etcd"] + "/3"),
        "UPDATE keyring_terms SET created_at = 1 WHERE number = 1": ("keyring_terms", "1"),
        "UPDATE meta SET value = x'00' WHERE name = 'audit_origin'": ("meta", "audit_origin"),
        "UPDATE audit_entries SET entry = CAST(replace(entry, 'allowed', 'refused') AS BLOB)"
        " WHERE idx = 17": ("audit_entries", "17"),
        "DELETE FROM keys WHERE name = 'approved'": ("key", ""),
        "DELETE FROM audit_entries WHERE idx = 21": ("audit_entries", "21"),
        "UPDATE state SET counter = counter + 1": ("state", ""),
    }
    found = 0
    for statement, (table, row) in named.items():
        copy = template.clone()
        try:
            sql(statement)(copy)
            words = copy.cli("fsck", "--data-dir", copy.data, "--key-file", copy.key_file, expect=7)
            lines = [line for line in words.splitlines() if line.startswith("error")]
            assert any(table in line and row in line for line in lines), (statement, words)
            found += 1
        finally:
            copy.remove()
    copy = template.clone()
    try:
        copy.cli("fsck", "--data-dir", copy.data, "--key-file", copy.key_file)
    finally:
        copy.remove()
    report("fsck", damages=len(named), named=found)
