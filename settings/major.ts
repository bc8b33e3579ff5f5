/** PostgreSQL majors that a stack may run. */
export const MAJORS = [17, 18, 19] as const;
export type Major = (typeof MAJORS)[number];

export const DEFAULT_MAJOR: Major = 18;

export function isMajor(value: unknown): value is Major {
  return MAJORS.some((major) => major === value);
}

/** The major in an official tag or one of ours: `18`, `18.4-bookworm`, `19beta1`, `18-0123456789ab`. */
export function majorOfTag(tag: string): number | undefined {
  const [, major] = /^(\d\d)(?:$|[.-]|beta|rc)/.exec(tag) ?? [];
  return major === undefined ? undefined : Number(major);
}

/** The tag in an image reference, empty if it has none: `registry:5000/team/postgres:18@sha256:...` -> `18`. */
export function tagOf(ref: string): string {
  const [name = ""] = ref.split("@");
  return name.slice(name.lastIndexOf("/") + 1).split(":")[1] ?? "";
}
