"""Reads evaluation curves straight from a store (standard library only): python read_curves.py lab.surge EXPERIMENT"""
import array, json, sqlite3, sys

store, name = sys.argv[1:3]
database = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
cells = """SELECT c.batch_size, c.learning_rate, c.seed, c.stack_id, c.stack_column FROM cells c
  JOIN experiment_cells x ON x.cell_id = c.id JOIN experiments e ON e.id = x.experiment_id
  WHERE ? IN (e.key, e.name) AND c.stack_id IS NOT NULL ORDER BY x.position"""
blocks = "SELECT cells, data FROM curve_blocks WHERE stack_id = ? AND metric = 'evaluationLoss' ORDER BY first_point"
for batch_size, learning_rate, seed, stack, column in database.execute(cells, (name,)).fetchall():
    curve = [v for width, data in database.execute(blocks, (stack,)) for v in array.array("f", data)[column::width]]
    print(json.dumps({"batch_size": batch_size, "learning_rate": learning_rate, "seed": seed, "loss": list(map(str, curve))}))
