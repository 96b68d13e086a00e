# ruff: noqa: ANN001, ANN201 (numba finds the types of kernels itself)
"""Compiled loops over the synapses that lie in no tile: scattered ones and the kernels of large convolutions."""

from __future__ import annotations

import numpy as np
from numba import njit

from mksgn_neuro.sim.bits import lowest_bit, word_at
from mksgn_neuro.sim.tables import LEAD_HALVES, WORD
from mksgn_neuro.sim.uncounted import UNCOUNTED

# as in sim.kernels
BUILT_OF = {
    "bits.py": "c6d1c36f98da1600",
    "vector.py": "fd41e3428163ba61",
    "tables.py": "c4283b7edc6da293",
    "uncounted.py": "4d6b1e61b96e788d",
}


@njit(cache=True, nogil=True, **UNCOUNTED)
def scatter(tables, work, p, start, begin, end):
    """Fill `drive` with what arrives at population p through its scattered synapses."""
    first, last = tables.scatter_ptr[p], tables.scatter_ptr[p + 1]
    if first == last:
        return
    slots = tables.pop_slots[p]
    for t in range(begin, end):
        drive = work.drive[start + (t & work.row_mask)]
        drive[:slots] = 0
        for i in range(first, last):
            sent = t - tables.scatter_lag[i]
            if sent < 0:
                continue
            row = start + (sent & work.row_mask)
            if tables.scatter_conv[i] >= 0:
                work.column[:slots] = 0
                _convolve(tables, work, i, row, work.column)
                _add_pixels(tables.conv, tables.scatter_conv[i], work.column, drive)
            elif tables.scatter_shift[i] == 0:
                _scatter_one(tables, work, i, row, drive)
            else:
                work.column[:slots] = 0
                _scatter_one(tables, work, i, row, work.column)
                for n in range(slots):
                    drive[n] += work.column[n] >> tables.scatter_shift[i]


@njit(cache=True, nogil=True, **UNCOUNTED)
def _scatter_one(tables, work, i, row, sums):
    column = tables.scatter_column[i]
    if tables.scatter_word[i] < 0:
        for channel in range(tables.scatter_pres[i]):
            value = work.payload[row, channel]
            if value:
                for s in range(tables.column_ptr[column + channel], tables.column_ptr[column + channel + 1]):
                    sums[tables.synapse_post[s]] += value * tables.synapse_weight[s]
        return
    for w in range((tables.scatter_pres[i] + WORD - 1) // WORD):
        word = word_at(work.bits, LEAD_HALVES + 2 * (tables.scatter_word[i] + w), row)
        while word:
            pre = column + w * WORD + lowest_bit(word)
            for s in range(tables.column_ptr[pre], tables.column_ptr[pre + 1]):
                sums[tables.synapse_post[s]] += tables.synapse_weight[s]
            word &= word - np.uint64(1)


@njit(inline="always")
def _convolve(tables, work, i, row, sums):
    """The same through a kernel; here, and here only, the channels of a group lie side by side for each pixel."""
    if tables.scatter_word[i] < 0:
        for channel in range(tables.scatter_pres[i]):
            if work.payload[row, channel]:
                _spread(tables, tables.scatter_conv[i], channel, work.payload[row, channel], sums)
        return
    for w in range((tables.scatter_pres[i] + WORD - 1) // WORD):
        word = word_at(work.bits, LEAD_HALVES + 2 * (tables.scatter_word[i] + w), row)
        while word:
            _spread(tables, tables.scatter_conv[i], w * WORD + lowest_bit(word), 1, sums)
            word &= word - np.uint64(1)


@njit(cache=True, nogil=True, **UNCOUNTED)
def _spread(tables, at, pre, value, sums):
    """One input reaches all post channels of its group at each output that a tap takes its pixel to."""
    conv = tables.conv
    height, width, channels, posts = conv[at], conv[at + 1], conv[at + 2], conv[at + 3]
    post_height, post_width, taps_y, taps_x = conv[at + 4], conv[at + 5], conv[at + 6], conv[at + 7]
    stride_y, stride_x, pad_y, pad_x = conv[at + 8], conv[at + 9], conv[at + 10], conv[at + 11]
    step_y, step_x, base = conv[at + 12], conv[at + 13], conv[at + 14]
    channel, pixel = pre // (height * width), pre % (height * width)
    y, x, plane = pixel // width + pad_y, pixel % width + pad_x, post_height * post_width
    first = channel // channels * posts * plane
    for ky in range(taps_y):
        from_top = y - ky * step_y
        if from_top < 0 or from_top % stride_y or from_top // stride_y >= post_height:
            continue
        for kx in range(taps_x):
            from_left = x - kx * step_x
            if from_left < 0 or from_left % stride_x or from_left // stride_x >= post_width:
                continue
            post = first + (from_top // stride_y * post_width + from_left // stride_x) * posts
            weight = base + ((channel * taps_y + ky) * taps_x + kx) * posts
            for o in range(posts):
                sums[post + o] += np.int32(value) * tables.conv_weights[weight + o]


@njit(cache=True, nogil=True, **UNCOUNTED)
def _add_pixels(conv, at, sums, drive):
    """Add what `_convolve` summed, in the order of the neurons: channel after channel."""
    posts, plane, channels = conv[at + 3], conv[at + 4] * conv[at + 5], conv[at + 15]
    for first in range(0, channels * plane, posts * plane):
        for o in range(posts):
            for pixel in range(plane):
                drive[first + o * plane + pixel] += sums[first + pixel * posts + o]
