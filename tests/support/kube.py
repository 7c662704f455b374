"""A real Kubernetes API server with its etcd, an operator beside it, and the emulator for a cloud."""

import base64
import csv
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from reconciler.emulator.records import Target
from reconciler.emulator.server import EmulatorServer

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy" / "kubernetes"
ADMIN, OPERATOR = "admin-token", "operator-token"
SERVICE_ACCOUNT = "system:serviceaccount:{}:sgctl-operator"
CONFINED = "confined-token"
"""The token of the operator that has rights in the namespace `network` only."""
PATIENCE = 120.0
API = "/apis/sgctl.dev/v1alpha1"
REGION = 7

Json = dict[str, Any]

PATHS = {
    "Namespace": "/api/v1/namespaces",
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
    "Secret": "/api/v1/namespaces/{}/secrets",
    "Pod": "/api/v1/namespaces/{}/pods",
    "CustomResourceDefinition": "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "Lease": "/apis/coordination.k8s.io/v1/namespaces/{}/leases",
    "CloudTarget": API + "/namespaces/{}/cloudtargets",
    "AddressGroup": API + "/namespaces/{}/addressgroups",
    "SecurityGroup": API + "/namespaces/{}/securitygroups",
}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_for(what: str, look: Callable[[], Any], patience: float = PATIENCE) -> Any:
    """Look until there is something, and return it."""
    until = time.monotonic() + patience
    seen: Any = None
    while time.monotonic() < until:
        try:
            seen = look()
        except httpx.TransportError as error:
            seen, failure = None, error
            if time.monotonic() > until:
                raise failure from None
        if seen:
            return seen
        time.sleep(0.1)
    raise AssertionError(f"waited {patience} s for {what}")


@dataclass
class Kube:
    """An API server as its admin sees it."""

    folder: Path
    etcd_port: int = field(default_factory=free_port)
    port: int = field(default_factory=free_port)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def start(self, program: Path) -> None:
        (self.folder / "tokens.csv").touch(0o600)
        with (self.folder / "tokens.csv").open("w") as file:
            rows = csv.writer(file)
            rows.writerow([ADMIN, "admin", "1", "system:masters"])
            for number, (token, namespace) in enumerate(((OPERATOR, "sgctl-system"), (CONFINED, "network")), 2):
                groups = "system:serviceaccounts,system:authenticated"
                rows.writerow([token, SERVICE_ACCOUNT.format(namespace), number, groups])
        key = rsa.generate_private_key(65537, 2048)
        (self.folder / "sa.key").write_bytes(pem_of(key))
        (self.folder / "ca.crt").write_bytes(sign("tests", key, "tests", key))
        peer = free_port()
        self._spawn(
            "etcd",
            "etcd",
            *("--data-dir", self.folder / "etcd"),
            *("--listen-client-urls", f"http://127.0.0.1:{self.etcd_port}"),
            *("--advertise-client-urls", f"http://127.0.0.1:{self.etcd_port}"),
            *("--listen-peer-urls", f"http://127.0.0.1:{peer}"),
            *("--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}"),
            *("--initial-cluster", f"default=http://127.0.0.1:{peer}"),
            "--unsafe-no-fsync",
        )
        self.program = program
        self.start_api()

    def start_api(self) -> None:
        self._spawn(
            "apiserver",
            self.program,
            f"--etcd-servers=http://127.0.0.1:{self.etcd_port}",
            f"--cert-dir={self.folder / 'certs'}",
            f"--secure-port={self.port}",
            "--bind-address=127.0.0.1",
            f"--token-auth-file={self.folder / 'tokens.csv'}",
            f"--client-ca-file={self.folder / 'ca.crt'}",
            "--authorization-mode=RBAC",
            "--disable-admission-plugins=ServiceAccount",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self.folder / 'sa.key'}",
            f"--service-account-signing-key-file={self.folder / 'sa.key'}",
            "--service-cluster-ip-range=10.0.0.0/24",
        )
        wait_for("the API server", self._is_ready, 120)

    def _is_ready(self) -> bool:
        assert self.processes["apiserver"].poll() is None, (self.folder / "apiserver.log").read_text()[-3000:]
        if not (self.folder / "certs" / "apiserver.crt").exists():
            return False
        return self.call("GET", "/readyz").status_code == 200

    def _spawn(self, name: str, *command: object) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen([str(each) for each in command], stdout=log, stderr=log)

    def stop_api(self) -> None:
        self.processes["apiserver"].kill()
        self.processes.pop("apiserver").wait(30)

    def stop(self) -> None:
        if hasattr(self, "client"):
            self.client.close()
        for process in self.processes.values():
            process.kill()
            process.wait(30)

    # Requests.

    def call(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> httpx.Response:
        if not hasattr(self, "client"):
            self.client = httpx.Client(
                base_url=self.url,
                verify=ssl.create_default_context(cafile=self.folder / "certs" / "apiserver.crt"),
                headers={"Authorization": f"Bearer {ADMIN}"},
                timeout=30,
                trust_env=False,
            )
        return self.client.request(method, path, json=body, headers={"Content-Type": kind})

    def apply(self, document: Json, namespace: str | None = None) -> Json:
        """Apply a document as `kubectl apply --server-side` does; fields that are not known are an error."""
        namespace = namespace or document["metadata"].get("namespace", "default")
        path = f"{PATHS[document['kind']].format(namespace)}/{document['metadata']['name']}"
        query = "?fieldManager=tests&force=true&fieldValidation=Strict"
        answer = self.call("PATCH", path + query, document, "application/apply-patch+yaml")
        assert answer.is_success, f"{path}: {answer.text}"
        found: Json = answer.json()
        return found

    def get(self, kind: str, namespace: str, name: str) -> Json | None:
        answer = self.call("GET", f"{PATHS[kind].format(namespace)}/{name}")
        if answer.status_code == 404:
            return None
        assert answer.is_success, answer.text
        found: Json = answer.json()
        return found

    def patch(self, kind: str, namespace: str, name: str, body: Json) -> Json:
        path = f"{PATHS[kind].format(namespace)}/{name}"
        answer = self.call("PATCH", path, body, "application/merge-patch+json")
        assert answer.is_success, answer.text
        found: Json = answer.json()
        return found

    def delete(self, kind: str, namespace: str, name: str) -> None:
        answer = self.call("DELETE", f"{PATHS[kind].format(namespace)}/{name}")
        assert answer.is_success, answer.text

    def events(self, namespace: str) -> list[tuple[str, str, str]]:
        items = self.call("GET", f"/api/v1/namespaces/{namespace}/events").json()["items"]
        return [(each["involvedObject"]["name"], each["reason"], each["message"]) for each in items]

    def kubeconfig(self, token: str = OPERATOR) -> Path:
        return self.write_kubeconfig(token, {"token": token})

    def certificate_kubeconfig(self) -> Path:
        """Log in with a certificate in the name of the operator's service account, as a kubeconfig embeds it."""
        ca = serialization.load_pem_private_key((self.folder / "sa.key").read_bytes(), None)
        assert isinstance(ca, rsa.RSAPrivateKey)
        key = rsa.generate_private_key(65537, 2048)
        parts = {
            "client-certificate-data": sign(SERVICE_ACCOUNT.format("sgctl-system"), key, "tests", ca),
            "client-key-data": pem_of(key),
        }
        user = {name: base64.b64encode(part).decode() for name, part in parts.items()}
        return self.write_kubeconfig("certificate", user)

    def write_kubeconfig(self, name: str, user: Mapping[str, str]) -> Path:
        path = self.folder / f"{name}.kubeconfig"
        cluster = {"server": self.url, "certificate-authority": str(self.folder / "certs" / "apiserver.crt")}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "it",
            "clusters": [{"name": "it", "cluster": cluster}],
            "users": [{"name": "it", "user": user}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it", "namespace": "sgctl-system"}}],
        }
        path.write_text(json.dumps(content))
        return path


def pem_of(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def sign(name: str, key: rsa.RSAPrivateKey, issuer: str, issuer_key: rsa.RSAPrivateKey) -> bytes:
    """Make a certificate of a name, good for a day."""
    subject, by = (x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, each)]) for each in (name, issuer))
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(by, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=name == issuer, path_length=None), critical=True)
    )
    return made.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def manifests(*names: str) -> Iterator[Json]:
    """Read the documents of files below deploy/kubernetes."""
    for name in names:
        yield from (each for each in yaml.safe_load_all((DEPLOY / name).read_text()) if each)


@dataclass
class OperatorProcess:
    """An operator as a process of its own."""

    kube: Kube
    cloud_url: str
    log: Path
    kubeconfig: Path | None = None
    process: subprocess.Popen[bytes] | None = None

    def start(self, *arguments: str) -> None:
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("GCORE_", "SGCTL_"))},
            "KUBECONFIG": str(self.kubeconfig or self.kube.kubeconfig()),
            "GCORE_BASE_URL": self.cloud_url,
            "XDG_STATE_HOME": str(self.kube.folder / "state"),
        }
        command = [
            sys.executable,
            "-m",
            "reconciler",
            "operator",
            "--lock-timeout",
            "10s",
            "--timeout",
            "5",
            *arguments,
        ]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=ROOT)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(30)

    def stop(self) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@contextmanager
def running(operator: OperatorProcess, *arguments: str) -> Iterator[OperatorProcess]:
    operator.start(*arguments)
    try:
        yield operator
    finally:
        try:
            operator.stop()
        except subprocess.TimeoutExpired:
            operator.kill()


def secret(name: str, key: str) -> Json:
    data = {"apiKey": base64.b64encode(key.encode()).decode()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": data}


def resource(kind: str, name: str, /, **spec: Any) -> Json:
    return {"apiVersion": "sgctl.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def target(project: int, name: str = "t", /, region: int = 7, **spec: Any) -> Json:
    return resource("CloudTarget", name, projectId=project, regionId=region, apiKeySecretRef={"name": "gcore"}, **spec)


def group(name: str, /, *rules: Mapping[str, Any], of: str = "t", **spec: Any) -> Json:
    return resource("SecurityGroup", name, targetRef={"name": of}, rules=list(rules), **spec)


def tcp(ports: Any, prefix: str = "10.0.0.0/8") -> Json:
    return {"direction": "ingress", "protocol": "tcp", "ports": ports, "remoteIpPrefix": prefix}


def condition(body: Json | None, name: str) -> Json:
    """Return a condition that is about the spec as it is now; nothing where there is none."""
    for each in ((body or {}).get("status") or {}).get("conditions") or ():
        if each["type"] == name and body and each.get("observedGeneration") == body["metadata"]["generation"]:
            found: Json = each
            return found
    return {}


def in_sync(kube: Kube, namespace: str, kind: str, name: str, status: str = "True", reason: str | None = None) -> Any:
    def look() -> Any:
        body = kube.get(kind, namespace, name)
        found = condition(body, "InSync")
        return body if found.get("status") == status and reason in (None, found["reason"]) else None

    return wait_for(f"{kind} {name} to be InSync={status} {reason or ''}", look)


def digest(kube: Kube, namespace: str, name: str = "t") -> str:
    body = wait_for("a plan", lambda: (kube.get("CloudTarget", namespace, name) or {}).get("status", {}).get("plan"))
    return str(body["digest"])


def approve(kube: Kube, namespace: str, what: str, name: str = "t") -> None:
    kube.patch("CloudTarget", namespace, name, {"metadata": {"annotations": {"sgctl.dev/approve": what}}})


def live(cloud: EmulatorServer, project: int) -> dict[str, set[str]]:
    """Return the groups of a project in the cloud, each with its ingress rules as port and remote."""
    groups = cloud.store.groups(Target(project, REGION))
    return {
        each.name: {
            f"{rule.port_range_min} {rule.remote_ip_prefix}" for rule in each.rules if rule.direction == "ingress"
        }
        for each in groups
        if each.name != "default"
    }
