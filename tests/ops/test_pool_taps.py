"""Dilated pooling windows and small maps: every window must see something of the map."""

from __future__ import annotations

from itertools import product

from cnnspec.ops.sliding import places, places_rounding_up, same_ends, steps_over


def test_a_window_steps_over_the_map_exactly_where_no_tap_is_on_it() -> None:
    found = {True: 0, False: 0}
    for N, F, S, D in product(range(1, 6), range(1, 5), range(1, 6), range(1, 7)):
        cases = [(same_ends(N, F, S, D)[0], -(-N // S))]
        for P in range(F // 2 + 1):
            cases += [(P, count(N, F, S, (P, P), D)) for count in (places, places_rounding_up)]
        for before, count in cases:
            starts = [o * S - before for o in range(count)]
            missed = any(all(not 0 <= start + tap * D < N for tap in range(F)) for start in starts)
            if count > 0:
                assert steps_over(N, S, before, D, count) is missed, (N, F, S, D, before, count)
                found[missed] += 1
    assert min(found.values()) > 100
