import { expect } from "chai";
import { impact } from "../../../review/impact";
import { readPreview } from "../../../review/preview";
import { rhythmOf } from "../../../review/rhythm";
import type { Values } from "../../../review/step";
import { judge } from "../../../review/verdict";
import { line } from "./expect";
import { DISPOSABLE, INSTANCE, plan, rowsOf, SERVER, step, verdict } from "./objects";

describe("a Service that lets in more", () => {
  const SERVICE = "kubernetes:core/v1:Service";
  const from = (loadBalancerSourceRanges: string[], more: Values = {}): Values => ({
    spec: { type: "LoadBalancer", loadBalancerSourceRanges, ...more },
  });
  const cases: [string, Values, Values, boolean][] = [
    [
      "the same in another order",
      from(["10.0.0.0/8", "192.0.2.1/32"]),
      from(["192.0.2.1/32", "10.0.0.0/8"]),
      false,
    ],
    ["a part of a range", from(["10.0.0.0/8"]), from(["10.20.0.0/16"]), false],
    ["a part of anywhere", from([]), from(["203.0.113.0/24"]), false],
    ["a range around the old one", from(["10.20.0.0/16"]), from(["10.0.0.0/8"]), true],
    ["a range beside the old one", from(["10.20.0.0/16"]), from(["10.20.0.0/16", "10.30.0.0/16"]), true],
    ["all of IPv6", from(["2001:db8::/32"]), from(["::/0"]), true],
    ["a part of IPv6", from(["2001:db8::/32"]), from(["2001:db8:1::/48"]), false],
    ["anywhere", from(["10.0.0.0/8"]), from([]), true],
    ["what can't be read", from(["10.0.0.0/8"]), from(["10.0.0.0/a"]), true],
    ["another address", from([]), from([], { externalIPs: ["198.51.100.1"] }), true],
    ["nobody from outside any more", from([]), { spec: { type: "ClusterIP" } }, false],
  ];
  for (const [what, before, after, opened] of cases) {
    it(`${what}: ${opened ? "opened to the outside" : "no"}`, () => {
      const found = rowsOf(step(SERVICE, before, after));
      expect(/opened to the outside/.test(found.join("\n")), found.join("\n")).to.equal(opened);
      expect(verdict(step(SERVICE, before, after))).to.equal(opened ? "dangerous" : "ok");
    });
  }

  it("beside the one that is there, is opened to the outside; one for the cluster is nothing", () => {
    expect(rowsOf(step(SERVICE, undefined, from([])))[0]).to.match(
      /none → `LoadBalancer` \| opened to the outside/,
    );
    expect(rowsOf(step(SERVICE, undefined, { spec: {} }))[0]).to.match(/\| nothing \|/);
  });

  it("and changes its port besides, is told as both", () => {
    const found = rowsOf(
      step(SERVICE, { spec: { ports: [1] } }, { ...from([]), ...{ spec: { type: "NodePort", ports: [2] } } }),
    );
    expect(found.join("\n"))
      .to.match(/opened to the outside/)
      .and.match(/\| disconnect \|/);
  });
});

describe("a schedule of base backups", () => {
  const DAY = 86_400_000;
  const longest: [string, number][] = [
    ["15 2 * * *", 1],
    ["15 2 * * 0", 7],
    ["15 2 * * 1-5", 3],
    ["15 2 1 * *", 31],
    ["15 2 31 * *", 61],
    ["0 3 1 1 *", 365],
    ["0 3 29 2 *", 1461],
    ["0 */6 * * *", 0.25],
    ["0 8-18 * * *", 14 / 24],
    ["*/5 * * * *", 5 / 1440],
  ];
  for (const [text, days] of longest) {
    it(`${text} has at most ${days} days between two`, () =>
      expect((rhythmOf(text)?.longest ?? 0) / DAY).to.be.closeTo(days, 1e-9));
  }

  const cron = (spec: Values): Values => ({ spec: { schedule: "0 3 * * *", ...spec } });
  const CRON = "kubernetes:batch/v1:CronJob";
  it("that is suspended ends backups, and one that goes on again does not", () => {
    const [runs, rests] = [cron({ suspend: false }), cron({ suspend: true })];
    expect(rowsOf(step(CRON, runs, rests))[0]).to.match(/\| backups end \|/);
    expect(verdict(step(CRON, runs, rests))).to.equal("dangerous");
    expect(rowsOf(step(CRON, rests, runs))[0]).to.match(/\| nothing \|/);
  });
  it("that is not known before the update is unknown, and needs leave", () => {
    const changed = step(CRON, cron({}), cron({ schedule: "[unknown]" }));
    expect(rowsOf(changed)[0]).to.match(/known after the update \| unknown/);
    expect(verdict(changed)).to.equal("dangerous");
  });
  it("that is deleted in a disposable stack is said, and stops nothing", () => {
    const gone = step(CRON, { ...cron({}), metadata: DISPOSABLE }, undefined);
    expect(rowsOf(gone)[0]).to.match(/backups end .*the stack is disposable/);
    expect(verdict(gone)).to.equal("ok");
  });
});

describe("what keeps an object from being deleted", () => {
  const VOLUME = "kubernetes:core/v1:PersistentVolume";
  const policy = (persistentVolumeReclaimPolicy: string): Values => ({
    spec: { persistentVolumeReclaimPolicy },
  });

  it("a volume that goes with its claim is no longer protected", () => {
    const changed = step(VOLUME, policy("Retain"), policy("Delete"), { within: [] });
    expect(rowsOf(changed)[0]).to.match(/`Retain` → `Delete` \| no longer protected/);
    expect(verdict(changed)).to.equal("dangerous");
  });

  const preview = (
    op: string,
    before: object,
    after: object,
    type = "kubernetes:core/v1:PersistentVolumeClaim",
  ) => {
    const inputs = { metadata: { name: "postgres-data" } };
    const urn = `urn:pulumi:test::project::${INSTANCE}$${type}::postgres-data`;
    const state = (more: object) => ({ type, custom: true, inputs, ...more });
    return readPreview(
      "test",
      JSON.stringify({ steps: [{ op, urn, oldState: state(before), newState: state(after) }] }),
    );
  };

  it("a preview in which nothing else changes says so too", () => {
    for (const op of ["same", "update"]) {
      const kept = { protect: true, retainOnDelete: true };
      const found = judge(preview(op, kept, { protect: false }), "2026-11-25");
      expect(found.rows.map(line).join("\n"), op)
        .to.match(/`protect`: taken away \| no longer protected/)
        .and.match(/`retainOnDelete`: taken away \| no longer protected/);
      expect(found.verdict).to.equal("dangerous");
      expect(found.rows).to.have.length(2);
    }
  });

  it("protection that stays, or comes, is nothing", () => {
    expect(impact(preview("same", { protect: true }, { protect: true }))).to.deep.equal([]);
    expect(impact(preview("same", {}, { protect: true }))).to.deep.equal([]);
  });

  it("of an object of another program that holds no data it is said, and stops nothing", () => {
    const [row] = impact(preview("same", { protect: true }, {}, "random:index/randomId:RandomId"));
    expect(row).to.include({ effect: "no longer protected" });
    const foreign = { ...preview("same", { protect: true }, {}, "random:index/randomId:RandomId") };
    const elsewhere = { ...foreign, steps: foreign.steps.map((it) => ({ ...it, within: [] })) };
    expect(judge(elsewhere, "2026-11-25").verdict).to.equal("ok");
  });
});

describe("a database that leaves a stack", () => {
  const server = (metadata: Values): Values => ({
    metadata,
    spec: {
      template: { spec: { containers: [{ env: [{ name: "WALG_S3_PREFIX", value: "s3://bucket/it" }] }] } },
    },
  });
  const gone = (metadata: Values = {}) => [
    step(INSTANCE, {}, undefined, { within: [], parent: undefined }),
    step(SERVER, server(metadata), undefined),
    step("kubernetes:batch/v1:CronJob", { metadata, spec: {} }, undefined),
  ];

  it("leaves its archive, and nobody takes backups or deletes in it any more", () => {
    expect(rowsOf(...gone()).join("\n")).to.match(
      /its archive is left alone \| backups end \| .*The archive at `s3:\/\/bucket\/it` stays, and nothing is deleted in it any more/,
    );
  });

  it("says so too where it is disposable, without asking for leave", () => {
    const ends = impact(plan(...gone(DISPOSABLE))).find(({ effect }) => effect === "backups end");
    expect(ends).to.include({ mild: true });
  });
});

describe("a request that gives something up", () => {
  const server = (env: Record<string, string>): Values => ({
    spec: {
      template: {
        spec: {
          containers: [
            { name: "postgres", env: Object.entries(env).map(([name, value]) => ({ name, value })) },
          ],
        },
      },
    },
  });

  it("a restore by force says that checks are off", () => {
    const asked = { RESTORE_ID: "a", RESTORE_TO: "latest" };
    expect(rowsOf(step(SERVER, server({}), server({ ...asked, RESTORE_FORCE: "true" })))[0]).to.match(
      /\| restore \| .*checks are off \(force\)/,
    );
    expect(rowsOf(step(SERVER, server({}), server(asked)))[0]).not.to.match(/force/);
    expect(rowsOf(step(SERVER, server(asked), server({ ...asked, RESTORE_FORCE: "true" })))[0]).to.match(
      /\| restore \| a restore that was refused takes place/,
    );
  });

  it("an upgrade by force says so, and one that keeps nothing says what leads back", () => {
    const at = (major: number, more: Record<string, string> = {}) =>
      server({ PGDATA: `/var/lib/postgresql/${major}/docker`, ...more });
    const asked = { PG_UPGRADE: "to-19", PG_UPGRADE_MODE: "copy", PG_UPGRADE_FORCE: "true" };
    expect(rowsOf(step(SERVER, at(18), at(19, asked)))[0])
      .to.match(/checks are off \(force\)/)
      .and.match(/removed \(keepOld: false\)/);
  });

  it("data without page checksums are said", () => {
    const args = { POSTGRES_INITDB_ARGS: "--no-data-checksums" };
    expect(rowsOf(step(SERVER, server({}), server(args)))[0]).to.match(
      /\| checks are off \(restart ~3 s\) \|/,
    );
    expect(rowsOf(step(SERVER, server(args), server({})))[0]).to.match(/\| restart ~3 s \|/);
  });
});
