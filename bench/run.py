#!/usr/bin/python3
"""Measures adit and aditd beside ssh and sshd, in turn, on this machine. bench/rows has what is measured, a file for each.

Bytes are counted where they arrive, from --warm seconds after the first one; nothing is pinned to a CPU. ADIT, ADITD,
ADIT_SSH, ADIT_SSHD, ADIT_LOAD and ADIT_MANY name other programs than the usual ones.
"""
import argparse
import json
import os
import pathlib
import signal
import sys
import tempfile

import loopback
from lab import CIPHERS, CLIENTS, Lab, client_program, server_program
from programs import ROOT, Failed
from report import surroundings
from rows import ROWS
from rows.clients import DIRECTIONS
from rows.transfer import direct

QUICK = {"rounds": 1, "seconds": 2, "warm": 1}
WHOLE = {"rounds": 5, "seconds": 6, "warm": 2}


def arguments():
    rows = "; ".join(f"{row.NAME}: {row.ABOUT}" for row in ROWS.values())
    parser = argparse.ArgumentParser(description="Measures adit and aditd beside ssh and sshd.", epilog=rows)
    parser.add_argument("--row", action="append", choices=list(ROWS), help="only this one")
    parser.add_argument("--quick", action="store_true", help="small numbers and short runs, in under 3 minutes")
    parser.add_argument("--rounds", type=int, help=f"runs of each peer in each cell ({WHOLE['rounds']})")
    parser.add_argument("--seconds", type=int, help=f"length of a run that moves data ({WHOLE['seconds']})")
    parser.add_argument("--warm", type=int, help=f"seconds of it that do not count ({WHOLE['warm']})")
    parser.add_argument("--cipher", action="append", choices=CIPHERS, help="only this one")
    parser.add_argument("--forward", action="append", choices=["L", "R"], help="only this kind")
    parser.add_argument("--direction", action="append", choices=DIRECTIONS, help="only this one")
    parser.add_argument("--congestion", default="cubic", metavar="NAME",
                        help="of TCP on loopback: as Debian has it (cubic), bbr, ..., or system: leave it alone")
    parser.add_argument("--check", action="store_true", help="exit 1 when a cell misses its target")
    args = parser.parse_args()
    for name, value in (QUICK if args.quick else WHOLE).items():
        if getattr(args, name) is None:
            setattr(args, name, value)
    if not 0 <= args.warm < args.seconds or args.rounds < 1:
        parser.error("0 <= warm < seconds and 1 <= rounds are needed")
    return args


def bench(args, folder):
    names = {**{name: client_program(name) for name in CLIENTS}, "aditd": server_program("aditd")}
    report = {"surroundings": surroundings(names), "quick": args.quick, "rounds": args.rounds,
              "seconds": args.seconds, "warm": args.warm, "direct_mb_s": direct(args), "rows": {}}
    print(f"{report['surroundings']['cpu']}, {os.cpu_count()} CPUs; TCP with {report['surroundings']['congestion']}; "
          f"the generator alone: {report['direct_mb_s']:.0f} MB/s; {args.rounds} rounds of {args.seconds} s", flush=True)
    lab = Lab(folder)
    for name in args.row or ROWS:
        report["rows"][name] = ROWS[name].run(lab, args)
    return report


def write(report):
    results = ROOT / "bench/results"
    results.mkdir(exist_ok=True)
    path = results / (report["surroundings"]["date"][:19].replace(":", "") + ".json")
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return path.relative_to(ROOT)


def main():
    args = arguments()
    loopback.enter(args.congestion)
    # A signal ends the children too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with tempfile.TemporaryDirectory(prefix="adit-bench.") as folder:
            report = bench(args, pathlib.Path(folder))
    except Failed as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 2
    judged = [cell for row in report["rows"].values() for cell in row if cell["met"] is not None]
    missed = [cell for cell in judged if not cell["met"]]
    print(f"\n{len(judged) - len(missed)} of {len(judged)} cells meet their targets; {write(report)}")
    return 1 if args.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
