/** The exports of "postgres-stack" for other Pulumi programs. docs/library.md shows how to use them. */
export { PostgresImage, type PostgresImageArgs } from "./image";
export { type ClusterArgs, PostgresInstance, type PostgresInstanceArgs } from "./k8s";
export { type DatabaseInput, type Settings, settingsFrom } from "./settings";
