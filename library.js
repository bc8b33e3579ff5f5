// The package's entry for other programs. The names stand here, so that an ES module can import them from this CommonJS one: Node.js reads
// them without running it.
require("./register");
const { PostgresImage, PostgresInstance, settingsFrom } = require("./library.ts");
module.exports = { PostgresImage, PostgresInstance, settingsFrom };
