import { expect } from "chai";
import { backupList, planner, SYSTEM } from "./planner";

const OTHER = "7000000000000000001";
const UUID = "11111111-1111-4111-8111-111111111111";
const STRANGER = "22222222-2222-4222-8222-222222222222";
const THIRD = "33333333-3333-4333-8333-333333333333";

interface Owner {
  uuid: string;
  system?: string;
  owner?: string;
  replaces?: string[];
  at?: number;
}

interface Case {
  owners?: Owner[];
  live?: number;
  evidence?: { backups?: string[]; wal?: string };
  [field: string]: unknown;
}

function identity({ owners = [], live, evidence, ...fields }: Case) {
  const files: Record<string, string> = {
    owners: owners
      .map((owner) => `${JSON.stringify({ system: SYSTEM, owner: "", replaces: [], at: 0, ...owner })}\n`)
      .join(""),
  };
  if (live !== undefined) files["live.json"] = JSON.stringify({ timeline: live });
  if (evidence) {
    const { backups = [], wal = "" } = evidence;
    files["backups.json"] = backupList(
      backups.map((system, minute) => ({ timeline: 1, segment: minute + 1, minute: minute + 1, system })),
    );
    files["wal-system"] = wal;
  }
  const request = { uuid: "", system: SYSTEM, timeline: 1, prefix: "/backups/18", ...fields };
  const answer = planner("identity", files, request as Record<string, string | number>);
  return answer.code === 0 ? answer.lines : [`error ${answer.error}`];
}

const verdict = (input: Case) => identity(input)[0]?.replace(/^verdict /, "");

describe("whose an archive is", () => {
  const mine = [{ uuid: UUID }];

  it("is the database's that claimed it", () => {
    expect(verdict({ owners: mine, uuid: UUID, claimed: 1 })).to.equal("owner");
  });

  it("bears the name that its database has now, and replaces what it did before", () => {
    const moved = [{ uuid: UUID, owner: "shop/old", replaces: [STRANGER] }];
    expect(verdict({ owners: moved, uuid: UUID, claimed: 1, owner: "shop/new" })).to.equal(
      `rename ${STRANGER}`,
    );
    expect(verdict({ owners: moved, uuid: UUID, claimed: 1, owner: "shop/old" })).to.equal("owner");
    expect(verdict({ owners: moved, uuid: UUID, claimed: 1 })).to.equal("owner");
  });

  it("is another's where the volume's uuid is another, though the system is the same: a clone", () => {
    const [word, why] = identity({ owners: [{ uuid: STRANGER, owner: "shop/prod" }], uuid: UUID });
    expect(word).to.equal("verdict stranger");
    expect(why).to.equal(`why it belongs to shop/prod (system ${SYSTEM}, ${STRANGER}, since 1970-01-01)`);
  });

  it("is another's where the volume has claimed nothing, whatever the system", () => {
    for (const system of [SYSTEM, OTHER])
      expect(verdict({ owners: [{ uuid: STRANGER, system }] })).to.equal("stranger");
    expect(verdict({ owners: [{ uuid: STRANGER, owner: "a" }], owner: "b" })).to.equal("stranger");
  });

  it("is adopted by a volume without a uuid whose owner and system are those of the archive", () => {
    const owners = [{ uuid: STRANGER, owner: "shop/prod" }];
    expect(verdict({ owners, owner: "shop/prod" })).to.equal(`adopt ${STRANGER}`);
    expect(verdict({ owners, owner: "shop/prod", system: OTHER })).to.equal("stranger");
  });

  it("is adopted by no old copy: the archive went on to a timeline that these data don't know", () => {
    const owners = [{ uuid: STRANGER, owner: "shop/prod" }];
    expect(verdict({ owners, owner: "shop/prod", live: 2 })).to.equal("stranger");
    expect(verdict({ owners, owner: "shop/prod", live: 2, timeline: 2 })).to.equal(`adopt ${STRANGER}`);
  });

  it("is not the database's whose data are of another system than its claim", () => {
    expect(verdict({ owners: mine, uuid: UUID, claimed: 1, system: OTHER })).to.equal("stranger");
  });

  it("is not an old copy's: the archive went on to a timeline that these data don't know", () => {
    expect(verdict({ owners: mine, uuid: UUID, claimed: 1, live: 2 })).to.equal("stranger");
    expect(verdict({ owners: mine, uuid: UUID, claimed: 1, live: 2, timeline: 3 })).to.equal("owner");
  });

  it("is not known to be the database's where it holds other content of a segment", () => {
    const lines = identity({ owners: mine, uuid: UUID, claimed: 1, collision: "000000010000000000000005" });
    expect(lines[0]).to.equal("verdict stranger");
    expect(lines[1]).to.contain("000000010000000000000005");
  });

  it("is nobody's where nobody claimed it: what it holds is looked at before", () => {
    expect(verdict({})).to.equal("unowned");
    expect(verdict({ evidence: {} })).to.equal("claim");
    expect(verdict({ evidence: { backups: [SYSTEM] } })).to.equal("claim");
    expect(verdict({ evidence: { backups: [OTHER, SYSTEM] } })).to.equal("claim");
    expect(verdict({ evidence: { backups: [OTHER], wal: SYSTEM } })).to.equal("stranger");
    expect(verdict({ evidence: { wal: SYSTEM } })).to.equal("claim");
    expect(verdict({ evidence: { wal: OTHER } })).to.equal("stranger");
  });

  it("is not claimed by the volume that was cloned from it", () => {
    const evidence = { backups: [SYSTEM] };
    expect(verdict({ evidence, cloned_from: "/backups/18" })).to.equal("stranger");
    expect(verdict({ evidence, cloned_from: "/other/18" })).to.equal("claim");
  });

  it("is nobody's for a while when two claim at once: both take it back", () => {
    const owners = [{ uuid: UUID }, { uuid: STRANGER }];
    expect(verdict({ owners, uuid: UUID })).to.equal("withdraw");
    expect(verdict({ owners, uuid: STRANGER })).to.equal("withdraw");
  });

  it("stays the owner's while another's claim comes and goes", () => {
    expect(verdict({ owners: [{ uuid: UUID }, { uuid: STRANGER }], uuid: UUID, claimed: 1 })).to.equal(
      "owner",
    );
  });

  it("is taken over by a restore onto a new volume", () => {
    const owners = [{ uuid: STRANGER }, { uuid: THIRD, replaces: [STRANGER] }];
    expect(verdict({ owners, takeover: 1 })).to.equal(`takeover ${STRANGER},${THIRD}`);
    expect(verdict({ owners, takeover: 1, system: OTHER })).to.equal("stranger");
    expect(verdict({ owners: [{ uuid: STRANGER, owner: "a" }], takeover: 1, owner: "b" })).to.equal(
      "stranger",
    );
    expect(
      verdict({ owners: [{ uuid: STRANGER, owner: "a" }], takeover: 1, owner: "a", system: OTHER }),
    ).to.equal(`takeover ${STRANGER}`);
  });

  it("follows its database to the data of another system, which a restore brought there", () => {
    expect(verdict({ owners: mine, uuid: UUID, claimed: 1, system: OTHER, takeover: 1 })).to.equal(
      `takeover ${UUID}`,
    );
  });

  it("is not the former volume's any more once it was taken over", () => {
    const owners = [{ uuid: UUID }, { uuid: STRANGER, replaces: [UUID] }];
    expect(verdict({ owners, uuid: UUID, claimed: 1 })).to.equal("stranger");
  });

  it("is judged by the name where the data can't be asked", () => {
    const owners = [{ uuid: STRANGER, owner: "a" }];
    expect(verdict({ owners, system: "", owner: "b", claimed: 1 })).to.equal("stranger");
    expect(verdict({ owners, system: "", owner: "a", claimed: 1 })).to.equal("owner");
    expect(verdict({ owners: [{ uuid: STRANGER }], system: "", owner: "b", claimed: 1 })).to.equal("owner");
  });

  it("comes with the timeline that lives there, where the archive says one", () => {
    const asked = { owners: mine, uuid: UUID, claimed: 1, timeline: 7 };
    expect(identity({ ...asked, live: 7 })).to.deep.equal(["verdict owner", "live 7"]);
    expect(identity({ ...asked, live: 9 }).at(-1)).to.equal("live 9");
    expect(identity(asked)).to.deep.equal(["verdict owner"]);
    const half = planner(
      "identity",
      { owners: JSON.stringify({ uuid: UUID, system: SYSTEM, owner: "", at: 0 }), "live.json": '{"timel' },
      {
        uuid: UUID,
        system: SYSTEM,
        claimed: 1,
        timeline: 7,
        prefix: "/backups/18",
      },
    );
    expect(half).to.deep.equal({ code: 0, error: "", lines: ["verdict owner"] });
  });

  it("can't be determined from half an object", () => {
    const half = planner("identity", { owners: '{"uuid":"a","sys\n' }, { uuid: "a", system: SYSTEM });
    expect(half.code).to.equal(1);
    expect(half.error).to.contain("only a part of it");
    const empty = planner("identity", { owners: '{"uuid":"a"}\n' }, { uuid: "a", system: SYSTEM });
    expect(empty.error).to.contain("has no system");
  });

  it("is at most one database's, in whatever order two of them look, claim and look again", () => {
    const orders = Array.from({ length: 64 }, (_, bits) =>
      [0, 1, 2, 3, 4, 5].map((turn) => (bits >> turn) & 1),
    );
    for (const turns of orders.filter((order) => order.filter(Boolean).length === 3)) {
      const stored = new Map<string, Owner>();
      const machines = [UUID, STRANGER].map((uuid) => ({ uuid, step: "look", believes: false }));
      for (const turn of turns) {
        const machine = machines[turn] as (typeof machines)[0];
        const { uuid, step } = machine;
        const look = () => verdict({ owners: [...stored.values()], uuid, evidence: {} });
        if (step === "look" && look() === "claim") machine.step = "put";
        else if (step === "put") {
          stored.set(uuid, { uuid });
          machine.step = "again";
        } else if (step === "again") {
          const answer = look();
          machine.believes = answer === "owner";
          machine.step = "done";
          if (answer === "withdraw") stored.delete(uuid);
        }
      }
      expect(machines.filter(({ believes }) => believes).length, `${turns}`).to.be.at.most(1);
    }
  }).timeout(120_000);
});
