"""Whether a network that was looked at trains on as its twin that nobody looked at, to the bit.

Run `python benchmarks/untouched.py 10000`: so many random looks, by the functions and the views, at random networks
(`tests/random_networks.py`), ten at each, between steps of training. `tests/test_untouched.py` makes 300.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path

from _table import where

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.test_untouched import LOOKS, check


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("looks", nargs="?", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="seed of the first network")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    print(where("torch"))
    networks, wrong = -(-given.looks // LOOKS), 0
    for seed in range(given.first, given.first + networks):
        try:
            check(seed, LOOKS)
        except Exception as error:
            wrong += 1
            print(f"network {seed}: {type(error).__name__}: {' '.join(str(error).split())[:300]}", flush=True)
    print(f"{networks * LOOKS:,} looks at {networks:,} networks: {wrong} networks changed")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
