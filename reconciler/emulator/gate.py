"""What every request passes: the log, the faults, the key. Around the application, as plain ASGI.

Ending a connection needs the connection itself, which ASGI does not offer; `server` puts two functions for it into the
scope.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from urllib.parse import urlsplit

from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import actions
from .changes import revised
from .faults import Control, Fault
from .files import raw_rule
from .messages import error_reply
from .policy import locked
from .records import ApiError, Group, RequestRecord, Step, Target

RESET = "emulator.reset"
CLOSE = "emulator.close"
OWN_PATHS = "/emulator/"
PUBLIC_PATHS = frozenset({"/cdn/public-ip-list", "/cloud/public/v1/ipranges/egress"})
"""What everybody may read, without a key."""
PLACE = re.compile(r"/(?:securitygroups|security_groups)/(?P<project>\d+)/(?P<region>\d+)(?:/(?P<group>[^/]+))?")
PAGE = "<!doctype html><html><head><title>Please wait</title></head><body><h1>One moment, please</h1></body></html>"


@dataclass(slots=True)
class _Answer:
    """What the application wanted to send."""

    status: int = 500
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""

    async def collect(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message["headers"])
        else:
            chunk = message.get("body", b"")
            self.body = self.body + chunk if self.body else chunk

    def replaced(self, response: Response) -> None:
        self.status, self.headers, self.body = response.status_code, list(response.raw_headers), bytes(response.body)


class Gate:
    """ASGI middleware: notes the request, lets the faults happen, checks the key."""

    def __init__(self, app: ASGIApp, control: Control, api_key: str, host: str) -> None:
        self._app = app
        self._control = control
        self._host = host.lower()
        self._api_key = api_key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or one message of the server's life."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = await _body(receive)
        if body is None:
            return
        request = _Request(scope, receive, send, body, self._control.store.new_id())
        scope["emulator.request_id"] = request.request_id
        addressed = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
        if not _is_own_name(addressed, self._host):
            refusal = ApiError(421, "MisdirectedRequest", f"The emulator is not called {addressed!r}")
            request.answer.replaced(error_reply(refusal, request.request_id))
            await request.respond()
            return
        if scope["path"].startswith(OWN_PATHS):
            await self._work(request)
            await request.respond()
            return
        record, faults = self._admit(request)
        await _pause(receive, self._control.knobs.latency_ms / 1000)
        for fault in faults:
            if fault.fault == "foreign_change":
                _change_as_somebody_else(self._control, fault, scope["path"])
        if not await self._happen(request, [fault for fault in faults if _is_early(fault)]):
            return
        if not request.answered:
            await self._work(request)
            if not await self._happen(request, [fault for fault in faults if not _is_early(fault)]):
                return
        record.status = request.answer.status
        await request.respond()

    def _admit(self, request: _Request) -> tuple[RequestRecord, list[Fault]]:
        store, scope = self._control.store, request.scope
        faults = self._control.counters.draw(scope["method"], scope["path"])
        record = RequestRecord(
            sequence=len(store.requests) + 1,
            request_id=request.request_id,
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"].decode("latin-1"),
            body=request.body.decode("utf-8", "replace"),
            faults=tuple(fault.fault for fault in faults),
        )
        store.requests.append(record)
        scope["emulator.faults"] = faults
        return record, faults

    async def _work(self, request: _Request) -> None:
        """Lets the application act, if the key is right."""
        given: bytes = dict(request.scope["headers"]).get(b"authorization", b"")
        # The published word is `apikey`, the official SDK writes `APIKey`: HTTP does not tell schemes apart by case.
        scheme, _, key = given.partition(b" ")
        is_public = request.scope["path"] in PUBLIC_PATHS
        if not is_public and (scheme.lower() != b"apikey" or not hmac.compare_digest(key, self._api_key)):
            request.answer.replaced(
                error_reply(ApiError(401, "Unauthorized", "Bad permanent token"), request.request_id)
            )
            return
        await self._app(request.scope, request.replay, request.answer.collect)

    async def _happen(self, request: _Request, faults: list[Fault]) -> bool:
        """Lets the faults happen; False when the request is over."""
        for fault in faults:
            match fault.fault:
                case "delay":
                    await _pause(request.receive, fault.seconds)
                case "hang":
                    await _gone(request.receive)
                    return False
                case "reset" | "close":
                    await request.hang_up(RESET if fault.fault == "reset" else CLOSE)
                    return False
                case "status":
                    request.answer.replaced(self._status(fault, request.request_id))
                    request.answered = True
                case "locked":
                    refusal = locked(request.scope["path"].rpartition("/")[2])
                    request.answer.replaced(error_reply(refusal, request.request_id))
                    request.answered = True
                case "html":
                    request.answer.replaced(HTMLResponse(PAGE, fault.status or 200))
                    request.answered = True
                case "truncate":
                    request.answer.replaced(_half(request.answer))
                case "cut":
                    await request.respond(whole=False)
                    return False
        return True

    def _status(self, fault: Fault, request_id: str) -> Response:
        response = error_reply(ApiError(fault.status or 500, "InjectedFault", fault.message), request_id)
        if fault.retry_after is not None:
            response.headers["Retry-After"] = f"{fault.retry_after:g}"
        elif fault.retry_after_date is not None:
            moment = self._control.store.clock() + timedelta(seconds=fault.retry_after_date)
            response.headers["Retry-After"] = format_datetime(moment, usegmt=True)
        return response


@dataclass(slots=True)
class _Request:
    """One request on its way through the gate."""

    scope: Scope
    receive: Receive
    send: Send
    body: bytes
    request_id: str
    answer: _Answer = field(default_factory=_Answer)
    answered: bool = False

    async def replay(self) -> Message:
        return {"type": "http.request", "body": self.body, "more_body": False}

    async def respond(self, *, whole: bool = True) -> None:
        """Send the answer, or half of it and then nothing more."""
        headers = [*self.answer.headers, (b"x-request-id", self.request_id.encode())]
        await self.send({"type": "http.response.start", "status": self.answer.status, "headers": headers})
        body = self.answer.body if whole else self.answer.body[: len(self.answer.body) // 2]
        await self.send({"type": "http.response.body", "body": body, "more_body": not whole})
        if not whole:
            await self.hang_up(CLOSE)

    async def hang_up(self, way: str) -> None:
        """End the connection under the client's feet."""
        end: Callable[[], None] | None = self.scope.get("extensions", {}).get(way)
        if end is None:
            raise ConnectionError("only the emulator's own server can end a connection")
        end()
        await _gone(self.receive)


def _change_as_somebody_else(control: Control, fault: Fault, path: str) -> None:
    """Add a rule to a group or delete one of its rules; do nothing where what it names is not there."""
    group = _subject(control, fault, path)
    if group is None:
        return
    store, rules, touched = control.store, group.rules, ""
    if fault.rule is not None:
        ids = {other.name: other.id for other in store.groups(group.target)}
        if fault.rule.get("remote_group", group.name) not in ids:
            return
        new = raw_rule(fault.rule, "foreign_change.rule", group.id, ids, store.new_id, store.now())
        rules, touched = (*rules, new), new.id
    elif fault.delete_rule is not None and 1 <= fault.delete_rule <= len(rules):
        touched = rules[fault.delete_rule - 1].id
        rules = tuple(rule for rule in rules if rule.id != touched)
    if touched:
        store.save(revised(group, store.now(), rules=rules), group, [Step(group.id, "foreign", touched, rules)])
        subjects = [actions.of_group(group), actions.of_rule(touched)]
        actions.write(store, actions.SOMEBODY_ELSE, group.target, "update", subjects)


def _subject(control: Control, fault: Fault, path: str) -> Group | None:
    found = PLACE.search(path)
    if found is None:
        return None
    target = Target(int(found["project"]), int(found["region"]))
    if fault.group is not None:
        return next(iter(control.store.groups(target, fault.group)), None)
    return control.store.group(target, found["group"]) if found["group"] else None


def _is_own_name(addressed: str, host: str) -> bool:
    """Return whether a Host header names the emulator: an IP address, `localhost`, or where it listens.

    A page in a browser reaches a server on this machine under a name of its own whose address it has changed (DNS
    rebinding). Only names can be changed like that, addresses cannot.
    """
    if not addressed:
        return True  # HTTP/1.0: no browser
    try:
        name = urlsplit(f"//{addressed}").hostname or ""
    except ValueError:
        return False
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name in {"localhost", host}
    return True


def _is_early(fault: Fault) -> bool:
    return fault.fault == "locked" or (fault.when == "before" and fault.fault not in {"truncate", "cut"})


def _half(answer: _Answer) -> Response:
    return Response(answer.body[: len(answer.body) // 2], answer.status, media_type="application/json")


async def _body(receive: Receive) -> bytes | None:
    """Return the body of a request, or None where the client has gone before it was complete."""
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def _gone(receive: Receive) -> None:
    """Wait until the client has hung up."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _pause(receive: Receive, seconds: float) -> None:
    """Wait, but no longer than the client does."""
    if seconds > 0:
        try:
            await asyncio.wait_for(_gone(receive), seconds)
        except TimeoutError:
            return
