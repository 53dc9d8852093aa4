import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import {
  createFileRegistry,
  type DescEnum,
  type DescField,
  type DescFile,
  type DescMessage,
  fromBinary,
} from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema, file_google_protobuf_timestamp } from '@bufbuild/protobuf/wkt'
import { describe, expect, it } from 'vitest'
import { file_filesystem_filesystem, file_process_process } from './guest.ts'

/** The definitions that the published client carries: descriptors in base64, as protoc-gen-es writes them. */
function clientFiles(): DescFile[] {
  const client = path.join(path.dirname(createRequire(import.meta.url).resolve('e2b/package.json')), 'dist/index.mjs')
  return [...readFileSync(client, 'utf8').matchAll(/fileDesc\(\s*"([^"]+)"/g)].flatMap(([, base64 = '']) => {
    const proto = fromBinary(FileDescriptorProtoSchema, Buffer.from(base64, 'base64'))
    // protoc-gen-es leaves out which files a file needs.
    if (proto.name === 'filesystem/filesystem.proto') proto.dependency = ['google/protobuf/timestamp.proto']
    const registry = createFileRegistry(proto, (name) =>
      name === 'google/protobuf/timestamp.proto' ? file_google_protobuf_timestamp.proto : undefined
    )
    return [...registry.files].filter((file) => file.proto.name === proto.name)
  })
}

const ours = new Map([file_process_process, file_filesystem_filesystem].map((file) => [file.name, file]))

/** The name in JSON follows from the field's name. */
const fieldFacts = (field: DescField) => ({
  number: field.number,
  kind: field.fieldKind,
  type: field.proto.type,
  typeName: field.proto.typeName.replace(/^\./, ''),
  label: field.proto.label,
  presence: field.proto.proto3Optional,
  oneof: field.oneof?.name,
})

const messageFacts = (message: DescMessage): [string, unknown][] => [
  ...message.fields.map((field): [string, unknown] => [`${message.typeName}.${field.name}`, fieldFacts(field)]),
  ...message.nestedMessages.flatMap(messageFacts),
  ...message.nestedEnums.flatMap(enumFacts),
]

const enumFacts = (enumeration: DescEnum): [string, unknown][] =>
  enumeration.values.map((value) => [`${enumeration.typeName}.${value.name}`, value.number])

/** Everything of a file that shows on the wire, by name. */
const facts = (file: DescFile): [string, unknown][] => [
  ...file.messages.flatMap(messageFacts),
  ...file.enums.flatMap(enumFacts),
  ...file.services.flatMap((service) =>
    service.methods.map((method): [string, unknown] => [
      `${service.typeName}/${method.name}`,
      [method.methodKind, method.input.typeName, method.output.typeName],
    ])
  ),
]

describe.each(clientFiles().map((file) => [file.name, file] as const))('%s', (name, theirs) => {
  const mine = ours.get(name)
  const known = new Map(mine ? facts(mine) : [])

  it('has all that the published client knows, the same on the wire', () => {
    expect(facts(theirs).length).toBeGreaterThan(50)
    for (const [thing, fact] of facts(theirs)) expect([thing, known.get(thing)]).toEqual([thing, fact])
  })

  it('adds fields from number 100 on only', () => {
    const known = new Set(facts(theirs).map(([thing]) => thing))
    const added = mine?.messages.flatMap(messageFacts).filter(([thing]) => !known.has(thing)) ?? []
    for (const [thing, fact] of added) {
      expect([thing, (fact as { number: number }).number]).toEqual([thing, expect.toSatisfy((n: number) => n >= 100)])
    }
  })
})
