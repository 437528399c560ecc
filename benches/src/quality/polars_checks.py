"""The same twelve checks, as expressions of polars. Prints what they come to, and what they took."""

import json
import sys
import time

kind, path, engine, now, fresh, customers, countries, email, phone = sys.argv[1:]

import polars as pl

now, fresh = int(now), int(fresh)
if kind == "parquet":
    table = pl.scan_parquet(path)
else:
    table = pl.scan_csv(path, try_parse_dates=True)

moment = lambda micros: pl.lit(micros).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
col = pl.col
known = pl.int_range(1, int(customers) + 1, eager=True)
shipped = col("ordered_at") <= col("shipped_at")
counts = {
    "order_id is there": (col("order_id").count(), pl.len()),
    "email is mostly there": (col("email").count(), pl.len()),
    "order_id is unique": (col("order_id").drop_nulls().n_unique(), col("order_id").count()),
    "email is an address": (col("email").str.contains(f"^{email}$").sum(), col("email").count()),
    "phone is a number": (col("phone").str.contains(f"^{phone}$").sum(), col("phone").count()),
    "country is one of ours": (col("country").is_in(countries.split(",")).sum(), col("country").count()),
    "quantity is in range": (col("quantity").is_between(1, 100).sum(), col("quantity").count()),
    "price is in range": (col("price").is_between(0.01, 10_000.0).sum(), col("price").count()),
    "updated lately": (col("updated_at").is_between(moment(now - fresh), moment(now)).sum(), col("updated_at").count()),
    "shipped after it was ordered": (shipped.sum(), shipped.count()),
    "customer is known": (col("customer_id").is_in(known.implode()).sum(), col("customer_id").count()),
    "as many rows as there are": (pl.len(), pl.len()),
}
names = list(counts)
select = [part.alias(f"{place} {what}") for place, name in enumerate(names) for what, part in zip(("good", "of"), counts[name])]
found = table.select(select).collect(engine=engine).row(0, named=True)
outcomes = {name: [found[f"{place} good"], found[f"{place} of"]] for place, name in enumerate(names)}
with open("/proc/self/status") as status:
    peak = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
print(json.dumps({"version": pl.__version__, "outcomes": outcomes, "cpu_nanos": time.process_time_ns(), "peak_rss_bytes": peak}))
