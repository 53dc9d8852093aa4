/** How a flag's value is written, and read. As Go's `flag` and `strconv`: tools that start controllers write their values. */
export interface FlagKind<Value> {
  /** For help: `duration`. */
  readonly name: string
  /** Undefined: not a value of this kind. */
  parse(text: string): Value | undefined
  format(value: Value): string
}

const truths: ReadonlyMap<string, boolean> = new Map([
  ...['1', 't', 'T', 'true', 'TRUE', 'True'].map((text) => [text, true] as const),
  ...['0', 'f', 'F', 'false', 'FALSE', 'False'].map((text) => [text, false] as const),
])

export const boolean: FlagKind<boolean> = { name: 'bool', parse: (text) => truths.get(text), format: String }

export const text: FlagKind<string> = { name: 'string', parse: (value) => value, format: (value) => value }

export const integer: FlagKind<number> = {
  name: 'int',
  parse: (value) => {
    if (!/^[+-]?(\d+|0[xX][\da-fA-F]+)$/.test(value)) return undefined
    const number = value.startsWith('-') ? -Number(value.slice(1)) : Number(value.replace(/^\+/, ''))
    return Number.isSafeInteger(number) ? number + 0 : undefined
  },
  format: String,
}

export const float: FlagKind<number> = {
  name: 'float',
  parse: (value) => (/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(value) ? Number(value) + 0 : undefined),
  format: String,
}

export const oneOf = <Choice extends string>(...choices: readonly Choice[]): FlagKind<Choice> => ({
  name: choices.join('|'),
  parse: (value) => choices.find((choice) => choice === value),
  format: (value) => value,
})

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  // Two characters look the same: the micro sign and the Greek letter.
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
}
const durationPart = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g

/** In ms. `1h2m3s`, `1.5s`, `-5m`, `0`: Go's time.ParseDuration. */
export const duration: FlagKind<number> = {
  name: 'duration',
  parse: (value) => {
    const [, sign, rest = ''] = /^([+-]?)(.*)$/.exec(value) ?? []
    if (rest === '0') return 0
    const parts = [...rest.matchAll(durationPart)]
    if (parts.length === 0 || parts.map(([part]) => part).join('') !== rest) return undefined
    const ms = parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (unitMs[unit as string] as number), 0)
    return sign === '-' ? -ms : ms
  },
  format: (ms) => {
    const sign = ms < 0 ? '-' : ''
    const left = Math.abs(ms)
    const [hours, minutes, seconds] = [
      Math.floor(left / 3_600_000),
      Math.floor(left / 60_000) % 60,
      (left % 60_000) / 1000,
    ]
    if (left === 0) return '0s'
    return `${sign}${hours ? `${hours}h` : ''}${minutes ? `${minutes}m` : ''}${seconds ? `${seconds}s` : ''}`
  },
}

/** Where a server listens. Undefined: nowhere. */
export interface BindAddress {
  /** Undefined: every address of this machine. */
  readonly host: string | undefined
  readonly port: number
}

/** `:8080`, `127.0.0.1:8080`, `[::1]:8080`; `0` or nothing: do not serve (controller-runtime). Port 0: any that is free. */
export const bindAddress: FlagKind<BindAddress | 'none'> = {
  name: 'address',
  parse: (value) => {
    if (value === '' || value === '0') return 'none'
    const [, bracketed, plain, digits] = /^(?:\[([\da-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(value) ?? []
    const port = Number(digits)
    if (digits === undefined || port > 65_535) return undefined
    return { host: bracketed ?? (plain || undefined), port }
  },
  format: (address) => {
    if (address === 'none') return '0'
    const { host = '', port } = address
    return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  },
}
