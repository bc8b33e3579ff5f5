import { expect } from "chai";
import { unaskedUpgrade } from "../../../k8s/upgrade";
import type { Rendered } from "../../../render/record";
import { only, render } from "../render";
import { type Any, backup, CLAIM, STATEFUL_SET, template } from "./template";

const image = { repository: "r.io/postgres" };
const EIGHTEEN = { backup, image: { ...image, baseImage: "r.io/base:18" } };
const NINETEEN = { backup, postgres: { version: 19 }, image: { ...image, baseImage: "r.io/base:19" } };
const UPGRADE = { ...NINETEEN, upgrade: { id: "to-19" } };

describe("another version", () => {
  it("changes the pod's template, and nothing else of what holds the data or finds them", async () => {
    const [before, after] = [await render("prod", EIGHTEEN), await render("prod", UPGRADE)];
    for (const type of [CLAIM, STATEFUL_SET, "kubernetes:core/v1:Service", "kubernetes:core/v1:Secret"]) {
      const withoutTemplate = ({ resources }: Rendered) =>
        resources
          .filter((it) => it.type === type)
          .map(({ urn, inputs }) => ({ urn, ...inputs, spec: { ...(inputs.spec as Any), template: {} } }));
      expect(withoutTemplate(after), type).to.deep.equal(withoutTemplate(before));
    }
    const env = template(only(after, STATEFUL_SET)).spec.containers[0].env;
    expect(env).to.deep.include({ name: "PGDATA", value: "/var/lib/postgresql/19/docker" });
    expect([before.outputs.backupPrefix, after.outputs.backupPrefix]).to.deep.equal([
      "s3://bucket/path/18",
      "s3://bucket/path/19",
    ]);
  });

  it("is refused at preview unless an upgrade with its own id is requested", async () => {
    const inputs = async (config: Record<string, unknown>) =>
      only(await render("prod", config), STATEFUL_SET).inputs;
    const [old, unasked, upgraded] = [await inputs(EIGHTEEN), await inputs(NINETEEN), await inputs(UPGRADE)];
    expect(unaskedUpgrade(old, unasked)).to.match(
      /request one .*\(upgrade: {id: to-19}\).*back to 18.*not touched/,
    );
    expect(unaskedUpgrade(old, upgraded)).to.equal(undefined);
    expect(unaskedUpgrade(unasked, upgraded), "the same version").to.equal(undefined);
    expect(unaskedUpgrade(upgraded, old), "back").to.equal(undefined);
    const used = await inputs({ ...EIGHTEEN, upgrade: { id: "to-19" } });
    expect(unaskedUpgrade(used, upgraded)).to.match(/to-19 was used before: choose another one/);
    const server = only(await render("prod"), STATEFUL_SET);
    expect(server.options.hooks).to.deep.equal(["postgres-upgrade-is-asked-for"]);
  });
});

describe("a requested upgrade", () => {
  it("may ask the server that runs, as the superuser over the Service", async () => {
    const rendered = await render("prod", UPGRADE);
    const pods = [
      template(only(rendered, "kubernetes:batch/v1:Job", "postgres-preflight")),
      only(rendered, "kubernetes:core/v1:Pod", "postgres-report").inputs,
    ];
    for (const { spec } of pods) {
      const { containers, volumes } = spec;
      expect(containers[0].args[0]).to.equal("upgrade.sh");
      expect(containers[0].env).to.deep.include.members([
        { name: "PG_UPGRADE", value: "to-19" },
        { name: "PGDATA", value: "/var/lib/postgresql/19/docker" },
        { name: "PGHOST", value: "postgres.postgres-prod.svc" },
        { name: "PGPASSWORD_FILE", value: "/run/secrets/postgres-stack/superuser/password" },
      ]);
      expect(JSON.stringify(volumes)).to.include("postgres-superuser");
    }
  });
});

describe("leave to reindex", () => {
  it("needs neither check nor report, and time as a restore does", async () => {
    const rendered = await render("prod", { backup, upgrade: { reindexCollations: true } });
    const server = only(rendered, STATEFUL_SET);
    expect(template(server).spec.containers[0].env).to.deep.include({
      name: "PG_REINDEX_COLLATIONS",
      value: "true",
    });
    expect(server.options.customTimeouts.update).to.equal("1030m");
    expect(rendered.resources.filter(({ name }) => /preflight|report/.test(name))).to.deep.equal([]);
  });
});
