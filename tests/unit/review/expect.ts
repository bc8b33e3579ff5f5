import { expect } from "chai";
import { label, type Row, severity } from "../../../review/effects";
import type { Change } from "./changes";

/** A row as it stands in the table. */
export const line = (row: Row): string => `${row.resource} | ${row.change} | ${label(row)} | ${row.why}`;

/** The rows that a change must have, the worst of them first, and none that is worse. */
export function expectRows(rows: readonly Row[], wanted: Change["rows"]): void {
  const all = rows.map(line).join("\n");
  for (const [effect, text] of wanted) {
    const found = rows.some((row) => row.effect === effect && text.test(`${row.resource} ${row.change}`));
    expect(found, `a row "${effect}" with ${text} in\n${all}`).to.equal(true);
  }
  expect(rows[0]?.effect, all).to.equal(wanted[0]?.[0]);
  expect(rows.map(severity), all).to.deep.equal(rows.map(severity).sort((a, b) => b - a));
  if (wanted.length === 0) expect(rows, all).to.deep.equal([]);
}
