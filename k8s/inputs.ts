/** Reads facts about the server from the StatefulSet's inputs, because a hook and a review have nothing else. */

interface ServerInputs {
  readonly spec?: {
    readonly template?: {
      readonly spec?: { readonly containers?: readonly { readonly env?: readonly Variable[] }[] };
    };
  };
}
interface Variable {
  readonly name: string;
  readonly value?: string;
}

/** The server container's variables with a plain value. */
export function serverEnvironment(inputs: unknown): Readonly<Record<string, string | undefined>> {
  const [server] = (inputs as ServerInputs | undefined)?.spec?.template?.spec?.containers ?? [];
  return Object.fromEntries((server?.env ?? []).map(({ name, value }) => [name, value]));
}

/** The major of a data directory such as `/var/lib/postgresql/18/docker`; undefined if the path names none. */
export function majorOfData(folder: string | undefined): number | undefined {
  const [, major] = /\/(\d+)\/docker$/.exec(folder ?? "") ?? [];
  return major === undefined ? undefined : Number(major);
}
