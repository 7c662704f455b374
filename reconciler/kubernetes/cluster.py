"""The border to the cluster's API, beside what kopf watches: lists, statuses, finalizers, the lease, events."""

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from threading import Lock
from typing import Any, Self
from urllib.parse import quote

import httpx
import kopf

from reconciler.kubernetes.resources import APPROVE, FINALIZER, GROUP, KINDS, VERSION, Key, Resource
from reconciler.model.errors import SgctlError

MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
PAGE = 500
MAX_PAGES = 1000
"""Pages of a list, at most: half a million resources."""
TIMEOUT = 30.0


class ClusterError(SgctlError):
    """The cluster's API refused a request, or gave no answer; `status` is None then."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class Moved(ClusterError):
    """What was to be changed is not any more as it was read: nothing was done; another look shows it."""


@contextmanager
def _read_as(what: str) -> Iterator[None]:
    """Raise `ClusterError` where an answer is not what the API is published to answer."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError):
        raise ClusterError(f"the cluster's API answered something that is not {what}") from None


class Cluster:
    """Speaks to the API of a cluster; safe to share between threads. Use it with `with`.

    `log_in` is asked before each request: the token of a pod changes every hour.
    """

    def __init__(self, log_in: Callable[[], kopf.ConnectionInfo], namespaces: Sequence[str] = ()) -> None:
        self._log_in = log_in
        self._namespaces = tuple(namespaces)
        self._lock = Lock()
        self._clients = ExitStack()
        self._place: kopf.ConnectionInfo | None = None
        self._client: httpx.Client | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._clients.close()

    @_read_as("a list of the APIs that it serves")
    def find_missing(self) -> tuple[str, ...]:
        """Name the definitions that the cluster does not serve (yet): none of their kind can be listed or watched.

        kopf looks at the same two lists, once, when it starts. Raises `ClusterError`.
        """
        groups = self._call("GET", "/apis")["groups"] or ()  # in Go, an empty list may be written as null
        versions = {version["version"] for group in groups if group["name"] == GROUP for version in group["versions"]}
        resources = self._call("GET", _API)["resources"] if VERSION in versions else ()
        served = {each["name"] for each in resources or ()}
        return tuple(f"{kind.plural}.{GROUP}" for kind in KINDS if kind.plural not in served)

    @_read_as("a list of resources")
    def list_resources(self) -> dict[Key, Resource]:
        """List all of our resources. Raises `ClusterError`."""
        found = {}
        for kind in KINDS:
            for namespace in self._namespaces or ("",):
                within = f"namespaces/{namespace}/" if namespace else ""
                proceed = ""
                for _ in range(MAX_PAGES):
                    page = self._call("GET", f"{_API}/{within}{kind.plural}", params={"limit": PAGE, **_from(proceed)})
                    for body in page["items"] or ():
                        key = Key(kind, body["metadata"]["namespace"], body["metadata"]["name"])
                        found[key] = Resource(key, body)
                    proceed = page["metadata"].get("continue", "")
                    if not proceed:
                        break
                else:
                    raise ClusterError(f"the cluster's list of {kind.plural} has no end")
        return found

    @_read_as("a Secret")
    def read_secret(self, namespace: str, name: str) -> Mapping[str, str] | None:
        """Read the data of a Secret, still in base64; None where there is none."""
        try:
            secret = self._call("GET", f"/api/v1/namespaces/{namespace}/secrets/{quote(name, safe='')}")
        except ClusterError as error:
            if error.status == 404:
                return None
            raise
        return {key: value for key, value in (secret.get("data") or {}).items() if isinstance(value, str)}

    def write_status(self, resource: Resource, status: Mapping[str, Any]) -> bool:
        """Write what is to be said of a resource, and tell whether it is still there."""
        try:
            self._call("PATCH", f"{_path(resource.key)}/status", MERGE, {"status": status})
        except ClusterError as error:
            if error.status != 404:
                raise
            return False
        return True

    def take_approval(self, key: Key, digest: str) -> bool:
        """Take an approval away, and tell whether it was there: of several takers one is told so."""
        path = f"/metadata/annotations/{APPROVE.replace('/', '~1')}"
        try:
            self._change(key, (path, digest), {"op": "remove", "path": path})
        except Moved:
            return False
        return True

    def hold(self, resource: Resource) -> None:
        """Add our finalizer to a resource. Raises `Moved` where it is not any more as it was read."""
        version = resource.metadata.get("resourceVersion")
        finalizers = [*resource.finalizers, FINALIZER]
        change = {"op": "add", "path": "/metadata/finalizers", "value": finalizers}
        self._change(resource.key, ("/metadata/resourceVersion", version), change)

    def release(self, resource: Resource) -> None:
        """Take our finalizer away from a resource. Raises `Moved` where others changed its finalizers meanwhile."""
        path = f"/metadata/finalizers/{resource.finalizers.index(FINALIZER)}"
        self._change(resource.key, (path, FINALIZER), {"op": "remove", "path": path})

    def _change(self, key: Key, known: tuple[str, Any], change: Mapping[str, Any]) -> None:
        """Change a resource where a path of it has the value that is known. Raises `Moved` where it has not."""
        path, value = known
        try:
            self._call("PATCH", _path(key), JSON_PATCH, [{"op": "test", "path": path, "value": value}, change])
        except ClusterError as error:
            if error.status in (404, 422):  # it is gone, or the test failed
                raise Moved(error.message, error.status) from None
            raise

    def create_event(self, resource: Resource, event: Mapping[str, Any]) -> None:
        """Write an event about a resource. One that cannot be written is left out: nothing depends on it."""
        namespace = resource.key.namespace
        about = {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": resource.key.kind.name,
            "namespace": namespace,
            "name": resource.key.name,
            "uid": resource.metadata.get("uid"),
        }
        metadata = {"generateName": f"{resource.key.name[:200]}.", "namespace": namespace}
        body = {"apiVersion": "v1", "kind": "Event", "metadata": metadata, "involvedObject": about, **event}
        with suppress(ClusterError):
            self._call("POST", f"/api/v1/namespaces/{namespace}/events", "application/json", body)

    def read_lease(self, namespace: str, name: str) -> dict[str, Any] | None:
        """Read a lease; None where there is none."""
        try:
            return self._call("GET", f"{_LEASES.format(namespace)}/{name}")
        except ClusterError as error:
            if error.status == 404:
                return None
            raise

    def write_lease(self, namespace: str, lease: Mapping[str, Any]) -> dict[str, Any]:
        """Write a lease as it was read, or a new one. Raises `Moved` where somebody else was quicker."""
        if "resourceVersion" in lease["metadata"]:
            path = f"{_LEASES.format(namespace)}/{lease['metadata']['name']}"
            return self._call("PUT", path, "application/json", lease)
        return self._call("POST", _LEASES.format(namespace), "application/json", lease)

    def _call(
        self,
        method: str,
        path: str,
        content_type: str = "application/json",
        body: Any = None,
        params: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        access = self._log_in()
        key = access.as_http_headers()
        if not all(text.isascii() and text.isprintable() for text in key.values()):  # a library's error would repeat it
            raise ClusterError("the token for the cluster's API is not usable: it has characters that no token has")
        headers = {"Content-Type": content_type, **key}
        connection = self._connect(access)
        try:
            answer = connection.request(method, path, json=body, headers=headers, params=params)
        except httpx.HTTPError as error:
            raise ClusterError(f"the cluster's API does not answer: {error}") from None
        try:
            content = answer.json()
        except (ValueError, RecursionError):
            content = None
        if answer.is_error:
            said = content.get("message") if isinstance(content, dict) else None
            text = f"{method} {path}: {answer.status_code} {said or answer.reason_phrase}"
            kind = Moved if answer.status_code == 409 else ClusterError
            raise kind(text, answer.status_code)
        if not isinstance(content, dict):
            raise ClusterError(f"{method} {path}: the cluster's API answered something that is not a JSON object")
        return content

    def _connect(self, access: kopf.ConnectionInfo) -> httpx.Client:
        """Return the client for where the cluster is. Others may be using the one for where it was: it stays open."""
        place = replace(access, username=None, password=None, scheme=None, token=None)
        with self._lock:
            if self._client is None or place != self._place:
                try:
                    client = httpx.Client(
                        base_url=access.server,
                        verify=access.as_ssl_context() if access.server.startswith("https:") else True,
                        timeout=TIMEOUT,
                        limits=httpx.Limits(max_connections=32),
                        trust_env=False,
                    )
                except (OSError, ValueError, httpx.InvalidURL) as error:
                    text = f"the address or the certificates of the cluster's API are not usable: {error}"
                    raise ClusterError(text) from None
                self._client, self._place = self._clients.enter_context(client), place
            return self._client


_API = f"/apis/{GROUP}/{VERSION}"
_LEASES = "/apis/coordination.k8s.io/v1/namespaces/{}/leases"


def _path(key: Key) -> str:
    return f"{_API}/namespaces/{key.namespace}/{key.kind.plural}/{key.name}"


def _from(proceed: str) -> dict[str, str]:
    return {"continue": proceed} if proceed else {}


def decode(value: str) -> str:
    """Read a value of a Secret. Raises ValueError for what is no text."""
    return base64.b64decode(value, validate=True).decode("ascii").strip()
