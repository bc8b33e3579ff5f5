import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { z } from "zod";
import pins from "../../../image/pins.json";
import { MAJORS } from "../../../settings/major";
import { resolve } from "../../../settings/resolve";
import { stackSchema } from "../../../settings/schema";
import type { Settings } from "../../../settings/settings";
import { configOf } from "./stack";

const PAGE = readFileSync(join(__dirname, "../../../docs/settings.md"), "utf8");

const SIZES = [
  { dataSize: "1Gi", memory: "512Mi", cpu: "500m" },
  { dataSize: "20Gi", memory: "4Gi", cpu: "2" },
  { dataSize: "500Gi", memory: "64Gi", cpu: "16" },
];

/** The table of examples, row by row. */
function examples(): string {
  const all = SIZES.map(({ dataSize, ...postgres }) => resolve(configOf({ dataSize, postgres })));
  const names = Object.keys(all[0]?.postgres.settings ?? {});
  const row = (name: string, values: readonly unknown[]) => `| ${name} | ${values.join(" | ")} |`;
  const each = (name: string, value: (settings: Settings) => unknown) => row(name, all.map(value));
  return [
    row(
      "",
      SIZES.map(({ dataSize, memory, cpu }) => `${dataSize} of data, ${memory}, ${cpu} CPU`),
    ),
    row(
      "---",
      SIZES.map(() => "---"),
    ),
    each("volume", ({ volume }) => volume.claimSize),
    ...names.map((name) => each(`\`${name}\``, ({ postgres }) => postgres.settings[name])),
    ...["UPLOAD", "UPLOAD_DISK", "DOWNLOAD"].map((it) =>
      each(`\`WALG_${it}_CONCURRENCY\``, ({ backup }) => backup?.environment[`WALG_${it}_CONCURRENCY`]),
    ),
    each("memory of a base backup's job", ({ backup }) => backup?.memory),
    each("CPU limit of a base backup's job", ({ backup }) => backup?.cpu),
    each("`/dev/shm`", ({ sharedMemory }) => sharedMemory),
    each("grace period", ({ gracePeriodSeconds }) => `${gracePeriodSeconds} s`),
  ].join("\n");
}

/** Paths of all keys that hold a value. */
function leaves(schema: z.core.$ZodType, path: string): string[] {
  if (schema instanceof z.ZodObject) {
    return Object.entries(schema.shape).flatMap(([key, inner]) =>
      leaves(inner as z.ZodType, path ? `${path}.${key}` : key),
    );
  }
  const inner = (schema as { unwrap?: () => z.ZodType }).unwrap?.();
  return inner ? leaves(inner, path) : [path];
}

describe("docs/settings.md", () => {
  it("has a row for every key", () => {
    const rows = PAGE.split("\n").filter((line) => line.startsWith("| `"));
    const missing = leaves(stackSchema, "").filter(
      (key) => !rows.some((row) => row.split(" | ")[0]?.includes(`\`${key}\``)),
    );
    expect(missing).to.deep.equal([]);
  });

  it("shows what is derived for three sizes as it is", () => expect(PAGE).to.include(examples()));
});

describe("the README", () => {
  const readme = readFileSync(join(__dirname, "../../../README.md"), "utf8");

  it("promises the majors whose base image is pinned, and says of the others that they want one", () => {
    const [, pinned, others = ""] = /PostgreSQL server \(([\d, ]+); ([^)]*)\)/.exec(readme) ?? [];
    expect(pinned?.split(", ")).to.deep.equal(Object.keys(pins.baseImage));
    const wanting = MAJORS.filter((major) => !(String(major) in pins.baseImage));
    expect(others.match(/\d+/g)?.map(Number)).to.deep.equal(wanting);
    expect(others).to.include("a base image that you pin");
  });

  it("calls a restore and an upgrade what they take: two keys, and no single word", () => {
    expect(stackSchema.shape.restore.unwrap().shape).to.include.keys("id", "to");
    expect(readme).not.to.match(/one-word|by one line/);
  });
});
