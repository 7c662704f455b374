"""What every test of the operator takes: a cluster, a cloud and an operator with the rights that the manifests give."""

import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from kube import Kube, OperatorProcess, manifests, running, secret

from reconciler.emulator.knobs import DefaultRules, Knobs
from reconciler.emulator.server import EmulatorServer

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def kube(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kube]:
    program = Path(os.environ["SGCTL_KUBE_APISERVER"])
    assert shutil.which("etcd"), "there is no etcd: install Debian's package `etcd-server`"
    found = Kube(tmp_path_factory.mktemp("kube"))
    try:
        found.start(program)
        for document in manifests(
            "namespace.yaml",
            *(f"crds/{kind}.yaml" for kind in ("cloudtargets", "addressgroups", "securitygroups")),
            *("rbac.yaml", "deployment.yaml"),
        ):
            found.apply(document)
        yield found
    finally:
        found.stop()


@pytest.fixture(scope="session")
def cloud() -> Iterator[EmulatorServer]:
    knobs = Knobs(default_rules=DefaultRules.NEUTRON, refuse_port_25=False)
    with EmulatorServer(knobs=knobs) as server:
        yield server


@pytest.fixture
def operator(kube: Kube, cloud: EmulatorServer, tmp_path: Path) -> Iterator[OperatorProcess]:
    with running(OperatorProcess(kube, cloud.url, tmp_path / "operator.log")) as process:
        yield process
    print((tmp_path / "operator.log").read_text())


@pytest.fixture
def project() -> int:
    """A project of the test's own."""
    return 100 + next(_NUMBERS)


@pytest.fixture
def namespace(kube: Kube, project: int, cloud: EmulatorServer) -> str:
    """A namespace of the test's own, with the key to the cloud."""
    name = f"n{project}"
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    kube.apply(secret("gcore", cloud.api_key), name)
    return name
