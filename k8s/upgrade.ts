import { majorOfData, serverEnvironment } from "./inputs";

/**
 * Why to refuse an update from the old to the new inputs of the StatefulSet; undefined to allow it. A newer major's image opens
 * older data only after an upgrade request, and this says so before the server stops.
 */
export function unaskedUpgrade(oldInputs: unknown, newInputs: unknown): string | undefined {
  const [before, after] = [oldInputs, newInputs].map(serverEnvironment);
  const [from, to] = [before, after].map((environment) => majorOfData(environment?.PGDATA));
  if (from === undefined || to === undefined || to <= from) return undefined;
  const id = after?.PG_UPGRADE;
  if (id !== undefined && id !== before?.PG_UPGRADE) return undefined;
  const ask =
    id === undefined
      ? `request one with the version (upgrade: {id: to-${to}})`
      : `each has its own id, and ${id} was used before: choose another one`;
  return (
    `the data belong to PostgreSQL ${from}, and PostgreSQL ${to} opens them only after an upgrade: ${ask}, or set ` +
    `postgres.version back to ${from}. The server was not touched. See docs/upgrade.md.`
  );
}
