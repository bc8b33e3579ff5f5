import { type Amount, quantity } from "./quantity";

const MI = 2n ** 20n;

/**
 * Size of the volume for `dataSize` of data: 2.5 times as much, rounded up to a whole Mi.
 *
 * The data, a second copy while a restore keeps the data that it replaces, and half of it for WAL and temporary files
 * (docs/settings.md).
 */
export function claimSize(dataSize: string): string {
  const { numerator, denominator }: Amount = quantity(dataSize);
  const divisor = denominator * 2n * MI;
  return `${(numerator * 5n + divisor - 1n) / divisor}Mi`;
}

/** Bytes available to WAL: the volume without the data and a restore's copy of it, half of `dataSize`. */
export function walRoom(dataSize: string): number {
  const { numerator, denominator } = quantity(dataSize);
  return Number(numerator / (denominator * 2n));
}
