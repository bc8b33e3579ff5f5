import { PostgresImage } from "./image";
import { PostgresInstance } from "./k8s";
import { loadSettings } from "./settings";

// What the stack's file says, checked as a whole: one object, every error at once, before anything is registered.
const settings = loadSettings();

// The image, built from docker-context/ or named; its tag is known at preview.
const image = new PostgresImage("postgres", { ...settings.image, major: settings.postgres.version });

// Everything that runs: volume, credentials, settings, server, services, backups.
const database = new PostgresInstance("postgres", {
  ...settings,
  image: image.reference,
  imageTag: image.tag,
});

export const { tag, digest, reference: imageRef } = image;
export const { host, port, secretName, superuserSecretName, claimSize, backupPrefix, psql } = database;
