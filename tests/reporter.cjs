// Mocha's spec reporter; at the end it writes the counts, and the title and details of each failure, to the file named by TEST_RESULT.
const { writeFileSync } = require("node:fs");
const { format } = require("node:util");
const { reporters } = require("mocha");

module.exports = class extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once("end", () => {
      const { passes, failures, pending } = runner.stats;
      const titles = this.failures.map((test) => test.fullTitle());
      const result = { passed: passes, failed: failures, skipped: pending, titles, details: details(this.failures) };
      if (process.env.TEST_RESULT) writeFileSync(process.env.TEST_RESULT, JSON.stringify(result));
    });
  }
};

function details(failures) {
  const lines = [];
  const print = reporters.Base.consoleLog;
  reporters.Base.consoleLog = (...line) => lines.push(format(...line));
  if (failures.length > 0) reporters.Base.list(failures);
  reporters.Base.consoleLog = print;
  return lines.join("\n");
}
