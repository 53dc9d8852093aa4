/** The interfaces in /proc/PID/net/dev other than the loopback. Source: proc_pid_net(5). */
export function parseNetworkInterfaces(text: string): string[] {
  return text
    .split('\n')
    .slice(2)
    .map((line) => line.slice(0, line.indexOf(':')).trim())
    .filter((name) => name !== '' && name !== 'lo')
}
