"""What the Python suites share: a broker to talk to, and a peer that speaks raw bytes.

- `broker.py`  starts and stops the broker; the one place that knows its options
- `peer.py`    one connection: send bytes, expect packets, expect the end
- `packets.py` packets to bytes and back, written from the specification alone
- `rules.py`   what every packet of a broker must satisfy; each one received is checked
- `cases.py`   lines of tables, and names that no other test uses
- `crowd.py`   very many connections at once
- `figures.py` what the broker tells about itself
"""
