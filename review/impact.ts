import { majorOfData, serverEnvironment } from "../k8s/inputs";
import { DEFAULT_MAJOR, isMajor, type Major } from "../settings/major";
import type { Change } from "./diff";
import { type Row, severity } from "./effects";
import { fold } from "./fold";
import { password, randomId, secret, serviceAccount } from "./rules/credentials";
import { networkPolicy, service } from "./rules/network";
import { orderRows } from "./rules/orders";
import { type Context, mild, paths, type Rule, row, spared, unknown } from "./rules/rule";
import { schedule } from "./rules/schedule";
import { configuration, isLiveConfiguration } from "./rules/settings";
import { image, isMachinery, provider } from "./rules/update";
import { claim, namespace, volume } from "./rules/volume";
import { workload } from "./rules/workload";
import { isOurs, type Plan, type Step } from "./step";
import { code } from "./words";

const RULES: Readonly<Record<string, Rule>> = {
  "docker:index/image:Image": image,
  "kubernetes:apps/v1:StatefulSet": workload,
  "kubernetes:batch/v1:CronJob": schedule,
  "kubernetes:core/v1:Namespace": namespace,
  "kubernetes:core/v1:PersistentVolume": volume,
  "kubernetes:core/v1:PersistentVolumeClaim": claim,
  "kubernetes:core/v1:Secret": secret,
  "kubernetes:core/v1:Service": service,
  "kubernetes:core/v1:ServiceAccount": serviceAccount,
  "kubernetes:networking.k8s.io/v1:NetworkPolicy": networkPolicy,
  "pulumi:providers:kubernetes": provider,
  "random:index/randomId:RandomId": randomId,
  "random:index/randomPassword:RandomPassword": password,
};

/** Kinds without data: deleting one may break something, but loses only what can be recreated. */
const STATELESS = [
  /^kubernetes:apps\/v1:(Deployment|DaemonSet)$/,
  /^kubernetes:batch\/v1:(Job|CronJob)$/,
  /^kubernetes:core\/v1:(ConfigMap|Pod|PodPatch|Secret|Service|ServiceAccount)$/,
  /^kubernetes:(autoscaling|networking\.k8s\.io|policy|rbac\.authorization\.k8s\.io|scheduling\.k8s\.io)\//,
  /^docker:index\/image:Image$/,
  /^random:/,
];

/** The effects of an update on the database: rows by severity, worst first. */
export function impact({ steps, version, more }: Plan): Row[] {
  const { rows, rest } = fold(steps);
  const told = rest.flatMap((step) => {
    const context = { steps, major: majorOf(step, steps, version) };
    const lifted = unprotected(step);
    const rest = withoutOptions(step);
    const told = lifted.length > 0 && rest.changes.length === 0 ? [] : rowsOf(rest, context);
    return spared(step, [...lifted, ...orderRows(step), ...told]);
  });
  return [...more, ...told, ...rows].sort((a, b) => severity(b) - severity(a));
}

/** The major of the server that a step belongs to: from its StatefulSet, otherwise from the stack's file. */
function majorOf({ parent }: Step, steps: readonly Step[], version: unknown): Major {
  const server = steps.find((it) => it.parent === parent && RULES[it.type] === workload);
  const said = [majorOfData(serverEnvironment(server?.after).PGDATA), version];
  return said.find(isMajor) ?? DEFAULT_MAJOR;
}

const OPTIONS: Readonly<Record<string, readonly [words: string, effect: Row["effect"], why: string]>> = {
  protect: [
    "taken away",
    "no longer protected",
    "nothing keeps `pulumi destroy`, or the next edit, from deleting it any more",
  ],
  retainOnDelete: [
    "taken away",
    "no longer protected",
    "when it leaves the stack, it is deleted from the cluster too",
  ],
  replaceOnChanges: ["more", "no longer protected", "a later edit deletes and recreates it"],
  dependsOn: [
    "fewer checks",
    "checks are off",
    "it no longer waits for what the update tries first: what a check refuses still reaches the server",
  ],
  hooks: ["fewer", "checks are off", "an update that would damage it is no longer refused"],
  ignoreChanges: ["more", "unknown", "changes there do not reach the cluster, and no review shows them"],
};

/** Lost protection by Pulumi. */
function unprotected(step: Step): Row[] {
  return step.changes.filter(isOption).flatMap(({ path }) => {
    const [words, effect, why] = OPTIONS[path[1] ?? ""] ?? ["changed", "unknown", "not known"];
    const data = mayHoldData(step);
    if (isMachinery(step)) return [];
    const told = row(step, `${code(path[1] ?? "")}: ${words}`, effect as Row["effect"], why);
    const lifted = { ...told, data: data || isOurs(step) };
    return lifted.data ? [lifted] : [mild(lifted)];
  });
}

function withoutOptions(step: Step): Step {
  return { ...step, changes: step.changes.filter((change) => !isOption(change)) };
}

function isOption({ path }: Change): boolean {
  return path[0] === "options";
}

function rowsOf(step: Step, context: Context): readonly Row[] {
  const { operation, changes, type } = step;
  if (operation === "update" && changes.length === 0)
    return [unknown(step, paths(step), "what changes is not shown", mayHoldData(step))];
  if (operation === "unknown" && RULES[type] !== provider) return stranger(step, context);
  const rule = isOurs(step) && isLiveConfiguration(step) ? configuration : RULES[type];
  return (rule ?? stranger)(step, context);
}

/**
 * A resource without a rule. Never safe: if it may hold data and is removed, or runs next to the server, it needs
 * leave.
 */
const stranger: Rule = (step) => {
  const goes = step.operation !== "create" && step.operation !== "update";
  const data = (goes && mayHoldData(step)) || (isOurs(step) && !INERT.some((kind) => kind.test(step.type)));
  return [unknown(step, paths(step), "this review knows nothing about it", data)];
};

/** Kinds that cannot affect a server next to them. */
const INERT = [
  /^kubernetes:core\/v1:(ConfigMap|Secret|Service|ServiceAccount)$/,
  /^kubernetes:(policy|scheduling\.k8s\.io)\//,
  /^(docker|random|pulumi):/,
];

function mayHoldData({ type }: Step): boolean {
  return !STATELESS.some((kind) => kind.test(type));
}
