// The package's entry for other programs.
require("./typescript");
module.exports = require("./library.ts");
