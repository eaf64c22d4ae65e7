/**
 * Runs `work` with the rights of an ordinary user where the tests run as root, who may do
 * everything.
 */
export async function asOtherUser<T>(work: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return work()
  process.seteuid?.(otherUser)
  try {
    return await work()
  } finally {
    process.seteuid?.(0)
  }
}

/** Who that user is: `nobody`. */
export const otherUser = 65_534
