/**
 * The file for conf.d: one `name = 'value'` a line, sorted, so that the same settings are the same text.
 *
 * Quotes and backslashes are escaped as PostgreSQL's configuration parser reads them; control characters have been refused
 * before (they could start another line).
 */
export function renderConf(settings: Readonly<Record<string, string>>): string {
  const lines = Object.keys(settings)
    .sort()
    .map((name) => `${name} = '${escaped(settings[name] ?? "")}'\n`);
  return `# Rendered from the stack's settings (docs/settings.md): changes belong there.\n${lines.join("")}`;
}

function escaped(value: string): string {
  return value.replace(/[\\']/g, (character) => character + character);
}
