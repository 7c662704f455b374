"""Resources that no definition has checked: each ends in a sentence that names the field, and harms no other."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator
from typing import Any

import kopf
import pytest
from effort import examples
from fake_cluster import FakeCluster, hands_of
from hypothesis import given, settings
from hypothesis import strategies as st
from kube import group, resource, target, tcp
from raw_server import Peer, serving

from reconciler.emulator.server import EmulatorServer
from reconciler.kubernetes.cluster import Cluster
from reconciler.kubernetes.crds import crds
from reconciler.kubernetes.look import look
from reconciler.kubernetes.resources import CLOUD_TARGET, SECURITY_GROUP, Key
from reconciler.kubernetes.spec import problem_of

POLICIES = {
    "worldOpenAnyPort": {"level": "warning", "maxPorts": 10},
    "requiredTags": {"level": "error", "tags": ["team"]},
    "mustAllow": [
        {"group": "web", "direction": "ingress", "protocol": "tcp", "ports": 80, "remoteIpPrefix": "10.0.0.0/8"}
    ],
}
ALL_FIELDS = (
    target(1, mode="Observe", interval="5m", owner="net", lift=["mass-delete"], policies=POLICIES),
    resource("AddressGroup", "office", name="the-office", prefixes=["192.0.2.0/24"]),
    group(
        "web",
        tcp([80, "8000-8099"]),
        {
            "direction": "ingress",
            "protocol": "icmp",
            "icmpType": 8,
            "icmpCode": 0,
            "ethertype": "IPv4",
            "remoteGroup": "app",
        },
        {
            "direction": "ingress",
            "protocol": "udp",
            "ports": 53,
            "remoteAddressGroup": "the-office",
            "expires": "2030-01-01",
        },
        {"preset": "default-egress"},
        deletionPolicy="Delete",
        name="web",
        description="of the web",
        tags={"team": "net"},
        ignoreRules=[{"description": "k8s-*"}],
        preventDestroy=True,
        exception={"policy": "world_open_management", "reason": "agreed", "until": "2030-01-01"},
        previousName="old",
    ),
)
OTHERS = (target(2, "other", mode="Observe"), group("app", tcp(22)), group("aside", tcp(22), of="other"))
WORDS = (
    "",
    "web",
    "Delete",
    "delete",
    "Enforce",
    "5m",
    "999999d",
    "10.0.0.1/8",
    "any",
    "\ud800",
    "a\x1b[31m",
    "x" * 300,
)
OF_PYTHON = ("Error", "object has no", "NoneType", "Traceback", "not subscriptable")
"""What a sentence for people never has. Hypothesis takes texts from this file as well, and messages quote them."""
texts = st.text(max_size=9).filter(lambda text: not any(each in text for each in OF_PYTHON))
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts | st.sampled_from(WORDS)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(texts | st.sampled_from(["name", "direction", "level"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """List the paths of all parts of a value."""
    yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from paths(part, (*path, key))


PLACES = [(number, path) for number, each in enumerate(ALL_FIELDS) for path in paths(each["spec"], ("spec",))]


@pytest.fixture(scope="module")
def cloud() -> Iterator[EmulatorServer]:
    with EmulatorServer(api_key="emulator") as running:
        yield running


@st.composite
def strange(draw: st.DrawFn) -> tuple[list[dict[str, Any]], int, str]:
    """Documents of which one is changed at a place, which of them, and the field that has the place."""
    number, path = draw(st.sampled_from(PLACES))
    documents = copy.deepcopy(list(ALL_FIELDS))
    part: Any = documents[number]
    for step in path[:-1]:
        part = part[step]
    how = draw(st.sampled_from(["set", "set", "set", "remove", "add"]))
    if how == "add" and isinstance(part[path[-1]], dict):
        path = (*path, draw(st.sampled_from(["newField", "a: b", "rules", ""])))
        part = part[path[-2]]
    if how == "remove":
        del part[path[-1]]
    else:
        part[path[-1]] = draw(values)
    return documents, number, str(path[min(1, len(path) - 1)])


def test_every_field_of_every_kind_is_tried() -> None:
    for number, definition in enumerate(crds()):
        schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
        assert schema["properties"].keys() - {"id"} <= ALL_FIELDS[number]["spec"].keys()


def test_all_of_it_is_accepted_as_it_is(cloud: EmulatorServer) -> None:
    cluster = FakeCluster(*ALL_FIELDS, *OTHERS)
    look(Key(CLOUD_TARGET, "net", "t"), cluster.resources, hands_of(cluster, cloud), lambda _: threading.Lock())
    assert {each["reason"] for status in cluster.statuses.values() for each in status["conditions"][:1]} == {"Accepted"}


@settings(max_examples=examples(100))
@given(strange())
def test_whatever_a_field_holds_is_told_in_a_sentence_that_names_it(
    cloud: EmulatorServer, found: tuple[list[dict[str, Any]], int, str]
) -> None:
    documents, number, field = found
    cluster = FakeCluster(*documents, *OTHERS)
    hands = hands_of(cluster, cloud)
    keys = {Key(CLOUD_TARGET, "net", name) for name in ("t", "other")}
    for key in keys | {each.target_key for each in cluster.resources.values() if each.key.kind == SECURITY_GROUP}:
        assert look(key, cluster.resources, hands, lambda _: threading.Lock()).error is None
    ready = {
        key.name: next(each for each in status["conditions"] if each["type"] == "Ready")
        for key, status in cluster.statuses.items()
    }
    changed = ready[documents[number]["metadata"]["name"]]
    assert not [text for text in OF_PYTHON if text in str(ready)]
    if changed["status"] == "False" and changed["reason"] not in ("TargetNotFound", "SecretNotFound"):
        assert changed["reason"] == "Invalid"
        assert field in changed["message"]
    assert ready["aside"]["status"] == ready["other"]["status"] == "True"


@pytest.mark.parametrize(
    "status", ["text", ["list"], {"conditions": "text"}, {"conditions": ["text", {"type": ["list"]}]}], ids=repr
)
def test_whatever_a_status_was_it_is_written_anew(cloud: EmulatorServer, status: Any) -> None:
    cluster = FakeCluster(*({**each, "status": status} for each in ALL_FIELDS))
    look(Key(CLOUD_TARGET, "net", "t"), cluster.resources, hands_of(cluster, cloud), lambda _: threading.Lock())
    assert {key.name for key in cluster.statuses} == {"t", "office", "web"}


def test_a_secret_of_another_namespace_is_out_of_reach() -> None:
    """The operator may read every Secret: a name that leads elsewhere would lend one tenant the key of another."""
    asked: list[bytes] = []

    def talk(peer: Peer) -> None:
        asked.append(peer.request().split(b"\r\n")[0])
        peer.say(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}")

    name = "../../theirs/secrets/gcore?x#y"
    stolen = target(1)
    stolen["spec"]["apiKeySecretRef"]["name"] = name
    [found] = FakeCluster(stolen).resources.values()
    assert "spec.apiKeySecretRef.name takes the name of a resource" in str(problem_of(found))
    with serving(talk) as url, Cluster(lambda: kopf.ConnectionInfo(server=url)) as cluster:
        assert cluster.read_secret("net", name) is None
    assert asked == [b"GET /api/v1/namespaces/net/secrets/..%2F..%2Ftheirs%2Fsecrets%2Fgcore%3Fx%23y HTTP/1.1"]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (target(1, mode="Yolo"), "spec.mode takes one of Observe, Approve, Narrow, Enforce, not the text `Yolo`"),
        (target(1, interval="5 min"), "spec.interval takes a time such as 90s, 5m or 1h, not the text `5 min`"),
        (target(0), "spec.projectId takes 1 or more, not `0`"),
        (target(True), "spec.projectId takes a whole number, not `true`"),
        (target(1, lift="gap"), "spec.lift takes a list, not the text `gap`"),
        (target(1, owner="a\n"), "spec.owner takes text without tabs, line breaks or blanks at its ends, not the text"),
        (target(1, freeze=True), "spec.freeze is no field that this version of the operator knows"),
        (group("web", of=""), "spec.targetRef.name takes the name of a resource"),
        (
            group("web", deletionPolicy="delete"),
            "spec.deletionPolicy takes one of Orphan, Delete, not the text `delete`",
        ),
        (resource("AddressGroup", "a", name=""), "spec.prefixes is missing; spec.name takes text, not an empty text"),
        (resource("AddressGroup", "a", prefixes={"source": "file"}), "spec.prefixes takes a list, not a mapping"),
        ({**resource("AddressGroup", "a"), "spec": None}, "spec takes a mapping, not `null`"),
    ],
    ids=lambda each: each if isinstance(each, str) else each["kind"],
)
def test_what_only_resources_have_is_told_in_these_words(document: dict[str, Any], words: str) -> None:
    [found] = FakeCluster(document).resources.values()
    assert str(problem_of(found)).startswith(words)
