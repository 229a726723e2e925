#!/bin/sh
# Sign descent on a noisy quadratic, in awk: the smallest program that the lab can sweep.
# The lab sets SURGE_LEARNING_RATE, SURGE_BATCH_SIZE, SURGE_SEED, SURGE_STEPS and SURGE_MARKS.
LC_ALL=C exec awk -v rate="$SURGE_LEARNING_RATE" -v batch="$SURGE_BATCH_SIZE" -v seed="$SURGE_SEED" \
  -v steps="$SURGE_STEPS" -v marks="$SURGE_MARKS" '
function normal() {
  return sqrt(-2 * log(1 - rand())) * cos(6.283185307179586 * rand())
}
# Mean loss of all examples: curvature 1, start at distance 1 in each of 16 directions.
function loss(   i, sum) {
  for (i = 0; i < 16; i++) sum += x[i] * x[i] / 2
  return sum / 16
}
BEGIN {
  srand(seed + 1)
  count = split(marks, list, ",")
  for (i = 1; i <= count; i++) isMark[list[i]] = 1
  for (i = 0; i < 16; i++) x[i] = 1
  for (step = 1; step <= steps; step++) {
    before = loss()
    for (i = 0; i < 16; i++) {
      # A minibatch averages the noise of its examples.
      gradient = x[i] + 4 * normal() / sqrt(batch)
      x[i] -= gradient > 0 ? rate : -rate
    }
    printf "{\"step\": %d, \"loss\": %.9g", step, before
    if (step in isMark) printf ", \"evaluationLoss\": %.9g", loss()
    print "}"
    fflush()
  }
}'
