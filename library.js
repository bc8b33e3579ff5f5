// The package's entry for other programs. Nobody else transforms TypeScript below node_modules, so this does, for its own files.
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

module.exports = require("./library.ts");
