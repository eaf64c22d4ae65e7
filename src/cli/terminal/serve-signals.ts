/**
 * The signals of a process that serves: SIGTERM and SIGINT ask it to end, SIGHUP to read its files
 * again.
 */
export interface ServeSignals {
  /**
   * Aborts at the first SIGTERM or SIGINT; the second one ends the process at once, as if nobody
   * listened.
   */
  readonly signal: AbortSignal
  /** Calls `reload` at every SIGHUP until what it gives is called. */
  onReload(reload: () => void): () => void
  /** Gives the signals back. */
  release(): void
}

export function listenForServeSignals(target: NodeJS.Process = process): ServeSignals {
  const controller = new AbortController()
  const onEnd = (name: NodeJS.Signals): void => {
    controller.abort(new DOMException(`ended by ${name}`, 'AbortError'))
    release()
  }
  // from the start: a SIGHUP that nobody listens to ends the process
  const ignore = (): void => undefined
  const release = (): void => {
    target.off('SIGTERM', onEnd).off('SIGINT', onEnd)
  }
  target.on('SIGTERM', onEnd).on('SIGINT', onEnd).on('SIGHUP', ignore)
  return {
    signal: controller.signal,
    onReload(reload) {
      target.on('SIGHUP', reload)
      return () => void target.off('SIGHUP', reload)
    },
    release() {
      release()
      target.off('SIGHUP', ignore)
    },
  }
}
