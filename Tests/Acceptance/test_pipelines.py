"""docs/pipelines/secrets.md, carried out: one repository, five CI systems, three environments, three values."""
import base64
import dataclasses
import http.server
import json
import os
import re
import ssl
import subprocess
import threading
import urllib.parse

import pytest
import yaml
from harness import docs
from harness.clock import Clock
from harness.issuer import AUDIENCE, Issuer
from harness.tls import Authority, free_port
from test_recipes import AZURE, GITHUB, GITLAB, JENKINS, apply, put, service_account, shown

PAGE = "pipelines/secrets.md"
ENVIRONMENTS = ["dev", "staging", "prod-eu"]
# Something that careless quoting would break.
VALUES = {name: f"pa'ss \"{name}\"\n--- $(id) \\ {{{{ x }}}} é" for name in ENVIRONMENTS}


class Platform:
    """The token service of a CI system, over TLS, which gives a JWT to who shows the right bearer."""

    def __init__(self, store):
        platform = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                url = urllib.parse.urlsplit(self.path)
                platform.asked.append((self.command, url.path, urllib.parse.parse_qs(url.query)))
                good = self.headers.get("Authorization") == f"Bearer {platform.bearer}"
                body = json.dumps({platform.member: platform.token} if good else {}).encode()
                self.send_response(200 if good else 401)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = answer

            def log_message(self, *arguments):
                pass

        self.asked, self.bearer, self.member, self.token = [], "platform-bearer", "", ""
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(store.certificate, store.tls_key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@dataclasses.dataclass
class Job:
    """A job of a CI system in one environment: its token, and the variables that its system sets."""

    system: str
    environment: str
    token: str
    # What the audit log must say of it.
    claims: dict
    named: bool = False

    def variables(self, store, platform):
        file = store.folder / f"{self.system}-{self.environment}.jwt"
        if self.system == "gitlab":
            return {"GITLAB_CI": "true", "KEYWARD_ID_TOKEN": self.token}
        if self.system == "jenkins":
            file.write_text(self.token)
            return {"JENKINS_URL": "https://jenkins.example.com/", "KEYWARD_ID_TOKEN_FILE": str(file)}
        if self.system == "github":
            platform.member, platform.token = "value", self.token
            return {"GITHUB_ACTIONS": "true",
                    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": platform.bearer,
                    "ACTIONS_ID_TOKEN_REQUEST_URL": f"{platform.url}/token?api-version=2.0"}
        if self.system == "azure":
            platform.member, platform.token = "oidcToken", self.token
            return {"TF_BUILD": "True", "SYSTEM_ACCESSTOKEN": platform.bearer,
                    "SYSTEM_OIDCREQUESTURI": f"{platform.url}/oidctoken",
                    "KEYWARD_ENV": self.environment}
        return {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}


class Shop:
    """A server with the page's environments, values and policy, and a checkout of the repository."""

    def __init__(self, store):
        self.store = store
        store.clock = Clock(store)
        store.authority = Authority("test authority")
        store.certificate, store.tls_key = store.folder / "tls.crt", store.folder / "tls.key"
        store.authority.server().write(store.certificate, store.tls_key)
        self.cacert = store.folder / "authority.crt"
        self.cacert.write_bytes(store.authority.pem)
        store.port = free_port()
        store.more = (
            f"https:\n  listen: 127.0.0.1:{store.port}\n  certificate: {store.certificate}\n"
            f"  key: {store.tls_key}\n")
        store.configure()
        store.made()
        self.platform = Platform(store)
        self.checkout = store.folder / "checkout"
        (self.checkout / "deploy").mkdir(parents=True)
        (self.checkout / "deploy/web.yaml").write_text(docs.marked(PAGE, "yaml", "manifest")[0].text)
        (self.checkout / "keyward.yaml").write_text(docs.marked(PAGE, "yaml", "project")[0].text)
        for words in docs.commands(PAGE, "environment", "put"):
            store.cli("environment", "put", *words)
        for environment, value in VALUES.items():
            file = store.folder / f"password-{environment}"
            file.write_text(value)
            store.cli("secret", "put", "payments/db", "--env", environment,
                      "--field", f"password={file}")
        self.bin = store.folder / "bin"
        self.bin.mkdir()
        self.tool("keyward", f'exec {store.binary} "$@"')
        self.jobs = list(self.make_jobs())
        apply(store, docs.policy(PAGE) + "---\n" + self.other_azure())

    def tool(self, name, script):
        path = self.bin / name
        path.write_text(f"#!/bin/bash\n{script}\n")
        path.chmod(0o755)

    def make_jobs(self):
        store = self.store
        for recipe, page in ((GITLAB, "gitlab"), (GITHUB, "github-actions"), (AZURE, "azure-pipelines")):
            text, document = shown(f"pipelines/{page}.md", "issuer")
            issuer = Issuer(document["url"])
            # Single use is tried with the recipes: it needs two minutes of the clock.
            pinned = re.sub("single_use: true\n", "", text.replace(
                "discovery: true", "key_set_file: jwks.json"))
            put(store, "issuer", pinned, {"jwks.json": issuer.key_set})
            for number, environment in enumerate(ENVIRONMENTS):
                claims = {**recipe.claims, "environment": environment}
                seen = {"gitlab": {"claim:project_id": "4711", "claim:ref": "main"},
                        "github-actions": {"claim:repository_id": "730142",
                                           "claim:ref": "refs/heads/main"},
                        "azure-pipelines": {"claim:rpo_ref": "refs/heads/main"}}[page]
                if recipe is GITHUB:
                    claims["sub"] = f"repo:octo-org/payments:environment:{environment}"
                if recipe is AZURE:
                    claims = {**recipe.claims, "def_id": str(40 + number),
                              "sub": f"p://contoso/payments/release-{environment}"}
                yield Job(page.split("-")[0], environment,
                          issuer.token(claims, recipe.audience, recipe.lifetime), seen,
                          recipe is AZURE)
        for environment in ENVIRONMENTS:
            text, document = shown("pipelines/jenkins.md", "issuer")
            mine = text.replace("prod-eu", environment)
            issuer = Issuer(yaml.safe_load(mine)["url"])
            put(store, "issuer", mine.replace("discovery: true", "key_set_file: jwks.json"),
                {"jwks.json": issuer.key_set})
            sub = f"https://jenkins.example.com/job/{environment}/job/payments/job/main/"
            claims = {**JENKINS.claims, "sub": sub}
            yield Job("jenkins", environment, issuer.token(claims, AUDIENCE, 3600),
                      {"claim:sub": sub})
        for environment in ENVIRONMENTS:
            issuer = Issuer("https://kubernetes.default.svc.cluster.local")
            text = (f"name: cluster-{environment}\nenvironment: {environment}\nissuers:\n"
                    "  - name: kubernetes\n    preset: kubernetes\n"
                    f"    url: {issuer.url}\n    audiences: [{AUDIENCE}]\n"
                    "    key_set_file: jwks.json\n")
            put(store, "cluster", text, {"jwks.json": issuer.key_set})
            yield Job("kubernetes", environment,
                      issuer.token(service_account("payments", "deployer"), [AUDIENCE], 3600),
                      {"claim:namespace": "payments"})

    @staticmethod
    def other_azure():
        """The page shows Azure's role and binding for prod-eu; the others are alike."""
        block = docs.marked(PAGE, "yaml", "policy")[1].text
        return "---\n".join(
            block.replace("prod-eu", environment).replace('["42"]', f'["{40 + number}"]')
            for number, environment in enumerate(ENVIRONMENTS[:2]))

    def run(self, job, *command, expect=0, data=None, more=None):
        """A command in the shell of a job, with KEYWARD_ADDR and what its system sets; the result."""
        environment = {
            "PATH": f"{self.bin}:{os.environ.get('PATH', '')}", "SWIFT_BACKTRACE": "enable=no",
            "HOME": str(self.store.folder / "home"), "KEYWARD_CACERT": str(self.cacert),
            "KEYWARD_OIDC_CACERT": str(self.cacert), "KEYWARD_AUDIENCE": AUDIENCE,
            "KEYWARD_ADDR": f"https://127.0.0.1:{self.store.port}",
            **job.variables(self.store, self.platform), **(more or {})}
        command = list(map(str, command))
        if job.system == "kubernetes":
            # The file where a pod has it, in a mount namespace of its own.
            (self.store.folder / "token").write_text(job.token)
            script = ("mount -t tmpfs none /run && mkdir -p /run/secrets/keyward && "
                      f"cp {self.store.folder}/token /run/secrets/keyward/token && exec \"$@\"")
            command = ["unshare", "--mount", "sh", "-ec", script, "sh", *command]
        result = subprocess.run(command, cwd=self.checkout, env=environment, input=data,
                                capture_output=True, timeout=90)
        words = (result.stdout + result.stderr).decode(errors="replace")
        assert result.returncode == expect, f"{job.system} {command}: {result.returncode}: {words}"
        return result


@pytest.fixture
def shop(stores):
    return Shop(stores())


def password(manifests):
    """What the Secret of rendered manifests holds."""
    secret, deployment = yaml.safe_load_all(manifests)
    value = secret["stringData"]["password"]
    assert secret["stringData"]["url"] == (
        f"postgres://app:{urllib.parse.quote(value, safe='')}@db:5432/payments")
    assert deployment["spec"]["template"]["spec"]["containers"][0]["name"] == "web"
    return value


def test_three_environments_of_five_systems(shop, report):
    """The same files deploy to three environments and get three values; each fetch has its entry."""
    source = (shop.checkout / "deploy/web.yaml").read_bytes()
    for job in shop.jobs:
        plan = json.loads(shop.run(
            job, "keyward", "render", "--plan", "-o", "json", "deploy/web.yaml").stdout)
        assert (plan["environment"], plan["complete"]) == (job.environment, True), job
        assert plan["production"] == (job.environment == "prod-eu")
        for value in VALUES.values():
            assert value not in json.dumps(plan)
        rendered = shop.run(job, "keyward", "render", "deploy/web.yaml").stdout
        assert password(rendered.decode()) == VALUES[job.environment], job
        # Everything but the two values is as it was.
        kept = [line for line in source.splitlines() if b"kw://" not in line]
        assert [line for line in rendered.splitlines() if line in kept] == kept
        value = shop.run(job, "keyward", "get", "kw://payments/db#password").stdout
        assert value.decode() == VALUES[job.environment]
    assert (shop.checkout / "deploy/web.yaml").read_bytes() == source
    # GitHub was asked for Keyward's own audience, Azure for the version of its API.
    queries = [query for _, _, query in shop.platform.asked]
    assert {"audience": [AUDIENCE], "api-version": ["2.0"]} in queries
    assert {"api-version": ["7.1"]} in queries
    entries = read_entries(shop)
    for job in shop.jobs:
        mine = [entry for entry in entries
                if f"secrets/{job.environment}/payments/db" in json.dumps(entry)
                and job.system in json.dumps(entry)]
        # A rendering and a get; a plan gives nothing away.
        assert len(mine) >= 2, (job, len(mine))
        text = json.dumps(mine[0])
        for claim, value in job.claims.items():
            assert claim.split(":")[1] in text and value in text, (job.system, claim, text[:2000])
    report("pipelines", jobs=len(shop.jobs), entries=len(entries))


def read_entries(shop):
    text = shop.store.cli("audit", "list", "-o", "json", "--limit", "1000")
    document = json.loads(text)
    entries = document["entries"] if isinstance(document, dict) else document
    return [entry for entry in entries if "secret:read" in json.dumps(entry)]


def test_a_job_of_dev_does_not_reach_prod(shop):
    """The refusal says which rule was missing, and nothing is written."""
    for job in shop.jobs:
        if job.environment != "dev":
            continue
        result = shop.run(job, "keyward", "render", "--env", "prod-eu", "deploy/web.yaml", expect=5)
        words = result.stderr.decode()
        assert result.stdout == b"" and "prod-eu" in words
        assert "deploy/web.yaml:5:13: kw://payments/db#password" in words, words
        assert re.search(r"nearest payments-deploy-\S+/payments-deployer\S*#0: resource", words), words
        plan = shop.run(job, "keyward", "get", "--plan", "--env", "prod-eu",
                        "kw://payments/db#password", expect=5)
        assert b"forbidden" in plan.stdout
        for value in VALUES.values():
            assert value not in words and value not in plan.stdout.decode()


def test_it_says_what_it_did(shop):
    for job in shop.jobs[::3]:
        words = shop.run(job, "keyward", "get", "-v", "kw://payments/db#password").stderr.decode()
        assert "the server is https://127.0.0.1" in words and "using the JWT" in words, words
        assert job.token not in words and shop.platform.bearer not in words
        assert not list((shop.store.folder / "home").rglob("*")), "a token was stored"
    job = shop.jobs[0]
    words = shop.run(dataclasses.replace(job, system="nowhere"), "keyward", "get", "-v",
                     "kw://payments/db#password", expect=5).stderr.decode()
    assert "KEYWARD_ID_TOKEN is not set" in words


def test_a_platform_that_gives_nothing_is_named(shop):
    (job,) = [job for job in shop.jobs if (job.system, job.environment) == ("github", "dev")]
    words = shop.run(job, "keyward", "get", "kw://payments/db#password", expect=3,
                     more={"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "wrong"}).stderr.decode()
    assert "The platform gave no token" in words and "status 401" in words
    words = shop.run(job, "keyward", "get", "-v", "kw://payments/db#password", expect=5,
                     more={"ACTIONS_ID_TOKEN_REQUEST_URL": ""}).stderr.decode()
    assert "id-token: write" in words


# The scripts of the page


def scripts():
    """(system, script) for each line of a pipeline that starts keyward."""
    found = []
    for language in ("yaml", "groovy", "sh", "json", "hcl"):
        for block in docs.marked(PAGE, language, "pipeline"):
            system = block.words[1]
            if language == "groovy":
                found += [(system, line) for line in re.findall(r"sh '(.*)'", block.text)]
            elif language == "hcl":
                (line,) = re.findall(r"program = (\[.*\])", block.text)
                found.append((system, json.loads(line)))
            elif language == "sh":
                found += [(system, line) for line in block.text.splitlines()]
            else:
                found += [(system, line) for line in commands(list(yaml.safe_load_all(block.text)))]
    return found


def commands(node):
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("run", "bash", "script") and not isinstance(value, dict):
                yield from [value] if isinstance(value, str) else value
            elif key == "command":
                yield value
            else:
                yield from commands(value)
    elif isinstance(node, list):
        for item in node:
            yield from commands(item)


def test_the_page_has_a_script_of_each_system():
    systems = {system for system, _ in scripts()}
    assert systems == {"gitlab", "github", "jenkins", "azure", "kubernetes", "helm", "argocd",
                       "spinnaker", "terraform", "pulumi", "bundle"}
    for system in systems - {"terraform", "bundle"}:
        first = next(script for name, script in scripts() if name == system)
        assert "--plan" in str(first), f"{system} does not begin with a plan"


def test_the_scripts_of_the_page(shop):
    """Each line, in a job of its system, with stand-ins for the programs that are not Keyward."""
    applied = shop.store.folder / "applied.yaml"
    shop.tool("kubectl", f'if [ "$3" = - ]; then cat; else cat "$3"; fi > {applied}')
    shop.tool("kustomize", "cat deploy/web.yaml")
    shop.tool("helm", 'if [ "$1" = template ]; then cat deploy/web.yaml; else '
                      f'cat deploy/web.yaml | "$6" "$8" > {applied}; fi')
    shop.tool("pulumi", f'printf %s "$DB_PASSWORD" > {applied}')
    (shop.checkout / "migrate").write_text(f'#!/bin/bash\nprintf %s "$DB_PASSWORD" > {applied}\n')
    (shop.checkout / "migrate").chmod(0o755)
    jobs = {job.system: job for job in shop.jobs if job.environment == "prod-eu"}
    value = VALUES["prod-eu"]
    for system, script in scripts():
        if system == "bundle":
            continue
        job = jobs.get(system, jobs["gitlab"])
        line = script if isinstance(script, list) else ["bash", "-eo", "pipefail", "-c", script]
        applied.unlink(missing_ok=True)
        result = shop.run(job, *line)
        if "--plan" in str(script):
            assert not applied.exists() and b"allowed" in result.stdout
            assert value not in result.stdout.decode()
        elif system == "terraform":
            assert json.loads(result.stdout) == {"password": value}
        elif "run" in str(script):
            assert applied.read_text() == value, script
        else:
            # Argo CD takes what the plugin writes.
            text = result.stdout.decode() if system == "argocd" else applied.read_text()
            assert password(text) == value, script
        assert not list(shop.checkout.glob("rendered*"))


def test_deployed_objects_tell_when_they_are_stale(shop):
    (job,) = [job for job in shop.jobs if (job.system, job.environment) == ("gitlab", "staging")]
    deployed = shop.run(job, "keyward", "render", "--annotate", "deploy/web.yaml").stdout
    secret = next(yaml.safe_load_all(deployed))
    assert secret["metadata"]["annotations"] == {
        "keyward.dev/versions": "kw://payments/db?version=1#password"}
    shop.run(job, "keyward", "render", "--check", data=deployed)
    new = shop.store.folder / "new"
    new.write_text("changed")
    shop.store.cli("secret", "put", "payments/db", "--env", "staging", "--field", f"password={new}")
    words = shop.run(job, "keyward", "render", "--check", data=deployed, expect=1).stdout.decode()
    assert re.search(r"payments/Secret/payments-db +kw://payments/db#password +1 +2 +stale", words)
    as_json = json.dumps({"apiVersion": "v1", "kind": "List", "metadata": {}, "items": [secret]})
    shop.run(job, "keyward", "render", "--check", "-", data=as_json.encode(), expect=1)


def test_a_bundle_goes_where_the_server_is_not(shop):
    import pyrage
    store = shop.store
    (job,) = [job for job in shop.jobs if (job.system, job.environment) == ("gitlab", "prod-eu")]
    identity = pyrage.x25519.Identity.generate()
    key = store.folder / "site.key"
    key.write_text(f"# of the site\n{identity}\n")
    key.chmod(0o600)
    store.cli("key", "create", "bundles/signer", "--type", "ed25519")
    signer = store.folder / "signer.pem"
    signer.write_bytes(store.cli("key", "show", "bundles/signer", "--public-key"))
    bundle = store.folder / "prod-eu.bundle"
    store.cli("bundle", "create", "--recipient", identity.to_public(), "--signer-key",
              "bundles/signer", "--expires", "7d", "--env", "prod-eu", "--out", bundle,
              "kw://payments/db")
    text = bundle.read_text()
    assert "environment: prod-eu" in text and "kw://payments/db?version=1#password" in text
    assert base64.b64encode(VALUES["prod-eu"].encode()).decode() not in text
    away = {"PATH": os.environ["PATH"], "HOME": str(store.folder / "away"),
            "KEYWARD_ADDR": "https://127.0.0.1:1"}

    def command(*arguments, expect=0):
        result = subprocess.run([store.binary, "bundle", *map(str, arguments)], env=away,
                                capture_output=True, timeout=60)
        words = (result.stdout + result.stderr).decode(errors="replace")
        assert result.returncode == expect, words
        return result if not expect else words

    opened = command("open", bundle, "--signer", signer, "--identity", key,
                     "kw://payments/db#password")
    assert opened.stdout.decode() == VALUES["prod-eu"]
    assert "keyward bundle report" in opened.stderr.decode()
    journal = store.folder / "away/.local/state/keyward/bundle-journal"
    assert journal.stat().st_mode & 0o777 == 0o600
    assert "kw://payments/db?version=1#password" in journal.read_text()
    manifest = command("open", bundle, "--signer", signer, "--identity", key, "-f", "k8s-secret",
                       "--secret-name", "payments-db", "kw://payments/db").stdout
    data = yaml.safe_load(manifest)["data"]
    assert base64.b64decode(data["password"]).decode() == VALUES["prod-eu"]
    # Without the journal nothing is given.
    journal.unlink()
    journal.mkdir()
    command("open", bundle, "--signer", signer, "--identity", key, "kw://payments/db#password",
            expect=1)
    journal.rmdir()
    # Strangers, other signers and changed bytes.
    stranger = store.folder / "stranger.key"
    stranger.write_text(str(pyrage.x25519.Identity.generate()))
    stranger.chmod(0o600)
    assert "is not for you" in command(
        "open", bundle, "--signer", signer, "--identity", stranger, expect=5)
    store.cli("key", "create", "bundles/other", "--type", "ed25519")
    other = store.folder / "other.pem"
    other.write_bytes(store.cli("key", "show", "bundles/other", "--public-key"))
    assert "not trusted" in command("open", bundle, "--signer", other, "--identity", key, expect=7)
    bundle.write_text(text.replace("expires: 20", "expires: 21"))
    assert "signature" in command("open", bundle, "--signer", signer, "--identity", key, expect=7)
    bundle.write_text(text)
    # Made again: what did not change keeps its line.
    store.cli("bundle", "create", "--recipient", identity.to_public(), "--signer-key",
              "bundles/signer", "--expires", "7d", "--env", "prod-eu", "--out", bundle,
              "--previous", bundle, "--identity", key, "kw://payments/db")
    old, new = text.splitlines(), bundle.read_text().splitlines()
    assert [line for line in old if line.startswith("value")] == [
        line for line in new if line.startswith("value")]
    assert old[-1] != new[-1]
    assert job.environment == "prod-eu"
    # Who has seen the new one takes no older one in its place, unless they say so.
    older = store.folder / "older.bundle"
    older.write_text(text)
    opening = ("--signer", signer, "--identity", key, "kw://payments/db#password")
    command("open", bundle, *opening)
    words = command("open", older, *opening, expect=7)
    assert str(older) in words and "--allow-older" in words and "kw://payments/db#password" in words
    command("open", older, *opening, "--allow-older")
    command("open", older, *opening, expect=7)
    command("open", bundle, *opening)
    floor = store.folder / "away/.local/state/keyward/bundle-floor"
    assert floor.stat().st_mode & 0o777 == 0o600
    # A machine that keeps nothing takes any, and says how new it must be if that matters.
    made = next(line.removeprefix("created: ") for line in new if line.startswith("created: "))
    away["KEYWARD_BUNDLE_FLOOR"] = "/proc/keyward/floor"
    away["KEYWARD_BUNDLE_NOT_BEFORE"] = made
    words = command("open", older, *opening, expect=7)
    assert made in words and VALUES["prod-eu"] not in words
    opened = command("open", bundle, *opening)
    assert opened.stdout.decode() == VALUES["prod-eu"]
    assert "/proc/keyward/floor" in opened.stderr.decode()
    command("open", bundle, *opening, "--not-before", "soon", expect=2)
    command("open", older, *opening, "--not-before", "1h")
    del away["KEYWARD_BUNDLE_FLOOR"], away["KEYWARD_BUNDLE_NOT_BEFORE"]
    # What somebody else signed, or changed, chooses no key for what comes.
    text = bundle.read_text()
    for forged, signer in ((text.replace("expires: 20", "expires: 21"), "bundles/signer"),
                           (text, "bundles/other")):
        bundle.write_text(forged)
        store.cli("bundle", "create", "--recipient", identity.to_public(), "--signer-key", signer,
                  "--expires", "7d", "--env", "prod-eu", "--out", bundle, "--previous", bundle,
                  "--identity", key, "kw://payments/db", expect=5)
        assert bundle.read_text() == forged
    old = store.folder / "signer.pem"
    store.cli("bundle", "create", "--recipient", identity.to_public(), "--signer-key",
              "bundles/other", "--expires", "7d", "--env", "prod-eu", "--out", bundle,
              "--previous", bundle, "--previous-signer", old, "--identity", key, "kw://payments/db")
    # A bundle of another environment is not taken for this one's.
    words = command("open", bundle, "--signer", other, "--identity", key, "--env", "staging",
                    expect=5)
    assert "prod-eu" in words


def test_fields_do_not_steer_the_job(shop):
    """Whoever may write a secret names its fields, and runs nothing by that in who reads it."""
    store = shop.store
    for number, field in enumerate(("bash_env", "path", "ld_preload", "git_ssh_command",
                                    "https_proxy", "home")):
        store.cli("secret", "put", f"payments/steer{number}", "--env", "dev", "--field", f"{field}=-",
                  data=b"$(id)")
        (job,) = [job for job in shop.jobs if (job.system, job.environment) == ("gitlab", "dev")]
        reference = f"kw://payments/steer{number}"
        for form in ("shell", "dotenv", "docker-env", "gitlab-dotenv"):
            done = shop.run(job, "keyward", "get", "-f", form, reference, expect=5)
            assert b"NAME=kw://" in done.stderr and b"$(id)" not in done.stdout + done.stderr
        done = shop.run(job, "keyward", "get", "-f", "dotenv", f"MINE={reference}#{field}")
        assert done.stdout.startswith(b"MINE=")


def test_libcurl_writes_no_keys_of_sessions(shop):
    job = shop.jobs[0]
    log = shop.store.folder / "keys.log"
    script = ["keyward", "run", "--no-project", "--set", "X=kw://payments/db#password", "--",
              "sh", "-c", "test -n \"$X\" && echo \"$SSLKEYLOGFILE\""]
    done = shop.run(job, "env", f"SSLKEYLOGFILE={log}", *script)
    # It is the command's as before, and Keyward's own sessions are not in it.
    assert done.stdout.decode().strip() == str(log) and not log.exists()
