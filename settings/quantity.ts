/** Kubernetes' suffixes as powers of ten and two: numerator and denominator. */
const SUFFIXES: Readonly<Record<string, readonly [bigint, bigint]>> = {
  n: [1n, 10n ** 9n],
  u: [1n, 10n ** 6n],
  m: [1n, 10n ** 3n],
  "": [1n, 1n],
  k: [10n ** 3n, 1n],
  M: [10n ** 6n, 1n],
  G: [10n ** 9n, 1n],
  T: [10n ** 12n, 1n],
  P: [10n ** 15n, 1n],
  E: [10n ** 18n, 1n],
  Ki: [2n ** 10n, 1n],
  Mi: [2n ** 20n, 1n],
  Gi: [2n ** 30n, 1n],
  Ti: [2n ** 40n, 1n],
  Pi: [2n ** 50n, 1n],
  Ei: [2n ** 60n, 1n],
};

/** Digits, then a suffix or a decimal exponent but not both: as the API server reads them, without signs. */
const QUANTITY = /^(\d+\.?\d*|\.\d+)(?:([eE][+-]?\d{1,3})|([numkMGTPE]|[KMGTPE]i)?)$/;

/** An exact positive amount: `numerator / denominator` units (bytes, CPUs). */
export interface Amount {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/**
 * Reads a Kubernetes quantity without rounding: `1.5Gi`, `500M`, `1e9`, `100m`.
 *
 * @returns undefined if it isn't a quantity above zero: `10GB`, `-1Gi`, `0`, `abc`, anything with spaces
 */
export function parseQuantity(text: string): Amount | undefined {
  const match = QUANTITY.exec(text);
  if (!match) return undefined;
  const [, digits = "", exponent, suffix = ""] = match;
  const [whole = "", fraction = ""] = digits.split(".");
  const [up, down] = exponent ? powerOfTen(Number(exponent.slice(1))) : (SUFFIXES[suffix] ?? [1n, 1n]);
  const numerator = BigInt(whole + fraction) * up;
  return numerator === 0n ? undefined : { numerator, denominator: 10n ** BigInt(fraction.length) * down };
}

function powerOfTen(exponent: number): readonly [bigint, bigint] {
  const power = 10n ** BigInt(Math.abs(exponent));
  return exponent < 0 ? [1n, power] : [power, 1n];
}

/** The amount of a validated quantity; throws an error that names any other. */
export function quantity(text: string): Amount {
  const amount = parseQuantity(text);
  if (!amount) throw new Error(`not a Kubernetes quantity: ${text}`);
  return amount;
}

/** Negative, 0 or positive if `a` is less than, equal to or greater than `b`. */
export function compareQuantities(a: string, b: string): number {
  const [left, right] = [quantity(a), quantity(b)];
  const difference = left.numerator * right.denominator - right.numerator * left.denominator;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** Whole units (bytes, CPUs) of an amount, rounded down. */
export function floorUnits({ numerator, denominator }: Amount): bigint {
  return numerator / denominator;
}

/** Whole bytes of a quantity, rounded down: exact up to 8 PiB. */
export function bytes(text: string): number {
  return Number(floorUnits(quantity(text)));
}

/** CPUs of a quantity, rounded down to a thousandth: `250m` is 0.25. */
export function cpus(text: string): number {
  const { numerator, denominator } = quantity(text);
  return Number((numerator * 1000n) / denominator) / 1000;
}
