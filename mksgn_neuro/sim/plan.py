"""From a network to the kernels' tables: every synapse goes where it is cheapest to add."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mksgn_neuro.ir import Network, Population, Projection
from mksgn_neuro.ir.remembered import remembered
from mksgn_neuro.sim import convolutions, synapses
from mksgn_neuro.sim.synapses import INT16_MAX, Synapses, unique
from mksgn_neuro.sim.tables import WORD, Plan, Tables, packed
from mksgn_neuro.sim.vector import LANES

MAX_ROW_WEIGHT = 500  # 64 rows of it cannot leave 16 bits, so every span fits the int16 sums alone
MIN_ROW = 2  # synapses that pay for a whole row of a tile


@remembered
def build(network: Network) -> Plan:
    """Lay out a network. Raises Unsupported where a right shift cannot be proven exact in 32 bits."""
    slots, words = _slots(network)
    builder = _Builder(network, slots, words)
    for population in network.order:
        builder.add(population)
    return builder.finish()


def out_degree(network: Network, name: str) -> np.ndarray:
    """Synapses with a non-zero weight that a spike of each neuron of a population or the source reaches, int64 (N,)."""
    degree = np.zeros(network.size_of(name), dtype=np.int64)
    for q in network.outgoing[name]:
        degree += q.out_degree
    return degree


def _slots(network: Network) -> tuple[dict[str, int], int]:
    names = [p.name for p in network.order]
    if network.source.message_bits == 0:
        names.insert(0, network.source.name)
    slots, words = {}, 0
    for name in names:
        slots[name] = WORD * words
        words += -(-network.size_of(name) // WORD)
    return slots, words


class _Target(NamedTuple):
    """A population that synapses are laid out for: its first slot, its tiles (first chunk, chunks), its projections."""

    slot: int
    tiles: np.ndarray
    tile_of_chunk: np.ndarray
    pre_slots: np.ndarray  # per projection, 0 for the graded source
    lags: np.ndarray  # per projection

    def tile(self, s: Synapses) -> np.ndarray:
        return self.tile_of_chunk[s.post // LANES]

    def lane(self, s: Synapses) -> np.ndarray:
        return s.post - self.tiles[self.tile(s), 0] * LANES

    def pre_slot(self, s: Synapses) -> np.ndarray:
        return self.pre_slots[s.projection] + s.pre

    def width(self, tile: np.ndarray) -> np.ndarray:
        return self.tiles[tile, 1] * LANES


class _Builder:
    """Collects the tables population by population."""

    def __init__(self, network: Network, slots: dict[str, int], words: int) -> None:
        self.network, self.slots, self.words = network, slots, words
        self.columns: dict[str, list] = {name: [] for name in Tables._fields}
        for name in ("pop_tile_ptr", "span_ptr", "diagonal_ptr", "graded_ptr", "scatter_ptr", "column_ptr"):
            self.columns[name].append(np.zeros(1, dtype=np.int64))
        kinds = ("tiles", "spans", "diagonals", "graded", "weights", "scatters", "synapses", "conv", "conv_weights")
        self.sizes = dict.fromkeys(kinds, 0)
        self.column_count = 0
        self.drive_slots = 0

    def add(self, population: Population) -> None:
        """Tiles, rows, diagonals and scattered synapses of one population."""
        incoming = self.network.incoming[population.name]
        slot = self.slots[population.name]
        pre_slots = np.array([self.slots.get(q.pre, 0) for q in incoming] or [0])
        rows, singles, graded, loose = self._sort_out(incoming)
        diagonals, crowded, scattered = synapses.split_singles(singles, pre_slots, slot)
        rows = synapses.joined([rows, crowded])
        tiles = synapses.cut_tiles(population.size, rows, graded)
        target = _Target(
            slot=slot,
            tiles=tiles,
            tile_of_chunk=np.repeat(np.arange(len(tiles)), tiles[:, 1]),
            pre_slots=pre_slots,
            lags=np.array([self.network.transmission_delay + q.delay for q in incoming] or [0]),
        )
        self._place_diagonals(diagonals, target)
        self._place_rows(rows, target, held=synapses.largest_sums(diagonals, len(target.tile_of_chunk)))
        self._place_graded(graded, target)
        self._place_scattered(population, incoming, synapses.joined([scattered, loose]))
        self._place_population(population, incoming, target, self._wide(target))

    def _is_graded(self, q: Projection) -> bool:
        return q.pre == self.network.source.name and self.network.source.message_bits > 0

    def _sort_out(self, incoming: tuple[Projection, ...]) -> list[Synapses]:
        """Synapses as rows, singles, graded rows and loose ones; those of large kernels are none of these."""
        parts: tuple[list, ...] = ([], [], [], [])
        for i, q in enumerate(incoming):
            if convolutions.stays(q):
                continue
            all_of_it = Synapses.of(q, i)
            largest = np.abs(all_of_it.weight).max(initial=0)
            fits = q.weight_exp >= 0 and largest <= MAX_ROW_WEIGHT
            in_row = (synapses.run_lengths(all_of_it) >= MIN_ROW) & fits
            parts[2 if self._is_graded(q) else 0].append(all_of_it.where(in_row))
            parts[1 if fits and not self._is_graded(q) else 3].append(all_of_it.where(~in_row))
        return [synapses.joined(part) for part in parts]

    def _place_diagonals(self, s: Synapses, target: _Target) -> None:
        offset = WORD * self.words  # distances may be negative
        (tile, projection, distance), group = unique(
            target.tile(s), s.projection, target.pre_slot(s) - target.slot - s.post + offset
        )
        half, shift = np.divmod(target.slot + target.tiles[tile, 0] * LANES + distance - offset, LANES)
        base = self._store(target.width(tile), group, target.lane(s), s.weight)
        self._extend(
            diagonal_lag=target.lags[projection],
            diagonal_half=half,
            diagonal_shift=shift,
            diagonal_base=base,
            diagonal_ptr=self._ends("diagonals", tile, target),
        )

    def _place_rows(self, s: Synapses, target: _Target, held: np.ndarray) -> None:
        word, bit = np.divmod(target.pre_slot(s), WORD)
        (tile, projection, words), span = unique(target.tile(s), s.projection, word)
        mask = np.zeros(len(tile), dtype=np.uint64)
        np.bitwise_or.at(mask, span, np.uint64(1) << bit.astype(np.uint64))
        low, high = np.full(len(tile), WORD), np.zeros(len(tile), dtype=np.int64)
        np.minimum.at(low, span, bit)
        np.maximum.at(high, span, bit)
        width = target.width(tile)
        sizes = (high - low + 2) * width
        first = self._store(sizes, span, (bit - low[span]) * width[span] + target.lane(s), s.weight)
        weights = self.columns["weights"][-1]
        begin = self.sizes["weights"] - len(weights)
        count = np.bincount(tile, minlength=len(target.tiles))
        fits = (held + synapses.largest_sums(s, len(held))).max(axis=1) <= INT16_MAX
        self._extend(
            span_lag=target.lags[projection],
            span_word=words,
            span_mask=mask,
            span_base=first - low * width,
            span_last=high + 1,
            span_flush=synapses.flushes(weights, first - begin, sizes, count, target.tiles, held, fits),
            span_shift=np.full(len(tile), -1),
            span_ptr=self._ends("spans", tile, target),
        )

    def _place_graded(self, s: Synapses, target: _Target) -> None:
        (tile, projection, pre), row = unique(target.tile(s), s.projection, s.pre)
        base = self._store(target.width(tile), row, target.lane(s), s.weight)
        begins = np.ones(len(tile), dtype=bool)  # of a run of neighbouring inputs
        begins[1:] = (np.diff(tile) != 0) | (np.diff(projection) != 0) | (np.diff(pre) != 1)
        first = np.flatnonzero(begins)
        self._extend(
            graded_lag=target.lags[projection[first]],
            graded_low=pre[first],
            graded_high=pre[first] + np.diff(np.append(first, len(tile))),
            graded_base=base[first],
            graded_ptr=self._ends("graded", tile[first], target),
        )

    def _place_scattered(self, population: Population, incoming: tuple[Projection, ...], loose: Synapses) -> None:
        for i, q in enumerate(incoming):
            own = loose.where(loose.projection == i)
            if convolutions.stays(q):
                self._place_convolution(q)
            elif len(own.pre):
                self._place_columns(q, own)
            else:
                continue
            self._extend(
                scatter_lag=self.network.transmission_delay + q.delay,
                scatter_shift=max(-q.weight_exp, 0),
                scatter_word=-1 if self._is_graded(q) else self.slots[q.pre] // WORD,
                scatter_pres=self.network.size_of(q.pre),
            )
            self.sizes["scatters"] += 1
            self.drive_slots = max(self.drive_slots, _padded(population.size))
        self._extend(scatter_ptr=self.sizes["scatters"])

    def _place_columns(self, q: Projection, own: Synapses) -> None:
        synapses.require_exact_shift(q, own, self.network.source.max_payload if self._is_graded(q) else 1)
        own = own.where(np.argsort(own.pre, kind="stable"))
        pres = self.network.size_of(q.pre)
        self._extend(
            scatter_column=self.column_count,
            scatter_conv=-1,
            column_ptr=self.sizes["synapses"] + np.cumsum(np.bincount(own.pre, minlength=pres)),
            synapse_post=own.post,
            synapse_weight=own.weight,
        )
        self.column_count += pres
        self.sizes["synapses"] += len(own.pre)

    def _place_convolution(self, q: Projection) -> None:
        weights = convolutions.by_tap(q)
        self._extend(
            scatter_column=0,
            scatter_conv=self.sizes["conv"],
            conv=convolutions.geometry(q.weights, self.sizes["conv_weights"]),
            conv_weights=weights,
        )
        self.sizes["conv"] += convolutions.FIELDS
        self.sizes["conv_weights"] += len(weights)

    def _wide(self, target: _Target) -> np.ndarray:
        """Per tile of the population just placed: whether anything but int16 sums goes into it."""
        scattered = self.columns["scatter_ptr"][-1][0] > self.columns["scatter_ptr"][-2][-1]
        flushed = np.zeros(len(target.tiles), dtype=bool)
        flushed[np.repeat(np.arange(len(target.tiles)), self._per_tile("span_ptr"))[self.columns["span_flush"][-1]]] = (
            True
        )
        return scattered | flushed | (self._per_tile("graded_ptr") > 0)

    def _per_tile(self, pointers: str) -> np.ndarray:
        """Entries of one kind of each tile of the population just placed."""
        return np.diff(self.columns[pointers][-1], prepend=self.columns[pointers][-2][-1])

    def _place_population(
        self, population: Population, incoming: tuple[Projection, ...], target: _Target, wide: np.ndarray
    ) -> None:
        tiles = target.tiles
        kept = np.broadcast_to(4096 - np.asarray(population.v_decay), (population.size,))
        memory = bool(np.any(population.i_decay != 4096))
        self.sizes["tiles"] += len(tiles)
        self._extend(
            tile_slot=target.slot + tiles[:, 0] * LANES,
            tile_chunks=tiles[:, 1],
            tile_wide=wide,
            tile_leaks=np.logical_or.reduceat(kept != 4096, tiles[:, 0] * LANES),
            tile_forgets=~(wide | memory | np.logical_or.reduceat(kept != 0, tiles[:, 0] * LANES)),
            tile_threshold=np.full(len(tiles), 64 * population.vth),
            pop_tile_ptr=self.sizes["tiles"],
            pop_slot=target.slot,
            pop_slots=_padded(population.size),
            pop_first=self.network.transmission_delay * self.network.level[population.name],
            pop_loops=any(q.pre == q.post for q in incoming),
            pop_memory=memory,
        )

    def _extend(self, **arrays: object) -> None:
        for name, values in arrays.items():
            self.columns[name].append(np.atleast_1d(np.asarray(values)))

    def _store(self, sizes: np.ndarray, which: np.ndarray, at: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Append arrays of these sizes to `weights`, weight[i] at at[i] of array which[i]; returns their starts."""
        first = np.cumsum(sizes) - sizes
        stored = np.zeros(int(sizes.sum()), dtype=np.int16)
        stored[first[which] + at] = weight
        self.columns["weights"].append(stored)
        self.sizes["weights"] += len(stored)
        return self.sizes["weights"] - len(stored) + first

    def _ends(self, kind: str, tile: np.ndarray, target: _Target) -> np.ndarray:
        """Where each tile's entries of this kind end, given the (sorted) tile of each entry."""
        ends = self.sizes[kind] + np.cumsum(np.bincount(tile, minlength=len(target.tiles)))
        self.sizes[kind] += len(tile)
        return ends

    def finish(self) -> Plan:
        """All tables packed, with the parameters of every slot."""
        parameters = {
            n: np.zeros(WORD * self.words, dtype=np.int64)
            for n in ("u_decay_factor", "v_decay_factor", "bias", "limit", "degree")
        }
        for p in self.network.order:
            own = slice(self.slots[p.name], self.slots[p.name] + p.size)
            parameters["u_decay_factor"][own] = 4096 - p.i_decay
            parameters["v_decay_factor"][own] = 4096 - p.v_decay
            parameters["bias"][own] = 64 * p.bias
            parameters["limit"][own] = (p.vth - p.bias).clip(-INT16_MAX, INT16_MAX)
        for name, slot in self.slots.items():
            parameters["degree"][slot : slot + self.network.size_of(name)] = out_degree(self.network, name)
        self._extend(**parameters)
        tables = Tables(**{name: packed(name, parts) for name, parts in self.columns.items()})
        max_lag = max((self.network.transmission_delay + q.delay for q in self.network.projections), default=0)
        return Plan(tables, self.slots, self.words, max_lag, self.drive_slots)


def _padded(size: int) -> int:
    return -(-size // WORD) * WORD
