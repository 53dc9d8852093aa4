import type { Outcome } from './module-report.ts'

/** A known difference between a sandbox and the host, and why it is one. */
export interface Explained {
  readonly runtime: 'gvisor' | 'qemu'
  /** The tests' ids, a `*` for anything. */
  readonly tests: string
  readonly outcome: Exclude<Outcome, 'passed'>
  readonly why: string
}

/** Every difference there is. One that is not here fails the test, and so does one that is here and no longer occurs. */
export const explained: readonly Explained[] = [
  {
    runtime: 'gvisor',
    tests: 'test.test_asyncio.test_sock_lowlevel.*EventLoopTests.test_sock_client_connect_racing',
    outcome: 'skipped',
    why: 'a second connect on a socket whose first was refused is ECONNABORTED in gVisor, and begins anew in Linux',
  },
  {
    runtime: 'gvisor',
    tests: 'test.test_fcntl.TestFcntl.test_fcntl_64_bit',
    outcome: 'failed',
    why: 'F_NOTIFY (dnotify, which inotify has replaced) is EINVAL in gVisor',
  },
  {
    runtime: 'gvisor',
    tests: 'test.test_pickle.*.test_unpickle_module_race',
    outcome: 'failed',
    why: 'unlink of a name that does not exist, in a folder that one may not write to: EACCES in gVisor, ENOENT in Linux',
  },
  {
    runtime: 'gvisor',
    tests: 'test.test_posix.PosixTester.test_fs_holes',
    outcome: 'skipped',
    why: 'gVisor has no SEEK_HOLE and SEEK_DATA',
  },
  {
    runtime: 'gvisor',
    tests: 'test.test_posix.PosixTester.test_sched_priority',
    outcome: 'failed',
    why: 'sched_get_priority_min of a policy that does not exist is an error in Linux, and none in gVisor',
  },
  {
    runtime: 'gvisor',
    tests: 'test.test_posix.PosixTester.test_sched_rr_get_interval',
    outcome: 'failed',
    why: 'gVisor has no sched_rr_get_interval and answers EPERM',
  },
  {
    runtime: 'gvisor',
    tests: 'test.test_posix.TestPosixSpawn*.test_setscheduler_only_param',
    outcome: 'failed',
    why: 'gVisor has no sched_setparam and answers EPERM',
  },
  {
    runtime: 'gvisor',
    tests: 'test.test_resource.ResourceTest.test_prlimit',
    outcome: 'failed',
    why: 'prlimit of the process -1 is EINVAL in gVisor, ESRCH in Linux',
  },
  {
    runtime: 'gvisor',
    tests: 'test.test_socket.Recvmsg*RFC3542AncillaryUDP6Test.test*CmsgTrunc*',
    outcome: 'failed',
    why: 'gVisor leaves out a control message of IPv6 that does not fit, instead of cutting it and setting MSG_CTRUNC',
  },
  {
    runtime: 'gvisor',
    tests: 'test.test_subprocess.POSIXProcessTestCase.test_restore_signals',
    outcome: 'skipped',
    why: 'gVisor’s /proc/PID/status has no line SigIgn, by which the test would see it',
  },
  {
    runtime: 'gvisor',
    tests: 'test.test_os.TestScandir.test_attributes',
    outcome: 'failed',
    why: 'an inode number differs between readdir and stat on an overlay; on hosts whose overlayfs has the same, it fails there too',
  },
]
