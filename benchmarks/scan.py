"""Time the scan on the reference data beside SaTScan's wall times.

    python benchmarks/scan.py [RUN …] [--threads N] [--repeat N] [--random satscan]

The runs are those of the reference outputs (`TOCSIN_SHARED`, default ../shared), 999 replicates, our own random
numbers or SaTScan's. Kernels are compiled before the clock starts; reading the files is not counted, sorting the
neighbours is.
SaTScan 10.3.2 was built -O3, its pause of 2–3 s a run taken out, on a quiet machine of two cores.
"""

import argparse
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from tocsin.cli.scan_files import from_prm  # noqa: E402 - the path is set first
from tocsin.scan import neighbours, scan  # noqa: E402

SATSCAN = {  # run: seconds of wall time with 1 thread, with 2
    "nyc_fever.stp_pst_50_7d": (0.32, 0.26),
    "nyc_fever.stp_st_50_50": (5.9, 3.1),
    "syn200_inj.stp_pst_50_14d": (0.82, 0.44),
    "syn200_inj.pois_pst_50_14d": (1.14, 0.59),
    "syn200_inj.stp_st_50_50": (46.5, 23.1),
    "syn2000_inj.stp_pst_5km_14d": (10.8, 5.8),
    "syn2000_inj.pois_pst_10_14d": (24.7, 12.4),
    "syn2000_inj.stp_pst_50_14d": (79.2, 41.2),
    "syn2000_inj.pois_ps_50": (5.6, 3.0),
    "nyc_tracts_daily.stp_pst_450_30d": (188.6, 99.8),
    "syn10000_inj.pois_ps_10": (36.9, 24.2),
    "syn10000_inj.stp_pst_5km_14d": (306.7, 171.4),
}


def main() -> None:
    """Print a table: seconds, SaTScan's seconds, times faster; fresh and with yesterday's neighbours; CPU."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="*", default=list(SATSCAN))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--random", choices=["tocsin", "satscan"], default="tocsin")
    options = parser.parse_args()
    goldens = Path(os.environ.get("TOCSIN_SHARED") or ROOT.parent / "shared") / "goldens/scan"
    print(f"{'run':36s} {'SaTScan':>8s} {'ours':>8s} {'times':>6s} {'next day':>9s} {'times':>6s} {'CPU':>8s}")
    for run in options.runs:
        study, settings = from_prm(goldens / run / "run.prm")
        settings = replace(settings, random=options.random, threads=options.threads, p_value="rank")
        scan(study, replace(settings, replicates=1))
        table = neighbours(study, settings)
        fresh, again, cpu = [], [], []
        for _ in range(options.repeat):
            start, used = time.perf_counter(), time.process_time()
            scan(study, settings)
            fresh.append(time.perf_counter() - start)
            cpu.append(time.process_time() - used)
            start = time.perf_counter()
            scan(study, settings, table)
            again.append(time.perf_counter() - start)
        theirs = SATSCAN.get(run, (float("nan"),) * 2)[0 if options.threads == 1 else 1]
        a, b = min(fresh), min(again)
        print(
            f"{run:36s} {theirs:8.2f} {a:8.2f} {theirs / a:6.0f} {b:9.2f} {theirs / b:6.0f} {min(cpu):8.2f}", flush=True
        )


if __name__ == "__main__":
    main()
