import { expect } from "chai";
import { changesOf } from "../../../review/diff";
import { impact } from "../../../review/impact";
import type { Step, Values } from "../../../review/step";
import { judge } from "../../../review/verdict";
import { line } from "./expect";

const INSTANCE = "postgres-stack:k8s:PostgresInstance";
const IMAGE = "postgres-stack:image:PostgresImage";

const update = (type: string, within: string, before: Values, after: Values): Step => ({
  operation: "update",
  type,
  name: "postgres",
  within: [within],
  parent: `${within}::postgres`,
  before,
  after,
  changes: changesOf(before, after),
  replacedBy: [],
  protect: false,
  retain: false,
});

/** A server of a major with variables, and the tag of its image. */
function inputs(major: number, variables: Record<string, string> = {}, tag = "one"): Values {
  const env = Object.entries({ PGDATA: `/var/lib/postgresql/${major}/docker`, ...variables });
  const container = {
    name: "postgres",
    image: `r.io/a@${tag}`,
    env: env.map(([name, value]) => ({ name, value })),
  };
  const metadata = { annotations: { "postgres-stack/image": tag } };
  return { spec: { template: { metadata, spec: { containers: [container] } } } };
}
const server = (before: Values, after: Values) =>
  update("kubernetes:apps/v1:StatefulSet", INSTANCE, before, after);

const plan = (steps: Step[], version?: unknown) => ({
  stack: "test",
  steps,
  version,
  review: undefined,
  more: [],
});
const table = (...steps: Step[]) => impact(plan(steps)).map(line);
const verdict = (...steps: Step[]) => judge(plan(steps), "2026-11-25").verdict;

const link = { PG_UPGRADE: "to-19", PG_UPGRADE_MODE: "link", PG_UPGRADE_BACKUP_MAX_AGE: "3600" };
const copy = { ...link, PG_UPGRADE_MODE: "copy" };
const kept = { ...copy, PG_UPGRADE_KEEP_OLD: "true" };
const undo = { PG_UPGRADE_UNDO: "true" };

describe("what a review says about another version", () => {
  it("an upgrade is one row with the whole request and the way back", () => {
    const rows = table(server(inputs(18), inputs(19, link)));
    expect(rows).to.have.length(1);
    expect(rows[0])
      .to.match(
        /`PostgreSQL`: `18` → `19`, .*`upgrade.mode`: none → `link`.* \| major upgrade \| the server is down/,
      )
      .and.match(
        /once the new server has started on the same files .*the backup taken before is the only way back/,
      );
    expect(table(server(inputs(18), inputs(19, copy)))[0]).to.match(
      /the old data are removed .*the backup taken before is the only way back/,
    );
    expect(table(server(inputs(18), inputs(19, kept)))[0]).to.match(
      /kept as they were, and upgrade.undo goes back/,
    );
    expect(verdict(server(inputs(18), inputs(19, kept)))).to.equal("dangerous");
  });

  const refused: [string, Values, Values, RegExp][] = [
    ["without an upgrade", inputs(18), inputs(19), /does not open the data of 18 without `upgrade`/],
    ["two majors at a time", inputs(17), inputs(19, link), /one major at a time, first to 18/],
    ["with an id that is there already", inputs(18, link), inputs(19, link), /each id is used once/],
  ];
  for (const [what, before, after, why] of refused) {
    it(`${what}, is refused before the server is touched`, () => {
      const [row] = table(server(before, after));
      expect(row)
        .to.match(/\| refused \|.*before the server is touched/)
        .and.match(why);
    });
  }

  it("an older one, may not start: somebody has to say yes", () => {
    const step = server(inputs(19, link), inputs(18));
    expect(table(step)[0]).to.match(
      /`19` → `18`.* \| unknown \| .*its pod does not come up, and the newer version is one line away/,
    );
    expect(verdict(step)).to.equal("dangerous");
  });

  it("an undoing, goes back to the older data", () => {
    const step = server(inputs(19, kept), inputs(18, { ...kept, ...undo }));
    expect(table(step)[0]).to.match(
      /`upgrade.undo`: none → `true` \| major upgrade \| .*the data of 18 come back/,
    );
    expect(verdict(step)).to.equal("dangerous");
    for (const [before, after] of [
      [18, 19],
      [19, 19],
    ] as const) {
      const wrong = server(inputs(before), inputs(after, { ...link, ...undo }));
      expect(table(wrong)[0]).to.match(/\| unknown \| an undo goes with the older/);
      expect(verdict(wrong)).to.equal("dangerous");
    }
  });

  it("the same one with a request that comes, changes or goes, is a restart", () => {
    const requests = [{}, link, copy] as Record<string, string>[];
    for (const before of requests) {
      for (const after of requests.filter((other) => other !== before)) {
        expect(table(server(inputs(19, before), inputs(19, after)))[0]).to.match(
          /upgrade.* \| restart ~3 s \|/,
        );
      }
    }
  });

  it("decides what a setting is: one that needs a restart in 17 is reloaded in 18", () => {
    const conf = (workers: number) => ({
      data: { "postgres-stack.conf": `autovacuum_max_workers = '${workers}'\n` },
    });
    const step = update("kubernetes:core/v1:ConfigMap", INSTANCE, conf(3), conf(5));
    const effectOf = (steps: Step[], version?: unknown) =>
      impact(plan(steps, version)).find(({ resource }) => resource.startsWith("ConfigMap"))?.effect;
    expect(effectOf([step])).to.equal("reload");
    expect(effectOf([step], 17)).to.equal("restart");
    expect(effectOf([step, server(inputs(17), inputs(17, {}, "two"))])).to.equal("restart");
    expect(effectOf([step, server(inputs(17), inputs(18, link))], 17)).to.equal("reload");
  });
});

describe("what a review says about another image", () => {
  const build = (base: string, tag: string) => ({
    imageName: `r.io/a:${tag}`,
    build: { args: { BASE_IMAGE: base } },
  });
  const image = (from: string, to: string) =>
    update("docker:index/image:Image", IMAGE, build(from, "one"), build(to, "two"));
  const reindex = { PG_REINDEX_COLLATIONS: "true" };
  const newImage = (...steps: Parameters<typeof table>) =>
    table(...steps).find((it) => it.includes("| new image ("));

  it("with another base, is that glibc and ICU are compared, and how to go on or back", () => {
    const step = server(inputs(18), inputs(18, {}, "two"));
    expect(newImage(step, image("postgres@1", "postgres@2")))
      .to.match(
        /`image`: `one` → `two` \| new image \(restart ~3 s\) \| .*; its base is another one: at boot glibc and ICU/,
      )
      .and.match(/the server does not open them; the old image is one line away, upgrade.reindexCollations/);
  });

  it("with another base and leave to reindex, is that it is done", () => {
    const step = server(inputs(18, reindex), inputs(18, reindex, "two"));
    expect(newImage(step, image("postgres@1", "postgres@2"))).to.match(/are reindexed$/);
  });

  it("on the same base, is nothing of that", () => {
    const step = server(inputs(18), inputs(18, {}, "two"));
    expect(newImage(step, image("postgres@1", "postgres@1"))).not.to.include("glibc");
  });

  it("that was built elsewhere, is that its base may be another one", () => {
    expect(newImage(server(inputs(18), inputs(18, {}, "two")))).to.include(
      "; if its base is another one: at boot",
    );
  });

  it("leave to reindex that comes or goes, is a restart", () => {
    const came = table(server(inputs(18), inputs(18, reindex)));
    expect(came).to.have.length(1);
    expect(came[0]).to.match(
      /`upgrade.reindexCollations`: none → `true` \| restart ~3 s \| .*rebuilt at boot/,
    );
    expect(table(server(inputs(18, reindex), inputs(18)))[0]).to.match(/from now on a boot refuses/);
  });
});
