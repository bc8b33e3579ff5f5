// Compiles this project's TypeScript, and no other program's, when Node.js loads it. Always loaded as in Pulumi.yaml:
// `node --require ./register.js`. Entry points that can't rely on this option (library.js, the policy pack) require it.
const { readFileSync } = require("node:fs");
const { join, sep } = require("node:path");
const { transform } = require("sucrase");

const loadOther = require.extensions[".ts"] ?? require.extensions[".js"];

require.extensions[".ts"] = (module, file) => {
  if (!isOurs(file)) return loadOther(module, file);
  const { code, sourceMap } = transform(readFileSync(file, "utf8"), {
    transforms: ["imports", "typescript"],
    sourceMapOptions: { compiledFilename: file },
    filePath: file,
  });
  const map = Buffer.from(JSON.stringify(sourceMap)).toString("base64"); // for debuggers
  module._compile(`${code}\n//# sourceMappingURL=data:application/json;base64,${map}`, file);
};

function isOurs(file) {
  return file.startsWith(__dirname + sep) && !file.startsWith(join(__dirname, "node_modules") + sep);
}
