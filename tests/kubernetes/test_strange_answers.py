"""Answers of a cluster's API that are none: each ends in a sentence, and whatever asked can ask again."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import reduce
from operator import getitem
from typing import Any

import httpx
import kopf
import pytest
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_strategies import leaves

from reconciler.kubernetes import cluster
from reconciler.kubernetes.cluster import Cluster, ClusterError
from reconciler.kubernetes.resources import CLOUD_TARGET, KINDS, Key

VERSIONS = [{"version": "v1alpha1"}]
APIS = {"groups": [{"name": "sgctl.dev", "versions": VERSIONS}], "resources": [{"name": each.plural} for each in KINDS]}
LIST = {"items": [{"metadata": {"namespace": "net", "name": "web"}}], "metadata": {"continue": ""}}
SECRET = {"data": {"apiKey": "a2V5", "other": ""}}
ASK: list[tuple[dict[str, Any], Callable[[Cluster], object]]] = [
    (APIS, Cluster.find_missing),
    (LIST, Cluster.list_resources),
    (SECRET, lambda here: here.read_secret("net", "key")),
]
JUNK = st.sampled_from([None, True, 0, 5, -1.5, [], {}, [None], [[]], {"": 1}, "", "x", "\ud800", "\x1b[2J"])


class Answering(Cluster):
    """A cluster whose API has one answer to everything."""

    def __init__(self, answer: bytes, status: int = 200) -> None:
        super().__init__(lambda: kopf.ConnectionInfo(server="http://cluster.example", token="t"))
        self.answer, self.status = answer, status

    def _connect(self, access: kopf.ConnectionInfo) -> httpx.Client:
        transport = httpx.MockTransport(lambda _: httpx.Response(self.status, content=self.answer))
        return httpx.Client(base_url=access.server, transport=transport)


def test_what_the_api_is_published_to_answer_is_read() -> None:
    """An empty list may be null."""
    asked = [ask(Answering(json.dumps(answer).encode())) for answer, ask in ASK]
    assert asked[0] == ()
    assert [*asked[1]] == [Key(kind, "net", "web") for kind in KINDS]
    assert asked[2] == SECRET["data"]
    assert Answering(b'{"groups": null}').find_missing()
    assert Answering(b'{"items": null, "metadata": {}}').list_resources() == {}
    assert CLOUD_TARGET.plural in Answering(json.dumps({**APIS, "resources": None}).encode()).find_missing()[0]


@given(st.sampled_from(ASK), st.data())
@settings(max_examples=examples(300), deadline=None)
def test_whatever_stands_in_an_answer_is_read_or_told(
    asked: tuple[dict[str, Any], Callable[[Cluster], object]], data: st.DataObject
) -> None:
    """Junk in place of any value, or a key that is not there: no other error."""
    answer, ask = json.loads(json.dumps(asked[0])), asked[1]
    *way, last = data.draw(st.sampled_from([path for path in leaves(answer) if path]))
    part = reduce(getitem, way, answer)
    if data.draw(st.booleans()):
        part[last] = data.draw(JUNK)
    else:
        del part[last]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cluster, "MAX_PAGES", 3)
        told(ask, Answering(json.dumps(answer).encode()))


@pytest.mark.parametrize("status", [200, 403, 404, 500])
@pytest.mark.parametrize("answer", [b"", b"<html>", b"null", b"[]", b'"x"', b"\xff", b"[" * 100_000], ids=range(7))
def test_what_is_no_object_is_told(answer: bytes, status: int) -> None:
    """As what a gateway answers for the cluster; a 404 of a Secret alone says that there is none."""
    for _, ask in ASK:
        assert told(ask, Answering(answer, status)) in ({ClusterError} if status != 404 else {ClusterError, type(None)})


def test_a_list_without_an_end_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "MAX_PAGES", 3)
    with pytest.raises(ClusterError, match="cloudtargets has no end"):
        Answering(json.dumps({**LIST, "metadata": {"continue": "x"}}).encode()).list_resources()


def told(ask: Callable[[Cluster], object], here: Cluster) -> type:
    """What comes of asking: the type of what was read, or of the one error that there may be."""
    try:
        return type(ask(here))
    except ClusterError as error:
        return type(error)
