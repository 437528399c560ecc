"""Compares two tables of one database by reladiff, as many times as told. A line of JSON each: what was found, and what it took here."""

import json
import resource
import sys
import time

from reladiff import connect_to_table, diff_tables

COLUMNS = ("email", "first_name", "last_name", "phone", "company", "city", "status", "amount", "updated_at")


def processor_time():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main(address, one, other):
    began, before = time.monotonic(), processor_time()
    table = lambda name: connect_to_table(address, tuple(name.split(".")), "id", extra_columns=COLUMNS)
    keys = {"-": set(), "+": set()}
    for sign, row in diff_tables(table(one), table(other)):
        keys[sign].add(row[0])
    changed = keys["-"] & keys["+"]
    print(json.dumps({
        "changed": len(changed),
        "missing": len(keys["-"] - changed),
        "extra": len(keys["+"] - changed),
        "cpu_seconds": processor_time() - before,
        "wall_seconds": time.monotonic() - began,
    }))


if __name__ == "__main__":
    main(*sys.argv[1:])
