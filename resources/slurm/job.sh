#!/bin/bash
#SBATCH --job-name={{name}}
#SBATCH --output={{folder}}/logs/task-%a.log
#SBATCH --open-mode=append
#SBATCH --cpus-per-task={{threads}}
#SBATCH --requeue
# Two minutes before the time limit the script hears of it: the trainer saves a checkpoint and the task queues again.
#SBATCH --signal=B:USR1@120
{{directives}}

# One task of a sweep: it trains its share of the stacks into a store of its own. Started again, it goes on where it was.
folder={{folder}}
task=$SLURM_ARRAY_TASK_ID
store="$folder/shards/task-$task.surge"
# The lab shows this beside a task that was lost.
echo "task $task on ${SLURMD_NODENAME:-$(hostname)}, job $SLURM_JOB_ID, $(date '+%Y-%m-%d %H:%M:%S %Z')"

# The engine library is some hundred megabytes: one copy a node spares the shared disk.
stage={{stage}}
engine={{engine}}
if [ -n "$stage" ] && [ -n "$engine" ]; then
  copy="$stage/surge-lab-engine-$(id -u)-$(basename "$engine")"
  mkdir -p "$stage"
  (
    flock 9
    if [ ! -e "$copy/.complete" ]; then
      rm -rf "$copy" && cp -rL "$engine" "$copy" && touch "$copy/.complete"
    fi
  ) 9>"$copy.lock"
  [ -e "$copy/.complete" ] && export SURGE_ENGINE_DIR="$copy"
  # The store lives on the node's own disk too; what it has goes to the shared one at the end.
  work="$stage/surge-lab-{{key}}-task-$task.surge"
else
  work="$store"
fi

# Data files too: one copy a node, which the trainer reads instead.
data=()
[ -n "$stage" ] && data=(--stage "$stage/surge-lab-data-$(id -u)")

requeue=no
stop() { requeue=$1; kill -TERM "$trainer" 2>/dev/null; }
trap 'stop yes' USR1
trap 'stop no' TERM INT

if [ "$work" != "$store" ] && [ -e "$store" ]; then
  {{surge}} merge "$store" --into "$work" || exit
fi
{{surge}} slurm task "$folder" --task "$task" --store "$work" "${data[@]}" &
trainer=$!
wait "$trainer"; code=$?
# A signal ends the wait, not the trainer.
while kill -0 "$trainer" 2>/dev/null; do wait "$trainer"; code=$?; done
if [ "$work" != "$store" ]; then
  {{surge}} merge "$work" --into "$store" && [ "$code" -eq 0 ] && rm -rf "$work" "$work".*  "$work"-*
fi
if [ "$requeue" = yes ]; then
  echo "task $task: the time limit is near; it goes back into the queue"
  scontrol requeue "${SLURM_ARRAY_JOB_ID}_${task}"
fi
exit "$code"
