import { expect } from "chai";
import fc from "fast-check";
import { isCron } from "../../../settings/cron";

describe("a schedule", () => {
  const accepted = [
    "15 2 * * *",
    "*/5 * * * *",
    "0 0 1 jan *",
    "0 0 * * SUN",
    "0 1-5 * * *",
    "0 8-18/2 * * 1-5",
    "0,30 * * * *",
    "0 0 29 2 *",
    "05 02 * * *",
    "0 0 31 12 0",
  ];
  for (const text of accepted) it(`may be ${text}`, () => expect(isCron(text)).to.equal(true));

  const refused: [string, string][] = [
    ["", "nothing at all"],
    ["* * * *", "four fields"],
    ["0 15 2 * * *", "seconds"],
    ["@daily", "a nickname, which Kubernetes reads and the validation of fields does not"],
    ["0 0 L * *", "the last day, which cron does not know"],
    ["0 0 15W * *", "the nearest weekday, which cron does not know"],
    ["0 0 * * 5#2", "the second Friday, which cron does not know"],
    ["0 0 ? * *", "a question mark, which cron does not know"],
    ["0 0 * * 7", "7 for Sunday, which Kubernetes does not know"],
    ["0 0 * * mon-fri", "a range of names, which cron's manual rules out"],
    ["0 0 * * mon,fri", "a list of names, which cron's manual rules out"],
    ["0 0 * mon *", "a weekday as a month"],
    ["0 0 * * jan", "a month as a weekday"],
    ["0 0 31 2 *", "a day that never comes"],
    ["60 * * * *", "minute 60"],
    ["0 24 * * *", "hour 24"],
    ["0 0 0 * *", "day 0"],
    ["0 0 * 13 *", "month 13"],
    ["*/0 * * * *", "steps of nothing"],
    ["5/10 * * * *", "steps of a single number, which cron refuses"],
    ["30-10 * * * *", "a range backwards"],
    ["0  2 * * *", "two spaces"],
    ["0 2 * * * ", "a space at the end"],
    ["0,,5 * * * *", "a gap in a list"],
    ["a b c d e", "letters"],
    ["-5 * * * *", "a negative number"],
    ["0 0 * * *\n* * * * *", "a second line"],
  ];
  for (const [text, what] of refused) it(`may not be ${what}`, () => expect(isCron(text)).to.equal(false));

  it("may be any time of any day", () => {
    fc.assert(
      fc.property(fc.nat(59), fc.nat(23), fc.integer({ min: 1, max: 28 }), (minute, hour, day) =>
        isCron(`${minute} ${hour} ${day} * *`),
      ),
    );
  });
});
