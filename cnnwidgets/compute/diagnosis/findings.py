"""The results of `diagnose`: a finding, and a table of findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..tabular import to_html


@dataclass(frozen=True)
class Finding:
    """One problem that can make a view misleading.

    `topic` is one of `training mode`, `normalisation`, `dead units`, `duplicate channels`, `no nonlinearity`, `name
    registered twice`, `never ran`, `not finite`, `class names`; `layer` the layer concerned, if any; `evidence` the
    supporting numbers or source lines.
    """

    topic: str
    text: str
    evidence: str
    layer: str = ""

    def __str__(self) -> str:
        return f"{self.topic}: {self.text} ({self.evidence})"


class Findings(Sequence[Finding]):
    """The findings of `diagnose`; empty and false if nothing was found. Displayed as a table."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self._findings = tuple(findings)

    def __getitem__(self, key: Any) -> Any:
        return self._findings[key]

    def __len__(self) -> int:
        return len(self._findings)

    def __repr__(self) -> str:
        return "\n".join(map(str, self)) or "nothing found"

    def _repr_html_(self) -> str:
        if not self:
            return "<p>nothing found</p>"
        rows = [(finding.topic, finding.text, finding.evidence) for finding in self]
        return to_html(("topic", "finding", "evidence"), rows, heading_column=True)
