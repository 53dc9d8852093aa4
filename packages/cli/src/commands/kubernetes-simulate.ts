import { defaultSimulation, type SimulationSettings, simulate, simulationSettings } from '@bulkhead/kubernetes/domains'
import { failure } from '@bulkhead/wire/errors'
import { ExitCode } from '../exit-code.ts'
import { simulationRows, simulationText } from '../output/simulation.ts'
import { data, json } from '../output/streams.ts'

/** As given: a number each. */
export type SimulateOptions = { readonly json?: boolean } & { readonly [Name in keyof SimulationSettings]?: string }

/** The most that a simulation of minutes and a few gigabytes can have. */
const limits: Readonly<Record<keyof SimulationSettings, { readonly least: number; readonly most: number }>> = {
  nodes: { least: 1, most: 50_000 },
  zones: { least: 1, most: 1_000 },
  sandboxes: { least: 1, most: 5_000_000 },
  tenants: { least: 1, most: 50_000 },
  capacity: { least: 1, most: 5_000_000 },
  shardSize: { least: 1, most: 1_000 },
  tenantsPerNode: { least: 1, most: 50_000 },
  seed: { least: 0, most: 2 ** 31 - 1 },
}

/** `bulkhead kubernetes simulate`: asks no cluster. */
export async function kubernetesSimulate(_args: string[], options: SimulateOptions): Promise<number> {
  const result = simulate(settingsOf(options))
  if (options.json) json(result)
  else data(process.stdout.isTTY ? simulationText(result) : simulationRows(result))
  return ExitCode.success
}

/** Fails `invalid_request`. */
export function settingsOf(options: SimulateOptions): SimulationSettings {
  const names = Object.keys(limits) as (keyof SimulationSettings)[]
  const given = names.flatMap((name) => (options[name] === undefined ? [] : [[name, numberOf(name, options[name])]]))
  const settings = simulationSettings({ ...defaultSimulation, ...Object.fromEntries(given) })
  needAtMost('tenants', settings, 'sandboxes')
  needAtMost('zones', settings, 'nodes')
  needAtMost('shardSize', settings, 'nodes')
  return settings
}

function numberOf(name: keyof SimulationSettings, text: string): number {
  const { least, most } = limits[name]
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  const problem = `${JSON.stringify(text)} is not a whole number from ${least} to ${most}`
  throw failure('invalid_request', { field: flag(name), problem })
}

function needAtMost(name: keyof SimulationSettings, settings: SimulationSettings, other: keyof SimulationSettings) {
  if (settings[name] <= settings[other]) return
  const problem = `${settings[name]} is more than ${flag(other)}, ${settings[other]}`
  throw failure('invalid_request', { field: flag(name), problem })
}

const flag = (name: string): string => `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
