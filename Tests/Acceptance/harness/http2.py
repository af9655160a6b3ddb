"""gRPC by hand over the h2 library: for what a proper gRPC client cannot be made to send."""
import socket
import struct
import time

import h2.config
import h2.connection
import h2.events
import h2.exceptions


def frame(payload, flag=0, length=None):
    """A gRPC message: flag, length, payload."""
    return struct.pack(">BI", flag, len(payload) if length is None else length) + payload


class Wire:
    """An HTTP/2 connection to a Unix socket, driven step by step."""

    def __init__(self, path, timeout=30):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        self.socket.connect("\0" + path[1:] if path.startswith("@") else path)
        self.timeout = timeout
        # No checks on our side: some of these requests are wrong on purpose.
        config = h2.config.H2Configuration(
            client_side=True, header_encoding="utf-8", validate_outbound_headers=False,
            normalize_outbound_headers=False)
        self.h2 = h2.connection.H2Connection(config)
        self.h2.initiate_connection()
        self.headers, self.data, self.ended, self.closed = {}, {}, set(), False
        self.flush()

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def flush(self):
        self.socket.sendall(self.h2.data_to_send())

    def begin(self, path, headers=(), replace=()):
        """Sends the headers of a call; returns the stream."""
        stream = self.h2.get_next_available_stream_id()
        fields = {
            ":method": "POST", ":scheme": "http", ":path": path, ":authority": "localhost",
            "te": "trailers", "content-type": "application/grpc",
        }
        fields.update(dict(replace))
        fields = {name: value for name, value in fields.items() if value is not None}
        self.h2.send_headers(stream, [*fields.items(), *headers])
        self.flush()
        return stream

    def send(self, stream, data, end=True):
        self.h2.send_data(stream, data, end_stream=end)
        self.flush()

    def run(self, *streams):
        """Reads until all the streams ended or the server hung up."""
        limit = time.monotonic() + self.timeout
        while not self.closed and not set(streams) <= self.ended:
            assert time.monotonic() < limit, "no answer"
            try:
                data = self.socket.recv(65536)
            except ConnectionError:
                data = b""
            if not data:
                self.closed = True
                return
            for event in self.h2.receive_data(data):
                self._take(event)
            try:
                self.flush()
            except OSError:
                pass

    def _take(self, event):
        if isinstance(event, (h2.events.ResponseReceived, h2.events.TrailersReceived)):
            self.headers.setdefault(event.stream_id, {}).update(dict(event.headers))
        elif isinstance(event, h2.events.DataReceived):
            self.data[event.stream_id] = self.data.get(event.stream_id, b"") + event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset)):
            self.ended.add(event.stream_id)
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.closed = True

    def call(self, path, body, **options):
        """(gRPC status number, answer's message or None) of one call with any body."""
        stream = self.begin(path, **options)
        self.send(stream, body)
        self.run(stream)
        return self.outcome(stream)

    def outcome(self, stream):
        headers = self.headers.get(stream, {})
        status = headers.get("grpc-status")
        message = self.data.get(stream)
        return int(status) if status is not None else None, message[5:] if message else None
