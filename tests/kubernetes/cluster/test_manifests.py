"""The manifests, and what people do with them: kubectl, kustomize, Pod Security, rights in one namespace."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from kube import (
    ADMIN,
    CONFINED,
    DEPLOY,
    PATHS,
    ROOT,
    Kube,
    OperatorProcess,
    digest,
    free_port,
    group,
    in_sync,
    live,
    manifests,
    running,
    secret,
    target,
    tcp,
    wait_for,
)

from reconciler.emulator.server import EmulatorServer

KUBECTL = shutil.which("kubectl")
needs_kubectl = pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed")
Kubectl = Callable[..., str]


@pytest.fixture
def kubectl(kube: Kube) -> Kubectl:
    """What an admin types; returns what is printed."""
    config = kube.kubeconfig(ADMIN)

    def run(*words: str, text: str | None = None) -> str:
        command = [str(KUBECTL), "--kubeconfig", str(config), *words]
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout

    return run


@needs_kubectl
def test_kubectl_shows_waits_for_and_approves_a_plan(
    kubectl: Kubectl, cloud: EmulatorServer, operator: OperatorProcess, namespace: str, project: int
) -> None:
    """Every command of the guide but those of the installation."""
    here = ("--namespace", namespace)
    resources = [target(project), group("web", tcp([80, 443])), group("app", tcp(22))]
    kubectl("apply", *here, "-f", "-", text=yaml.safe_dump_all(resources))
    kubectl("wait", *here, "--for=condition=Planned", "cloudtarget/t", "--timeout=110s")
    head, row = kubectl("get", *here, "cloudtargets").splitlines()
    assert head.split()[:6] == ["NAME", "PROJECT", "REGION", "MODE", "READY", "IN"]
    assert row.split()[:7] == ["t", str(project), "7", "Approve", "True", "False", "ApprovalNeeded"]
    rows = kubectl("get", *here, "securitygroups").splitlines()
    assert [each.split()[0] for each in rows] == ["NAME", "app", "web"]
    said = kubectl("describe", *here, "cloudtarget", "t")
    plan = kubectl("get", *here, "cloudtarget", "t", "-o", "jsonpath={.status.plan.digest}")
    for words in (plan, "create the group", "tcp 80 from 10.0.0.0/8", "ApprovalNeeded"):
        assert words in said
    assert f"sgctl.dev/approve={plan}" in said, "the way to approve it is shown"
    kubectl("annotate", *here, "cloudtarget", "t", f"sgctl.dev/approve={plan}")
    kubectl("wait", *here, "--for=condition=InSync", "cloudtarget/t", "securitygroup/web", "--timeout=110s")
    assert live(cloud, project).keys() == {"web", "app"}
    events = json.loads(kubectl("get", *here, "events", "-o", "json"))["items"]
    assert "Applied" in {each["reason"] for each in events}
    assert "rules" in kubectl("explain", "securitygroups.spec")


@needs_kubectl
@pytest.mark.parametrize("folder", ["kubernetes", "kubernetes-one-namespace"])
def test_kustomize_builds_what_the_api_server_takes(kubectl: Kubectl, folder: str) -> None:
    text = kubectl("kustomize", str(DEPLOY.parent / folder))
    assert "registry.example.com/sgctl" in text
    namespace = next(each for each in yaml.safe_load_all(text) if each["kind"] == "Namespace")
    kubectl("apply", "-f", "-", text=yaml.safe_dump(namespace))
    kubectl("apply", "--dry-run=server", "-f", "-", text=text)


def pods() -> list[Any]:
    """The Pods of the Deployments that there are."""
    files = (DEPLOY / "deployment.yaml", ROOT / "examples" / "watch" / "deployment.yaml")
    return [yaml.safe_load(file.read_text())["spec"]["template"] for file in files]


@pytest.mark.parametrize("template", pods(), ids=["operator", "watch"])
def test_our_pods_are_admitted_where_pods_are_restricted_and_others_are_not(kube: Kube, template: Any) -> None:
    path = PATHS["Pod"].format("sgctl-system") + "?dryRun=All"
    for spec, status in ((template["spec"], 201), ({**template["spec"], "hostNetwork": True}, 403)):
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one"}, "spec": spec}
        answer = kube.call("POST", path, body)
        assert answer.status_code == status, answer.text
        assert "warning" not in answer.headers


@needs_kubectl
def test_an_operator_with_rights_in_one_namespace_works_there_and_sees_no_other(
    kube: Kube, kubectl: Kubectl, cloud: EmulatorServer, namespace: str, project: int, tmp_path: Path
) -> None:
    text = kubectl("kustomize", str(DEPLOY.parent / "kubernetes-one-namespace"))
    for document in yaml.safe_load_all(text):
        if document["kind"] != "CustomResourceDefinition":
            kube.apply(document)
    kube.apply(secret("gcore", cloud.api_key), "network")
    operator = OperatorProcess(kube, cloud.url, tmp_path / "log", kube.kubeconfig(CONFINED))
    with running(operator, "--namespace", "network", "--lease-namespace", "network"):
        for where in ("network", namespace):
            kube.apply(target(project, mode="Enforce"), where)
            kube.apply(group("web", tcp(80), deletionPolicy="Delete"), where)
        in_sync(kube, "network", "SecurityGroup", "web")
        kube.delete("CloudTarget", "network", "t")
        kube.delete("SecurityGroup", "network", "web")
        wait_for("it to be gone", lambda: kube.get("SecurityGroup", "network", "web") is None)
        assert "status" not in (kube.get("SecurityGroup", namespace, "web") or {})
    log = operator.log.read_text().lower()
    assert "forbidden" not in log
    assert "warning" not in log


def test_a_certificate_is_as_good_as_a_token(
    kube: Kube, cloud: EmulatorServer, namespace: str, project: int, tmp_path: Path
) -> None:
    kube.apply(target(project, mode="Enforce"), namespace)
    kube.apply(group("web", tcp(80)), namespace)
    with running(OperatorProcess(kube, cloud.url, tmp_path / "log", kube.certificate_kubeconfig())):
        in_sync(kube, namespace, "SecurityGroup", "web")


def test_the_sample_is_taken_as_it_is_written(kube: Kube, namespace: str) -> None:
    for document in manifests("sample/web.yaml"):
        kube.apply(document, namespace)


def test_who_waits_for_the_lease_is_alive_and_not_ready(
    kube: Kube, cloud: EmulatorServer, operator: OperatorProcess, namespace: str, project: int, tmp_path: Path
) -> None:
    kube.apply(target(project), namespace)
    kube.apply(group("web", tcp(80)), namespace)
    digest(kube, namespace)
    port = free_port()
    with running(OperatorProcess(kube, cloud.url, tmp_path / "log"), "--listen", f"127.0.0.1:{port}"):
        url = f"http://127.0.0.1:{port}"
        said = wait_for("it to answer", lambda: httpx.get(f"{url}/readyz"))
        said = wait_for("it to see the other", lambda: "nobody" not in (httpx.get(f"{url}/readyz").text) and said)
        answer = httpx.get(f"{url}/readyz")
        assert (answer.status_code, answer.text.startswith("the lease is held by ")) == (503, True)
        assert httpx.get(f"{url}/healthz").is_success
