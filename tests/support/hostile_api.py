"""A server that answers every list of security groups with one made before, and nothing else: read-only, and quick."""

import json
import sys
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import hostile


def serve(kind: str, number: int) -> None:
    """Serve so many groups of a kind (`hostile.LIVE`), or none; print the address."""
    groups = hostile.LIVE[kind](number) if kind in hostile.LIVE else []
    texts = [json.dumps(group).encode() for group in groups]
    count = str(len(texts)).encode()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            offset, limit = int(query.get("offset", ["0"])[0]), int(query.get("limit", ["1000"])[0])
            part = b",".join(texts[offset : offset + limit])
            body = b'{"count": ' + (b"0" if self.path.endswith("/instances") else count) + b', "results": ['
            body += b"]}" if self.path.endswith("/instances") else part + b"]}"
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(BrokenPipeError):
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
