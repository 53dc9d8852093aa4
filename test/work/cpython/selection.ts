import type { ModulePlan } from './module-report.ts'

/** What leans most on the kernel: processes, signals, threads, sockets, files. */
const nearTheKernel = [
  ...['test_asyncio', 'test_subprocess', 'test_signal', 'test_socket', 'test_io', 'test_threading', 'test_selectors'],
  ...['test_queue', 'test_poll', 'test_select', 'test_epoll', 'test_thread', 'test_os', 'test_posix', 'test_pathlib'],
  ...['test_tempfile', 'test_shutil', 'test_glob', 'test_fork1', 'test_wait3', 'test_wait4', 'test_pty', 'test_popen'],
  ...['test_file', 'test_fileio', 'test_mmap', 'test_fcntl', 'test_resource', 'test_time', 'test_openpty', 'test_stat'],
]

/** What programs lean most on. */
const library = [
  ...['test_json', 'test_tarfile', 'test_zipfile', 'test_pickle', 'test_lzma', 'test_bz2', 'test_gzip', 'test_zlib'],
  ...['test_hashlib', 'test_random', 'test_re', 'test_struct', 'test_uuid', 'test_csv', 'test_dict', 'test_shelve'],
  ...['test_http_cookies', 'test_urlparse', 'test_generators', 'test_pipes', 'test_contextlib', 'test_configparser'],
]

/**
 * The modules, the longest first so that none is left over at the end. `test_sqlite3` is not among them: Debian packages neither it nor
 * anything in its place (libpython3.11-testsuite leaves it out), which is why there is an exercise of our own in ../sqlite.
 */
export const modules: readonly string[] = [...nearTheKernel, ...library]

/** When nothing has changed since all of them were green. */
export const sample: readonly string[] = [
  ...['test_json', 'test_os', 'test_select', 'test_fork1', 'test_fcntl', 'test_mmap', 'test_pathlib', 'test_pty'],
]

interface Omission {
  readonly why: string
  /** Whole modules. */
  readonly modules?: readonly string[]
  /** As regrtest's --ignore takes them. */
  readonly tests?: readonly string[]
  /** Of one module all but these, as --match takes them. */
  readonly allBut?: { readonly module: string; readonly tests: readonly string[] }
  /** Absent: everywhere, the host included. */
  readonly only?: 'gvisor' | 'qemu'
  /** Run when there is time: BULKHEAD_TEST_LONG=1. */
  readonly long?: true
}

/** What only costs time under emulation, ten to forty times what it costs elsewhere. */
const tooSlowEmulated: readonly Omission[] = [
  {
    modules: ['test_pickle', 'test_bz2', 'test_csv', 'test_re', 'test_shelve', 'test_random', 'test_configparser'],
    why: 'computing alone, next to nothing of the kernel',
  },
  {
    tests: ['*_del_collect', '*bigmem*', 'test_above_fd_setsize', 'test_walk_many_open_files', 'test_poll2'],
    why: 'minutes of pure computing',
  },
  {
    tests: ['*Lzma*', '*Bz2*', '*Bzip2*', 'test.test_tarfile.CommandLineTest.*', 'test.test_zipfile.CommandLineTest.*'],
    why: 'the same tests of archives for each way of compressing: those without, and with gzip, are run',
  },
  {
    tests: ['test.test_json.test_tool.*', 'test.test_posix.TestPosixSpawnP.*'],
    why: 'start an interpreter per test, seconds each; TestPosixSpawn, which differs in how the program is found, is run',
  },
  {
    allBut: {
      module: 'test_subprocess',
      tests: ['POSIXProcessTestCase', 'RunFuncTestCase', 'ContextManagerTests'].map(
        (name) => `test.test_subprocess.${name}.*`
      ),
    },
    why: 'the others start dozens of interpreters, seconds each',
  },
  { tests: ['test_pass_fds*', 'test_close_fds*', 'test_pipe_cloexec*'], why: 'the same' },
  {
    allBut: {
      module: 'test_asyncio',
      tests: [
        ...[
          'test_streams',
          'test_locks',
          'test_queues',
          'test_unix_events',
          'test_timeouts',
          'test_runners',
          'test_threads',
        ],
        ...['test_subprocess.SubprocessFastWatcherTests', 'test_sock_lowlevel.EPoll', 'test_tasks.CTask_CFuture_Tests'],
        'test_server',
      ].map((name) => `test.test_asyncio.${name}*`),
    },
    why: '2,350 tests, most of them the same for each event loop and each pair of task and future: one of each is run',
  },
  ...['test_io', 'test_queue'].map((module) => ({
    allBut: { module, tests: [`test.${module}.C*`] },
    why: 'every test is there twice: for the C code, which is run, and for the same in Python',
  })),
]

/** What is not run, and where. */
const omissions: readonly Omission[] = [
  {
    tests: ['*VSOCK*'],
    why: 'talks to the hypervisor of the machine it runs on, and hangs where that has no vsock; sandboxes have none',
  },
  {
    tests: ['*UDPLITE*'],
    only: 'gvisor',
    why: 'gVisor has no UDP-Lite; the set-up of these tests fails half-way and leaves threads behind that disturb the next',
  },
  { tests: ['test_siginterrupt_off'], long: true, why: 'waits for 30 s' },
  ...tooSlowEmulated.map((one): Omission => ({ ...one, only: 'qemu', long: true })),
]

/** What to run of `names` on the host (`undefined`) or under a runtime. */
export function plansFor(
  names: readonly string[],
  runtime: 'gvisor' | 'qemu' | undefined,
  { long }: { readonly long: boolean }
): ModulePlan[] {
  const applying = omissions.filter((one) => !(long && one.long) && (one.only === undefined || one.only === runtime))
  const without = applying.flatMap(({ tests = [] }) => tests)
  const left = names.filter((name) => !applying.some((one) => one.modules?.includes(name)))
  return left.map((name) => {
    const only = applying.flatMap(({ allBut }) => (allBut?.module === name ? allBut.tests : []))
    return { name, without, ...(only.length > 0 && { only }) }
  })
}
