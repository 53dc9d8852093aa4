import type { Bulkhead, Sandbox } from '@bulkhead/sdk/node'

/** What a workload with root in its own kernel tries. Each must end as an event in that one compartment. */
export interface Attack {
  readonly name: string
  /** Runs as root in the guest. It may end the guest, hang, or be refused: what counts is what the others see. */
  readonly script?: string
  /** What the host does meanwhile, for attacks on what crosses the channel. */
  readonly meanwhile?: (sandbox: Sandbox, bulkhead: Bulkhead) => Promise<void>
  /** How long it goes on. */
  readonly forMs: number
}

const python = (lines: string[]): string => `exec python3 -c '${lines.join('\n')}'`

export const attacks: readonly Attack[] = [
  { name: 'fork bomb', script: 'bomb() { bomb | bomb & }; while :; do bomb; done', forMs: 6_000 },
  {
    name: 'memory hog',
    script: python(['kept = []', 'while True: kept.append(b"x" * (16 << 20))']),
    forMs: 8_000,
  },
  { name: 'disk filler', script: 'cat /dev/zero > /var/tmp/filler; cat /dev/zero > /root/filler', forMs: 8_000 },
  {
    name: 'log flood',
    script:
      'yes "a line for the log of the kernel and of the console" | tee /dev/console /dev/kmsg /proc/1/fd/1 /proc/1/fd/2',
    forMs: 6_000,
  },
  { name: 'kernel panic', script: 'echo 1 > /proc/sys/kernel/sysrq; echo c > /proc/sysrq-trigger', forMs: 3_000 },
  { name: 'the agent killed', script: 'kill -9 1; kill -SEGV 1; kill -9 -1', forMs: 3_000 },
  {
    name: 'the agent traced and overwritten',
    script: python([
      'import os',
      'for n in range(64):',
      '  try: os.write(os.open(f"/proc/1/fd/{n}", os.O_WRONLY), b"\\nBULKHEAD/1 0 0\\n" * 4096)',
      '  except OSError: pass',
      'fd = os.open("/proc/1/mem", os.O_RDWR)',
      'for line in open("/proc/1/maps"):',
      '  start, end = (int(x, 16) for x in line.split()[0].split("-"))',
      '  try: os.pwrite(fd, b"\\xcc" * (end - start), start)',
      '  except OSError: pass',
    ]),
    forMs: 3_000,
  },
  {
    name: 'garbage into the channel',
    script: 'for port in /dev/vport* /dev/hvc0 /proc/1/fd/0; do head -c 64000000 /dev/urandom > $port & done; wait',
    forMs: 5_000,
  },
  {
    name: 'a symlink swapped under an upload and a download',
    script: python([
      'import os',
      'os.makedirs("/tmp/swap/real", exist_ok=True)',
      'while True:',
      '  for target in ("/etc", "/tmp/swap/real", "/proc/self/root"):',
      '    try: os.symlink(target, "/tmp/swap/new"); os.rename("/tmp/swap/new", "/tmp/swap/way")',
      '    except OSError: pass',
    ]),
    meanwhile: async (sandbox) => {
      for (let round = 0; round < 30; round++) {
        await sandbox.files.write('/tmp/swap/way/file', `round ${round}`).catch(() => {})
        await sandbox.files.read('/tmp/swap/way/passwd').catch(() => {})
      }
    },
    forMs: 4_000,
  },
  {
    name: 'a million files',
    script: python([
      'import os',
      'for d in range(1000):',
      '  os.makedirs(f"/var/tmp/many/{d}")',
      '  for f in range(1000): open(f"/var/tmp/many/{d}/{f}", "w").close()',
    ]),
    forMs: 10_000,
  },
  {
    name: 'reading physical memory and raw devices',
    script:
      'for f in /dev/mem /dev/kmem /proc/kcore /dev/port /dev/vda /dev/vdb /dev/sda /dev/kvm; do dd if=$f of=/dev/null bs=1M count=64; dd if=/dev/zero of=$f bs=4096 count=16; done; ' +
      'mknod /dev/evil b 254 0; dd if=/dev/evil of=/dev/null bs=1M count=1',
    forMs: 4_000,
  },
]
