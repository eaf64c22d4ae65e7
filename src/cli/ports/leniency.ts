import {IntegrityError} from '../../errors.js'
import type {Ports} from '../../ports.js'

/**
 * What becomes of what is not as its specification has it and can be read all the same: a warning,
 * each only once, or with `--strict` an error (`ERR_INJECT_NOT_STRICT`).
 */
export function createLeniency(
  isStrict: boolean,
  {report}: Pick<Ports, 'report'>,
): NonNullable<Ports['onTolerated']> {
  const said = new Set<string>()
  return (oddity) => {
    if (isStrict)
      throw new IntegrityError('ERR_INJECT_NOT_STRICT', oddity, {
        hint: 'without --strict this is a warning',
      })
    if (said.has(oddity)) return
    said.add(oddity)
    report({kind: 'warning', message: oddity})
  }
}
