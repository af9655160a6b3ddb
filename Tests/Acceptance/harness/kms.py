"""A kube-apiserver's view: grpcio with stubs made from the published proto."""
import importlib
import os
import pathlib
import sys
import tempfile

os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc  # noqa: E402
from grpc_tools import protoc  # noqa: E402

from . import ROOT  # noqa: E402

SERVICE = "/v2.KeyManagementService/"


def generate():
    """Makes the stubs in a folder of this run and imports them."""
    proto = ROOT / "schema" / "kms" / "v2"
    folder = tempfile.mkdtemp(prefix="keyward-stubs-")
    code = protoc.main([
        "protoc", f"-I{proto}", f"--python_out={folder}", f"--grpc_python_out={folder}",
        str(proto / "api.proto"),
    ])
    assert code == 0, "protoc refused schema/kms/v2/api.proto"
    sys.path.insert(0, folder)
    modules = importlib.import_module("api_pb2"), importlib.import_module("api_pb2_grpc")
    for file in pathlib.Path(folder).glob("*.py"):
        file.unlink()
    return modules


messages, services = generate()


class Plugin:
    """One channel, which is one connection, to a KMS v2 socket."""

    def __init__(self, path, authority="localhost", timeout=60, options=()):
        target = f"unix-abstract:{path[1:]}" if path.startswith("@") else f"unix:{path}"
        self.timeout = timeout
        self.channel = grpc.insecure_channel(target, options=[
            # A pool of its own: otherwise equal channels share a connection.
            ("grpc.use_local_subchannel_pool", 1),
            # A failure shall be seen; tests that want the transparent retry turn it on.
            *([] if any(name == "grpc.enable_retries" for name, _ in options)
              else [("grpc.enable_retries", 0)]),
            ("grpc.initial_reconnect_backoff_ms", 50),
            ("grpc.min_reconnect_backoff_ms", 50),
            ("grpc.max_reconnect_backoff_ms", 200),
            ("grpc.max_receive_message_length", 16 << 20),
            *([("grpc.default_authority", authority)] if authority else []),
            *options,
        ])
        self.stub = services.KeyManagementServiceStub(self.channel)

    def close(self):
        self.channel.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def status(self, **call):
        return self.stub.Status(messages.StatusRequest(), **self._call(call))

    def encrypt(self, plaintext, uid="", **call):
        request = messages.EncryptRequest(plaintext=plaintext, uid=uid)
        return self.stub.Encrypt(request, **self._call(call))

    def decrypt(self, ciphertext, key_id, annotations=None, uid="", **call):
        request = messages.DecryptRequest(
            ciphertext=ciphertext, key_id=key_id, annotations=annotations or {}, uid=uid)
        return self.stub.Decrypt(request, **self._call(call)).plaintext

    def open(self, sealed, **call):
        """Decrypts what `encrypt` answered."""
        return self.decrypt(sealed.ciphertext, sealed.key_id, dict(sealed.annotations), **call)

    def raw(self, method, payload, **call):
        """Calls any method with any bytes."""
        name = method if method.startswith("/") else SERVICE + method
        return self.channel.unary_unary(name)(payload, **self._call(call))

    def _call(self, call):
        return {"timeout": self.timeout, **call}


def code_of(call, *arguments, **named):
    """The status code name that a call ends with: `OK` or the error's."""
    try:
        call(*arguments, **named)
    except grpc.RpcError as error:
        return error.code().name
    return "OK"


def failure_of(call, *arguments, **named):
    """(code name, details) of a call that must fail."""
    try:
        answer = call(*arguments, **named)
    except grpc.RpcError as error:
        return error.code().name, error.details()
    raise AssertionError(f"the call was answered: {answer!r:.200}")
