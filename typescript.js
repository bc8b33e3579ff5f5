// Transforms this project's TypeScript as it is loaded, for entries that nobody starts with sucrase: below node_modules nobody
// else would, and Pulumi starts a policy pack without the options of its runtime.
const { readFileSync } = require("node:fs");
const { join, sep } = require("node:path");
const { transform } = require("sucrase");

const loadOther = require.extensions[".ts"] ?? require.extensions[".js"];

require.extensions[".ts"] = (module, file) => {
  if (!isOurs(file)) return loadOther(module, file);
  const source = readFileSync(file, "utf8");
  module._compile(transform(source, { transforms: ["imports", "typescript"], filePath: file }).code, file);
};

function isOurs(file) {
  return file.startsWith(__dirname + sep) && !file.startsWith(join(__dirname, "node_modules") + sep);
}
