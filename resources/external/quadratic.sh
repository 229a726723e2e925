#!/bin/sh
# Sign descent on a noisy quadratic, in awk: the smallest program that the lab can sweep.
# The lab sets SURGE_LEARNING_RATE, SURGE_BATCH_SIZE, SURGE_SEED, SURGE_STEPS and SURGE_MARKS.
LC_ALL=C exec awk -v rate="$SURGE_LEARNING_RATE" -v batch="$SURGE_BATCH_SIZE" -v seed="$SURGE_SEED" \
  -v steps="$SURGE_STEPS" -v marks="$SURGE_MARKS" '
function normal() {
  return sqrt(-2 * log(1 - rand())) * cos(6.283185307179586 * rand())
}
# A quadratic of 256 parameters that are coupled to each other, 0 at its minimum, divided by 256.
function loss(   i, sum, squares) {
  for (i = 0; i < 256; i++) {
    sum += x[i]
    squares += x[i] * x[i]
  }
  return (sum + (0.975 * squares + 0.025 * sum * sum) / 2) / 256 + 0.5 / (0.975 + 0.025 * 256)
}
BEGIN {
  srand(seed + 1)
  count = split(marks, list, ",")
  for (i = 1; i <= count; i++) isMark[list[i]] = 1
  for (i = 0; i < 256; i++) x[i] = 0
  for (step = 1; step <= steps; step++) {
    before = loss()
    sum = 0
    for (i = 0; i < 256; i++) sum += x[i]
    for (i = 0; i < 256; i++) {
      # A minibatch averages the noise of its examples.
      gradient = 1 + 0.975 * x[i] + 0.025 * sum + 4 * normal() / sqrt(batch)
      x[i] -= gradient > 0 ? rate : -rate
    }
    printf "{\"step\": %d, \"loss\": %.9g", step, before
    if (step in isMark) printf ", \"evaluationLoss\": %.9g", loss()
    print "}"
    fflush()
  }
}'
