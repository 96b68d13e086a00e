"""What a student asks of an attention: trained parts of a block, and nodes between its features and its window."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import nn

from mksgn_neuro.nn.nodes import AnyNode

if TYPE_CHECKING:
    from mksgn_neuro.models.student import StudentConfig


@dataclass(frozen=True)
class Site:
    """Where it is: the number of the block, its joints and channels, and the names of nodes that can be taken.

    `input` is what the block takes, `graph` its spatial features, which are attended to.
    """

    block: int
    joints: int
    channels: int
    input: str
    graph: str

    def name(self, role: str) -> str:
        """Of a node of this block."""
        return f"b{self.block}.{role}"


class Attention:
    """None at all; others override what they do. An attention is stateless: its weights are the block's `parts`."""

    def require_fitting(self, config: StudentConfig) -> None:
        """Raise ValueError for a shape that it cannot have."""

    def shared(self, config: StudentConfig) -> tuple[int, ...]:
        """Numbers that every group of channels must get an equal part of."""
        return ()

    def parts(self, config: StudentConfig, channels_in: int, channels: int) -> Mapping[str, nn.Module]:
        """Trained modules of one block, which become its attributes."""
        return {}

    def nodes(self, site: Site, parts: Mapping[str, nn.Module]) -> Iterator[AnyNode]:
        """What it adds to the network; the last node is what the window over frames takes instead of `site.graph`."""
        return iter(())
