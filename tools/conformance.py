#!/usr/bin/python3
"""Checks that every normative statement is proved by a case that ran and passed.

usage: conformance.py REPORTS

REPORTS is a folder of JUnit files, as the test runners leave them in build/<preset>/reports. How a
case claims an id: tests/README.md. The ids: tools/normative.txt.
"""

import re
import sys
import xml.etree.ElementTree as xml
from pathlib import Path

IDS = Path(__file__).with_name("normative.txt")


def main(reports):
    sections = read_ids()
    proved = ids_proved(reports)
    required = sections.pop("required")
    missing = [id for id in required if id not in proved]
    unknown = sorted(proved - set(required).union(*sections.values()))

    for id in missing:
        print(f"no case that passed proves {id}: {required[id]}")
    for id in unknown:
        print(f"a case claims {id}, which is not in {IDS.name}")
    for section, ids in sections.items():
        if section.startswith("deferred"):
            print(f"{section}: {', '.join(ids)}")
    print(f"{len(required) - len(missing)} of {len(required)} normative statements proved")
    return 1 if missing or unknown else 0


def read_ids():
    """Returns {section: {id: paraphrase}}; sections of one name are one."""
    sections = {}
    for line in IDS.read_text().splitlines():
        if heading := re.fullmatch(r"\[(.+)\]", line):
            ids = sections.setdefault(heading[1], {})
        elif line.startswith("MQTT"):
            id, paraphrase = line.split(maxsplit=1)
            ids[id] = paraphrase
    return sections


def ids_proved(reports):
    cases = [case for file in sorted(Path(reports).glob("*.xml"))
             for case in xml.parse(file).iter("testcase") if passed(case)]
    return {property.get("name") for case in cases for property in case.iter("property")
            if property.get("value") == "proved"}


def passed(case):
    return (case.get("status", "run") == "run" and case.get("result", "completed") == "completed"
            and not any(child.tag in ("failure", "error", "skipped") for child in case))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
