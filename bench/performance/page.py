"""docs/performance.md, from what was measured."""

# Scenarios of `messages` whose servers are one of these stand in the first table.
SERVERS = {"starling": "Starling", "lightspeed": "lightspeed", "mosquitto": "Mosquitto",
           "aedes": "Aedes"}

HEAD = """# Performance

Made from docs/performance/*.json by `scripts/performance`, which also takes the figures anew. Each part
names the command that it came from, the commit and the machine. How the tools measure is in
[bench.md](bench.md) and in [bench/README.md](../bench/README.md); what one message costs in instructions is in
bench/baselines and is watched by `.ci/run`.
"""


def page(records):
    """`records`: {measurement: what was kept of it}. A part that was not measured is left out."""
    parts = {"messages": messages, "peers": peers, "loss": loss, "idle": idle,
             "million-tcp": million, "million-quic": million}
    return "\n".join([HEAD, *(parts[name](record) for name, record in records.items())])


def source(record):
    machine = record["machine"]
    return (f"`{record['command']}`, commit {record['commit']}, {machine['processor']}, "
            f"{machine['cpus']} CPUs, Linux {machine['kernel']}.\n")


# --- Messages -------------------------------------------------------------------------------------

MESSAGES = """## CPU time of a message

The broker on one CPU, its load on another. `lightspeed` is the yardstick: a forwarder that does the least
possible work for the same traffic. Microseconds of user and system time for each delivered message, best
of the runs.

![CPU time of a message](performance/messages.svg)
"""

PEERS = """## Other brokers

The same with Mosquitto and Aedes, as Debian and npm have them: a check of the method, one run of each.

![Other brokers](performance/peers.svg)
"""

OTHERS = """### The broker beside itself

On two cores, the load shares their CPUs.
"""

PARKED = """Parked: the broker may keep eight connections unpacked, so nearly every datagram finds its connection
packed away, as in a large and quiet fleet.
"""

LATENCY = """### Latency

Microseconds from when a message was due to its arrival, in an open loop: a late message counts from when
it was due.

![Latency](performance/latency.svg)
"""


def messages(record):
    scenarios = record["result"]
    of_messages = [one for one in scenarios if "cpu" in best_columns(one)]
    crowd = [one for one in of_messages if "lightspeed" in one["servers"]]
    alone = [one for one in of_messages if "lightspeed" not in one["servers"]]
    is_parked = any("parked" in name for one in alone for name in one["servers"])
    latency = [one for one in scenarios if "p50" in best_columns(one)]
    calls = [one for one in scenarios if "calls" in best_columns(one)]
    return "\n".join([
        MESSAGES, source(record),
        comparison(crowd),
        *([OTHERS, *([PARKED] if is_parked else []), table(["scenario", "", "CPU", "user", "system", "wake-ups"],
                         [row for one in alone for row in rows_of(one)])] if alone else []),
        *([LATENCY, *map(latencies, latency)] if latency else []),
        *(f"### System calls\n\n{one['what']}: "
          f"{one['servers']['starling']['best']['calls']:.2f} of the broker for each message, "
          f"{one['servers']['lightspeed']['best']['calls']:.2f} of lightspeed.\n"
          for one in calls)])


def peers(record):
    return "\n".join([PEERS, source(record), comparison(record["result"])])


def comparison(scenarios):
    """A row for each scenario, a column for each server that any of them has."""
    names = [name for name in SERVERS if any(name in one["servers"] for one in scenarios)]
    text = table(["scenario", *(SERVERS[name] for name in names), "ratio to lightspeed"],
                 [[one["what"], *(cpu(one, name) for name in names), ratio(one)]
                  for one in scenarios])
    if any(one["faults"] for one in scenarios):
        text += "\nAn asterisk: messages were lost or refused, so the figure counts for little.\n"
    return text


def best_columns(scenario):
    return next(iter(scenario["servers"].values()))["best"]


def cpu(scenario, server):
    if server not in scenario["servers"]:
        return ""
    mark = "*" if any(fault["server"] == server for fault in scenario["faults"]) else ""
    return digits(scenario["servers"][server]["best"]["cpu"]) + mark


def ratio(scenario):
    return digits(scenario["ratios"]["starling"]["best"]["cpu"])


def rows_of(scenario):
    return [[scenario["what"], name, *(digits(found["best"][column]) if column in found["best"]
                                       else "" for column in ("cpu", "user", "system", "wake-ups"))]
            for name, found in scenario["servers"].items()]


def latencies(scenario):
    columns = list(best_columns(scenario))
    rows = [[SERVERS.get(name, name), *(digits(found["best"][column]) for column in columns)]
            for name, found in scenario["servers"].items()]
    names = [column.replace("_", ".") for column in columns]
    return f"{scenario['what']}.\n\n" + table(["", *names], rows)


# --- Loss -----------------------------------------------------------------------------------------

TRANSPORTS = {"tcp": "TCP", "quic": "QUIC"}

LOSS = """## Latency when packets are lost

Clients and broker in two networks, and a link of our own between them that takes 10 ms each way and loses
packets at random, each way; a message crosses it twice. Milliseconds from when a message of 64 bytes was due
to its arrival, at QoS 1, 500 messages a second over all pairs of a publisher and a subscriber.
{lost:,} of {messages:,} messages were lost. The link itself brought a packet up to {latest:.0f} ms
later than it should have, as the machine had other work.

![Latency when packets are lost](performance/loss.svg)
"""


def loss(record):
    rows = record["result"]
    text = LOSS.format(**{name: sum(row[name] for row in rows) for name in ("lost", "messages")},
                       latest=max(row["link"]["latest_us"] for row in rows) / 1_000)
    columns = list(rows[0]["latency_ms"])
    return "\n".join([text, source(record), table(
        ["pairs", "loss", "", *(column.replace("_", ".") for column in columns)],
        [[f"{row['pairs']}", f"{row['loss_percent']:g} %", TRANSPORTS[row["transport"]],
          *(digits(row["latency_ms"][column]) for column in columns)] for row in rows])])


# --- Memory ---------------------------------------------------------------------------------------

IDLE = """## Memory of an idle client over TCP

Resident bytes of the broker: the slope from 5,000 to 19,000 clients, so what the process costs once is left
out. The kernel's memory of their sockets is not in it.

![Memory of an idle client](performance/memory.svg)
"""

MILLION = """## {count:,} clients at once

Each with a subscription and a keep-alive of its own; connected within {seconds:,.0f} seconds with both ends on this
machine. Slopes as above: {rss_per_client:,.0f} bytes resident for each client, {heap_per_client:,.0f} of them heap{kernel}. One message to
all of them then came to {received:,} of {count:,}, the last after {broadcast_seconds:.1f} seconds.
"""


def idle(record):
    return "\n".join([IDLE, source(record),
                      table(["", "bytes"],
                            [[row["what"], f"{row['bytes']:.0f}"] for row in record["result"]])])


def million(record):
    found = record["result"]
    kernel = found["kernel_per_client"]
    text = MILLION.format(**found | {"count": found["clients"], "kernel": "" if kernel is None else
                                     f"; {kernel:,.0f} of the kernel"})
    return "\n".join([text, source(record)])


# --- Text -----------------------------------------------------------------------------------------

def table(heads, rows):
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def digits(value):
    """Three that count: more were not measured."""
    return "-" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:#.3g}"
