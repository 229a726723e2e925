/** A Slurm cluster of one node on this machine, with ports and files of its own. Needs root and Debian's slurm-wlm. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { availableParallelism, hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

export interface SlurmCluster {
  /** Environment in which sbatch and the others find this cluster. */
  readonly environment: NodeJS.ProcessEnv;
  run(program: string, ...parts: string[]): string;
  stop(): Promise<void>;
}

/** Why there can be no cluster here; null when there can. */
export function slurmMissing(): string | null {
  for (const program of ['slurmctld', 'slurmd', 'sbatch', 'munged'])
    try {
      execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' });
    } catch {
      return `skipped: ${program} is absent (apt-get install slurm-wlm munge)`;
    }
  return process.getuid?.() === 0 ? null : 'skipped: a cluster of one machine needs root';
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const idOf = (kind: '-u' | '-g', user: string) =>
  Number(execFileSync('id', [kind, user], { encoding: 'utf8' }));

export async function startSlurm(): Promise<SlurmCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'surge-slurm-'));
  chmodSync(folder, 0o755);
  const [uid, gid] = [idOf('-u', 'munge'), idOf('-g', 'munge')];
  for (const part of ['munge', 'state', 'spool']) mkdirSync(join(folder, part));
  chownSync(join(folder, 'munge'), uid, gid);
  const key = join(folder, 'munge', 'key');
  writeFileSync(key, Buffer.alloc(1024, 'surge lab test cluster '));
  chmodSync(key, 0o600);
  chownSync(key, uid, gid);
  const socket = join(folder, 'munge', 'socket');
  const [controller, node] = [await freePort(), await freePort()];
  const configuration = join(folder, 'slurm.conf');
  writeFileSync(
    configuration,
    [
      'ClusterName=surge',
      'SlurmctldHost=localhost',
      'SlurmUser=root',
      `SlurmctldPort=${controller}`,
      `SlurmdPort=${node}`,
      `AuthInfo=socket=${socket},cred_expire=8`,
      'ProctrackType=proctrack/linuxproc',
      'TaskPlugin=task/none',
      'MpiDefault=none',
      'SelectType=select/cons_tres',
      'SelectTypeParameters=CR_Core',
      'JobAcctGatherType=jobacct_gather/none',
      'AccountingStorageType=accounting_storage/none',
      'JobCompType=jobcomp/none',
      'ReturnToService=2',
      'KillWait=10',
      'MinJobAge=10',
      'SchedulerParameters=sched_interval=2,batch_sched_delay=1,defer',
      `StateSaveLocation=${join(folder, 'state')}`,
      `SlurmdSpoolDir=${join(folder, 'spool')}`,
      `SlurmctldPidFile=${join(folder, 'slurmctld.pid')}`,
      `SlurmdPidFile=${join(folder, 'slurmd.pid')}`,
      `NodeName=localhost NodeHostname=${hostname()} NodeAddr=127.0.0.1 CPUs=${availableParallelism()}`,
      'PartitionName=main Nodes=localhost Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO',
      '',
    ].join('\n'),
  );
  const environment = { ...process.env, SLURM_CONF: configuration };
  const logs: string[] = [];
  const daemons: ChildProcess[] = [];
  const start = (program: string, parts: string[], options: { uid?: number; gid?: number } = {}) => {
    const child = spawn(program, parts, { env: environment, ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data: Buffer) => logs.push(`${program}: ${data.toString()}`));
    daemons.push(child);
  };
  const own = (name: string) => join(folder, 'munge', name);
  start(
    'munged',
    [
      '--foreground',
      `--key-file=${key}`,
      `--socket=${socket}`,
      `--pid-file=${own('pid')}`,
      `--log-file=${own('log')}`,
      `--seed-file=${own('seed')}`,
    ],
    { uid, gid },
  );
  await wait(500);
  start('slurmctld', ['-D', '-i']);
  start('slurmd', ['-D']);
  const run = (program: string, ...parts: string[]) =>
    execFileSync(program, parts, { env: environment, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const stop = async () => {
    for (const child of daemons.reverse()) child.kill('SIGTERM');
    const gone = Promise.all(
      daemons
        .filter((child) => child.exitCode === null && child.signalCode === null)
        .map((child) => new Promise((resolve) => child.once('exit', resolve))),
    );
    await Promise.race([gone, wait(10_000)]);
    for (const child of daemons) child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  for (let tries = 0; ; tries++) {
    try {
      if (run('sinfo', '--noheader', '--format=%T').trim() === 'idle') break;
    } catch {
      // The controller is not up yet.
    }
    if (tries > 60) {
      const words = logs.join('').slice(-3000);
      let munge = '';
      try {
        munge = readFileSync(own('log'), 'utf8');
      } catch {
        // It did not come so far.
      }
      await stop();
      throw new Error(`The Slurm cluster did not start:\n${words}\n${munge}`);
    }
    await wait(500);
  }
  return { environment, run, stop };
}
