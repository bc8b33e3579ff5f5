export { Clone, EditPrefix, StoreFault, Upgrade } from "./archives";
export { Kill, Nights, Write } from "./data";
export { everythingRestores } from "./end";
export { LoseVolume, Restore, Undo } from "./restores";
