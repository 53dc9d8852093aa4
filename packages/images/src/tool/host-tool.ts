/** Programs of the host that this package runs, and the Debian package each comes in. `doctor` and `setup` read it. */
export const hostTools = {
  'apt-get': 'apt',
  bwrap: 'bubblewrap',
  chroot: 'coreutils',
  'dpkg-deb': 'dpkg',
  'dpkg-query': 'dpkg',
  'mkfs.erofs': 'erofs-utils',
  mmdebstrap: 'mmdebstrap',
  prlimit: 'util-linux',
  rm: 'coreutils',
  setpriv: 'util-linux',
  skopeo: 'skopeo',
  umoci: 'umoci',
  unshare: 'util-linux',
  xz: 'xz-utils',
} as const

export type HostTool = keyof typeof hostTools
