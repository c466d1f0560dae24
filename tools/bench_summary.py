"""What a run's figures say as a whole: means, and the rows that fall short of what is asked."""

from __future__ import annotations

from dataclasses import dataclass

from .bench_results import Results, Row, geometric_mean
from .bench_subjects import EXACT, LMUL, REFERENCE, scheduled

AGAINST_TORCH = 1.25
AGAINST_PEERS = 1.15
LIMIT_SHARE = 0.9
LMUL_SHARE = {"product": 0.95}
LMUL_SHARE_OF_MODELS = 0.9


@dataclass(frozen=True)
class Summary:
    """Geometric means of speeds over rows; `None` where no row has both."""

    rows: int
    over_torch: float | None
    """slipstick exact over torch eager."""
    over_peers: float | None
    """slipstick exact over the fastest other peer of each row."""
    lmul_over_exact: float | None
    by_peer: dict[str, float]
    """slipstick exact over each peer, over the rows that the peer ran."""
    short: tuple[str, ...]
    """A sentence for each row that falls short."""


def summarise(results: Results) -> Summary:
    """Return the means over all rows where slipstick exact was timed."""
    rows = [row for row in results.rows if _speed(row, EXACT) is not None]
    over_torch = geometric_mean(_speed(row, EXACT) or 0.0 for row in rows)
    over_peers = geometric_mean(
        (_speed(row, EXACT) or 0.0) / (peer.speed or 1.0) for row in rows if (peer := row.fastest_peer()) is not None
    )
    both = [(ours, exact) for row in rows if (ours := _speed(row, LMUL)) and (exact := _speed(row, EXACT))]
    by_peer = {}
    for name in {subject.name for row in rows for subject in row.subjects if subject.kind == "peer"}:
        pairs = [(_speed(row, EXACT), _speed(row, name)) for row in rows]
        mean = geometric_mean(ours / theirs for ours, theirs in pairs if ours and theirs)
        if mean is not None:
            by_peer[name] = mean
    short = tuple(sentence for row in results.rows for sentence in shortfalls(results, row))
    return Summary(
        len(rows), over_torch, over_peers, geometric_mean(a / b for a, b in both), dict(sorted(by_peer.items())), short
    )


def shortfalls(results: Results, row: Row) -> list[str]:
    """Return in what a row falls short, a sentence each."""
    name = f"{row.graph}, {row.threads} {'thread' if row.threads == 1 else 'threads'}"
    if row.failure:
        return [f"{name}: {row.failure}"]
    found = [
        f"{name}: {subject.name} is {subject.status}: {subject.detail}"
        for subject in row.subjects
        if subject.kind == "slipstick" and subject.status not in ("timed", "skipped")
    ]
    margin = row.margin()
    if margin is not None and margin < 1:
        peer = row.fastest_peer()
        other = REFERENCE if peer is None or (peer.speed or 0.0) < 1 else peer.name
        found.append(f"{name}: exact runs at {margin:.2f} of the speed of {other}")
    exact, lmul = row.subject(EXACT), row.subject(LMUL)
    if exact and lmul and exact.speed and lmul.speed:
        share, wanted = lmul.speed / exact.speed, LMUL_SHARE.get(row.family, LMUL_SHARE_OF_MODELS)
        if share < wanted:
            found.append(f"{name}: L-Mul runs at {share:.2f} of the exact speed; asked for: {wanted}")
    if row.family == "product" and exact:
        achieved = results.achieved(row, exact)
        if achieved is not None and achieved.fraction is not None and achieved.fraction < LIMIT_SHARE:
            found.append(f"{name}: exact reaches {achieved.fraction:.0%} of the limit; asked for: {LIMIT_SHARE:.0%}")
    return found


@dataclass(frozen=True)
class PolicySummary:
    """Kernels as a policy decides them beside the heuristic's, over rows."""

    policy: str
    mean: float
    """Geometric mean of the speeds over the heuristic's; 1 in rows where both decide alike."""
    slowest: tuple[str, float]
    """The row in which it gains least."""
    timed: int
    same: int
    """Rows where it decides all as the heuristic does, which are not timed."""


def policies(results: Results) -> list[PolicySummary]:
    """Return how each policy that took part compares with the heuristic."""
    found = []
    for policy in ("model", "search"):
        name = scheduled(policy)
        ratios = {
            row.graph: own / exact
            for row in results.rows
            if (own := _speed(row, name)) is not None and (exact := _speed(row, EXACT)) is not None
        }
        same = [row for row in results.rows if (subject := row.subject(name)) and subject.status == "skipped"]
        mean = geometric_mean([*ratios.values(), *(1.0 for _ in same)])
        if mean is not None:
            slowest = min(ratios.items(), key=lambda item: item[1], default=("", 1.0))
            found.append(PolicySummary(policy, mean, slowest, len(ratios), len(same)))
    return found


def _speed(row: Row, name: str) -> float | None:
    subject = row.subject(name)
    return None if subject is None else subject.speed
