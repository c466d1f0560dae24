"""The three claims of the L-Mul paper (arXiv 2410.00907), each with a rule that decides whether it holds here.

`slipstick-lmul study` prints the rules before it measures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ..datasets.sentences import Sentence
from .study_configurations import PRODUCTS, WHERE, Configuration, Format, baseline, lmul_configuration
from .study_measure import Figures, on_topic
from .study_statistics import Array, Bootstrap

COSINE: Final = 0.999
"""The mean cosine from which embeddings count as almost the same: a turn by less than 2.6 degrees."""
TOPICS: Final = 0.02
"""The share of sentences whose nearest neighbour may leave their topic before it counts as a loss."""

_SCOPES: Final = ("attention", "all")
"""Where claims two and three must hold; matrix products alone are shown beside them."""


@dataclass(frozen=True)
class Claim:
    """A claim and the rule that decides it."""

    text: str
    rule: str
    reason: str
    """Why this rule."""


CLAIMS: Final = (
    Claim(
        "L-Mul in attention only is almost lossless",
        "Holds if, with k = 4 in attention (truncate, offset paper): the whole interval of the mean cosine with f32 is "
        f"at least {COSINE}; the interval of the share of nearest neighbours as in f32 reaches that of bf16 in "
        "attention; and the share of neighbours on topic is, by the whole interval of the paired difference, less "
        f"than {TOPICS * 100:.0f} points below that of bf16.",
        "The paper compares scores of tasks with bf16's; finding a neighbour on topic is the task here.",
    ),
    Claim(
        "L-Mul with k = 4 is at least as good as fp8 e4m3",
        "Holds if, in attention and everywhere (like against like; truncate, offset paper), the interval of the paired "
        "difference of the mean cosine error, L-Mul less e4m3, does not lie wholly above 0.",
        "At least as good means: not shown to be worse.",
    ),
    Claim(
        "L-Mul with k = 3 is better than fp8 e5m2",
        "Holds if, in attention and everywhere (like against like; truncate, offset paper), the interval of the paired "
        "difference of the mean cosine error, L-Mul less e5m2, lies wholly below 0.",
        "Better means: shown to be better.",
    ),
)


@dataclass(frozen=True)
class Finding:
    """One line of evidence."""

    text: str
    met: bool | None
    """Whether it meets the rule; None for what is shown beside it."""


@dataclass(frozen=True)
class Verdict:
    """What the figures say of a claim."""

    claim: Claim
    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        """Whether all that the rule asks for is met."""
        return all(finding.met is not False for finding in self.findings)

    @property
    def text(self) -> str:
        """The verdict in words."""
        return "holds here" if self.holds else "does not hold here"


def judge(
    figures: Mapping[Configuration, Figures], expected: Array, sentences: Sequence[Sentence]
) -> tuple[Verdict, ...]:
    """Return a verdict on each claim; `expected` are the nearest neighbours in f32, int64 [sentences].

    `figures` must hold the paper's configurations with k = 3 and 4 and the baselines, in attention and everywhere.
    """
    court = _Court(figures, expected, sentences, Bootstrap(len(sentences)))
    findings = (court.lossless(), court.against(4, "e4m3"), court.against(3, "e5m2"))
    return tuple(Verdict(claim, tuple(found)) for claim, found in zip(CLAIMS, findings, strict=True))


@dataclass(frozen=True)
class _Court:
    figures: Mapping[Configuration, Figures]
    expected: Array
    sentences: Sequence[Sentence]
    bootstrap: Bootstrap

    def lossless(self) -> list[Finding]:
        lmul, bf16 = (self.figures[c] for c in (lmul_configuration(4, "attention"), baseline("bf16", "attention")))
        cosine = self.bootstrap.mean(1 - lmul.cosine_errors)
        agreement, reached = (self.bootstrap.share(f.neighbours == self.expected) for f in (lmul, bf16))
        topics, others = (on_topic(f.neighbours, self.sentences).astype(float) for f in (lmul, bf16))
        lost = self.bootstrap.mean(topics - others)
        return [
            Finding(f"mean cosine {cosine.text('.6f')}", cosine.low >= COSINE),
            Finding(
                f"neighbours as in f32 {agreement.text('.1f', 100)} %, bf16 {reached.text('.1f', 100)} %",
                agreement.high >= reached.low,
            ),
            Finding(
                f"neighbours on topic {topics.mean() * 100:.1f} %, bf16 {others.mean() * 100:.1f} %: paired difference "
                f"{lost.text('+.1f', 100)} points",
                lost.low > -TOPICS,
            ),
        ]

    def against(self, k: int, format_: Format) -> list[Finding]:
        better = format_ == "e5m2"
        findings = []
        for scope in (*_SCOPES, PRODUCTS):
            lmul, other = lmul_configuration(k, scope), baseline(format_, scope)
            if scope == PRODUCTS and not {lmul, other} <= self.figures.keys():
                continue
            errors, others = (self.figures[c].cosine_errors for c in (lmul, other))
            difference = self.bootstrap.mean(errors - others)
            met = difference.high < 0 if better else difference.low <= 0
            text = (
                f"{WHERE[scope]}: cosine error {errors.mean():.2e} against {others.mean():.2e}, paired difference "
                f"{difference.text('+.2e')}"
            )
            findings.append(Finding(text, met if scope in _SCOPES else None))
        return findings
