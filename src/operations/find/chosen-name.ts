import {UsageError} from '../../errors.js'
import type {Image} from '../../image/image.js'
import {findSlots} from '../../image/slot.js'
import {defaultSlotName} from '../../oci/annotation.js'
import type {Ports} from '../../ports.js'

/**
 * The name of the slot to work on: the one that was asked for, else CernVM-FS's if the images have
 * it or have no slot, else the only slot there is, which is reported. Throws `UsageError`
 * (`ERR_INJECT_NAME_NEEDED`) if there are several other slots; its hint speaks of a new slot if
 * `adds` says that the command can add one.
 */
export function chosenName(
  images: readonly Image[],
  asked: string | undefined,
  {report}: Pick<Ports, 'report'>,
  adds = false,
): string {
  if (asked !== undefined) return asked
  const names = [...new Set(images.flatMap((image) => findSlots(image).map(({name}) => name)))]
  const [only, ...others] = names
  if (only === undefined || names.includes(defaultSlotName)) return defaultSlotName
  if (others.length > 0) {
    throw new UsageError('ERR_INJECT_NAME_NEEDED', `there are several slots: ${names.join(', ')}`, {
      hint: `use --name ${only} for one of them${adds ? ', or a new name for another slot' : ''}`,
    })
  }
  report({kind: 'notice', message: `no --name given: using slot ${only}, the only one there is`})
  return only
}
