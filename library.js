// The package's entry for other programs.
require("./register");
module.exports = require("./library.ts");
