"""Servers that export keys to the fakes of providers, and keys of known material for them."""
import json

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from .server import write_private


def served(stores, *fakes, config=""):
    """A store whose server may speak to these fakes, which it trusts as if they were the providers.

    Providers other than a transit engine have addresses of their own, so this is the one place where a
    server is told to take others: no test of exports starts one in another way.
    """
    store = stores(keys=())
    store.more = (f"unsafe_destination_endpoints: true\n"
                  f"credentials_dir: {store.folder}/credentials\n{config}")
    store.configure()
    store.fakes = fakes
    for fake in fakes:
        store.environment.update(credentials(store, fake))
    store.made()
    for fake in fakes:
        destination(store, fake)
    return store


def credentials(store, fake):
    """The provider's usual variables of the server's process."""
    if fake.name == "aws":
        return {"AWS_ACCESS_KEY_ID": fake.access_key, "AWS_SECRET_ACCESS_KEY": fake.secret_key,
                "AWS_SESSION_TOKEN": fake.session_token}
    if fake.name == "azure":
        return {"AZURE_TENANT_ID": fake.tenant, "AZURE_CLIENT_ID": fake.client_id,
                "AZURE_CLIENT_SECRET": fake.client_secret}
    if fake.name == "google":
        file = store.folder / "service-account.json"
        write_private(file, json.dumps(fake.greeting()["service_account"]).encode())
        return {"GOOGLE_APPLICATION_CREDENTIALS": str(file)}
    return {"BAO_ADDR": fake.url, "BAO_TOKEN": fake.token, "BAO_CACERT": str(fake.authorities)}


def place(fake):
    """What `destination put` needs to name the fake's place."""
    return {
        "aws": ["--region", "eu-central-1", "--account", "111122223333"],
        "azure": ["--tenant", getattr(fake, "tenant", ""), "--vault", "payments-kv", "--kek", "byok-kek"],
        "google": ["--project", "keyward-test", "--location", "europe-west1", "--key-ring", "ring",
                   "--protection", "hsm"],
        "openbao": [],
    }[fake.name]


def destination(store, fake, *more, name=None):
    store.cli("destination", "put", name or f"{fake.name}-prod", "--provider", fake.name, *place(fake),
              "--endpoint", fake.url, "--authorities-file", fake.authorities, *more)


def secrets_of(fake):
    """What nobody but the server and the provider may have."""
    return {
        "aws": lambda: [fake.secret_key, fake.session_token],
        "azure": lambda: [fake.client_secret, *fake.tokens],
        "google": lambda: [*fake.tokens],
        "openbao": lambda: [fake.token],
    }[fake.name]()


def ask(store, *arguments, expect=0):
    """What a command says as JSON."""
    words = store.cli(*arguments, "-o", "json", expect=expect)
    # What follows on standard error is for people.
    return json.JSONDecoder().raw_decode(words if expect else words.decode())[0]


MATERIAL = {
    "aes-256": 32, "aes-128": 16, "hmac-sha256": 32, "hmac-sha384": 48, "hmac-sha512": 64,
    "ec-p256": ec.SECP256R1, "ec-p384": ec.SECP384R1, "rsa-2048": 2048, "rsa-3072": 3072}
OPERATIONS = {"aes": "encrypt,decrypt", "hmac": "mac,mac-verify", "ec": "sign,verify", "rsa": "sign,verify"}


def material(type, random):
    """New bytes of a type, as they leave: raw, or canonical PKCS#8."""
    kind = MATERIAL[type]
    if type.startswith("rsa"):
        key = rsa.generate_private_key(65537, kind)
    elif type.startswith("ec"):
        key = ec.generate_private_key(kind())
    else:
        return random(kind)
    return key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def imported(store, name, type, data, rights="cloud-export", destinations=()):
    """Brings in a key of known material, with the right to leave."""
    take(store, name, data, "--type", type, "--format", form(type),
         "--operations", f"{OPERATIONS[type.split('-')[0]]},{rights}")
    for each in destinations:
        store.cli("key", "update", name, "--allowed-destination", each)
    return name


def imported_version(store, name, type, data):
    """Brings in the next version of such a key, as a rotation of known material."""
    take(store, name, data, "--new-version", "--format", form(type))


def form(type):
    return "raw" if type.startswith(("aes", "hmac")) else "pkcs8"


def take(store, name, data, *options):
    file = store.folder / "material"
    write_private(file, data)
    store.cli("key", "import", name, "--in", file, *options)
    file.unlink()
