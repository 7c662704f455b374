"""No answer is waited for without end, and none eats all memory: over a real socket, with short real deadlines."""

import gzip
import itertools
import json
import resource
import socket
import threading
import zlib
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any

import httpx
import pytest
from raw_server import Peer, Talk, serving
from steady import HastyClock, SteadyClock, TickingClock

from reconciler.api import reader as reader_module
from reconciler.api import transport
from reconciler.api.client import open_client
from reconciler.api.connection import connect
from reconciler.api.http import Http
from reconciler.api.probe import Probe
from reconciler.api.reader import MAX_GROUPS, MAX_PAGES, PAGE, GcoreReader
from reconciler.api.retry import MAX_TRIES
from reconciler.api.transport import MAX_ANSWER, BoundedTransport
from reconciler.api.webhook import post_json
from reconciler.model.clock import SystemClock
from reconciler.model.desired import Target
from reconciler.model.errors import ApiError, ApiUnreachable, OutcomeUnknown, UsageError
from reconciler.model.live import LiveGroup

TIMEOUT = 0.15
"""Seconds of a request that is not answered anyway."""
PATH = "/cloud/v1/securitygroups/1/7"
OK = b'HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\n{"count": 0, "results": []}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def drip_body(peer: Peer) -> None:
    peer.request()
    peer.say(HEAD + b"Content-Length: 100000\r\n\r\n")
    peer.drip(b" " * 100000)


def drip_head(peer: Peer) -> None:
    peer.request()
    peer.drip(HEAD + b"X-Long: " + b"x" * 50000)


def drip_chunks(peer: Peer) -> None:
    peer.request()
    peer.say(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    while not peer.ended.wait(0.02):
        peer.say(b"1\r\n \r\n")


def early_hints(peer: Peer) -> None:
    peer.request()
    while not peer.ended.wait(0.02):
        peer.say(b"HTTP/1.1 103 Early Hints\r\n\r\n")


def flood_of_hints(peer: Peer) -> None:
    peer.request()
    while True:
        peer.say(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000)


def silence(peer: Peer) -> None:
    peer.request()
    peer.ended.wait(30)


def deaf(peer: Peer) -> None:
    peer.ended.wait(30)


def clock_for(talk: Talk) -> SystemClock:
    """Return a clock by which a busy machine is not late; a flood is too much work between two looks at that."""
    return HastyClock() if talk is flood_of_hints else TickingClock()


ENDLESS: dict[str, Talk] = {
    "a dripping body": drip_body,
    "a dripping head": drip_head,
    "dripping chunks": drip_chunks,
    "1xx without end": early_hints,
    "a flood of 1xx": flood_of_hints,
    "silence": silence,
    "nothing is read": deaf,
}


@pytest.mark.parametrize("talk", ENDLESS.values(), ids=ENDLESS)
def test_a_read_is_cut_at_its_deadline_and_tried_again_within_bounds(talk: Talk) -> None:
    with (
        serving(talk) as url,
        Http(url, "k", clock_for(talk), timeout=TIMEOUT) as http,
        pytest.raises(
            ApiUnreachable,
            match=rf"no complete answer within {TIMEOUT} s \(--timeout\); gave up after {MAX_TRIES} tries",
        ),
    ):
        http.read(PATH)


@pytest.mark.parametrize("talk", ENDLESS.values(), ids=ENDLESS)
def test_a_write_is_cut_at_its_deadline_and_its_outcome_is_unknown(talk: Talk) -> None:
    asked: SimpleQueue[Peer] = SimpleQueue()

    def once(peer: Peer) -> None:
        asked.put(peer)
        talk(peer)

    with serving(once) as url, Http(url, "k", clock_for(talk), timeout=TIMEOUT) as http:
        with pytest.raises(OutcomeUnknown, match=rf"no complete answer within {TIMEOUT} s"):
            http.write("PATCH", PATH, {"name": "x" * (20_000_000 if talk is deaf else 1)})
        asked.get(timeout=10)
    assert asked.empty()


def test_a_probe_is_cut_at_its_deadline() -> None:
    with serving(drip_body) as url, Probe(url, "k", TickingClock(), timeout=TIMEOUT) as probe:
        assert probe.get(PATH).problem == f"no complete answer within {TIMEOUT} s (--timeout)"


def test_a_webhook_is_cut_at_its_deadline() -> None:
    with serving(drip_head) as url, pytest.raises(ApiUnreachable, match="gave up after"):
        post_json(f"{url}/secret-path", {}, TickingClock(), timeout=TIMEOUT)


def test_a_connection_is_used_again_and_each_request_has_a_deadline_of_its_own() -> None:
    """Three requests that take two thirds of the time each, by a clock that stands still but for that."""
    connections = itertools.count()
    clock = SteadyClock()

    def slow(peer: Peer) -> None:
        next(connections)
        while True:
            peer.request()
            clock.sleep(20)
            peer.say(OK)

    with serving(slow) as url, Http(url, "k", clock, timeout=30) as http:
        for _ in range(3):
            assert http.read(PATH) == {"count": 0, "results": []}
    assert next(connections) == 1


def test_nothing_that_an_answer_sets_is_sent_back() -> None:
    """Cookies of many answers would make each request longer than the one before."""
    heard: list[bytes] = []

    def baking(peer: Peer) -> None:
        while True:
            heard.append(peer.request())
            peer.say(OK.replace(b"\r\n", b"\r\nSet-Cookie: crumb=1\r\n", 1))

    with serving(baking) as url, Http(url, "k", HastyClock()) as http:
        http.read(PATH)
        http.read(PATH)
    assert heard[0] == heard[1]


LIMIT = 2**20


def answering(head: bytes, chunks: Callable[[], Iterator[bytes]]) -> Talk:
    def talk(peer: Peer) -> None:
        peer.request()
        peer.say(HEAD + head + b"\r\n")
        for chunk in chunks():
            peer.say(chunk)

    return talk


def packed_zeros() -> bytes:
    """A few kilobytes of gzip that become a hundred megabytes, more than the test of memory lets pass."""
    packer = zlib.compressobj(1, wbits=31)
    return b"".join([packer.compress(bytes(1_000_000)) for _ in range(100)]) + packer.flush()


BOMB = packed_zeros()


TOO_LARGE: dict[str, Talk] = {
    "a body": answering(b"Content-Length: 4000000000\r\n", lambda: itertools.repeat(b" " * 65536)),
    "chunks": answering(
        b"Transfer-Encoding: chunked\r\n", lambda: itertools.repeat(b"10000\r\n" + b" " * 65536 + b"\r\n")
    ),
    "until the end": answering(b"", lambda: itertools.repeat(b" " * 65536)),
    "gzip": answering(b"Content-Encoding: gzip\r\n", lambda: iter([BOMB])),
    "an endless head of gzip": answering(
        b"Content-Encoding: gzip\r\n",
        lambda: itertools.chain([b"\x1f\x8b\x08\x08" + bytes(6)], itertools.repeat(b"x" * 65536)),
    ),
}


def test_an_answer_of_too_many_values_is_refused_before_they_take_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_VALUES", 201)

    def talk(peer: Peer) -> None:
        for number in (99, 100):
            peer.request()
            body = b'{"x": [%s{}]}' % (b"[], " * number)
            peer.say(HEAD + b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    with serving(talk) as url, limited(url) as http:
        http.read(PATH)
        with pytest.raises(ApiError, match="more than 201 values"):
            http.read(PATH)


def limited(url: str) -> Http:
    return Http(url, "k", HastyClock(), transport=BoundedTransport(HastyClock(), timeout=10, limit=LIMIT))


@pytest.mark.parametrize("talk", TOO_LARGE.values(), ids=TOO_LARGE)
def test_an_answer_without_end_is_refused_with_its_limit_and_not_asked_for_again(talk: Talk) -> None:
    asked = []

    def once(peer: Peer) -> None:
        asked.append(peer)
        talk(peer)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with serving(once) as url, limited(url) as http, pytest.raises(ApiError, match="more than 1 MiB") as raised:
        http.read(PATH)
    assert type(raised.value) is ApiError
    assert len(asked) == 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000, "kilobytes"


@pytest.mark.parametrize("talk", TOO_LARGE.values(), ids=TOO_LARGE)
def test_a_write_that_is_answered_without_end_is_an_unknown_outcome(talk: Talk) -> None:
    with serving(talk) as url, limited(url) as http, pytest.raises(OutcomeUnknown, match="more than"):
        http.write("PATCH", PATH, {})


ODDLY_ENCODED = {
    "twice gzip": (b"gzip, gzip", gzip.compress(BOMB)),
    "br": (b"br", b"\x0b\x02\x80{}\x03"),
    "not gzip": (b"gzip", b"{}"),
    "cut gzip": (b"gzip", gzip.compress(b"{}" * 1000)[:-9]),
    "more after gzip": (b"gzip", gzip.compress(b"{}")),
}


@pytest.mark.parametrize(("encoding", "body"), ODDLY_ENCODED.values(), ids=ODDLY_ENCODED)
def test_what_cannot_be_decoded_is_a_broken_answer(encoding: bytes, body: bytes) -> None:
    def talk(peer: Peer) -> None:
        peer.request()
        peer.say(HEAD + b"Content-Encoding: " + encoding + b"\r\nTransfer-Encoding: chunked\r\n\r\n")
        for part in (body, b"{}") if body == ODDLY_ENCODED["more after gzip"][1] else (body,):
            peer.say(b"%x\r\n" % len(part), part, b"\r\n")
            peer.ended.wait(0.05)
        peer.say(b"0\r\n\r\n")

    with serving(talk) as url, limited(url) as http, pytest.raises(ApiUnreachable, match="the connection broke"):
        http.read(PATH)


@pytest.mark.parametrize(
    "encoding", [b"", b"gzip", b"deflate", b"identity"], ids=["none", "gzip", "deflate", "identity"]
)
def test_what_is_asked_for_is_decoded(encoding: bytes) -> None:
    content = json.dumps({"text": "x" * 500_000}).encode()
    body = {b"gzip": gzip.compress(content), b"deflate": zlib.compress(content)}.get(encoding, content)
    header = b"Content-Encoding: " + encoding + b"\r\n" if encoding else b""
    talk = answering(header + b"Content-Length: %d\r\n" % len(body), lambda: iter([body]))
    with serving(talk) as url, limited(url) as http:
        assert len(http.read(PATH)["text"]) == 500_000


def test_the_largest_page_fits_twice() -> None:
    """1,000 groups of 250 rules, as the API writes a rule with a description of twenty characters."""
    rule = {
        "id": "x" * 36,
        "security_group_id": "x" * 36,
        "direction": "ingress",
        "ethertype": "IPv4",
        "protocol": "tcp",
        "port_range_min": 10000,
        "port_range_max": 10000,
        "remote_ip_prefix": "255.255.255.255/32",
        "remote_group_id": None,
        "description": "x" * 20,
        "created_at": "2026-01-02T03:04:05+0000",
        "updated_at": "2026-01-02T03:04:05+0000",
        "revision_number": 0,
    }
    assert 1000 * 250 * (len(json.dumps(rule)) + 2) * 2 < MAX_ANSWER


def pages(count: int, each: int) -> Talk:
    """A list of so many groups, of which a page holds only `each`."""

    def talk(peer: Peer) -> None:
        while True:
            request = peer.request().decode()
            offset = int(httpx.URL(request.split()[1]).params["offset"])
            numbers = range(offset, min(offset + each, count))
            groups = [
                {
                    "id": f"{number:08x}-0000-4000-8000-000000000000",
                    "name": f"g{number}",
                    "description": "",
                    "tags_v2": [],
                    "security_group_rules": [],
                    "revision_number": 1,
                }
                for number in numbers
            ]
            body = json.dumps({"count": count, "results": groups}).encode()
            peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    return talk


def test_pages_without_end_are_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "MAX_PAGES", 20)
    with (
        serving(pages(5000, 2)) as url,
        Http(url, "k", HastyClock()) as http,
        pytest.raises(ApiError, match=r"21 of 5,000 security groups came in 20 pages; no more than 20 pages are read"),
    ):
        GcoreReader(http).list_groups(Target(1, 7))


def test_more_groups_than_any_target_has_are_not_read() -> None:
    with (
        serving(pages(MAX_GROUPS + 1, 1)) as url,
        Http(url, "k", HastyClock()) as http,
        pytest.raises(ApiError, match=r"announces 100,001 security groups; no more than 100,000 are read"),
    ):
        GcoreReader(http).list_groups(Target(1, 7))


def test_the_limits_leave_room_for_what_is_announced() -> None:
    assert MAX_PAGES * PAGE >= MAX_GROUPS


def test_one_address_is_tried_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name may stand for addresses that do not all answer."""
    look_up = socket.getaddrinfo

    def two_addresses(host: str, port: int, *arguments: Any, **options: Any) -> Any:
        hosts = ["127.0.0.2", "127.0.0.1"] if host == "localhost" else [host]
        return [found for each in hosts for found in look_up(each, port, *arguments, **options)]

    with serving(answering(b"Content-Length: 2\r\n", lambda: iter([b"{}"]))) as url:
        monkeypatch.setattr("socket.getaddrinfo", two_addresses)
        with Http(url.replace("127.0.0.1", "localhost"), "k", HastyClock(), timeout=5) as http:
            assert http.read(PATH) == {}


@pytest.mark.parametrize("address", ["https://" + "x" * 64 + ".example.com", "https://.example.com", "https://a..b"])
def test_a_name_that_cannot_be_looked_up_is_an_error_in_words(address: str) -> None:
    try:
        client = open_client(address, HastyClock(), timeout=1, environment={})
    except UsageError:
        return
    with client, pytest.raises(httpx.ConnectError, match="cannot find"):
        client.get("/")


def test_a_lookup_that_does_not_end_is_cut_by_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def look_up(*_: Any, **__: Any) -> Any:
        released.wait(60)
        raise OSError

    monkeypatch.setattr("socket.getaddrinfo", look_up)
    try:
        with (
            Http("https://api.example.com", "k", SteadyClock(), timeout=0.05) as http,
            pytest.raises(ApiError, match=r"api.example.com:443: the DNS does not answer within 0.0\d+ s"),
        ):
            http.read(PATH)
    finally:
        released.set()


def test_instances_of_too_many_groups_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request a group: without a limit, pruning took as long as there are groups."""
    monkeypatch.setattr("reconciler.api.connection.MAX_INSTANCE_READS", 2)
    groups = [LiveGroup(Target(1, 7), str(number), "web", "", (), (), 1) for number in range(3)]
    with connect("k", base_url="http://127.0.0.1:1") as api, pytest.raises(UsageError, match=r"3 groups .* limit of 2"):
        api.read_instances(groups)


def test_too_many_targets_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request a target at least: 90,000 of them, which fit into 10 MB, took minutes."""
    monkeypatch.setattr("reconciler.api.live.MAX_TARGETS", 2)
    with connect("k", base_url="http://127.0.0.1:1") as api, pytest.raises(UsageError, match=r"3 pairs .* limit of 2"):
        api.read(Target(1, region) for region in range(1, 4))
