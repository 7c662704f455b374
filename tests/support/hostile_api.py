"""A server that answers every list of security groups with one made before: read-only, and quick."""

import json
import sys
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import hostile


def serve(kind: str, number: int) -> None:
    """Serve so many groups of a kind (`hostile.LIVE`), or none; print the address."""
    groups = hostile.LIVE[kind](number) if kind in hostile.LIVE else []
    lists = {
        "securitygroups": [json.dumps(group).encode() for group in groups],
        "user_actions": [json.dumps(action).encode() for action in hostile.user_actions(min(number, 10_000))],
    }

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            offset, limit = int(query.get("offset", ["0"])[0]), int(query.get("limit", ["1000"])[0])
            texts = [] if self.path.endswith("/instances") else lists.get(self.path.split("?")[0].split("/")[3], [])
            if name := query.get("name"):
                texts = [json.dumps(group).encode() for group in groups if group["name"] == name[0]]
            part = b",".join(texts[offset : offset + limit])
            self._answer(200, b'{"count": %d, "results": [%b]}' % (len(texts), part))

        def do_POST(self) -> None:
            """Take what is told (`/hook`), and refuse every write."""
            self.rfile.read(int(self.headers["Content-Length"] or 0))
            self._answer(200 if self.path == "/hook" else 403, b'{"message": "no"}')

        do_PATCH = do_DELETE = do_POST  # noqa: N815 - the names are those of `http.server`

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(BrokenPipeError):
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
