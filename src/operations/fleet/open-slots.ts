import {statSync} from 'node:fs'
import {isAbsolute, join} from 'node:path'
import {archiveName, type Fleet, type FleetSlot, type FleetSource} from '../../fleet/fleet.js'
import {digestOf} from '../../oci/digest.js'
import type {Ports} from '../../ports.js'
import {certificateContent} from '../certs/certificate-content.js'
import {readCertificates} from '../certs/read-certificates.js'
import {openGraft, type OpenGraft} from '../graft/graft-content.js'
import {sourceContent} from '../slot/source-content.js'
import type {PackRules} from '../source/source-tree.js'
import {openSource, type Source, type SourceRequest} from '../source/source.js'
import type {OpenContent} from '../update.js'

/** The content of a slot, open for all images of a run. */
export interface OpenSlot extends OpenContent {
  /** Where files are read from, or what stands for the content without reading any. */
  readonly origin: {readonly source: Source} | {readonly print: string}
  /** The other image that it is a part of. */
  readonly graft?: OpenGraft | undefined
  /** Removes temporary files. */
  readonly close: () => Promise<void>
}

export type OpenSlots = ReadonlyMap<FleetSlot, OpenSlot>

export interface OpenSlotsOptions {
  readonly fleet: Fleet
  /** The folder that sources are relative to. */
  readonly folder: string
  /** The folder for temporary files; it must be outside all sources. */
  readonly temporary: string
  /** Milliseconds since the epoch. */
  readonly now: number
}

/**
 * Opens the content of all slots, each once for the whole run, so that one mistake in a source is
 * one error. Throws what `openSource`, `openGraft` and `readCertificates` throw.
 */
export async function openSlots(
  {fleet, ...options}: OpenSlotsOptions,
  ports: Ports,
): Promise<{readonly slots: OpenSlots; readonly close: () => Promise<void>}> {
  const slots = new Map<FleetSlot, OpenSlot>()
  const close = async (): Promise<void> => {
    for (const slot of slots.values()) await slot.close()
  }
  try {
    for (const slot of fleet.slots) slots.set(slot, await openSlot(slot, options, ports))
    return {slots, close}
  } catch (error) {
    await close()
    throw error
  }
}

async function openSlot(
  slot: FleetSlot,
  options: Omit<OpenSlotsOptions, 'fleet'>,
  ports: Ports,
): Promise<OpenSlot> {
  const {source} = slot
  switch (source.kind) {
    case 'path':
      return fromFiles(await openSource(sourceRequest(slot, source, options), [], ports))
    case 'image':
      return fromImage(source, rulesOf(slot), options, ports)
    case 'certs':
      return fromCertificates(source, options, ports)
  }
}

function fromFiles(source: Source): OpenSlot {
  return {
    origin: {source},
    contentOf: (_, options) => sourceContent(source, {...options, isShared: true}),
    close: () => {
      source.close()
      return Promise.resolve()
    },
  }
}

async function fromImage(
  source: Extract<FleetSource, {kind: 'image'}>,
  rules: PackRules,
  {temporary}: Pick<OpenSlotsOptions, 'temporary'>,
  ports: Ports,
): Promise<OpenSlot> {
  const graft = await openGraft(source, ports)
  return {
    graft,
    origin: {print: graft.digest},
    contentOf: (_, options) => graft.contentOf({...options, isShared: true, temporary, rules}),
    close: () => graft.close(),
  }
}

async function fromCertificates(
  source: Extract<FleetSource, {kind: 'certs'}>,
  {folder, now}: Pick<OpenSlotsOptions, 'folder' | 'now'>,
  {report}: Ports,
): Promise<OpenSlot> {
  const files = source.files.map((file) => placeOf(file, folder))
  const warn = (message: string): void => report({kind: 'warning', message})
  const seconds = Math.floor(now / 1000)
  const certificates = await readCertificates(files, {allowExpired: false, now: seconds, warn})
  const how = {certificates, setsEnv: false, skipsJava: false, isShared: true}
  const facts = JSON.stringify(certificates.map(({fingerprint}) => fingerprint))
  return {
    origin: {print: digestOf(Buffer.from(facts))},
    contentOf: (store, {layer: {created}, layerEntries}, ports) =>
      certificateContent(store, {...how, created, layerEntries}, ports),
    close: () => Promise.resolve(),
  }
}

function sourceRequest(
  slot: FleetSlot,
  {path: source}: Extract<FleetSource, {kind: 'path'}>,
  {folder, temporary}: Pick<OpenSlotsOptions, 'folder' | 'temporary'>,
): SourceRequest {
  const path = placeOf(source, folder)
  const rules = rulesOf(slot)
  if (archiveName.test(path) && !isDirectory(path))
    return {archive: {kind: 'file', path}, temporary, ...rules}
  const outputs = [{what: 'the folder for temporary files', path: temporary}]
  return {directory: path, outputs, ...rules}
}

function rulesOf({exclude, whiteouts, owner, chmod, allowEmpty}: FleetSlot): PackRules {
  return {exclude, whiteouts, owner, chmod, allowEmpty}
}

function placeOf(path: string, folder: string): string {
  return isAbsolute(path) ? path : join(folder, path)
}

/** What cannot be looked at is left to what opens it. */
function isDirectory(path: string): boolean {
  return statSync(path, {throwIfNoEntry: false})?.isDirectory() === true
}
