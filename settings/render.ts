/**
 * The file for conf.d: one `name = 'value'` per line, sorted, so that the same settings give the same text.
 *
 * Escapes quotes and backslashes as PostgreSQL's configuration parser reads them. The schema has already rejected control
 * characters, which could start another line.
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
