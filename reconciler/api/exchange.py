"""What is told of a request while commands work; apart from `http`, so that whoever prints it loads no client."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request as it went, for `-v` and the journal; `status` is None where no answer came."""

    method: str
    path: str
    status: int | None
    seconds: float
    request_id: str | None
    problem: str | None = None
