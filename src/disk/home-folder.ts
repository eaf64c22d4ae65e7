import {homedir} from 'node:os'

/**
 * Where this user's settings are. Of a user whom the system does not know, as in a container that
 * runs as any number, a folder that is not there: Node throws for one.
 */
export function homeFolder(): string {
  try {
    return homedir()
  } catch {
    return '/nonexistent'
  }
}
