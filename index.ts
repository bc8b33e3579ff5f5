import { PostgresImage } from "./image";
import { PostgresInstance } from "./k8s";
import { loadSettings } from "./settings";

// The stack's settings. Reports every problem at once, before anything is registered.
const settings = loadSettings();

// The image, built from docker-context/ or an existing one; its tag is known at preview.
const image = new PostgresImage("postgres", { ...settings.image, major: settings.postgres.version });

// Everything that runs: volume, credentials, settings, server, services, backups.
const database = new PostgresInstance("postgres", {
  ...settings,
  image: image.reference,
  imageTag: image.tag,
});

export const { tag, digest, reference: imageRef } = image;
export const { host, port, secretName, superuserSecretName, claimSize, backupPrefix, psql } = database;
