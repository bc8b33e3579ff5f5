import { readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { attempt, run } from "../../local/process";
import { stackSettings } from "../unit/review/changes";
import { surroundings } from "./surroundings";
import { withWorkspace } from "./workspace";

const PASSPHRASE = "correct horse battery staple";
/** Of a registry that asks for none: it takes whatever it is given. */
const REGISTRY_PASSWORD = "registry-password-hunter2";
const CLONE_SECRET = "secret-of-the-clones-source";

/** What must be nowhere: a secret, or each of its lines that tell something, as it is and as Kubernetes, Pulumi and URIs write it. */
function forms(secret: string): string[] {
  const lines = secret.split("\n").filter((line) => line.length >= 12 && !/^-----/.test(line));
  return lines.flatMap((line) => [
    line,
    encodeURIComponent(line),
    ...[0, 1, 2].map((shift) => base64(line, shift)),
  ]);
}

/** Its part of a longer text in base64, whatever comes before and after it; `shift` is how far it is from a group's start. */
function base64(text: string, shift: number): string {
  const whole = Buffer.from("\0".repeat(shift) + text).toString("base64");
  return whole.slice(shift === 0 ? 0 : 4, -4);
}

describe("the secrets of a stack on a cluster", function () {
  this.timeout("10m");
  const name = `secrets-${process.pid}`;
  const namespace = `test-${name}`;
  const test = withWorkspace(".", [namespace]);
  const secrets = new Map<string, string>();

  const kubectl = (...args: string[]) => run("kubectl", ["-n", namespace, ...args]);
  const get = async (...args: string[]) => JSON.parse(await kubectl("get", ...args, "-o", "json"));
  const found = (text: string) =>
    [...secrets].filter(([, secret]) => forms(secret).some((form) => text.includes(form))).map(([of]) => of);
  const expectNone = (where: string, text: string) => {
    expect(text, where).not.to.equal("");
    expect(found(text), where).to.deep.equal([]);
  };
  /** Stores one as a user does: `pulumi config set --secret`, and from now on it is looked for. */
  async function set(key: string, value: string): Promise<void> {
    await test.workspace.setSecret(name, key, value, "--path");
    secrets.set(key, value);
  }
  const both = async (...args: string[]) => {
    const { code, stdout, stderr } = await test.workspace.pulumi(...args, "--stack", name);
    expect(code, stdout + stderr).to.equal(0);
    return stdout + stderr;
  };

  it("are in plain in nothing that an update prints", async () => {
    const {
      KUBECONFIG = join(homedir(), ".kube/config"),
      BASE_IMAGE = "",
      S3_SECRET_ACCESS_KEY = "",
    } = process.env;
    const settings = stackSettings(surroundings(namespace, ""));
    const config = Object.fromEntries(
      Object.entries(settings).map(([key, it]) => [`postgres-stack:${key}`, it]),
    );
    writeFileSync(join(test.workspace.folder, `Pulumi.${name}.yaml`), JSON.stringify({ config }));
    await test.workspace.mustPulumi("stack", "init", name);
    const gpg = "gpg --batch --quiet --pinentry-mode loopback --passphrase";
    const make = `export GNUPGHOME="$(mktemp -d)"; ${gpg} '${PASSPHRASE}' --quick-generate-key one default default never; ${gpg} '${PASSPHRASE}' --armor --export-secret-keys one`;
    const key = await run("docker", ["run", "--rm", "--entrypoint", "bash", BASE_IMAGE, "-ec", make]);
    await set("postgres-stack:backup.credentials.secretAccessKey", S3_SECRET_ACCESS_KEY);
    await set("postgres-stack:backup.encryption.pgpKey", key);
    await set("postgres-stack:backup.encryption.pgpPassphrase", PASSPHRASE);
    await set("postgres-stack:image.credentials.username", "ci");
    secrets.delete("postgres-stack:image.credentials.username"); // a word that may stand anywhere
    await set("postgres-stack:image.credentials.password", REGISTRY_PASSWORD);
    await set("kubernetes:kubeconfig", readFileSync(KUBECONFIG, "utf8"));
    expectNone("up", await both("up", "--yes", "--diff"));
  });

  it("are in the cluster's Secrets, where this test finds all that the server uses, the generated ones too", async () => {
    const { items } = await get("secret");
    const data = (of: string) =>
      items.find(({ metadata }: { metadata: { name: string } }) => metadata.name === of).data;
    for (const of of ["postgres-superuser", "postgres-app"])
      secrets.set(of, Buffer.from(data(of).password, "base64").toString());
    expect(found(JSON.stringify(items))).to.have.members(
      [...secrets.keys()].filter((of) => !/kubeconfig|image/.test(of)),
    );
  });

  it("are in plain in no state, no output, no preview and no review, also with those of a clone's source", async () => {
    expectNone("stack export", await both("stack", "export"));
    expectNone("stack output", await both("stack", "output", "--json"));
    const source = "postgres-stack:cloneFrom";
    await both("config", "set", "--path", `${source}.prefix`, "s3://another/archive");
    await set(`${source}.credentials.secretAccessKey`, CLONE_SECRET);
    await set(`${source}.credentials.accessKeyId`, "id-of-the-clones-source");
    await set("postgres-stack:backup.credentials.secretAccessKey", "another-secret-of-the-store"); // so that there is a change
    expectNone("preview --diff", await both("preview", "--diff"));
    const preview = await test.workspace.mustPulumi("preview", "--json", "--stack", name);
    expectNone("preview --json", preview);
    for (const ARGS of ["", "--json"]) {
      const [cwd, env] = [test.workspace.folder, { ...test.workspace.env, ARGS }];
      const args = ["--preview", "-", "--stack", name];
      const { stdout, stderr } = await attempt("local/review", args, { cwd, env, input: preview });
      expectNone("review", stdout + stderr);
      expect(stdout, stderr).to.include("postgres-clone-source");
    }
  });

  it("are in plain in no other object of the namespace, no log, no argument and no environment of a process", async () => {
    const list = await run("kubectl", ["api-resources", "--namespaced", "--verbs=list", "-o", "name"]);
    const kinds = list.split("\n").filter((kind) => kind !== "" && kind !== "secrets");
    expect(kinds).to.include.members(["pods", "configmaps", "events", "jobs.batch", "statefulsets.apps"]);
    expectNone("objects", JSON.stringify(await get(kinds.join())));
    const pods = (await get("pod")).items.map(
      ({ metadata }: { metadata: { name: string } }) => metadata.name,
    );
    expect(pods).to.include("postgres-0");
    for (const pod of pods) {
      const { stdout } = await attempt("kubectl", ["-n", namespace, "logs", pod, "--all-containers"]);
      expect(found(stdout), `log of ${pod}`).to.deep.equal([]);
    }
    // while a base backup runs and psql asks
    await kubectl("create", "job", "--from=cronjob/postgres-backup", "by-hand");
    const seen =
      "for n in {1..40}; do cat /proc/[0-9]*/cmdline /proc/[1-9]/environ 2>/dev/null; sleep 0.1; done | tr '\\0' '\\n'";
    expectNone("processes", await kubectl("exec", "postgres-0", "--", "bash", "-c", `${seen} || true`));
  });

  it("are in plain in no layer, no label and no history of the image", async () => {
    const ref = await test.workspace.output(name, "imageRef");
    await run("docker", ["pull", "--quiet", ref]);
    expectNone("inspect", await run("docker", ["inspect", ref]));
    expectNone("history", await run("docker", ["history", "--no-trunc", "--format", "{{json .}}", ref]));
  });
});
