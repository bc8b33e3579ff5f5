/** Fields that hold secrets. Apart from the others, because only these need Pulumi, which takes a second to load. */
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";

/** A validated secret; no message shows its value. A program may pass an output, whose value is not known yet. */
function secret(wrong: string, allowed: string, valid: (value: string) => boolean) {
  return z.custom<string | pulumi.Output<string>>(
    (value) => pulumi.Output.isInstance(value) || (typeof value === "string" && valid(value)),
    { error: ({ input }) => `${input === undefined ? "is missing" : wrong} (${allowed})` },
  );
}

/** Digits must be stored as text, or they lose leading zeros. */
export const secretText = secret(
  "must be text on one line",
  "digits alone are stored as text by: pulumi config set --secret --path --type string",
  (value) => value !== "" && !/[\r\n\0]/.test(value),
);

/** A multi-line private key as gpg exports it. */
export const pgpKey = secret(
  "is not an OpenPGP private key",
  "all that `gpg --armor --export-secret-keys <name>` prints: pulumi config set --secret --path ... < key.asc",
  (value) =>
    /^-----BEGIN PGP PRIVATE KEY BLOCK-----\r?\n[^\0]+\n-----END PGP PRIVATE KEY BLOCK-----$/.test(
      value.trim(),
    ),
);

/** A 32-byte key. */
export const hexKey = secret(
  "is not a key of 32 bytes",
  "64 hexadecimal digits, as printed by: openssl rand -hex 32",
  (value) => /^[0-9a-f]{64}$/i.test(value),
);
