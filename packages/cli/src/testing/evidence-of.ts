import type { Evidence } from '@bulkhead/wire'

/** Evidence with that verdict and one check, which fails where the verdict says so. */
export const evidenceOf = (outcome: Evidence['verdict']['outcome']): Evidence => ({
  sandboxId: 'sb-aaaaaaaaaaaaaaaaaaaa',
  takenAt: '2026-01-01T00:00:00Z',
  hostBootId: 'h',
  hostKernelRelease: '6.1',
  host: {
    runtime: 'gvisor',
    isolation: 'userspace',
    pid: 42,
    executable: '/runsc',
    uid: 70_001,
    gid: 70_001,
    seccomp: 2,
    noNewPrivs: true,
    capabilities: [],
    ownUserNamespace: true,
    ownNetworkNamespace: true,
    ownMountNamespace: true,
    ownPidNamespace: true,
    interfaces: [],
    mounts: [],
    cgroup: {},
    descriptors: [],
    missing: [],
  },
  verdict: { outcome, checks: [{ name: 'own uid', held: outcome !== 'violated', detail: 'uid 70001' }] },
})
