import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { attempt, type Result, run } from "../../local/process";
import { skip } from "../lib/skip";
import { missing } from "./fixture";
import { checkout, deleteNamespaces } from "./stack";

/** A copy of the project with a Pulumi backend of its own, for tests of more than one stack. */
export class Workspace {
  readonly checkout = checkout();
  private readonly state = mkdtempSync(join(tmpdir(), "postgres-stack-state-"));
  readonly env: Record<string, string | undefined> = {
    PULUMI_BACKEND_URL: `file://${this.state}`,
    PULUMI_CONFIG_PASSPHRASE: "test",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    NAMESPACE: undefined,
  };

  /** @param below the program's folder in the checkout */
  constructor(private readonly below: string) {}

  get folder(): string {
    return join(this.checkout, this.below);
  }

  /** Runs the Pulumi CLI in the program's folder; the exit code is the caller's to judge. */
  pulumi(...args: string[]): Promise<Result> {
    const all = [...args, "--non-interactive", "--color", "never"];
    return attempt("pulumi", all, { cwd: this.folder, env: this.env, timeout: 900_000 });
  }

  /** Stores a secret in the stack's configuration; it is in no process's arguments. */
  async setSecret(stack: string, key: string, value: string, ...more: string[]): Promise<void> {
    const args = ["config", "set", "--secret", "--stack", stack, key, ...more];
    await run("pulumi", args, { cwd: this.folder, env: this.env, input: value });
  }

  /** Like {@link pulumi}, but anything other than exit 0 is an error with both outputs. */
  async mustPulumi(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.pulumi(...args);
    if (code !== 0) throw new Error(`pulumi ${args.join(" ")} ended with ${code}\n${stdout}\n${stderr}`);
    return stdout;
  }

  async output(stack: string, name: string): Promise<string> {
    return (await this.mustPulumi("stack", "output", name, "--stack", stack)).trim();
  }

  remove(): void {
    for (const folder of [this.checkout, this.state]) rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Gives the tests of a `describe` a workspace; without a cluster they count as skipped.
 *
 * @param below the program's folder in the checkout
 * @param namespaces those of its stacks, removed at the end with the claims that were kept in them
 */
export function withWorkspace(
  below: string,
  namespaces: readonly string[],
): { readonly workspace: Workspace } {
  const holder: { workspace: Workspace } = { workspace: undefined as unknown as Workspace };
  before(async function () {
    const why = await missing();
    if (why) skip(this, `${why} is missing`);
    holder.workspace = new Workspace(below);
  });
  after(async function () {
    this.timeout("5m");
    if (!holder.workspace) return;
    await deleteNamespaces(namespaces);
    holder.workspace.remove();
  });
  return holder;
}

/** One value or lines of `a|b`, as the superuser over the socket. */
export async function sql(namespace: string, pod: string, query: string): Promise<string> {
  const psql = ["psql", "-U", "postgres", "-XAtc", query];
  return (await run("kubectl", ["-n", namespace, "exec", pod, "-c", "postgres", "--", ...psql])).trim();
}
