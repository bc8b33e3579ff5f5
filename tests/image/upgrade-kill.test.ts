import { expect } from "chai";
import { Container, IMAGE } from "./docker";
import "./hooks";
import { Machine, newShelf } from "./machine";
import { imageOf, needMajors } from "./majors";
import { copyOf, inTurn, options, VOLUME, withArchive } from "./restore";
import { CONTENT, content, prepareShop, upgrade } from "./upgrade";

const MOVE = ["before", "synced", "renamed", "after"];
const points = (step: string, moments = ["before", "renamed"]) =>
  moments.map((moment) => `${step}:${moment}`);

/** Points by the state of the volume that leads to them, so that not each of them begins with pg_upgrade. */
const POINTS = {
  old: [
    ...points("asked"),
    "backing-up:synced",
    ...points("upgrading"),
    ...points("upgraded"),
    "upgrading:renamed upgrading:renamed",
  ],
  upgraded: [
    ...points("starting", ["before", "synced", "renamed"]),
    ...points("handing-over"),
    ...points("setting-old-aside", MOVE),
    ...points("publishing-new", MOVE),
    ...points("cluster-18"),
    "starting:renamed setting-old-aside:renamed",
    "setting-old-aside:renamed publishing-new:renamed",
  ],
  moved: [
    ...points("handed-over", ["synced", "renamed"]),
    ...points("upgrade-done", ["before", "synced", "renamed"]),
    ...points("finishing-upgrade"),
    ...points("closing-upgrade"),
  ],
};
type State = keyof typeof POINTS;
const STATES = Object.keys(POINTS) as State[];
type Undoable = "kept" | "linked" | "started";

/** Points in the old image's undo of an upgrade: with the kept data or, after links, done or just started, from the backup. */
const UNDO: [Undoable, string][] = [
  ...["undoing-upgrade", "setting-new-aside", "putting-old-back", "upgrade-undone"]
    .flatMap((step) => points(step))
    .map((point): [Undoable, string] => ["kept", point]),
  ["linked", "swapped:renamed"],
  ["linked", "setting-new-aside:before"],
  ["linked", "setting-new-aside:renamed"],
  ["linked", "upgrade-undone:renamed"],
  ["started", "setting-links-aside:before"],
  ["started", "setting-links-aside:renamed"],
];
/** Put back at one of these, the old image serves; at the others, with link, it says what to do. */
const OLD_IMAGE: [State, string][] = [
  ["old", "asked:renamed"],
  ["old", "upgrading:renamed"],
  ["upgraded", "starting:before"],
];
const LINKED: [State, string][] = [
  ["upgraded", "starting:renamed"],
  ["upgraded", "setting-old-aside:renamed"],
  ["moved", "upgrade-done:renamed"],
];
/** What pg_upgrade prints in the middle of its work. */
const IN_PG_UPGRADE = [/Restoring database schemas/, /Linking user relation files|Adding "\.old" suffix/];
const REQUEST = upgrade({ PG_REINDEX_COLLATIONS: "true" });
const UNDO_REQUEST = upgrade({ PG_UPGRADE_UNDO: "true" });

describe("image: a major upgrade that is killed", function () {
  this.timeout("10m");
  let shop: { volume: string; content: string };
  let machines: Machine[] = [];
  let runs = new Map<string, Promise<string>>();

  /** By the state that the kills left and the end that is tried: a later sync makes no difference to the next start. */
  const ends = new Map<string, Promise<string>>();

  /** Boots a machine that must die at a point. Returns the resulting state of its volume. */
  const dies = async (machine: Machine, point: string, variables: Record<string, string>, major = 18) => {
    const kill = { POSTGRES_STACK_KILL_AT: point };
    const { code, log, state } = await machine.ends(major, withArchive({ ...variables, ...kill }));
    expect(code, `${point}: ${log.slice(-2000)}`).to.equal(137);
    return state;
  };

  /** Returns what serves in the end, proved by a write too. */
  const serves = async (machine: Machine, major: number, variables: Record<string, string>) => {
    const write = "INSERT INTO t1 (name) VALUES ('x'); DELETE FROM t1 WHERE name = 'x'";
    const asked = [write, "SHOW server_version_num", CONTENT];
    const { answer } = await machine.answers(major, withArchive(variables), "shop", ...asked);
    const [version, ...found] = answer.split("\n");
    return `${version} ${sumsOf(found.join("\n"))}`;
  };

  /** The result of a major's image on the state that the kills left. */
  const endOf = async (machine: Machine, end: "new" | "old" | "refused", undo: boolean) => {
    if (end === "new") return serves(machine, 18, REQUEST);
    if (end === "old") return serves(machine, 17, undo ? UNDO_REQUEST : {});
    const { code, log } = await machine.ends(17, withArchive());
    return `${code} ${log}`;
  };

  /** Kills at the points, one after the other, then boots the image of a major on the result. */
  const afterKills = async (
    machine: Machine,
    state: State | Undoable,
    kills: string,
    end: "new" | "old" | "refused",
  ) => {
    const undo = !(state in POINTS);
    await machine.load(state);
    let left = "";
    for (const point of kills.split(" "))
      left = await dies(machine, point, undo ? UNDO_REQUEST : REQUEST, undo ? 17 : 18);
    const known = ends.get(`${left} ${end}`) ?? endOf(machine, end, undo);
    ends.set(`${left} ${end}`, known);
    return known;
  };

  /** Saves the upgraded database. */
  const saveUpgraded = async (machine: Machine, name: Undoable, variables: Record<string, string>) => {
    await machine.load("old");
    const boot = await machine.boot(18, withArchive({ ...REQUEST, ...variables }));
    expect(boot?.log).to.match(/upgrade one done: .*total \d+ s/);
    const { code, stderr } = await machine.command(["pg_ctl", "stop", "-m", "fast"]);
    expect(code, stderr).to.equal(0);
    await machine.kill();
    await machine.save(name);
  };

  /** Saves the volume as kills during its upgrade leave it. */
  const saveOnItsWay = async (machine: Machine) => {
    for (const [from, point, state] of [
      ["old", "starting:before", "upgraded"],
      ["upgraded", "handing-over:before", "started"],
      ["upgraded", "handed-over:before", "moved"],
    ] as const) {
      await machine.load(from);
      await dies(machine, point, REQUEST);
      await machine.save(state);
    }
  };

  before(
    "a database of PostgreSQL 17, on its way, and one upgraded with the old data kept",
    async function () {
      needMajors(this, 17);
      shop = await prepareShop(17, { tables: 3, rows: 50 });
      const images = new Map([
        [17, await imageOf(17)],
        [18, IMAGE],
      ]);
      const shelf = await newShelf();
      const pair = [new Machine(shelf, images), new Machine(shelf, images)] as const;
      machines = [...pair];
      await pair[0].keep(shop.volume, "old");
      await Promise.all([
        saveOnItsWay(pair[0]).then(() => saveUpgraded(pair[0], "linked", {})),
        saveUpgraded(pair[1], "kept", { PG_UPGRADE_MODE: "copy", PG_UPGRADE_KEEP_OLD: "true" }),
      ]);
      const jobs = [
        ...STATES.flatMap((state) => POINTS[state].map((point) => `${state}|${point}|new`)),
        ...OLD_IMAGE.map(([state, point]) => `${state}|${point}|old`),
        ...LINKED.map(([state, point]) => `${state}|${point}|refused`),
        ...UNDO.map(([state, point]) => `${state}|${point}|old`),
      ];
      runs = inTurn(jobs, machines.length, (job, lane) => {
        const [state, point, end] = job.split("|") as [State | Undoable, string, "new" | "old" | "refused"];
        return afterKills(machines[lane] as Machine, state, point, end);
      });
    },
  );

  /** Sequences move when a write proves that the server works. */
  const sumsOf = (all: string) =>
    all
      .split("\n")
      .filter((line) => !line.includes("_seq "))
      .join("\n");

  for (const state of STATES)
    for (const point of POINTS[state]) {
      it(`at ${point} is finished by the next start: all data, in PostgreSQL 18`, async () => {
        const found = await runs.get(`${state}|${point}|new`);
        expect(found)
          .to.match(/^18\d{4} /)
          .and.to.contain(sumsOf(shop.content));
      });
    }

  for (const [state, point] of OLD_IMAGE) {
    it(`at ${point} leaves data that the old image serves`, async () => {
      const found = await runs.get(`${state}|${point}|old`);
      expect(found)
        .to.match(/^17\d{4} /)
        .and.to.contain(sumsOf(shop.content));
    });
  }

  for (const [state, point] of LINKED) {
    it(`at ${point} makes the old image say that only the new one or the backup leads on`, async () => {
      const found = await runs.get(`${state}|${point}|refused`);
      expect(found).to.match(
        /^1 .*has started PostgreSQL 18 on these data.*nothing was touched.*PG_UPGRADE_UNDO=true/s,
      );
    });
  }

  for (const [state, point] of UNDO) {
    const data = state === "kept" ? "the kept data" : `the backup's data, as it was ${state}`;
    it(`at ${point} of its undoing is undone by the next start: ${data}, in PostgreSQL 17`, async () => {
      const found = await runs.get(`${state}|${point}|old`);
      expect(found)
        .to.match(/^17\d{4} /)
        .and.to.contain(sumsOf(shop.content));
    });
  }

  for (const moment of IN_PG_UPGRADE) {
    it(`while pg_upgrade says ${moment.source} goes back and begins anew`, async () => {
      await Promise.allSettled(runs.values());
      const volume = await copyOf(shop.volume);
      const server = await Container.start(options(volume, REQUEST));
      await server.logged(moment, 120);
      await server.kill("KILL");
      await server.ends();
      await server.start();
      await server.isUp();
      expect(await server.logs()).to.contain("was interrupted at step upgrading and goes on");
      expect(sumsOf(await content(server))).to.equal(sumsOf(shop.content));
      expect((await server.exec("test", "-e", `${VOLUME}/17/docker/PG_VERSION`)).code).to.equal(1);
      await server.remove();
    });
  }
});
