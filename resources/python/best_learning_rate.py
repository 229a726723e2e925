"""Best learning rate of each batch size at the last mark, from `surge export EXPERIMENT --format parquet --out FOLDER`."""
import sys
import polars as pl

marks, cells = (pl.read_parquet(f"{sys.argv[1]}/{name}.parquet") for name in ("marks", "cells"))
last = marks.filter(pl.col("step") == pl.col("step").max().over("batch_size"))
runs = last.join(cells.select("cell", "diverged_at"), on="cell")
# One diverged seed keeps its learning rate out of the comparison.
whole = (pl.col("diverged_at").is_null() & pl.col("evaluation_loss").is_finite()).all()
means = runs.group_by("batch_size", "learning_rate").agg(pl.col("evaluation_loss").mean(), whole.alias("whole"))
best = means.filter("whole").sort("evaluation_loss").group_by("batch_size").first()
print(best.sort("batch_size").write_csv(), end="")
