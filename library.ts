/** What other Pulumi programs import from "postgres-stack". docs/library.md shows it in use. */
export { PostgresImage, type PostgresImageArgs } from "./image";
export { type ClusterArgs, PostgresInstance, type PostgresInstanceArgs } from "./k8s";
export { type DatabaseInput, type Settings, settingsFrom } from "./settings";
