/** What the StatefulSet's inputs say about the server; a hook and a review have nothing but inputs. */

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

/** Variables of the server's container that have a plain value. */
export function serverEnvironment(inputs: unknown): Readonly<Record<string, string | undefined>> {
  const [server] = (inputs as ServerInputs | undefined)?.spec?.template?.spec?.containers ?? [];
  return Object.fromEntries((server?.env ?? []).map(({ name, value }) => [name, value]));
}

/** The major whose data are in a folder such as `/var/lib/postgresql/18/docker`; undefined where it does not say. */
export function majorOfData(folder: string | undefined): number | undefined {
  const [, major] = /\/(\d+)\/docker$/.exec(folder ?? "") ?? [];
  return major === undefined ? undefined : Number(major);
}
