"""A stand-in for the server of a fetch, written from the contract: schema/openapi.yaml and docs/run.md.

What `keyward run` does with its command has nothing to do with the server, so those tests need no
store. The fetch itself is tried against the real one.
"""
import http.server
import json
import os
import socketserver
import struct
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def address_string(self):
        return "unix"

    def log_message(self, *_):
        pass

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(request)
        results, values = [], []
        for reference in request["references"]:
            value = self.server.values.get(reference)
            found = value is not None
            results.append({
                "reference": reference, "outcome": "allowed" if found else "missing",
                "rule": "role test, rule 1", "message": None if found else "There is no such secret.",
                "environment": "dev" if found else None, "version": 1 if found else None,
                "kind": "generic" if found else None, "created_at": None, "expires_at": None,
                "values": [{"field": reference.rsplit("#")[-1], "length": len(value)}]
                if found else []})
            if found:
                values.append(value)
        head = json.dumps({
            "environment": "dev", "environment_source": "request", "production": False,
            "complete": all(result["outcome"] == "allowed" for result in results),
            "results": results}).encode()
        body = struct.pack(">I", len(head)) + head + b"".join(values)
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class StandIn(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, folder):
        self.path = os.path.join(folder, "standin.sock")
        self.values, self.requests = {}, []
        super().__init__(self.path, Handler)
        self.thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def get_request(self):
        request, _ = super().get_request()
        return request, ("unix", 0)

    def put(self, name, value):
        reference = f"kw://test/{name}#value"
        self.values[reference] = value
        return reference

    def stop(self):
        self.shutdown()
        self.server_close()
