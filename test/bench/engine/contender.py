"""What the Python contenders share: one JSON request a line on standard input, one JSON reply a line on standard output.

A contender is a function `prepare(task, examples, labels)`, without labels for sequences of tokens, that returns
`run(first_step)`: it trains `task["chunkSteps"]`
steps of every cell (or, for a loop over cells, of one cell), waits for the result, and returns
(run-steps done, mean training loss of the last step).
"""

import json
import sys
import time

import numpy


def example_indices(task, seed, first_step):
    """[chunkSteps, batchSize] indices: random batches, drawn before the clock starts to matter."""
    generator = numpy.random.Generator(numpy.random.Philox(key=[seed, first_step]))
    shape = (task["chunkSteps"], task["batchSize"])
    return generator.integers(0, task["examples"], shape, dtype=numpy.int64)


def serve(prepare, version):
    print(json.dumps({"version": version}), flush=True)
    run = None
    step = 0
    for line in sys.stdin:
        request = json.loads(line)
        if request["command"] == "prepare":
            task = request["task"]
            is_text = task["model"]["kind"] == "gpt"
            kind = numpy.int32 if is_text else numpy.float32
            examples = numpy.fromfile(task["exampleFile"], dtype=kind).reshape(task["examples"], task["features"])
            labels = None if is_text else numpy.fromfile(task["labelFile"], dtype=numpy.int32)
            started = time.perf_counter()
            run = prepare(task, examples, labels)
            # The first call compiles, the second one meets warm caches.
            for step in range(2):
                run(step)
            print(json.dumps({"prepareMilliseconds": (time.perf_counter() - started) * 1e3}), flush=True)
        else:
            done = 0
            loss = float("nan")
            started = time.perf_counter()
            while done == 0 or time.perf_counter() - started < request["seconds"]:
                step += 1
                run_steps, loss = run(step)
                done += run_steps
            elapsed = time.perf_counter() - started
            print(json.dumps({"microseconds": elapsed * 1e6 / done, "loss": loss}), flush=True)
