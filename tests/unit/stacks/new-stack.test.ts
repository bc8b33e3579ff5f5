import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { dump, load } from "js-yaml";
import { addStack } from "../../../stacks/add-stack";
import { newStack } from "../../../stacks/new-stack";
import { yaml } from "../settings/runtime";

type Tree = Record<string, unknown>;

const PROJECT = "postgres-stack";

/** The new stack's own settings, from a pattern that says these. */
function made(own: Tree, stack = "prod"): Tree {
  const config = Object.fromEntries(Object.entries(own).map(([key, value]) => [`${PROJECT}:${key}`, value]));
  const { content } = newStack("team-a", { stack, content: { config } }, PROJECT);
  const entries = Object.entries(content.config as Tree);
  return Object.fromEntries(entries.map(([key, value]) => [key.replace(`${PROJECT}:`, ""), value]));
}

describe("a new stack in the surroundings of another", () => {
  it("has the same registry, object store, storage class and nodes", () => {
    const { config } = yaml("Pulumi.prod.yaml");
    const { content } = newStack("team-a", { stack: "prod", content: { config } }, PROJECT);
    const [its, prod] = [content.config as Record<string, Tree>, config as Record<string, Tree>];
    for (const key of ["image", "storageClass"]) {
      expect(its[`${PROJECT}:${key}`]).to.deep.equal(prod[`${PROJECT}:${key}`]);
    }
    expect(its[`${PROJECT}:backup`]).to.include({ region: "eu-central-1", retain: 14 });
    expect(its[`${PROJECT}:placement`]).to.include({ priorityClassName: "production-database" });
  });

  it("is small, and smaller where the other is", () => {
    const large = { dataSize: "200Gi", postgres: { memory: "16Gi", cpu: 4, settings: { work_mem: "1GB" } } };
    expect(made(large)).to.deep.equal({ dataSize: "10Gi", postgres: { memory: "1Gi", cpu: "500m" } });
    const tiny = { dataSize: "1Gi", postgres: { memory: "512Mi", cpu: "250m" } };
    expect(made(tiny)).to.deep.equal(tiny);
    expect(made({})).to.deep.equal(made(large));
  });

  it("is protected and keeps backups as the default says, also beside a disposable one", () => {
    const { config } = yaml("Pulumi.dev.yaml");
    const its = newStack("team-a", { stack: "dev", content: { config } }, PROJECT).content.config as Tree;
    expect(its).not.to.have.property(`${PROJECT}:disposable`);
    expect(its[`${PROJECT}:backup`]).to.have.all.keys("schedule");
  });

  it("takes over nothing that was asked of the other database, or granted to it", () => {
    const asked = {
      restore: { id: "1" },
      cloneFrom: {},
      review: {},
      access: { role: "orders" },
      upgrade: {},
    };
    expect(made(asked)).to.have.all.keys("dataSize", "postgres");
  });

  const prefixes: [prefix: string, expected: string][] = [
    ["s3://backups/postgres-stack/prod", "s3://backups/postgres-stack/team-a"],
    ["s3://backups/prod/", "s3://backups/team-a"],
    ["s3://backups-prod/eu/prod/main", "s3://backups-prod/eu/team-a/main"],
    ["gs://backups/postgres-prod", "gs://backups/postgres-team-a"],
    ["gs://backups/production", "gs://backups/team-a"],
    ["azure://backups", "azure://backups/team-a"],
  ];
  for (const [prefix, expected] of prefixes) {
    it(`backs up to ${expected} beside ${prefix}`, () => {
      expect(made({ backup: { prefix, schedule: "0 1 * * *" } }).backup).to.include({ prefix: expected });
    });
  }

  it("backs up at a minute of its own, and leaves other schedules alone", () => {
    const schedule = (text: string) => (made({ backup: { schedule: text } }).backup as Tree).schedule;
    expect(schedule("15 2 * * *"))
      .to.match(/^\d{1,2} 2 \* \* \*$/)
      .and.not.equal("15 2 * * *");
    expect(schedule("*/20 * * * *")).to.equal("*/20 * * * *");
  });

  it("has a namespace and a role of its own where the other's carry its name", () => {
    const role = { serviceAccountAnnotations: { arn: "arn:aws:iam::1:role/postgres-prod-backup" } };
    const its = made({
      placement: { namespace: "postgres-prod", createNamespace: false },
      backup: { schedule: "0 1 * * *", credentials: role },
    });
    expect(its.placement).to.deep.equal({ namespace: "postgres-team-a", createNamespace: false });
    expect(JSON.stringify(its.backup)).to.include("role/postgres-team-a-backup");
    expect(made({ placement: { namespace: "databases" } })).not.to.have.property("placement");
  });

  it("goes to the same cluster, with no secret of the other, and names what is missing", () => {
    const config = {
      "kubernetes:context": "eu",
      "aws:token": { secure: "v1:abc" },
      [`${PROJECT}:backup`]: {
        endpoint: "https://s3",
        credentials: { secretAccessKey: { secure: "v1:def" } },
      },
    };
    const { content, secrets } = newStack("team-a", { stack: "prod", content: { config } }, PROJECT);
    expect(content.config).to.include({ "kubernetes:context": "eu" });
    expect(JSON.stringify(content)).not.to.include("secure");
    expect(secrets).to.have.members(["aws:token", `${PROJECT}:backup.credentials.secretAccessKey`]);
  });
});

describe("make stack", () => {
  const before = { ...process.env };
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "postgres-stack-add-"));
    writeFileSync(join(folder, "Pulumi.yaml"), `name: ${PROJECT}\n`);
    file("prod", {});
    delete process.env.NAMESPACE;
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
    process.env = { ...before };
  });

  const file = (stack: string, own: Tree, more: Tree = {}) => {
    const right = {
      image: { repository: "r.example.com/postgres" },
      backup: { prefix: `s3://backups/${stack}`, schedule: "15 2 * * *" },
    };
    const entries = Object.entries({ ...right, ...own }).map(([key, value]) => [`${PROJECT}:${key}`, value]);
    writeFileSync(
      join(folder, `Pulumi.${stack}.yaml`),
      dump({ ...more, config: Object.fromEntries(entries) }),
    );
  };
  const refused = (name: string, from = "prod") => {
    const files = readdirSync(folder);
    let message = "";
    try {
      addStack(folder, name, from);
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).to.include("nothing was written");
    expect(readdirSync(folder)).to.deep.equal(files);
    return message;
  };

  it("writes a file that the program accepts, and names the next two commands", () => {
    const said = addStack(folder, "team-a", "prod").split("\n");
    expect(said.slice(-2)).to.deep.equal(["  make preview STACK=team-a", "  make up STACK=team-a"]);
    expect(said).to.include("Namespace postgres-stack-team-a; backups in s3://backups/team-a.");
    const text = readFileSync(join(folder, "Pulumi.team-a.yaml"), "utf8");
    expect((load(text) as { config: Tree }).config).to.include({ [`${PROJECT}:dataSize`]: "10Gi" });
    expect(text.split("\n").length).to.be.below(20);
  });

  for (const name of ["Team", "team_a", "-a", "a".repeat(49), "team/a", "../x", ""]) {
    it(`refuses the name '${name}'`, () =>
      expect(refused(name)).to.include("NAME is not a valid name for a stack"));
  }

  it("refuses a name that has a file, and leaves the file alone", () => {
    const before = readFileSync(join(folder, "Pulumi.prod.yaml"), "utf8");
    expect(refused("prod")).to.include("Pulumi.prod.yaml exists");
    expect(readFileSync(join(folder, "Pulumi.prod.yaml"), "utf8")).to.equal(before);
  });

  it("refuses a stack that is not there to take the surroundings from, and says which are", () => {
    expect(refused("team-a", "staging")).to.include("no Pulumi.staging.yaml").and.include("FROM: prod");
  });

  it("refuses a prefix that another stack has, however it is written", () => {
    file("other", { backup: { prefix: "s3://backups/team-a//", schedule: "0 1 * * *" } });
    expect(refused("team-a")).to.include("prefix s3://backups/team-a is taken by Pulumi.other.yaml");
  });

  it("refuses a namespace that another stack has, said or derived from its name", () => {
    file("other", { placement: { namespace: "postgres-stack-team-a" } });
    expect(refused("team-a")).to.include("namespace postgres-stack-team-a is taken by Pulumi.other.yaml");
    file("x-prod", { placement: { namespace: "postgres-stack-b" } });
    file("b-prod", {});
    file("x-c", { placement: { namespace: "postgres-stack-c" } });
    expect(refused("c")).to.include("taken by Pulumi.x-c.yaml");
  });

  it("refuses a namespace that the environment gives to every stack", () => {
    process.env.NAMESPACE = "mine";
    process.env.S3_BUCKET = "bucket";
    file("dev", { fromEnvironment: true, backup: { schedule: "0 1 * * *" } });
    expect(refused("team-a", "dev")).to.include(
      "namespace mine is taken by Pulumi.dev.yaml: unset NAMESPACE",
    );
  });

  it("reads a file as Pulumi leaves it: everything is text", () => {
    process.env.S3_BUCKET = "bucket";
    file("dev", { fromEnvironment: "true", backup: '{"schedule": "15 2 * * *"}' });
    expect(addStack(folder, "team-a", "dev")).to.include("backups in s3://bucket/");
    expect(readFileSync(join(folder, "Pulumi.team-a.yaml"), "utf8")).to.include("fromEnvironment: true");
  });

  it("tells what a prefix from the environment will be", () => {
    process.env.S3_BUCKET = "bucket";
    file("dev", { fromEnvironment: true, backup: { schedule: "0 1 * * *" } });
    const place = "s3://bucket/postgres-stack/team-a/postgres-stack-team-a";
    expect(addStack(folder, "team-a", "dev")).to.include(`backups in ${place}`);
  });

  it("refuses to copy what the program would refuse, with the program's words", () => {
    file("prod", { image: { repository: "nohost" } });
    expect(refused("team-a")).to.include("image.repository: is not an image repository");
  });

  it("says first what only a person can do: encryption, secrets, roles", () => {
    const credentials = { accessKeyId: "id", secretAccessKey: { secure: "v1:abc" } };
    const backup = { prefix: "s3://backups/prod", schedule: "15 2 * * *", credentials };
    file("prod", { backup }, { secretsprovider: "awskms://alias/pulumi", encryptedkey: "xyz" });
    const said = addStack(folder, "team-a", "prod");
    expect(said).to.include("pulumi stack init team-a --secrets-provider 'awskms://alias/pulumi'");
    expect(said).to.match(
      /pulumi config set --secret .* postgres-stack:backup\.credentials\.secretAccessKey\n/,
    );
    expect(said).not.to.include("v1:abc").and.not.to.include("xyz");
  });
});
