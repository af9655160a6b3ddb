"""Acting as another user of the machine."""
import json
import subprocess

NOBODY = 65534

# Runs alone, without the test's packages, which the other user may not be able to read.
PROBE = r"""
import json, os, socket, sys
path, payload = sys.argv[1], bytes.fromhex(sys.argv[2])
out = {"uid": os.getuid(), "connected": False, "received": ""}
wire = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
wire.settimeout(20)
try:
    wire.connect("\0" + path[1:] if path.startswith("@") else path)
    out["connected"] = True
    wire.sendall(payload)
    received = b""
    while len(received) < 9:
        more = wire.recv(4096)
        if not more:
            break
        received += more
    out["received"] = received.hex()
except OSError as error:
    out["error"] = type(error).__name__
print(json.dumps(out))
"""


def probe(path, payload, uid=NOBODY):
    """Connects to a socket as `uid`, sends `payload`, tells what came back."""
    result = subprocess.run(
        ["/usr/bin/python3", "-I", "-S", "-c", PROBE, path, payload.hex()],
        capture_output=True, text=True, check=True, user=uid, group=uid, extra_groups=[],
        env={}, cwd="/")
    answer = json.loads(result.stdout)
    assert answer["uid"] == uid
    return answer
