"""`sgctl lint`."""

import json
import stat
from pathlib import Path
from typing import Any

import click

from reconciler.cli import EXIT_CODES, findings, options, settings
from reconciler.cli.looking import read_targets
from reconciler.cli.output import write_atomically
from reconciler.lint import Fixed, Kind, fix, lint
from reconciler.loading.load import load_documents, no_garbage_collection
from reconciler.model.errors import SgctlError
from reconciler.render.lint import lint_to_json, render_lint


@click.command("lint", epilog=EXIT_CODES)
@options.paths
@click.option("--fix", "fixing", is_flag=True, help="Rewrite the files where that changes no traffic.")
@click.option("--live", is_flag=True, help="Look up live which remote groups nobody has.")
@click.option(
    "--ignore", multiple=True, type=click.Choice([str(kind) for kind in Kind]), help="Not this kind; repeatable."
)
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@options.target_options
@options.api_options
def command(paths: tuple[str, ...], fixing: bool, live: bool, ignore: tuple[str, ...], **given: Any) -> int:
    """Find rules that are superfluous or could be one, and names that nobody has or needs.

    Kinds: duplicate and shadowed rules (what they admit is admitted by others of the group), mergeable ones (the same
    but for ports, adjacent prefixes, or IPv4 and IPv6; with the same description), remote groups that no file defines,
    address groups that nothing uses. PATHS are files or folders; the current folder when left out.

    With --fix the files are rewritten, comments kept, once the loader and the traffic algebra have shown that every
    group admits what it did. What cannot be mended that way is left. Exits with 2 when something is left to say.

    \b
      sgctl lint groups/
      sgctl lint --fix
      sgctl lint --ignore mergeable --format json
    """
    defaults = settings.defaults(given["project_id"], given["region_id"])
    policies = findings.configured_policies()
    with no_garbage_collection():
        documents, state = load_documents(paths or (".",), defaults, policies)
    there = read_targets(state, given) if live else None
    if fixing:
        result = fix(documents, state, defaults, policies, ignored=ignore, live=there)
        originals = {document.source.path: document.source.data for document in documents}
        for path, data in result.texts.items():
            _write(path, originals[path], data)
    else:
        found = tuple(finding for finding in lint(documents, state, there) if finding.kind not in ignore)
        result = Fixed({}, (), found)
    if given["format_"] == "json":
        click.echo(json.dumps(lint_to_json(result.left, result.mended), indent=1, ensure_ascii=False))
    else:
        click.echo(render_lint(result.left, result.mended, fixing=fixing), nl=False)
    return 2 if result.left else 0


def _write(path: str, old: bytes, new: bytes) -> None:
    """Replace a file that still is as it was read. A link stays a link; the mode stays as it is."""
    target = Path(path).resolve()
    try:
        status = target.stat()
        if not stat.S_ISREG(status.st_mode):
            raise SgctlError(f"cannot rewrite {path}: it is no regular file")
        if target.read_bytes() != old:
            raise SgctlError(f"{path} changed while it was read; it was not rewritten", hint="Run the command again.")
    except OSError as error:
        raise SgctlError(f"cannot rewrite {path}: {error.strerror or error}") from None
    write_atomically(str(target), new.decode("utf-8"), stat.S_IMODE(status.st_mode))
