import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./files";
import { actionOf, assignments, evaluate, fill, fillAll, type Job, type Step, type Values } from "./github";

// A dry run of the workflows' jobs: the shell parts run with stand-ins for every program that reaches something.

/** How GitHub answers when it is asked for an environment: `main` alone, and after an approval. */
const ENVIRONMENT = {
  protection_rules: [
    { type: "branch_policy" },
    { type: "required_reviewers", reviewers: [{ type: "Team" }] },
  ],
  deployment_branch_policy: { protected_branches: false, custom_branch_policies: true },
};

/** Writes down how it was called, with what a password is read from, and then does what a file of its name says. */
const STANDIN = `#!/usr/bin/env bash
if [[ "\${*: -1}" == https://api.github.com/* ]]; then
  printf '%s\n' "\${*: -1}" >>"$DRY_RUN/asked"
  while [[ $1 != -o ]]; do shift; done
  if [[ ! -s "$DRY_RUN/environment" ]]; then echo "curl: (22) 404" >&2; exit 22; fi
  exec cp "$DRY_RUN/environment" "$2"
fi
input=()
if [[ " $* " == *" --password-stdin "* ]]; then input=("<" "$(cat)"); fi
printf '%s\\0' "\${0##*/}" "$@" \${input[@]+"\${input[@]}"} >>"$DRY_RUN/calls"
printf '\\1' >>"$DRY_RUN/calls"
if [[ -f "$DRY_RUN/answers/\${0##*/}" ]]; then . "$DRY_RUN/answers/\${0##*/}"; fi
`;
const PROGRAMS = ["aws", "az", "curl", "docker", "gcloud", "kubectl", "kubelogin", "make", "npm", "pulumi"];

export interface Ran {
  readonly status: number;
  /** What was used and called, in order, without the checkout, Node.js and what GitHub is asked. */
  readonly calls: readonly string[];
  /** How many words each of them has. */
  readonly words: readonly number[];
  readonly output: string;
  readonly summary: string;
  /** What GitHub was asked. */
  readonly asked: string;
  /** The outputs of its steps. */
  readonly outputs: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Those of the job itself. */
  readonly given: Readonly<Record<string, string>>;
  /** What GITHUB_ENV has set. */
  readonly env: Readonly<Record<string, string>>;
}

export interface Given {
  readonly vars?: Values;
  readonly secrets?: Values;
  readonly github?: Values;
  readonly needs?: Values;
  readonly inputs?: Values;
  /** The environment of the job, as GitHub describes it; null where it says nothing. A guarded one unless given. */
  readonly environment?: unknown;
  /** Shell that a program runs, by its name. */
  readonly answers?: Readonly<Record<string, string>>;
}

/** A machine for jobs, in a folder of its own. */
export class Machine {
  readonly folder = mkdtempSync(join(tmpdir(), "postgres-stack-workflow-"));
  private readonly workspace: string;
  private env: Record<string, string> = {};
  private status = 0;
  private output = "";

  /** @param checkout where the steps run, with the project's own scripts; otherwise all of those are stand-ins too */
  constructor(private readonly checkout?: string) {
    this.workspace = checkout ?? join(this.folder, "workspace");
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  /** Runs a job's steps up to the first that fails. */
  run({ env, steps, outputs: promised }: Job, given: Given = {}): Ran {
    this.prepare(given.answers ?? {});
    const { environment = ENVIRONMENT } = given;
    writeFileSync(join(this.folder, "environment"), environment === null ? "" : JSON.stringify(environment));
    const contexts = { vars: {}, secrets: {}, github: { event: {} }, needs: {}, inputs: {}, ...given };
    this.env = fillAll(env, contexts);
    const own = new Set(Object.keys(this.env));
    const outputs = this.steps(steps, contexts);
    const calls = this.calls();
    return {
      status: this.status,
      calls: calls.map(([what, ...rest]) => [what, ...rest.map(quoted)].join(" ")),
      words: calls.map(({ length }) => length),
      output: this.output,
      summary: readFileSync(join(this.folder, "summary"), "utf8"),
      asked: readFileSync(join(this.folder, "asked"), "utf8"),
      outputs,
      given: fillAll(promised, { ...contexts, steps: stepsOf(outputs) }),
      env: Object.fromEntries(Object.entries(this.env).filter(([name]) => !own.has(name))),
    };
  }

  private prepare(answers: Readonly<Record<string, string>>): void {
    rmSync(this.folder, { recursive: true, force: true });
    for (const name of ["bin", "answers", "temp", "workspace/local"]) {
      mkdirSync(join(this.folder, name), { recursive: true });
    }
    for (const name of PROGRAMS) {
      if (this.checkout && name === "make") continue;
      writeFileSync(join(this.folder, "bin", name), STANDIN, { mode: 0o755 });
    }
    if (!this.checkout) {
      symlinkSync(join(root, ".github"), join(this.workspace, ".github"));
      writeFileSync(join(this.folder, "bin/deploy"), STANDIN, { mode: 0o755 });
      for (const name of ["pulumi", "deploy"])
        symlinkSync(join(this.folder, "bin", name), join(this.workspace, "local", name));
    }
    for (const [name, code] of Object.entries(answers))
      writeFileSync(join(this.folder, "answers", name), code);
    for (const name of ["asked", "calls", "summary"]) writeFileSync(join(this.folder, name), "");
    this.status = 0;
    this.output = "";
  }

  private steps(steps: readonly Step[], given: Values): Ran["outputs"] {
    const outputs: Record<string, Record<string, string>> = {};
    for (const step of steps) {
      const contexts = { ...given, steps: stepsOf(outputs) };
      if (step.if && !evaluate(step.if.replace(/^\$\{\{|\}\}$/g, ""), contexts)) continue;
      if (step.uses?.startsWith("./")) outputs[step.id ?? ""] = this.action(step, contexts);
      else if (step.uses) this.note([`uses ${step.uses.split("@")[0]}`, ...told(step, contexts)]);
      else outputs[step.id ?? ""] = this.shell(step, contexts);
      if (this.status !== 0) break;
    }
    return outputs;
  }

  private action({ uses = "", with: values }: Step, contexts: Values): Record<string, string> {
    const { inputs, runs, outputs = {} } = actionOf(uses);
    const given = fillAll(values, contexts);
    const all = Object.entries(inputs).map(([name, input]) => [name, given[name] ?? input.default ?? ""]);
    const own = { inputs: Object.fromEntries(all), github: contexts.github };
    const made = this.steps(runs.steps, own);
    const promised = Object.entries(outputs).map(([name, { value }]) => [name, value]);
    return fillAll(Object.fromEntries(promised), { ...own, steps: stepsOf(made) });
  }

  private shell({ run, shell, env }: Step, contexts: Values): Record<string, string> {
    const file = join(this.folder, "step");
    const commands = { GITHUB_OUTPUT: join(this.folder, "output"), GITHUB_ENV: join(this.folder, "env") };
    for (const it of Object.values(commands)) writeFileSync(it, "");
    writeFileSync(file, fill(run, contexts));
    const options = shell === "bash" ? ["--noprofile", "--norc", "-eo", "pipefail"] : ["-e"]; // as GitHub does
    const { status, stdout, stderr } = spawnSync("bash", [...options, file], {
      cwd: this.workspace,
      encoding: "utf8",
      env: {
        PATH: `${join(this.folder, "bin")}:${process.env.PATH}`,
        HOME: this.folder,
        RUNNER_TEMP: join(this.folder, "temp"),
        GITHUB_API_URL: "https://api.github.com",
        GITHUB_REPOSITORY: "acme/databases",
        GITHUB_STEP_SUMMARY: join(this.folder, "summary"),
        DRY_RUN: this.folder,
        ...commands,
        ...this.env,
        ...fillAll(env, contexts),
      },
    });
    this.status = status ?? -1;
    this.output += stdout + stderr;
    Object.assign(this.env, assignments(commands.GITHUB_ENV));
    return assignments(commands.GITHUB_OUTPUT);
  }

  private note(words: readonly string[]): void {
    writeFileSync(join(this.folder, "calls"), `${words.map((it) => `${it}\0`).join("")}\x01`, { flag: "a" });
  }

  private calls(): string[][] {
    const calls = readFileSync(join(this.folder, "calls"), "utf8").split("\x01").slice(0, -1);
    const words = calls.map((it) => it.split("\0").slice(0, -1));
    return words.filter(([what = ""]) => !what.startsWith("uses actions/"));
  }

  /** Whether a file lies in the folder where the steps ran. */
  made(name: string): boolean {
    return existsSync(join(this.workspace, name));
  }
}

/** An argument that is more than one word is in quotes, so that it differs from two. */
const quoted = (word: string) => (/\s/.test(word) ? JSON.stringify(word) : word);

const stepsOf = (outputs: Ran["outputs"]) =>
  Object.fromEntries(Object.entries(outputs).map(([id, values]) => [id, { outputs: values }]));

const told = (step: Step, contexts: Values) =>
  Object.entries(fillAll(step.with, contexts)).map(([name, value]) => `${name}=${value}`);
