import type {Ports} from '../../ports.js'
import type {Interfaces} from '@oclif/core'
import type {packFlags} from '../flags/content/pack.js'
import type {uploadFlags} from '../flags/content/upload.js'
import {attestPorts, type AttestedCommand} from './attest-ports.js'
import {layerPorts, packPorts, uploadJournals} from './pack-ports.js'
import {reportWithTotal} from './tree-total.js'

export interface UpdateInput {
  readonly flags: Interfaces.InferredFlags<typeof packFlags & typeof uploadFlags> &
    AttestedCommand['flags']
  /** As the user named them. */
  readonly sources: readonly string[] | undefined
  /** The directories and files that are packed. */
  readonly packed: readonly string[]
}

/**
 * The ports of `update`: what is remembered between runs, journals of uploads, the total of the
 * progress, and what is attested. Throws what `attestPorts` throws.
 */
export async function updatePorts(
  {flags, sources, packed}: UpdateInput,
  env: Readonly<Record<string, string | undefined>>,
  ports: Ports,
): Promise<Ports> {
  const command = {name: 'update', flags, directory: packed[0]}
  return {
    ...ports,
    ...packPorts(flags, env, ports),
    ...layerPorts(env, packed),
    ...(await attestPorts(command, env, ports)),
    withJournal: uploadJournals(flags, env, {...ports, packed}),
    report: reportWithTotal(ports, sources),
  }
}
