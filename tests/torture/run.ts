import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { must } from "../image/docker";
import { Machine, newShelf } from "../image/machine";
import { Database, type Store } from "./database";
import {
  Clone,
  EditPrefix,
  everythingRestores,
  Kill,
  LoseVolume,
  Nights,
  Restore,
  StoreFault,
  Undo,
  Upgrade,
  Write,
} from "./steps";
import { World } from "./world";

const { S3_ENDPOINT = "", S3_BUCKET = "", S3_ACCESS_KEY_ID = "", S3_SECRET_ACCESS_KEY = "" } = process.env;
const STORE: Store = {
  endpoint: S3_ENDPOINT,
  bucket: S3_BUCKET,
  accessKey: S3_ACCESS_KEY_ID,
  secretKey: S3_SECRET_ACCESS_KEY,
};

/** Whether the environment names an S3 store to use. */
export const storeIsThere = Boolean(S3_BUCKET);

export interface Torture {
  readonly sequences: number;
  /** Maximum steps of a sequence. */
  readonly steps: number;
  readonly seed: number;
  /** As fast-check prints it: plays one sequence of the seed again. */
  readonly path?: string;
  /** By major: 18, and 17 for sequences with upgrades. */
  readonly images: ReadonlyMap<number, string>;
  /** Whether to search for the shortest failing sequence, which takes minutes. */
  readonly shrink: boolean;
}

/** c exists only after a clone. */
const name = fc.constantFrom("a", "a", "a", "b", "b", "c");
const killAfter = fc.option(fc.integer({ min: 50, max: 3500 }), { nil: undefined, freq: 1 });

const STEPS = [
  fc.tuple(name, fc.integer({ min: 1, max: 5 }), fc.boolean()).map((args) => new Write(...args)),
  name.map((of) => new Kill(of)),
  fc.tuple(name, fc.integer({ min: 1, max: 3 })).map((args) => new Nights(...args)),
  fc
    .tuple(name, fc.option(fc.nat(9), { nil: undefined }), killAfter, fc.boolean())
    .map((args) => new Restore(...args)),
  fc.tuple(name, killAfter).map((args) => new Undo(...args)),
  fc.tuple(name, fc.boolean(), killAfter).map((args) => new LoseVolume(...args)),
  name.map((of) => new Clone(of)),
  fc.tuple(name, fc.option(name, { nil: undefined })).map((args) => new EditPrefix(...args)),
  fc.tuple(name, fc.constantFrom("link", "copy"), killAfter).map((args) => new Upgrade(...args)),
  fc
    .tuple(fc.constantFrom<"hang" | "revoke">("hang", "revoke"), fc.integer({ min: 200, max: 3000 }))
    .map((args) => new StoreFault(...args)),
];

/** Plays random sequences, one after the other. A failure is an error with the seed and the shortest failing sequence. */
export async function torture({ sequences, steps, seed, path, images, shrink }: Torture): Promise<void> {
  const folder = `torture-${randomUUID()}`;
  const shelf = await newShelf();
  const machines = new Map(["a", "b", "c", "s"].map((of) => [of, new Machine(shelf, images)]));
  for (const [of, major] of [
    ["a", 17],
    ["a", 18],
    ["b", 18],
  ] as const) {
    const machine = machines.get(of);
    if (!machine || !images.has(major)) continue;
    const database = new Database(of, machine, STORE, "", "", major);
    await database.prepare();
    await machine.save(`${of}-${major}`);
    await machine.wipe();
  }
  let played = 0;
  const began = Date.now();
  const property = fc.asyncProperty(
    fc.commands(STEPS, { maxCommands: steps, size: "max" }),
    fc.boolean(),
    fc.boolean(),
    async (sequence, owned, old) => {
      const world = new World(`${folder}/${++played}`, STORE, machines, owned);
      try {
        await fc.asyncModelRun(async () => {
          for (const [of, major] of [
            ["a", old && images.has(17) ? 17 : 18],
            ["b", 18],
          ] as const) {
            const database = await world.add(of, major);
            await database.machine.load(`${of}-${major}`, database.owner);
            await database.serves();
            world.claim(database);
          }
          await new Nights("a", 1).run(world);
          return { model: world, real: world };
        }, sequence);
        await everythingRestores(world);
      } finally {
        await world.end();
        if (process.env.TORTURE_VERBOSE) {
          console.log(
            `${played} in ${Math.round((Date.now() - began) / 1000)} s: ${[...sequence].join(", ")}`,
          );
        }
      }
    },
  );
  try {
    await fc.assert(property, {
      numRuns: sequences,
      seed,
      path,
      endOnFailure: !shrink,
      includeErrorInReport: true,
    });
    if (played === 0) throw new Error(`no sequence was played: seed ${seed}, path ${path}`);
  } finally {
    for (const machine of machines.values()) await machine.remove();
    await must(["volume", "rm", shelf]);
  }
}
