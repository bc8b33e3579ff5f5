require("../../typescript");
require("./pack.ts");
