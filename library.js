// The package's entry point for other programs. Node.js reads the exports' names from this text without running it, so that an
// ES module can import them from this CommonJS one.
require("./register");
const { PostgresImage, PostgresInstance, settingsFrom } = require("./library.ts");
module.exports = { PostgresImage, PostgresInstance, settingsFrom };
