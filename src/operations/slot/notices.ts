import {PreconditionError} from '../../errors.js'
import type {Image} from '../../image/image.js'
import {findSlots} from '../../image/slot.js'
import type {Ports} from '../../ports.js'

/** A slot is about to be added: whoever mistyped its name wants to know which there are. */
export function noticeOtherSlots(
  image: Image,
  name: string,
  {report}: Pick<Ports, 'report'>,
): void {
  const others = findSlots(image).map((slot) => slot.name)
  if (others.length === 0) return
  report({
    kind: 'notice',
    message: `${name} is a new slot of this image, which has already: ${others.join(', ')}`,
  })
}

/**
 * What is in a slot is not lost to a job that failed before us. Throws `PreconditionError`
 * (`ERR_INJECT_EMPTY`).
 */
export function refuseEmptiness(
  entries: number | undefined,
  {directory, allowEmpty}: {readonly directory: string; readonly allowEmpty?: boolean | undefined},
): void {
  if (entries !== 0 || allowEmpty === true) return
  throw new PreconditionError(
    'ERR_INJECT_EMPTY',
    `there is nothing in ${directory}, and the slot has something in it`,
    {hint: 'use --allow-empty if the slot is to be empty'},
  )
}

/** A failed job before us, or a mistyped pattern, leaves nothing to pack. */
export function warnOfEmptiness(
  entries: number | undefined,
  directory: string,
  {report}: Pick<Ports, 'report'>,
): void {
  if (entries !== 0) return
  report({
    kind: 'warning',
    message: `there is nothing in ${directory} to put into the image: the slot is empty now`,
  })
}
