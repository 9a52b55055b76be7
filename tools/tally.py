#!/usr/bin/python3
"""Sums up what the test runners of one or more builds left behind.

usage: tally.py BUILD...

Each BUILD holds ctest.xml, one case per test, and reports/<test>.xml with the cases inside a test, if
its runner writes them. A test that failed without saying which case counts as one that failed.
"""

import sys
import xml.etree.ElementTree as xml
from collections import Counter
from pathlib import Path


def main(builds):
    total = Counter()
    for build in map(Path, builds):
        for test, counts in tally(build):
            total += counts
            print(f"{build.name:8} {test:24} {line(counts)}")
    print(f"{total['passed']} passed, {total['failed']} failed")
    return 1 if total["failed"] or not total["passed"] else 0


def tally(build):
    """Yields (test, counts) of one build."""
    run = build / "ctest.xml"
    if not run.exists():
        yield "did not run", Counter(failed=1)
        return
    for test in xml.parse(run).iter("testcase"):
        report = build / "reports" / f"{test.get('name')}.xml"
        cases = xml.parse(report).iter("testcase") if report.exists() else [test]
        counts = Counter(filter(None, map(outcome, cases)))
        if outcome(test) == "failed" and not counts["failed"]:
            counts["failed"] = 1
        yield test.get("name"), counts


def outcome(case):
    """Returns nothing for a case that its runner was told to leave out."""
    tags = {child.tag for child in case}
    if tags & {"failure", "error"}:
        return "failed"
    if "skipped" in tags:
        return "skipped"
    return None if case.get("status") == "notrun" else "passed"


def line(counts):
    skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
    return f"{counts['passed']} passed, {counts['failed']} failed{skipped}"


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
