"""Prints every violation as it is recorded, one JSON object a line.

PGHOST, PGDATABASE, PGUSER and so on say where; the role is that of watcher.sql, or an administrator's.
"""
import json
import sys

import psycopg
from psycopg.rows import dict_row

# autocommit: a connection inside a transaction gets no notifications
with psycopg.connect(autocommit=True, row_factory=dict_row) as listener, \
        psycopg.connect(autocommit=True, row_factory=dict_row) as reader:
    listener.execute("LISTEN sessmem_violation")
    print("listening", file=sys.stderr, flush=True)
    for notification in listener.notifies():
        try:
            number = json.loads(notification.payload)["id"]
        except (ValueError, KeyError, TypeError):
            continue
        if type(number) is not int:  # everybody may NOTIFY: believe the table, never the payload
            continue
        for row in reader.execute("SELECT * FROM sessmem.violations WHERE id = %s", [number]):
            print(json.dumps(row, default=str), flush=True)
