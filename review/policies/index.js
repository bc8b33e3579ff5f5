// The policy pack: Pulumi starts it without the options of its runtime.
require("../../register");
require("./pack.ts");
